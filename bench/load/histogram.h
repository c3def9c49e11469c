// histogram.h — times, counted so that every one keeps its first seven bits and none is averaged away.
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 128, HISTOGRAM_POWERS = 40, HISTOGRAM_BINS = HISTOGRAM_STEPS * HISTOGRAM_POWERS };

struct histogram {
    uint64_t bins[HISTOGRAM_BINS];
    uint64_t count, min_ns, max_ns;
    double sum_ns;
};

void histogram_clear(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t ns, uint64_t times);

/** The time that `share` (0 to 1) of all took at most, within 0.8 %; 0 when there are none. */
uint64_t histogram_at(const struct histogram *histogram, double share);

#endif
