// image.c — a table as Postgres' catalog tells it: columns, constraints, indexes, each in the words of the server's own deparser.
#include "image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

static const char *value(struct migration_session *session, const PGresult *result, int row, int column) {
    return arena_format(session->arena, "%s", PQgetvalue(result, row, column)).ptr;
}

static bool is_true(const PGresult *result, int row, int column) {
    return *PQgetvalue(result, row, column) == 't';
}

// Rows of `bytes` each for a result; NULL without memory.
static void *room(struct migration_session *session, const PGresult *result, size_t bytes) {
    return arena_alloc(session->arena, ((size_t)PQntuples(result) + 1) * bytes);
}

// "character varying(255)" as people write it.
static const char *short_type(struct migration_session *session, const char *type) {
    static const struct {
        const char *tail, *head, *name;
    } shorter[] = {
        {"", "character varying", "varchar"},
        {" with time zone", "timestamp", "timestamptz"},
        {" without time zone", "timestamp", "timestamp"},
        {"", "character", "char"},
    };
    for (size_t i = 0; i < sizeof shorter / sizeof *shorter; i++) {
        size_t head = strlen(shorter[i].head), tail = strlen(shorter[i].tail), bytes = strlen(type);
        if (bytes < head + tail || strncmp(type, shorter[i].head, head) != 0)
            continue;
        size_t middle = strcspn(type + head, " ["); // "(3)"
        if (strncmp(type + head + middle, shorter[i].tail, tail) != 0 || (type[head] && type[head] != '(' && type[head] != '[' && !tail))
            continue;
        const char *rest = type + head + middle + tail;
        if (*rest && *rest != '[')
            continue;
        return arena_format(session->arena, "%s%.*s%s", shorter[i].name, (int)middle, type + head, rest).ptr;
    }
    return type;
}

static int read_columns(struct migration_session *session, const char *oid, struct table_image *image) {
    PGresult *result = NULL;
    int error = migration_session_query(
        session,
        "SELECT quote_ident(a.attname), format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attcollation <> t.typcollation "
        "THEN ' COLLATE ' || (SELECT quote_ident(collname) FROM pg_collation WHERE oid = a.attcollation) ELSE '' END, "
        "coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attidentity, a.attgenerated <> '', a.attnotnull "
        "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
        "WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        &oid, 1, &result);
    if (error)
        return error;
    image->columns = room(session, result, sizeof *image->columns);
    for (int i = 0; image->columns && i < PQntuples(result); i++)
        image->columns[image->column_count++] = (struct column_image){
            .name = value(session, result, i, 0),
            .type = short_type(session, value(session, result, i, 1)),
            .value = value(session, result, i, 2),
            .identity = *PQgetvalue(result, i, 3),
            .is_generated = is_true(result, i, 4),
            .is_not_null = is_true(result, i, 5),
        };
    PQclear(result);
    return image->columns ? 0 : -ENOMEM;
}

static const char *called(const struct alias *aliases, unsigned alias_count, const char *oid) {
    for (unsigned i = 0; i < alias_count; i++)
        if (aliases[i].oid && strcmp(aliases[i].oid, oid) == 0)
            return aliases[i].name;
    return NULL;
}

// "... REFERENCES leat_shadow_3(id)" with the name of the table that is meant.
static const char *with_alias(struct migration_session *session, const char *definition, const char *own, const char *alias) {
    const char *mark = arena_format(session->arena, " REFERENCES %s(", own).ptr, *at = mark ? strstr(definition, mark) : NULL;
    return at ? arena_format(session->arena, "%.*s REFERENCES %s(%s", (int)(at - definition), definition, alias, at + strlen(mark)).ptr
              : definition;
}

static int read_constraints(struct migration_session *session, const char *oid, const struct alias *aliases, unsigned alias_count,
                            struct table_image *image) {
    PGresult *result = NULL;
    int error = migration_session_query(session,
                                        "SELECT quote_ident(conname), contype, pg_get_constraintdef(oid), confrelid, "
                                        "CASE WHEN contype = 'f' THEN confrelid::regclass::text ELSE '' END FROM pg_constraint "
                                        "WHERE conrelid = $1::oid AND contype IN ('p', 'u', 'f', 'c', 'x') "
                                        "ORDER BY position(contype::text IN 'pucxf'), conname",
                                        &oid, 1, &result);
    if (error)
        return error;
    image->constraints = room(session, result, sizeof *image->constraints);
    for (int i = 0; image->constraints && i < PQntuples(result); i++) {
        const char *own = value(session, result, i, 4), *alias = called(aliases, alias_count, PQgetvalue(result, i, 3));
        image->constraints[image->constraint_count++] = (struct constraint_image){
            .name = value(session, result, i, 0),
            .kind = *PQgetvalue(result, i, 1),
            .definition = with_alias(session, value(session, result, i, 2), own, alias ? alias : own),
            .references = alias ? alias : own,
        };
    }
    PQclear(result);
    return image->constraints ? 0 : -ENOMEM;
}

static int read_indexes(struct migration_session *session, const char *oid, struct table_image *image) {
    PGresult *result = NULL;
    int error = migration_session_query(
        session,
        "SELECT quote_ident(c.relname), substr(pg_get_indexdef(i.indexrelid), position(' USING ' IN pg_get_indexdef(i.indexrelid)) + 7), "
        "i.indisunique, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::oid "
        "AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) ORDER BY 1",
        &oid, 1, &result);
    if (error)
        return error;
    image->indexes = room(session, result, sizeof *image->indexes);
    for (int i = 0; image->indexes && i < PQntuples(result); i++)
        image->indexes[image->index_count++] = (struct index_image){
            .name = value(session, result, i, 0),
            .definition = value(session, result, i, 1),
            .is_unique = is_true(result, i, 2),
            .is_valid = is_true(result, i, 3),
        };
    PQclear(result);
    return image->indexes ? 0 : -ENOMEM;
}

static int read_kind(struct migration_session *session, const char *oid, struct table_image *image) {
    PGresult *result = NULL;
    int error = migration_session_query(session, "SELECT relkind FROM pg_class WHERE oid = $1::oid", &oid, 1, &result);
    if (error)
        return error;
    image->is_there = PQntuples(result) > 0;
    image->kind = image->is_there ? *PQgetvalue(result, 0, 0) : '\0';
    PQclear(result);
    return 0;
}

int image_read(struct migration_session *session, const char *oid, const char *name, const struct alias *aliases, unsigned alias_count,
               struct table_image *ret_image) {
    struct table_image image = {.name = name};
    int error = read_kind(session, oid, &image);
    if (error == 0)
        error = read_columns(session, oid, &image);
    if (error == 0)
        error = read_constraints(session, oid, aliases, alias_count, &image);
    if (error == 0)
        error = read_indexes(session, oid, &image);
    if (error == 0)
        *ret_image = image;
    return error;
}

int image_column(const struct table_image *image, const char *name) {
    for (unsigned i = 0; i < image->column_count; i++)
        if (strcmp(image->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}
