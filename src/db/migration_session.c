// migration_session.c — one connection that changes the schema, alone: the advisory lock, the version table, one file at a time.
#include "migration_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "db/sql.h"
#include "db/sql_split.h"

enum { LOCK_POLL_MS = 100, TRY_PAUSE_MS = 500 };

#define LOCK_KEY "7811887846218853" // "leat" and a random tail: one lock for each database
// waiting for a table blocks everybody who comes after us, so not for long; the migration itself may take its time
#define OUR_SETTINGS                                                                                                                       \
    "SET lock_timeout = '5s'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = '60s'; "                                \
    "SET client_min_messages = warning"

// ---- talking to Postgres

static int fail_with(struct migration_session *session, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int fail_with(struct migration_session *session, int error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    session->failure = arena_vformat(session->arena, format, args);
    va_end(args);
    return error;
}

static void ignore_notice(void *arg, const PGresult *result) {
    (void)arg;
    (void)result;
}

static bool is_good(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

static int lost_or(const struct migration_session *session, int error) {
    return PQstatus(session->connection) == CONNECTION_BAD ? -ECONNREFUSED : error;
}

// A statement of our own, which fails only when the connection or the permissions do.
static int query(struct migration_session *session, const char *sql, const char *const *values, int value_count, PGresult **ret_result) {
    PGresult *result =
        values ? PQexecParams(session->connection, sql, value_count, NULL, values, NULL, NULL, 0) : PQexec(session->connection, sql);
    if (!is_good(result)) {
        int error = fail_with(session, lost_or(session, -EINVAL), "the database refuses what migrations need: %s",
                              PQerrorMessage(session->connection));
        PQclear(result);
        return error;
    }
    if (ret_result)
        *ret_result = result;
    else
        PQclear(result);
    return 0;
}

static int command(struct migration_session *session, const char *sql) {
    return query(session, sql, NULL, 0, NULL);
}

// ---- the session

static int apply_settings(struct migration_session *session) {
    int error = command(session, OUR_SETTINGS);
    if (error == 0 && PQserverVersion(session->connection) >= 140000)
        error = command(session, "SET client_connection_check_interval = '1s'"); // a killed migration ends soon in the server too
    return error;
}

static int find_schema(struct migration_session *session) {
    PGresult *result = NULL;
    int error = query(session, "SELECT quote_ident(current_schema())", NULL, 0, &result);
    if (error)
        return error;
    bool has_schema = !PQgetisnull(result, 0, 0);
    session->table = has_schema ? arena_format(session->arena, "%s.leat_migrations", PQgetvalue(result, 0, 0)).ptr : NULL;
    PQclear(result);
    if (!has_schema)
        return fail_with(session, -EINVAL, "the search_path of this user names no schema that exists: CREATE SCHEMA public");
    return session->table ? 0 : -ENOMEM;
}

int migration_session_open(struct migration_session *session, const char *conninfo, struct arena *arena) {
    *session = (struct migration_session){.arena = arena, .failure = S("out of memory")};
    // before dbname, so that the connection string may say otherwise
    const char *const names[] = {"connect_timeout", "fallback_application_name", "dbname", "client_encoding", NULL};
    const char *const values[] = {"10", "leat migrate", conninfo, "UTF8", NULL};
    session->connection = PQconnectdbParams(names, values, 1);
    if (!session->connection)
        return -ENOMEM;
    if (PQstatus(session->connection) != CONNECTION_OK) {
        const char *said = PQerrorMessage(session->connection);
        size_t bytes = strlen(said);
        while (bytes && said[bytes - 1] == '\n')
            bytes--;
        return fail_with(session, -ECONNREFUSED, "no connection to the database: %.*s; check DATABASE_URL, and that Postgres runs",
                         (int)bytes, said);
    }
    PQsetNoticeReceiver(session->connection, ignore_notice, NULL);
    int error = apply_settings(session);
    return error ? error : find_schema(session);
}

void migration_session_close(struct migration_session *session) {
    PQfinish(session->connection);
    session->connection = NULL;
}

static void nap_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int refuse_to_wait(struct migration_session *session) {
    PGresult *result = NULL;
    int error = query(session,
                      "SELECT string_agg(format('process %s of %s since %s', a.pid, a.application_name, a.backend_start), ', ') "
                      "FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted "
                      "AND (l.classid::bigint << 32 | l.objid::bigint) = " LOCK_KEY,
                      NULL, 0, &result);
    if (error)
        return error;
    error = fail_with(session, -EINVAL,
                      "another server has been migrating this database for 10 minutes (%s): wait for it, or pg_terminate_backend() it",
                      PQgetvalue(result, 0, 0));
    PQclear(result);
    return error;
}

static int take_lock(struct migration_session *session) {
    int64_t due_ns = clock_monotonic_ns() + (int64_t)MIGRATION_LOCK_MS_MAX * 1000000;
    for (;;) {
        PGresult *result = NULL;
        int error = query(session, "SELECT pg_try_advisory_lock(" LOCK_KEY ")", NULL, 0, &result);
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

int migration_session_begin(struct migration_session *session) {
    int error = take_lock(session);
    if (error)
        return error;
    const char *sql = arena_format(session->arena,
                                   "CREATE TABLE IF NOT EXISTS %s (plugin text NOT NULL, version bigint NOT NULL, name text NOT NULL, "
                                   "checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), duration_ms bigint NOT NULL, "
                                   "PRIMARY KEY (plugin, version))",
                                   session->table)
                          .ptr;
    return sql ? command(session, sql) : -ENOMEM;
}

static str copy_value(struct arena *arena, const PGresult *result, int row, int column) {
    return arena_copy(arena, (str){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)});
}

static int has_table(struct migration_session *session, bool *ret_has_table) {
    PGresult *result = NULL;
    int error = query(session, "SELECT to_regclass($1) IS NOT NULL", &session->table, 1, &result);
    if (error)
        return error;
    *ret_has_table = *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    return 0;
}

int migration_session_applied(struct migration_session *session, const char *plugin, struct applied_migration **ret_rows,
                              unsigned *ret_count) {
    bool is_there;
    int error = has_table(session, &is_there);
    if (error)
        return error;
    const char *sql =
        arena_format(session->arena,
                     "SELECT version, name, checksum, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
                     "FROM %s WHERE plugin = $1 ORDER BY version",
                     session->table)
            .ptr;
    PGresult *result = NULL;
    if (!sql || (is_there && (error = query(session, sql, &plugin, 1, &result)) != 0))
        return sql ? error : -ENOMEM;
    int count = PQntuples(result);
    struct applied_migration *rows = arena_alloc(session->arena, (size_t)count * sizeof *rows);
    for (int i = 0; rows && i < count; i++)
        rows[i] = (struct applied_migration){.version = strtoll(PQgetvalue(result, i, 0), NULL, 10),
                                             .name = copy_value(session->arena, result, i, 1),
                                             .checksum = copy_value(session->arena, result, i, 2),
                                             .applied_at = copy_value(session->arena, result, i, 3)};
    PQclear(result);
    if (!rows)
        return -ENOMEM;
    *ret_rows = rows;
    *ret_count = (unsigned)count;
    return 0;
}

// ---- one file

// A file that is being run.
struct run {
    struct migration_session *session;
    const struct migration_file *file;
    const char *path;
    str text;
    bool is_up, has_transaction;
    unsigned done_count;   // statements that went well
    bool is_worth_a_retry; // it failed for a lock
};

static const char *what_stays(const struct run *run) {
    if (run->has_transaction)
        return "nothing of this file is applied; correct it and start again";
    return run->done_count ? "it runs outside a transaction, so the statements before this one stay: make them IF NOT EXISTS, correct the "
                             "file and start again"
                           : "correct it and start again; an index that failed to build CONCURRENTLY stays behind and has to be dropped";
}

static const char *field_or(const PGresult *result, int field, const char *otherwise) {
    const char *text = PQresultErrorField(result, field);
    return text ? text : otherwise;
}

static int fail_statement(struct run *run, const struct sql_statement *statement, const PGresult *result) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE), *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    if (!state) // not a word from Postgres about it
        return fail_with(run->session, lost_or(run->session, -EINVAL), "%s:%u: error: %s", run->path, statement->line,
                         PQerrorMessage(run->session->connection));
    run->is_worth_a_retry = strcmp(state, "55P03") == 0 || strcmp(state, "40P01") == 0;
    unsigned line = position ? sql_statement_line(statement, (unsigned)strtoul(position, NULL, 10)) : statement->line;
    const char *detail = field_or(result, PG_DIAG_MESSAGE_DETAIL, ""), *hint = field_or(result, PG_DIAG_MESSAGE_HINT, "");
    return fail_with(run->session, -EINVAL, "%s:%u: error: %s (SQLSTATE %s)%s%s%s%s; %s", run->path, line,
                     field_or(result, PG_DIAG_MESSAGE_PRIMARY, "unknown"), state, *detail ? "; " : "", detail, *hint ? "; hint: " : "",
                     hint, what_stays(run));
}

static int run_statement(struct run *run, const struct sql_statement *statement) {
    char *end = (char *)statement->text.ptr + statement->text.len, kept = *end; // in our own buffer, which has a byte to spare
    *end = '\0';
    PGresult *result = PQexec(run->session->connection, statement->text.ptr);
    *end = kept;
    ExecStatusType status = PQresultStatus(result);
    int error = 0;
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
        error = fail_with(run->session, -EINVAL,
                          "%s:%u: error: COPY has nobody to copy from or to here: use INSERT, or COPY and a file of "
                          "the server",
                          run->path, statement->line);
    else if (!is_good(result))
        error = fail_statement(run, statement, result);
    PQclear(result);
    run->done_count += error == 0;
    return error;
}

static bool is_transaction_control(str text) {
    static const char *const words[] = {"begin", "start", "commit", "end", "rollback", "abort"};
    size_t position = 0;
    struct sql_token first = sql_next(text, &position);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sql_is_word(first, words[i]))
            return true;
    return sql_is_word(first, "prepare") && sql_is_word(sql_next(text, &position), "transaction");
}

typedef int statement_fn(struct run *run, const struct sql_statement *statement);

static int each_statement(struct run *run, statement_fn *fn) {
    struct sql_split split;
    struct sql_statement statement;
    sql_split_init(&split, run->text);
    for (;;) {
        int more = sql_split_next(&split, &statement);
        if (more < 0)
            return fail_with(run->session, more, "%s:%u: error: the quote or comment that begins here never ends", run->path,
                             statement.line);
        if (more == 0)
            return 0;
        int error = fn(run, &statement);
        if (error)
            return error;
    }
}

// Before anything runs: what could only be found half-way through.
static int check_statement(struct run *run, const struct sql_statement *statement) {
    if (run->has_transaction && is_transaction_control(statement->text))
        return fail_with(run->session, -EINVAL,
                         "%s:%u: error: the file is one transaction already: take this statement out, or begin the "
                         "file with the line -- no transaction",
                         run->path, statement->line);
    return 0;
}

// The row, whatever the file has SET.
static int write_row(struct run *run, long ms) {
    const struct migration_file *file = run->file;
    int error = command(run->session, "RESET SESSION AUTHORIZATION; RESET ALL");
    if (error == 0)
        error = apply_settings(run->session);
    const char *version = arena_format(run->session->arena, "%lld", (long long)file->version).ptr;
    const char *duration = arena_format(run->session->arena, "%ld", ms).ptr,
               *name = arena_format(run->session->arena, "%.*s", (int)file->name.len, file->name.ptr).ptr;
    const char *sql = arena_format(run->session->arena,
                                   run->is_up ? "INSERT INTO %s (plugin, version, name, checksum, duration_ms) VALUES ($1, $2, $3, $4, $5)"
                                              : "DELETE FROM %s WHERE plugin = $1 AND version = $2",
                                   run->session->table)
                          .ptr;
    if (error || !version || !duration || !name || !sql)
        return error ? error : -ENOMEM;
    const char *const values[] = {file->plugin, version, name, file->checksum, duration};
    return query(run->session, sql, values, run->is_up ? 5 : 2, NULL);
}

static int commit(struct run *run) {
    PGresult *result = PQexec(run->session->connection, "COMMIT");
    bool is_committed = is_good(result) && strcmp(PQcmdStatus(result), "COMMIT") == 0;
    int error = is_committed ? 0 : fail_statement(run, &(struct sql_statement){.line = 1}, result); // a deferred constraint
    PQclear(result);
    return error;
}

static int run_once(struct run *run, long *ret_ms) {
    int64_t begun_ns = clock_monotonic_ns();
    run->done_count = 0;
    run->is_worth_a_retry = false;
    int error = run->has_transaction ? command(run->session, "BEGIN") : 0;
    if (error == 0)
        error = each_statement(run, run_statement);
    PGTransactionStatusType status = PQtransactionStatus(run->session->connection);
    if (error == 0 && status != (run->has_transaction ? PQTRANS_INTRANS : PQTRANS_IDLE))
        error = fail_with(run->session, -EINVAL, "%s: error: a statement of it %s a transaction", run->path,
                          run->has_transaction ? "ended" : "began, and none ended,");
    long ms = (long)((clock_monotonic_ns() - begun_ns) / 1000000);
    if (error == 0)
        error = write_row(run, ms);
    if (error == 0 && run->has_transaction)
        error = commit(run);
    if (error == 0)
        *ret_ms = ms;
    else if (PQtransactionStatus(run->session->connection) != PQTRANS_IDLE)
        PQclear(PQexec(run->session->connection, "ROLLBACK"));
    return error;
}

static int run_text(struct run *run, long *ret_ms) {
    int error = each_statement(run, check_statement);
    for (unsigned i = 1; error == 0; i++) {
        error = run_once(run, ret_ms);
        if (error == 0 || !run->is_worth_a_retry || !run->has_transaction || i == MIGRATION_TRY_COUNT_MAX)
            break;
        nap_ms(TRY_PAUSE_MS * (long)i);
        error = 0;
    }
    return error;
}

int migration_session_run(struct migration_session *session, const struct migration_file *file, bool is_up, long *ret_ms) {
    struct run run = {.session = session, .file = file, .path = is_up ? file->up : file->down, .is_up = is_up};
    struct buffer text;
    int error = migration_file_read(run.path, session->arena, &text, &session->failure);
    if (error)
        return error;
    run.text = (str){buffer_head(&text), buffer_bytes(&text)};
    run.has_transaction = !migration_text_wants_no_transaction(run.text);
    error = run_text(&run, ret_ms);
    buffer_finish(&text);
    return error;
}
