// cache.h — one core's cache: what it keeps itself, and what it shares with other cores, processes and machines.
//
// Two levels: this core's memory, which is looked at without waiting, and Redis, where one is set, which is asked for what is not here and
// told what was made here. What is forgotten is forgotten on all cores before the answer of whoever asked for it leaves, and through Redis
// everywhere else.
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <stdatomic.h>

#include "cache/crew.h"
#include "cache/flight.h"
#include "cache/shared.h"
#include "cache/store.h"
#include "engine/offload.h"

struct cache_options {
    size_t bytes_max;                  // 64 MiB, a core; 0: no core keeps anything itself
    size_t entry_bytes_max;            // 1 MiB: an answer that is longer is not kept
    struct cache_crew *crew;           // NULL: this core is alone
    const struct redis_address *redis; // NULL: none
    const char *prefix;                // "leat": of all keys in Redis
    uint32_t redis_ms;                 // 20: what Redis has not answered by then is not there
};
void cache_options_init(struct cache_options *options);

enum { CACHE_KEY_BYTES_MAX = 16 << 10, CACHE_TAG_BYTES_MAX = 256 };

struct cache_figures {
    uint64_t hit_count, miss_count, stale_count, bypass_count; // of lookups
    uint64_t shared_count;                                     // of hits: those that waited for another's making
    uint64_t refused_count;                                    // answers that were too long to be kept
};

struct cache {
    struct core *core;
    const struct cache_options *options;
    struct cache_store store;
    struct flights flights;
    struct crew_member member;
    struct shared_options shared_options;
    struct shared *shared; // NULL: there is no Redis
    atomic_bool is_in_doubt;
    struct cache_figures figures;
    size_t key_bytes;              // 0: none
    char key[CACHE_KEY_BYTES_MAX]; // of the request that is being looked up
};

/** On the core's thread; `connector` is for Redis. 0 or -ENOMEM. */
int cache_create(struct core *core, const struct cache_options *options, struct offload *connector, struct cache **ret_cache);
/** No request is under way. `done` runs when it may be destroyed. */
void cache_stop(struct cache *cache, void (*done)(void *arg), void *arg);
void cache_destroy(struct cache *cache);

/** The number of a tag. */
uint64_t cache_tag_number(str tag);
/** The entry of that key, in this core's memory; as store_find(). */
struct cache_entry *cache_find(struct cache *cache, const struct cache_key *key);
/** Keeps an entry that was begun at `mark`, here and where it is shared. 0, or as store_put(). */
int cache_put(struct cache *cache, struct cache_entry *entry, uint64_t mark);
/** Forgets the tags on all cores, and tells all others. True: `waiter`, which may be NULL, is told when Redis knows; as shared_forget(). */
bool cache_forget_tags(struct cache *cache, const uint64_t *tags, unsigned count, struct shared_waiter *waiter);

#endif
