// app.c — what serves requests on one core: its snapshot, its database, its policies.
#include "app_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "cached.h"
#include "observe.h"
#include "request.h"

enum { SCRATCH_BYTES_MAX = 1 << 20 };

void app_options_init(struct app_options *options) {
    *options = (struct app_options){
        .http = http_limits_default,
        .db = db_options_default,
        .outbound = outbound_options_default,
        .password_cost = password_cost_default,
        .request_ms = 30000,
        .request_bytes_max = 128 << 20, // a page of a hundred rows that were each as long as a body may be
        .has_request_ids = true,
    };
    cache_options_init(&options->cache);
}

// ---- generations

// Without memory nothing is counted.
static void find_figures(struct app *app, struct generation *generation) {
    const struct snapshot *snapshot = generation->snapshot;
    size_t statements = statement_count(snapshot->statements);
    generation->routes = calloc(snapshot->endpoint_count + 1, sizeof *generation->routes);
    generation->queries = calloc(statements + 1, sizeof *generation->queries);
    generation->calls = calloc(snapshot->calls.count + 1, sizeof *generation->calls);
    for (size_t i = 0; generation->routes && i < snapshot->endpoint_count; i++) {
        const struct endpoint *endpoint = &snapshot->endpoints[i];
        struct series series = {endpoint->plugin->name, endpoint->path, http_method_name(endpoint->method), 0};
        generation->routes[i] = core_figures_route(app->figures, &series);
    }
    for (size_t i = 0; generation->queries && i < statements; i++) {
        const leat_query *query = statement_query(snapshot->statements, i);
        struct series series = {snapshot->statement_plugins[i], query->base.file, "", query->base.line};
        generation->queries[i] = core_figures_query(app->figures, &series);
    }
    for (size_t i = 0; generation->calls && i < snapshot->calls.count; i++) {
        const struct call_site *site = &snapshot->calls.items[i];
        struct series series = {site->plugin, site->call->base.file, site->call->method, site->call->base.line};
        generation->calls[site->index] = core_figures_call(app->figures, &series);
    }
}

static void generation_free(struct generation *generation) {
    if (!generation)
        return;
    free(generation->routes);
    free(generation->queries);
    free(generation->calls);
    free(generation);
}

static struct generation *generation_create(struct app *app, struct snapshot *snapshot) {
    struct generation *generation = calloc(1, sizeof *generation);
    if (!generation)
        return NULL;
    generation->snapshot = snapshot;
    generation->is_current = true;
    if (app->figures)
        find_figures(app, generation);
    list_push(&app->generations, &generation->node);
    return generation;
}

static void generation_release_if_idle(struct generation *generation) {
    if (generation->is_current || generation->pin_count)
        return;
    if (generation->released)
        generation->released(generation->arg);
    list_remove(&generation->node);
    generation_free(generation);
}

void generation_pin(struct generation *generation) {
    generation->pin_count++;
}

void generation_unpin(struct generation *generation) {
    generation->pin_count--;
    generation_release_if_idle(generation);
}

void app_publish(struct app *app, struct snapshot *snapshot, void (*released)(void *arg), void *arg) {
    struct generation *old = app->generation, *next = generation_create(app, snapshot);
    if (!next)
        abort(); // a core that cannot note its generation has no memory to serve with either
    app->generation = next;
    app->generation_count++;
    old->is_current = false;
    old->released = released;
    old->arg = arg;
    generation_release_if_idle(old);
}

// ---- the app

static void start_tasks(struct deferred *deferred) {
    tasks_run_ready(container_of(deferred, struct app, start_tasks));
}

static void app_init(struct app *app, struct core *core, const struct app_options *options) {
    app->core = core;
    app->options = options;
    app->hasher = (struct hasher){.workers = options->hashing, .cost = options->password_cost};
    arena_init(&app->scratch, &core->arenas, SCRATCH_BYTES_MAX);
    list_init(&app->generations);
    list_init(&app->live);
    list_init(&app->spare);
    list_init(&app->ready_tasks);
    deferred_init(&app->start_tasks, start_tasks);
    list_init(&app->ready_refreshes);
    deferred_init(&app->start_refreshes, cached_start_refreshes);
    app->log_level = log_level_of(NULL);
    app->generation_count = 1;
    observe_init_ids(app);
}

int app_create(struct core *core, const struct app_options *options, struct snapshot *snapshot, struct app **ret_app) {
    struct app *app = calloc(1, sizeof *app);
    if (!app)
        return -ENOMEM;
    app_init(app, core, options);
    if (options->figures)
        app->figures = core_figures_create(options->figures, app);
    app->generation = generation_create(app, snapshot);
    int status = app->generation ? db_create(core, options->connector, &options->db, snapshot->statements, &app->db) : -ENOMEM;
    if (!status)
        status = outbound_create(core, &options->outbound, &app->outbound);
    if (!status)
        status = session_core_create(core, &options->http, &app_http);
    if (!status)
        status = cache_create(core, &options->cache, &app->cache);
    if (status) {
        outbound_destroy(app->outbound);
        generation_free(app->generation);
        core_figures_destroy(app->figures);
        free(app);
        return status;
    }
    if (app->figures)
        core_figures_publish(app->figures);
    core->app = app;
    *ret_app = app;
    return 0;
}

static void cache_stopped(void *arg) {
    struct app *app = arg;
    app->stopped(app->stopped_arg);
}

static void db_stopped(void *arg) {
    struct app *app = arg;
    cache_stop(app->cache, cache_stopped, app);
}

void app_check_stopped(struct app *app) {
    if (!app->is_stopping || app->is_db_stopping || app->live_count)
        return;
    app->is_db_stopping = true;
    db_stop(app->db, db_stopped, app);
}

void app_stop(struct app *app, void (*done)(void *arg), void *arg) {
    app->is_stopping = true;
    app->stopped = done;
    app->stopped_arg = arg;
    app_check_stopped(app);
}

void app_destroy(struct app *app) {
    if (!app)
        return;
    session_core_destroy(app->core);
    outbound_destroy(app->outbound);
    cache_destroy(app->cache);
    db_destroy(app->db);
    for (struct list *node; (node = list_pop(&app->spare));)
        free(container_of(node, req, node));
    for (struct list *node; (node = list_pop(&app->generations));)
        generation_free(container_of(node, struct generation, node));
    arena_reset(&app->scratch);
    app->core->app = NULL;
    free(app);
}

void app_set_listener(struct app *app, const struct listener *listener) {
    app->listener = listener;
}

struct db *app_db(struct app *app) {
    return app->db;
}

unsigned app_live_count(const struct app *app) {
    return app->live_count;
}
