// clock.h — the time, where a test may set it.
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/** CLOCK_MONOTONIC in nanoseconds: for deadlines and durations. */
int64_t clock_monotonic_ns(void);
/** CLOCK_REALTIME in microseconds since 1970: for dates and tokens. */
int64_t clock_wall_us(void);
/** Both clocks stand at these values from now on; negative lets them run again. For tests. */
void clock_freeze(int64_t monotonic_ns, int64_t wall_us);

#endif
