// shared.h — what the cores, processes and machines of one Redis share: entries, and when each tag was last forgotten.
//
// Nothing is ever searched for or deleted there. Redis keeps a clock, which each forgetting moves on, and for each tag the clock's time of
// when it was last forgotten. Whoever makes an entry reads the clock first, and the entry bears that stamp: it is good only while none of
// its tags has a later one. So what was begun before a tag was forgotten is never taken for what is true after it, however late it comes.
// Other cores' memories hear of it by a message (PUBLISH); when a link that listens was lost, what bears a tag is given up.
//
// Redis that is slow, full or away is an entry that is not there. What is forgotten meanwhile is told when it is back.
#ifndef CACHE_SHARED_H
#define CACHE_SHARED_H

#include "cache/blob.h"
#include "cache/redis_link.h"

enum { SHARED_PREFIX_BYTES_MAX = 64, SHARED_UNTOLD_MAX = 1024, SHARED_TAGS_S = 15 * 24 * 3600 };

/** No entry may be made public with it. */
#define STAMP_UNKNOWN UINT64_MAX

struct shared;

struct shared_options {
    const struct redis_address *address;
    const char *prefix; // "leat": of all keys; SHARED_PREFIX_BYTES_MAX at most
    uint32_t answer_ms; // 20: an answer that takes longer is none
    size_t reply_bytes_max;
    struct offload *connector;
    uint64_t process_id;
};

struct shared_events {
    /** Another process has forgotten these. */
    void (*forget)(void *arg, const uint64_t *tags, unsigned count);
    /** Some may have been forgotten without our knowing. */
    void (*doubt)(void *arg);
    /** Redis is there again, `why` NULL, or was lost; not told twice in a row. */
    void (*changed)(void *arg, const char *why);
};

struct shared_figures {
    uint64_t lookup_count, hit_count, put_count, forget_count;
    uint64_t late_count;  // lookups that were not answered in time, or not taken
    uint64_t error_count; // replies that were errors, and links that were lost or could not be made
};

/** On the core's thread; `options` and `events` live as long. 0 or -ENOMEM. */
int shared_create(struct core *core, const struct shared_options *options, const struct shared_events *events, void *arg,
                  struct shared **ret_shared);
/** `done` runs, perhaps at once, when it may be destroyed. */
void shared_stop(struct shared *shared, void (*done)(void *arg), void *arg);
/** NULL is fine. */
void shared_destroy(struct shared *shared);
bool shared_is_ready(const struct shared *shared);
const struct shared_figures *shared_figures(const struct shared *shared);

/** Embedded in whoever asks. */
struct shared_lookup {
    /** The caller's to set: runs once, outside every coroutine. */
    void (*done)(struct shared_lookup *lookup);
    struct cache_entry *entry; // held for the caller; NULL: there is none
    uint64_t stamp;            // for an entry that is begun now
    // its own
    struct redis_command command;
    struct shared *shared;
    str key;
    unsigned tag_count, asked_count;
    uint64_t tags[ENTRY_TAGS_MAX];
};
/** Asks for the entry of `key`, which lasts as long; `tags` are those that an entry would bear. False, and `done` does not run: not now. */
bool shared_look_up(struct shared *shared, struct shared_lookup *lookup, str key, const uint64_t *tags, unsigned tag_count);
/** Its `done` will not be called. Harmless afterwards. */
void shared_look_up_no_more(struct shared_lookup *lookup);

/** Makes an entry public whose stamp is known; nobody waits for it. */
void shared_put(struct shared *shared, const struct cache_entry *entry);

/** Embedded in whoever waits for a forgetting to be known. */
struct shared_waiter {
    void (*done)(struct shared_waiter *waiter); // the caller's: as of a lookup
    struct shared_news *news;                   // NULL: it does not wait
};
/** Forgets the tags; at once, or when Redis is back. True: `waiter`, which may be NULL, is told when Redis knows, or that it will not soon.
 */
bool shared_forget(struct shared *shared, const uint64_t *tags, unsigned count, struct shared_waiter *waiter);
void shared_wait_no_more(struct shared_waiter *waiter);

#endif
