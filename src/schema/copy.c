// copy.c — values copied deeply, by their schema.
#include "copy.h"

#include <string.h>

struct any_list {
    void *items;
    size_t n;
};

static bool copy_into(struct arena *arena, const leat_schema *schema, void *value);

static bool copy_text(struct arena *arena, str *text) {
    if (!text->ptr)
        return true;
    *text = arena_copy(arena, *text);
    return text->ptr;
}

static bool copy_items(struct arena *arena, const leat_schema *elem, struct any_list *list) {
    void *items = arena_raw(arena, list->n * elem->bytes);
    if (!items)
        return false;
    if (list->n)
        memcpy(items, list->items, list->n * elem->bytes);
    list->items = items;
    for (size_t i = 0; i < list->n; i++)
        if (!copy_into(arena, elem, (char *)items + i * elem->bytes))
            return false;
    return true;
}

static bool copy_members(struct arena *arena, const leat_schema *schema, char *value) {
    for (unsigned i = 0; i < schema->nfields; i++)
        if (!copy_into(arena, schema->fields[i].type, value + schema->fields[i].off))
            return false;
    return true;
}

// `value` is a flat copy already: what it points to follows.
static bool copy_into(struct arena *arena, const leat_schema *schema, void *value) {
    switch (schema->kind) {
    case LEAT_STR:
    case LEAT_JSON:
        return copy_text(arena, value);
    case LEAT_LIST:
        return copy_items(arena, schema->elem, value);
    case LEAT_OBJECT:
        return copy_members(arena, schema, value);
    default:
        return true;
    }
}

void *value_copy(struct arena *arena, const leat_schema *schema, const void *value) {
    void *copy = arena_raw(arena, schema->bytes);
    if (!copy)
        return NULL;
    memcpy(copy, value, schema->bytes);
    return copy_into(arena, schema, copy) ? copy : NULL;
}
