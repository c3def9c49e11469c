// periodic.c — EVERY: work that is due again and again, on a grid of the wall clock.
#include "periodic.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "request.h"
#include "work.h"

// A clock that is set back makes a point of the grid come again: it is looked at anew at least this often.
enum { LOOK_MS_MAX = 60000 };

struct periodic {
    struct timer timer;
    struct generation *generation;
    const struct work *work;
    int64_t due_wall_ms;
};

int64_t periodic_delay_ms(int64_t wall_ms, int64_t period_ms) {
    return period_ms - wall_ms % period_ms;
}

static int64_t period_of(const struct work *work) {
    return (int64_t)(work->declared->period_s * 1000.0 + 0.5);
}

static int64_t wall_ms(void) {
    return clock_wall_us() / 1000;
}

static void arm(struct periodic *periodic) {
    struct core *core = periodic->generation->app->core;
    int64_t delay_ms = periodic->due_wall_ms - wall_ms();
    delay_ms = delay_ms < 0 ? 0 : delay_ms > LOOK_MS_MAX ? LOOK_MS_MAX : delay_ms;
    wheel_arm(&core->wheel, &periodic->timer, clock_monotonic_ns() / 1000000 + delay_ms);
}

static bool is_same(const struct work *a, const struct work *b) {
    return a && a->declared && strcmp(a->name, b->name) == 0 && strcmp(a->plugin->name, b->plugin->name) == 0;
}

// Of whatever generation: a run of the one before may still be going on.
static bool is_running(const struct app *app, const struct work *work) {
    list_each (node, &app->live)
        if (is_same(container_of(node, req, node)->work, work))
            return true;
    return false;
}

static void run(const struct periodic *periodic) {
    struct app *app = periodic->generation->app;
    const struct work *work = periodic->work;
    const char *why = is_running(app, work) ? "the last run has not ended" : NULL;
    if (!why && work_start(app, periodic->generation, work, NULL) < 0)
        why = "no coroutine is free";
    if (!why)
        return;
    app->work_skip_count++;
    struct log_context context = {.least = work->log_level, .plugin = work->plugin->name};
    log_line_of(&context, LOG_WARNING, "work_skipped", "%s=%s reason=\"%s\"", work->kind, work->name, why);
}

static void is_due(struct timer *timer) {
    struct periodic *periodic = container_of(timer, struct periodic, timer);
    int64_t now_ms = wall_ms(), period_ms = period_of(periodic->work);
    bool is_there = now_ms >= periodic->due_wall_ms, was_set_back = periodic->due_wall_ms - now_ms > period_ms;
    if (is_there || was_set_back)
        periodic->due_wall_ms = now_ms + periodic_delay_ms(now_ms, period_ms);
    arm(periodic);
    if (is_there)
        run(periodic);
}

static bool is_of_core(const struct work *work, const struct core *core) {
    return work->declared->per_core || core->index == 0;
}

void periodic_begin(struct generation *generation) {
    const struct snapshot *snapshot = generation->snapshot;
    if (!snapshot->periodic_count)
        return;
    generation->periodics = calloc(snapshot->periodic_count, sizeof *generation->periodics);
    if (!generation->periodics) {
        log_line(LOG_ERROR, "work_lost", "count=%zu reason=\"no memory\"", snapshot->periodic_count);
        return;
    }
    for (size_t i = 0; i < snapshot->periodic_count; i++) {
        const struct work *work = snapshot->periodics[i];
        if (!is_of_core(work, generation->app->core))
            continue;
        struct periodic *periodic = &generation->periodics[generation->periodic_count++];
        *periodic = (struct periodic){.generation = generation, .work = work};
        timer_init(&periodic->timer, is_due);
        int64_t now_ms = wall_ms();
        periodic->due_wall_ms = work->declared->at_start ? now_ms : now_ms + periodic_delay_ms(now_ms, period_of(work));
        arm(periodic);
    }
}

void periodic_end(struct generation *generation) {
    for (size_t i = 0; i < generation->periodic_count; i++)
        wheel_disarm(&generation->app->core->wheel, &generation->periodics[i].timer);
    free(generation->periodics);
    generation->periodics = NULL;
    generation->periodic_count = 0;
}
