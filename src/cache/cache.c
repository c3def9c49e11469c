// cache.c — one core's cache: what it keeps itself, and what it shares with other cores, processes and machines.
#include "cache/cache.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

void cache_options_init(struct cache_options *options) {
    *options = (struct cache_options){.bytes_max = 64 << 20, .entry_bytes_max = 1 << 20};
}

static void forget_here(struct crew_member *member, const uint64_t *tags, unsigned count) {
    struct cache *cache = container_of(member, struct cache, member);
    for (unsigned i = 0; i < count; i++)
        store_forget(&cache->store, tags[i]);
}

static void doubt(struct crew_member *member) {
    atomic_store(&container_of(member, struct cache, member)->is_in_doubt, true);
}

int cache_create(struct core *core, const struct cache_options *options, struct cache **ret_cache) {
    struct cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return -ENOMEM;
    cache->core = core;
    cache->options = options;
    cache->member = (struct crew_member){.core = core, .forget = forget_here, .doubt = doubt};
    list_init(&cache->member.node);
    flights_init(&cache->flights, core);
    if (store_init(&cache->store, options->bytes_max, options->entry_bytes_max) < 0) {
        free(cache);
        return -ENOMEM;
    }
    if (options->crew)
        crew_join(options->crew, &cache->member);
    *ret_cache = cache;
    return 0;
}

void cache_stop(struct cache *cache, void (*done)(void *arg), void *arg) {
    if (cache->options->crew)
        crew_leave(cache->options->crew, &cache->member);
    done(arg);
}

void cache_destroy(struct cache *cache) {
    if (!cache)
        return;
    store_finish(&cache->store);
    deferred_cancel(&cache->flights.tell);
    free(cache);
}

uint64_t cache_tag_number(str tag) {
    struct digest digest = digest_of(tag);
    uint64_t number = digest_number(&digest);
    return number == TAG_EVERYTHING ? 1 : number;
}

struct cache_entry *cache_find(struct cache *cache, const struct cache_key *key) {
    if (__builtin_expect(atomic_load_explicit(&cache->is_in_doubt, memory_order_relaxed), false)) {
        atomic_store(&cache->is_in_doubt, false);
        store_forget_tagged(&cache->store);
    }
    return store_find(&cache->store, key, core_now_ms(cache->core));
}

int cache_put(struct cache *cache, struct cache_entry *entry, uint64_t mark) {
    int status = store_put(&cache->store, entry, mark, core_now_ms(cache->core));
    cache->figures.refused_count += status == -E2BIG;
    return status;
}

void cache_forget_tags(struct cache *cache, const uint64_t *tags, unsigned count) {
    forget_here(&cache->member, tags, count);
    if (cache->options->crew)
        crew_tell(cache->options->crew, &cache->member, tags, count);
}
