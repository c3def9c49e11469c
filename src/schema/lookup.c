// lookup.c — names to indices: a table made once for names that are known, asked with names that a client chose.
#include "lookup.h"

#include <errno.h>
#include <string.h>

enum { SEEDS_MAX = 256 };

static inline uint64_t load(const char *from, size_t bytes) {
    uint64_t word = 0;
    memcpy(&word, from, bytes);
    return word;
}

static inline uint32_t hash(const struct lookup *lookup, str name) {
    uint64_t first, last;
    if (name.len >= 8) {
        first = load(name.ptr, 8);
        last = load(name.ptr + name.len - 8, 8);
    } else if (name.len >= 4) {
        first = load(name.ptr, 4);
        last = load(name.ptr + name.len - 4, 4);
    } else {
        first = name.len ? (unsigned char)name.ptr[0] | (unsigned)(unsigned char)name.ptr[name.len / 2] << 8 : 0;
        last = name.len ? (unsigned char)name.ptr[name.len - 1] : 0;
    }
    uint64_t mixed = (first ^ lookup->seed) * UINT64_C(0x9E3779B97F4A7C15) + (last ^ name.len) * UINT64_C(0xC2B2AE3D27D4EB4F);
    return (uint32_t)((mixed ^ mixed >> 29) * UINT64_C(0xBF58476D1CE4E5B9) >> 40) & lookup->mask;
}

// Fills the table with this seed; how many names are not where they hash to.
static unsigned fill(struct lookup *lookup, unsigned count) {
    unsigned displaced = 0;
    memset(lookup->slots, 0, lookup->mask + 1);
    for (unsigned i = 0; i < count; i++) {
        uint32_t slot = hash(lookup, lookup->names[i]);
        displaced += lookup->slots[slot] != 0;
        while (lookup->slots[slot])
            slot = (slot + 1) & lookup->mask;
        lookup->slots[slot] = (uint8_t)(i + 1);
    }
    return displaced;
}

int lookup_init(struct lookup *lookup, const str *names, unsigned count, struct arena *arena) {
    uint32_t size = 8;
    while (size < count * 4)
        size *= 2;
    *lookup = (struct lookup){.names = names, .mask = size - 1, .slots = arena_alloc(arena, size)};
    if (!lookup->slots)
        return -ENOMEM;
    uint64_t best = 0;
    unsigned least = count + 1;
    for (unsigned i = 0; i < SEEDS_MAX && least; i++) {
        lookup->seed = (i + 1) * UINT64_C(0xD6E8FEB86659FD93);
        unsigned displaced = fill(lookup, count);
        if (displaced < least) {
            least = displaced;
            best = lookup->seed;
        }
    }
    lookup->seed = best;
    fill(lookup, count);
    return 0;
}

int lookup_find(const struct lookup *lookup, str name) {
    for (uint32_t slot = hash(lookup, name); lookup->slots[slot]; slot = (slot + 1) & lookup->mask) {
        int index = lookup->slots[slot] - 1;
        str candidate = lookup->names[index];
        if (candidate.len == name.len && memcmp(candidate.ptr, name.ptr, name.len) == 0)
            return index;
    }
    return LOOKUP_NONE;
}
