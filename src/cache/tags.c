// tags.c — which tags the entries of a store bear, and when each was last forgotten.
#include "cache/tags.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { BUCKETS_MIN = 64, HEAP_OVERHEAD_BYTES = 16 };

int tags_init(struct tag_index *tags) {
    *tags = (struct tag_index){.bucket_count = BUCKETS_MIN};
    tags->buckets = calloc(BUCKETS_MIN, sizeof *tags->buckets);
    return tags->buckets ? 0 : -ENOMEM;
}

void tags_finish(struct tag_index *tags) {
    assert(tags->tag_count == 0);
    free(tags->buckets);
    tags->buckets = NULL;
}

// The numbers are digests: their low bits are as good as any.
static struct cache_tag **bucket_of(const struct tag_index *tags, uint64_t number) {
    return &tags->buckets[number & (tags->bucket_count - 1)];
}

static struct cache_tag *find(const struct tag_index *tags, uint64_t number) {
    struct cache_tag *tag = *bucket_of(tags, number);
    while (tag && tag->number != number)
        tag = tag->next;
    return tag;
}

// Without memory the chains get longer instead.
static void grow(struct tag_index *tags) {
    struct cache_tag **old = tags->buckets, **buckets = calloc(2 * tags->bucket_count, sizeof *buckets);
    if (!buckets)
        return;
    size_t old_count = tags->bucket_count;
    tags->buckets = buckets;
    tags->bucket_count = 2 * old_count;
    for (size_t i = 0; i < old_count; i++)
        for (struct cache_tag *tag = old[i], *next; tag; tag = next) {
            struct cache_tag **bucket = bucket_of(tags, tag->number);
            next = tag->next;
            tag->next = *bucket;
            *bucket = tag;
        }
    free(old);
}

static struct cache_tag *find_or_make(struct tag_index *tags, uint64_t number) {
    struct cache_tag *tag = find(tags, number);
    if (tag)
        return tag;
    if (tags->tag_count >= tags->bucket_count)
        grow(tags);
    tag = malloc(sizeof *tag);
    if (!tag)
        return NULL;
    struct cache_tag **bucket = bucket_of(tags, number);
    *tag = (struct cache_tag){.number = number, .next = *bucket};
    *bucket = tag;
    tags->tag_count++;
    return tag;
}

static void let_go(struct tag_index *tags, struct cache_tag *tag) {
    if (--tag->entry_count)
        return;
    struct cache_tag **at = bucket_of(tags, tag->number);
    while (*at != tag)
        at = &(*at)->next;
    *at = tag->next;
    tags->tag_count--;
    free(tag);
}

int tags_bear(struct tag_index *tags, struct cache_entry *entry) {
    entry->mark = tags->now;
    for (unsigned i = 0; i < entry->tag_count; i++) {
        struct cache_tag *tag = find_or_make(tags, entry_tag_numbers(entry)[i]);
        if (!tag) {
            tags_drop(tags, entry);
            return -ENOMEM;
        }
        tag->entry_count++;
        entry->tags[i] = tag;
    }
    return 0;
}

void tags_drop(struct tag_index *tags, struct cache_entry *entry) {
    for (unsigned i = 0; i < entry->tag_count; i++) {
        if (entry->tags[i])
            let_go(tags, entry->tags[i]);
        entry->tags[i] = NULL;
    }
}

bool tags_are_forgotten(const struct tag_index *tags, const struct cache_entry *entry) {
    if (entry->mark < tags->all_at)
        return true;
    if (entry->tag_count && entry->mark < tags->tagged_at)
        return true;
    for (unsigned i = 0; i < entry->tag_count; i++)
        if (entry->mark < entry->tags[i]->forgotten_at)
            return true;
    return false;
}

size_t tags_bytes(const struct tag_index *tags) {
    return tags->tag_count * (sizeof(struct cache_tag) + HEAP_OVERHEAD_BYTES) + tags->bucket_count * sizeof *tags->buckets;
}

void tags_forget(struct tag_index *tags, uint64_t number) {
    tags->forgotten[tags->now++ % FORGOTTEN_MAX] = number;
    struct cache_tag *tag = find(tags, number);
    if (tag)
        tag->forgotten_at = tags->now;
    if (number == TAG_EVERYTHING)
        tags->all_at = tags->now;
}

void tags_forget_all(struct tag_index *tags) {
    tags->forgotten[tags->now++ % FORGOTTEN_MAX] = TAG_EVERYTHING;
    tags->tagged_at = tags->now;
}

bool tags_were_forgotten_since(const struct tag_index *tags, uint64_t mark, const uint64_t *numbers, unsigned count) {
    if (mark < tags->all_at)
        return true;
    if (count && (tags->now - mark > FORGOTTEN_MAX || mark < tags->tagged_at))
        return true;
    for (uint64_t at = mark; count && at < tags->now; at++)
        for (unsigned i = 0; i < count; i++)
            if (numbers[i] == tags->forgotten[at % FORGOTTEN_MAX])
                return true;
    return false;
}
