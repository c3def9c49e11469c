// lookup.h — names to indices: a table made once for names that are known, asked with names that a client chose.
//
// The table never grows and holds only the model's own names, so no choice of keys makes it slow. A key costs one hash of its first and
// last bytes, and one comparison where the table is perfect, which it nearly always is.
#ifndef SCHEMA_LOOKUP_H
#define SCHEMA_LOOKUP_H

#include "base/arena.h"

enum { LOOKUP_NAMES_MAX = 64, LOOKUP_NONE = -1 };

struct lookup {
    uint8_t *slots; // index + 1, or 0
    const str *names;
    uint32_t mask;
    uint64_t seed;
};

/** Makes the table for `count` different names; both live in `arena`, the names are the caller's. 0 or -ENOMEM. */
int lookup_init(struct lookup *lookup, const str *names, unsigned count, struct arena *arena);
/** The index of `name`, or LOOKUP_NONE. */
int lookup_find(const struct lookup *lookup, str name);

#endif
