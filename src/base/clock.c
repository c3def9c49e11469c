// clock.c — the time, where a test may set it.
#include "base/clock.h"

#include <time.h>

static int64_t frozen_monotonic_ns = -1, frozen_wall_us = -1;

int64_t clock_monotonic_ns(void) {
    if (frozen_monotonic_ns >= 0)
        return frozen_monotonic_ns;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

#ifdef __x86_64__

enum { NEAR_TICKS = 4000 }; // 4 us and less: time stamp counters run at 1 GHz and more

int64_t clock_monotonic_near_ns(void) {
    static _Thread_local struct {
        uint64_t ticks;
        int64_t ns;
    } last;
    if (frozen_monotonic_ns >= 0)
        return frozen_monotonic_ns;
    uint64_t ticks = __builtin_ia32_rdtsc();
    if (ticks - last.ticks >= NEAR_TICKS) { // also where another processor's counter is behind
        last.ns = clock_monotonic_ns();
        last.ticks = ticks;
    }
    return last.ns;
}

#else

int64_t clock_monotonic_near_ns(void) {
    return clock_monotonic_ns();
}

#endif

int64_t clock_wall_us(void) {
    if (frozen_wall_us >= 0)
        return frozen_wall_us;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_freeze(int64_t monotonic_ns, int64_t wall_us) {
    frozen_monotonic_ns = monotonic_ns;
    frozen_wall_us = wall_us;
}
