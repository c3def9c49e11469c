// middleware.c — hooks around routes: which are whose, in what order, and how they are run.
#include "middleware.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "request.h"

enum { SHAPE_BYTES_MAX = 4096 };

// ---- collected

static int by_order(const void *left, const void *right) {
    const struct placed_hook *a = left, *b = right;
    if (a->hook->order != b->hook->order)
        return a->hook->order < b->hook->order ? -1 : 1;
    int names = strcmp(a->hook->name, b->hook->name);
    return names ? names : strcmp(a->plugin->name, b->plugin->name);
}

static bool reads_body(unsigned in) {
    return in == LEAT_IN_BODY || in == LEAT_IN_FORM || in == LEAT_IN_FILE || in == LEAT_IN_FILES;
}

static int check_hook(struct compilation *compilation, const leat_hook *hook) {
    if (hook->scope > EVERY_ROUTE)
        return compilation_refuse(compilation, &hook->base, "hook '%s' has a .scope that is none of THIS_PLUGIN, ALL_PLUGINS, EVERY_ROUTE",
                                  hook->name);
    for (unsigned i = 0; i < hook->nparams; i++)
        if (reads_body(hook->params[i].in))
            return compilation_refuse(compilation, &hook->base,
                                      "hook '%s' reads the body, which is its route's to read; it may take headers, cookies and the query",
                                      hook->name);
    return 0;
}

static int add_shape(struct compilation *compilation, const struct leat_error_shape *shape) {
    const struct leat_error_shape *other = compilation->snapshot->shape;
    compilation->beside = other ? compilation_plugin_of(compilation, &other->base) : NULL;
    if (other)
        return compilation_refuse(compilation, &shape->base,
                                  "errors have a shape already, '%s' (%s:%u): an application has one ERROR_SHAPE", other->name,
                                  other->base.file, other->base.line);
    if (shape->schema->bytes > SHAPE_BYTES_MAX)
        return compilation_refuse(compilation, &shape->base, "ERROR_SHAPE '%s' has %u bytes, and %d is the most", shape->name,
                                  shape->schema->bytes, SHAPE_BYTES_MAX);
    compilation->snapshot->shape = shape;
    return 0;
}

static int collect_item(struct compilation *compilation, const struct plugin_view *view, const leat_item *item) {
    struct snapshot *snapshot = compilation->snapshot;
    if (item->kind == LEAT_ITEM_ERROR_SHAPE)
        return add_shape(compilation, (const struct leat_error_shape *)item);
    if (item->kind != LEAT_ITEM_HOOK)
        return 0;
    snapshot->hooks[snapshot->hook_count++] = (struct placed_hook){(const leat_hook *)item, view->plugin};
    return check_hook(compilation, (const leat_hook *)item);
}

static size_t count_hooks(const struct compilation *compilation) {
    size_t count = 0;
    for (size_t p = 0; p < compilation->plugin_count; p++)
        for (size_t i = 0; i < compilation->plugins[p].item_count; i++)
            count += compilation->plugins[p].items[i]->kind == LEAT_ITEM_HOOK;
    return count;
}

int middleware_collect(struct compilation *compilation) {
    struct snapshot *snapshot = compilation->snapshot;
    snapshot->hooks = arena_alloc(&snapshot->arena, (count_hooks(compilation) + 1) * sizeof *snapshot->hooks);
    if (!snapshot->hooks)
        return -ENOMEM;
    int status = 0;
    for (size_t p = 0; p < compilation->plugin_count; p++)
        for (size_t i = 0; i < compilation->plugins[p].item_count; i++) {
            compilation->at = &compilation->plugins[p];
            if (collect_item(compilation, compilation->at, compilation->at->items[i]) < 0)
                status = -EINVAL;
        }
    qsort(snapshot->hooks, snapshot->hook_count, sizeof *snapshot->hooks, by_order);
    return status;
}

// ---- whose they are

// The plugin that is linked into the server.
static bool is_servers_own(const leat_plugin *plugin) {
    return strcmp(plugin->name, "leat") == 0;
}

static bool is_for(const struct placed_hook *placed, const leat_plugin *plugin) {
    switch (placed->hook->scope) {
    case EVERY_ROUTE:
        return true;
    case ALL_PLUGINS:
        return placed->plugin == plugin || !is_servers_own(plugin);
    default:
        return placed->plugin == plugin;
    }
}

int middleware_of(struct compilation *compilation, const leat_plugin *plugin, enum leat_hook_kind when,
                  const leat_hook *const **ret_hooks) {
    struct snapshot *snapshot = compilation->snapshot;
    size_t count = 0;
    for (size_t i = 0; i < snapshot->hook_count; i++)
        count += snapshot->hooks[i].hook->when == when && is_for(&snapshot->hooks[i], plugin);
    *ret_hooks = NULL;
    if (!count)
        return 0;
    const leat_hook **hooks = arena_alloc(&snapshot->arena, (count + 1) * sizeof *hooks);
    if (!hooks)
        return -ENOMEM;
    size_t at = when == LEAT_HOOK_REQUEST ? 0 : count;
    for (size_t i = 0; i < snapshot->hook_count; i++)
        if (snapshot->hooks[i].hook->when == when && is_for(&snapshot->hooks[i], plugin))
            hooks[when == LEAT_HOOK_REQUEST ? at++ : --at] = snapshot->hooks[i].hook;
    *ret_hooks = hooks;
    return 0;
}

// ---- run

void middleware_on_response(req *r, unsigned status) {
    if (r->has_seen_response || !coro_current())
        return;
    r->has_seen_response = true; // what one of them answers instead is seen by none
    for (const leat_hook *const *hook = r->endpoint->on_responses; *hook; hook++) {
        int64_t ns = clock_monotonic_near_ns() - r->began_ns;
        struct leat_answer answer = {sizeof answer, (uint16_t)status, ns > 0 ? ns / 1000 : 0};
        (*hook)->response(r, &answer);
    }
}

Response *middleware_on_failure(req *r, const struct leat_failure *failure) {
    if (r->has_seen_failure || !coro_current())
        return NULL;
    r->has_seen_failure = true;
    for (const leat_hook *const *hook = r->endpoint->on_failures; *hook; hook++) {
        Response *response = (*hook)->failure(r, failure);
        if (response)
            return response;
    }
    return NULL;
}

// ---- what a hook asks of the request

str request_method(req *r) {
    return r->head && r->head->method < HTTP_METHODS ? str_of(http_method_name(r->head->method)) : (str){0};
}

str request_path(req *r) {
    if (!r->head)
        return (str){0};
    request_keep(r);
    return http_text(r->head, r->head->path);
}

const leat_route *request_route(req *r) {
    return r->endpoint ? r->endpoint->route : NULL;
}
