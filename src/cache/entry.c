// entry.c — an answer that is kept: immutable once made, held by the store and by whoever is writing it out.
#include "cache/entry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { HEAP_OVERHEAD_BYTES = 16 };

static size_t tail_bytes(unsigned tag_count) {
    return tag_count * (sizeof(struct cache_tag *) + sizeof(uint64_t));
}

static char *put(char *at, str text) {
    return text.len ? mempcpy(at, text.ptr, text.len) : at;
}

struct cache_entry *entry_create(const struct entry_parts *parts) {
    assert(parts->tag_count <= ENTRY_TAGS_MAX);
    if (parts->key.len > UINT32_MAX || parts->fields.len > UINT32_MAX || parts->etag.len > UINT32_MAX || parts->body.len > UINT32_MAX)
        return NULL;
    size_t bytes =
        sizeof(struct cache_entry) + tail_bytes(parts->tag_count) + parts->key.len + parts->fields.len + parts->etag.len + parts->body.len;
    struct cache_entry *entry = malloc(bytes);
    if (!entry)
        return NULL;
    *entry = (struct cache_entry){
        .holders = 1,
        .is_compressible = parts->is_compressible,
        .replaces_defaults = parts->replaces_defaults,
        .status = (uint16_t)parts->status,
        .tag_count = (uint16_t)parts->tag_count,
        .key_bytes = (uint32_t)parts->key.len,
        .fields_bytes = (uint32_t)parts->fields.len,
        .short_fields_bytes = (uint32_t)parts->short_fields_bytes,
        .etag_bytes = (uint32_t)parts->etag.len,
        .body_bytes = (uint32_t)parts->body.len,
        .made_ms = parts->made_ms,
        .stale_ms = parts->stale_ms,
        .dead_ms = parts->dead_ms,
        .stamp = parts->stamp,
    };
    list_init(&entry->order);
    for (unsigned i = 0; i < parts->tag_count; i++)
        entry->tags[i] = NULL;
    char *at = (char *)&entry->tags[parts->tag_count];
    if (parts->tag_count)
        at = mempcpy(at, parts->tags, parts->tag_count * sizeof(uint64_t));
    put(put(put(put(at, parts->key), parts->fields), parts->etag), parts->body);
    return entry;
}

struct cache_entry *entry_hold(struct cache_entry *entry) {
    entry->holders++;
    return entry;
}

void entry_release(struct cache_entry *entry) {
    if (!entry || --entry->holders)
        return;
    assert(!entry->is_stored);
    free(entry);
}

size_t entry_bytes(const struct cache_entry *entry) {
    return sizeof *entry + tail_bytes(entry->tag_count) + entry->key_bytes + entry->fields_bytes + entry->etag_bytes + entry->body_bytes +
           HEAP_OVERHEAD_BYTES;
}
