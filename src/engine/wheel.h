// wheel.h — deadlines: one hashed wheel a thread, ticked by the wait of its ring.
//
// A slot holds every timer whose tick is congruent to it, whatever the revolution; a bit a slot says whether it holds any, so that finding
// the next tick looks at sixteen words and not at a thousand lists.
#ifndef ENGINE_WHEEL_H
#define ENGINE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct timer {
    struct list node;
    int64_t due_ms;
    void (*expired)(struct timer *timer);
};

enum { WHEEL_SLOTS = 1024, WHEEL_TICK_MS = 16 };

struct wheel {
    struct list slots[WHEEL_SLOTS];
    uint64_t occupied[WHEEL_SLOTS / 64]; // a bit a slot
    int64_t now_ms;                      // the last tick
};

/** `now_ms` is any clock that never goes back; all times below are of the same. */
void wheel_init(struct wheel *wheel, int64_t now_ms);
void timer_init(struct timer *timer, void (*expired)(struct timer *timer));
static inline bool timer_is_armed(const struct timer *timer) {
    return !list_is_empty(&timer->node);
}
/** (Re)arms: `expired` runs in the first tick at or after `due_ms`, once; never before the next wheel_advance(). O(1). */
void wheel_arm(struct wheel *wheel, struct timer *timer, int64_t due_ms);
/** Harmless on a timer that is not armed. */
void wheel_disarm(struct wheel *wheel, struct timer *timer);
/** Runs what is due. A timer may arm or disarm any other, itself included. */
void wheel_advance(struct wheel *wheel, int64_t now_ms);
/** The time of the next tick that may have something to do (at most a revolution ahead), or -1 where nothing is armed. */
int64_t wheel_next_ms(const struct wheel *wheel);

#endif
