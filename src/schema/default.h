// default.h — what a value is where it is absent: the `.def` of its options.
#ifndef SCHEMA_DEFAULT_H
#define SCHEMA_DEFAULT_H

#include <leat/schema.h>

/** By the kind of its type; `text` is the plugin's. */
struct default_value {
    bool is_given;
    union {
        i64 integer; // of i32, too
        f64 real;
        bool truth;
        unsigned ordinal; // of an ENUM; may be none of its own
        str text;
    };
};

/** The default that the options of a `type` give; `opts` may be NULL. */
struct default_value default_of(const leat_schema *type, const void *opts);
/** Stores it where a `type` is; zeros where none is given. */
void default_store(const struct default_value *value, const leat_schema *type, void *out);

#endif
