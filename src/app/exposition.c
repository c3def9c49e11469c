// exposition.c — the figures in Prometheus' text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
//
// Histograms are shown with two bounds for each power of two; the buckets inside are finer. A series that never counted is left out.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <leat/plugin.h>
#include <leat/server.h>

#include "away.h"
#include "base/buffer.h"
#include "base/log_writer.h"
#include "observe.h"
#include "request.h"

enum { PIECE_BYTES = 64 << 10, LINE_BYTES_MAX = 2048, LABEL_BYTES_MAX = 512, ANSWER_MS_MAX = 200, SHOWN_POWER_MIN = 5 };

struct pause {
    struct timer timer;
    struct deferred turn;
    req *r;
    bool is_over;
};

struct page {
    struct buffer buffer;
    bool is_short_of_memory;
    struct pause pause;
    size_t bytes_since_pause;
};

static void say(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct page *page, const char *format, ...) {
    char line[LINE_BYTES_MAX];
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (bytes < 0 || (size_t)bytes >= sizeof line)
        return; // half a line would spoil the page
    page->is_short_of_memory |= buffer_append(&page->buffer, line, (size_t)bytes) < 0;
    page->bytes_since_pause += (size_t)bytes;
}

static void say_family(struct page *page, const char *name, const char *type, const char *help) {
    say(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

// A label's value: backslash, quote and line feed are escaped.
static const char *escaped(char out[LABEL_BYTES_MAX], const char *text) {
    size_t n = 0;
    for (; *text && n < LABEL_BYTES_MAX - 3; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n')
            out[n++] = '\\';
        out[n++] = *text == '\n' ? 'n' : *text;
    }
    out[n] = '\0';
    return out;
}

// ---- waiting

static void go_on(struct pause *pause) {
    pause->is_over = true;
    if (pause->r->coro)
        coro_resume(pause->r->coro);
}

static void tick_has_come(struct timer *timer) {
    go_on(container_of(timer, struct pause, timer));
}

static void turn_has_come(struct deferred *deferred) {
    go_on(container_of(deferred, struct pause, turn));
}

static void end_pause(void *arg, enum outcome outcome LEAT_UNUSED) {
    struct pause *pause = arg;
    wheel_disarm(&pause->r->app->core->wheel, &pause->timer);
    deferred_cancel(&pause->turn);
}

static void wait(struct pause *pause) {
    pause->is_over = false;
    while (!pause->is_over)
        request_suspend(pause->r);
}

static void wait_a_tick(struct pause *pause) {
    struct core *core = pause->r->app->core;
    wheel_arm(&core->wheel, &pause->timer, core_now_ms(core) + 1);
    wait(pause);
}

static void wait_a_turn(struct pause *pause) {
    core_defer_to_next_turn(pause->r->app->core, &pause->turn);
    wait(pause);
}

// A server of a thousand routes has a page of megabytes: others of this core get their turn in between.
static void let_others(struct page *page) {
    if (page->bytes_since_pause < PIECE_BYTES)
        return;
    page->bytes_since_pause = 0;
    wait_a_turn(&page->pause);
}

// ---- histograms

static uint64_t count_of(const struct latency *latency) {
    uint64_t count = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
        count += counter_value(&latency->buckets[i]);
    return count;
}

// All buckets below `us`, which is a bound of one.
static void say_bound(struct page *page, const char *name, const char *labels, const struct latency *latency, uint64_t us, unsigned *bucket,
                      uint64_t *count) {
    for (unsigned end = latency_bucket(us); *bucket < end; ++*bucket)
        *count += counter_value(&latency->buckets[*bucket]);
    say(page, "%s_bucket{%s,le=\"%.6g\"} %llu\n", name, labels, (double)us / 1e6, (unsigned long long)*count);
}

static void say_histogram(struct page *page, const char *name, const char *labels, const struct latency *latency) {
    unsigned bucket = 0;
    uint64_t count = 0;
    for (unsigned power = SHOWN_POWER_MIN; power <= LATENCY_POWER_MAX; power++) {
        say_bound(page, name, labels, latency, 1ull << power, &bucket, &count);
        say_bound(page, name, labels, latency, 3ull << (power - 1), &bucket, &count);
    }
    uint64_t all = count_of(latency);
    say(page, "%s_bucket{%s,le=\"+Inf\"} %llu\n", name, labels, (unsigned long long)all);
    say(page, "%s_sum{%s} %.6f\n%s_count{%s} %llu\n", name, labels, (double)counter_value(&latency->sum_us) / 1e6, name, labels,
        (unsigned long long)all);
    let_others(page);
}

// ---- routes

static const char *label_route(const struct series *series, char out[3 * LABEL_BYTES_MAX]) {
    char path[LABEL_BYTES_MAX], plugin[LABEL_BYTES_MAX];
    snprintf(out, 3 * LABEL_BYTES_MAX, "method=\"%s\",route=\"%s\",plugin=\"%s\"", series->method, escaped(path, series->name),
             escaped(plugin, series->plugin));
    return out;
}

static const char *const status_classes[STATUS_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

// `labels` are those of the series, without the class.
static void say_classes(struct page *page, const char *name, const char *labels, const struct route_figures *sum) {
    for (unsigned i = 0; i < STATUS_CLASSES; i++)
        if (counter_value(&sum->by_class[i]))
            say(page, "%s{%s,status=\"%s\"} %llu\n", name, labels, status_classes[i], (unsigned long long)counter_value(&sum->by_class[i]));
}

static void say_routes(struct page *page, const struct figures *figures) {
    char labels[3 * LABEL_BYTES_MAX];
    struct route_figures sum;
    say_family(page, "http_requests_total", "counter", "Requests that ended, by route and class of status; none: never answered.");
    for (unsigned i = 0; i < figures_route_count(figures); i++) {
        figures_sum_route(figures, i, &sum);
        label_route(figures_route_series(figures, i), labels);
        say_classes(page, "http_requests_total", labels, &sum);
    }
    say_family(page, "http_request_duration_seconds", "histogram", "From a request being whole to its answer leaving.");
    for (unsigned i = 0; i < figures_route_count(figures); i++) {
        figures_sum_route(figures, i, &sum);
        if (count_of(&sum.latency))
            say_histogram(page, "http_request_duration_seconds", label_route(figures_route_series(figures, i), labels), &sum.latency);
    }
}

// ---- queries

static const char *label_query(const struct series *series, char out[3 * LABEL_BYTES_MAX]) {
    char file[LABEL_BYTES_MAX], plugin[LABEL_BYTES_MAX];
    snprintf(out, 3 * LABEL_BYTES_MAX, "at=\"%s:%u\",plugin=\"%s\"", escaped(file, series->name), series->line,
             escaped(plugin, series->plugin));
    return out;
}

static void say_failures(struct page *page, const char *labels, const struct query_figures *sum) {
    for (unsigned k = 0; k < FAILURE_CLASSES; k++)
        if (counter_value(&sum->failures[k]))
            say(page, "leat_query_failures_total{%s,sqlstate=\"%c%c\"} %llu\n", labels, sum->classes[k] >> 8, sum->classes[k] & 255,
                (unsigned long long)counter_value(&sum->failures[k]));
}

static void say_queries(struct page *page, const struct figures *figures) {
    static const struct {
        const char *name, *type, *help;
    } families[] = {
        {"leat_queries_total", "counter", "Queries that ended, by their place in the source."},
        {"leat_query_rows_total", "counter", "Rows returned or touched."},
        {"leat_query_failures_total", "counter", "Queries that failed, by the class of SQLSTATE."},
        {"leat_query_duration_seconds", "histogram", "From a query being submitted to its answer being read."},
    };
    char labels[3 * LABEL_BYTES_MAX];
    struct query_figures sum;
    for (unsigned family = 0; family < sizeof families / sizeof *families; family++) {
        const char *name = families[family].name;
        say_family(page, name, families[family].type, families[family].help);
        for (unsigned i = 0; i < figures_query_count(figures); i++) {
            figures_sum_query(figures, i, &sum);
            if (!counter_value(&sum.count))
                continue;
            label_query(figures_query_series(figures, i), labels);
            if (family == 0)
                say(page, "%s{%s} %llu\n", name, labels, (unsigned long long)counter_value(&sum.count));
            else if (family == 1)
                say(page, "%s{%s} %llu\n", name, labels, (unsigned long long)counter_value(&sum.row_count));
            else if (family == 2)
                say_failures(page, labels, &sum);
            else
                say_histogram(page, name, labels, &sum.latency);
        }
    }
}

// ---- calls to other servers

static const char *label_call(const struct series *series, char out[3 * LABEL_BYTES_MAX]) {
    char file[LABEL_BYTES_MAX], plugin[LABEL_BYTES_MAX];
    snprintf(out, 3 * LABEL_BYTES_MAX, "at=\"%s:%u\",method=\"%s\",plugin=\"%s\"", escaped(file, series->name), series->line,
             series->method, escaped(plugin, series->plugin));
    return out;
}

static void say_calls(struct page *page, const struct figures *figures) {
    char labels[3 * LABEL_BYTES_MAX];
    struct route_figures sum;
    say_family(page, "leat_calls_total", "counter", "Calls to other servers, by place in the source and class of status; none: no answer.");
    for (unsigned i = 0; i < figures_call_count(figures); i++) {
        figures_sum_call(figures, i, &sum);
        label_call(figures_call_series(figures, i), labels);
        say_classes(page, "leat_calls_total", labels, &sum);
    }
    say_family(page, "leat_call_duration_seconds", "histogram",
               "From a call being begun to its answer being whole, or its end without one.");
    for (unsigned i = 0; i < figures_call_count(figures); i++) {
        figures_sum_call(figures, i, &sum);
        if (count_of(&sum.latency))
            say_histogram(page, "leat_call_duration_seconds", label_call(figures_call_series(figures, i), labels), &sum.latency);
    }
}

// ---- cores

static const struct {
    const char *name, *type, *help;
} gauges[GAUGES] = {
    [GAUGE_CONNECTIONS] = {"leat_connections", "gauge", "Clients' connections that are open."},
    [GAUGE_STREAMS] = {"leat_streams", "gauge", "Answers that are being sent while they are made, files among them."},
    [GAUGE_REQUESTS] = {"leat_requests_in_flight", "gauge", "Requests and tasks that have begun and not ended."},
    [GAUGE_COROUTINES] = {"leat_coroutines", "gauge", "Coroutines that have begun and not ended."},
    [GAUGE_BLOCKING] = {"leat_blocking_in_flight", "gauge", "Blocking handlers and providers that wait for a worker thread, or have one."},
    [GAUGE_TASKS_WAITING] = {"leat_tasks_waiting", "gauge", "Tasks that were spawned and have not begun."},
    [GAUGE_WORKS] = {"leat_work_total", "counter", "Tasks, periodic runs, beginnings and ends of plugins that have ended."},
    [GAUGE_WORK_FAILURES] = {"leat_work_failures_total", "counter", "Those of them that failed."},
    [GAUGE_WORK_SKIPS] = {"leat_work_skipped_total", "counter", "Periodic runs left out, since the one before had not ended."},
    [GAUGE_GENERATIONS] = {"leat_generations", "gauge", "Generations of plugins that serve, or that requests still hold."},
    [GAUGE_LINKS_READY] = {"leat_db_links_ready", "gauge", "Links to Postgres that take queries."},
    [GAUGE_LINKS_WANTED] = {"leat_db_links_wanted", "gauge", "Links to Postgres that there should be."},
    [GAUGE_QUERIES_IN_FLIGHT] = {"leat_db_queries_in_flight", "gauge", "Queries that were sent and are not answered."},
    [GAUGE_QUERIES_WAITING] = {"leat_db_queries_waiting", "gauge", "Queries that wait for a link."},
    [GAUGE_QUERIES] = {"leat_db_queries_total", "counter", "Queries that were submitted."},
    [GAUGE_QUERY_FAILURES] = {"leat_db_query_failures_total", "counter", "Queries that failed."},
    [GAUGE_RECONNECTS] = {"leat_db_reconnects_total", "counter", "Links that were lost and opened anew."},
    [GAUGE_FLUSHES] = {"leat_db_flushes_total", "counter", "Sends to Postgres: one for all that a link has to say in a turn."},
    [GAUGE_CACHE_HITS] = {"leat_cache_hits_total", "counter", "Answers from the cache, 304s included."},
    [GAUGE_CACHE_STALE] = {"leat_cache_stale_total", "counter", "Answers from the cache that were made anew behind."},
    [GAUGE_CACHE_MISSES] = {"leat_cache_misses_total", "counter", "Answers of cached routes that were made."},
    [GAUGE_CACHE_BYPASSES] = {"leat_cache_bypasses_total", "counter", "Answers of cached routes that may not be kept."},
    [GAUGE_CACHE_ENTRIES] = {"leat_cache_entries", "gauge", "Answers that are kept, those included that were forgotten since."},
    [GAUGE_CACHE_BYTES] = {"leat_cache_bytes", "gauge", "Memory that they take; CACHE_BYTES at most."},
    [GAUGE_CACHE_EVICTIONS] = {"leat_cache_evictions_total", "counter", "Answers that made room for others."},
    [GAUGE_CACHE_REFUSALS] = {"leat_cache_refusals_total", "counter", "Answers that were too long to be kept."},
    [GAUGE_CACHE_FORGETS] = {"leat_cache_forgets_total", "counter", "Tags that were forgotten, here or elsewhere."},
    [GAUGE_REDIS_READY] = {"leat_redis_ready", "gauge", "1 where Redis is asked; 0 where it is away or late, or there is none."},
    [GAUGE_REDIS_LOOKUPS] = {"leat_redis_lookups_total", "counter", "Times that Redis was asked for an answer."},
    [GAUGE_REDIS_HITS] = {"leat_redis_hits_total", "counter", "Times that it had one."},
    [GAUGE_REDIS_LATE] = {"leat_redis_late_total", "counter", "Times that it did not answer in time, or was not asked for that."},
    [GAUGE_REDIS_ERRORS] = {"leat_redis_errors_total", "counter", "Links that were lost or not to be had, and commands that it refused."},
    [GAUGE_RING_ENTERS] = {"leat_ring_enters_total", "counter", "Calls of io_uring_enter: turns of the loop."},
    [GAUGE_RING_IN_FLIGHT] = {"leat_ring_operations_in_flight", "gauge", "Operations that the kernel has."},
    [GAUGE_RING_BUFFERS_FREE] = {"leat_ring_buffers_free", "gauge", "Provided buffers that nobody holds."},
    [GAUGE_CALLS_RUNNING] = {"leat_calls_in_flight", "gauge", "Calls to other servers that are not answered."},
    [GAUGE_CALLS_WAITING] = {"leat_calls_waiting", "gauge", "Calls to other servers that wait for others to end."},
    [GAUGE_CALL_CONNECTIONS] = {"leat_call_connections_total", "counter", "Connections that were opened for calls."},
    [GAUGE_ARENA_MALLOCS] = {"leat_arena_mallocs_total", "counter", "Times that a request's memory was asked of the heap."},
};

static void say_cores(struct page *page, const struct figures *figures) {
    for (unsigned gauge = 0; gauge < GAUGES; gauge++) {
        say_family(page, gauges[gauge].name, gauges[gauge].type, gauges[gauge].help);
        for (unsigned i = 0; i < figures_core_count(figures); i++) {
            const struct core_figures *core = figures_core(figures, i);
            say(page, "%s{core=\"%u\"} %llu\n", gauges[gauge].name, core->core_index,
                (unsigned long long)counter_value(&core->gauges[gauge]));
        }
    }
}

// ---- the process

static uint64_t resident_bytes(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void say_value(struct page *page, const char *name, const char *type, const char *help, double value) {
    say_family(page, name, type, help);
    say(page, "%s %.15g\n", name, value);
}

static void say_process(struct page *page, const req *r, const struct figures *figures) {
    const struct app_options *options = r->app->options;
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    say_family(page, "leat_offload_queue", "gauge", "Jobs that wait for a worker thread.");
    say(page, "leat_offload_queue{kind=\"hashing\"} %u\nleat_offload_queue{kind=\"connecting\"} %u\n",
        options->hashing ? offload_queue_count(options->hashing) : 0, options->connector ? offload_queue_count(options->connector) : 0);
    say_value(page, "leat_log_dropped_total", "counter", "Log lines that were dropped, because nobody read fast enough.",
              (double)log_drop_count());
    say_value(page, "process_start_time_seconds", "gauge", "When the server began, since 1970.", (double)figures_began_us(figures) / 1e6);
    say_value(page, "process_cpu_seconds_total", "counter", "CPU time, of the program and of the kernel for it.",
              seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
    say_value(page, "process_resident_memory_bytes", "gauge", "Memory that is in RAM.", (double)resident_bytes());
}

static void say_build(struct page *page, const struct snapshot *snapshot) {
    char name[LABEL_BYTES_MAX], version[LABEL_BYTES_MAX];
    say_family(page, "leat_build_info", "gauge", "What serves.");
    say(page, "leat_build_info{version=\"%s\",compiler=\"%s\"} 1\n", escaped(version, leat_version()), escaped(name, __VERSION__));
    say_family(page, "leat_plugin_info", "gauge", "The plugins of the generation that serves.");
    for (size_t i = 0; i < snapshot->plugin_count; i++) {
        const leat_plugin *plugin = snapshot->plugins[i];
        say(page, "leat_plugin_info{plugin=\"%s\",version=\"%s\"} 1\n", escaped(name, plugin->name),
            escaped(version, plugin->version ? plugin->version : ""));
    }
}

// A plugin may be there in several generations: as many are one sample.
static unsigned count_same(const struct roster_entry *entries, unsigned count, unsigned index) {
    unsigned same = 0;
    for (unsigned i = 0; i < count; i++) {
        bool is_same = entries[i].state == entries[index].state && !strcmp(entries[i].name, entries[index].name);
        if (is_same && i < index)
            return 0;
        same += is_same;
    }
    return same;
}

// What is no route's has its kind for a method, and no route.
static void say_held(struct page *page) {
    char plugin[LABEL_BYTES_MAX], path[LABEL_BYTES_MAX], file[LABEL_BYTES_MAX];
    static const char *const names[] = {"leat_core_held_total", "leat_core_held_seconds_total"};
    static const char *const helps[] = {"Times that a handler kept its core from turning for longer than WATCHDOG_MS.",
                                        "How long it did, together."};
    for (unsigned family = 0; family < 2; family++) {
        say_family(page, names[family], "counter", helps[family]);
        for (unsigned i = 0; i < activity_count(); i++) {
            struct activity *activity = activity_at(i);
            uint64_t count = atomic_load(&activity->held_count), ms = atomic_load(&activity->held_ms);
            if (count)
                say(page, "%s{method=\"%s\",route=\"%s\",handler=\"%s\",at=\"%s:%u\",plugin=\"%s\"} %.15g\n", names[family],
                    *activity->method ? activity->method : activity->kind, escaped(path, activity->path), activity->name,
                    escaped(file, activity->file), activity->line, escaped(plugin, activity->plugin),
                    family ? (double)ms / 1000 : (double)count);
        }
    }
}

static void say_roster(struct page *page, req *r) {
    struct roster *roster = r->app->options->roster;
    struct roster_entry *entries = roster ? alloc(r, ROSTER_MAX * sizeof *entries) : NULL;
    if (!roster)
        return;
    unsigned count = roster_get(roster, entries);
    char name[LABEL_BYTES_MAX];
    say_family(page, "leat_plugins", "gauge", "Plugins by their state: serving, refused, draining, quarantined, unloaded.");
    for (unsigned i = 0; i < count; i++) {
        unsigned same = count_same(entries, count, i);
        if (same)
            say(page, "leat_plugins{plugin=\"%s\",state=\"%s\"} %u\n", escaped(name, entries[i].name), roster_word(entries[i].state), same);
    }
    say_family(page, "leat_plugin_left_out", "gauge", "Files of the plugin folders that do not serve as they lie there, and why.");
    for (unsigned i = 0; i < count; i++) {
        char why[LABEL_BYTES_MAX];
        if (*entries[i].why)
            say(page, "leat_plugin_left_out{plugin=\"%s\",state=\"%s\",reason=\"%s\"} 1\n", escaped(name, entries[i].name),
                roster_word(entries[i].state), escaped(why, entries[i].why));
    }
    say_family(page, "leat_plugin_loads_total", "counter",
               "Generations of plugins that were loaded while it served, and that were refused.");
    say(page, "leat_plugin_loads_total{outcome=\"loaded\"} %llu\nleat_plugin_loads_total{outcome=\"refused\"} %llu\n",
        (unsigned long long)counter_value(&roster->load_count), (unsigned long long)counter_value(&roster->refusal_count));
}

// ---- asked for

static void wait_for_cores(req *r, struct figures *figures, struct pause *pause) {
    figures_ask(figures);
    int64_t due_ms = core_now_ms(r->app->core) + ANSWER_MS_MAX;
    while (!figures_are_answered(figures) && core_now_ms(r->app->core) < due_ms)
        wait_a_tick(pause);
}

static void free_page(void *arg) {
    buffer_finish(&((struct page *)arg)->buffer);
}

struct metrics_call {
    req *r;
    str text;
};

static void metrics_on_core(void *arg) {
    struct metrics_call *call = arg;
    call->text = metrics_text(call->r);
}

str metrics_text(req *r) {
    if (r->is_away) {
        struct metrics_call call = {r, {0}};
        away_call(r, metrics_on_core, &call);
        return call.text;
    }
    struct figures *figures = r->app->options->figures;
    if (!figures)
        return (str){0};
    struct page *page = new (r, struct page);
    if (arena_defer(&r->arena, free_page, page) < 0)
        fail_busy(r, "no memory for the figures");
    page->pause.r = r;
    timer_init(&page->pause.timer, tick_has_come);
    deferred_init(&page->pause.turn, turn_has_come);
    on_done(r, end_pause, &page->pause);
    wait_for_cores(r, figures, &page->pause);
    say_routes(page, figures);
    say_queries(page, figures);
    say_calls(page, figures);
    say_cores(page, figures);
    say_process(page, r, figures);
    say_build(page, r->generation->snapshot);
    say_roster(page, r);
    say_held(page);
    if (page->is_short_of_memory)
        fail_busy(r, "no memory for the figures");
    return (str){buffer_head(&page->buffer), buffer_bytes(&page->buffer)};
}
