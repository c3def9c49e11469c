// figures.c — what is counted: of every route, of every query, of every core.
#include "app/figures.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/app_internal.h"
#include "base/clock.h"

/** Only ever grows; a reader sees what was whole when it read the count. */
struct series_list {
    struct series items[FIGURES_SERIES_MAX];
    atomic_uint count;
};

struct figures {
    pthread_mutex_t lock; // of adding
    int64_t began_us;
    struct series_list routes, queries, calls;
    _Atomic(struct core_figures *) cores[FIGURES_CORES_MAX];
    atomic_uint core_count;
};

int figures_create(struct figures **ret_figures) {
    struct figures *figures = calloc(1, sizeof *figures);
    if (!figures)
        return -ENOMEM;
    pthread_mutex_init(&figures->lock, NULL);
    figures->began_us = clock_wall_us();
    figures->routes.items[0] = (struct series){.plugin = "", .name = "other", .method = ""};
    figures->queries.items[0] = (struct series){.plugin = "", .name = "other", .method = ""};
    figures->calls.items[0] = (struct series){.plugin = "", .name = "other", .method = ""};
    figures->routes.count = figures->queries.count = figures->calls.count = 1;
    *ret_figures = figures;
    return 0;
}

void core_figures_destroy(struct core_figures *core) {
    if (!core)
        return;
    for (unsigned i = 0; i < FIGURES_SERIES_MAX; i++) {
        free(core->routes[i]);
        free(core->queries[i]);
        free(core->calls[i]);
    }
    free(core);
}

static void free_list(struct series_list *list) {
    for (unsigned i = 1; i < list->count; i++) {
        free((char *)list->items[i].plugin);
        free((char *)list->items[i].name);
        free((char *)list->items[i].method);
    }
}

void figures_destroy(struct figures *figures) {
    if (!figures)
        return;
    for (unsigned i = 0; i < figures->core_count; i++)
        core_figures_destroy(figures->cores[i]);
    free_list(&figures->routes);
    free_list(&figures->queries);
    free_list(&figures->calls);
    pthread_mutex_destroy(&figures->lock);
    free(figures);
}

// ---- series

static bool is_same(const struct series *a, const struct series *b) {
    return a->line == b->line && strcmp(a->name, b->name) == 0 && strcmp(a->method, b->method) == 0 && strcmp(a->plugin, b->plugin) == 0;
}

// A plugin's strings go with it; the series stays. The first series is everybody's who finds no room.
static unsigned add(struct series_list *list, const struct series *series) {
    unsigned index = list->count;
    if (index == FIGURES_SERIES_MAX)
        return 0;
    struct series copy = {
        .plugin = strdup(series->plugin), .name = strdup(series->name), .method = strdup(series->method), .line = series->line};
    if (!copy.plugin || !copy.name || !copy.method) {
        free((char *)copy.plugin);
        free((char *)copy.name);
        free((char *)copy.method);
        return 0;
    }
    list->items[index] = copy;
    atomic_store_explicit(&list->count, index + 1, memory_order_release);
    return index;
}

static unsigned find_or_add(struct figures *figures, struct series_list *list, const struct series *series) {
    pthread_mutex_lock(&figures->lock);
    unsigned index = 1;
    while (index < list->count && !is_same(&list->items[index], series))
        index++;
    if (index == list->count)
        index = add(list, series);
    pthread_mutex_unlock(&figures->lock);
    return index;
}

static struct route_figures *find_route(_Atomic(struct route_figures *) *routes, unsigned index) {
    struct route_figures *found = atomic_load_explicit(&routes[index], memory_order_relaxed);
    if (found || !(found = calloc(1, sizeof *found)))
        return found;
    atomic_store_explicit(&routes[index], found, memory_order_release);
    return found;
}

struct route_figures *core_figures_route(struct core_figures *core, const struct series *series) {
    return find_route(core->routes, find_or_add(core->figures, &core->figures->routes, series));
}

struct route_figures *core_figures_call(struct core_figures *core, const struct series *series) {
    return find_route(core->calls, find_or_add(core->figures, &core->figures->calls, series));
}

struct query_figures *core_figures_query(struct core_figures *core, const struct series *series) {
    unsigned index = find_or_add(core->figures, &core->figures->queries, series);
    struct query_figures *found = atomic_load_explicit(&core->queries[index], memory_order_relaxed);
    if (found || !(found = calloc(1, sizeof *found)))
        return found;
    atomic_store_explicit(&core->queries[index], found, memory_order_release);
    return found;
}

void query_figures_fail(struct query_figures *figures, const char *sqlstate) {
    uint16_t class = (uint16_t)((unsigned char)sqlstate[0] << 8 | (unsigned char)sqlstate[1]);
    unsigned i = 0;
    while (i < FAILURE_CLASSES - 1 && counter_value(&figures->failures[i]) && figures->classes[i] != class)
        i++;
    atomic_store_explicit(&figures->classes[i], class, memory_order_relaxed);
    counter_add(&figures->failures[i], 1);
}

// ---- a core's own

static void set(struct core_figures *core, enum gauge gauge, uint64_t value) {
    atomic_store_explicit(&core->gauges[gauge], value, memory_order_relaxed);
}

static unsigned generation_count(const struct app *app) {
    unsigned count = 0;
    list_each (node, &app->generations)
        count++;
    return count;
}

static void set_database(struct core_figures *core, const struct db *db) {
    struct db_figures figures;
    db_figures(db, &figures);
    set(core, GAUGE_LINKS_READY, figures.links_ready);
    set(core, GAUGE_LINKS_WANTED, figures.links_wanted);
    set(core, GAUGE_QUERIES_IN_FLIGHT, figures.queries_in_flight);
    set(core, GAUGE_QUERIES_WAITING, figures.queries_waiting);
    set(core, GAUGE_QUERIES, figures.query_count);
    set(core, GAUGE_QUERY_FAILURES, figures.failure_count);
    set(core, GAUGE_RECONNECTS, figures.reconnect_count);
    set(core, GAUGE_FLUSHES, figures.flush_count);
}

static void set_calls(struct core_figures *core, const struct outbound *outbound) {
    struct outbound_figures figures;
    outbound_figures(outbound, &figures);
    set(core, GAUGE_CALLS_RUNNING, figures.running);
    set(core, GAUGE_CALLS_WAITING, figures.waiting);
    set(core, GAUGE_CALL_CONNECTIONS, figures.connection_count);
}

static void set_redis(struct core_figures *core, const struct shared *shared) {
    const struct shared_figures *figures = shared_figures(shared);
    set(core, GAUGE_REDIS_READY, shared_is_ready(shared));
    set(core, GAUGE_REDIS_LOOKUPS, figures->lookup_count);
    set(core, GAUGE_REDIS_HITS, figures->hit_count);
    set(core, GAUGE_REDIS_LATE, figures->late_count);
    set(core, GAUGE_REDIS_ERRORS, figures->error_count);
}

static void set_cache(struct core_figures *core, const struct cache *cache) {
    set(core, GAUGE_CACHE_HITS, cache->figures.hit_count);
    set(core, GAUGE_CACHE_STALE, cache->figures.stale_count);
    set(core, GAUGE_CACHE_MISSES, cache->figures.miss_count);
    set(core, GAUGE_CACHE_BYPASSES, cache->figures.bypass_count);
    set(core, GAUGE_CACHE_ENTRIES, cache->store.count);
    set(core, GAUGE_CACHE_BYTES, store_bytes(&cache->store));
    set(core, GAUGE_CACHE_EVICTIONS, cache->store.figures.eviction_count);
    set(core, GAUGE_CACHE_REFUSALS, cache->figures.refused_count);
    set(core, GAUGE_CACHE_FORGETS, cache->store.figures.forget_count);
    if (cache->shared)
        set_redis(core, cache->shared);
}

static void set_all(struct core_figures *figures) {
    const struct app *app = figures->app;
    const struct core *core = app->core;
    set(figures, GAUGE_CONNECTIONS, app->listener ? listener_conn_count(app->listener) : 0);
    set(figures, GAUGE_REQUESTS, app->live_count);
    set(figures, GAUGE_STREAMS, app->outflow_count);
    set(figures, GAUGE_COROUTINES, coro_pool_live(core->coros));
    set(figures, GAUGE_BLOCKING, app->away_count);
    set(figures, GAUGE_TASKS_WAITING, app->waiting_task_count);
    set(figures, GAUGE_WORKS, app->work_count);
    set(figures, GAUGE_WORK_FAILURES, app->work_failure_count);
    set(figures, GAUGE_WORK_SKIPS, app->work_skip_count);
    set(figures, GAUGE_GENERATIONS, generation_count(app));
    set(figures, GAUGE_RING_ENTERS, ring_enter_count(core->ring));
    set(figures, GAUGE_RING_IN_FLIGHT, ring_in_flight(core->ring));
    set(figures, GAUGE_RING_BUFFERS_FREE, ring_buffers_free(core->ring));
    set(figures, GAUGE_ARENA_MALLOCS, core->arenas.malloc_count);
    set_database(figures, app->db);
    set_cache(figures, app->cache);
    set_calls(figures, app->outbound);
}

static void on_question(struct message *message) {
    struct core_figures *core = container_of(message, struct core_figures, question);
    if (core->app->db)
        set_all(core);
    atomic_store_explicit(&core->is_asked, false, memory_order_release);
}

static void take_times(struct deferred *deferred) {
    struct core_figures *core = container_of(deferred, struct core_figures, take_times);
    int64_t ns = clock_monotonic_ns() - core->app->core->now_ns;
    for (struct route_figures *route = core->in_turn; route; route = route->next_in_turn) {
        latency_add(&route->latency, ns > 0 ? (uint64_t)ns / 1000 : 0, route->in_turn_count);
        route->in_turn_count = 0;
    }
    core->in_turn = NULL;
}

void core_figures_time(struct core_figures *core, struct route_figures *route) {
    route->next_in_turn = core->in_turn;
    core->in_turn = route;
    core_defer(core->app->core, &core->take_times);
}

struct core_figures *core_figures_create(struct figures *figures, struct app *app) {
    struct core_figures *core = calloc(1, sizeof *core);
    if (!core)
        return NULL;
    core->figures = figures;
    core->app = app;
    core->core_index = app->core->index;
    core->question.run = on_question;
    deferred_init(&core->take_times, take_times);
    for (unsigned i = 0; i <= HTTP_METHODS; i++) {
        struct series series = {.plugin = "", .name = "", .method = i < HTTP_METHODS ? http_method_name((enum http_method)i) : ""};
        core->strangers[i] = core_figures_route(core, &series);
    }
    return core;
}

void core_figures_publish(struct core_figures *core) {
    struct figures *figures = core->figures;
    pthread_mutex_lock(&figures->lock);
    unsigned count = figures->core_count;
    assert(count < FIGURES_CORES_MAX);
    atomic_store_explicit(&figures->cores[count], core, memory_order_relaxed);
    atomic_store_explicit(&figures->core_count, count + 1, memory_order_release);
    pthread_mutex_unlock(&figures->lock);
}

// ---- read

unsigned figures_core_count(const struct figures *figures) {
    return atomic_load_explicit(&figures->core_count, memory_order_acquire);
}

const struct core_figures *figures_core(const struct figures *figures, unsigned index) {
    return atomic_load_explicit(&figures->cores[index], memory_order_relaxed);
}

unsigned figures_route_count(const struct figures *figures) {
    return atomic_load_explicit(&figures->routes.count, memory_order_acquire);
}

unsigned figures_query_count(const struct figures *figures) {
    return atomic_load_explicit(&figures->queries.count, memory_order_acquire);
}

unsigned figures_call_count(const struct figures *figures) {
    return atomic_load_explicit(&figures->calls.count, memory_order_acquire);
}

const struct series *figures_call_series(const struct figures *figures, unsigned index) {
    return &figures->calls.items[index];
}

const struct series *figures_route_series(const struct figures *figures, unsigned index) {
    return &figures->routes.items[index];
}

const struct series *figures_query_series(const struct figures *figures, unsigned index) {
    return &figures->queries.items[index];
}

static void sum_latency(const struct latency *latency, struct latency *sum) {
    counter_add(&sum->sum_us, counter_value(&latency->sum_us));
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
        counter_add(&sum->buckets[i], counter_value(&latency->buckets[i]));
}

static void sum_route(const struct route_figures *route, struct route_figures *sum) {
    if (!route)
        return;
    for (unsigned k = 0; k < STATUS_CLASSES; k++)
        counter_add(&sum->by_class[k], counter_value(&route->by_class[k]));
    sum_latency(&route->latency, &sum->latency);
}

void figures_sum_route(const struct figures *figures, unsigned index, struct route_figures *ret_sum) {
    memset(ret_sum, 0, sizeof *ret_sum);
    for (unsigned i = 0; i < figures_core_count(figures); i++)
        sum_route(atomic_load_explicit(&figures_core(figures, i)->routes[index], memory_order_acquire), ret_sum);
}

void figures_sum_call(const struct figures *figures, unsigned index, struct route_figures *ret_sum) {
    memset(ret_sum, 0, sizeof *ret_sum);
    for (unsigned i = 0; i < figures_core_count(figures); i++)
        sum_route(atomic_load_explicit(&figures_core(figures, i)->calls[index], memory_order_acquire), ret_sum);
}

static void sum_failures(const struct query_figures *query, struct query_figures *sum) {
    for (unsigned i = 0; i < FAILURE_CLASSES; i++) {
        uint16_t class = atomic_load_explicit(&query->classes[i], memory_order_relaxed);
        for (uint64_t left = counter_value(&query->failures[i]); left; left = 0) {
            unsigned k = 0;
            while (k < FAILURE_CLASSES - 1 && sum->classes[k] && sum->classes[k] != class)
                k++;
            sum->classes[k] = class;
            counter_add(&sum->failures[k], left);
        }
    }
}

void figures_sum_query(const struct figures *figures, unsigned index, struct query_figures *ret_sum) {
    memset(ret_sum, 0, sizeof *ret_sum);
    for (unsigned i = 0; i < figures_core_count(figures); i++) {
        const struct query_figures *query = atomic_load_explicit(&figures_core(figures, i)->queries[index], memory_order_acquire);
        if (!query)
            continue;
        counter_add(&ret_sum->count, counter_value(&query->count));
        counter_add(&ret_sum->row_count, counter_value(&query->row_count));
        sum_failures(query, ret_sum);
        sum_latency(&query->latency, &ret_sum->latency);
    }
}

void figures_ask(struct figures *figures) {
    for (unsigned i = 0; i < figures_core_count(figures); i++) {
        struct core_figures *core = atomic_load_explicit(&figures->cores[i], memory_order_relaxed);
        if (atomic_exchange(&core->is_asked, true))
            continue; // somebody else's question is on its way: the answer is everybody's
        if (core->app->core == core_current())
            on_question(&core->question);
        else if (ring_post(core->app->core->ring, &core->question) < 0)
            atomic_store(&core->is_asked, false); // its last figures must do
    }
}

bool figures_are_answered(const struct figures *figures) {
    for (unsigned i = 0; i < figures_core_count(figures); i++)
        if (atomic_load_explicit(&figures_core(figures, i)->is_asked, memory_order_acquire))
            return false;
    return true;
}

int64_t figures_began_us(const struct figures *figures) {
    return figures->began_us;
}
