// call_site.h — the places of a plugin that call other servers: what each expects, compiled when the plugin is loaded.
#ifndef APP_CALL_SITE_H
#define APP_CALL_SITE_H

#include <leat/http_client.h>

#include "base/arena.h"
#include "schema/model.h"

struct call_site {
    const leat_call *call;
    const struct model *model; // NULL: an http_answer, or Empty
    const char *plugin;
    unsigned index; // in its snapshot
};

struct call_sites {
    struct call_site *items; // sorted by the call's address once call_sites_seal() has been called
    size_t count;
};

/** There is room for it. 0; -EINVAL and `*ret_message`: its answers' schema is none; -ENOMEM. */
int call_sites_add(struct call_sites *sites, struct model_set *models, const leat_call *call, const char *plugin, struct arena *arena,
                   str *ret_message);
void call_sites_seal(struct call_sites *sites);
/** NULL for one that is not of these. */
const struct call_site *call_site_of(const struct call_sites *sites, const leat_call *call);

#endif
