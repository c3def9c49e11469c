// override.c — a provider's value replaced: what a test puts in the place of a dependency.
#include "override.h"

#include <errno.h>

#include "snapshot_internal.h"

// What an IMPORT stands for, so that all who depend on it find it whatever they call it.
static int resolve(struct compilation *compilation, const struct override *overrides, size_t count) {
    struct override *resolved = arena_alloc(compilation->arena, (count + 1) * sizeof *resolved);
    if (!resolved)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        resolved[i] = (struct override){compilation_resolve(compilation, overrides[i].provider), overrides[i].value};
        if (!resolved[i].provider)
            return -EINVAL;
    }
    compilation->overrides = resolved;
    compilation->override_count = count;
    return 0;
}

int snapshot_override(struct snapshot *snapshot, const struct plugin_view *plugins, size_t plugin_count, const struct override *overrides,
                      size_t override_count, struct arena *arena, str *ret_messages) {
    struct compilation compilation = {.snapshot = snapshot, .plugins = plugins, .plugin_count = plugin_count, .arena = arena};
    int status = resolve(&compilation, overrides, override_count);
    for (size_t i = 0; status == 0 && i < snapshot->endpoint_count; i++) {
        struct endpoint *endpoint = &snapshot->endpoints[i]; // the router keeps its address
        status = endpoint_compile(&compilation, endpoint->plugin, endpoint->route, endpoint);
    }
    if (status == -EINVAL)
        *ret_messages = compilation.messages;
    return status;
}

const void *compilation_override(const struct compilation *compilation, const leat_provider *provider) {
    for (size_t i = compilation->override_count; i-- > 0;) // the last holds
        if (compilation->overrides[i].provider == provider)
            return compilation->overrides[i].value;
    return NULL;
}
