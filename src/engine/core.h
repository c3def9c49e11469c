// core.h — one thread, one ring: the loop that everything of a core runs in.
//
// A turn: submit and wait once, collect every completion, run what they wake, the timers that are due, and what was deferred to the end of
// the turn (answers flushed, Postgres links flushed). Nothing of a core is touched by another thread; others send it messages.
#ifndef ENGINE_CORE_H
#define ENGINE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "engine/coro.h"
#include "engine/file.h"
#include "engine/pulse.h"
#include "engine/ring.h"
#include "engine/wheel.h"

/** Work put off; embedded in whatever wants it. */
struct deferred {
    struct list node;
    void (*run)(struct deferred *deferred);
};

struct core_options {
    unsigned index; // from 0; also the CPU it is pinned to, modulo those this process may use
    bool pinned;
    struct ring_options ring;
    struct coro_options coro;
    /**
     * How long a core looks for completions before it sleeps, where the last ones came that soon; 0: never. Waking takes longer than
     * looking (35 us and more on a virtual machine), and a core that looks is busy.
     */
    uint32_t busy_poll_us;
};
/** Core 0, not pinned, everything else as the design says. */
extern const struct core_options core_options_default;

struct core {
    unsigned index;
    struct ring *ring;
    struct wheel wheel;
    struct coro_pool *coros;
    struct arena_pool arenas;
    struct file_pool files;
    int64_t now_ns, now_ms; // CLOCK_MONOTONIC at the beginning of this turn, after its wait
    int64_t wall_us;        // CLOCK_REALTIME then
    uint64_t turn_count;
    struct list turn_end;  // deferred: before the next submission
    struct list next_turn; // deferred: at the beginning of the next turn, which then does not wait
    struct timer coro_trim;
    struct pulse pulse;
    int64_t busy_poll_ns, wait_mean_ns; // core_options.busy_poll_us; how long a turn has waited of late
    bool is_stopping;
    void *http, *db, *app; // what the upper floors keep on this core
};

/**
 * Must be called by the thread that will run the core. 0 or a negative errno (ring_refusal() explains those of the ring). A thread has one
 * core at most. A core that cannot be pinned runs unpinned.
 */
int core_init(struct core *core, const struct core_options *options);
void core_finish(struct core *core);
/** Turns until core_stop(); then returns 0, or a negative errno when the ring failed. */
int core_run(struct core *core);
/** One turn that waits at most `wait_ms` (negative: as long as the timers allow). For tests and for core_run(). 0 or a negative errno. */
int core_turn(struct core *core, int64_t wait_ms);
/** From the core's own thread: core_run() returns after this turn. */
void core_stop(struct core *core);
/** The core whose thread this is, or NULL. */
struct core *core_current(void);

static inline int64_t core_now_ms(const struct core *core) {
    return core->now_ms;
}

/**
 * Runs `deferred` at the end of this turn; once, however often it is asked. What it defers in turn runs at this turn's end as well, but
 * after 64 rounds of that the rest waits for the end of the next turn, which then does not wait.
 */
void core_defer(struct core *core, struct deferred *deferred);
/** Runs `deferred` at the beginning of the next turn, which does not wait. */
void core_defer_to_next_turn(struct core *core, struct deferred *deferred);
void deferred_init(struct deferred *deferred, void (*run)(struct deferred *deferred));
/** Harmless when it is not deferred. */
void deferred_cancel(struct deferred *deferred);

#endif
