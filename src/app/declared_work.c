// declared_work.c — the work that plugins declare, compiled: values per core, beginnings, ends, and what is due every so often.
#include "declared_work.h"

#include <errno.h>

#include "base/str.h"
#include "request.h"
#include "work.h"
#include "worker_value.h"

// A value per core whose dependencies are being compiled: meeting it again is a cycle.
struct making {
    const leat_provider *provider;
    const struct making *outer;
};

enum { PERIOD_S_MAX = 366 * 86400 };

int declared_work_init(struct snapshot *snapshot, size_t item_count) {
    size_t bytes = (item_count + 1) * sizeof *snapshot->makers;
    snapshot->makers = arena_alloc(&snapshot->arena, bytes);
    snapshot->starts = arena_alloc(&snapshot->arena, bytes);
    snapshot->stops = arena_alloc(&snapshot->arena, bytes);
    snapshot->periodics = arena_alloc(&snapshot->arena, bytes);
    return snapshot->makers && snapshot->starts && snapshot->stops && snapshot->periodics ? 0 : -ENOMEM;
}

// ---- one of them

static unsigned plugin_index_of(const struct compilation *compilation, const leat_item *item) {
    for (unsigned p = 0; p < compilation->plugin_count; p++)
        for (size_t i = 0; i < compilation->plugins[p].item_count; i++)
            if (compilation->plugins[p].items[i] == item)
                return p;
    return 0; // a provider of the server's own is linked into all, and the built-in plugin is the first
}

static int compile(struct compilation *compilation, unsigned plugin_index, const struct work_source *source, struct work **ret_work) {
    const leat_plugin *plugin = compilation->plugins[plugin_index].plugin;
    struct work *work = arena_alloc(&compilation->snapshot->arena, sizeof *work);
    struct endpoint *program = arena_alloc(&compilation->snapshot->arena, sizeof *program);
    if (!work || !program)
        return -ENOMEM;
    int status = endpoint_compile_work(compilation, plugin, source, program);
    if (status)
        return status;
    *work = (struct work){
        .kind = source->kind,
        .name = source->name,
        .item = source->item,
        .plugin = plugin,
        .plugin_index = plugin_index,
        .log_level = log_level_of(plugin->name),
        .program = program,
    };
    *ret_work = work;
    return 0;
}

// ---- values per core

static int refuse_cycle(struct compilation *compilation, const leat_provider *provider) {
    str chain = str_of(provider->name);
    for (const struct making *making = compilation->making; making; making = making->outer) {
        chain = arena_format(compilation->arena, "%s -> %.*s", making->provider->name, (int)chain.len, chain.ptr);
        if (making->provider == provider)
            break;
    }
    return compilation_refuse(compilation, &provider->base, "providers depend on each other: %.*s", (int)chain.len, chain.ptr);
}

static int make(struct compilation *compilation, const leat_provider *provider, struct work **ret_work) {
    struct work_source source = {
        .item = &provider->base,
        .kind = "per_worker",
        .name = provider->name,
        .params = provider->params,
        .param_count = provider->nparams,
        .args_bytes = provider->args_bytes,
        .errors = provider->errors,
        .is_of_core = true,
    };
    struct making making = {provider, compilation->making};
    compilation->making = &making;
    int status = compile(compilation, plugin_index_of(compilation, &provider->base), &source, ret_work);
    compilation->making = making.outer;
    return status;
}

int declared_work_value(struct compilation *compilation, const leat_provider *provider, uint16_t *ret_index) {
    struct snapshot *snapshot = compilation->snapshot;
    for (size_t i = 0; i < snapshot->maker_count; i++)
        if (snapshot->makers[i]->provider == provider)
            return *ret_index = (uint16_t)i, 0;
    for (const struct making *making = compilation->making; making; making = making->outer)
        if (making->provider == provider)
            return refuse_cycle(compilation, provider);
    struct work *work;
    int status = make(compilation, provider, &work);
    if (status)
        return status;
    work->run = worker_value_make;
    work->provider = provider;
    work->value_index = (unsigned)snapshot->maker_count;
    *ret_index = (uint16_t)snapshot->maker_count;
    snapshot->makers[snapshot->maker_count++] = work;
    return 0;
}

// ---- beginnings, ends, and what comes again

static void run_declared(req *r) {
    r->work->declared->call(r, r->frame);
}

static const char *const kinds[] = {[LEAT_WHEN_START] = "ON_START", [LEAT_WHEN_STOP] = "ON_STOP", [LEAT_WHEN_EVERY] = "EVERY"};

static int check(struct compilation *compilation, const leat_work *declared) {
    if (declared->when < LEAT_WHEN_START || declared->when > LEAT_WHEN_EVERY)
        return compilation_refuse(compilation, &declared->base, "work '%s' is none of ON_START, ON_STOP and EVERY", declared->name);
    bool is_period = declared->period_s >= 0.1 && declared->period_s <= PERIOD_S_MAX;
    if (declared->when == LEAT_WHEN_EVERY && !is_period)
        return compilation_refuse(compilation, &declared->base, "EVERY '%s': %g is no number of seconds from 0.1 to %d", declared->name,
                                  declared->period_s, PERIOD_S_MAX);
    if (declared->when != LEAT_WHEN_EVERY && (declared->per_core || declared->at_start))
        return compilation_refuse(compilation, &declared->base, "%s '%s' runs once a process; .per_core and .at_start are EVERY's",
                                  kinds[declared->when], declared->name);
    return 0;
}

int declared_work_add(struct compilation *compilation, const struct plugin_view *view, const leat_work *declared) {
    struct snapshot *snapshot = compilation->snapshot;
    struct work *work;
    int status = check(compilation, declared);
    if (status)
        return status;
    struct work_source source = {
        .item = &declared->base,
        .kind = kinds[declared->when],
        .name = declared->name,
        .params = declared->params,
        .param_count = declared->nparams,
        .args_bytes = declared->args_bytes,
        .errors = declared->errors,
    };
    status = compile(compilation, (unsigned)(view - compilation->plugins), &source, &work);
    if (status)
        return status;
    work->run = run_declared;
    work->declared = declared;
    work->timeout_ms = declared->timeout_ms;
    if (declared->when == LEAT_WHEN_START)
        snapshot->starts[snapshot->start_count++] = work;
    else if (declared->when == LEAT_WHEN_STOP)
        snapshot->stops[snapshot->stop_count++] = work;
    else
        snapshot->periodics[snapshot->periodic_count++] = work;
    return 0;
}
