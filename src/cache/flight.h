// flight.h — one making of an entry for all who want it at the same time: one leads, the others wait.
//
// Of one core: another core that wants the same makes its own. A lock between cores or machines would save some of those, and bring its own
// ways to wait for somebody who has died.
#ifndef CACHE_FLIGHT_H
#define CACHE_FLIGHT_H

#include "cache/entry.h"
#include "cache/store.h"
#include "engine/core.h"

enum flight_end {
    FLIGHT_IN_THE_AIR,
    FLIGHT_LANDED, // here is the entry
    FLIGHT_LED,    // whoever led has left: it is the waiter's to lead now
    FLIGHT_FAILED, // there is none to be had: each makes its own answer
};

/** Embedded in whoever waits. */
struct flight_waiter {
    struct list node;
    void (*ended)(struct flight_waiter *waiter);
    struct flight *flight; // of FLIGHT_LED: what is the waiter's to lead
    enum flight_end end;
    struct cache_entry *entry; // of FLIGHT_LANDED: held for the waiter
};

struct flight {
    struct list node; // of its bucket
    struct cache_key key;
    struct list waiters;
    uint64_t mark; // of the store, when it began
};

enum { FLIGHT_BUCKETS = 256 };

struct flights {
    struct core *core;
    struct list buckets[FLIGHT_BUCKETS];
    struct list ended; // waiters that are to be told
    struct deferred tell;
};

void flights_init(struct flights *flights, struct core *core);
/** The flight of that key, or NULL. */
struct flight *flight_find(struct flights *flights, const struct cache_key *key);
/** The caller leads it until it ends it. The key is copied. NULL without memory. */
struct flight *flight_begin(struct flights *flights, const struct cache_key *key, uint64_t mark);
/** `waiter->ended`, the caller's to set, runs at the end of a turn, outside every coroutine; then flight_take(). */
void flight_wait(struct flight *flight, struct flight_waiter *waiter);
/** What became of it, and the entry or the flight that is the caller's from now on. */
enum flight_end flight_take(struct flight_waiter *waiter, struct cache_entry **ret_entry, struct flight **ret_flight);
/** It waits no more, and what it was given and has not taken goes on. Harmless where it does not wait. */
void flight_wait_no_more(struct flights *flights, struct flight_waiter *waiter);
/** Ends it: all who wait get the entry, or none where it is NULL. */
void flight_land(struct flights *flights, struct flight *flight, struct cache_entry *entry);
/** Whoever leads leaves: the first that waits leads, or the flight ends. */
void flight_leave(struct flights *flights, struct flight *flight);

#endif
