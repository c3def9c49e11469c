// descriptor.h — how the descriptors of a plugin are walked, whatever their size was when it was built.
#ifndef SCHEMA_DESCRIPTOR_H
#define SCHEMA_DESCRIPTOR_H

#include <string.h>

#include <leat/schema.h>

/** What every T_list is. */
struct descriptor_list {
    void *items;
    size_t count;
};

/** The `index`-th field: an array of the plugin's, whose elements are as large as its compiler made them. */
static inline const leat_field *descriptor_field(const leat_schema *schema, unsigned index) {
    return (const leat_field *)((const char *)schema->fields + (size_t)index * schema->fields->size);
}

/** False for the few structs of leat's own that have no .set and .null: their offsets are 0. */
static inline bool descriptor_has_bits(const leat_schema *schema) {
    return schema->null_off != 0;
}

static inline bool descriptor_is_null(const leat_schema *schema, unsigned index, const void *object) {
    uint64_t bits;
    if (!descriptor_has_bits(schema))
        return false;
    memcpy(&bits, (const char *)object + schema->null_off, sizeof bits);
    return bits >> index & 1;
}

#endif
