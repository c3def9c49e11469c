// declaration.h — what an author declared, read from descriptors and judged in the compiler's words.
#ifndef SCHEMA_DECLARATION_H
#define SCHEMA_DECLARATION_H

#include "schema/compiled.h"

/** Where a declaration is, and where to say what is wrong with it. */
struct declaration {
    const char *file;
    unsigned line;
    const char *name; // of the field or parameter
    struct arena *arena;
    str *ret_message;
};

/** "file:line: error: ..." into *ret_message. -EINVAL, or -ENOMEM. */
int declaration_refuse(const struct declaration *declaration, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The rule of a value of `type` with `opts` (NULL: none). 0, -EINVAL with the message set, -ENOMEM. */
int declaration_rule(struct model_set *set, const struct declaration *declaration, const leat_schema *type, const void *opts,
                     struct rule *ret_rule);
/** The whole member: rule, name, default. `is_partial`: it may be absent whatever its options say. */
int declaration_member(struct model_set *set, const struct declaration *declaration, const leat_schema *type, const void *opts,
                       bool is_partial, struct member *ret_member);

/** The memory of a set, and a pattern that it is to destroy. */
struct arena *model_set_arena(struct model_set *set);
int model_set_compile_pattern(struct model_set *set, const char *text, const struct pattern **ret_pattern, char *problem);

#endif
