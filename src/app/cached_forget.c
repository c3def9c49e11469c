// cached_forget.c — cache_forget(): what a handler has changed, no longer answered with what was before it.
//
// Done once its transaction is committed, before its answer leaves. Where there is a Redis the answer waits until Redis knows, for a
// bounded time: whoever asks another server because of it must not find the old there.
#include <leat/cache.h>

#include "app/cached.h"

enum { FORGOTTEN_AT_ONCE = 64 };

struct forgotten {
    struct forgotten *next;
    uint64_t tag;
};

void cache_forget(req *r, str tag) {
    struct forgotten *forgotten = new (r, struct forgotten);
    tag.len = tag.len < CACHE_TAG_BYTES_MAX ? tag.len : CACHE_TAG_BYTES_MAX;
    *forgotten = (struct forgotten){r->forgotten, cache_tag_number(tag)};
    r->forgotten = forgotten;
}

/** A request that waits until Redis knows. */
struct telling {
    struct shared_waiter waiter;
    req *request;
    struct timer patience;
    bool is_over;
};

static void go_on(struct telling *telling) {
    telling->is_over = true;
    if (telling->request->coro)
        coro_resume(telling->request->coro);
}

static void told(struct shared_waiter *waiter) {
    go_on(container_of(waiter, struct telling, waiter));
}

static void patience_ends(struct timer *timer) {
    go_on(container_of(timer, struct telling, patience));
}

static void stop(struct telling *telling) {
    shared_wait_no_more(&telling->waiter);
    wheel_disarm(&telling->request->app->core->wheel, &telling->patience);
}

static void stop_at_end(void *arg, enum outcome outcome LEAT_UNUSED) {
    stop(arg);
}

static void wait_until_told(struct telling *telling) {
    req *r = telling->request;
    struct core *core = r->app->core;
    wheel_arm(&core->wheel, &telling->patience, core_now_ms(core) + r->app->options->cache.redis_ms);
    while (!telling->is_over)
        request_suspend(r);
}

static bool forget(req *r, struct shared_waiter *waiter) {
    uint64_t tags[FORGOTTEN_AT_ONCE];
    unsigned count = 0;
    bool waits = false;
    for (struct forgotten *forgotten = r->forgotten; forgotten; forgotten = forgotten->next) {
        tags[count++] = forgotten->tag;
        if (count == FORGOTTEN_AT_ONCE || !forgotten->next) {
            waits = cache_forget_tags(r->app->cache, tags, count, forgotten->next ? NULL : waiter);
            count = 0;
        }
    }
    r->forgotten = NULL;
    return waits;
}

void cached_forget(req *r) {
    if (!r->app->cache->shared) {
        forget(r, NULL);
        return;
    }
    struct telling *telling = new (r, struct telling);
    telling->request = r;
    telling->waiter.done = told;
    timer_init(&telling->patience, patience_ends);
    on_done(r, stop_at_end, telling);
    if (forget(r, &telling->waiter))
        wait_until_told(telling);
    stop(telling);
}

void cached_forget_at_end(req *r) {
    forget(r, NULL);
}
