// clock.h — the time, where a test may set it.
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/** CLOCK_MONOTONIC in nanoseconds: for deadlines and durations. */
int64_t clock_monotonic_ns(void);
/**
 * The same, as it was 4 us ago at most: the clock is looked at only where the processor's counter says that time has passed, and the
 * counter takes half as long. For durations that are many and short.
 */
int64_t clock_monotonic_near_ns(void);
/** CLOCK_REALTIME in microseconds since 1970: for dates and tokens. */
int64_t clock_wall_us(void);
/** Both clocks stand at these values from now on; negative lets them run again. For tests. */
void clock_freeze(int64_t monotonic_ns, int64_t wall_us);

#endif
