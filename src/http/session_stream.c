// session_stream.c — a body in pieces: the app has the request already and pulls what it wants of the body, when it wants it.
//
// What comes meanwhile gathers in the session's input, up to the pause of reading: that is the back-pressure. A pull takes that buffer
// whole and leaves an empty one, so that the pieces stay where they are while more comes, however long the app takes over one of them.
// The client is timed only while the app waits for it.
#include <assert.h>

#include "http/session_state.h"

static bool has_input(const struct session *session) {
    return buffer_bytes(&session->input) > 0;
}

void session_take_in_pieces(struct session *session) {
    assert(session->state == SESSION_ASKING);
    session->is_in_pieces = true;
}

bool session_is_in_pieces(const struct session *session) {
    return session->state == SESSION_STREAM;
}

void stream_begin(struct session *session, const struct http_head *head, bool is_body_here) {
    session->state = SESSION_STREAM;
    session->owes_continue = head->expects_continue && !is_body_here;
    session->waits_for_body = false;
    session->taken_rest = (str){0};
    session->body_idle_ms = session->body_began_ms;
    session->is_app_told = true;
    session->core->app->on_request(session, head, (str){0});
}

uint64_t session_body_left(const struct session *session) {
    if (session->state != SESSION_STREAM)
        return 0;
    return http_body_is_counted(&session->body) ? session->body.left : UINT64_MAX;
}

bool stream_is_unread_long(const struct session *session) {
    uint64_t left = session_body_left(session), here = session->taken_rest.len + buffer_bytes(&session->input);
    return (session->owes_continue && left) || (left > here && left - here > DROPPED_BYTES_MAX);
}

// ---- pulled

/** All of the input, in one buffer that nothing is added to. */
static void take_input(struct session *session) {
    session_core_give_back(session->core, &session->taken);
    session->taken = session->input;
    session->input = (struct buffer){0};
    session->taken_rest = (str){buffer_head(&session->taken), buffer_bytes(&session->taken)};
    if (!session->is_reading)
        session_set_pause(session);
}

static void stop_waiting(struct session *session) {
    session->waits_for_body = false;
    session->body_idle_ms = core_now_ms(session->core->core);
}

static int wait_for_body(struct session *session) {
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (session->waits_for_body)
        return -EAGAIN; // asked again before anything came
    if (session->owes_continue && conn_write(session_conn(session), go_on, sizeof go_on - 1))
        return -ENOMEM;
    session->owes_continue = false;
    session->waits_for_body = true;
    session->body_began_ms += core_now_ms(session->core->core) - session->body_idle_ms;
    if (session->is_reading)
        return -EAGAIN; // what came with the head is still in the reader's hands
    session_set_deadline(session);
    if (session->has_ended)
        core_defer(session->core->core, &session->again); // it waits in vain, but is not told so from in here
    return -EAGAIN;
}

int session_body_next(struct session *session, str *ret_piece, struct http_refusal *ret_refusal) {
    if (session->state != SESSION_STREAM)
        return 0;
    int status = http_body_next(&session->body, &session->taken_rest, ret_piece, ret_refusal);
    if (status == -EAGAIN && has_input(session) && !session->is_reading) {
        take_input(session);
        status = http_body_next(&session->body, &session->taken_rest, ret_piece, ret_refusal);
    }
    if (status == -EAGAIN)
        status = wait_for_body(session);
    else if (session->waits_for_body)
        stop_waiting(session);
    if (status == -ENOMEM)
        status = http_refuse(ret_refusal, 503, "Service Unavailable");
    if (status == -EBADMSG)
        session->must_close = true; // where the next request would begin is not known
    if (status == 0) {
        stream_end(session);
        session->state = SESSION_BUSY;
    }
    return status;
}

// ---- offered

bool stream_settle(struct session *session) {
    if (!session->waits_for_body)
        return false;
    if (has_input(session)) {
        stop_waiting(session);
        session->core->app->on_body(session);
        return session->state != SESSION_STREAM && session->state != SESSION_BUSY;
    }
    if (!session->has_ended)
        return false;
    session_tell_gone(session);
    session_shut(session);
    return true;
}

// ---- ended

void stream_end(struct session *session) {
    struct session_core *shared = session->core;
    struct buffer *taken = &session->taken;
    session->waits_for_body = false;
    buffer_consume(taken, buffer_bytes(taken) - session->taken_rest.len);
    session->taken_rest = (str){0};
    if (!buffer_bytes(taken)) {
        session_core_give_back(shared, taken);
        return;
    }
    // the next request has begun in it
    if (has_input(session) && session_core_append(shared, taken, (str){buffer_head(&session->input), buffer_bytes(&session->input)})) {
        conn_abort(session_conn(session));
        session_core_give_back(shared, taken);
        return;
    }
    session_core_give_back(shared, &session->input);
    session->input = *taken;
    *taken = (struct buffer){0};
}
