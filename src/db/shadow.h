// shadow.h — declared tables made as temporary ones, so that Postgres itself says what they would be.
//
// Within a transaction that is never committed: no lock on any table that is in use, no row read, nothing left behind. What a declaration
// says (types, defaults, expressions, foreign keys) is judged by the server that will have to take it.
#ifndef DB_SHADOW_H
#define DB_SHADOW_H

#include "db/declared.h"
#include "db/image.h"

struct shadow {
    const struct declared_table *table;
    const char *oid;          // of the temporary table
    const char *real_oid;     // of the table that is meant; NULL: it is not there
    struct table_image image; // what it would be, called as the table that is meant
};

/**
 * In a transaction of the session's. 0; -EINVAL and session->failure: a line in the compiler's shape for each declaration that the server
 * refuses; another negative errno.
 */
int shadows_make(struct migration_session *session, const struct declared_table *tables, unsigned table_count, struct shadow **ret_shadows);

#endif
