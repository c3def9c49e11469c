// crew.h — the caches of a process: what one forgets, all forget.
#ifndef CACHE_CREW_H
#define CACHE_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "engine/core.h"

struct crew_member;
struct cache_crew;

/** Embedded in each cache. */
struct crew_member {
    struct list node;
    struct core *core;
    /** On the member's own thread, for tags that another has forgotten. */
    void (*forget)(struct crew_member *member, const uint64_t *tags, unsigned count);
    /** Any thread: what was to be told could not be; the member believes nothing that it keeps from here on. */
    void (*doubt)(struct crew_member *member);
};

int cache_crew_create(struct cache_crew **ret_crew);
/** No member is left. NULL is fine. */
void cache_crew_destroy(struct cache_crew *crew);
/** What tells this process from others where they share: random. */
uint64_t cache_crew_id(const struct cache_crew *crew);

void crew_join(struct cache_crew *crew, struct crew_member *member);
/** On the member's own thread; it is told nothing more, but what is on its way. */
void crew_leave(struct cache_crew *crew, struct crew_member *member);
/** Tells all others. Once it returns, whatever reaches their threads comes later than this. */
void crew_tell(struct cache_crew *crew, struct crew_member *from, const uint64_t *tags, unsigned count);

/** Of all members, how many cannot reach Redis. True where that is news: the first that cannot, or none any more. */
bool crew_note_redis(struct cache_crew *crew, bool is_lost);

#endif
