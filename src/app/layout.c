// layout.c — whether two plugins mean the same struct by one name.
//
// The hash says whether they do, and the walk that finds the words is only for people. Types are compared by what they are, not by what
// they are called: an enum of the same labels under another name is the same.
#include "layout.h"

#include <string.h>

const leat_schema *layout_find(const struct plugin_view *view, const char *type_name) {
    size_t bytes = strcspn(type_name, " *");
    if (strspn(type_name + bytes, " *") != strlen(type_name + bytes))
        return NULL; // "const Account *", "struct model *"
    for (size_t i = 0; i < view->item_count; i++) {
        const struct leat_declared_schema *item = (const struct leat_declared_schema *)view->items[i];
        if (item->base.kind == LEAT_ITEM_SCHEMA && strlen(item->schema->name) == bytes && !memcmp(item->schema->name, type_name, bytes))
            return item->schema;
    }
    return NULL;
}

// FNV-1a, 64 bits.
static uint64_t mix(uint64_t hash, const void *data, size_t bytes) {
    for (const unsigned char *byte = data; bytes--; byte++)
        hash = (hash ^ *byte) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t mix_text(uint64_t hash, const char *text) {
    return mix(hash, text, strlen(text) + 1);
}

static uint64_t mix_type(uint64_t hash, const leat_schema *schema) {
    uint32_t numbers[] = {schema->kind, schema->bytes, schema->nfields};
    hash = mix(hash, numbers, sizeof numbers);
    if (schema->kind == LEAT_LIST)
        return mix_type(hash, schema->elem);
    if (schema->kind == LEAT_ENUM)
        for (unsigned i = 0; i < schema->nfields; i++)
            hash = mix_text(hash, schema->labels[i]);
    if (schema->kind == LEAT_OBJECT)
        for (unsigned i = 0; i < schema->nfields; i++) {
            hash = mix_text(hash, schema->fields[i].name);
            hash = mix(hash, &schema->fields[i].off, sizeof schema->fields[i].off);
            hash = mix_type(hash, schema->fields[i].type);
        }
    return hash;
}

uint64_t layout_hash(const leat_schema *schema) {
    return mix_type(UINT64_C(0xcbf29ce484222325), schema);
}

str layout_difference(const leat_schema *here, const leat_schema *there, struct arena *arena) {
    if (here->kind != LEAT_OBJECT || there->kind != LEAT_OBJECT)
        return arena_format(arena, "it is %s here but %s", here->name, there->name);
    for (unsigned i = 0; i < here->nfields && i < there->nfields; i++) {
        const leat_field *a = &here->fields[i], *b = &there->fields[i];
        if (strcmp(a->name, b->name) != 0)
            return arena_format(arena, "member %u is '%s' here but '%s'", i + 1, a->name, b->name);
        if (a->off != b->off || layout_hash(a->type) != layout_hash(b->type))
            return arena_format(arena, "member '%s' is %s at %u here but %s at %u%s", a->name, a->type->name, a->off, b->type->name, b->off,
                                strcmp(a->type->name, b->type->name) == 0 && a->off == b->off ? " with other insides" : "");
    }
    return arena_format(arena, "it has %u members here but %u", here->nfields, there->nfields);
}
