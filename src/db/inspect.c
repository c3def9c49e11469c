// inspect.c — every statement of a set, told: its text, its parameters and columns, what it would scan.
//
// The plan is that of PREPARE and EXPLAIN EXECUTE under plan_cache_mode = force_generic_plan: the one that a prepared statement comes to
// use, whatever its arguments. (EXPLAIN (GENERIC_PLAN) says the same from Postgres 16 on.)
#include "inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/buffer.h"
#include "base/str.h"
#include "db/sql.h"
#include "db/statement_impl.h"
#include "db/types.h"
#include "schema/descriptor.h"

struct inspecting {
    PGconn *connection; // NULL: none
    struct arena *arena;
    bool explains;
};

// ---- what the descriptors say

static const char *parameter_name(struct inspecting *inspecting, const struct statement_parameter *parameter) {
    if (parameter->field)
        return arena_format(inspecting->arena, "$%u.%s", parameter->argument + 1, field_column(parameter->field)).ptr;
    return arena_format(inspecting->arena, "$%u%s", parameter->argument + 1, parameter->is_mask ? " set" : "").ptr;
}

static int tell_parameters(struct inspecting *inspecting, const struct statement *statement, struct inspection *inspection) {
    inspection->parameters = arena_alloc(inspecting->arena, (statement->parameter_count + 1) * sizeof *inspection->parameters);
    if (!inspection->parameters)
        return -ENOMEM;
    for (unsigned i = 0; i < statement->parameter_count; i++)
        inspection->parameters[i] = (struct inspected_value){parameter_name(inspecting, &statement->parameters[i]),
                                                             argument_type_name(statement->parameters[i].type), NULL};
    inspection->parameter_count = statement->parameter_count;
    return 0;
}

static int tell_columns(struct inspecting *inspecting, const leat_schema *row, struct inspection *inspection) {
    bool is_struct = row && row->kind == LEAT_OBJECT;
    unsigned count = is_struct ? row->nfields : row != NULL;
    inspection->columns = arena_alloc(inspecting->arena, (count + 1) * sizeof *inspection->columns);
    if (!inspection->columns)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        const leat_field *field = is_struct ? descriptor_field(row, i) : NULL;
        inspection->columns[i] = field ? (struct inspected_value){field_column(field), schema_type_name(field->type), NULL}
                                       : (struct inspected_value){"", schema_type_name(row), NULL};
    }
    inspection->column_count = count;
    return 0;
}

// INSERT, UPDATE, DELETE, MERGE, also behind WITH; not FOR UPDATE, and not what stands in quotes.
static bool is_write(str sql) {
    static const char *const words[] = {"insert", "update", "delete", "merge"};
    bool is_first = true, is_with = false, is_behind_parenthesis = false;
    for (size_t position = 0;;) {
        struct sql_token token = sql_next(sql, &position);
        if (token.kind == SQL_END || token.kind == SQL_BROKEN)
            return false;
        is_with |= is_first && sql_is_word(token, "with");
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (sql_is_word(token, words[i]) && (is_first || (is_with && (is_behind_parenthesis || i == 0))))
                return true;
        if (is_first && !is_with)
            return false;
        is_first = false;
        // WITH x AS (...) UPDATE: what follows the list of them
        is_behind_parenthesis = token.kind == SQL_OTHER && (*token.text.ptr == '(' || *token.text.ptr == ')');
    }
}

// ---- what Postgres says

static const char *type_name(struct inspecting *inspecting, Oid oid) {
    char text[16];
    snprintf(text, sizeof text, "%u", oid);
    const char *values[] = {text};
    PGresult *result = PQexecParams(inspecting->connection, "SELECT format_type($1::oid, NULL)", 1, NULL, values, NULL, NULL, 0);
    const char *name = PQntuples(result) ? arena_format(inspecting->arena, "%s", PQgetvalue(result, 0, 0)).ptr : NULL;
    PQclear(result);
    return name;
}

static const char *member_type(const struct inspection *inspection, unsigned index, const char *name) {
    if (inspection->query->row && inspection->query->row->kind != LEAT_OBJECT)
        return index == 0 ? inspection->columns[0].c_type : NULL;
    for (unsigned i = 0; i < inspection->column_count; i++)
        if (strcmp(inspection->columns[i].name, name) == 0)
            return inspection->columns[i].c_type;
    return NULL;
}

static int describe(struct inspecting *inspecting, const PGresult *result, struct inspection *inspection) {
    for (unsigned i = 0; i < inspection->parameter_count && (int)i < PQnparams(result); i++)
        inspection->parameters[i].type = type_name(inspecting, PQparamtype(result, (int)i));
    unsigned count = (unsigned)PQnfields(result);
    struct inspected_value *columns = arena_alloc(inspecting->arena, (count + 1) * sizeof *columns);
    if (!columns)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        const char *name = arena_format(inspecting->arena, "%s", PQfname(result, (int)i)).ptr;
        columns[i] =
            (struct inspected_value){name, member_type(inspection, i, name ? name : ""), type_name(inspecting, PQftype(result, (int)i))};
    }
    inspection->columns = columns;
    inspection->column_count = count;
    return 0;
}

// Under one name, which is free again afterwards.
static PGresult *prepare(struct inspecting *inspecting, const struct inspection *inspection) {
    const char *sql = arena_format(inspecting->arena, "%.*s", (int)inspection->sql.len, inspection->sql.ptr).ptr;
    PQclear(PQexec(inspecting->connection, "DEALLOCATE ALL"));
    PGresult *result = PQprepare(inspecting->connection, "leat_inspected", sql ? sql : "", 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return result;
    PQclear(result);
    return PQdescribePrepared(inspecting->connection, "leat_inspected");
}

// ---- plans

static double row_count_of(struct inspecting *inspecting, const char *table) {
    PGresult *result =
        PQexecParams(inspecting->connection,
                     "SELECT greatest(c.reltuples, s.n_live_tup, 0) FROM pg_class c LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid "
                     "WHERE c.oid = to_regclass($1)",
                     1, NULL, &table, NULL, NULL, 0);
    double count = PQntuples(result) ? strtod(PQgetvalue(result, 0, 0), NULL) : 0;
    PQclear(result);
    return count;
}

static struct scan *scan_of(struct inspecting *inspecting, struct inspection *inspection, const char *table) {
    for (unsigned i = 0; i < inspection->scan_count; i++)
        if (strcmp(inspection->scans[i].table, table) == 0)
            return &inspection->scans[i];
    if (inspection->scan_count == SCANS_MAX)
        return NULL;
    struct scan *scan = &inspection->scans[inspection->scan_count++];
    *scan = (struct scan){.table = table, .row_count = row_count_of(inspecting, table)};
    return scan;
}

// "  ->  Seq Scan on public.users u  (cost=...": the table's name, with its schema.
static const char *scanned_table(struct inspecting *inspecting, const char *line) {
    static const char mark[] = "Seq Scan on ";
    const char *at = strstr(line, mark);
    if (!at)
        return NULL;
    at += sizeof mark - 1;
    bool is_quoted = false;
    size_t bytes = 0;
    for (; at[bytes] && (is_quoted || at[bytes] != ' '); bytes++)
        is_quoted ^= at[bytes] == '"';
    return arena_format(inspecting->arena, "%.*s", (int)bytes, at).ptr;
}

static PGresult *explain(struct inspecting *inspecting, const struct inspection *inspection, bool scans) {
    str sql = inspection->parameter_count ? S("EXPLAIN (VERBOSE, COSTS off) EXECUTE leat_inspected(")
                                          : S("EXPLAIN (VERBOSE, COSTS off) EXECUTE leat_inspected");
    for (unsigned i = 0; sql.ptr && i < inspection->parameter_count; i++)
        sql = arena_format(inspecting->arena, "%s%sNULL", sql.ptr, i ? ", " : "");
    if (sql.ptr && inspection->parameter_count)
        sql = arena_format(inspecting->arena, "%s)", sql.ptr);
    PQclear(PQexec(inspecting->connection, scans ? "SET enable_seqscan = on" : "SET enable_seqscan = off"));
    // planned anew under the setting: a generic plan is kept
    PQclear(PQexec(inspecting->connection, "DISCARD PLANS"));
    return PQexec(inspecting->connection, sql.ptr ? sql.ptr : "");
}

static void find_scans(struct inspecting *inspecting, struct inspection *inspection, bool scans) {
    PGresult *result = explain(inspecting, inspection, scans);
    for (int i = 0; i < PQntuples(result); i++) {
        const char *table = scanned_table(inspecting, PQgetvalue(result, i, 0));
        struct scan *scan = table ? scan_of(inspecting, inspection, table) : NULL;
        if (scan && !scans)
            scan->has_no_index = true;
    }
    PQclear(result);
}

// ---- all of them

static int ask(struct inspecting *inspecting, struct inspection *inspection) {
    PGresult *result = prepare(inspecting, inspection);
    bool is_good = PQresultStatus(result) == PGRES_COMMAND_OK;
    int error = is_good ? describe(inspecting, result, inspection) : 0;
    PQclear(result);
    if (error == 0 && is_good && inspecting->explains) {
        find_scans(inspecting, inspection, true);
        find_scans(inspecting, inspection, false);
    }
    return PQstatus(inspecting->connection) == CONNECTION_OK ? error : -ENOTCONN;
}

static int inspect(struct inspecting *inspecting, const struct statement *statement, struct inspection *inspection) {
    *inspection = (struct inspection){.query = statement->query, .sql = statement->sql, .is_write = is_write(statement->sql)};
    int error = tell_parameters(inspecting, statement, inspection);
    if (error == 0)
        error = tell_columns(inspecting, statement->query->row, inspection);
    return error || !inspecting->connection ? error : ask(inspecting, inspection);
}

static int connect(struct inspecting *inspecting, const char *conninfo, str *ret_failure) {
    const char *const keywords[] = {"connect_timeout", "fallback_application_name", "dbname", "client_encoding", NULL};
    const char *const values[] = {"10", "leat check", conninfo, "UTF8", NULL};
    inspecting->connection = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(inspecting->connection) == CONNECTION_OK) {
        PQclear(PQexec(inspecting->connection, "SET plan_cache_mode = force_generic_plan; SET client_min_messages = warning"));
        return 0;
    }
    const char *said = PQerrorMessage(inspecting->connection);
    size_t bytes = strlen(said);
    while (bytes && said[bytes - 1] == '\n')
        bytes--;
    *ret_failure = arena_format(inspecting->arena, "no database to ask about the statements: %.*s", (int)bytes, said);
    return -ECONNREFUSED;
}

int statement_set_inspect(const struct statement_set *set, const char *conninfo, bool explains, struct arena *arena,
                          struct inspection **ret_inspections, str *ret_failure) {
    struct inspecting inspecting = {.arena = arena, .explains = explains};
    struct inspection *inspections = arena_alloc(arena, (statement_count(set) + 1) * sizeof *inspections);
    int error = !inspections ? -ENOMEM : conninfo ? connect(&inspecting, conninfo, ret_failure) : 0;
    for (size_t i = 0; error == 0 && i < statement_count(set); i++)
        error = inspect(&inspecting, statement_at(set, i), &inspections[i]);
    PQfinish(inspecting.connection);
    if (error == -ENOTCONN)
        *ret_failure = S("the connection to the database is lost");
    if (error == 0)
        *ret_inspections = inspections;
    return error;
}
