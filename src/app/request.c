// request.c — one request from its head to its answer, or one task: its memory, its coroutine, its waits and its end.
#include "request.h"
#include "away.h"
#include "cached.h"
#include "observe.h"
#include "work.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { SPARE_MAX = 1024 };

static void deadline_passed(struct timer *timer) {
    request_cancel(container_of(timer, req, deadline), true);
}

static __attribute__((noinline)) req *make(struct app *app) {
    req *r = aligned_alloc(_Alignof(req), sizeof *r);
    if (!r)
        return NULL;
    memset(r, 0, offsetof(req, first_pieces));
    r->app = app;
    arena_init(&r->arena, &app->core->arenas, app->options->request_bytes_max);
    arena_lend(&r->arena, r->first_pieces, sizeof r->first_pieces);
    timer_init(&r->deadline, deadline_passed);
    list_init(&r->node);
    return r;
}

static req *take_memory(struct app *app) {
    req *r = app->spare;
    if (__builtin_expect(!r, false))
        return make(app);
    app->spare = r->next_spare;
    app->spare_count--;
    return r;
}

req *request_take(struct app *app, struct generation *generation) {
    req *r = take_memory(app);
    if (!r)
        return NULL;
    memset(&r->session, 0, offsetof(req, id) - offsetof(req, session));
    r->generation = generation;
    r->due_ms = core_now_ms(app->core) + app->options->request_ms;
    r->headers_last = &r->headers;
    r->spawned_last = &r->spawned;
    r->required_last = &r->required;
    problems_init(&r->problems, &r->arena);
    list_push(&app->live, &r->node);
    app->live_count++;
    generation_pin(r->generation);
    return r;
}

static void give_back(req *r) {
    struct app *app = r->app;
    list_remove(&r->node);
    app->live_count--;
    generation_unpin(r->generation);
    arena_reset(&r->arena);
    if (app->spare_count < SPARE_MAX) {
        r->next_spare = app->spare;
        app->spare = r;
        app->spare_count++;
    } else {
        free(r);
    }
    app_check_stopped(app);
}

void requests_free(struct app *app) {
    while (app->spare) {
        req *r = app->spare;
        app->spare = r->next_spare;
        free(r);
    }
    app->spare_count = 0;
}

static void run_cleanups(req *r, enum outcome outcome) {
    while (r->cleanups) {
        struct cleanup *cleanup = r->cleanups;
        r->cleanups = cleanup->next;
        cleanup->fn(cleanup->arg, outcome);
    }
}

void request_finish_lanes(req *r) {
    if (r->autocommit.is_used)
        lane_finish(&r->autocommit.lane);
    if (r->reads.is_used)
        lane_finish(&r->reads.lane);
    if (r->transaction.is_used)
        lane_finish(&r->transaction.lane);
    r->autocommit.is_used = r->reads.is_used = r->transaction.is_used = false;
}

void request_finish(req *r, enum outcome outcome) {
    run_cleanups(r, outcome);
    if (r->forgotten)
        cached_forget(r);
    if (r->cached)
        cached_end(r, outcome);
    if (r->work)
        work_end(r, outcome);
    give_back(r);
}

void request_end(req *r, enum outcome outcome) {
    if (timer_is_armed(&r->deadline))
        wheel_disarm(&r->app->core->wheel, &r->deadline);
    if (r->away) {
        away_end(r, outcome);
        return;
    }
    run_cleanups(r, outcome);
    if (r->forgotten)
        cached_forget_at_end(r);
    if (r->cached)
        cached_end(r, outcome);
    observe_end(r);
    request_forget_futures(r);
    request_finish_lanes(r);
    if (outcome == OK)
        tasks_start(r);
    if (r->work)
        work_end(r, outcome);
    if (r->session)
        *session_user(r->session) = NULL;
    give_back(r);
}

void request_leave(req *r, enum outcome outcome) {
    request_end(r, outcome);
    coro_abandon();
}

void request_cancel(req *r, bool is_overdue) {
    struct coro *coro = r->coro;
    assert(coro); // what runs cannot be cancelled from outside: one thread
    if (is_overdue && request_is_outflowing(r))
        outflow_cut(r, 504, "it sent nothing for as long as a request may take");
    else if (is_overdue && r->away)
        reply_overdue(r);
    else if (is_overdue)
        reply_detail(r, 504, S("Gateway Timeout"), NULL);
    hasher_forget(coro);
    request_end(r, CANCELLED);
    coro_drop(coro);
}

void request_waits(req *r) {
    request_keep(r);
    if (!timer_is_armed(&r->deadline))
        wheel_arm(&r->app->core->wheel, &r->deadline, r->due_ms);
    r->coro = coro_current();
}

void request_suspend(req *r) {
    request_waits(r);
    coro_suspend();
    request_goes_on(r);
}

void request_suspend_unbounded(req *r) {
    request_keep(r);
    if (timer_is_armed(&r->deadline))
        wheel_disarm(&r->app->core->wheel, &r->deadline);
    r->coro = coro_current();
    coro_suspend();
    request_goes_on(r);
}

void request_renew(req *r, int64_t after_ms) {
    uint32_t own_ms = r->endpoint ? r->endpoint->route->timeout_ms : 0;
    if (timer_is_armed(&r->deadline))
        wheel_disarm(&r->app->core->wheel, &r->deadline);
    r->due_ms = core_now_ms(r->app->core) + after_ms + (own_ms ? own_ms : r->app->options->request_ms);
}

bool request_is_outflowing(const req *r) {
    return r->opened_ns != 0;
}

void request_keep(req *r) {
    if (r->is_kept || !r->head)
        return;
    str body = r->body;
    const struct http_head *head = http_keep(r->session, r->head, r->body, &r->arena, &body);
    if (!head)
        fail_busy(r, "no memory for the request");
    r->head = head;
    r->body = body;
    r->is_kept = true;
}

void request_prepare(req *r) {
    const struct endpoint *endpoint = r->endpoint;
    if (r->is_prepared)
        return;
    r->is_prepared = true;
    if (endpoint->reads_request)
        request_keep(r);
    r->frame = endpoint->frame_bytes ? alloc(r, endpoint->frame_bytes) : NULL;
    if (endpoint->step_count)
        program_run(r, endpoint);
}

// On a worker thread.
static void call_handler(req *r, void *ret_value) {
    *(const void **)ret_value = r->endpoint->route->call(r, r->frame);
}

static const void *call(req *r) {
    const leat_route *route = r->endpoint->route;
    if (__builtin_expect(!route->blocking, true))
        return route->call(r, r->frame);
    const void *value = NULL;
    away_run(r, call_handler, &value);
    return value;
}

void request_run(void *arg) {
    req *r = arg;
    pulse_work(&r->app->core->pulse, r->endpoint->activity);
    if (r->endpoint->cached && cached_finds(r)) {
        request_end(r, OK);
        return;
    }
    request_prepare(r);
    const void *value = call(r);
    request_settle(r);
    if (r->forgotten)
        cached_forget(r);
    reply_value(r, value);
    request_end(r, OK);
}
