// call_site.c — the places of a plugin that call other servers: what each expects, compiled when the plugin is loaded.
#include "call_site.h"

#include <errno.h>
#include <stdlib.h>

static bool is_decoded(const leat_schema *schema) {
    return schema->kind == LEAT_OBJECT || schema->kind == LEAT_LIST || schema->kind == LEAT_JSON;
}

int call_sites_add(struct call_sites *sites, struct model_set *models, const leat_call *call, const char *plugin, struct arena *arena,
                   str *ret_message) {
    const leat_schema *schema = call->answer;
    const struct model *model = NULL;
    int status = is_decoded(schema) ? model_compile(models, schema, arena, &model, ret_message) : 0;
    if (status)
        return status;
    if (!model && schema->kind != LEAT_ANSWER && schema->kind != LEAT_EMPTY) {
        *ret_message = arena_format(arena,
                                    "%s:%u: error: %s is nothing that an answer can be read into: a SCHEMA, a list of one, json_value, "
                                    "http_answer and Empty are",
                                    call->base.file, call->base.line, schema->name);
        return -EINVAL;
    }
    sites->items[sites->count] = (struct call_site){call, model, plugin, (unsigned)sites->count};
    sites->count++;
    return 0;
}

static int by_address(const void *left, const void *right) {
    const leat_call *a = ((const struct call_site *)left)->call, *b = ((const struct call_site *)right)->call;
    return a < b ? -1 : a > b;
}

void call_sites_seal(struct call_sites *sites) {
    if (sites->count)
        qsort(sites->items, sites->count, sizeof *sites->items, by_address);
}

const struct call_site *call_site_of(const struct call_sites *sites, const leat_call *call) {
    struct call_site wanted = {.call = call};
    return sites->count ? bsearch(&wanted, sites->items, sites->count, sizeof wanted, by_address) : NULL;
}
