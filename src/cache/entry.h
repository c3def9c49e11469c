// entry.h — an answer that is kept: immutable once made, held by the store and by whoever is writing it out.
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include <leat/values.h>

#include "base/list.h"

enum { ENTRY_TAGS_MAX = 32 };

struct cache_tag;

struct cache_entry {
    struct list order;        // among all of the store, by age
    struct cache_entry *next; // of its bucket
    uint64_t hash;
    unsigned holders;
    bool is_visited; // since the hand last passed
    bool is_stored;
    bool is_compressible;   // its body may be sent in a content coding
    bool replaces_defaults; // its lines are not simply added to those that every answer has
    uint16_t status;
    uint16_t tag_count;
    uint32_t key_bytes, fields_bytes, short_fields_bytes, etag_bytes, body_bytes;
    // of the core's clock, milliseconds
    int64_t made_ms, stale_ms, dead_ms; // from stale_ms on it wants to be made anew, from dead_ms on it is none
    uint64_t stamp;                     // of the shared clock of invalidations, when it was begun
    uint64_t mark;                      // of the store's, when it was put there
    struct cache_tag *tags[];           // tag_count, NULL outside a store; then their numbers, key, fields, etag, body
};

/** What an entry is made of; all is copied. */
struct entry_parts {
    str key;
    unsigned status;
    bool is_compressible, replaces_defaults;
    str fields;                // lines of a head, each ended by CRLF
    size_t short_fields_bytes; // of them, the first, which an answer without the body has too
    str etag;                  // quoted, as it stands in the head
    str body;
    const uint64_t *tags;
    unsigned tag_count; // ENTRY_TAGS_MAX at most
    int64_t made_ms, stale_ms, dead_ms;
    uint64_t stamp;
};

/** Held once, by the caller. NULL without memory, or where it is longer than 4 GiB. */
struct cache_entry *entry_create(const struct entry_parts *parts);
struct cache_entry *entry_hold(struct cache_entry *entry);
/** The last holder's frees it. NULL is fine. */
void entry_release(struct cache_entry *entry);
/** What it takes of the heap. */
size_t entry_bytes(const struct cache_entry *entry);

static inline const uint64_t *entry_tag_numbers(const struct cache_entry *entry) {
    return (const uint64_t *)(const void *)&entry->tags[entry->tag_count];
}

static inline str entry_key(const struct cache_entry *entry) {
    return (str){(const char *)(entry_tag_numbers(entry) + entry->tag_count), entry->key_bytes};
}

static inline str entry_fields(const struct cache_entry *entry) {
    return (str){entry_key(entry).ptr + entry->key_bytes, entry->fields_bytes};
}

static inline str entry_etag(const struct cache_entry *entry) {
    return (str){entry_fields(entry).ptr + entry->fields_bytes, entry->etag_bytes};
}

static inline str entry_body(const struct cache_entry *entry) {
    return (str){entry_etag(entry).ptr + entry->etag_bytes, entry->body_bytes};
}

#endif
