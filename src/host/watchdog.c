// watchdog.c — a thread that sees whether every core turns, and names the handler that keeps one from it.
#include "watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "app/activity.h"
#include "base/clock.h"
#include "base/log.h"
#include "host/server_state.h"

enum { LOOKS_PER_LIMIT = 4, LOOK_MS_MIN = 5, LOOK_MS_MAX = 100 };

struct vigil_of_core {
    struct vigil vigil;
    struct activity *activity; // while it is named
    int64_t cpu_ns;            // of its thread, when the beat was seen first
};

struct watchdog {
    struct server *server;
    struct watchdog_options options;
    pthread_t thread;
    sem_t is_ending;
    struct vigil_of_core cores[];
};

// ---- the judgement

enum vigil_news vigil_look(struct vigil *vigil, const struct pulse *pulse, int64_t now_ns, int64_t limit_ns, int64_t *ret_held_ns) {
    uint64_t beat = atomic_load_explicit(&pulse->beat, memory_order_relaxed);
    bool stands = !atomic_load_explicit(&pulse->is_waiting, memory_order_relaxed) && beat == vigil->beat && vigil->since_ns;
    int64_t held_ns = vigil->since_ns ? now_ns - vigil->since_ns : 0;
    *ret_held_ns = stands ? held_ns : 0;
    if (!stands) {
        bool was_named = vigil->is_named;
        *vigil = (struct vigil){.beat = beat, .since_ns = now_ns};
        *ret_held_ns = was_named ? held_ns : 0;
        return was_named ? VIGIL_RELEASED : VIGIL_NOTHING;
    }
    if (vigil->is_named || held_ns < limit_ns)
        return VIGIL_NOTHING;
    vigil->is_named = true;
    return VIGIL_HELD;
}

// ---- a core

static int64_t cpu_ns_of(pthread_t thread) {
    clockid_t clock;
    struct timespec time;
    if (pthread_getcpuclockid(thread, &clock) || clock_gettime(clock, &time) < 0)
        return 0;
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

// Between two coroutines it is at nothing that has a name: on_worker, clean-ups of what was cut, the loop itself.
static struct activity *activity_of_core(const struct pulse *pulse) {
    bool is_inside = atomic_load_explicit(&pulse->beat, memory_order_relaxed) & 1;
    return is_inside ? (struct activity *)atomic_load_explicit(&pulse->work, memory_order_relaxed) : NULL;
}

static void say(const struct vigil_of_core *core, unsigned index, const char *event, int64_t held_ns, int64_t cpu_ns) {
    const struct activity *activity = core->activity;
    long long held_ms = held_ns / 1000000, cpu_ms = cpu_ns / 1000000;
    if (!activity) {
        log_line(LOG_WARNING, event, "core=%u held_ms=%lld cpu_ms=%lld by=\"no handler: on_worker, a clean-up, or the server itself\"",
                 index, held_ms, cpu_ms);
        return;
    }
    struct log_context context = {.least = LOG_DEBUG, .plugin = activity->plugin, .route = activity->path};
    log_line_of(&context, LOG_WARNING, event, "core=%u method=%s handler=%s at=%s:%u held_ms=%lld cpu_ms=%lld", index,
                *activity->method ? activity->method : activity->kind, activity->name, activity->file, activity->line, held_ms, cpu_ms);
}

// Its time goes by as well while the CPU is somebody else's: cpu_ms tells.
static int64_t look_at(struct watchdog *watchdog, unsigned index, int64_t now_ns) {
    struct vigil_of_core *core = &watchdog->cores[index];
    struct worker *worker = &watchdog->server->workers[index];
    const struct pulse *pulse = &worker->core.pulse;
    int64_t held_ns, limit_ns = watchdog->options.limit_ms ? watchdog->options.limit_ms * INT64_C(1000000) : INT64_MAX;
    enum vigil_news news = vigil_look(&core->vigil, pulse, now_ns, limit_ns, &held_ns);
    if (news == VIGIL_HELD) {
        core->activity = activity_of_core(pulse);
        say(core, index, "core_held", held_ns, cpu_ns_of(worker->thread) - core->cpu_ns);
    } else if (news == VIGIL_RELEASED) {
        say(core, index, "core_released", held_ns, cpu_ns_of(worker->thread) - core->cpu_ns);
        struct activity *activity = core->activity ? core->activity : activity_at(0);
        atomic_fetch_add(&activity->held_count, 1);
        atomic_fetch_add(&activity->held_ms, (uint64_t)(held_ns / 1000000));
        held_ns = 0;
    }
    if (core->vigil.since_ns == now_ns)
        core->cpu_ns = cpu_ns_of(worker->thread);
    return held_ns;
}

// ---- the thread

static long look_ms(const struct watchdog *watchdog) {
    long ms = watchdog->options.limit_ms ? watchdog->options.limit_ms / LOOKS_PER_LIMIT : LOOK_MS_MAX;
    return ms < LOOK_MS_MIN ? LOOK_MS_MIN : ms > LOOK_MS_MAX ? LOOK_MS_MAX : ms;
}

static bool sleeps_on(struct watchdog *watchdog) {
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    due.tv_nsec += look_ms(watchdog) * 1000000;
    due.tv_sec += due.tv_nsec / 1000000000;
    due.tv_nsec %= 1000000000;
    int result;
    while ((result = sem_clockwait(&watchdog->is_ending, CLOCK_MONOTONIC, &due)) < 0 && errno == EINTR)
        continue;
    return result < 0;
}

static void *run(void *arg) {
    struct watchdog *watchdog = arg;
    pthread_setname_np(pthread_self(), "watchdog");
    while (sleeps_on(watchdog)) {
        int64_t now_ns = clock_monotonic_ns(), worst_ns = 0;
        for (unsigned i = 0; i < watchdog->server->options.worker_count; i++) {
            int64_t held_ns = look_at(watchdog, i, now_ns);
            worst_ns = held_ns > worst_ns ? held_ns : worst_ns;
        }
        if (watchdog->options.on_look)
            watchdog->options.on_look(watchdog->options.arg, worst_ns / 1000000);
    }
    return NULL;
}

int watchdog_start(struct server *server, const struct watchdog_options *options, struct watchdog **ret_watchdog) {
    struct watchdog *watchdog = calloc(1, sizeof *watchdog + server->options.worker_count * sizeof watchdog->cores[0]);
    if (!watchdog)
        return -ENOMEM;
    watchdog->server = server;
    watchdog->options = *options;
    sem_init(&watchdog->is_ending, 0, 0);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&watchdog->thread, NULL, run, watchdog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        sem_destroy(&watchdog->is_ending);
        free(watchdog);
        return -error;
    }
    *ret_watchdog = watchdog;
    return 0;
}

void watchdog_stop(struct watchdog *watchdog) {
    if (!watchdog)
        return;
    sem_post(&watchdog->is_ending);
    pthread_join(watchdog->thread, NULL);
    sem_destroy(&watchdog->is_ending);
    free(watchdog);
}
