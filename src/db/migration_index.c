// migration_index.c — CREATE INDEX CONCURRENTLY, which leaves an invalid index behind where it is interrupted.
#include "migration_index.h"

#include <errno.h>

#include <libpq-fe.h>

#include "db/sql.h"

// What a statement that begins CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] name ON [ONLY] table says.
struct concurrent_index {
    str name, table; // as they are written
};

static str dotted_name(str sql, size_t *position) {
    size_t at = *position;
    struct sql_token token = sql_next(sql, &at);
    str name = token.text;
    for (;;) {
        if (token.kind != SQL_WORD && token.kind != SQL_QUOTED)
            return (str){0};
        name.len = (size_t)(token.text.ptr + token.text.len - name.ptr);
        *position = at;
        token = sql_next(sql, &at);
        if (token.kind != SQL_OTHER || *token.text.ptr != '.')
            return name;
        token = sql_next(sql, &at);
    }
}

static bool skip_word(str sql, size_t *position, const char *word) {
    size_t at = *position;
    if (!sql_is_word(sql_next(sql, &at), word))
        return false;
    *position = at;
    return true;
}

static struct concurrent_index read_statement(str sql) {
    size_t at = 0;
    struct concurrent_index none = {0}, index;
    if (!skip_word(sql, &at, "create"))
        return none;
    skip_word(sql, &at, "unique");
    if (!skip_word(sql, &at, "index") || !skip_word(sql, &at, "concurrently"))
        return none;
    if (skip_word(sql, &at, "if") && (!skip_word(sql, &at, "not") || !skip_word(sql, &at, "exists")))
        return none;
    size_t ahead = at;
    if (skip_word(sql, &ahead, "on")) // Postgres chooses the name
        return none;
    index.name = dotted_name(sql, &at);
    if (!skip_word(sql, &at, "on"))
        return none;
    skip_word(sql, &at, "only");
    index.table = dotted_name(sql, &at);
    return index.name.len && index.table.len ? index : none;
}

static const char *text_of(struct migration_session *session, str text) {
    return arena_format(session->arena, "%.*s", (int)text.len, text.ptr).ptr;
}

static int drop(struct migration_session *session, const char *name) {
    const char *sql = arena_format(session->arena, "DROP INDEX CONCURRENTLY IF EXISTS %s", name).ptr;
    migration_session_say(session, "dropped the invalid index %s that an interrupted run left behind", name);
    return sql ? migration_session_command(session, sql) : -ENOMEM;
}

int concurrent_index_prepare(struct migration_session *session, str statement, bool *ret_is_there) {
    struct concurrent_index index = read_statement(statement);
    *ret_is_there = false;
    if (!index.name.len)
        return 0;
    // the index is made in the table's schema, whatever the search path
    const char *const values[] = {text_of(session, index.name), text_of(session, index.table)};
    if (!values[0] || !values[1])
        return -ENOMEM;
    PGresult *result = NULL;
    int error =
        migration_session_query(session,
                                "SELECT i.indisvalid, i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                                "WHERE i.indrelid = to_regclass($2) AND c.relname = (parse_ident($1))[array_length(parse_ident($1), 1)]",
                                values, 2, &result);
    if (error)
        return error;
    bool is_found = PQntuples(result) > 0, is_valid = is_found && *PQgetvalue(result, 0, 0) == 't';
    const char *name = is_found ? arena_format(session->arena, "%s", PQgetvalue(result, 0, 1)).ptr : NULL;
    PQclear(result);
    *ret_is_there = is_valid;
    if (is_valid)
        migration_session_say(session, "the index %s was there already", name ? name : values[0]);
    return is_found && !is_valid ? drop(session, name) : 0;
}

int concurrent_index_warn(struct migration_session *session) {
    PGresult *result = NULL;
    int error = migration_session_query(session,
                                        "SELECT i.indexrelid::regclass, i.indrelid::regclass FROM pg_index i JOIN pg_class c "
                                        "ON c.oid = i.indrelid WHERE NOT i.indisvalid AND c.relkind = 'r' AND pg_table_is_visible(c.oid) "
                                        "AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)",
                                        NULL, 0, &result);
    if (error)
        return error;
    for (int i = 0; i < PQntuples(result); i++)
        migration_session_say(
            session,
            "warning: the index %s of %s is invalid, an interrupted CREATE INDEX CONCURRENTLY left it: `leat db up` builds it "
            "again where its migration is pending, else DROP INDEX CONCURRENTLY %s",
            PQgetvalue(result, i, 0), PQgetvalue(result, i, 1), PQgetvalue(result, i, 0));
    PQclear(result);
    return 0;
}
