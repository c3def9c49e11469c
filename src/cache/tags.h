// tags.h — which tags the entries of a store bear, and when each was last forgotten.
//
// To forget a tag is to note when: an entry that bears it and was put there earlier is none any more, and goes when it is met next. So it
// takes the same few instructions whether one entry bears it or a hundred thousand.
//
// An answer is made while others forget: what was begun before a tag was forgotten may hold what is true no more. Whoever makes an entry
// takes a mark first, and it is kept only if none of its tags was forgotten since. The last FORGOTTEN_MAX are remembered; to whoever was
// slower than so many, all are.
#ifndef CACHE_TAGS_H
#define CACHE_TAGS_H

#include "cache/entry.h"

enum { FORGOTTEN_MAX = 1024 };

/** A tag of this number means all entries, tagged or not. */
#define TAG_EVERYTHING UINT64_C(0)

struct cache_tag {
    uint64_t number;
    struct cache_tag *next; // of its bucket
    size_t entry_count;
    uint64_t forgotten_at; // a mark
};

struct tag_index {
    struct cache_tag **buckets;
    size_t bucket_count, tag_count; // the former a power of two
    uint64_t forgotten[FORGOTTEN_MAX];
    uint64_t now;               // a mark: grows with every tag that is forgotten
    uint64_t all_at, tagged_at; // when everything, and everything tagged, was forgotten
};

/** 0 or -ENOMEM. */
int tags_init(struct tag_index *tags);
/** No entry bears any. */
void tags_finish(struct tag_index *tags);

/** The entry bears its tags from now on. 0, or -ENOMEM and it bears none. */
int tags_bear(struct tag_index *tags, struct cache_entry *entry);
void tags_drop(struct tag_index *tags, struct cache_entry *entry);
/** Was one of its tags forgotten since it has borne them? */
bool tags_are_forgotten(const struct tag_index *tags, const struct cache_entry *entry);
/** What they take of the heap. */
size_t tags_bytes(const struct tag_index *tags);

void tags_forget(struct tag_index *tags, uint64_t number);
/** All tags there are: some may have been forgotten without our knowing. */
void tags_forget_all(struct tag_index *tags);

/** A moment, for tags_were_forgotten_since(). */
static inline uint64_t tags_mark(const struct tag_index *tags) {
    return tags->now;
}
/** Was one of these forgotten since, or everything, or more than can be told? */
bool tags_were_forgotten_since(const struct tag_index *tags, uint64_t mark, const uint64_t *numbers, unsigned count);

#endif
