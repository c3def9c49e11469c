// watchdog.h — a thread that sees whether every core turns, and names the handler that keeps one from it.
//
// A core has one thread for all its requests: a handler that computes for long, or waits in a call that blocks, keeps everybody else's
// waiting. The cores' pulses are looked at a few times within the limit; what is seen at the same beat for longer than that is told as a
// warning, once, and once more when it has ended; and it is counted. How much of the time it had the CPU says whether it computes or waits.
#ifndef HOST_WATCHDOG_H
#define HOST_WATCHDOG_H

#include <stdint.h>

#include "engine/pulse.h"

struct server;
struct watchdog;

struct watchdog_options {
    uint32_t limit_ms; // 0: nothing is named
    /** Called from its thread some ten times a second; `held_ms` is how long the core that is worst off has been held: 0 where all turn. */
    void (*on_look)(void *arg, int64_t held_ms);
    void *arg;
};

/** 0 or a negative errno. The server outlives it. */
int watchdog_start(struct server *server, const struct watchdog_options *options, struct watchdog **ret_watchdog);
/** Before server_stop(). NULL is fine. */
void watchdog_stop(struct watchdog *watchdog);

// ---- the judgement, apart from threads and clocks

/** What was seen of one core. */
struct vigil {
    uint64_t beat;
    int64_t since_ns; // when that beat was seen first
    bool is_named;    // it was told
};
enum vigil_news { VIGIL_NOTHING, VIGIL_HELD, VIGIL_RELEASED };
/** One look at a pulse; `*ret_held_ns` is for how long it has stood, or had stood until it was released: 0 where it turns. */
enum vigil_news vigil_look(struct vigil *vigil, const struct pulse *pulse, int64_t now_ns, int64_t limit_ns, int64_t *ret_held_ns);

#endif
