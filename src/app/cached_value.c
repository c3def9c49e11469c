// cached_value.c — cache_get() and cache_set(): values that handlers keep, beside the answers.
//
// What is set was found missing before: the moment of that cache_get() is the value's beginning, so that one that was made while its tag
// was forgotten is not kept.
#include <leat/cache.h>

#include <errno.h>
#include <string.h>

#include "app/app_internal.h"
#include "app/layout.h"
#include "app/request.h"
#include "base/buffer.h"
#include "schema/pack.h"

enum { KEY_BYTES_MAX = 1024, FOR_S_MAX = 7 * 24 * 3600 };

/** A key that was not there. */
struct missed_value {
    struct missed_value *next;
    str key;
    uint64_t mark, stamp;
};

struct fetch {
    struct shared_lookup lookup;
    req *request;
    bool is_done;
};

static str key_of(req *r, const leat_schema *schema, str key) {
    char *text = alloc(r, sizeof "value:" - 1 + sizeof(uint64_t) + key.len);
    uint64_t layout = layout_hash(schema);
    char *at = mempcpy(text, "value:", sizeof "value:" - 1);
    at = mempcpy(at, &layout, sizeof layout);
    if (key.len)
        at = mempcpy(at, key.ptr, key.len);
    return (str){text, (size_t)(at - text)};
}

static void fetched(struct shared_lookup *lookup) {
    struct fetch *fetch = container_of(lookup, struct fetch, lookup);
    fetch->is_done = true;
    if (fetch->request->coro)
        coro_resume(fetch->request->coro);
}

static void stop(void *arg, enum outcome outcome LEAT_UNUSED) {
    struct fetch *fetch = arg;
    shared_look_up_no_more(&fetch->lookup);
    entry_release(fetch->lookup.entry);
    fetch->lookup.entry = NULL;
}

// From Redis: the entry, the fetch's own until the request ends, and the stamp of what would be made now.
static struct cache_entry *fetch(req *r, str key, uint64_t *stamp) {
    struct fetch *fetch = new (r, struct fetch);
    fetch->request = r;
    fetch->lookup.done = fetched;
    on_done(r, stop, fetch);
    bool is_asked = shared_look_up(r->app->cache->shared, &fetch->lookup, key, NULL, 0);
    while (is_asked && !fetch->is_done)
        request_suspend(r);
    *stamp = fetch->lookup.stamp;
    return fetch->lookup.entry;
}

static void note_missing(req *r, str key, uint64_t mark, uint64_t stamp) {
    struct missed_value *missed = new (r, struct missed_value);
    *missed = (struct missed_value){r->missed_values, key, mark, stamp};
    r->missed_values = missed;
}

void *leat_cache_get(req *r, const leat_schema *schema, str name) {
    struct cache *cache = r->app->cache;
    if (name.len > KEY_BYTES_MAX)
        return NULL;
    str text = key_of(r, schema, name);
    struct cache_key key = store_key(&cache->store, text);
    uint64_t mark = tags_mark(&cache->store.tags), stamp = STAMP_UNKNOWN;
    struct cache_entry *entry = cache_find(cache, &key);
    void *value = entry ? value_unpack(&r->arena, schema, entry_body(entry)) : NULL;
    if (value)
        return value;
    entry = cache->shared ? fetch(r, text, &stamp) : NULL;
    bool is_good = entry && store_put(&cache->store, entry, mark, core_now_ms(cache->core)) != -ESTALE;
    value = is_good ? value_unpack(&r->arena, schema, entry_body(entry)) : NULL;
    if (!value)
        note_missing(r, text, mark, stamp);
    return value;
}

static const struct missed_value *find_missing(const req *r, str key) {
    const struct missed_value *missed = r->missed_values;
    while (missed && !str_eq(missed->key, key))
        missed = missed->next;
    return missed;
}

// Names between commas.
static unsigned read_tags(str names, uint64_t *tags) {
    unsigned count = 0;
    while (names.len && count < ENTRY_TAGS_MAX) {
        const char *comma = memchr(names.ptr, ',', names.len);
        size_t bytes = comma ? (size_t)(comma - names.ptr) : names.len;
        str name = {names.ptr, bytes < CACHE_TAG_BYTES_MAX ? bytes : CACHE_TAG_BYTES_MAX};
        if (name.len)
            tags[count++] = cache_tag_number(name);
        bytes += comma != NULL;
        names = (str){names.ptr + bytes, names.len - bytes};
    }
    return count;
}

void leat_cache_set(req *r, const leat_schema *schema, str name, const void *value, unsigned for_s, str tags) {
    struct cache *cache = r->app->cache;
    str key = key_of(r, schema, name);
    const struct missed_value *missed = find_missing(r, key);
    struct buffer packed = {0};
    if (!missed || !for_s || value_pack(&packed, schema, value) < 0) {
        buffer_finish(&packed);
        return;
    }
    uint64_t numbers[ENTRY_TAGS_MAX];
    int64_t now_ms = core_now_ms(cache->core), dead_ms = now_ms + 1000 * (int64_t)(for_s < FOR_S_MAX ? for_s : FOR_S_MAX);
    struct entry_parts parts = {
        .key = key,
        .status = 200,
        .body = {buffer_head(&packed), buffer_bytes(&packed)},
        .tags = numbers,
        .tag_count = read_tags(tags, numbers),
        .made_ms = now_ms,
        .stale_ms = dead_ms,
        .dead_ms = dead_ms,
        .stamp = missed->stamp,
    };
    struct cache_entry *entry = entry_create(&parts);
    buffer_finish(&packed);
    if (entry)
        cache_put(cache, entry, missed->mark);
    entry_release(entry);
}
