// row.c — a DataRow into a struct: by the plan's offsets, text copied in one piece.
#include "db/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "db/wire.h"

static int put_time(void *member, const char *p) {
    i64 us = (i64)wire_u64(p);
    i64 lowest = TIMESTAMP_US_MIN - POSTGRES_EPOCH_US, highest = TIMESTAMP_US_MAX - POSTGRES_EPOCH_US;
    us = us < lowest ? lowest : us > highest ? highest : us; // the infinities too
    *(timestamp *)member = (timestamp){us + POSTGRES_EPOCH_US};
    return 0;
}

static int put_float(void *member, const char *p, size_t bytes) {
    if (bytes == 8) {
        uint64_t bits = wire_u64(p);
        memcpy(member, &bits, sizeof bits);
        return 0;
    }
    uint32_t bits = wire_u32(p);
    float narrow;
    memcpy(&narrow, &bits, sizeof narrow);
    *(f64 *)member = narrow;
    return 0;
}

// A numeric's text; digits beyond those a double can tell apart are not looked at, its exponent is.
static int put_numeric(void *member, str text) {
    char copy[512];
    if (text.len < sizeof copy) {
        memcpy(copy, text.ptr, text.len);
        copy[text.len] = '\0';
    } else { // keep the sign and 400 digits, count the others before the point
        const char *point = memchr(text.ptr, '.', text.len);
        size_t whole = point ? (size_t)(point - text.ptr) : text.len;
        memcpy(copy, text.ptr, 400);
        size_t dropped = whole > 400 ? whole - 400 : 0;
        copy[400] = '\0';
        if (dropped)
            strcat(copy, "e400"); // out of a double's range either way
    }
    char *end;
    *(f64 *)member = strtod(copy, &end);
    return end == copy || *end ? -EBADMSG : 0;
}

static int put_label(const leat_schema *type, void *member, str label, struct row_fault *ret_fault) {
    for (unsigned i = 0; i < type->nfields; i++)
        if (strncmp(type->labels[i], label.ptr, label.len) == 0 && !type->labels[i][label.len]) {
            *(unsigned *)member = i + 1;
            return 0;
        }
    ret_fault->kind = ROW_LABEL;
    ret_fault->value = label;
    return -EBADMSG;
}

static int put_jsonb(void *member, str value) {
    if (!value.len || value.ptr[0] != 1) // the version of jsonb_send()
        return -EBADMSG;
    *(str *)member = (str){value.ptr + 1, value.len - 1};
    return 0;
}

static size_t fixed_bytes(enum decode decode) {
    static const uint8_t bytes[] = {
        [DECODE_I32_INT2] = 2, [DECODE_I32_INT4] = 4, [DECODE_I64_INT2] = 2,   [DECODE_I64_INT4] = 4,
        [DECODE_I64_INT8] = 8, [DECODE_I64_OID] = 4,  [DECODE_F64_FLOAT4] = 4, [DECODE_F64_FLOAT8] = 8,
        [DECODE_BOOL] = 1,     [DECODE_UUID] = 16,    [DECODE_TIME] = 8,       [DECODE_LIST] = 0,
    };
    return bytes[decode];
}

static int put_list(const struct plan_column *column, void *member, str value, struct arena *arena, struct row_fault *ret_fault);

// Part of row_decode()'s loop: a call for each column would cost more than most columns.
static inline __attribute__((always_inline)) int put_member(const struct plan_column *column, enum decode decode, void *member, str value,
                                                            struct arena *arena, struct row_fault *ret_fault) {
    size_t fixed = fixed_bytes(decode);
    if (fixed && value.len != fixed)
        return -EBADMSG;
    switch (decode) {
    case DECODE_NONE:
        return -EBADMSG;
    case DECODE_TEXT:
        *(str *)member = value;
        return 0;
    case DECODE_JSONB:
        return put_jsonb(member, value);
    case DECODE_I32_INT2:
        *(i32 *)member = (int16_t)wire_u16(value.ptr);
        return 0;
    case DECODE_I32_INT4:
        *(i32 *)member = (int32_t)wire_u32(value.ptr);
        return 0;
    case DECODE_I64_INT2:
        *(i64 *)member = (int16_t)wire_u16(value.ptr);
        return 0;
    case DECODE_I64_INT4:
        *(i64 *)member = (int32_t)wire_u32(value.ptr);
        return 0;
    case DECODE_I64_INT8:
        *(i64 *)member = (i64)wire_u64(value.ptr);
        return 0;
    case DECODE_I64_OID:
        *(i64 *)member = wire_u32(value.ptr);
        return 0;
    case DECODE_F64_FLOAT4:
    case DECODE_F64_FLOAT8:
        return put_float(member, value.ptr, value.len);
    case DECODE_F64_TEXT:
        return put_numeric(member, value);
    case DECODE_BOOL:
        *(bool *)member = value.ptr[0] != 0;
        return 0;
    case DECODE_UUID:
        memcpy(member, value.ptr, 16);
        return 0;
    case DECODE_TIME:
        return put_time(member, value.ptr);
    case DECODE_LABEL:
        return put_label(column->type, member, value, ret_fault);
    case DECODE_LIST:
        return put_list(column, member, value, arena, ret_fault);
    }
    return -EBADMSG;
}

static __attribute__((noinline)) int put_item(const struct plan_column *column, char *item, str value, struct row_fault *ret_fault) {
    return put_member(column, (enum decode)column->item_decode, item, value, NULL, ret_fault);
}

// The items behind the head of an array, one after another. A NULL among them has no value in C.
static int put_items(const struct plan_column *column, char *items, uint32_t n, str rest, struct row_fault *ret_fault) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bytes = rest.len >= 4 ? wire_u32(rest.ptr) : 0;
        if (bytes == UINT32_MAX) {
            ret_fault->kind = ROW_NULL_ITEM;
            return -EBADMSG;
        }
        if (rest.len < 4 || bytes > rest.len - 4)
            return -EBADMSG;
        char *item = items + i * column->type->elem->bytes;
        int error = put_item(column, item, (str){rest.ptr + 4, bytes}, ret_fault);
        if (error)
            return error;
        rest = (str){rest.ptr + 4 + bytes, rest.len - 4 - bytes};
    }
    return 0;
}

// array_send(): dimensions, whether there are NULLs, the items' type; then of each dimension its length and its first number.
static __attribute__((noinline)) int put_list(const struct plan_column *column, void *member, str value, struct arena *arena,
                                              struct row_fault *ret_fault) {
    struct leat_items list = {NULL, 0};
    uint32_t dimensions = value.len >= 12 ? wire_u32(value.ptr) : UINT32_MAX;
    if (dimensions > 1 || (dimensions && value.len < 20)) {
        ret_fault->kind = dimensions > 1 && value.len >= 20 ? ROW_DIMENSIONS : ROW_VALUE;
        return -EBADMSG;
    }
    list.n = dimensions ? wire_u32(value.ptr + 12) : 0;
    if (list.n > value.len / 4) // each has its length
        return -EBADMSG;
    char *items = arena_alloc(arena, list.n * column->type->elem->bytes + 1);
    if (!items)
        return -ENOMEM;
    list.items = items;
    memcpy(member, &list, sizeof list);
    return list.n ? put_items(column, items, (uint32_t)list.n, (str){value.ptr + 20, value.len - 20}, ret_fault) : 0;
}

// A NULL: the member stays zero, its .null bit tells.
static int put_null(const struct plan *plan, const struct plan_column *column, char *row, struct row_fault *ret_fault) {
    if (!column->may_be_null) {
        ret_fault->kind = ROW_IS_NULL;
        return -EBADMSG;
    }
    if (column->bit) {
        uint64_t bits;
        memcpy(&bits, row + plan->null_offset, sizeof bits);
        bits |= column->bit;
        memcpy(row + plan->null_offset, &bits, sizeof bits);
    }
    return 0;
}

static int put_column(const struct plan *plan, const struct plan_column *column, char *row, str value, bool is_null, struct arena *arena,
                      struct row_fault *ret_fault) {
    *ret_fault = (struct row_fault){.column = column, .kind = ROW_VALUE};
    return is_null ? put_null(plan, column, row, ret_fault)
                   : put_member(column, (enum decode)column->decode, row + column->offset, value, arena, ret_fault);
}

static unsigned decoded_columns(const struct plan *plan) {
    const leat_schema *row = plan->statement->query->row;
    return row && row->kind == LEAT_OBJECT ? plan->column_count : 1;
}

int row_decode(const struct plan *plan, str body, struct arena *arena, void *row, struct row_fault *ret_fault) {
    if (body.len < 2 || wire_u16(body.ptr) != plan->column_count)
        return -EPROTO;
    if (plan->has_text) { // the row's text members are slices of this copy
        body = arena_copy(arena, body);
        if (!body.ptr)
            return -ENOMEM;
    }
    memcpy(row, plan->blank, plan->row_bytes);
    const char *p = body.ptr + 2, *end = body.ptr + body.len;
    unsigned count = decoded_columns(plan);
    for (unsigned i = 0; i < count; i++) {
        if (end - p < 4)
            return -EPROTO;
        uint32_t length = wire_u32(p);
        p += 4;
        bool is_null = length == UINT32_MAX;
        size_t bytes = is_null ? 0 : length;
        if (bytes > (size_t)(end - p))
            return -EPROTO;
        int error = put_column(plan, &plan->columns[i], row, (str){p, bytes}, is_null, arena, ret_fault);
        if (error)
            return error;
        p += bytes;
    }
    return 0;
}
