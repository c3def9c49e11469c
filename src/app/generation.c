// generation.c — a snapshot on one core: made ready before its first request, held by those that have begun, ended after the last.
#include "generation.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "periodic.h"
#include "request.h"
#include "worker_value.h"

// ---- figures; without memory nothing is counted

static void find_figures(struct app *app, struct generation *generation) {
    const struct snapshot *snapshot = generation->snapshot;
    size_t statements = statement_count(snapshot->statements);
    generation->routes = calloc(snapshot->endpoint_count + 1, sizeof *generation->routes);
    generation->queries = calloc(statements + 1, sizeof *generation->queries);
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
    generation->calls = calloc(snapshot->calls.count + 1, sizeof *generation->calls);
    for (size_t i = 0; generation->calls && i < snapshot->calls.count; i++) {
        const struct call_site *site = &snapshot->calls.items[i];
        struct series series = {site->plugin, site->call->base.file, site->call->method, site->call->base.line};
        generation->calls[site->index] = core_figures_call(app->figures, &series);
    }
}

// ---- made and given back

static void free_generation(struct generation *generation) {
    for (unsigned i = generation->snapshot->maker_count; generation->values && i-- > 0;)
        worker_value_let_go(generation->values[i]);
    free(generation->values);
    free(generation->is_last_holder);
    free(generation->routes);
    free(generation->queries);
    free(generation->calls);
    free(generation);
}

static void run_step(struct deferred *deferred);
static void step_ended(struct work_waiter *waiter, req *r, enum outcome outcome);

struct generation *generation_create(struct app *app, struct snapshot *snapshot) {
    struct generation *generation = calloc(1, sizeof *generation);
    if (!generation)
        return NULL;
    generation->app = app;
    generation->number = ++app->generation_count;
    generation->snapshot = snapshot;
    generation->values = calloc(snapshot->maker_count + 1, sizeof *generation->values);
    generation->is_last_holder = calloc(snapshot->plugin_count + 1, sizeof *generation->is_last_holder);
    deferred_init(&generation->next_step, run_step);
    generation->waiter.ended = step_ended;
    if (!generation->values || !generation->is_last_holder) {
        free_generation(generation);
        return NULL;
    }
    if (app->figures)
        find_figures(app, generation);
    for (size_t i = 0; i < snapshot->plugin_count; i++)
        if (snapshot->lives[i])
            atomic_fetch_add(&snapshot->lives[i]->holder_count, 1);
    list_push(&app->generations, &generation->node);
    return generation;
}

struct generation *generation_of(const struct app *app, const struct snapshot *snapshot) {
    list_each (node, &app->generations) {
        struct generation *generation = container_of(node, struct generation, node);
        if (generation->snapshot == snapshot)
            return generation;
    }
    return NULL;
}

const void *generation_value(const struct generation *generation, unsigned index) {
    return generation->values[index]->value;
}

// ---- a row of works, one after the other: those of the beginning, or those of the end

static void say_ready(struct generation *generation, const char *failure) {
    void (*ready)(void *arg, const char *failure) = generation->ready;
    generation->phase = failure ? GENERATION_FAILED : GENERATION_READY;
    generation->ready = NULL;
    if (ready)
        ready(generation->ready_arg, failure);
}

static const struct work *work_at(const struct generation *generation, unsigned index) {
    const struct snapshot *snapshot = generation->snapshot;
    if (generation->phase == GENERATION_STOPPING)
        return index < snapshot->stop_count ? snapshot->stops[snapshot->stop_count - 1 - index] : NULL;
    if (index < snapshot->maker_count)
        return snapshot->makers[index];
    index -= snapshot->maker_count;
    return index < snapshot->start_count ? snapshot->starts[index] : NULL;
}

// What another generation, another core or nobody has to do is passed over.
static bool is_wanted(struct generation *generation, const struct work *work) {
    const struct plugin_life *life = generation->snapshot->lives[work->plugin_index];
    if (generation->phase == GENERATION_STOPPING)
        return life && generation->is_last_holder[work->plugin_index] && atomic_load(&life->is_started);
    if (work->declared)
        return life && generation->app->core->index == 0 && !atomic_load(&life->is_started);
    generation->values[work->value_index] = worker_value_go_on(generation, work);
    return !generation->values[work->value_index];
}

// The ON_STARTs of all plugins have run, on the core that runs them: their ON_STOPs are due one day.
static void note_started(struct generation *generation) {
    const struct snapshot *snapshot = generation->snapshot;
    for (size_t i = 0; generation->app->core->index == 0 && i < snapshot->plugin_count; i++)
        if (snapshot->lives[i])
            atomic_store(&snapshot->lives[i]->is_started, true);
}

static void end(struct generation *generation);
static void end_if_idle(struct generation *generation);

static void row_has_ended(struct generation *generation) {
    if (generation->phase == GENERATION_STOPPING) {
        end(generation);
        return;
    }
    note_started(generation);
    say_ready(generation, NULL);
    end_if_idle(generation);
}

static void take_steps(struct generation *generation) {
    const struct work *work;
    while ((work = work_at(generation, generation->step_index))) {
        if (!is_wanted(generation, work)) {
            generation->step_index++;
            continue;
        }
        if (work_start(generation->app, generation, work, &generation->waiter) < 0) // no coroutine or memory now: later
            core_defer_to_next_turn(generation->app->core, &generation->next_step);
        return;
    }
    row_has_ended(generation);
}

static void run_step(struct deferred *deferred) {
    struct generation *generation = container_of(deferred, struct generation, next_step);
    if (generation->phase == GENERATION_FAILED)
        end_if_idle(generation);
    else
        take_steps(generation);
}

static void fail_start(struct generation *generation, const req *r) {
    const struct work *work = r->work;
    char failure[512];
    snprintf(failure, sizeof failure, "%s:%u: error: %s '%s' of plugin '%s' failed on core %u: %.*s", work->item->file, work->item->line,
             work->kind, work->name, work->plugin->name, generation->app->core->index, (int)r->failure.len,
             r->failure.ptr ? r->failure.ptr : "?");
    generation->app->culprit = work->plugin;
    say_ready(generation, failure);
}

// Inside the coroutine of what has ended: what is next begins in a turn of its own.
static void step_ended(struct work_waiter *waiter, req *r, enum outcome outcome) {
    struct generation *generation = container_of(waiter, struct generation, waiter);
    generation->step_index++;
    if (outcome != OK && generation->phase == GENERATION_STARTING)
        fail_start(generation, r);
    core_defer_to_next_turn(generation->app->core, &generation->next_step);
}

void generation_start(struct generation *generation, void (*ready)(void *arg, const char *failure), void *arg) {
    generation->ready = ready;
    generation->ready_arg = arg;
    generation->phase = GENERATION_STARTING;
    take_steps(generation);
}

// ---- the end

static void end(struct generation *generation) {
    struct app *app = generation->app;
    void (*released)(void *arg) = generation->released;
    void *arg = generation->arg;
    list_remove(&generation->node);
    if (app->generation == generation)
        app->generation = NULL;
    deferred_cancel(&generation->next_step);
    free_generation(generation);
    if (released)
        released(arg);
    app_check_stopped(app);
}

static void let_go_of_plugins(struct generation *generation) {
    const struct snapshot *snapshot = generation->snapshot;
    for (size_t i = 0; i < snapshot->plugin_count; i++)
        if (snapshot->lives[i])
            generation->is_last_holder[i] = atomic_fetch_sub(&snapshot->lives[i]->holder_count, 1) == 1;
}

static void end_if_idle(struct generation *generation) {
    bool is_busy = generation->phase == GENERATION_STARTING || generation->phase == GENERATION_STOPPING;
    if (generation->is_current || !generation->is_unwanted || generation->pin_count || is_busy)
        return;
    let_go_of_plugins(generation);
    generation->phase = GENERATION_STOPPING;
    generation->step_index = 0;
    take_steps(generation);
}

void generation_pin(struct generation *generation) {
    generation->pin_count++;
}

void generation_unpin(struct generation *generation) {
    if (--generation->pin_count == 0 && !generation->is_current)
        end_if_idle(generation);
}

void generation_forget(struct generation *generation, void (*released)(void *arg), void *arg) {
    generation->ready = NULL;
    generation->is_unwanted = true;
    generation->released = released;
    generation->arg = arg;
    end_if_idle(generation);
}

void generation_make_current(struct generation *generation) {
    generation->is_current = true;
    generation->app->generation = generation;
    periodic_begin(generation);
}

void generation_retire(struct generation *generation, void (*released)(void *arg), void *arg) {
    periodic_end(generation);
    generation->is_current = false;
    generation->is_unwanted = true;
    generation->released = released;
    generation->arg = arg;
    end_if_idle(generation);
}

void generation_destroy(struct generation *generation) {
    periodic_end(generation);
    list_remove(&generation->node);
    free_generation(generation);
}
