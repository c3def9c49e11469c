// app.c — what serves requests on one core: its snapshot, its database, its policies.
#include "app_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "cached.h"
#include "generation.h"
#include "observe.h"
#include "request.h"

enum { SCRATCH_BYTES_MAX = 1 << 20 };

void app_options_init(struct app_options *options) {
    *options = (struct app_options){
        .http = http_limits_default,
        .coding = coding_options_default,
        .db = db_options_default,
        .outbound = outbound_options_default,
        .password_cost = password_cost_default,
        .heartbeat_ms = 15000,
        .request_ms = 30000,
        .request_bytes_max = 128 << 20, // a page of a hundred rows that were each as long as a body may be
        .has_request_ids = true,
        .task_queue_max = 100000,
        .tasks_at_once_max = 256,
        .upload_folder = "/tmp",
        .upload_disk_bytes_max = UINT64_C(16) << 30,
        .upload_file_count_max = 1024,
    };
    cache_options_init(&options->cache);
}

// ---- generations

int app_prepare(struct app *app, struct snapshot *snapshot, void (*ready)(void *arg, const char *failure), void *arg) {
    struct generation *generation = generation_create(app, snapshot);
    if (!generation)
        return -ENOMEM;
    generation_start(generation, ready, arg);
    return 0;
}

const leat_plugin *app_culprit(const struct app *app) {
    return app->culprit;
}

void app_forget(struct app *app, struct snapshot *snapshot, void (*released)(void *arg), void *arg) {
    struct generation *generation = generation_of(app, snapshot);
    if (generation)
        generation_forget(generation, released, arg);
    else
        released(arg);
}

void app_publish(struct app *app, struct snapshot *snapshot, void (*released)(void *arg), void *arg) {
    struct generation *old = app->generation, *next = generation_of(app, snapshot);
    assert(next && next->phase == GENERATION_READY);
    generation_make_current(next);
    generation_retire(old, released, arg);
}

// ---- the app

static void start_tasks(struct deferred *deferred) {
    tasks_run_ready(container_of(deferred, struct app, start_tasks));
}

static void uploads_ended(void *arg) {
    app_check_stopped(arg);
}

// A folder that is not there fails the uploads that need it, each with a line that says so.
static void init_uploads(struct app *app) {
    spool_pool_init(&app->spools, app->core->ring, app->options->upload_folder);
    app->spools.bytes_max = app->options->upload_disk_bytes_max;
    app->spools.live_count_max = app->spools.file_count_max = app->options->upload_file_count_max;
    app->spools.on_idle = uploads_ended;
    app->spools.arg = app;
}

static void app_init(struct app *app, struct core *core, const struct app_options *options) {
    app->core = core;
    app->options = options;
    app->hasher = (struct hasher){.workers = options->hashing, .cost = options->password_cost};
    arena_init(&app->scratch, &core->arenas, SCRATCH_BYTES_MAX);
    list_init(&app->generations);
    list_init(&app->live);
    list_init(&app->ready_tasks);
    deferred_init(&app->start_tasks, start_tasks);
    list_init(&app->ready_refreshes);
    deferred_init(&app->start_refreshes, cached_start_refreshes);
    app->log_level = log_level_of(NULL);
    init_uploads(app);
    request_ids_init(&app->ids);
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
        status = cache_create(core, &options->cache, options->connector, &app->cache);
    if (status) {
        outbound_destroy(app->outbound);
        if (app->generation)
            generation_destroy(app->generation);
        core_figures_destroy(app->figures);
        spool_pool_finish(&app->spools);
        free(app);
        return status;
    }
    if (app->figures)
        core_figures_publish(app->figures);
    core->app = app;
    *ret_app = app;
    return 0;
}

// Its periodic work begins when all is ready.
static void became_ready(void *arg, const char *failure) {
    struct app *app = arg;
    if (!failure)
        generation_make_current(app->generation);
    app->started(app->started_arg, failure);
}

void app_start(struct app *app, void (*started)(void *arg, const char *failure), void *arg) {
    app->started = started;
    app->started_arg = arg;
    generation_start(app->generation, became_ready, app);
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
    if (!app->is_stopping || app->is_db_stopping || app->live_count || app->spools.live_count)
        return;
    if (app->generation && !app->generation->is_unwanted)
        generation_retire(app->generation, NULL, NULL); // whose end comes back here
    if (app->is_db_stopping || app->live_count || !list_is_empty(&app->generations))
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
    requests_free(app);
    if (app->figures)
        deferred_cancel(&app->figures->take_times);
    while (!list_is_empty(&app->generations))
        generation_destroy(container_of(app->generations.next, struct generation, node));
    arena_reset(&app->scratch);
    coder_finish(&app->coder);
    spool_pool_finish(&app->spools);
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
