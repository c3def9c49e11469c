// readings.h — the figures of a running server as rows, for whoever watches it.
#ifndef CLI_READINGS_H
#define CLI_READINGS_H

#include "app/figures.h"
#include "cli/words.h"

enum { READINGS_MAX = 1024 }; // routes and queries that were asked for at all; those beyond are left out

/** Fills connections, requests and readings. Reads the cores' figures where they lie; waits for nobody. */
void readings_take(struct figures *figures, struct arena *arena, ReadingsAnswer *answer);

/** Microseconds at the end of the bucket. */
static inline uint64_t readings_bucket_us(unsigned bucket) {
    if (bucket < 1 << LATENCY_STEPS_LOG2)
        return bucket + 1;
    unsigned power = (bucket >> LATENCY_STEPS_LOG2) + LATENCY_STEPS_LOG2 - 1, step = bucket & ((1 << LATENCY_STEPS_LOG2) - 1);
    return (uint64_t)((1 << LATENCY_STEPS_LOG2) + step + 1) << (power - LATENCY_STEPS_LOG2);
}

#endif
