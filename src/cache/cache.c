// cache.c — one core's cache: what it keeps itself, and what it shares with other cores, processes and machines.
#include "cache/cache.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { REPLY_BYTES_MIN = 64 << 10 };

void cache_options_init(struct cache_options *options) {
    *options = (struct cache_options){.bytes_max = 64 << 20, .entry_bytes_max = 1 << 20, .prefix = "leat", .redis_ms = 20};
}

static void forget_here(struct crew_member *member, const uint64_t *tags, unsigned count) {
    struct cache *cache = container_of(member, struct cache, member);
    for (unsigned i = 0; i < count; i++)
        store_forget(&cache->store, tags[i]);
}

static void doubt(struct crew_member *member) {
    atomic_store(&container_of(member, struct cache, member)->is_in_doubt, true);
}

// ---- Redis

static void shared_forgot(void *arg, const uint64_t *tags, unsigned count) {
    struct cache *cache = arg;
    forget_here(&cache->member, tags, count);
}

static void shared_doubts(void *arg) {
    struct cache *cache = arg;
    store_forget_tagged(&cache->store);
}

// Said once for all cores.
static void shared_changed(void *arg, const char *why) {
    struct cache *cache = arg;
    char cause[LOG_VALUE_BYTES];
    if (cache->options->crew && !crew_note_redis(cache->options->crew, why))
        return;
    if (why)
        log_line(LOG_WARNING, "redis_unreachable", "cause=%s each core caches by itself", log_value(cause, (str){why, strlen(why)}));
    else
        log_line(LOG_INFO, "redis_reachable", "core=%u", cache->core->index);
}

static const struct shared_events shared_events = {.forget = shared_forgot, .doubt = shared_doubts, .changed = shared_changed};

static int join_redis(struct cache *cache, struct offload *connector) {
    const struct cache_options *options = cache->options;
    if (!options->redis || !connector)
        return 0;
    cache->shared_options = (struct shared_options){
        .address = options->redis,
        .prefix = options->prefix,
        .answer_ms = options->redis_ms,
        .reply_bytes_max = 2 * options->entry_bytes_max + REPLY_BYTES_MIN,
        .connector = connector,
        .process_id = options->crew ? cache_crew_id(options->crew) : hash_key_make().k0,
    };
    return shared_create(cache->core, &cache->shared_options, &shared_events, cache, &cache->shared);
}

// ---- begun and ended

int cache_create(struct core *core, const struct cache_options *options, struct offload *connector, struct cache **ret_cache) {
    struct cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return -ENOMEM;
    cache->core = core;
    cache->options = options;
    cache->member = (struct crew_member){.core = core, .forget = forget_here, .doubt = doubt};
    list_init(&cache->member.node);
    flights_init(&cache->flights, core);
    int error = store_init(&cache->store, options->bytes_max, options->entry_bytes_max);
    if (!error && (error = join_redis(cache, connector)))
        store_finish(&cache->store);
    if (error) {
        free(cache);
        return error;
    }
    if (options->crew)
        crew_join(options->crew, &cache->member);
    *ret_cache = cache;
    return 0;
}

void cache_stop(struct cache *cache, void (*done)(void *arg), void *arg) {
    if (cache->options->crew)
        crew_leave(cache->options->crew, &cache->member);
    if (cache->shared)
        shared_stop(cache->shared, done, arg);
    else
        done(arg);
}

void cache_destroy(struct cache *cache) {
    if (!cache)
        return;
    shared_destroy(cache->shared);
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
    int error = store_put(&cache->store, entry, mark, core_now_ms(cache->core));
    bool is_too_long = entry_bytes(entry) > cache->options->entry_bytes_max;
    cache->figures.refused_count += is_too_long;
    if (cache->shared && !is_too_long && error != -ESTALE)
        shared_put(cache->shared, entry);
    return error;
}

bool cache_forget_tags(struct cache *cache, const uint64_t *tags, unsigned count, struct shared_waiter *waiter) {
    forget_here(&cache->member, tags, count);
    if (cache->options->crew)
        crew_tell(cache->options->crew, &cache->member, tags, count);
    return cache->shared && shared_forget(cache->shared, tags, count, waiter);
}
