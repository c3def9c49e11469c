// compiled.h — what model.h compiles to: members with their rules, found by name.
#ifndef SCHEMA_COMPILED_H
#define SCHEMA_COMPILED_H

#include "schema/default.h"
#include "schema/lookup.h"
#include "schema/rule.h"

struct member {
    struct rule rule;
    str name; // on the wire
    uint32_t offset, index;
    bool is_optional, is_read_only;
    struct default_value otherwise; // what it is when it is absent
};

struct model {
    struct model *next;
    struct rule rule; // of the whole: an object of this very model, a list, or a single value
    const leat_schema *schema;
    struct member *members;
    unsigned count;
    struct lookup lookup;
    const struct leat_validator *const *validators; // NULL at the end
    bool is_compiled;                               // false while its fields are: a schema that holds itself
};

struct parameter {
    struct member member;
    enum leat_in in;
};

/** Stores what an absent member is: its default, or zeros. */
void member_store_default(const struct member *member, void *out);
/** An absent member: its default, or `missing` with this input. 0, -EINVAL, -ENOMEM. */
int member_take_absence(const struct member *member, const struct spot *spot, void *out);
/** Runs the validators of a model whose fields are all right. */
int model_validate(const struct model *model, const struct spot *spot, void *out);

static inline void model_mark_set(const struct model *model, const struct member *member, void *object) {
    if (model->schema->null_off) { // only leat's own Pagination has no bits
        uint64_t *bits = (uint64_t *)((char *)object + model->schema->set_off);
        *bits |= UINT64_C(1) << member->index;
    }
}

static inline void model_mark_null(const struct model *model, const struct member *member, void *object) {
    if (model->schema->null_off) {
        uint64_t *bits = (uint64_t *)((char *)object + model->schema->null_off);
        *bits |= UINT64_C(1) << member->index;
    }
}

#endif
