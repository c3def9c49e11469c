// check.c — statements compared with a database before anything is served: prepared and described on one blocking connection.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/buffer.h"
#include "base/str.h"
#include "db/plan.h"

struct check {
    PGconn *conn;
    struct arena *arena;
    struct buffer messages;
    int misfit_count;
};

static int say(struct check *check, struct statement *statement, str message) {
    check->misfit_count++;
    statement->misfit = message;
    int error = check->misfit_count > 1 ? buffer_append(&check->messages, "\n", 1) : 0;
    return error ? error : buffer_append(&check->messages, message.ptr, message.len);
}

// Postgres' own name of a type, "character varying", or none.
static str type_name(struct check *check, Oid oid) {
    if (oid_name(oid))
        return (str){0}; // the plan knows it
    char text[16];
    snprintf(text, sizeof text, "%u", oid);
    const char *values[] = {text};
    PGresult *result = PQexecParams(check->conn, "SELECT format_type($1::oid, NULL)", 1, NULL, values, NULL, NULL, 0);
    const char *name = PQntuples(result) ? PQgetvalue(result, 0, 0) : NULL;
    str copy = name ? arena_copy(check->arena, str_of(name)) : (str){0};
    PQclear(result);
    return copy;
}

static void describe(struct check *check, const PGresult *result, struct description *description) {
    description->parameter_count = (unsigned)PQnparams(result);
    for (int i = 0; i < PQnparams(result) && i < STATEMENT_PARAMETERS_MAX; i++) {
        description->parameters[i].oid = PQparamtype(result, i);
        description->parameters[i].type_name = type_name(check, PQparamtype(result, i));
    }
    description->column_count = (unsigned)PQnfields(result);
    for (int i = 0; i < PQnfields(result) && i < DESCRIPTION_COLUMNS_MAX; i++) {
        const char *name = PQfname(result, i);
        description->columns[i].name = str_of(name);
        description->columns[i].oid = PQftype(result, i);
        description->columns[i].type_name = type_name(check, PQftype(result, i));
    }
}

static int judge(struct check *check, struct statement *statement, const PGresult *result) {
    struct description *description = calloc(1, sizeof *description);
    if (!description)
        return -ENOMEM;
    describe(check, result, description);
    const struct plan *plan;
    bool is_new;
    int error = plan_of(statement, description, &plan, &is_new);
    free(description);
    if (error == -E2BIG)
        return say(check, statement,
                   statement_message(statement->query, check->arena, "its types have changed too often: reload the plugin"));
    if (error)
        return error;
    return plan->unfit.ptr ? say(check, statement, plan->unfit) : 0;
}

// "relation "userz" does not exist (42P01)", with Postgres' hint where it has one.
static int say_refused(struct check *check, struct statement *statement, const PGresult *result) {
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    return say(check, statement,
               statement_message(statement->query, check->arena, "%s (%s)%s%s", message ? message : PQerrorMessage(check->conn),
                                 state ? state : "no SQLSTATE", hint ? ": " : "", hint ? hint : ""));
}

// ---- the statements: a pipeline of some, each with a Sync of its own, so that one that is refused takes no other with it

enum { PIPELINE_MAX = 64 };

static bool send_statement(struct check *check, const struct statement *statement) {
    char name[STATEMENT_NAME_BYTES];
    snprintf(name, sizeof name, "s%016" PRIx64 "_%u", statement->hash, statement->index);
    str sql = arena_format(check->arena, "%.*s", (int)statement->sql.len, statement->sql.ptr);
    return sql.ptr && PQsendPrepare(check->conn, name, sql.ptr, 0, NULL) && PQsendDescribePrepared(check->conn, name) &&
           PQpipelineSync(check->conn);
}

/** What became of the next statement: its description, or the error it was refused with; NULL: the connection is lost. */
static PGresult *receive_statement(struct check *check) {
    PGresult *kept = NULL;
    for (unsigned ends = 0; ends < 2;) { // of one command, and no second without a result between
        PGresult *result = PQgetResult(check->conn);
        ends = result ? 0 : ends + 1;
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            return kept;
        }
        if (!result || (kept && PQresultStatus(kept) == PGRES_FATAL_ERROR)) {
            PQclear(result);
            continue;
        }
        PQclear(kept);
        kept = result;
    }
    PQclear(kept);
    return NULL;
}

static unsigned receive_some(struct check *check, unsigned count, PGresult **ret_results) {
    unsigned received = 0;
    while (received < count && (ret_results[received] = receive_statement(check)))
        received++;
    return received;
}

static int judge_some(struct check *check, struct statement_set *set, size_t first, PGresult *const *results, unsigned count) {
    int error = 0;
    for (unsigned i = 0; i < count && !error; i++) {
        struct statement *statement = statement_of_index(set, first + i);
        statement->misfit = (str){0};
        bool is_taken = PQresultStatus(results[i]) == PGRES_COMMAND_OK;
        error = is_taken ? judge(check, statement, results[i]) : say_refused(check, statement, results[i]);
    }
    return error;
}

static int check_some(struct check *check, struct statement_set *set, size_t first, unsigned count) {
    PGresult *results[PIPELINE_MAX];
    unsigned sent = 0;
    if (!PQenterPipelineMode(check->conn))
        return -ENOTCONN;
    while (sent < count && send_statement(check, statement_at(set, first + sent)))
        sent++;
    unsigned received = receive_some(check, sent, results);
    bool is_whole = received == count && PQexitPipelineMode(check->conn);
    int error = is_whole ? judge_some(check, set, first, results, received) : -ENOTCONN;
    while (received)
        PQclear(results[--received]);
    return PQstatus(check->conn) == CONNECTION_OK ? error : -ENOTCONN;
}

static int check_all(struct check *check, struct statement_set *set) {
    size_t count = statement_count(set);
    int error = 0;
    for (size_t first = 0; first < count && !error; first += PIPELINE_MAX)
        error = check_some(check, set, first, count - first < PIPELINE_MAX ? (unsigned)(count - first) : PIPELINE_MAX);
    return error;
}

static str why_not_connected(struct check *check) {
    const char *text = PQerrorMessage(check->conn);
    size_t bytes = strlen(text);
    while (bytes && text[bytes - 1] == '\n')
        bytes--;
    return arena_format(check->arena, "no database to check the statements against: %.*s", (int)bytes, text);
}

int statement_set_check(struct statement_set *set, const char *conninfo, struct arena *arena, str *ret_messages) {
    const char *const keywords[] = {"connect_timeout", "fallback_application_name", "dbname", "client_encoding", NULL};
    const char *const values[] = {"10", "leat check", conninfo, "UTF8", NULL};
    struct check check = {.conn = PQconnectdbParams(keywords, values, 1), .arena = arena};
    int error = PQstatus(check.conn) == CONNECTION_OK ? check_all(&check, set) : -ECONNREFUSED;
    if (error == -ECONNREFUSED || error == -ENOTCONN)
        *ret_messages = why_not_connected(&check);
    else if (!error)
        *ret_messages = arena_copy(arena, (str){check.messages.data, buffer_bytes(&check.messages)});
    PQfinish(check.conn);
    buffer_finish(&check.messages);
    return error ? error : check.misfit_count;
}
