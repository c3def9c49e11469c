// bind.c — a call's arguments: kept flat, one for each of Postgres' parameters, and encoded into a Bind message.
#include "db/bind.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "db/array.h"
#include "db/value.h"
#include "db/wire.h"

enum {
    BIND_BYTES_MAX = 1 << 30, // Postgres takes messages up to 1 GiB
};

// ---- copied

static leat_arg null_where(bool is_null, leat_arg value) {
    return is_null ? (leat_arg){0} : value;
}

static leat_arg value_of_label(const leat_schema *type, unsigned value) {
    if (!value || value > type->nfields)
        return (leat_arg){0};
    const char *label = type->labels[value - 1];
    return leat_a_str(str_of(label));
}

static leat_arg value_of_member(const struct statement_parameter *parameter, const char *at) {
    const leat_field *field = parameter->field;
    switch (field->type->kind) {
    case LEAT_STR:
    case LEAT_JSON:
        return null_where(!((const str *)at)->ptr, leat_a_str(*(const str *)at));
    case LEAT_I32:
        return leat_a_i32(*(const i32 *)at);
    case LEAT_I64:
        return leat_a_i64(*(const i64 *)at);
    case LEAT_F64:
        return leat_a_f64(*(const f64 *)at);
    case LEAT_BOOL:
        return leat_a_bool(*(const bool *)at);
    case LEAT_UUID:
        return leat_a_uuid(*(const uuid *)at);
    case LEAT_TIME:
        return leat_a_time(*(const timestamp *)at);
    case LEAT_ENUM:
        return value_of_label(field->type, *(const unsigned *)at);
    case LEAT_LIST: {
        struct leat_items list;
        memcpy(&list, at, sizeof list);
        return (leat_arg){parameter->type, {.list = list}};
    }
    }
    return (leat_arg){0};
}

static uint64_t bits_at(const struct leat_set *set, uint32_t offset) {
    uint64_t bits;
    memcpy(&bits, (const char *)set->value + offset, sizeof bits);
    return bits;
}

// A field that is absent or null is NULL: the mask tells Postgres which of the two.
static leat_arg value_of_set(const struct statement_parameter *parameter, const struct leat_set *set) {
    uint64_t present = bits_at(set, set->schema->set_off);
    if (parameter->is_mask)
        return leat_a_i64((i64)present);
    uint64_t bit = UINT64_C(1) << (parameter->field - set->schema->fields);
    if (!(present & bit) || bits_at(set, set->schema->null_off) & bit)
        return (leat_arg){0};
    return value_of_member(parameter, (const char *)set->value + parameter->field->off);
}

static leat_arg value_of(const struct statement_parameter *parameter, const leat_arg *arg) {
    switch (arg->type) {
    case LEAT_A_SET:
        return value_of_set(parameter, &arg->set);
    case LEAT_A_CSTR:
        return null_where(!arg->c, leat_a_str(str_of(arg->c)));
    case LEAT_A_STR:
    case LEAT_A_JSON:
        return null_where(!arg->s.ptr, leat_a_str(arg->s));
    }
    return *arg;
}

static size_t text_bytes(const leat_arg *value) {
    if (value->type == LEAT_A_STR)
        return value->s.len;
    size_t bytes = 0;
    if (value->type & LEAT_A_LIST && array_has_text(value))
        for (size_t i = 0; i < value->list.n; i++)
            bytes += ((const str *)value->list.items)[i].len;
    return bytes;
}

// Aligned for any item.
static size_t item_bytes(const leat_arg *value) {
    return value->type & LEAT_A_LIST ? (value->list.n * array_item_bytes(value) + 7) & ~(size_t)7 : 0;
}

static char *copy_text(char *cursor, str *text) {
    if (text->ptr) {
        memcpy(cursor, text->ptr, text->len);
        text->ptr = cursor;
    }
    return cursor + text->len;
}

// The items to where there is room for them, the strings behind.
static char *copy_list(leat_arg *value, char *items, char *cursor) {
    if (value->list.n)
        memcpy(items, value->list.items, value->list.n * array_item_bytes(value));
    value->list.items = items;
    for (size_t i = 0; array_has_text(value) && i < value->list.n; i++)
        cursor = copy_text(cursor, &((str *)items)[i]);
    return cursor;
}

int bind_copy(const struct statement *statement, const leat_arg *args, struct arena *arena, const leat_arg **ret_values) {
    leat_arg flat[STATEMENT_PARAMETERS_MAX];
    size_t head = statement->parameter_count * sizeof *flat, items = 0, text = 0;
    for (unsigned i = 0; i < statement->parameter_count; i++) {
        flat[i] = value_of(&statement->parameters[i], &args[statement->parameters[i].argument]);
        items += item_bytes(&flat[i]);
        text += text_bytes(&flat[i]);
    }
    char *piece = arena_raw(arena, head + items + text);
    if (!piece)
        return -ENOMEM;
    char *item = piece + head, *cursor = item + items;
    for (unsigned i = 0; i < statement->parameter_count; i++) {
        size_t bytes = item_bytes(&flat[i]);
        if (flat[i].type == LEAT_A_STR)
            cursor = copy_text(cursor, &flat[i].s);
        else if (flat[i].type & LEAT_A_LIST)
            cursor = copy_list(&flat[i], item, cursor);
        item += bytes;
    }
    memcpy(piece, flat, head);
    *ret_values = (const leat_arg *)piece;
    return 0;
}

// ---- encoded

static char *put_formats(char *p, bool differ, uint8_t one, const uint8_t *each, unsigned count) {
    if (!differ && (one == FORMAT_TEXT || !count))
        return wire_put_u16(p, 0);
    unsigned codes = differ ? count : 1;
    p = wire_put_u16(p, (uint16_t)codes);
    for (unsigned i = 0; i < codes; i++)
        p = wire_put_u16(p, differ ? each[i] : one);
    return p;
}

static size_t bytes_at_most(const struct plan *plan, const leat_arg *values) {
    size_t bytes = WIRE_HEAD_BYTES + 1 + STATEMENT_NAME_BYTES + 6 + 2 * plan->parameter_count + 2 * DESCRIPTION_COLUMNS_MAX;
    for (unsigned i = 0; i < plan->parameter_count; i++) {
        bytes += 4 + (values[i].type == LEAT_A_STR ? values[i].s.len : VALUE_BYTES_MAX);
        if (values[i].type & LEAT_A_LIST)
            bytes += array_bytes_at_most(&values[i], (enum encode)plan->encodes[i]);
    }
    return bytes + WIRE_EXECUTE_BYTES + WIRE_HEAD_BYTES;
}

static char *put_parameter(char *p, const leat_arg *value, enum encode encode, uint32_t element) {
    if (!value->type)
        return wire_put_u32(p, UINT32_MAX); // NULL
    if (value->type == LEAT_A_STR)
        return wire_put_bytes(wire_put_u32(p, (uint32_t)value->s.len), value->s.ptr, value->s.len);
    if (value->type & LEAT_A_LIST)
        return array_put(p, value, encode, element);
    int bytes = value_put(p + 4, value, encode);
    return bytes < 0 ? NULL : wire_put_u32(p, (uint32_t)bytes) + bytes;
}

int bind_put(struct buffer *out, const char *name, const struct plan *plan, const leat_arg *values, bool has_sync,
             unsigned *ret_parameter) {
    size_t most = bytes_at_most(plan, values);
    if (most > BIND_BYTES_MAX)
        return -EMSGSIZE;
    char *start = buffer_reserve(out, most);
    if (!start)
        return -ENOMEM;
    char *p = start + WIRE_HEAD_BYTES;
    *p++ = '\0'; // the unnamed portal
    p = wire_put_bytes(p, name, strlen(name) + 1);
    p = put_formats(p, plan->parameters_differ, plan->parameter_format, plan->parameter_formats, plan->parameter_count);
    p = wire_put_u16(p, (uint16_t)plan->parameter_count);
    for (unsigned i = 0; i < plan->parameter_count; i++) {
        char *next = put_parameter(p, &values[i], (enum encode)plan->encodes[i], plan->elements[i]);
        if (!next) {
            *ret_parameter = i;
            return -ERANGE;
        }
        p = next;
    }
    p = put_formats(p, plan->results_differ, plan->result_format, plan->result_formats, plan->column_count);
    *start = 'B';
    wire_put_u32(start + 1, (uint32_t)(p - start - 1));
    p = wire_put_execute(p);
    if (has_sync)
        p = wire_put_sync(p);
    buffer_commit(out, (size_t)(p - start));
    return 0;
}
