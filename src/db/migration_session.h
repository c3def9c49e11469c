// migration_session.h — one connection that changes the schema, alone: the advisory lock, the version table, one file at a time.
//
// The lock is a session's advisory lock, taken by trying again and again: a session that waits inside pg_advisory_lock() keeps a snapshot,
// and CREATE INDEX CONCURRENTLY in the session that has the lock would wait for that one for ever. A pooler that hands out a connection a
// transaction cannot hold it: give DATABASE_URL of the server itself.
#ifndef DB_MIGRATION_SESSION_H
#define DB_MIGRATION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "db/migration_file.h"

enum {
    MIGRATION_LOCK_MS_MAX = 600000, // how long another server may migrate
    MIGRATION_TRY_COUNT_MAX = 5,    // of a file that waits for a table: lock_timeout is 5 s
};

struct pg_conn;

struct migration_session {
    struct pg_conn *connection; // libpq's PGconn
    struct arena *arena;
    const char *table; // schema-qualified, quoted
    str failure;       // what is wrong; set whenever a call fails
};

/** A row of the version table. */
struct applied_migration {
    int64_t version;
    str name, checksum, applied_at;
};

/** 0, or -ECONNREFUSED, -EINVAL, -ENOMEM and session->failure. Close it in any case. */
int migration_session_open(struct migration_session *session, const char *conninfo, struct arena *arena);
void migration_session_close(struct migration_session *session);
/** Waits until no other server migrates this database, and makes the version table where it is missing. */
int migration_session_begin(struct migration_session *session);
/** What was applied of `plugin`, by version. No rows where there is no table yet. */
int migration_session_applied(struct migration_session *session, const char *plugin, struct applied_migration **ret_rows,
                              unsigned *ret_count);
/** Runs the up file (or the down file) and writes (or deletes) its row. `*ret_ms` is what it took. */
int migration_session_run(struct migration_session *session, const struct migration_file *file, bool is_up, long *ret_ms);

#endif
