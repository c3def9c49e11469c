// config_caching.c — the settings of cached answers, and of the Redis that shares them.
#include "cli/config_caching.h"

#include <errno.h>

#include "host/settings.h"

// clang-format off
SCHEMA(Caching,
    (i64, cache_bytes, .optional = true, .ge = 0, .description = "Memory for cached answers, a core, 67108864; 0: none are kept"),
    (i64, cache_entry_bytes_max, .optional = true, .ge = 0, .le = 1073741824, .description = "Longest answer that is kept, 1048576"),
    (str, redis_url, .optional = true, .secret = true, .max_length = 2048, .description = "Redis that shares cached answers: redis://:password@host:6379/0, rediss://, unix:///path; none"),
    (i32, redis_ms, .optional = true, .ge = 1, .le = 10000, .description = "How long Redis is waited for, 20; then what is asked for is not there"),
    (str, cache_prefix, .optional = true, .min_length = 1, .max_length = SHARED_PREFIX_BYTES_MAX, .pattern = "^[!-~]+$", .description = "Before all keys in Redis, leat; another for each app that shares it"));
// clang-format on

const leat_schema *const config_caching_schema = &Caching__schema;

static int take_redis(str url, struct cache_options *cache, struct arena *arena, struct messages *messages) {
    struct redis_address *address = arena_alloc(arena, sizeof *address);
    if (!address)
        return -ENOMEM;
    const char *problem = redis_url_read(url, address);
    if (problem) { // it may hold a password: not shown
        messages_add(messages, "leat: error: REDIS_URL: %s", problem);
        return -EINVAL;
    }
    cache->redis = address;
    return 0;
}

static int take_prefix(str prefix, struct cache_options *cache, struct arena *arena) {
    str text = arena_format(arena, "%.*s", (int)prefix.len, prefix.ptr);
    if (!text.ptr)
        return -ENOMEM;
    cache->prefix = text.ptr;
    return 0;
}

static int take(const Caching *given, struct cache_options *cache, struct arena *arena, struct messages *messages) {
    if (given->set.cache_bytes)
        cache->bytes_max = (size_t)given->cache_bytes;
    if (given->set.cache_entry_bytes_max)
        cache->entry_bytes_max = (size_t)given->cache_entry_bytes_max;
    if (given->set.redis_ms)
        cache->redis_ms = (uint32_t)given->redis_ms;
    int status = given->set.cache_prefix ? take_prefix(given->cache_prefix, cache, arena) : 0;
    if (!status && given->set.redis_url && given->redis_url.len)
        status = take_redis(given->redis_url, cache, arena, messages);
    return status;
}

int config_read_caching(struct model_set *models, const struct environment *environment, struct arena *arena, struct messages *messages,
                        struct cache_options *cache) {
    Caching *given = arena_alloc(arena, sizeof *given);
    int status = given ? settings_read(models, &Caching__schema, "leat", NULL, environment, arena, messages, given) : -ENOMEM;
    return status < 0 ? status : take(given, cache, arena, messages);
}
