// core.c — one thread, one ring: the loop that everything of a core runs in.
#include "engine/core.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "base/clock.h"

enum { TURN_END_ROUNDS_MAX = 64, WAITS_REMEMBERED = 8, SPARE_ARENA_BLOCKS_MAX = 512, CORO_TRIM_MS = 1000 };

const struct core_options core_options_default = {
    .ring = {.sq_entries = 1024, .cq_entries = 8192, .buffer_count = 512, .buffer_bytes = 4096},
    .coro = {.stack_bytes = 65536, .count_max = 4096},
};

static _Thread_local struct core *current;

// The `index`th CPU, modulo their number, of those that the process' first thread may use: a core's own may be pinned already.
static void pin(unsigned index) {
    cpu_set_t usable, one;
    if (sched_getaffinity(getpid(), sizeof usable, &usable) < 0)
        return;
    unsigned rank = index % (unsigned)CPU_COUNT(&usable);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &usable) || rank-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

static void read_clocks(struct core *core) {
    core->now_ns = clock_monotonic_ns();
    core->now_ms = core->now_ns / 1000000;
    core->wall_us = clock_wall_us();
}

static void on_coro_trim(struct timer *timer) {
    struct core *core = container_of(timer, struct core, coro_trim);
    coro_pool_trim(core->coros);
}

int core_init(struct core *core, const struct core_options *options) {
    assert(!current);
    *core = (struct core){.index = options->index, .busy_poll_ns = options->busy_poll_us * INT64_C(1000)};
    if (options->pinned)
        pin(options->index);
    int error = ring_create(&options->ring, &core->ring);
    if (error < 0)
        return error;
    struct coro_options coro = options->coro;
    coro.pulse = &core->pulse;
    error = coro_pool_create(&coro, &core->coros);
    if (error < 0) {
        ring_destroy(core->ring);
        return error;
    }
    arena_pool_init(&core->arenas, SPARE_ARENA_BLOCKS_MAX);
    file_pool_init(&core->files, core->ring);
    read_clocks(core);
    wheel_init(&core->wheel, core_now_ms(core));
    timer_init(&core->coro_trim, on_coro_trim);
    list_init(&core->turn_end);
    list_init(&core->next_turn);
    current = core;
    return 0;
}

void core_finish(struct core *core) {
    assert(current == core);
    ring_destroy(core->ring);
    file_pool_finish(&core->files);
    coro_pool_destroy(core->coros);
    arena_pool_finish(&core->arenas);
    current = NULL;
}

struct core *core_current(void) {
    return current;
}

static void run_all(struct list *deferreds) {
    struct list *node;
    while ((node = list_pop(deferreds))) {
        struct deferred *deferred = container_of(node, struct deferred, node);
        deferred->run(deferred);
    }
}

// Only what is there at the beginning: what it defers to the next turn is for the one after this.
static void run_next_turn(struct core *core) {
    struct list now;
    list_init(&now);
    list_append(&now, &core->next_turn);
    run_all(&now);
}

static void run_turn_end(struct core *core) {
    for (unsigned round = 0; round < TURN_END_ROUNDS_MAX && !list_is_empty(&core->turn_end); round++) {
        struct list now;
        list_init(&now);
        list_append(&now, &core->turn_end);
        run_all(&now);
    }
}

// In nanoseconds, negative for ever: until the next tick with something to do, and not beyond `wait_ms`.
static int64_t wait_of(const struct core *core, int64_t wait_ms) {
    if (!list_is_empty(&core->next_turn) || !list_is_empty(&core->turn_end))
        return 0;
    int64_t wait_ns = wait_ms < 0 ? -1 : wait_ms * 1000000, next_ms = wheel_next_ms(&core->wheel);
    if (next_ms < 0)
        return wait_ns;
    int64_t until_ns = next_ms * 1000000 - clock_monotonic_ns();
    if (until_ns < 0)
        until_ns = 0;
    return wait_ns >= 0 && wait_ns < until_ns ? wait_ns : until_ns;
}

// Looks without sleeping, as long as it may or until there is something.
static int poll_busily(struct core *core, int64_t began_ns, int64_t wait_ns) {
    int64_t most_ns = wait_ns >= 0 && wait_ns < core->busy_poll_ns ? wait_ns : core->busy_poll_ns;
    int error;
    do
        error = ring_wait(core->ring, 0);
    while (error == 0 && !ring_is_ready(core->ring) && clock_monotonic_ns() - began_ns < most_ns);
    return error;
}

// Of late: each turn counts an eighth, and one that waited long no more than it takes to see that looking does not pay.
static void learn_wait(struct core *core, int64_t waited_ns) {
    int64_t most_ns = core->busy_poll_ns * WAITS_REMEMBERED;
    core->wait_mean_ns += ((waited_ns < most_ns ? waited_ns : most_ns) - core->wait_mean_ns) / WAITS_REMEMBERED;
}

static __attribute__((noinline)) int wait_busily(struct core *core, int64_t wait_ms, int64_t wait_ns) {
    int64_t began_ns = clock_monotonic_ns();
    int error = core->wait_mean_ns < core->busy_poll_ns ? poll_busily(core, began_ns, wait_ns) : 0;
    if (error == 0 && !ring_is_ready(core->ring))
        error = ring_wait(core->ring, wait_of(core, wait_ms));
    learn_wait(core, clock_monotonic_ns() - began_ns);
    return error;
}

int core_turn(struct core *core, int64_t wait_ms) {
    int64_t wait_ns = wait_of(core, wait_ms);
    pulse_wait(&core->pulse, true);
    int error = core->busy_poll_ns && wait_ns ? wait_busily(core, wait_ms, wait_ns) : ring_wait(core->ring, wait_ns);
    pulse_wait(&core->pulse, false);
    pulse_beat(&core->pulse, 2);
    if (error < 0)
        return error;
    core->turn_count++;
    read_clocks(core);
    run_next_turn(core);
    ring_run(core->ring);
    wheel_advance(&core->wheel, core_now_ms(core));
    if (coro_pool_has_surplus(core->coros) && !timer_is_armed(&core->coro_trim))
        wheel_arm(&core->wheel, &core->coro_trim, core_now_ms(core) + CORO_TRIM_MS);
    run_turn_end(core);
    return 0;
}

int core_run(struct core *core) {
    while (!core->is_stopping) {
        int error = core_turn(core, -1);
        if (error < 0)
            return error;
    }
    core->is_stopping = false;
    return 0;
}

void core_stop(struct core *core) {
    core->is_stopping = true;
}

void deferred_init(struct deferred *deferred, void (*run)(struct deferred *deferred)) {
    list_init(&deferred->node);
    deferred->run = run;
}

void core_defer(struct core *core, struct deferred *deferred) {
    if (list_is_empty(&deferred->node))
        list_push(&core->turn_end, &deferred->node);
}

void core_defer_to_next_turn(struct core *core, struct deferred *deferred) {
    if (list_is_empty(&deferred->node))
        list_push(&core->next_turn, &deferred->node);
}

void deferred_cancel(struct deferred *deferred) {
    list_remove(&deferred->node);
}
