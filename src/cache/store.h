// store.h — the entries of one core: found by key, bounded in bytes, forgotten by tag.
//
// What is evicted is decided by SIEVE (Zhang et al., NSDI 2024): one queue by age, a bit for each entry that was asked for, and a hand that
// goes from old to new, spares those once and takes the first that was not. A hit sets a bit and moves nothing, which costs less than
// an LRU and keeps what is asked for when somebody asks for a great many keys once.
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include "cache/entry.h"
#include "cache/hash.h"
#include "cache/tags.h"

struct store_figures {
    uint64_t eviction_count; // for want of room
    uint64_t forget_count;   // tags
};

struct cache_store {
    size_t bytes_max, entry_bytes_max;
    size_t bytes, count;
    struct hash_key hash_key;
    struct cache_entry **buckets;
    size_t bucket_count; // a power of two
    struct list order;   // the newest first
    struct list *hand;   // the next to be looked at; NULL: the oldest
    struct tag_index tags;
    struct store_figures figures;
};

/** A key with its hash in one store. */
struct cache_key {
    str text;
    uint64_t hash;
};

/** `bytes_max` 0: it keeps nothing. 0 or -ENOMEM. */
int store_init(struct cache_store *store, size_t bytes_max, size_t entry_bytes_max);
void store_finish(struct cache_store *store);

static inline struct cache_key store_key(const struct cache_store *store, str text) {
    return (struct cache_key){text, hash_keyed(&store->hash_key, text)};
}

/** The entry of that key, stale or not, or NULL; the store's, until the next call: whoever keeps it holds it. */
struct cache_entry *store_find(struct cache_store *store, const struct cache_key *key, int64_t now_ms);
/**
 * Keeps the entry in the place of one of the same key, evicting others as needed, unless one of its tags was forgotten since `mark`
 * (tags_mark(), taken before anything of it was read). 0; -ESTALE: it was; -E2BIG; -ENOMEM. The caller holds its own in any case.
 */
int store_put(struct cache_store *store, struct cache_entry *entry, uint64_t mark, int64_t now_ms);
/** What bears that tag is none any more, and what is being made with it will not be kept. */
void store_forget(struct cache_store *store, uint64_t tag);
/** The same for all that bears any tag: some may have been forgotten without our knowing. */
void store_forget_tagged(struct cache_store *store);
/** What it takes of the heap, its own tables included. */
size_t store_bytes(const struct cache_store *store);

#endif
