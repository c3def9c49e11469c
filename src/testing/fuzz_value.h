// fuzz_value.h — values made from a schema: right ones, those at its bounds, and those that it forbids.
#ifndef TESTING_FUZZ_VALUE_H
#define TESTING_FUZZ_VALUE_H

#include "testing/conformance.h"

enum fuzz_quality { FUZZ_RIGHT, FUZZ_AT_BOUNDS, FUZZ_WRONG };

struct fuzz_maker {
    const struct document *document;
    uint64_t random;          // the state: never 0
    const char *const *known; // names and values, NULL-terminated, or NULL
};

/** 0 to `count` - 1. */
unsigned fuzz_below(struct fuzz_maker *maker, unsigned count);
/** One in `count`. */
bool fuzz_one_in(struct fuzz_maker *maker, unsigned count);
/** A value for what is called `name`; a new reference. FUZZ_WRONG where nothing can be wrong is right: ask document_misfit(). */
json_t *fuzz_value(struct fuzz_maker *maker, json_t *schema, const char *name, enum fuzz_quality quality);

#endif
