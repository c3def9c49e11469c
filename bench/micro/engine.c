// engine.c — coroutines and timers.
#include "engine/coro.h"
#include "engine/wheel.h"
#include "piece.h"

// ---- coroutines

static struct coro_pool *coroutines;

static void make_pool(void) {
    if (!coroutines)
        EXPECT(coro_pool_create(&(struct coro_options){.stack_bytes = 65536, .count_max = 64}, &coroutines) == 0);
}

static void return_at_once(void *arg) {
    keep(arg);
}

static void start(unsigned count) {
    while (count--)
        EXPECT(coro_start(coroutines, return_at_once, coroutines) == 0);
}

struct turns {
    struct coro *coro;
    unsigned left;
};

static void suspend_often(void *arg) {
    struct turns *turns = arg;
    turns->coro = coro_current();
    while (turns->left--)
        coro_suspend();
}

static void switch_there_and_back(unsigned count) {
    struct turns turns = {.left = count};
    EXPECT(coro_start(coroutines, suspend_often, &turns) == 0);
    for (unsigned i = 0; i < count; i++)
        coro_resume(turns.coro);
}

// ---- timers

enum { CONNECTIONS = 10000, DEADLINE_MS = 60000 };

static struct wheel wheel;
static struct timer timers[CONNECTIONS];
static int64_t now_ms;
static unsigned expired_count;

static void on_expired(struct timer *timer) {
    expired_count++;
    keep(timer);
}

static void arm_all(void) {
    now_ms = 0;
    wheel_init(&wheel, now_ms);
    for (int i = 0; i < CONNECTIONS; i++) {
        timer_init(&timers[i], on_expired);
        wheel_arm(&wheel, &timers[i], DEADLINE_MS + i);
    }
}

/** A connection's deadline moved, among those of 10,000. */
static void arm_again(unsigned count) {
    for (unsigned i = 0; count--; i = i + 1 < CONNECTIONS ? i + 1 : 0)
        wheel_arm(&wheel, &timers[i], DEADLINE_MS + i + count % 1000);
}

/** A millisecond passes, in which one of them is due; it is armed again. */
static void expire(unsigned count) {
    static unsigned next;
    while (count--) {
        struct timer *timer = &timers[next];
        next = next + 1 < CONNECTIONS ? next + 1 : 0;
        wheel_arm(&wheel, timer, now_ms);
        unsigned before = expired_count;
        now_ms += WHEEL_TICK_MS;
        wheel_advance(&wheel, now_ms);
        EXPECT(expired_count > before);
    }
}

const struct piece engine_pieces[] = {
    {"coroutine", "one begun, run and ended", make_pool, start},
    {"switch", "into a coroutine and back", make_pool, switch_there_and_back},
    {"timer-arm", "a deadline moved, among 10,000", arm_all, arm_again},
    {"timer-expire", "a tick in which a timer is due", arm_all, expire},
    {0},
};
