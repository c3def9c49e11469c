// declared.c — what TABLE, INDEX, CONSTRAINT and COLUMN_TYPE say, as the SQL that would make it.
//
// Names are those that Postgres gives where nobody does (ChooseConstraintName(), makeObjectName() in its sources): users_email_key is what
// an ERROR maps, whoever made the table. They are written out, so that a table that is renamed later keeps them or is told.
#include "declared.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "db/sql.h"
#include "db/statement_impl.h"
#include "schema/descriptor.h"

enum { NAME_BYTES_MAX = 63 };

struct making {
    const struct declaration_of_table *declaration;
    struct arena *arena;
    struct declared_table *table;
    str message;
    bool is_out_of_memory;
};

static int refuse(struct making *making, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int refuse(struct making *making, unsigned line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str text = arena_vformat(making->arena, format, args);
    va_end(args);
    making->message = arena_format(making->arena, "%s:%u: error: %s", making->table->file, line, text.ptr ? text.ptr : "");
    return -EINVAL;
}

// Memory that runs out is noticed once, at the end.
static const char *sqlf(struct making *making, const char *pattern, ...) __attribute__((format(printf, 2, 3)));
static const char *sqlf(struct making *making, const char *pattern, ...) {
    va_list args;
    va_start(args, pattern);
    str text = arena_vformat(making->arena, pattern, args);
    va_end(args);
    making->is_out_of_memory |= !text.ptr;
    return text.ptr ? text.ptr : "";
}

// ---- names

static size_t clip(const char *text, size_t bytes) {
    size_t whole = strlen(text);
    if (whole <= bytes)
        return whole;
    while (bytes && ((unsigned char)text[bytes] & 0xC0) == 0x80)
        bytes--; // not within a character
    return bytes;
}

// makeObjectName(): table_column_label; where it is too long, the longer of the first two is cut.
static const char *object_name(struct making *making, const char *column, const char *label) {
    const char *dot = strrchr(making->table->name, '.'), *table = dot ? dot + 1 : making->table->name;
    size_t overhead = strlen(label) + 1 + (column ? 1 : 0), left = strlen(table), right = column ? strlen(column) : 0;
    while (left + right + overhead > NAME_BYTES_MAX)
        if (left > right)
            left--;
        else
            right--;
    left = clip(table, left);
    right = column ? clip(column, right) : 0;
    return column ? sqlf(making, "%.*s_%.*s_%s", (int)left, table, (int)right, column, label)
                  : sqlf(making, "%.*s_%s", (int)left, table, label);
}

static const char *quoted(struct making *making, const char *name) {
    const char *text = "";
    for (const char *rest = name;;) {
        size_t bytes = strcspn(rest, "\"");
        text = sqlf(making, "%s%.*s%s", text, (int)bytes, rest, rest[bytes] ? "\"\"" : "");
        if (!rest[bytes])
            return sqlf(making, "\"%s\"", text);
        rest += bytes + 1;
    }
}

str declared_labels(const leat_schema *type, struct arena *arena) {
    str text = S("");
    for (unsigned i = 0; text.ptr && i < type->nfields; i++) // a label is an identifier of C: nothing to quote
        text = arena_format(arena, "%s%s'%s'", text.ptr, i ? ", " : "", type->labels[i]);
    return text;
}

// ---- types

static const char *type_by_kind(struct making *making, const leat_field *field) {
    static const char *const types[] = {
        [LEAT_STR] = "text",     [LEAT_I32] = "integer", [LEAT_I64] = "bigint",       [LEAT_F64] = "double precision",
        [LEAT_BOOL] = "boolean", [LEAT_UUID] = "uuid",   [LEAT_TIME] = "timestamptz", [LEAT_JSON] = "jsonb",
        [LEAT_ENUM] = "text",
    };
    if (field->type->kind == LEAT_LIST)
        return sqlf(making, "%s[]", types[field->type->elem->kind]);
    const str__opts *options = field->opts;
    bool has_length = field->type->kind == LEAT_STR && options && options->size >= offsetof(str__opts, format) && options->max_length;
    return has_length ? sqlf(making, "varchar(%u)", options->max_length) : types[field->type->kind];
}

static const char *type_by_hand(const struct making *making, const leat_field *field) {
    for (size_t i = 0; i < making->declaration->item_count; i++) {
        const struct leat_column_type *type = (const struct leat_column_type *)making->declaration->items[i];
        if (type->base.kind == LEAT_ITEM_COLUMN_TYPE && type->off == field->off)
            return type->sql;
    }
    return NULL;
}

static bool begins_with_word(const char *text, const char *word) {
    size_t position = 0;
    return sql_is_word(sql_next(str_of(text), &position), word);
}

// ---- columns, and the constraints that they bring

static void add_constraint(struct making *making, struct declared_constraint constraint) {
    making->table->constraints[making->table->constraint_count++] = constraint;
}

static void add_index(struct making *making, struct declared_index index) {
    making->table->indexes[making->table->index_count++] = index;
}

static void add_rules_of(struct making *making, const leat_field *field, const struct leat_common_opts *options) {
    const char *column = field_column(field), *name = quoted(making, column);
    if (options->unique)
        add_constraint(making, (struct declared_constraint){.name = object_name(making, column, "key"),
                                                            .sql = sqlf(making, "UNIQUE (%s)", name),
                                                            .line = field->line});
    if (options->references)
        add_constraint(making,
                       (struct declared_constraint){.name = object_name(making, column, "fkey"),
                                                    .sql = sqlf(making, "FOREIGN KEY (%s) REFERENCES %s", name, options->references),
                                                    .line = field->line,
                                                    .is_foreign = true});
    if (options->index)
        add_index(making, (struct declared_index){
                              .name = object_name(making, column, "idx"), .sql = sqlf(making, "(%s)", name), .line = field->line});
}

static const char *value_of(struct making *making, const struct leat_common_opts *options) {
    if (!options->server_default)
        return NULL;
    return begins_with_word(options->server_default, "generated") ? options->server_default
                                                                  : sqlf(making, "DEFAULT %s", options->server_default);
}

static int add_column(struct making *making, const leat_field *field) {
    static const struct leat_common_opts none;
    const struct leat_common_opts *options = field->opts ? field->opts : &none;
    const char *by_hand = type_by_hand(making, field), *column = field_column(field);
    if (!type_is_column(field->type))
        return refuse(making, field->line, "'%s' of TABLE %s is no value of one column: put it into a json_value, or a table of its own",
                      field->name, making->declaration->schema->name);
    making->table->columns[making->table->column_count++] = (struct declared_column){
        .name = column,
        .type = by_hand ? by_hand : type_by_kind(making, field),
        .value = value_of(making, options),
        .is_not_null = !field_may_be_null(field),
        .line = field->line,
    };
    if (field->type->kind == LEAT_ENUM && !by_hand)
        add_constraint(making,
                       (struct declared_constraint){.name = object_name(making, column, "check"),
                                                    .sql = sqlf(making, "CHECK (%s IN (%s))", quoted(making, column),
                                                                sqlf(making, "%s", declared_labels(field->type, making->arena).ptr)),
                                                    .line = field->line,
                                                    .labelled = field});
    add_rules_of(making, field, options);
    return 0;
}

static void add_primary_key(struct making *making) {
    const leat_schema *schema = making->declaration->schema;
    const char *columns = "";
    unsigned line = 0;
    for (unsigned i = 0; i < schema->nfields; i++) {
        const leat_field *field = descriptor_field(schema, i);
        const struct leat_common_opts *options = field->opts;
        if (!options || !options->primary_key)
            continue;
        columns = sqlf(making, "%s%s%s", columns, *columns ? ", " : "", quoted(making, field_column(field)));
        line = line ? line : field->line;
    }
    if (*columns)
        add_constraint(making, (struct declared_constraint){.name = object_name(making, NULL, "pkey"),
                                                            .sql = sqlf(making, "PRIMARY KEY (%s)", columns),
                                                            .line = line});
}

// ---- what stands beside the table

static const leat_field *field_at(const leat_schema *schema, unsigned offset) {
    for (unsigned i = 0; i < schema->nfields; i++)
        if (descriptor_field(schema, i)->off == offset)
            return descriptor_field(schema, i);
    return NULL;
}

static int add_declared_index(struct making *making, const struct leat_index *index) {
    bool is_written = index->base.size >= offsetof(struct leat_index, sql) + sizeof index->sql && index->sql;
    const char *columns = "";
    for (unsigned i = 0; !is_written && i < index->n && i < sizeof index->off / sizeof *index->off; i++) {
        const leat_field *field = field_at(making->declaration->schema, index->off[i]);
        if (!field)
            return refuse(making, index->base.line, "INDEX %s has a member that is no column: build the plugin again", index->name);
        columns = sqlf(making, "%s%s%s", columns, i ? ", " : "", quoted(making, field_column(field)));
    }
    add_index(making, (struct declared_index){.name = index->name,
                                              .sql = is_written ? index->sql : sqlf(making, "(%s)", columns),
                                              .is_unique = index->unique,
                                              .line = index->base.line});
    return 0;
}

static void add_declared_constraint(struct making *making, const struct leat_constraint *constraint) {
    bool is_foreign = false;
    for (size_t position = 0;;) {
        struct sql_token token = sql_next(str_of(constraint->sql), &position);
        if (token.kind == SQL_END || token.kind == SQL_BROKEN)
            break;
        is_foreign |= sql_is_word(token, "references");
    }
    add_constraint(making, (struct declared_constraint){.name = constraint->name,
                                                        .sql = constraint->sql,
                                                        .line = constraint->base.line,
                                                        .is_foreign = is_foreign,
                                                        .written = constraint->sql});
}

static int add_item(struct making *making, const leat_item *item) {
    if (item->kind == LEAT_ITEM_INDEX)
        return add_declared_index(making, (const struct leat_index *)item);
    if (item->kind == LEAT_ITEM_CONSTRAINT)
        add_declared_constraint(making, (const struct leat_constraint *)item);
    return 0;
}

static int make_room(struct making *making) {
    size_t fields = making->declaration->schema->nfields, items = making->declaration->item_count;
    making->table->columns = arena_alloc(making->arena, (fields + 1) * sizeof *making->table->columns);
    making->table->constraints = arena_alloc(making->arena, (3 * fields + items + 1) * sizeof *making->table->constraints);
    making->table->indexes = arena_alloc(making->arena, (fields + items + 1) * sizeof *making->table->indexes);
    return making->table->columns && making->table->constraints && making->table->indexes ? 0 : -ENOMEM;
}

int declared_table_make(const struct declaration_of_table *declaration, struct arena *arena, struct declared_table *ret_table,
                        str *ret_message) {
    const leat_schema *schema = declaration->schema;
    struct declared_table table = {.plugin = declaration->plugin, .file = schema->file, .line = schema->line, .name = schema->table};
    struct making making = {.declaration = declaration, .arena = arena, .table = &table};
    int error = make_room(&making);
    if (error == 0)
        add_primary_key(&making);
    for (unsigned i = 0; error == 0 && i < schema->nfields; i++)
        error = add_column(&making, descriptor_field(schema, i));
    for (size_t i = 0; error == 0 && i < declaration->item_count; i++)
        error = add_item(&making, declaration->items[i]);
    if (error == 0 && making.is_out_of_memory)
        error = -ENOMEM;
    if (error == -EINVAL)
        *ret_message = making.message;
    if (error == 0)
        *ret_table = table;
    return error;
}
