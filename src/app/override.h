// override.h — a provider's value replaced: what a test puts in the place of a dependency.
//
// The endpoints are compiled anew with a step that copies the value, so that what only the replaced provider asked for (a token, a
// parameter, another provider) is asked for no more, as with FastAPI's dependency_overrides.
#ifndef APP_OVERRIDE_H
#define APP_OVERRIDE_H

#include "app/snapshot.h"

struct override {
    const leat_provider *provider; // or an IMPORT of it
    const void *value;             // provider->bytes; read by every request until the next snapshot_override()
};

/**
 * Makes `overrides` the snapshot's, in the place of those before; none of them: as it was. No request of it is under way. `plugins` as for
 * snapshot_create(). 0; -EINVAL and `*ret_messages`, in `arena`: what was imported is not there; -ENOMEM.
 */
int snapshot_override(struct snapshot *snapshot, const struct plugin_view *plugins, size_t plugin_count, const struct override *overrides,
                      size_t override_count, struct arena *arena, str *ret_messages);

#endif
