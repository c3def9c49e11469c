// cached.c — a cached route at work: answers that are kept given again, new ones made once for all who wait, and kept.
#include "app/cached.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "app/cached_answer.h"
#include "app/cached_key.h"
#include "app/header.h"
#include "app/middleware.h"
#include "app/observe.h"
#include "app/reply.h"
#include "base/str.h"
#include "schema/json_write.h"

enum { REFRESHES_MAX = 64 };

static struct cache *cache_of(const req *r) {
    return r->app->cache;
}

static bool is_unfit(const struct cached_plan *plan) {
    return atomic_load_explicit(&plan->is_unfit, memory_order_relaxed);
}

// ---- made anew behind a client's back

// The bytes of a head last as long as the arena.
static const struct http_head *copy_head(struct arena *arena, const struct http_head *head) {
    size_t bytes = offsetof(struct http_head, fields) + head->field_count * sizeof head->fields[0];
    struct http_head *copy = arena_raw(arena, bytes);
    str text = arena_copy(arena, (str){head->base, head->bytes});
    if (!copy || !text.ptr)
        return NULL;
    memcpy(copy, head, bytes);
    copy->base = text.ptr;
    return copy;
}

static bool copy_params(req *r, const str *params, unsigned count) {
    str *copies = arena_alloc(&r->arena, (count + 1) * sizeof *copies);
    for (unsigned i = 0; copies && i < count; i++) {
        copies[i] = arena_copy(&r->arena, params[i]);
        if (!copies[i].ptr)
            return false;
    }
    r->path_params = copies;
    return copies;
}

static bool note_key(req *r, const struct cache_key *key) {
    struct cached_request *cached = arena_alloc(&r->arena, sizeof *cached);
    str text = arena_copy(&r->arena, key->text);
    if (!cached || !text.ptr)
        return false;
    cached->request = r;
    cached->stamp = STAMP_UNKNOWN;
    cached->key = (struct cache_key){text, key->hash};
    list_init(&cached->waiter.node);
    r->cached = cached;
    return true;
}

// A request that nobody waits for: as the one that was answered with what is stale. Without memory it is the next one's to try.
static void refresh(struct app *app, const struct endpoint *endpoint, const struct http_head *head, const str *params,
                    const struct cache_key *key) {
    if (app->refresh_count >= REFRESHES_MAX || app->is_stopping || flight_find(&app->cache->flights, key))
        return;
    req *r = request_take(app, app->generation);
    if (!r)
        return;
    r->endpoint = endpoint;
    r->head = copy_head(&r->arena, head);
    r->is_kept = true;
    r->began_ns = app->core->now_ns;
    if (!r->head || !copy_params(r, params, endpoint->cached->param_count) || !note_key(r, key)) {
        r->endpoint = NULL;
        return request_end(r, FAILED);
    }
    r->cached->is_refresh = true;
    r->cached->flight = flight_begin(&app->cache->flights, key, tags_mark(&app->cache->store.tags));
    app->refresh_count++;
    list_remove(&r->node);
    list_push(&app->ready_refreshes, &r->node);
    core_defer_to_next_turn(app->core, &app->start_refreshes);
}

void cached_start_refreshes(struct deferred *deferred) {
    struct app *app = container_of(deferred, struct app, start_refreshes);
    for (struct list *node; (node = list_pop(&app->ready_refreshes));) {
        req *r = container_of(node, req, node);
        list_push(&app->live, node);
        if (coro_start(app->core->coros, request_run, r))
            request_end(r, FAILED);
    }
}

// ---- by the dispatcher

static void answer_at_once(struct app *app, struct session *session, const struct endpoint *endpoint, const struct http_head *head,
                           const struct cache_entry *entry, enum cached_state state) {
    struct cached_answer answer = {.app = app, .session = session, .head = head, .entry = entry, .state = state};
    answer.id = observe_id(app, head);
    cached_answer_write(&answer);
    observe_plain(app, endpoint, head, answer.status, answer.bytes, answer.id);
}

bool cached_answers(struct app *app, struct session *session, const struct endpoint *endpoint, const struct http_head *head,
                    const struct router_match *match) {
    const struct cached_plan *plan = endpoint->cached;
    struct cache *cache = app->cache;
    cache->key_bytes = 0;
    if (plan->runs_first || is_unfit(plan))
        return false;
    int64_t bytes = cached_key_make(plan, head, match->params, &app->scratch, cache->key, sizeof cache->key);
    if (bytes < 0)
        return false;
    cache->key_bytes = (size_t)bytes;
    struct cache_key key = store_key(&cache->store, (str){cache->key, cache->key_bytes});
    struct cache_entry *entry = cache_find(cache, &key);
    if (!entry)
        return false;
    bool is_stale = core_now_ms(app->core) >= entry->stale_ms;
    cache->figures.hit_count += !is_stale;
    cache->figures.stale_count += is_stale;
    if (is_stale)
        refresh(app, endpoint, head, match->params, &key);
    answer_at_once(app, session, endpoint, head, entry, is_stale ? CACHED_STALE : CACHED_HIT);
    return true;
}

// ---- by a request

static void answer(req *r, const struct cache_entry *entry, enum cached_state state) {
    if (!r->session)
        return;
    struct cached_answer answer = {.app = r->app, .session = r->session, .head = r->head, .entry = entry, .state = state};
    if (r->endpoint->on_responses)
        middleware_on_response(r, cached_answer_status(&answer));
    answer.headers = r->headers;
    answer.id = request_id(r);
    cached_answer_write(&answer);
    r->answered_status = answer.status;
    r->answered_bytes = answer.bytes;
}

static void release(void *entry) {
    entry_release(entry);
}

// A hook may fail the request in the middle of it, and the client leave.
static bool is_held_for(req *r, struct cache_entry *entry) {
    if (entry && arena_defer(&r->arena, release, entry) == 0)
        return true;
    entry_release(entry);
    return false;
}

static bool make_key(req *r) {
    const struct cached_plan *plan = r->endpoint->cached;
    struct cache *cache = cache_of(r);
    if (plan->runs_first) {
        int64_t bytes = cached_key_make(plan, r->head, r->path_params, &r->arena, cache->key, sizeof cache->key);
        cache->key_bytes = bytes < 0 ? 0 : (size_t)bytes;
    }
    if (!cache->key_bytes)
        return false;
    struct cache_key key = store_key(&cache->store, (str){cache->key, cache->key_bytes});
    return note_key(r, &key);
}

static void flight_has_ended(struct flight_waiter *waiter) {
    req *r = container_of(waiter, struct cached_request, waiter)->request;
    if (r->coro)
        coro_resume(r->coro);
}

static void lead(req *r, struct flight *flight) {
    r->cached->flight = flight;
    if (flight)
        flight->mark = tags_mark(&cache_of(r)->store.tags);
}

// True when another's answer was given.
static bool wait_for(req *r, struct flight *flight) {
    struct cached_request *cached = r->cached;
    struct cache_entry *entry;
    struct flight *left;
    cached->waiter.ended = flight_has_ended;
    flight_wait(flight, &cached->waiter);
    while (cached->waiter.end == FLIGHT_IN_THE_AIR)
        request_suspend(r);
    enum flight_end end = flight_take(&cached->waiter, &entry, &left);
    if (end == FLIGHT_LANDED && is_held_for(r, entry)) {
        cache_of(r)->figures.hit_count++;
        cache_of(r)->figures.shared_count++;
        answer(r, entry, CACHED_HIT);
        return true;
    }
    if (end == FLIGHT_LED)
        lead(r, left);
    return false;
}

static bool answer_if_kept(req *r) {
    struct cache *cache = cache_of(r);
    struct cache_entry *entry = cache_find(cache, &r->cached->key);
    if (!entry || !is_held_for(r, entry_hold(entry)))
        return false;
    bool is_stale = core_now_ms(cache->core) >= entry->stale_ms;
    cache->figures.hit_count += !is_stale;
    cache->figures.stale_count += is_stale;
    if (is_stale)
        refresh(r->app, r->endpoint, r->head, r->path_params, &r->cached->key);
    request_settle(r);
    answer(r, entry, is_stale ? CACHED_STALE : CACHED_HIT);
    return true;
}

static void bypass(req *r) {
    cache_of(r)->figures.bypass_count++;
    if (r->cached)
        r->cached->is_bypassed = true;
    set_header(r, "X-Cache", S("BYPASS"));
}

// ---- from afar

static uint64_t tag_number(const req *r, const struct cached_tag *tag) {
    char text[CACHE_TAG_BYTES_MAX];
    size_t bytes = 0;
    for (unsigned i = 0; i < tag->piece_count; i++) {
        const struct cached_tag_piece *piece = &tag->pieces[i];
        str part = piece->param < 0 ? piece->text : r->path_params[piece->param];
        size_t more = part.len < sizeof text - bytes ? part.len : sizeof text - bytes; // as cache_forget() cuts it
        memcpy(text + bytes, part.ptr, more);
        bytes += more;
    }
    return cache_tag_number((str){text, bytes});
}

static void make_tags(req *r) {
    const struct cached_plan *plan = r->endpoint->cached;
    for (unsigned i = 0; i < plan->tag_count; i++)
        r->cached->tags[i] = tag_number(r, &plan->tags[i]);
}

struct fetch {
    struct shared_lookup lookup;
    req *request;
    bool is_done;
};

static void fetched(struct shared_lookup *lookup) {
    struct fetch *fetch = container_of(lookup, struct fetch, lookup);
    fetch->is_done = true;
    if (fetch->request->coro)
        coro_resume(fetch->request->coro);
}

// Held for the request; NULL where Redis has none, or is not there.
static struct cache_entry *fetch(req *r) {
    const struct cached_plan *plan = r->endpoint->cached;
    struct cached_request *cached = r->cached;
    struct fetch *fetch = new (r, struct fetch);
    fetch->request = r;
    fetch->lookup.done = fetched;
    bool is_asked = shared_look_up(cache_of(r)->shared, &fetch->lookup, cached->key.text, cached->tags, plan->tag_count);
    cached->lookup = is_asked ? &fetch->lookup : NULL;
    while (is_asked && !fetch->is_done)
        request_suspend(r);
    cached->lookup = NULL;
    cached->stamp = fetch->lookup.stamp;
    return fetch->lookup.entry && is_held_for(r, fetch->lookup.entry) ? fetch->lookup.entry : NULL;
}

// Whoever leads asks Redis first: true when that has answered the request.
static bool answer_from_afar(req *r) {
    struct cache *cache = cache_of(r);
    struct cache_entry *entry = cache->shared ? fetch(r) : NULL;
    if (!entry || core_now_ms(cache->core) >= entry->stale_ms)
        return false;
    struct flight *flight = r->cached->flight;
    if (store_put(&cache->store, entry, flight->mark, core_now_ms(cache->core)) == -ESTALE) {
        r->cached->stamp = STAMP_UNKNOWN; // forgotten while it was on its way
        flight->mark = tags_mark(&cache->store.tags);
        return false;
    }
    r->cached->flight = NULL;
    flight_land(&cache->flights, flight, entry);
    cache->figures.hit_count++;
    request_settle(r);
    answer(r, entry, CACHED_HIT);
    return true;
}

bool cached_finds(req *r) {
    const struct cached_plan *plan = r->endpoint->cached;
    struct cache *cache = cache_of(r);
    if (plan->runs_first && !is_unfit(plan)) {
        request_prepare(r);
        if (r->required)
            request_settle_required(r);
    }
    if (is_unfit(plan) || (!r->cached && !make_key(r))) {
        bypass(r);
        return false;
    }
    r->cached->own_headers = plan->runs_first ? r->headers_last : &r->headers;
    if (!r->cached->flight) {
        if (answer_if_kept(r))
            return true;
        struct flight *flight = flight_find(&cache->flights, &r->cached->key);
        if (!flight)
            lead(r, flight_begin(&cache->flights, &r->cached->key, 0));
        else if (wait_for(r, flight))
            return true;
    }
    make_tags(r);
    if (r->cached->flight && answer_from_afar(r))
        return true;
    cache->figures.miss_count++;
    return false;
}

// ---- what was made

static bool says(str value, const char *word) {
    for (size_t i = 0, bytes = strlen(word); value.ptr && i + bytes <= value.len; i++)
        if (strncasecmp(value.ptr + i, word, bytes) == 0)
            return true;
    return false;
}

// The handler knows better: an answer of its own status, or one that it says is for one client, or for now.
static bool may_be_kept(const req *r, const Response *response) {
    const struct cached_plan *plan = r->endpoint->cached;
    str control = header_find(r->headers, "Cache-Control");
    if (is_unfit(plan) || (r->status && r->status != r->endpoint->status))
        return false;
    if (response && (response->location.ptr || response->file || (response->status && response->status != r->endpoint->status)))
        return false;
    if (says(control, "no-store") || says(control, "no-cache") || (says(control, "private") && !plan->is_per_user))
        return false;
    return !header_find(r->headers, "Set-Cookie").ptr && !header_find(r->headers, "Vary").ptr;
}

static bool write_body(req *r, const leat_schema *schema, const void *value, str *ret_body) {
    leat_json writer;
    json_write_to_arena(&writer, &r->arena);
    json_write(&writer, schema, value);
    *ret_body = json_written(&writer);
    return !writer.out_of_memory;
}

// What the handler has set is the answer's; what was set before it ran is each request's own.
static const struct header_line *take_headers(req *r) {
    const struct header_line *headers = *r->cached->own_headers;
    *r->cached->own_headers = NULL;
    r->headers_last = r->cached->own_headers;
    return headers;
}

static struct cache_entry *make_entry(req *r, str type, str body) {
    const struct cached_plan *plan = r->endpoint->cached;
    int64_t now_ms = core_now_ms(r->app->core);
    struct entry_parts parts = {
        .key = r->cached->key.text,
        .status = r->endpoint->status,
        .body = body,
        .tags = r->cached->tags,
        .tag_count = plan->tag_count,
        .stamp = r->cached->stamp,
        .made_ms = now_ms,
        .stale_ms = now_ms + plan->fresh_ms,
        .dead_ms = now_ms + plan->fresh_ms + plan->stale_ms,
    };
    return cached_answer_fields(plan, &r->app->options->coding, take_headers(r), type, &r->arena, &parts) ? entry_create(&parts) : NULL;
}

static void keep(req *r, struct cache_entry *entry) {
    struct flight *flight = r->cached->flight;
    struct cache *cache = cache_of(r);
    if (!flight)
        return;
    r->cached->flight = NULL;
    if (cache_put(cache, entry, flight->mark) == -ESTALE)
        flight_leave(&cache->flights, flight); // who came later wants what is true now
    else
        flight_land(&cache->flights, flight, entry);
}

bool cached_reply(req *r, const void *value) {
    const leat_schema *schema = r->endpoint->route->returns;
    const Response *response = schema->kind == LEAT_RESPONSE ? value : NULL;
    str type = S("application/json"), body = {0};
    if (!r->cached || r->cached->is_bypassed)
        return false;
    r->cached->is_bypassed = true; // a failure from here on is answered as any other
    if (!value || schema->kind == LEAT_EMPTY || request_is_outflowing(r) || !may_be_kept(r, response)) {
        bypass(r);
        return false;
    }
    if (response)
        type = response->type, body = response->body;
    else if (!write_body(r, schema, value, &body))
        return false;
    struct cache_entry *entry = make_entry(r, header_type(r, type), body);
    if (!is_held_for(r, entry))
        return false;
    keep(r, entry);
    answer(r, entry, CACHED_MISS);
    return true;
}

void cached_end(req *r, enum outcome outcome) {
    struct cached_request *cached = r->cached;
    struct flights *flights = &r->app->cache->flights;
    flight_wait_no_more(flights, &cached->waiter);
    if (cached->lookup)
        shared_look_up_no_more(cached->lookup);
    if (cached->flight && outcome == CANCELLED && !cached->is_refresh)
        flight_leave(flights, cached->flight);
    else if (cached->flight)
        flight_land(flights, cached->flight, NULL);
    cached->flight = NULL;
    r->app->refresh_count -= cached->is_refresh;
}

void cached_note_header(req *r, str name) {
    struct cached_plan *plan = r->endpoint->cached;
    if (r->is_in_hook || r->has_seen_response) // it sees each request, and does not make the answer
        return;
    if (cached_plan_has_header(plan, name) || atomic_exchange(&plan->is_unfit, true))
        return;
    const leat_route *route = r->endpoint->route;
    observe_log(r, LOG_ERROR, "cache_unfit",
                "handler=%s at=%s:%u it reads %.*s, which is no part of the key: its answers are not cached; declare header(str, ...)",
                route->name, route->base.file, route->base.line, (int)name.len, name.ptr);
}
