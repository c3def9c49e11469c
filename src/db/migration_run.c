// migration_run.c — one file of a migration, statement by statement, and its row in the version table.
#include "migration_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "db/migration_index.h"
#include "db/sql.h"
#include "db/sql_split.h"

enum { TRY_PAUSE_MS = 500 };

// A file that is being run.
struct run {
    struct migration_session *session;
    const struct migration_file *file;
    const char *path;
    str text;
    bool is_up, has_transaction;
    unsigned index;        // of the statement that runs
    unsigned done_count;   // statements that went well and stay: without a transaction, over all tries and runs
    bool is_worth_a_retry; // it failed for a lock
};

// ---- what is wrong

static const char *what_stays(const struct run *run) {
    if (run->has_transaction)
        return "nothing of this file is applied; correct it and start again";
    return run->done_count ? "it runs outside a transaction: the statements before this one stay, and the next run goes on here"
                           : "correct it and start again; what an index left behind is dropped then";
}

static const char *field_or(const PGresult *result, int field, const char *otherwise) {
    const char *text = PQresultErrorField(result, field);
    return text ? text : otherwise;
}

static const char *blocker_of(const struct run *run, const char *state) {
    if (strcmp(state, "55P03") != 0)
        return "";
    PGresult *result = NULL;
    const char *sql =
        "SELECT format('; locks are held by process %s of %s, %s for %s', a.pid, coalesce(nullif(a.application_name, ''), 'somebody'), "
        "a.state, date_trunc('second', now() - a.xact_start)) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.granted AND l.locktype = 'relation' AND l.pid <> pg_backend_pid() AND a.datname = current_database() "
        "AND l.relation >= 16384 ORDER BY a.xact_start LIMIT 1";
    str failure = run->session->failure;
    if (PQtransactionStatus(run->session->connection) != PQTRANS_IDLE)
        PQclear(PQexec(run->session->connection, "ROLLBACK")); // nothing is kept anyway
    int error = migration_session_query(run->session, sql, NULL, 0, &result);
    run->session->failure = failure;
    const char *text = error == 0 && PQntuples(result) ? arena_format(run->session->arena, "%s", PQgetvalue(result, 0, 0)).ptr : "";
    if (error == 0)
        PQclear(result);
    return text ? text : "";
}

static int fail_statement(struct run *run, const struct sql_statement *statement, const PGresult *result) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE), *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    if (!state) // not a word from Postgres about it
        return migration_session_fail(run->session, migration_session_error(run->session, -EINVAL), "%s:%u: error: %s", run->path,
                                      statement->line, PQerrorMessage(run->session->connection));
    run->is_worth_a_retry = strcmp(state, "55P03") == 0 || strcmp(state, "40P01") == 0;
    unsigned line = position ? sql_statement_line(statement, (unsigned)strtoul(position, NULL, 10)) : statement->line;
    const char *detail = field_or(result, PG_DIAG_MESSAGE_DETAIL, ""), *hint = field_or(result, PG_DIAG_MESSAGE_HINT, "");
    return migration_session_fail(run->session, -EINVAL, "%s:%u: error: %s (SQLSTATE %s)%s%s%s%s%s; %s", run->path, line,
                                  field_or(result, PG_DIAG_MESSAGE_PRIMARY, "unknown"), state, *detail ? "; " : "", detail,
                                  *hint ? "; hint: " : "", hint, blocker_of(run, state), what_stays(run));
}

// ---- before anything runs: what could only be found half-way through

static bool is_transaction_control(str text) {
    static const char *const words[] = {"begin", "start", "commit", "end", "rollback", "abort"};
    size_t position = 0;
    struct sql_token first = sql_next(text, &position);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sql_is_word(first, words[i]))
            return true;
    return sql_is_word(first, "prepare") && sql_is_word(sql_next(text, &position), "transaction");
}

// \i and its kin are psql's: no SQL has a backslash outside quotes.
static bool find_meta_command(str text, size_t *ret_position) {
    for (size_t position = 0;;) {
        struct sql_token token = sql_next(text, &position);
        if (token.kind == SQL_END || token.kind == SQL_BROKEN)
            return false;
        if (token.kind == SQL_OTHER && *token.text.ptr == '\\') {
            *ret_position = (size_t)(token.text.ptr - text.ptr);
            return true;
        }
    }
}

static int check_statement(struct run *run, const struct sql_statement *statement) {
    size_t position;
    if (find_meta_command(statement->text, &position)) {
        unsigned line = statement->line;
        for (size_t i = 0; i < position; i++)
            line += statement->text.ptr[i] == '\n';
        return migration_session_fail(run->session, -EINVAL,
                                      "%s:%u: error: a backslash begins a command of psql, which nobody here understands: write SQL",
                                      run->path, line);
    }
    if (run->has_transaction && is_transaction_control(statement->text))
        return migration_session_fail(run->session, -EINVAL,
                                      "%s:%u: error: the file is one transaction already: take this statement out, or begin the "
                                      "file with the line -- no transaction",
                                      run->path, statement->line);
    return 0;
}

// ---- statements

static int send_statement(struct run *run, const struct sql_statement *statement) {
    char *end = (char *)statement->text.ptr + statement->text.len, kept = *end; // in our own buffer, which has a byte to spare
    *end = '\0';
    PGresult *result = PQexec(run->session->connection, statement->text.ptr);
    *end = kept;
    ExecStatusType status = PQresultStatus(result);
    int error = 0;
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
        error = migration_session_fail(run->session, -EINVAL,
                                       "%s:%u: error: COPY has nobody to copy from or to here: use INSERT, or COPY and a file of "
                                       "the server",
                                       run->path, statement->line);
    else if (!migration_result_is_good(result))
        error = fail_statement(run, statement, result);
    PQclear(result);
    return error;
}

typedef int statement_fn(struct run *run, const struct sql_statement *statement);

static int each_statement(struct run *run, statement_fn *fn) {
    struct sql_split split;
    struct sql_statement statement;
    sql_split_init(&split, run->text);
    for (run->index = 0;; run->index++) {
        int more = sql_split_next(&split, &statement);
        if (more < 0)
            return migration_session_fail(run->session, more, "%s:%u: error: the quote or comment that begins here never ends", run->path,
                                          statement.line);
        if (more == 0)
            return 0;
        int error = fn(run, &statement);
        if (error)
            return error;
    }
}

// ---- the row

int migration_write_row(struct migration_session *session, const struct migration_file *file, long ms) {
    const char *version = arena_format(session->arena, "%lld", (long long)file->version).ptr;
    const char *duration = arena_format(session->arena, "%ld", ms).ptr,
               *name = arena_format(session->arena, "%.*s", (int)file->name.len, file->name.ptr).ptr;
    const char *sql = arena_format(session->arena,
                                   "INSERT INTO %s (plugin, version, name, checksum, duration_ms) VALUES ($1, $2, $3, $4, $5) "
                                   "ON CONFLICT (plugin, version) DO UPDATE SET name = excluded.name, checksum = excluded.checksum",
                                   session->table)
                          .ptr;
    if (!version || !duration || !name || !sql)
        return -ENOMEM;
    const char *const values[] = {file->plugin, version, name, file->checksum, duration};
    return migration_session_query(session, sql, values, 5, NULL);
}

int migration_delete_row(struct migration_session *session, const char *plugin, int64_t version) {
    const char *const values[] = {plugin, arena_format(session->arena, "%lld", (long long)version).ptr};
    const char *sql = arena_format(session->arena, "DELETE FROM %s WHERE plugin = $1 AND version = $2", session->table).ptr;
    return values[1] && sql ? migration_session_query(session, sql, values, 2, NULL) : -ENOMEM;
}

static int write_row(struct run *run, long ms) {
    int error = migration_session_reset(run->session); // whatever the file has SET
    if (error)
        return error;
    return run->is_up ? migration_write_row(run->session, run->file, ms)
                      : migration_delete_row(run->session, run->file->plugin, run->file->version);
}

// ---- in a transaction

static int commit(struct run *run) {
    PGresult *result = PQexec(run->session->connection, "COMMIT");
    bool is_committed = migration_result_is_good(result) && strcmp(PQcmdStatus(result), "COMMIT") == 0;
    int error = is_committed ? 0 : fail_statement(run, &(struct sql_statement){.line = 1}, result); // a deferred constraint
    PQclear(result);
    return error;
}

static int check_transaction(struct run *run, PGTransactionStatusType wanted) {
    if (PQtransactionStatus(run->session->connection) == wanted)
        return 0;
    return migration_session_fail(run->session, -EINVAL, "%s: error: a statement of it %s a transaction", run->path,
                                  run->has_transaction ? "ended" : "began, and none ended,");
}

static int run_whole(struct run *run, int64_t begun_ns, long *ret_ms) {
    int error = migration_session_command(run->session, "BEGIN");
    if (error == 0)
        error = each_statement(run, send_statement);
    if (error == 0)
        error = check_transaction(run, PQTRANS_INTRANS);
    long ms = (long)((clock_monotonic_ns() - begun_ns) / 1000000);
    if (error == 0)
        error = write_row(run, ms);
    if (error == 0)
        error = commit(run);
    if (error == 0)
        *ret_ms = ms;
    return error;
}

// ---- outside one: how far it came is kept, with a checksum of what ran

static const char *steps_table(struct run *run) {
    size_t bytes = strlen(run->session->table) - strlen("leat_migrations"); // "schema."
    return arena_format(run->session->arena, "%.*sleat_migration_steps", (int)bytes, run->session->table).ptr;
}

static int make_steps_table(struct run *run) {
    const char *sql = arena_format(run->session->arena,
                                   "CREATE TABLE IF NOT EXISTS %s (plugin text NOT NULL, version bigint NOT NULL, is_up boolean NOT NULL, "
                                   "done_count integer NOT NULL, checksum text NOT NULL, PRIMARY KEY (plugin, version, is_up))",
                                   steps_table(run))
                          .ptr;
    return sql ? migration_session_command(run->session, sql) : -ENOMEM;
}

// The statements up to this one, as they stand in the file.
static void checksum_until(const struct run *run, const char *end, char *out) {
    migration_checksum((str){run->text.ptr, (size_t)(end - run->text.ptr)}, out);
}

static int keep_step(struct run *run, const struct sql_statement *statement) {
    char checksum[CHECKSUM_BYTES + 1];
    checksum_until(run, statement->text.ptr + statement->text.len, checksum);
    struct arena *arena = run->session->arena;
    const char *const values[] = {run->file->plugin, arena_format(arena, "%lld", (long long)run->file->version).ptr, run->is_up ? "t" : "f",
                                  arena_format(arena, "%u", run->done_count).ptr, checksum};
    const char *sql = arena_format(arena,
                                   "INSERT INTO %s VALUES ($1, $2, $3, $4, $5) ON CONFLICT (plugin, version, is_up) DO UPDATE "
                                   "SET done_count = excluded.done_count, checksum = excluded.checksum",
                                   steps_table(run))
                          .ptr;
    return sql ? migration_session_query(run->session, sql, values, 5, NULL) : -ENOMEM;
}

static int forget_steps(struct run *run) {
    const char *const values[] = {run->file->plugin, arena_format(run->session->arena, "%lld", (long long)run->file->version).ptr};
    const char *sql = arena_format(run->session->arena, "DELETE FROM %s WHERE plugin = $1 AND version = $2", steps_table(run)).ptr;
    return sql ? migration_session_query(run->session, sql, values, 2, NULL) : -ENOMEM;
}

static bool is_of_the_session(str text) {
    size_t position = 0;
    struct sql_token first = sql_next(text, &position);
    return sql_is_word(first, "set") || sql_is_word(first, "reset");
}

// Steps that an interrupted run made, if the file still says the same.
struct kept_steps {
    unsigned done_count;
    const char *checksum;
};

static int read_steps(struct run *run, struct kept_steps *ret_kept) {
    const char *const values[] = {run->file->plugin, arena_format(run->session->arena, "%lld", (long long)run->file->version).ptr,
                                  run->is_up ? "t" : "f"};
    const char *sql =
        arena_format(run->session->arena, "SELECT done_count, checksum FROM %s WHERE plugin = $1 AND version = $2 AND is_up = $3",
                     steps_table(run))
            .ptr;
    PGresult *result = NULL;
    int error = sql ? migration_session_query(run->session, sql, values, 3, &result) : -ENOMEM;
    if (error)
        return error;
    if (PQntuples(result))
        *ret_kept = (struct kept_steps){(unsigned)strtoul(PQgetvalue(result, 0, 0), NULL, 10),
                                        arena_format(run->session->arena, "%s", PQgetvalue(result, 0, 1)).ptr};
    PQclear(result);
    return 0;
}

static int find_steps(struct run *run) {
    struct kept_steps kept = {0};
    int error = read_steps(run, &kept);
    struct sql_split split;
    struct sql_statement statement;
    sql_split_init(&split, run->text);
    for (unsigned i = 1; error == 0 && kept.checksum && i <= kept.done_count && sql_split_next(&split, &statement) == 1; i++) {
        char checksum[CHECKSUM_BYTES + 1];
        checksum_until(run, statement.text.ptr + statement.text.len, checksum);
        if (i == kept.done_count && strcmp(checksum, kept.checksum) == 0)
            run->done_count = kept.done_count;
    }
    if (error == 0 && kept.done_count && !run->done_count)
        return migration_session_fail(
            run->session, -EINVAL,
            "%s: error: %u of its statements ran before it failed, and stay; they were edited since: restore them, put "
            "the correction behind them",
            run->path, kept.done_count);
    if (run->done_count)
        migration_session_say(run->session, "%s: goes on behind statement %u, where an earlier run ended", run->path, run->done_count);
    return error;
}

static int send_step(struct run *run, const struct sql_statement *statement) {
    bool is_there = false;
    if (run->index < run->done_count && !is_of_the_session(statement->text))
        return 0;
    int error = concurrent_index_prepare(run->session, statement->text, &is_there);
    if (error == 0 && !is_there)
        error = send_statement(run, statement);
    if (error || PQtransactionStatus(run->session->connection) != PQTRANS_IDLE || run->index < run->done_count)
        return error; // within a transaction of the file's own: nothing is done before it ends
    run->done_count = run->index + 1;
    return keep_step(run, statement);
}

static int run_steps(struct run *run, int64_t begun_ns, long *ret_ms) {
    int error = each_statement(run, send_step);
    if (error == 0)
        error = check_transaction(run, PQTRANS_IDLE);
    long ms = (long)((clock_monotonic_ns() - begun_ns) / 1000000);
    if (error == 0)
        error = migration_session_command(run->session, "BEGIN");
    if (error == 0)
        error = write_row(run, ms);
    if (error == 0)
        error = forget_steps(run);
    if (error == 0)
        error = commit(run);
    if (error == 0)
        *ret_ms = ms;
    return error;
}

// ---- the file

static int run_once(struct run *run, int64_t begun_ns, long *ret_ms) {
    run->is_worth_a_retry = false;
    int error = run->has_transaction ? run_whole(run, begun_ns, ret_ms) : run_steps(run, begun_ns, ret_ms);
    if (error && PQtransactionStatus(run->session->connection) != PQTRANS_IDLE)
        PQclear(PQexec(run->session->connection, "ROLLBACK"));
    return error;
}

static void nap_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int run_text(struct run *run, long *ret_ms) {
    int64_t begun_ns = clock_monotonic_ns();
    int error = each_statement(run, check_statement);
    if (error == 0 && !run->has_transaction)
        error = make_steps_table(run);
    if (error == 0 && !run->has_transaction)
        error = find_steps(run);
    for (unsigned i = 1; error == 0; i++) {
        error = run_once(run, begun_ns, ret_ms);
        if (error == 0 || !run->is_worth_a_retry || i == MIGRATION_TRY_COUNT_MAX)
            break;
        migration_session_say(run->session, "%s waits for a table, try %u of %d", run->path, i + 1, MIGRATION_TRY_COUNT_MAX);
        nap_ms(TRY_PAUSE_MS * (long)i);
        error = 0;
    }
    return error;
}

static int run_open(struct run *run, struct buffer *text) {
    int error = migration_file_read(run->path, run->session->arena, text, &run->session->failure);
    if (error)
        return error;
    run->text = (str){buffer_head(text), buffer_bytes(text)};
    run->has_transaction = !migration_text_wants_no_transaction(run->text);
    return 0;
}

int migration_run(struct migration_session *session, const struct migration_file *file, bool is_up, long *ret_ms) {
    struct run run = {.session = session, .file = file, .path = is_up ? file->up : file->down, .is_up = is_up};
    struct buffer text = {0};
    int error = run_open(&run, &text);
    if (error == 0)
        error = run_text(&run, ret_ms);
    buffer_finish(&text);
    return error;
}

// ---- as a script

static int put_statement(struct run *run, const struct sql_statement *statement, struct buffer *script) {
    (void)run;
    int error = buffer_append(script, statement->text.ptr, statement->text.len);
    return error ? error : buffer_append(script, ";\n", 2);
}

static int put_text(struct run *run, struct buffer *script) {
    struct sql_split split;
    struct sql_statement statement;
    sql_split_init(&split, run->text);
    int more, error = 0;
    while (error == 0 && (more = sql_split_next(&split, &statement)) == 1)
        error = put_statement(run, &statement, script);
    return error;
}

static int put_row(struct run *run, struct buffer *script) {
    struct arena *arena = run->session->arena;
    const char *table = run->session->table, *plugin = run->file->plugin; // letters, digits, _ and -: nothing to quote
    long long version = run->file->version;
    str row =
        run->is_up
            ? arena_format(arena, "INSERT INTO %s (plugin, version, name, checksum, duration_ms) VALUES ('%s', %lld, '%.*s', '%s', 0);\n",
                           table, plugin, version, (int)run->file->name.len, run->file->name.ptr, run->file->checksum)
            : arena_format(arena, "DELETE FROM %s WHERE plugin = '%s' AND version = %lld;\n", table, plugin, version);
    return row.ptr ? buffer_append(script, row.ptr, row.len) : -ENOMEM;
}

int migration_script(struct migration_session *session, const struct migration_file *file, bool is_up, struct buffer *script) {
    struct run run = {.session = session, .file = file, .path = is_up ? file->up : file->down, .is_up = is_up};
    struct buffer text = {0};
    int error = run_open(&run, &text);
    if (error == 0)
        error = each_statement(&run, check_statement);
    str head = arena_format(session->arena, "-- %s\n%s", run.path, run.has_transaction ? "BEGIN;\n" : "");
    if (error == 0)
        error = head.ptr ? buffer_append(script, head.ptr, head.len) : -ENOMEM;
    if (error == 0)
        error = put_text(&run, script);
    if (error == 0)
        error = put_row(&run, script);
    str tail = run.has_transaction ? S("COMMIT;\n\n") : S("\n");
    if (error == 0)
        error = buffer_append(script, tail.ptr, tail.len);
    buffer_finish(&text);
    return error;
}
