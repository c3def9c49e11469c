// cached.h — a cached route at work: answers that are kept given again, new ones made once for all who wait, and kept.
//
// A hit of a public route is answered by the dispatcher: no request begins, no coroutine runs, no dependency is asked. All else runs as
// every request does: cached_finds() first looks, waits or takes the lead, and reply_value() hands what was made to cached_reply(). A
// route with hooks, guards or .cache_per_user runs these first, whoever asks.
#ifndef APP_CACHED_H
#define APP_CACHED_H

#include "app/cached_plan.h"
#include "app/request.h"
#include "cache/cache.h"

struct cached_request {
    req *request;
    struct cache_key key;
    struct flight *flight; // that it leads
    struct flight_waiter waiter;
    uint64_t tags[CACHED_TAGS_MAX];
    uint64_t stamp;                   // of Redis' clock, when it began
    struct shared_lookup *lookup;     // under way
    struct header_line **own_headers; // those that the handler sets
    bool is_refresh;                  // behind the back of somebody who was given a stale answer
    bool is_bypassed;
};

/** One that no client asked for: neither counted nor logged as a request. */
static inline bool cached_is_refresh(const req *r) {
    return r->cached && r->cached->is_refresh;
}

/** Answers from what is kept, and returns true; else what cached_finds() will want is ready until the next call. */
bool cached_answers(struct app *app, struct session *session, const struct endpoint *endpoint, const struct http_head *head,
                    const struct router_match *match);

/** On its coroutine, first of all: true when the request is answered. Suspends while another makes the same. */
bool cached_finds(req *r);
/** What the handler returned, answered and kept; false where it is to be answered as any other. */
bool cached_reply(req *r, const void *value);
/** The request ends, however it does. */
void cached_end(req *r, enum outcome outcome);
/** The handler looks at what is no part of the key. */
void cached_note_header(req *r, str name);
/** What cache_forget() was asked to, done; suspends until Redis knows, or for as long as it may take. */
void cached_forget(req *r);
/** The same where nobody can wait any more. */
void cached_forget_at_end(req *r);
/** Starts the refreshes that were put off to this turn. */
void cached_start_refreshes(struct deferred *deferred);

#endif
