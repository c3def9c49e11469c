// list.c — lists of a request: counted before they are read, stored when they are.
#include "list.h"

#include <errno.h>

static int refuse_count(const struct rule *rule, const struct spot *spot, enum problem_type type, uint32_t bound, size_t count) {
    const struct detail details[DETAILS_MAX] = {DETAIL_OF_TEXT(S("List")), DETAIL_OF_INT(bound), DETAIL_OF_INT((i64)count)};
    return rule_refuse(rule, spot, type, details);
}

int list_begin(const struct rule *rule, const struct spot *spot, size_t count, struct descriptor_list *ret_list) {
    size_t bytes;
    if (rule->list.count_max && count > rule->list.count_max)
        return refuse_count(rule, spot, PROBLEM_TOO_LONG, rule->list.count_max, count);
    if (__builtin_mul_overflow(count, rule->list.item->schema->bytes, &bytes))
        return -ENOMEM;
    void *items = arena_alloc(spot->reading->arena, bytes);
    if (!items)
        return -ENOMEM;
    *ret_list = (struct descriptor_list){items, count};
    return 0;
}

int list_finish(const struct rule *rule, const struct spot *spot, const struct descriptor_list *list, void *out) {
    if (list->count < rule->list.count_min)
        return refuse_count(rule, spot, PROBLEM_TOO_SHORT, rule->list.count_min, list->count);
    memcpy(out, list, sizeof *list);
    return rule_check(rule, spot, out);
}
