// wheel.h — deadlines: one hashed wheel a thread, ticked by the wait of its ring.
#ifndef ENGINE_WHEEL_H
#define ENGINE_WHEEL_H

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
    int64_t now_ms; // the last tick
    unsigned armed_count;
};

void wheel_init(struct wheel *wheel, int64_t now_ms);
void timer_init(struct timer *timer, void (*expired)(struct timer *timer));
/** (Re)arms: `expired` runs in the first tick at or after `due_ms`, once. O(1). */
void wheel_arm(struct wheel *wheel, struct timer *timer, int64_t due_ms);
/** Harmless on a timer that is not armed. */
void wheel_disarm(struct wheel *wheel, struct timer *timer);
/** Runs what is due. A timer may arm or disarm any other, itself included. */
void wheel_advance(struct wheel *wheel, int64_t now_ms);
/** Milliseconds until the next tick that has something to do (at most a revolution ahead), or -1 where nothing is armed. */
int64_t wheel_next_ms(const struct wheel *wheel);

#endif
