// list.h — lists of a request: counted before they are read, stored when they are.
#ifndef SCHEMA_LIST_H
#define SCHEMA_LIST_H

#include "schema/descriptor.h"
#include "schema/rule.h"

/** Zeroed room for `count` items; `too_long` where the rule allows fewer. 0, -EINVAL, -ENOMEM. */
int list_begin(const struct rule *rule, const struct spot *spot, size_t count, struct descriptor_list *ret_list);
/** Stores a list whose items are all right; `too_short` where the rule wants more. 0, -EINVAL, -ENOMEM. */
int list_finish(const struct rule *rule, const struct spot *spot, const struct descriptor_list *list, void *out);

static inline void *list_item(const struct rule *rule, const struct descriptor_list *list, size_t index) {
    return (char *)list->items + index * rule->list.item->schema->bytes;
}

#endif
