// options.h — an author's options, as large as the host knows them.
//
// Options begin with their own size: what an older plugin does not have yet is as if its author had not named it, which for a bound means
// the value of TYPE__D, not zero. Copies last as long as the scope they are made in; what they point to is the plugin's.
#ifndef SCHEMA_OPTIONS_H
#define SCHEMA_OPTIONS_H

#include <string.h>

#include <leat/schema.h>

/** The options of every uuid, timestamp, json_value and SCHEMA. */
struct any_opts {
    LEAT_COMMON_OPTS;
    const char *(*check)(req *, void *);
};
/** ... of every list. */
struct list_opts {
    LEAT_COMMON_OPTS;
    uint32_t min_items, max_items;
    const char *(*check)(req *, void *);
};
/** ... of every ENUM. */
struct enum_opts {
    LEAT_COMMON_OPTS;
    unsigned def; // 0: none
    const char *(*check)(req *, void *);
};

static inline void options_copy(void *known, size_t bytes, const void *opts) {
    if (!opts)
        return;
    size_t given = ((const struct leat_common_opts *)opts)->size;
    memcpy(known, opts, given < bytes ? given : bytes);
}

/** KNOWN_OPTS(str__opts, known, str__D): `known` is what `opts` says, which may be NULL, and TYPE__D where it says nothing. */
#define KNOWN_OPTS(T, var, ...)                                                                                                            \
    T var = {__VA_ARGS__};                                                                                                                 \
    options_copy(&var, sizeof var, opts)

#endif
