// outflow.c — the body of an answer in pieces: what a Stream, Events, JSON Lines and a file have in common.
#include "outflow.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "cached.h"
#include "header.h"
#include "observe.h"

static struct wheel *wheel_of(const struct outflow *outflow) {
    return &outflow->request->app->core->wheel;
}

static int64_t now_ms(const struct outflow *outflow) {
    return core_now_ms(outflow->request->app->core);
}

// ---- heartbeats: nobody in between shall take a connection for dead that has nothing to say, and a client that is gone shall be noticed

static int64_t heartbeat_ms(const struct outflow *outflow) {
    return outflow->request->app->options->heartbeat_ms;
}

// A comment of nothing.
static void say_nothing(struct outflow *outflow) {
    struct session *session = outflow->request->session;
    if (session_has_room(session) && session_write(session, S(":\n\n")) == 0)
        outflow->wrote_ms = now_ms(outflow);
}

static void beat(struct timer *timer) {
    struct outflow *outflow = container_of(timer, struct outflow, heartbeat);
    bool is_due = now_ms(outflow) - outflow->wrote_ms >= heartbeat_ms(outflow);
    if (is_due)
        say_nothing(outflow);
    wheel_arm(wheel_of(outflow), timer, (is_due ? now_ms(outflow) : outflow->wrote_ms) + heartbeat_ms(outflow));
}

static void end(void *arg, enum outcome outcome) {
    (void)outcome;
    struct outflow *outflow = arg;
    outflow->request->app->outflow_count -= outflow->is_open;
    wheel_disarm(wheel_of(outflow), &outflow->heartbeat);
}

// ---- begun

struct outflow *outflow_create(req *r, enum leat_kind kind, str type, int64_t body_bytes) {
    if (r->is_away)
        refuse_header(r, "Content-Type", "a .blocking handler answers with a value, not with a stream");
    if (r->outflow || !r->endpoint)
        refuse_header(r, "Content-Type", r->outflow ? "a request has one stream at most" : "a task has nobody to stream to");
    struct outflow *outflow = new (r, struct outflow);
    *outflow = (struct outflow){.request = r, .kind = kind, .type = type, .body_bytes = body_bytes};
    timer_init(&outflow->heartbeat, beat);
    on_done(r, end, outflow);
    r->outflow = outflow;
    return outflow;
}

static void put_head(struct outflow *outflow, struct answer *answer) {
    req *r = outflow->request;
    if (outflow->kind == LEAT_EVENTS) {
        header_put_default(r, "Cache-Control", S("no-store"));
        header_put_default(r, "X-Accel-Buffering", S("no")); // nginx would keep them until it has a page full
    }
    reply_open(r, answer, r->status ? r->status : r->endpoint->status, outflow->body_bytes);
    answer_field(answer, S("Content-Type"), header_type(r, outflow->type));
}

// What must have gone well before a good answer begins.
static void settle(req *r) {
    request_settle(r);
    if (r->forgotten)
        cached_forget(r);
}

void outflow_open(struct outflow *outflow) {
    req *r = outflow->request;
    if (request_is_outflowing(r))
        return;
    if (outflow->kind != LEAT_FILE) // which is sent when all else is done, or has failed
        settle(r);
    request_keep(r);
    struct answer answer;
    put_head(outflow, &answer);
    int status = answer_open(&answer);
    r->opened_ns = clock_monotonic_near_ns();
    r->answered_bytes = answer.used;
    if (status <= 0) {
        r->answered_status = status < 0 ? 503 : r->answered_status;
        request_leave(r, status < 0 ? FAILED : OK);
    }
    r->app->outflow_count++;
    outflow->is_open = true;
    request_renew(r, 0);
    outflow->wrote_ms = now_ms(outflow);
    if (outflow->kind == LEAT_EVENTS)
        wheel_arm(wheel_of(outflow), &outflow->heartbeat, outflow->wrote_ms + heartbeat_ms(outflow));
}

// ---- written

void outflow_wrote(struct outflow *outflow, int64_t status) {
    req *r = outflow->request;
    if (status < 0) {
        outflow_cut(r, 500, status == -EMSGSIZE ? "a piece is too long" : "there is too little memory");
        request_leave(r, FAILED);
    }
    r->answered_bytes += (size_t)status;
    outflow->waits_for_room = true;
    while (!session_has_room(r->session))
        request_suspend_unbounded(r);
    outflow->waits_for_room = false;
    outflow->wrote_ms = now_ms(outflow);
    request_renew(r, 0);
}

void outflow_write(struct outflow *outflow, str data) {
    outflow_open(outflow);
    while (data.len) {
        size_t bytes = data.len < OUTFLOW_PIECE_BYTES_MAX ? data.len : OUTFLOW_PIECE_BYTES_MAX;
        int status = session_write(outflow->request->session, (str){data.ptr, bytes});
        outflow_wrote(outflow, status < 0 ? status : (int64_t)bytes);
        data = (str){data.ptr + bytes, data.len - bytes};
    }
}

void outflow_on_room(req *r) {
    if (r && r->coro && r->outflow && r->outflow->waits_for_room)
        coro_resume(r->coro);
}

// ---- the end

// The session is nobody's business any more.
static struct session *let_go(req *r) {
    struct session *session = r->session;
    *session_user(session) = NULL;
    r->session = NULL;
    return session;
}

void outflow_finish(req *r) {
    outflow_open(r->outflow);
    session_end_body(let_go(r));
}

void outflow_cut(req *r, unsigned status, const char *why) {
    if (!r->session)
        return;
    observe_log(r, LOG_ERROR, "answer_cut", "handler=%s status=%u bytes=%zu reason=\"%s\"", r->endpoint->route->name, status,
                r->answered_bytes, why);
    r->answered_status = status;
    session_cut_body(let_go(r));
}

// What comes back shows whether somebody reads on. Other kinds of bodies have nothing to say that means nothing.
void outflow_on_ended(req *r) {
    if (r && r->outflow && r->outflow->kind == LEAT_EVENTS)
        say_nothing(r->outflow);
}

// Events have no end of their own; their client comes again, to another server.
void outflow_on_drain(req *r) {
    if (!r || !r->outflow || r->outflow->kind != LEAT_EVENTS || !r->coro)
        return;
    session_end_body(let_go(r));
    request_cancel(r, false);
}
