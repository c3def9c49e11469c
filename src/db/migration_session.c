// migration_session.c — one connection that changes the schema, alone: the advisory lock, the version table, what is said meanwhile.
#include "migration_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#include "base/clock.h"

enum { LOCK_POLL_MS = 100, CONNECT_POLL_MS = 500, LINE_BYTES_MAX = 1024 };

#define LOCK_KEY "7811887846218853" // "leat" and a random tail: one lock for each database

// ---- what is said

void migration_session_say(struct migration_session *session, const char *format, ...) {
    char line[LINE_BYTES_MAX];
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    bytes = bytes < (int)sizeof line - 1 ? bytes : (int)sizeof line - 2;
    line[bytes] = '\n';
    buffer_append(&session->text, line, (size_t)bytes + 1);
}

int migration_session_fail(struct migration_session *session, int error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    session->failure = arena_vformat(session->arena, format, args);
    va_end(args);
    return error;
}

// ---- talking to Postgres

static void ignore_notice(void *arg, const PGresult *result) {
    (void)arg;
    (void)result;
}

bool migration_result_is_good(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

int migration_session_error(const struct migration_session *session, int error) {
    return PQstatus(session->connection) == CONNECTION_BAD ? -ECONNREFUSED : error;
}

int migration_session_query(struct migration_session *session, const char *sql, const char *const *values, int value_count,
                            PGresult **ret_result) {
    PGresult *result =
        values ? PQexecParams(session->connection, sql, value_count, NULL, values, NULL, NULL, 0) : PQexec(session->connection, sql);
    if (!migration_result_is_good(result)) {
        int error = migration_session_fail(session, migration_session_error(session, -EINVAL),
                                           "the database refuses what migrations need: %s", PQerrorMessage(session->connection));
        PQclear(result);
        return error;
    }
    if (ret_result)
        *ret_result = result;
    else
        PQclear(result);
    return 0;
}

int migration_session_command(struct migration_session *session, const char *sql) {
    return migration_session_query(session, sql, NULL, 0, NULL);
}

// ---- the session

// Waiting for a table blocks everybody who comes after us, so not for long; the migration itself may take its time.
static int apply_settings(struct migration_session *session) {
    uint32_t lock_timeout_ms = session->lock_timeout_ms ? session->lock_timeout_ms : MIGRATION_LOCK_TIMEOUT_MS;
    const char *sql = arena_format(session->arena,
                                   "SET lock_timeout = %u; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = '60s'; "
                                   "SET client_min_messages = warning",
                                   lock_timeout_ms)
                          .ptr;
    int error = sql ? migration_session_command(session, sql) : -ENOMEM;
    if (error == 0 && PQserverVersion(session->connection) >= 140000)
        error =
            migration_session_command(session, "SET client_connection_check_interval = '1s'"); // a killed one ends soon in the server too
    return error;
}

int migration_session_reset(struct migration_session *session) {
    int error = migration_session_command(session, "RESET SESSION AUTHORIZATION; RESET ALL");
    return error ? error : apply_settings(session);
}

static int find_schema(struct migration_session *session) {
    PGresult *result = NULL;
    int error = migration_session_query(session, "SELECT quote_ident(current_schema())", NULL, 0, &result);
    if (error)
        return error;
    bool has_schema = !PQgetisnull(result, 0, 0);
    session->table = has_schema ? arena_format(session->arena, "%s.leat_migrations", PQgetvalue(result, 0, 0)).ptr : NULL;
    PQclear(result);
    if (!has_schema)
        return migration_session_fail(session, -EINVAL, "the search_path of this user names no schema that exists: CREATE SCHEMA public");
    return session->table ? 0 : -ENOMEM;
}

static void nap_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int connect_once(struct migration_session *session, const char *conninfo) {
    // before dbname, so that the connection string may say otherwise
    const char *const names[] = {"connect_timeout", "fallback_application_name", "dbname", "client_encoding", NULL};
    const char *const values[] = {"10", "leat migrate", conninfo, "UTF8", NULL};
    session->connection = PQconnectdbParams(names, values, 1);
    if (!session->connection)
        return -ENOMEM;
    if (PQstatus(session->connection) == CONNECTION_OK)
        return 0;
    const char *said = PQerrorMessage(session->connection);
    size_t bytes = strlen(said);
    while (bytes && said[bytes - 1] == '\n')
        bytes--;
    return migration_session_fail(session, -ECONNREFUSED, "no connection to the database: %.*s; check DATABASE_URL, and that Postgres runs",
                                  (int)bytes, said);
}

static int connect(struct migration_session *session, const char *conninfo) {
    int64_t due_ns = clock_monotonic_ns() + (int64_t)session->wait_ms * 1000000;
    for (;;) {
        int error = connect_once(session, conninfo);
        if (error != -ECONNREFUSED || clock_monotonic_ns() >= due_ns)
            return error;
        PQfinish(session->connection);
        session->connection = NULL;
        nap_ms(CONNECT_POLL_MS);
    }
}

int migration_session_open(struct migration_session *session, const char *conninfo) {
    session->failure = S("out of memory");
    int error = connect(session, conninfo);
    if (error)
        return error;
    PQsetNoticeReceiver(session->connection, ignore_notice, NULL);
    error = apply_settings(session);
    return error ? error : find_schema(session);
}

void migration_session_close(struct migration_session *session) {
    PQfinish(session->connection);
    session->connection = NULL;
}

static uint32_t lock_ms(const struct migration_session *session) {
    return session->wait_ms ? session->wait_ms : MIGRATION_LOCK_MS_MAX;
}

static int refuse_to_wait(struct migration_session *session) {
    PGresult *result = NULL;
    int error =
        migration_session_query(session,
                                "SELECT string_agg(format('process %s of %s since %s', a.pid, a.application_name, a.backend_start), ', ') "
                                "FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted "
                                "AND (l.classid::bigint << 32 | l.objid::bigint) = " LOCK_KEY,
                                NULL, 0, &result);
    if (error)
        return error;
    error = migration_session_fail(
        session, -EINVAL,
        "another server has been migrating this database for %u s (%s): wait for it (--wait), or pg_terminate_backend() it",
        lock_ms(session) / 1000, PQgetvalue(result, 0, 0));
    PQclear(result);
    return error;
}

static int take_lock(struct migration_session *session) {
    int64_t due_ns = clock_monotonic_ns() + (int64_t)lock_ms(session) * 1000000;
    for (;;) {
        PGresult *result = NULL;
        int error = migration_session_query(session, "SELECT pg_try_advisory_lock(" LOCK_KEY ")", NULL, 0, &result);
        if (error)
            return error;
        bool is_ours = *PQgetvalue(result, 0, 0) == 't';
        PQclear(result);
        if (is_ours)
            return 0;
        if (clock_monotonic_ns() > due_ns)
            return refuse_to_wait(session);
        nap_ms(LOCK_POLL_MS);
    }
}

str migration_session_table_sql(struct migration_session *session) {
    return arena_format(session->arena,
                        "CREATE TABLE IF NOT EXISTS %s (plugin text NOT NULL, version bigint NOT NULL, name text NOT NULL, "
                        "checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), duration_ms bigint NOT NULL, "
                        "PRIMARY KEY (plugin, version))",
                        session->table);
}

int migration_session_begin(struct migration_session *session) {
    int error = take_lock(session);
    const char *sql = migration_session_table_sql(session).ptr;
    if (error)
        return error;
    return sql ? migration_session_command(session, sql) : -ENOMEM;
}

// NUL-terminated, which is not counted.
static str copy_value(struct arena *arena, const PGresult *result, int row, int column) {
    return arena_format(arena, "%s", PQgetvalue(result, row, column));
}

static int has_table(struct migration_session *session, bool *ret_has_table) {
    PGresult *result = NULL;
    int error = migration_session_query(session, "SELECT to_regclass($1) IS NOT NULL", &session->table, 1, &result);
    if (error)
        return error;
    *ret_has_table = *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    return 0;
}

static void read_row(struct arena *arena, const PGresult *result, int row, struct applied_migration *applied) {
    *applied = (struct applied_migration){.version = strtoll(PQgetvalue(result, row, 0), NULL, 10),
                                          .name = copy_value(arena, result, row, 1),
                                          .checksum = copy_value(arena, result, row, 2),
                                          .applied_at = copy_value(arena, result, row, 3),
                                          .plugin = copy_value(arena, result, row, 4).ptr,
                                          .duration_ms = strtol(PQgetvalue(result, row, 5), NULL, 10)};
}

static int select_rows(struct migration_session *session, const char *plugin, PGresult **ret_result) {
    const char *sql = arena_format(session->arena,
                                   "SELECT version, name, checksum, to_char(applied_at AT TIME ZONE 'UTC', "
                                   "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), plugin, duration_ms FROM %s %s",
                                   session->table, plugin ? "WHERE plugin = $1 ORDER BY version" : "ORDER BY applied_at, plugin, version")
                          .ptr;
    return sql ? migration_session_query(session, sql, plugin ? &plugin : NULL, plugin != NULL, ret_result) : -ENOMEM;
}

int migration_session_applied(struct migration_session *session, const char *plugin, struct applied_migration **ret_rows,
                              unsigned *ret_count) {
    bool is_there;
    PGresult *result = NULL;
    int error = has_table(session, &is_there);
    if (error == 0 && is_there)
        error = select_rows(session, plugin, &result);
    if (error)
        return error;
    int count = PQntuples(result);
    struct applied_migration *rows = arena_alloc(session->arena, ((size_t)count + 1) * sizeof *rows);
    for (int i = 0; rows && i < count; i++)
        read_row(session->arena, result, i, &rows[i]);
    PQclear(result);
    if (!rows)
        return -ENOMEM;
    *ret_rows = rows;
    *ret_count = (unsigned)count;
    return 0;
}
