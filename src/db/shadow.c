// shadow.c — declared tables made as temporary ones, so that Postgres itself says what they would be.
#include "shadow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/str.h"
#include "db/sql.h"
#include "db/statement_impl.h"

struct making {
    struct migration_session *session;
    struct shadow *shadows;
    unsigned shadow_count;
    struct alias *aliases; // temporary tables, the shadows' first, and what they stand for
    unsigned alias_count, alias_room;
    struct buffer messages;
};

// ---- refusals: each is gathered, and the next is looked at

static int refuse(struct making *making, const char *file, unsigned line, const char *what, const char *hint) {
    str text = arena_format(making->session->arena, "%s%s:%u: error: %s%s%s", buffer_bytes(&making->messages) ? "\n" : "", file, line, what,
                            *hint ? "; hint: " : "", hint);
    return text.ptr ? buffer_append(&making->messages, text.ptr, text.len) : -ENOMEM;
}

static const char *field_or(const PGresult *result, int field, const char *otherwise) {
    const char *text = PQresultErrorField(result, field);
    return text ? text : otherwise;
}

// 1: the server refused it, which was said.
static int attempt(struct making *making, const char *sql, const char *file, unsigned line) {
    struct migration_session *session = making->session;
    int error = sql ? migration_session_command(session, "SAVEPOINT leat_attempt") : -ENOMEM;
    if (error)
        return error;
    PGresult *result = PQexec(session->connection, sql);
    bool is_good = migration_result_is_good(result);
    const char *what = arena_format(session->arena, "%s (SQLSTATE %s)", field_or(result, PG_DIAG_MESSAGE_PRIMARY, "the connection is lost"),
                                    field_or(result, PG_DIAG_SQLSTATE, "none"))
                           .ptr;
    if (!is_good)
        error = refuse(making, file, line, what ? what : "", field_or(result, PG_DIAG_MESSAGE_HINT, ""));
    PQclear(result);
    if (error == 0 && !is_good)
        error = migration_session_command(session, "ROLLBACK TO leat_attempt");
    return error ? error : !is_good;
}

// ---- names of tables

// The one value of a statement, NULL where it is NULL or there is no row.
static int ask(struct migration_session *session, const char *sql, const char *argument, const char **ret_value) {
    PGresult *result = NULL;
    int error = migration_session_query(session, sql, &argument, 1, &result);
    if (error)
        return error;
    bool is_there = PQntuples(result) && !PQgetisnull(result, 0, 0);
    *ret_value = is_there ? arena_format(session->arena, "%s", PQgetvalue(result, 0, 0)).ptr : NULL;
    PQclear(result);
    return is_there && !*ret_value ? -ENOMEM : 0;
}

// parse_ident() folds case as SQL does, which a table that is looked for by its declared name wants too.
static int find_table(struct migration_session *session, const char *name, const char **ret_oid, const char **ret_called) {
    int error = ask(session, "SELECT to_regclass($1)::oid", name, ret_oid);
    if (error || *ret_oid)
        return error ? error : ask(session, "SELECT $1::oid::regclass", *ret_oid, ret_called);
    return ask(session, "SELECT string_agg(quote_ident(part), '.') FROM unnest(parse_ident($1)) AS part", name, ret_called);
}

static int find_real_tables(struct making *making) {
    for (unsigned i = 0; i < making->shadow_count; i++) {
        struct shadow *shadow = &making->shadows[i];
        int error = find_table(making->session, shadow->table->name, &shadow->real_oid, &shadow->image.name);
        if (error)
            return error;
    }
    return 0;
}

static int add_alias(struct making *making, struct alias alias) {
    if (making->alias_count == making->alias_room)
        return -E2BIG;
    making->aliases[making->alias_count++] = alias;
    return 0;
}

// ---- tables

static str quoted(struct migration_session *session, const char *name) {
    char *text = PQescapeIdentifier(session->connection, name, strlen(name));
    str copy = text ? arena_copy(session->arena, (str){text, strlen(text) + 1}) : (str){0};
    PQfreemem(text);
    return copy;
}

static int fail_with_messages(struct making *making) {
    if (!buffer_bytes(&making->messages))
        return 0;
    return migration_session_fail(making->session, -EINVAL, "%.*s", (int)buffer_bytes(&making->messages), buffer_head(&making->messages));
}

// A column at a time, so that each that is refused is told with its line.
static int make_table(struct making *making, unsigned index) {
    const struct declared_table *table = making->shadows[index].table;
    struct migration_session *session = making->session;
    int error = attempt(making, arena_format(session->arena, "CREATE TEMP TABLE leat_shadow_%u ()", index).ptr, table->file, table->line);
    if (error == 1) // the same for all
        return fail_with_messages(making);
    for (unsigned i = 0; error == 0 && i < table->column_count; i++) {
        const struct declared_column *column = &table->columns[i];
        str name = quoted(session, column->name);
        if (!name.ptr)
            return -ENOMEM;
        error = attempt(making,
                        arena_format(session->arena, "ALTER TABLE leat_shadow_%u ADD COLUMN %s %s%s%s%s", index, name.ptr, column->type,
                                     column->value ? " " : "", column->value ? column->value : "", column->is_not_null ? " NOT NULL" : "")
                            .ptr,
                        table->file, column->line);
        error = error == 1 ? 0 : error;
    }
    return error < 0 ? error : 0;
}

static int find_oid(struct making *making, unsigned index) {
    struct shadow *shadow = &making->shadows[index];
    const char *name = arena_format(making->session->arena, "pg_temp.leat_shadow_%u", index).ptr;
    int error = name ? ask(making->session, "SELECT to_regclass($1)::oid", name, &shadow->oid) : -ENOMEM;
    return error ? error : add_alias(making, (struct alias){shadow->oid, shadow->image.name});
}

// ---- foreign keys: a temporary table references temporary ones alone

// An undeclared table of the database gets a shadow like itself; which one, by number.
static int shadow_of_real(struct making *making, const char *called, unsigned *ret_number) {
    unsigned number = making->alias_count;
    struct migration_session *session = making->session;
    const char *sql = arena_format(session->arena, "CREATE TEMP TABLE leat_shadow_%u (LIKE %s INCLUDING ALL)", number, called).ptr,
               *own = NULL;
    int error = sql ? migration_session_command(session, sql) : -ENOMEM;
    if (error == 0)
        error = ask(session, "SELECT to_regclass($1)::oid", arena_format(session->arena, "pg_temp.leat_shadow_%u", number).ptr, &own);
    *ret_number = number;
    return error ? error : add_alias(making, (struct alias){own, called});
}

static int number_of(struct making *making, const char *name, unsigned *ret_number, bool *ret_is_there) {
    const char *oid = NULL, *called = NULL;
    int error = find_table(making->session, name, &oid, &called);
    *ret_is_there = false;
    for (unsigned i = 0; error == 0 && called && i < making->alias_count; i++)
        if (strcmp(making->aliases[i].name, called) == 0) {
            *ret_number = i;
            *ret_is_there = true;
            return 0;
        }
    if (error || !oid)
        return error;
    *ret_is_there = true;
    return shadow_of_real(making, called, ret_number);
}

// Where the name of the table behind REFERENCES begins and ends; false where there is none.
static bool find_reference(const char *sql, size_t *ret_start, size_t *ret_end) {
    str text = str_of(sql);
    size_t position = 0;
    struct sql_token token;
    do
        token = sql_next(text, &position);
    while (token.kind != SQL_END && token.kind != SQL_BROKEN && !sql_is_word(token, "references"));
    token = sql_next(text, &position);
    if (token.kind != SQL_WORD && token.kind != SQL_QUOTED)
        return false;
    *ret_start = (size_t)(token.text.ptr - sql);
    for (;;) {
        *ret_end = (size_t)(token.text.ptr + token.text.len - sql);
        token = sql_next(text, &position);
        if (token.kind != SQL_OTHER || *token.text.ptr != '.')
            return true;
        token = sql_next(text, &position);
    }
}

// 0 and NULL: it was refused, and said.
static int rewrite_reference(struct making *making, const struct declared_table *table, const struct declared_constraint *constraint,
                             const char **ret_sql) {
    size_t start, end;
    unsigned number = 0;
    bool is_there = false;
    *ret_sql = NULL;
    struct arena *arena = making->session->arena;
    if (!find_reference(constraint->sql, &start, &end))
        return refuse(making, table->file, constraint->line, "REFERENCES is followed by no table: write users(id)", "");
    const char *name = arena_format(arena, "%.*s", (int)(end - start), constraint->sql + start).ptr;
    int error = name ? number_of(making, name, &number, &is_there) : -ENOMEM;
    if (error)
        return error;
    if (!is_there) {
        const char *what =
            arena_format(arena, "it references the table '%s', which no TABLE declares and the database does not have", name).ptr;
        return refuse(making, table->file, constraint->line, what ? what : "", "");
    }
    *ret_sql = arena_format(arena, "%.*sleat_shadow_%u%s", (int)start, constraint->sql, number, constraint->sql + end).ptr;
    return *ret_sql ? 0 : -ENOMEM;
}

// ---- constraints and indexes

static int make_constraint(struct making *making, unsigned index, const struct declared_constraint *constraint) {
    const struct declared_table *table = making->shadows[index].table;
    const char *sql = constraint->sql;
    int error = constraint->is_foreign ? rewrite_reference(making, table, constraint, &sql) : 0;
    if (error || !sql)
        return error;
    str name = quoted(making->session, constraint->name);
    if (!name.ptr)
        return -ENOMEM;
    return attempt(making,
                   arena_format(making->session->arena, "ALTER TABLE leat_shadow_%u ADD CONSTRAINT %s %s", index, name.ptr, sql).ptr,
                   table->file, constraint->line);
}

// What is referenced has to be unique first.
static int make_constraints(struct making *making, bool is_foreign) {
    for (unsigned i = 0; i < making->shadow_count; i++)
        for (unsigned n = 0; n < making->shadows[i].table->constraint_count; n++) {
            const struct declared_constraint *constraint = &making->shadows[i].table->constraints[n];
            int error = constraint->is_foreign == is_foreign ? make_constraint(making, i, constraint) : 0;
            if (error < 0)
                return error;
        }
    return 0;
}

static int make_indexes(struct making *making) {
    for (unsigned i = 0; i < making->shadow_count; i++)
        for (unsigned n = 0; n < making->shadows[i].table->index_count; n++) {
            const struct declared_table *table = making->shadows[i].table;
            str name = quoted(making->session, table->indexes[n].name);
            const char *sql = name.ptr ? arena_format(making->session->arena, "CREATE %sINDEX %s ON leat_shadow_%u %s",
                                                      table->indexes[n].is_unique ? "UNIQUE " : "", name.ptr, i, table->indexes[n].sql)
                                             .ptr
                                       : NULL;
            int error = attempt(making, sql, table->file, table->indexes[n].line);
            if (error < 0)
                return error;
        }
    return 0;
}

// ---- what came of it, with the lines of what was declared

static bool is_called(struct migration_session *session, const char *quoted_name, const char *name) {
    str always = quoted(session, name);
    return strcmp(quoted_name, name) == 0 || (always.ptr && strcmp(quoted_name, always.ptr) == 0);
}

// CHECK (role IN ('admin', 'user')), which is nicer to read than what the server makes of it.
static const char *written_labels(struct making *making, const struct declared_table *table, const leat_field *field,
                                  const struct table_image *image) {
    str labels = declared_labels(field->type, making->session->arena);
    for (unsigned i = 0; i < table->column_count && i < image->column_count; i++)
        if (strcmp(table->columns[i].name, field_column(field)) == 0)
            return arena_format(making->session->arena, "CHECK (%s IN (%s))", image->columns[i].name, labels.ptr ? labels.ptr : "").ptr;
    return NULL;
}

static void place_constraint(struct making *making, const struct declared_table *table, struct constraint_image *constraint,
                             const struct table_image *image) {
    for (unsigned i = 0; i < table->constraint_count; i++) {
        const struct declared_constraint *declared = &table->constraints[i];
        if (!is_called(making->session, constraint->name, declared->name))
            continue;
        constraint->line = declared->line;
        constraint->written = declared->labelled ? written_labels(making, table, declared->labelled, image) : declared->written;
    }
}

static void place_index(struct making *making, const struct declared_table *table, struct index_image *image) {
    for (unsigned i = 0; i < table->index_count; i++)
        if (is_called(making->session, image->name, table->indexes[i].name))
            image->line = table->indexes[i].line;
}

static int read_image(struct making *making, struct shadow *shadow) {
    struct table_image image;
    int error = image_read(making->session, shadow->oid, shadow->image.name, making->aliases, making->alias_count, &image);
    if (error)
        return error;
    for (unsigned i = 0; i < image.column_count && i < shadow->table->column_count; i++)
        image.columns[i].line = shadow->table->columns[i].line;
    for (unsigned i = 0; i < image.constraint_count; i++)
        place_constraint(making, shadow->table, &image.constraints[i], &image);
    for (unsigned i = 0; i < image.index_count; i++)
        place_index(making, shadow->table, &image.indexes[i]);
    shadow->image = image;
    return 0;
}

// ---- all of them

static int make_all(struct making *making) {
    int error = find_real_tables(making);
    for (unsigned i = 0; error == 0 && i < making->shadow_count; i++)
        error = make_table(making, i);
    if (error == 0) // what is missing would be missed again
        error = fail_with_messages(making);
    for (unsigned i = 0; error == 0 && i < making->shadow_count; i++)
        error = find_oid(making, i);
    if (error == 0)
        error = make_constraints(making, false);
    if (error == 0)
        error = make_constraints(making, true);
    if (error == 0)
        error = make_indexes(making);
    if (error == 0)
        error = fail_with_messages(making);
    for (unsigned i = 0; error == 0 && i < making->shadow_count; i++)
        error = read_image(making, &making->shadows[i]);
    return error;
}

static unsigned count_references(const struct declared_table *tables, unsigned table_count) {
    unsigned count = table_count;
    for (unsigned i = 0; i < table_count; i++)
        count += tables[i].constraint_count;
    return count;
}

int shadows_make(struct migration_session *session, const struct declared_table *tables, unsigned table_count,
                 struct shadow **ret_shadows) {
    struct making making = {.session = session, .shadow_count = table_count, .alias_room = count_references(tables, table_count)};
    making.shadows = arena_alloc(session->arena, (table_count + 1) * sizeof *making.shadows);
    making.aliases = arena_alloc(session->arena, (making.alias_room + 1) * sizeof *making.aliases);
    if (!making.shadows || !making.aliases)
        return -ENOMEM;
    for (unsigned i = 0; i < table_count; i++)
        making.shadows[i].table = &tables[i];
    int error = make_all(&making);
    buffer_finish(&making.messages);
    if (error == 0)
        *ret_shadows = making.shadows;
    return error;
}
