// pack.c — a value as one piece of bytes, and back: for memory that outlives a request, and for other processes of the same layout.
//
// The struct as it lies in memory, then, in the order of its members, what they point to. Pointers are written as they are and never read
// back but for whether they are NULL; a length is its struct's own.
#include "schema/pack.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"

enum { DEPTH_MAX = 64 };

struct any_list {
    void *items;
    size_t n;
};

static int pack_behind(struct buffer *buffer, const leat_schema *schema, const void *value);

static int pack_items(struct buffer *buffer, const leat_schema *elem, const struct any_list *list) {
    int error = list->n ? buffer_append(buffer, list->items, list->n * elem->bytes) : 0;
    for (size_t i = 0; i < list->n && !error; i++)
        error = pack_behind(buffer, elem, (const char *)list->items + i * elem->bytes);
    return error;
}

static int pack_behind(struct buffer *buffer, const leat_schema *schema, const void *value) {
    int error = 0;
    const str *text = value;
    switch (schema->kind) {
    case LEAT_STR:
    case LEAT_JSON:
        return text->ptr && text->len ? buffer_append(buffer, text->ptr, text->len) : 0;
    case LEAT_LIST:
        return pack_items(buffer, schema->elem, value);
    case LEAT_OBJECT:
        for (unsigned i = 0; i < schema->nfields && !error; i++)
            error = pack_behind(buffer, schema->fields[i].type, (const char *)value + schema->fields[i].off);
        return error;
    default:
        return 0;
    }
}

int value_pack(struct buffer *buffer, const leat_schema *schema, const void *value) {
    int error = buffer_append(buffer, value, schema->bytes);
    return error ? error : pack_behind(buffer, schema, value);
}

// ---- back

struct unpacking {
    struct arena *arena;
    str rest;
    unsigned depth;
};

// Bytes of the rest, copied; NULL where there are not so many.
static void *take(struct unpacking *unpacking, size_t bytes) {
    if (bytes > unpacking->rest.len)
        return NULL;
    void *copy = arena_raw(unpacking->arena, bytes ? bytes : 1);
    if (copy && bytes)
        memcpy(copy, unpacking->rest.ptr, bytes);
    unpacking->rest = (str){unpacking->rest.ptr + bytes, unpacking->rest.len - bytes};
    return copy;
}

static bool unpack_behind(struct unpacking *unpacking, const leat_schema *schema, void *value);

static bool unpack_text(struct unpacking *unpacking, str *text) {
    if (!text->ptr) {
        text->len = 0;
        return true;
    }
    text->ptr = take(unpacking, text->len);
    return text->ptr && utf8_is_valid(*text);
}

static bool unpack_items(struct unpacking *unpacking, const leat_schema *elem, struct any_list *list) {
    if (list->n > unpacking->rest.len / elem->bytes)
        return false;
    list->items = take(unpacking, list->n * elem->bytes);
    bool is_good = list->items;
    for (size_t i = 0; i < list->n && is_good; i++)
        is_good = unpack_behind(unpacking, elem, (char *)list->items + i * elem->bytes);
    return is_good;
}

static bool unpack_members(struct unpacking *unpacking, const leat_schema *schema, char *value) {
    bool is_good = true;
    for (unsigned i = 0; i < schema->nfields && is_good; i++)
        is_good = unpack_behind(unpacking, schema->fields[i].type, value + schema->fields[i].off);
    return is_good;
}

static bool unpack_behind(struct unpacking *unpacking, const leat_schema *schema, void *value) {
    bool is_good = true;
    if (++unpacking->depth > DEPTH_MAX)
        return false;
    if (schema->kind == LEAT_STR || schema->kind == LEAT_JSON)
        is_good = unpack_text(unpacking, value);
    else if (schema->kind == LEAT_LIST)
        is_good = unpack_items(unpacking, schema->elem, value);
    else if (schema->kind == LEAT_OBJECT)
        is_good = unpack_members(unpacking, schema, value);
    else if (schema->kind == LEAT_BOOL)
        *(unsigned char *)value = *(unsigned char *)value != 0;
    unpacking->depth--;
    return is_good;
}

void *value_unpack(struct arena *arena, const leat_schema *schema, str bytes) {
    struct unpacking unpacking = {.arena = arena, .rest = bytes};
    void *value = take(&unpacking, schema->bytes);
    bool is_good = value && unpack_behind(&unpacking, schema, value) && !unpacking.rest.len;
    return is_good ? value : NULL;
}
