// array.c — an author's list as an array of Postgres: array_recv()'s binary form, or the text that array_in() reads.
#include "db/array.h"

#include <string.h>

#include "db/value.h"
#include "db/wire.h"

enum { ARRAY_HEAD_BYTES = 4 * 5 }; // dimensions, whether there are NULLs, the items' type; their count, the first's number

size_t array_item_bytes(const leat_arg *list) {
    switch (list->type & ~(unsigned)LEAT_A_LIST) {
    case LEAT_A_I32:
        return sizeof(i32);
    case LEAT_A_BOOL:
        return sizeof(bool);
    case LEAT_A_STR:
    case LEAT_A_JSON:
        return sizeof(str);
    case LEAT_A_UUID:
        return sizeof(uuid);
    }
    return sizeof(i64); // f64 and timestamp are as large
}

leat_arg array_item(const leat_arg *list, size_t index) {
    const void *items = list->list.items;
    switch (list->type & ~(unsigned)LEAT_A_LIST) {
    case LEAT_A_I32:
        return leat_a_i32(((const i32 *)items)[index]);
    case LEAT_A_F64:
        return leat_a_f64(((const f64 *)items)[index]);
    case LEAT_A_BOOL:
        return leat_a_bool(((const bool *)items)[index]);
    case LEAT_A_UUID:
        return leat_a_uuid(((const uuid *)items)[index]);
    case LEAT_A_TIME:
        return leat_a_time(((const timestamp *)items)[index]);
    case LEAT_A_STR:
    case LEAT_A_JSON: {
        str text = ((const str *)items)[index];
        return text.ptr ? leat_a_str(text) : (leat_arg){0};
    }
    }
    return leat_a_i64(((const i64 *)items)[index]);
}

bool array_has_text(const leat_arg *list) {
    return list->type == (LEAT_A_LIST | LEAT_A_STR) || list->type == (LEAT_A_LIST | LEAT_A_JSON);
}

static size_t value_bytes_at_most(enum encode encode) {
    switch (encode) {
    case ENCODE_BOOL:
        return 1;
    case ENCODE_INT2:
    case ENCODE_INT4:
    case ENCODE_OID:
    case ENCODE_FLOAT4:
        return 4;
    case ENCODE_UUID:
        return 16;
    case ENCODE_AS_TEXT:
        return VALUE_BYTES_MAX;
    default:
        return 8;
    }
}

size_t array_bytes_at_most(const leat_arg *list, enum encode encode) {
    size_t n = list->list.n, bytes = 4 + ARRAY_HEAD_BYTES;
    if (!array_has_text(list))
        return bytes + n * (4 + value_bytes_at_most(encode));
    const str *items = list->list.items;
    size_t each = 8, factor = encode == ENCODE_AS_TEXT ? 2 : 1; // a backslash before each byte at worst
    for (size_t i = 0; i < n; i++)
        bytes += each + factor * items[i].len;
    return bytes;
}

// ---- binary

static char *put_item(char *p, const leat_arg *item, enum encode encode, uint32_t element) {
    if (!item->type)
        return wire_put_u32(p, UINT32_MAX);
    if (item->type == LEAT_A_STR) {
        bool has_version = element == OID_JSONB;
        p = wire_put_u32(p, (uint32_t)(item->s.len + has_version));
        if (has_version)
            *p++ = 1;
        return wire_put_bytes(p, item->s.ptr, item->s.len);
    }
    int bytes = value_put(p + 4, item, encode);
    return bytes < 0 ? NULL : wire_put_u32(p, (uint32_t)bytes) + bytes;
}

static char *put_head(char *p, size_t n, uint32_t element) {
    p = wire_put_u32(p, n > 0); // an empty array has no dimension
    p = wire_put_u32(p, 0);     // Postgres counts the NULLs itself
    p = wire_put_u32(p, element);
    if (!n)
        return p;
    return wire_put_u32(wire_put_u32(p, (uint32_t)n), 1);
}

static char *put_binary(char *p, const leat_arg *list, enum encode encode, uint32_t element) {
    p = put_head(p, list->list.n, element);
    for (size_t i = 0; p && i < list->list.n; i++) {
        leat_arg item = array_item(list, i);
        p = put_item(p, &item, encode, element);
    }
    return p;
}

// ---- text

static char *put_quoted(char *p, str text) {
    *p++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            *p++ = '\\';
        *p++ = text.ptr[i];
    }
    *p++ = '"';
    return p;
}

static char *put_text(char *p, const leat_arg *list) {
    *p++ = '{';
    for (size_t i = 0; i < list->list.n; i++) {
        leat_arg item = array_item(list, i);
        char value[VALUE_BYTES_MAX];
        if (i)
            *p++ = ',';
        if (!item.type)
            p = wire_put_bytes(p, "NULL", 4);
        else if (item.type == LEAT_A_STR)
            p = put_quoted(p, item.s);
        else
            p = put_quoted(p, (str){value, (size_t)value_text(value, &item)});
    }
    *p++ = '}';
    return p;
}

char *array_put(char *p, const leat_arg *list, enum encode encode, uint32_t element) {
    char *end = encode == ENCODE_AS_TEXT ? put_text(p + 4, list) : put_binary(p + 4, list, encode, element);
    if (end)
        wire_put_u32(p, (uint32_t)(end - p - 4));
    return end;
}
