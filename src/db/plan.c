// plan.c — how the types that a server describes and the types of C meet.
#include "db/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "schema/default.h"

// ---- making one

/** A plan in the making; messages go to `arena` until the plan has memory of its own. */
struct making {
    struct plan *plan;
    const struct statement *statement;
    const struct description *description;
    struct arena *arena;
    uint64_t given; // fields that have a column
};

#define UNFIT(making, ...) ((making)->plan->unfit = statement_message((making)->statement->query, (making)->arena, __VA_ARGS__), false)

static str type_name(uint32_t oid, str told, struct arena *arena) {
    const char *name = oid_name(oid);
    if (told.ptr)
        return told;
    return name ? str_of(name) : arena_format(arena, "of type %u", oid);
}

static bool fit_parameter(struct making *m, unsigned index) {
    const struct statement_parameter *parameter = &m->statement->parameters[index];
    uint32_t oid = m->description->parameters[index].oid;
    str told = m->description->parameters[index].type_name, wanted = type_name(oid, told, m->arena);
    bool is_scalar = told.ptr && (told.len < 2 || memcmp(told.ptr + told.len - 2, "[]", 2) != 0);
    enum encode encode = parameter->type & LEAT_A_LIST && is_scalar ? ENCODE_NONE : encode_of(parameter->type, oid);
    if (!encode && parameter->field)
        return UNFIT(m, "field '%s' of the SET is %s but Postgres wants %.*s", parameter->field->name, argument_type_name(parameter->type),
                     (int)wanted.len, wanted.ptr);
    if (!encode)
        return UNFIT(m, "%s is %s but Postgres wants %.*s", statement_argument(m->statement->query, parameter->argument, m->arena).ptr,
                     argument_type_name(parameter->type), (int)wanted.len, wanted.ptr);
    m->plan->encodes[index] = (uint8_t)encode;
    m->plan->elements[index] = oid_element(oid);
    m->plan->parameter_formats[index] = (uint8_t)encode_format(parameter->type, encode);
    return true;
}

static bool fit_parameters(struct making *m) {
    struct plan *plan = m->plan;
    plan->parameter_count = m->statement->parameter_count;
    if (m->description->parameter_count != plan->parameter_count)
        return UNFIT(m, "Postgres sees %u parameters, but there are %u", m->description->parameter_count, plan->parameter_count);
    for (unsigned i = 0; i < plan->parameter_count; i++)
        if (!fit_parameter(m, i))
            return false;
    for (unsigned i = 1; i < plan->parameter_count; i++)
        plan->parameters_differ |= plan->parameter_formats[i] != plan->parameter_formats[0];
    plan->parameter_format = plan->parameter_formats[0];
    return true;
}

static int field_index_of_column(const leat_schema *row, str column) {
    for (unsigned i = 0; i < row->nfields; i++) {
        const char *name = field_column(&row->fields[i]);
        if (strlen(name) == column.len && memcmp(name, column.ptr, column.len) == 0)
            return (int)i;
    }
    return -1;
}

static bool fit_column(struct making *m, unsigned index, struct plan_column *column) {
    str name = m->description->columns[index].name;
    uint32_t oid = m->description->columns[index].oid;
    if (column->type->kind == LEAT_LIST)
        column->item_decode = (uint8_t)decode_of_item(column->type->elem->kind, oid);
    column->decode = column->item_decode ? DECODE_LIST : (uint8_t)decode_of(column->type->kind, oid);
    if (!column->decode) {
        str is = type_name(oid, m->description->columns[index].type_name, m->arena);
        const leat_schema *row = m->statement->query->row;
        if (!column->field)
            return UNFIT(m, "column '%.*s' is %.*s in Postgres but %s here", (int)name.len, name.ptr, (int)is.len, is.ptr,
                         schema_type_name(column->type));
        return UNFIT(m, "column '%.*s' is %.*s in Postgres but %s.%s is %s (%s:%u)", (int)name.len, name.ptr, (int)is.len, is.ptr,
                     row->name, column->field->name, schema_type_name(column->type), row->file, column->field->line);
    }
    m->plan->result_formats[index] = (uint8_t)decode_format((enum decode)column->decode, oid);
    enum decode decode = (enum decode)(column->item_decode ? column->item_decode : column->decode);
    m->plan->has_text |= decode == DECODE_TEXT || decode == DECODE_JSONB;
    m->plan->columns[index] = *column;
    return true;
}

static bool fit_schema_column(struct making *m, unsigned index) {
    const leat_schema *row = m->statement->query->row;
    str name = m->description->columns[index].name;
    int i = field_index_of_column(row, name);
    if (i < 0)
        return UNFIT(m, "column '%.*s' of the result is no field of %s", (int)name.len, name.ptr, row->name);
    uint64_t bit = UINT64_C(1) << i;
    if (m->given & bit)
        return UNFIT(m, "column '%.*s' comes twice", (int)name.len, name.ptr);
    m->given |= bit;
    const leat_field *field = &row->fields[i];
    struct plan_column column = {
        .may_be_null = field_may_be_null(field), .offset = field->off, .bit = bit, .type = field->type, .field = field};
    return fit_column(m, index, &column);
}

// A row of a schema begins as its defaults; what has neither column nor default nor leave to be absent is a mistake.
static bool make_blank_schema(struct making *m) {
    const leat_schema *row = m->statement->query->row;
    for (unsigned i = 0; i < row->nfields; i++) {
        const leat_field *field = &row->fields[i];
        const struct leat_common_opts *options = field->opts;
        if (m->given & UINT64_C(1) << i)
            continue;
        struct default_value otherwise = default_of(field->type, field->opts);
        default_store(&otherwise, field->type, m->plan->blank + field->off);
        if (!otherwise.is_given && !(options && options->optional) && !row->partial)
            return UNFIT(m, "field '%s' of %s has no column in the result", field->name, row->name);
    }
    memcpy(m->plan->blank + row->set_off, &m->given, sizeof m->given);
    m->plan->null_offset = row->null_off;
    return true;
}

static bool fit_schema(struct making *m) {
    const leat_schema *row = m->statement->query->row;
    unsigned count = m->plan->column_count;
    for (unsigned i = 0; i < count && i < DESCRIPTION_COLUMNS_MAX; i++)
        if (!fit_schema_column(m, i))
            return false;
    if (count > DESCRIPTION_COLUMNS_MAX)
        return UNFIT(m, "%u columns are more than %s has fields", count, row->name);
    return make_blank_schema(m);
}

static bool fit_value(struct making *m) {
    const leat_query *query = m->statement->query;
    if (query->shape != LEAT_SCALAR && m->plan->column_count != 1)
        return UNFIT(m, "%u columns for a list of %s: one is wanted", m->plan->column_count, query->row->name);
    struct plan_column column = {.may_be_null = query->shape == LEAT_SCALAR, .type = query->row};
    return fit_column(m, 0, &column);
}

static void settle_result_formats(struct plan *plan, unsigned count) {
    bool has_text = false, has_binary = false;
    for (unsigned i = 0; i < count; i++) {
        has_text |= plan->result_formats[i] == FORMAT_TEXT;
        has_binary |= plan->result_formats[i] == FORMAT_BINARY;
    }
    plan->result_format = has_binary ? FORMAT_BINARY : FORMAT_TEXT;
    plan->results_differ = has_text && has_binary;
    for (unsigned i = 0; i < count; i++)
        if (plan->result_formats[i] == FORMAT_EITHER)
            plan->result_formats[i] = plan->result_format;
}

static bool fit_columns(struct making *m) {
    const leat_query *query = m->statement->query;
    struct plan *plan = m->plan;
    plan->column_count = m->description->column_count;
    if (query->shape == LEAT_EXEC)
        return true; // rows, if any come, are counted
    if (!plan->column_count)
        return UNFIT(m, "this statement returns no rows: RETURNING, or db_exec");
    bool is_schema = query->row->kind == LEAT_OBJECT;
    if (!(is_schema ? fit_schema(m) : fit_value(m)))
        return false;
    // a value's further columns are never looked at: whatever format the first has does for them
    settle_result_formats(plan, is_schema ? plan->column_count : 1);
    return true;
}

static uint64_t mix(uint64_t hash, const void *data, size_t bytes) { // FNV-1a
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ ((const uint8_t *)data)[i]) * 0x100000001B3u;
    return hash;
}

static uint64_t fingerprint_of(const struct description *d) {
    uint64_t hash = 0xCBF29CE484222325u;
    hash = mix(hash, &d->parameter_count, sizeof d->parameter_count);
    hash = mix(hash, &d->column_count, sizeof d->column_count);
    for (unsigned i = 0; i < d->parameter_count && i < STATEMENT_PARAMETERS_MAX; i++)
        hash = mix(hash, &d->parameters[i].oid, sizeof d->parameters[i].oid);
    for (unsigned i = 0; i < d->column_count && i < DESCRIPTION_COLUMNS_MAX; i++) {
        hash = mix(hash, &d->columns[i].oid, sizeof d->columns[i].oid);
        hash = mix(hash, d->columns[i].name.ptr, d->columns[i].name.len);
        hash = mix(hash, "", 1);
    }
    return hash;
}

static void plan_destroy(struct plan *plan) {
    if (!plan)
        return;
    free((char *)plan->unfit.ptr);
    free(plan->blank);
    free(plan);
}

// The message leaves the arena for memory of the plan's own.
static int keep_message(struct plan *plan) {
    if (!plan->unfit.ptr)
        return 0;
    char *text = strndup(plan->unfit.ptr, plan->unfit.len);
    plan->unfit.ptr = text;
    return text ? 0 : -ENOMEM;
}

static int plan_make(const struct statement *statement, const struct description *description, struct plan **ret_plan) {
    struct plan *plan = calloc(1, sizeof *plan);
    size_t row_bytes = statement->query->row ? statement->query->row->bytes : sizeof(i64);
    char *blank = plan ? calloc(1, row_bytes) : NULL;
    if (!blank) {
        free(plan);
        return -ENOMEM;
    }
    *plan = (struct plan){.statement = statement, .fingerprint = fingerprint_of(description), .row_bytes = row_bytes, .blank = blank};
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 0);
    arena_init(&arena, &pool, 64 * 1024);
    struct making making = {.plan = plan, .statement = statement, .description = description, .arena = &arena};
    if (fit_parameters(&making))
        fit_columns(&making);
    int error = keep_message(plan);
    arena_reset(&arena);
    arena_pool_finish(&pool);
    if (error) {
        plan_destroy(plan);
        return error;
    }
    *ret_plan = plan;
    return 0;
}

// ---- kept with the statement

static struct plan *find(struct plan *newest, uint64_t fingerprint, unsigned *ret_count) {
    *ret_count = 0;
    while (newest && newest->fingerprint != fingerprint) {
        ++*ret_count;
        newest = newest->next;
    }
    return newest;
}

// Another core may describe the same at the same time: the first that is there stays, and each is there once.
static struct plan *push_or_find(_Atomic(struct plan *) *plans, struct plan *plan) {
    struct plan *newest = atomic_load_explicit(plans, memory_order_acquire);
    for (;;) {
        unsigned count;
        struct plan *found = find(newest, plan->fingerprint, &count);
        if (found)
            return found;
        plan->next = newest;
        if (atomic_compare_exchange_weak_explicit(plans, &newest, plan, memory_order_acq_rel, memory_order_acquire))
            return plan;
    }
}

int plan_of(const struct statement *statement, const struct description *description, const struct plan **ret_plan, bool *ret_is_new) {
    _Atomic(struct plan *) *plans = &((struct statement *)statement)->plans;
    unsigned count;
    struct plan *plan = find(atomic_load_explicit(plans, memory_order_acquire), fingerprint_of(description), &count), *made = NULL;
    if (!plan && count >= PLANS_MAX)
        return -E2BIG;
    if (!plan) {
        int error = plan_make(statement, description, &made);
        if (error)
            return error;
        plan = push_or_find(plans, made);
        if (plan != made)
            plan_destroy(made);
    }
    *ret_is_new = plan == made;
    *ret_plan = plan;
    return 0;
}

void plan_destroy_all(struct statement *statement) {
    struct plan *plan = atomic_load(&statement->plans);
    while (plan) {
        struct plan *next = plan->next;
        plan_destroy(plan);
        plan = next;
    }
}
