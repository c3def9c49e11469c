// body.c — a request's body as it comes: pulled piece by piece, or gathered by who wants all of it after all.
//
// A request whose body is to come has begun before it: its dependencies have been judged, and its client has not been told to go on yet
// where it asked. While the client is waited for its own limits count, and the request's deadline begins anew with every piece.
#include <errno.h>
#include <string.h>

#include <leat/upload.h>

#include "away.h"
#include "cached.h"
#include "request.h"

bool body_next(req *r, str *ret_piece) {
    if (!r->is_body_to_come)
        return false;
    struct http_refusal refusal;
    int status;
    while ((status = session_body_next(r->session, ret_piece, &refusal)) == -EAGAIN)
        request_suspend_unbounded(r);
    request_renew(r, 0);
    if (status > 0)
        return true;
    r->is_body_to_come = false;
    if (status == 0)
        return false;
    if (refusal.status == 503)
        fail_busy(r, "no memory for the body");
    http_fail(r, refusal.status, "%s", refusal.detail);
}

// Where its length is known the room is right at once; else it doubles.
static char *grow(req *r, char *room, size_t used, size_t *capacity, size_t needed) {
    uint64_t left = session_body_left(r->session);
    size_t wanted = left != UINT64_MAX ? needed + (size_t)left : needed > 2 * *capacity ? needed : 2 * *capacity;
    char *larger = arena_raw(&r->arena, wanted);
    if (!larger)
        fail_busy(r, "no memory for the body");
    if (used)
        memcpy(larger, room, used);
    *capacity = wanted;
    return larger;
}

void body_gather(req *r, size_t bytes_max) {
    if (!r->is_body_to_come)
        return;
    char *room = NULL;
    size_t used = 0, capacity = 0;
    str piece;
    while (body_next(r, &piece)) {
        if (piece.len > bytes_max - used)
            http_fail(r, 413, "Request body too large");
        if (piece.len > capacity - used)
            room = grow(r, room, used, &capacity, used + piece.len);
        memcpy(room + used, piece.ptr, piece.len);
        used += piece.len;
    }
    r->body = (str){room, used};
}

// An answer that others are given as well must not be made of what one of them has sent.
static void note_use(req *r) {
    if (r->endpoint && r->endpoint->cached)
        cached_note_header(r, S("the body"));
}

struct body_call {
    req *r;
    str piece;
    bool has_more;
};

static void body_on_core(void *arg) {
    struct body_call *call = arg;
    call->piece = request_body(call->r);
}

static void next_on_core(void *arg) {
    struct body_call *call = arg;
    call->has_more = request_body_next(call->r, &call->piece);
}

str request_body(req *r) {
    if (r->is_away) {
        struct body_call call = {.r = r};
        away_call(r, body_on_core, &call);
        return call.piece;
    }
    note_use(r);
    body_gather(r, r->app->options->request_bytes_max);
    request_keep(r);
    return r->body;
}

bool request_body_next(req *r, str *ret_piece) {
    if (r->is_away) {
        struct body_call call = {.r = r, .piece = *ret_piece};
        away_call(r, next_on_core, &call);
        *ret_piece = call.piece;
        return call.has_more;
    }
    note_use(r);
    if (r->is_body_to_come) {
        r->is_body_taken = true;
        return body_next(r, ret_piece);
    }
    if (r->is_body_taken || !r->body.len)
        return false;
    request_keep(r);
    r->is_body_taken = true;
    *ret_piece = r->body;
    return true;
}
