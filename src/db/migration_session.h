// migration_session.h — one connection that changes the schema, alone: the advisory lock, the version table, what is said meanwhile.
//
// The lock is a session's advisory lock, taken by trying again and again: a session that waits inside pg_advisory_lock() keeps a snapshot,
// and CREATE INDEX CONCURRENTLY in the session that has the lock would wait for that one for ever. A pooler that hands out a connection a
// transaction cannot hold it: give DATABASE_URL of the server itself.
#ifndef DB_MIGRATION_SESSION_H
#define DB_MIGRATION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "db/migration_file.h"

enum {
    MIGRATION_LOCK_MS_MAX = 600000,   // how long another server may migrate, where nobody said otherwise
    MIGRATION_LOCK_TIMEOUT_MS = 5000, // how long a statement waits for a table, where nobody said otherwise
};

struct pg_conn;
struct pg_result;

struct migration_session {
    struct pg_conn *connection; // libpq's PGconn
    struct arena *arena;
    const char *table;        // schema-qualified, quoted
    uint32_t wait_ms;         // for a database that is not there yet, and for the lock; 0: connects once, waits MIGRATION_LOCK_MS_MAX
    uint32_t lock_timeout_ms; // of a statement
    struct buffer text;       // a line for all that happened; migration_session_say()
    str failure;              // what is wrong; set whenever a call fails
};

/** A row of the version table. */
struct applied_migration {
    const char *plugin;
    int64_t version;
    str name, checksum, applied_at; // the time as ISO 8601, UTC
    long duration_ms;
};

/**
 * 0, or -ECONNREFUSED, -EINVAL, -ENOMEM and session->failure. Close it in any case. arena, wait_ms and lock_timeout_ms (0: the usual one)
 * are set before, the rest is zero.
 */
int migration_session_open(struct migration_session *session, const char *conninfo);
/** The text and the failure stay. */
void migration_session_close(struct migration_session *session);
/** Waits until no other server migrates this database, and makes the version table where it is missing. */
int migration_session_begin(struct migration_session *session);
/** What makes the version table; `ptr` is NULL without memory. */
str migration_session_table_sql(struct migration_session *session);
/** What was applied of `plugin` by version, or of all (NULL) as it was applied. No rows where there is no table yet. */
int migration_session_applied(struct migration_session *session, const char *plugin, struct applied_migration **ret_rows,
                              unsigned *ret_count);

/** A line for the report. One that memory has no room for is left out: the counts tell all the same. */
void migration_session_say(struct migration_session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** session->failure; returns `error`. */
int migration_session_fail(struct migration_session *session, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

// ---- for the files of this floor that speak to Postgres by it

/** A statement of our own, which fails only when the connection or the permissions do. `ret_result` may be NULL. */
int migration_session_query(struct migration_session *session, const char *sql, const char *const *values, int value_count,
                            struct pg_result **ret_result);
/** Several statements without parameters. */
int migration_session_command(struct migration_session *session, const char *sql);
/** What a file may have SET is as it was. */
int migration_session_reset(struct migration_session *session);
bool migration_result_is_good(const struct pg_result *result);
/** `error`, or -ECONNREFUSED where the connection is gone. */
int migration_session_error(const struct migration_session *session, int error);

#endif
