// census.h — what a core's requests and tasks are at: how many of each route, and since when.
#ifndef APP_CENSUS_H
#define APP_CENSUS_H

#include <stdint.h>

#include "app/activity.h"

struct app;
struct snapshot;

enum { CENSUS_ENTRIES_MAX = 64 };

struct census_entry {
    const struct snapshot *snapshot; // the generation they hold; to be compared, not looked into
    const struct activity *activity;
    unsigned count;
    int64_t oldest_ns; // CLOCK_MONOTONIC: when the first of them began
};

struct census {
    struct census_entry entries[CENSUS_ENTRIES_MAX];
    unsigned entry_count;
    unsigned uncounted; // requests that found no entry
};

/** On the core's thread. */
void app_census(const struct app *app, struct census *ret_census);
/** Adds `count` of them; several calls with the same two make one entry. */
void census_add(struct census *census, const struct census_entry *entry);

#endif
