// flight.c — one making of an entry for all who want it at the same time: one leads, the others wait.
#include "cache/flight.h"

#include <stdlib.h>
#include <string.h>

static void tell(struct deferred *deferred) {
    struct flights *flights = container_of(deferred, struct flights, tell);
    for (struct list *node; (node = list_pop(&flights->ended));) {
        struct flight_waiter *waiter = container_of(node, struct flight_waiter, node);
        waiter->ended(waiter);
    }
}

void flights_init(struct flights *flights, struct core *core) {
    flights->core = core;
    for (unsigned i = 0; i < FLIGHT_BUCKETS; i++)
        list_init(&flights->buckets[i]);
    list_init(&flights->ended);
    deferred_init(&flights->tell, tell);
}

static struct list *bucket_of(struct flights *flights, uint64_t hash) {
    return &flights->buckets[hash % FLIGHT_BUCKETS];
}

struct flight *flight_find(struct flights *flights, const struct cache_key *key) {
    list_each (node, bucket_of(flights, key->hash)) {
        struct flight *flight = container_of(node, struct flight, node);
        if (flight->key.hash == key->hash && str_eq(flight->key.text, key->text))
            return flight;
    }
    return NULL;
}

struct flight *flight_begin(struct flights *flights, const struct cache_key *key, uint64_t mark) {
    struct flight *flight = malloc(sizeof *flight + key->text.len);
    if (!flight)
        return NULL;
    char *text = (char *)(flight + 1);
    memcpy(text, key->text.ptr, key->text.len);
    *flight = (struct flight){.key = {{text, key->text.len}, key->hash}, .mark = mark};
    list_init(&flight->waiters);
    list_push(bucket_of(flights, key->hash), &flight->node);
    return flight;
}

void flight_wait(struct flight *flight, struct flight_waiter *waiter) {
    waiter->flight = flight;
    waiter->end = FLIGHT_IN_THE_AIR;
    waiter->entry = NULL;
    list_push(&flight->waiters, &waiter->node);
}

enum flight_end flight_take(struct flight_waiter *waiter, struct cache_entry **ret_entry, struct flight **ret_flight) {
    enum flight_end end = waiter->end;
    *ret_entry = waiter->entry;
    *ret_flight = end == FLIGHT_LED ? waiter->flight : NULL;
    waiter->end = FLIGHT_IN_THE_AIR;
    waiter->entry = NULL;
    return end;
}

void flight_wait_no_more(struct flights *flights, struct flight_waiter *waiter) {
    struct cache_entry *entry;
    struct flight *flight;
    if (list_is_empty(&waiter->node))
        return;
    list_remove(&waiter->node);
    flight_take(waiter, &entry, &flight);
    entry_release(entry);
    if (flight)
        flight_leave(flights, flight);
}

static void end_for(struct flights *flights, struct flight_waiter *waiter, enum flight_end end, struct cache_entry *entry) {
    waiter->end = end;
    waiter->entry = entry ? entry_hold(entry) : NULL;
    list_push(&flights->ended, &waiter->node);
    core_defer(flights->core, &flights->tell);
}

void flight_land(struct flights *flights, struct flight *flight, struct cache_entry *entry) {
    for (struct list *node; (node = list_pop(&flight->waiters));)
        end_for(flights, container_of(node, struct flight_waiter, node), entry ? FLIGHT_LANDED : FLIGHT_FAILED, entry);
    list_remove(&flight->node);
    free(flight);
}

void flight_leave(struct flights *flights, struct flight *flight) {
    struct list *node = list_pop(&flight->waiters);
    if (node)
        end_for(flights, container_of(node, struct flight_waiter, node), FLIGHT_LED, NULL);
    else
        flight_land(flights, flight, NULL);
}
