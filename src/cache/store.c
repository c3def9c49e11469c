// store.c — the entries of one core: found by key, bounded in bytes, forgotten by tag.
#include "cache/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MIN = 256 };

int store_init(struct cache_store *store, size_t bytes_max, size_t entry_bytes_max) {
    *store = (struct cache_store){.bytes_max = bytes_max, .entry_bytes_max = entry_bytes_max, .bucket_count = BUCKETS_MIN};
    list_init(&store->order);
    store->hash_key = hash_key_make();
    store->buckets = calloc(BUCKETS_MIN, sizeof *store->buckets);
    if (!store->buckets || tags_init(&store->tags) < 0) {
        free(store->buckets);
        return -ENOMEM;
    }
    return 0;
}

static struct cache_entry **bucket_of(const struct cache_store *store, uint64_t hash) {
    return &store->buckets[hash & (store->bucket_count - 1)];
}

static void take_out(struct cache_store *store, struct cache_entry *entry) {
    struct cache_entry **at = bucket_of(store, entry->hash);
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    if (store->hand == &entry->order)
        store->hand = entry->order.prev == &store->order ? NULL : entry->order.prev;
    list_remove(&entry->order);
    tags_drop(&store->tags, entry);
    store->bytes -= entry_bytes(entry);
    store->count--;
    entry->is_stored = false;
    entry_release(entry);
}

void store_finish(struct cache_store *store) {
    list_each_safe (node, &store->order)
        take_out(store, container_of(node, struct cache_entry, order));
    tags_finish(&store->tags);
    free(store->buckets);
}

static struct cache_entry *find(const struct cache_store *store, const struct cache_key *key) {
    struct cache_entry *entry = *bucket_of(store, key->hash);
    while (entry && (entry->hash != key->hash || !str_eq(entry_key(entry), key->text)))
        entry = entry->next;
    return entry;
}

static bool is_dead(const struct cache_store *store, const struct cache_entry *entry, int64_t now_ms) {
    return now_ms >= entry->dead_ms || tags_are_forgotten(&store->tags, entry);
}

struct cache_entry *store_find(struct cache_store *store, const struct cache_key *key, int64_t now_ms) {
    struct cache_entry *entry = find(store, key);
    if (!entry)
        return NULL;
    if (is_dead(store, entry, now_ms)) {
        take_out(store, entry);
        return NULL;
    }
    entry->is_visited = true;
    return entry;
}

// The oldest that nobody asked for since the hand last passed, or that is none any more.
static void evict_one(struct cache_store *store, int64_t now_ms) {
    struct list *hand = store->hand ? store->hand : store->order.prev;
    for (;;) {
        struct cache_entry *entry = container_of(hand, struct cache_entry, order);
        struct list *newer = hand->prev;
        if (!entry->is_visited || is_dead(store, entry, now_ms)) {
            store->hand = newer == &store->order ? NULL : newer;
            take_out(store, entry);
            store->figures.eviction_count++;
            return;
        }
        entry->is_visited = false;
        hand = newer == &store->order ? store->order.prev : newer;
    }
}

// Without memory the chains get longer instead.
static void grow(struct cache_store *store) {
    struct cache_entry **old = store->buckets, **buckets = calloc(2 * store->bucket_count, sizeof *buckets);
    if (!buckets)
        return;
    size_t old_count = store->bucket_count;
    store->buckets = buckets;
    store->bucket_count = 2 * old_count;
    for (size_t i = 0; i < old_count; i++)
        for (struct cache_entry *entry = old[i], *next; entry; entry = next) {
            struct cache_entry **bucket = bucket_of(store, entry->hash);
            next = entry->next;
            entry->next = *bucket;
            *bucket = entry;
        }
    free(old);
}

static void put_in(struct cache_store *store, struct cache_entry *entry) {
    struct cache_entry **bucket = bucket_of(store, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
    list_push_front(&store->order, &entry->order);
    entry->is_stored = true;
    entry->is_visited = false;
    entry_hold(entry);
    store->bytes += entry_bytes(entry);
    store->count++;
}

int store_put(struct cache_store *store, struct cache_entry *entry, uint64_t mark, int64_t now_ms) {
    size_t bytes = entry_bytes(entry);
    if (bytes > store->entry_bytes_max || bytes > store->bytes_max)
        return -E2BIG;
    if (tags_were_forgotten_since(&store->tags, mark, entry_tag_numbers(entry), entry->tag_count))
        return -ESTALE;
    struct cache_key key = store_key(store, entry_key(entry));
    struct cache_entry *before = find(store, &key);
    if (before)
        take_out(store, before);
    if (tags_bear(&store->tags, entry) < 0)
        return -ENOMEM;
    if (store->count >= store->bucket_count)
        grow(store);
    while (store->count && store_bytes(store) + bytes > store->bytes_max) // the tables count as well
        evict_one(store, now_ms);
    entry->hash = key.hash;
    put_in(store, entry);
    return 0;
}

void store_forget(struct cache_store *store, uint64_t tag) {
    tags_forget(&store->tags, tag);
    store->figures.forget_count++;
}

void store_forget_tagged(struct cache_store *store) {
    tags_forget_all(&store->tags);
}

size_t store_bytes(const struct cache_store *store) {
    return store->bytes + tags_bytes(&store->tags) + store->bucket_count * sizeof *store->buckets;
}
