// migration_run.h — one file of a migration, statement by statement, and its row in the version table.
//
// A file is one transaction with its row. One that begins with the line `-- no transaction` is not: how far it came is kept beside the
// version table, under a checksum of what has run, so that the next run goes on behind it; and an index that an interrupted CREATE INDEX
// CONCURRENTLY left invalid is dropped and built again.
#ifndef DB_MIGRATION_RUN_H
#define DB_MIGRATION_RUN_H

#include "db/migration_session.h"

enum { MIGRATION_TRY_COUNT_MAX = 5 }; // of a file that waits for a table, each for session->lock_timeout_ms

/** Runs the up file (or the down file) and writes (or deletes) its row. `*ret_ms` is what it took. Within migration_session_begin(). */
int migration_run(struct migration_session *session, const struct migration_file *file, bool is_up, long *ret_ms);
/** The same as a script for psql, appended to `script`. */
int migration_script(struct migration_session *session, const struct migration_file *file, bool is_up, struct buffer *script);
/** The row alone: the file counts as applied, with the checksum it has now. */
int migration_write_row(struct migration_session *session, const struct migration_file *file, long ms);
int migration_delete_row(struct migration_session *session, const char *plugin, int64_t version);

#endif
