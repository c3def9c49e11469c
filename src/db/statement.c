// statement.c — an author's query as Postgres will see it: text expanded, parameters numbered, found by its address.
#include "db/statement_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/option.h"
#include "db/plan.h"
#include "db/sql.h"
#include "schema/descriptor.h"

enum { SET_BYTES_MAX = 64 * 1024 * 1024, CELLS_MIN = 64 };

struct statement_set {
    struct arena_pool pool;
    struct arena arena; // statements and their texts
    struct statement **items;
    size_t count, capacity;
    const leat_schema **tables; // TABLEs, for what .on_update says of their columns
    size_t table_count;
    struct statement **cells; // open addressing by the query's address; a power of two, at most half full
    size_t cell_count;
};

int statement_set_create(struct statement_set **ret_set) {
    struct statement_set *set = calloc(1, sizeof *set);
    if (!set)
        return -ENOMEM;
    arena_pool_init(&set->pool, 0);
    arena_init(&set->arena, &set->pool, SET_BYTES_MAX);
    *ret_set = set;
    return 0;
}

void statement_set_destroy(struct statement_set *set) {
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        plan_destroy_all(set->items[i]);
    arena_reset(&set->arena);
    arena_pool_finish(&set->pool);
    free(set->items);
    free(set->cells);
    free(set);
}

// ---- found by address

static size_t cell_of(const struct statement_set *set, const leat_query *query) {
    uint64_t hash = (uint64_t)(uintptr_t)query * 0x9E3779B97F4A7C15u;
    size_t cell = (size_t)(hash >> 32) & (set->cell_count - 1);
    while (set->cells[cell] && set->cells[cell]->query != query)
        cell = (cell + 1) & (set->cell_count - 1);
    return cell;
}

const struct statement *statement_of(const struct statement_set *set, const leat_query *query) {
    return set->cell_count ? set->cells[cell_of(set, query)] : NULL;
}

size_t statement_count(const struct statement_set *set) {
    return set->count;
}

unsigned statement_index(const struct statement *statement) {
    return statement->index;
}

const leat_query *statement_query(const struct statement_set *set, size_t index) {
    return set->items[index]->query;
}

str statement_misfit(const struct statement_set *set, size_t index) {
    return set->items[index]->misfit;
}

struct statement *statement_of_index(struct statement_set *set, size_t index) {
    return set->items[index];
}

const struct statement *statement_at(const struct statement_set *set, size_t index) {
    return set->items[index];
}

static int grow(struct statement_set *set) {
    if (set->count < set->capacity)
        return 0;
    size_t capacity = set->capacity ? 2 * set->capacity : CELLS_MIN / 2;
    struct statement **items = realloc(set->items, capacity * sizeof *items);
    if (!items)
        return -ENOMEM;
    set->items = items;
    struct statement **cells = calloc(2 * capacity, sizeof *cells);
    if (!cells)
        return -ENOMEM;
    free(set->cells);
    set->cells = cells;
    set->cell_count = 2 * capacity;
    set->capacity = capacity;
    for (size_t i = 0; i < set->count; i++)
        cells[cell_of(set, items[i]->query)] = items[i];
    return 0;
}

// ---- what the descriptors say

str statement_message(const leat_query *query, struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str text = arena_vformat(arena, format, args);
    va_end(args);
    return arena_format(arena, "%s:%u: error: %s", query->base.file, query->base.line, text.ptr ? text.ptr : "out of memory");
}

// What macros have made of it is nothing an author would know again.
static bool is_name(const char *text) {
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.->")] == '\0' &&
           !(*text >= '0' && *text <= '9');
}

str statement_argument(const leat_query *query, unsigned index, struct arena *arena) {
    const char *const *texts = ITEM_OPTION(query, texts);
    if (texts && is_name(texts[index]))
        return arena_format(arena, "$%u, %s,", index + 1, texts[index]);
    return arena_format(arena, "$%u", index + 1);
}

const char *field_column(const leat_field *field) {
    const struct leat_common_opts *options = field->opts;
    return options && options->column ? options->column : field->name;
}

bool field_may_be_null(const leat_field *field) {
    const struct leat_common_opts *options = field->opts;
    return options && (options->nullable || options->optional);
}

bool type_is_column(const leat_schema *type) {
    if (type->kind == LEAT_LIST)
        return type->elem->kind >= LEAT_STR && type->elem->kind <= LEAT_JSON;
    return type->kind >= LEAT_STR && type->kind <= LEAT_ENUM;
}

// What argument `index` sets, where it is a SET. A plugin from before SETs were told has none.
static const leat_schema *set_of(const leat_query *query, unsigned index) {
    bool is_told = query->base.size >= offsetof(leat_query, sets) + sizeof query->sets;
    return is_told && query->sets && query->types[index] == LEAT_A_SET ? query->sets[index] : NULL;
}

static uint8_t argument_type_of(const leat_schema *type) {
    static const uint8_t types[] = {
        [LEAT_STR] = LEAT_A_STR,   [LEAT_I32] = LEAT_A_I32,   [LEAT_I64] = LEAT_A_I64,
        [LEAT_F64] = LEAT_A_F64,   [LEAT_BOOL] = LEAT_A_BOOL, [LEAT_UUID] = LEAT_A_UUID,
        [LEAT_TIME] = LEAT_A_TIME, [LEAT_JSON] = LEAT_A_JSON, [LEAT_ENUM] = LEAT_A_STR,
    };
    return type->kind == LEAT_LIST ? LEAT_A_LIST | types[type->elem->kind] : types[type->kind];
}

// ---- expansion

/** A statement while its text is being made. */
struct expansion {
    const leat_query *query;
    const struct statement_set *set;
    struct arena *arena; // of messages
    str source;
    struct buffer text;
    struct statement_parameter parameters[STATEMENT_PARAMETERS_MAX];
    unsigned parameter_count;
    unsigned first_of[40]; // the $n of each argument; of a SET its mask's
    bool is_used[40];
    int set_argument; // -1: none
    bool has_set;
    const char *qualifier; // where the name that was read last began
    bool is_behind_dot;    // of that name
    str message;
};

#define REFUSE(expansion, ...) ((expansion)->message = statement_message((expansion)->query, (expansion)->arena, __VA_ARGS__), -EINVAL)

static int put(struct expansion *x, str text) {
    return buffer_append(&x->text, text.ptr, text.len);
}

static int put_format(struct expansion *x, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int put_format(struct expansion *x, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return bytes < (int)sizeof text ? put(x, (str){text, (size_t)bytes}) : -EINVAL;
}

static int add_parameter(struct expansion *x, struct statement_parameter parameter) {
    if (x->parameter_count == STATEMENT_PARAMETERS_MAX)
        return REFUSE(x, "more than %d parameters", STATEMENT_PARAMETERS_MAX);
    x->parameters[x->parameter_count++] = parameter;
    return 0;
}

static int number_set(struct expansion *x, unsigned argument) {
    const leat_schema *schema = set_of(x->query, argument);
    if (!schema || schema->kind != LEAT_OBJECT)
        return REFUSE(x, "argument $%u is a SET of nothing that is known: rebuild the plugin", argument + 1);
    if (x->set_argument >= 0)
        return REFUSE(x, "a second SET: one statement takes one");
    x->set_argument = (int)argument;
    int error = add_parameter(x, (struct statement_parameter){LEAT_A_I64, (uint8_t)argument, true, NULL});
    for (unsigned i = 0; i < schema->nfields && !error; i++) {
        const leat_field *field = &schema->fields[i];
        if (!type_is_column(field->type))
            return REFUSE(x, "field '%s' of %s is no value of one column: SET cannot set it", field->name, schema->name);
        error = add_parameter(x, (struct statement_parameter){argument_type_of(field->type), (uint8_t)argument, false, field});
    }
    return error;
}

// Every argument gets its place among Postgres' parameters; a SET takes one for its mask and one for each field.
static int number_parameters(struct expansion *x) {
    x->set_argument = -1;
    for (unsigned i = 0; i < x->query->nargs; i++) {
        x->first_of[i] = x->parameter_count + 1;
        uint8_t type = x->query->types[i];
        int error = type == LEAT_A_SET ? number_set(x, i) : add_parameter(x, (struct statement_parameter){type, (uint8_t)i, false, NULL});
        if (error)
            return error;
    }
    return 0;
}

static int put_parameter(struct expansion *x, struct sql_token token) {
    if (!token.number || token.number > x->query->nargs)
        return REFUSE(x, "$%u, but there are %u arguments", token.number, x->query->nargs);
    unsigned argument = token.number - 1;
    if ((int)argument == x->set_argument)
        return REFUSE(x, "$%u is the SET: it is written as {set}", token.number);
    x->is_used[argument] = true;
    return put_format(x, "$%u", x->first_of[argument]);
}

// Follows names and dots, so that {*} knows what stands before it and belongs to each column: "p." of p.{*}.
static void follow_qualifier(struct expansion *x, struct sql_token token) {
    bool is_name = token.kind == SQL_WORD || token.kind == SQL_QUOTED, is_dot = token.kind == SQL_OTHER && token.text.ptr[0] == '.';
    if (is_name && !x->is_behind_dot)
        x->qualifier = token.text.ptr;
    if (!is_name && !is_dot)
        x->qualifier = NULL;
    x->is_behind_dot = is_dot && x->qualifier;
}

static int put_columns(struct expansion *x, struct sql_token token) {
    const leat_schema *row = x->query->row;
    if (!row || row->kind != LEAT_OBJECT)
        return REFUSE(x, "{*} needs the schema of a row: db_one or db_list with one");
    str qualifier = {x->qualifier, x->is_behind_dot ? (size_t)(token.text.ptr - x->qualifier) : 0};
    for (unsigned i = 0; i < row->nfields; i++) {
        const leat_field *field = &row->fields[i];
        if (!type_is_column(field->type))
            return REFUSE(x, "field '%s' of %s cannot be a column of {*}: it is no value of one column", field->name, row->name);
        int error = i ? put_format(x, ", %.*s", (int)qualifier.len, qualifier.ptr) : 0;
        error = error ? error : put_format(x, "\"%s\"", field_column(field));
        if (error)
            return error;
    }
    return 0;
}

// 1 << 63 has no literal of its own as an int8.
static int put_bit(struct expansion *x, unsigned bit) {
    return bit == 63 ? put_format(x, "'-9223372036854775808'::int8") : put_format(x, "%llu", 1ull << bit);
}

// "col" = CASE WHEN (mask & bit) <> 0 THEN $n ELSE target."col" END: the parameter takes the column's type from the other branch.
static int put_assignment(struct expansion *x, unsigned bit, str target) {
    unsigned mask = x->first_of[x->set_argument];
    const char *column = field_column(x->parameters[mask + bit].field);
    int error = put_format(x, "%s\"%s\" = CASE WHEN ($%u::int8 & ", bit ? ", " : "", column, mask);
    error = error ? error : put_bit(x, bit);
    error = error ? error : put_format(x, ") <> 0 THEN $%u ELSE ", mask + 1 + bit);
    error = error ? error : put(x, target);
    return error ? error : put_format(x, "%s\"%s\" END", target.len ? "." : "", column);
}

// ---- .on_update: what {set} writes as well

static bool is_named(str token, const char *name) {
    bool is_quoted = token.len >= 2 && *token.ptr == '"';
    str bare = is_quoted ? (str){token.ptr + 1, token.len - 2} : token;
    return bare.len == strlen(name) && (is_quoted ? strncmp : strncasecmp)(bare.ptr, name, bare.len) == 0;
}

static const leat_schema *table_named(const struct statement_set *set, str name) {
    for (size_t i = 0; name.len && i < set->table_count; i++)
        if (is_named(name, set->tables[i]->table))
            return set->tables[i];
    return NULL;
}

// The SET sets it, or the author does beside {set}: `column = ...` behind SET or a comma.
static bool is_assigned(const struct expansion *x, const char *column) {
    const leat_schema *fields = set_of(x->query, (unsigned)x->set_argument);
    for (unsigned i = 0; i < fields->nfields; i++)
        if (strcmp(field_column(&fields->fields[i]), column) == 0)
            return true;
    bool is_place = false;
    for (size_t position = 0;;) {
        struct sql_token token = sql_next(x->source, &position);
        if (token.kind == SQL_END || token.kind == SQL_BROKEN)
            return false;
        size_t ahead = position;
        struct sql_token next = sql_next(x->source, &ahead);
        bool is_name = token.kind == SQL_WORD || token.kind == SQL_QUOTED, is_equals = next.kind == SQL_OTHER && *next.text.ptr == '=';
        if (is_place && is_name && is_equals && is_named(token.text, column))
            return true;
        is_place = sql_is_word(token, "set") || (token.kind == SQL_OTHER && *token.text.ptr == ',');
    }
}

// An empty SET changes nothing, and so not these either.
static int put_on_update(struct expansion *x, str target, str table) {
    const leat_schema *schema = table_named(x->set, table);
    unsigned mask = x->first_of[x->set_argument];
    for (unsigned i = 0; schema && i < schema->nfields; i++) {
        const leat_field *field = descriptor_field(schema, i);
        const struct leat_common_opts *options = field->opts;
        if (!options || !options->on_update || is_assigned(x, field_column(field)))
            continue;
        int error = put_format(x, ", \"%s\" = CASE WHEN $%u::int8 <> 0 THEN %s ELSE ", field_column(field), mask, options->on_update);
        error = error ? error : put(x, target);
        error = error ? error : put_format(x, "%s\"%s\" END", target.len ? "." : "", field_column(field));
        if (error)
            return error;
    }
    return 0;
}

static int put_set(struct expansion *x, struct sql_token token) {
    if (x->set_argument < 0)
        return REFUSE(x, "{set} without a SET among the arguments");
    if (x->has_set)
        return REFUSE(x, "a second {set}: one statement takes one");
    x->has_set = x->is_used[x->set_argument] = true;
    str table, target = sql_update_target(x->source, (size_t)(token.text.ptr - x->source.ptr), &table);
    unsigned field_count = set_of(x->query, (unsigned)x->set_argument)->nfields;
    for (unsigned i = 0; i < field_count; i++) {
        int error = put_assignment(x, i, target);
        if (error)
            return error;
    }
    return put_on_update(x, target, table);
}

// Statements that would change the session others share, or that no row comes back from in the way of a row.
static const char *why_refused(str sql) {
    static const struct {
        const char *word, *why;
    } refused[] = {
        {"copy", "COPY needs a connection of its own"},
        {"begin", "transactions are get_tx's"},
        {"start", "transactions are get_tx's"},
        {"commit", "transactions are get_tx's"},
        {"end", "transactions are get_tx's"},
        {"rollback", "transactions are get_tx's: fail() rolls back"},
        {"abort", "transactions are get_tx's: fail() rolls back"},
        {"prepare", "every statement is prepared by leat"},
        {"execute", "every statement is prepared by leat"},
        {"deallocate", "it would take statements from others of the same link"},
        {"discard", "it would take statements from others of the same link"},
        {"reset", "the session is shared with other requests"},
        {"listen", "the session is shared with other requests"},
        {"unlisten", "the session is shared with other requests"},
    };
    size_t position = 0;
    struct sql_token first = sql_next(sql, &position), second = sql_next(sql, &position);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (sql_is_word(first, refused[i].word))
            return refused[i].why;
    if (sql_is_word(first, "set") && !sql_is_word(second, "local") && !sql_is_word(second, "constraints"))
        return "the session is shared with other requests: SET LOCAL, in get_tx";
    return NULL;
}

static int expand_token(struct expansion *x, struct sql_token token) {
    switch (token.kind) {
    case SQL_BROKEN:
        return REFUSE(x, "a quote or comment in this SQL never ends");
    case SQL_PARAMETER:
        return put_parameter(x, token);
    case SQL_COLUMNS:
        return put_columns(x, token);
    case SQL_SET:
        return put_set(x, token);
    default:
        return put(x, token.text);
    }
}

static int expand_text(struct expansion *x) {
    for (size_t position = 0;;) {
        const char *before = x->source.ptr + position;
        struct sql_token token = sql_next(x->source, &position);
        int error = put(x, (str){before, (size_t)(token.text.ptr - before)}); // blanks and comments
        if (!error && token.kind == SQL_END)
            return 0;
        error = error ? error : expand_token(x, token);
        follow_qualifier(x, token);
        if (error)
            return error;
    }
}

static int check_use(struct expansion *x) {
    for (unsigned i = 0; i < x->query->nargs; i++) {
        if (!x->is_used[i] && x->query->types[i] == LEAT_A_SET)
            return REFUSE(x, "a SET among the arguments, but no {set} in the text");
        if (!x->is_used[i])
            return REFUSE(x, "argument $%u is not used", i + 1);
    }
    return 0;
}

static int check_descriptor(struct expansion *x) {
    const leat_query *query = x->query;
    if (query->nargs > sizeof query->types)
        return REFUSE(x, "more than %zu arguments", sizeof query->types);
    if (!query->row != (query->shape == LEAT_EXEC))
        return REFUSE(x, "the descriptor of this query is broken: rebuild the plugin");
    if (query->row && query->row->kind != LEAT_OBJECT && !type_is_column(query->row))
        return REFUSE(x, "a row of %s: neither a schema nor a value of one column", query->row->name);
    if (query->shape == LEAT_SCALAR && query->row->kind == LEAT_OBJECT)
        return REFUSE(x, "db_value of %s: it takes the first column alone; db_one takes a row", query->row->name);
    const char *why = why_refused(x->source);
    return why ? REFUSE(x, "this statement is refused: %s", why) : 0;
}

static int expand(struct expansion *x) {
    int error = check_descriptor(x);
    error = error ? error : number_parameters(x);
    error = error ? error : expand_text(x);
    return error ? error : check_use(x);
}

// ---- into the set

static uint64_t hash_of(str text) { // FNV-1a
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (uint8_t)text.ptr[i]) * 0x100000001B3u;
    return hash;
}

// What it sets for its transaction would be seen by those that share it.
static bool is_alone(const struct statement *statement) {
    return !statement->is_read || sql_has_word(statement->sql, "set_config");
}

static int statement_make(struct statement_set *set, struct expansion *x, struct statement **ret_statement) {
    struct statement *statement = arena_alloc(&set->arena, sizeof *statement);
    struct statement_parameter *parameters = arena_alloc(&set->arena, (x->parameter_count + 1) * sizeof *parameters);
    str sql = arena_copy(&set->arena, (str){buffer_head(&x->text), buffer_bytes(&x->text)});
    if (!statement || !parameters || !sql.ptr)
        return -ENOMEM;
    memcpy(parameters, x->parameters, x->parameter_count * sizeof *parameters);
    statement->query = x->query;
    statement->set = set;
    statement->sql = sql;
    statement->hash = hash_of(sql);
    statement->is_read = sql_is_read(sql);
    statement->is_alone = is_alone(statement);
    statement->parameters = parameters;
    statement->parameter_count = x->parameter_count;
    *ret_statement = statement;
    return 0;
}

static int set_insert(struct statement_set *set, struct expansion *x) {
    struct statement *statement = NULL;
    int error = grow(set);
    error = error ? error : statement_make(set, x, &statement);
    if (error)
        return error;
    statement->index = (unsigned)set->count;
    set->items[set->count++] = statement;
    set->cells[cell_of(set, statement->query)] = statement;
    return 0;
}

int statement_set_know_table(struct statement_set *set, const leat_schema *table) {
    const leat_schema **tables = arena_alloc(&set->arena, (set->table_count + 1) * sizeof *tables);
    if (!tables)
        return -ENOMEM;
    if (set->table_count)
        memcpy(tables, set->tables, set->table_count * sizeof *tables);
    tables[set->table_count++] = table;
    set->tables = tables;
    return 0;
}

int statement_set_add(struct statement_set *set, const leat_query *query, struct arena *arena, str *ret_message) {
    if (statement_of(set, query))
        return 0;
    struct expansion x = {.query = query, .set = set, .arena = arena, .source = {query->sql, strlen(query->sql)}};
    int error = expand(&x);
    error = error ? error : set_insert(set, &x);
    if (error == -EINVAL)
        *ret_message = x.message.ptr ? x.message : statement_message(query, arena, "a name in this SQL is too long");
    buffer_finish(&x.text);
    return error;
}
