// crew.c — the caches of a process: what one forgets, all forget.
//
// A message on the other core's ring is run before whatever that core's sockets bring it later: a client that was told of its change on
// one connection, and asks on another, is not answered with what was before it.
#include "cache/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cache/hash.h"

struct cache_crew {
    pthread_mutex_t lock; // of the members; held while they are told, so that none leaves meanwhile
    struct list members;
    uint64_t id;
    unsigned redis_lost_count; // under the lock
};

struct news {
    struct message message;
    struct crew_member *member;
    unsigned count;
    uint64_t tags[];
};

int cache_crew_create(struct cache_crew **ret_crew) {
    struct cache_crew *crew = calloc(1, sizeof *crew);
    if (!crew)
        return -ENOMEM;
    pthread_mutex_init(&crew->lock, NULL);
    list_init(&crew->members);
    crew->id = hash_key_make().k0;
    *ret_crew = crew;
    return 0;
}

void cache_crew_destroy(struct cache_crew *crew) {
    if (!crew)
        return;
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}

uint64_t cache_crew_id(const struct cache_crew *crew) {
    return crew->id;
}

void crew_join(struct cache_crew *crew, struct crew_member *member) {
    pthread_mutex_lock(&crew->lock);
    list_push(&crew->members, &member->node);
    pthread_mutex_unlock(&crew->lock);
}

void crew_leave(struct cache_crew *crew, struct crew_member *member) {
    pthread_mutex_lock(&crew->lock);
    list_remove(&member->node);
    pthread_mutex_unlock(&crew->lock);
}

static void on_news(struct message *message) {
    struct news *news = container_of(message, struct news, message);
    news->member->forget(news->member, news->tags, news->count);
    free(news);
}

static void tell(struct crew_member *member, const uint64_t *tags, unsigned count) {
    struct news *news = malloc(sizeof *news + count * sizeof *tags);
    if (!news) {
        member->doubt(member);
        return;
    }
    *news = (struct news){.message.run = on_news, .member = member, .count = count};
    memcpy(news->tags, tags, count * sizeof *tags);
    if (ring_post(member->core->ring, &news->message) < 0) {
        free(news);
        member->doubt(member);
    }
}

void crew_tell(struct cache_crew *crew, struct crew_member *from, const uint64_t *tags, unsigned count) {
    pthread_mutex_lock(&crew->lock);
    list_each (node, &crew->members)
        if (node != &from->node)
            tell(container_of(node, struct crew_member, node), tags, count);
    pthread_mutex_unlock(&crew->lock);
}

bool crew_note_redis(struct cache_crew *crew, bool is_lost) {
    pthread_mutex_lock(&crew->lock);
    bool is_news = is_lost ? crew->redis_lost_count++ == 0 : --crew->redis_lost_count == 0;
    pthread_mutex_unlock(&crew->lock);
    return is_news;
}
