// migration_index.h — CREATE INDEX CONCURRENTLY, which leaves an invalid index behind where it is interrupted.
#ifndef DB_MIGRATION_INDEX_H
#define DB_MIGRATION_INDEX_H

#include "db/migration_session.h"

/**
 * Looks for the index of that statement before it runs: an invalid one is dropped, concurrently, which is said; a valid one on the same
 * table makes `*ret_is_there` true: an interrupted run went so far. 0, or a negative errno and session->failure.
 */
int concurrent_index_prepare(struct migration_session *session, str statement, bool *ret_is_there);
/** Says which indexes of the tables in the search path are invalid: nothing reads them, every write pays for them. */
int concurrent_index_warn(struct migration_session *session);

#endif
