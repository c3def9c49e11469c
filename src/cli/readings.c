// readings.c — the figures of a running server as rows, for whoever watches it.
#include "cli/readings.h"

#include <stdlib.h>

static void put_latency(const struct latency *latency, struct arena *arena, Reading *reading) {
    unsigned filled = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
        filled += counter_value(&latency->buckets[i]) != 0;
    reading->latency.items = arena_alloc(arena, (2 * filled + 1) * sizeof *reading->latency.items);
    for (unsigned i = 0; reading->latency.items && i < LATENCY_BUCKETS && reading->latency.n < 2 * filled; i++) {
        uint64_t count = counter_value(&latency->buckets[i]);
        if (!count)
            continue;
        reading->latency.items[reading->latency.n++] = i;
        reading->latency.items[reading->latency.n++] = (i64)count;
    }
}

static Reading *add(ReadingsAnswer *answer, const char *kind, str label, const char *plugin) {
    Reading *reading = &answer->readings.items[answer->readings.n++];
    *reading = (Reading){.kind = str_of(kind), .label = label.ptr ? label : S(""), .plugin = str_of(plugin)};
    return reading;
}

static void take_routes(struct figures *figures, struct arena *arena, struct route_figures *sum, ReadingsAnswer *answer) {
    for (unsigned i = 0; i < figures_route_count(figures) && answer->readings.n < READINGS_MAX; i++) {
        const struct series *series = figures_route_series(figures, i);
        i64 count = 0;
        figures_sum_route(figures, i, sum);
        for (unsigned k = 0; k < STATUS_CLASSES; k++)
            count += (i64)counter_value(&sum->by_class[k]);
        if (!count)
            continue;
        const char *path = *series->name ? series->name : "(no route)";
        Reading *reading = add(answer, "route", arena_format(arena, "%s %s", series->method, path), series->plugin);
        reading->count = count;
        reading->failed = (i64)(counter_value(&sum->by_class[5]) + counter_value(&sum->by_class[0]));
        put_latency(&sum->latency, arena, reading);
    }
}

static void take_queries(struct figures *figures, struct arena *arena, struct query_figures *sum, ReadingsAnswer *answer) {
    for (unsigned i = 0; i < figures_query_count(figures) && answer->readings.n < READINGS_MAX; i++) {
        const struct series *series = figures_query_series(figures, i);
        figures_sum_query(figures, i, sum);
        if (!counter_value(&sum->count))
            continue;
        Reading *reading = add(answer, "query", arena_format(arena, "%s:%u", series->name, series->line), series->plugin);
        reading->count = (i64)counter_value(&sum->count);
        for (unsigned k = 0; k < FAILURE_CLASSES; k++)
            reading->failed += (i64)counter_value(&sum->failures[k]);
        put_latency(&sum->latency, arena, reading);
    }
}

void readings_take(struct figures *figures, struct arena *arena, ReadingsAnswer *answer) {
    answer->readings.items = arena_alloc(arena, READINGS_MAX * sizeof *answer->readings.items);
    struct route_figures *route = arena_alloc(arena, sizeof *route);
    struct query_figures *query = arena_alloc(arena, sizeof *query);
    if (!answer->readings.items || !route || !query)
        return;
    figures_ask(figures); // for the next time
    for (unsigned i = 0; i < figures_core_count(figures); i++) {
        answer->connections += (i64)counter_value(&figures_core(figures, i)->gauges[GAUGE_CONNECTIONS]);
        answer->requests += (i64)counter_value(&figures_core(figures, i)->gauges[GAUGE_REQUESTS]);
    }
    take_routes(figures, arena, route, answer);
    take_queries(figures, arena, query, answer);
}
