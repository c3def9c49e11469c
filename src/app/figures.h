// figures.h — what is counted: of every route, of every query, of every core.
//
// Each core counts in memory of its own, which it alone writes, with relaxed atomics: an addition is a plain one, and whoever asks reads
// all cores' figures where they lie, without locks and without stopping anybody. What a core knows only of itself (its links, its
// connections) it is asked for by a message. A route is the same series in every generation of its plugin, so that figures go on when it is
// replaced.
#ifndef APP_FIGURES_H
#define APP_FIGURES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/core.h"
#include "http/head.h"

enum {
    FIGURES_CORES_MAX = 256,
    FIGURES_SERIES_MAX = 4096, // routes, and as many queries and calls; those beyond share the first
    LATENCY_STEPS_LOG2 = 3,    // eight buckets for each power of two: within 12.5 %
    LATENCY_POWER_MAX = 24,    // the last of them ends at 2^25 us, 33.6 s
    LATENCY_BUCKETS = ((LATENCY_POWER_MAX - LATENCY_STEPS_LOG2 + 2) << LATENCY_STEPS_LOG2) + 1, // and one for what is beyond
    STATUS_CLASSES = 6,                                                                         // 0: never answered; 1xx to 5xx
    FAILURE_CLASSES = 8, // SQLSTATE's first two characters, of one query; those beyond are counted as the last
};

/** Written by one thread, read by all. */
typedef _Atomic(uint64_t) counter;

static inline void counter_add(counter *total, uint64_t more) {
    atomic_store_explicit(total, atomic_load_explicit(total, memory_order_relaxed) + more, memory_order_relaxed);
}

static inline uint64_t counter_value(const counter *total) {
    return atomic_load_explicit(total, memory_order_relaxed);
}

// ---- latencies

struct latency {
    counter sum_us;
    counter buckets[LATENCY_BUCKETS];
};

/** The bucket of a duration: the first eight are a microsecond each, then every power of two has eight. */
static inline unsigned latency_bucket(uint64_t us) {
    if (us < 1 << LATENCY_STEPS_LOG2)
        return (unsigned)us;
    unsigned power = 63 - (unsigned)__builtin_clzll(us);
    if (power > LATENCY_POWER_MAX)
        return LATENCY_BUCKETS - 1;
    unsigned step = (unsigned)(us >> (power - LATENCY_STEPS_LOG2)) & ((1 << LATENCY_STEPS_LOG2) - 1);
    return ((power - LATENCY_STEPS_LOG2 + 1) << LATENCY_STEPS_LOG2) + step;
}

/** So many durations at once. */
static inline void latency_add(struct latency *latency, uint64_t us, uint64_t count) {
    counter_add(&latency->sum_us, us * count);
    counter_add(&latency->buckets[latency_bucket(us)], count);
}

// ---- series

struct route_figures {
    counter by_class[STATUS_CLASSES];
    uint64_t in_turn_count; // the core's alone: requests that came in this turn and have been answered, whose time is taken at its end
    struct route_figures *next_in_turn;
    struct latency latency;
};

struct query_figures {
    counter count, row_count;
    _Atomic(uint16_t) classes[FAILURE_CLASSES]; // "23" as two bytes; 0: free
    counter failures[FAILURE_CLASSES];
    struct latency latency;
};
/** `sqlstate` has two characters at least. */
void query_figures_fail(struct query_figures *figures, const char *sqlstate);

/** What a series is of. */
struct series {
    const char *plugin;
    const char *name;   // a route's path, a query's file
    const char *method; // of a route and of a call
    unsigned line;      // of a query and of a call
};

// ---- what a core is asked for

enum gauge {
    GAUGE_CONNECTIONS,
    GAUGE_REQUESTS,
    GAUGE_STREAMS,
    GAUGE_COROUTINES,
    GAUGE_BLOCKING,
    GAUGE_TASKS_WAITING,
    GAUGE_WORKS,
    GAUGE_WORK_FAILURES,
    GAUGE_WORK_SKIPS,
    GAUGE_GENERATIONS,
    GAUGE_LINKS_READY,
    GAUGE_LINKS_WANTED,
    GAUGE_QUERIES_IN_FLIGHT,
    GAUGE_QUERIES_WAITING,
    GAUGE_QUERIES,
    GAUGE_QUERY_FAILURES,
    GAUGE_RECONNECTS,
    GAUGE_FLUSHES,
    GAUGE_CACHE_HITS,
    GAUGE_CACHE_STALE,
    GAUGE_CACHE_MISSES,
    GAUGE_CACHE_BYPASSES,
    GAUGE_CACHE_ENTRIES,
    GAUGE_CACHE_BYTES,
    GAUGE_CACHE_EVICTIONS,
    GAUGE_CACHE_REFUSALS,
    GAUGE_CACHE_FORGETS,
    GAUGE_REDIS_READY,
    GAUGE_REDIS_LOOKUPS,
    GAUGE_REDIS_HITS,
    GAUGE_REDIS_LATE,
    GAUGE_REDIS_ERRORS,
    GAUGE_RING_ENTERS,
    GAUGE_RING_IN_FLIGHT,
    GAUGE_RING_BUFFERS_FREE,
    GAUGE_ARENA_MALLOCS,
    GAUGE_CALLS_RUNNING,
    GAUGE_CALLS_WAITING,
    GAUGE_CALL_CONNECTIONS,
    GAUGES,
};

struct app;
struct figures; // of the process

/** A core's own. */
struct core_figures {
    struct figures *figures;
    struct app *app;
    unsigned core_index;
    struct message question;
    struct route_figures *in_turn; // those that have such requests
    struct deferred take_times;
    atomic_bool is_asked;
    counter gauges[GAUGES];
    _Atomic(struct route_figures *) routes[FIGURES_SERIES_MAX]; // by series
    _Atomic(struct query_figures *) queries[FIGURES_SERIES_MAX];
    _Atomic(struct route_figures *) calls[FIGURES_SERIES_MAX];
    struct route_figures *strangers[HTTP_METHODS + 1]; // requests that met no route, by method
};

int figures_create(struct figures **ret_figures);
/** No core counts any more. NULL is fine. */
void figures_destroy(struct figures *figures);

/** On the core's thread. NULL without memory: the core then counts nothing. */
struct core_figures *core_figures_create(struct figures *figures, struct app *app);
/** It is read, and asked, from now on, for as long as there are requests. Before that core_figures_destroy() may take it back. */
void core_figures_publish(struct core_figures *core);
void core_figures_destroy(struct core_figures *core);
/** The core's figures of that route, or query, made when they are first asked for; NULL without memory. On the core's thread. */
struct route_figures *core_figures_route(struct core_figures *core, const struct series *series);
struct query_figures *core_figures_query(struct core_figures *core, const struct series *series);
/** A call to another server is counted like a route, by file and line. */
struct route_figures *core_figures_call(struct core_figures *core, const struct series *series);
/** The durations of the route's `in_turn_count` requests are taken at the end of the turn. On the core's thread. */
void core_figures_time(struct core_figures *core, struct route_figures *route);

// ---- read

unsigned figures_core_count(const struct figures *figures);
const struct core_figures *figures_core(const struct figures *figures, unsigned index);
unsigned figures_route_count(const struct figures *figures);
unsigned figures_query_count(const struct figures *figures);
const struct series *figures_route_series(const struct figures *figures, unsigned index);
unsigned figures_call_count(const struct figures *figures);
const struct series *figures_call_series(const struct figures *figures, unsigned index);
const struct series *figures_query_series(const struct figures *figures, unsigned index);
/** All cores' together. */
void figures_sum_route(const struct figures *figures, unsigned index, struct route_figures *ret_sum);
void figures_sum_call(const struct figures *figures, unsigned index, struct route_figures *ret_sum);
void figures_sum_query(const struct figures *figures, unsigned index, struct query_figures *ret_sum);
/** Asks all cores for their gauges; the one whose thread this is answers at once. */
void figures_ask(struct figures *figures);
bool figures_are_answered(const struct figures *figures);
int64_t figures_began_us(const struct figures *figures);

#endif
