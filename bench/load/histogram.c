// histogram.c — times, counted so that every one keeps its first seven bits and none is averaged away.
#include "histogram.h"

#include <string.h>

void histogram_clear(struct histogram *histogram) {
    memset(histogram, 0, sizeof *histogram);
    histogram->min_ns = UINT64_MAX;
}

/** Each power of two is cut into HISTOGRAM_STEPS steps; below the first power a step is a nanosecond. */
static unsigned bin_of(uint64_t ns) {
    if (ns < HISTOGRAM_STEPS)
        return (unsigned)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns) - 7;
    unsigned bin = HISTOGRAM_STEPS * (power + 1) + (unsigned)(ns >> power) - HISTOGRAM_STEPS;
    return bin < HISTOGRAM_BINS ? bin : HISTOGRAM_BINS - 1;
}

static uint64_t end_of(unsigned bin) {
    if (bin < HISTOGRAM_STEPS)
        return bin;
    unsigned power = bin / HISTOGRAM_STEPS - 1;
    return ((uint64_t)(bin % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1) << power) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ns, uint64_t times) {
    histogram->bins[bin_of(ns)] += times;
    histogram->count += times;
    histogram->sum_ns += (double)ns * (double)times;
    if (ns < histogram->min_ns)
        histogram->min_ns = ns;
    if (ns > histogram->max_ns)
        histogram->max_ns = ns;
}

uint64_t histogram_at(const struct histogram *histogram, double share) {
    uint64_t wanted = (uint64_t)(share * (double)histogram->count + 0.5), seen = 0;
    if (wanted == 0)
        wanted = 1;
    for (unsigned bin = 0; bin < HISTOGRAM_BINS; bin++) {
        seen += histogram->bins[bin];
        if (seen >= wanted)
            return end_of(bin) < histogram->max_ns ? end_of(bin) : histogram->max_ns;
    }
    return histogram->count ? histogram->max_ns : 0;
}
