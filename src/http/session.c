// session.c — HTTP/1.1 on a connection: requests out of bytes, one at a time and in order, answers into them.
//
// session_read.c turns bytes into requests and answer.c answers them; here is when that happens: as bytes come, when an answer that took
// its time is written, when the output has room again, and in the next turn when this one had its share.
//
// A client may end its side and read on (RFC 9112, section 9.6), or be gone: the kernel says the same of both until something is sent. To a
// request that takes its time that is a 100, which means nothing to whoever reads on (RFC 9110, section 15.2.1), and which is answered by a
// reset where nobody does. A body in pieces tells by itself.
#include "http/session.h"

#include <assert.h>
#include <string.h>

#include "http/session_state.h"

size_t session_bytes(void) {
    return sizeof(struct session);
}

struct core *session_core(const struct session *session) {
    return session->core->core;
}

struct conn *session_conn(const struct session *session) {
    return conn_of_user((void *)session);
}

void **session_user(struct session *session) {
    return &session->user;
}

bool session_is_last_answer(const struct session *session) {
    bool is_refused_early = session->state == SESSION_ASKING && session->is_unread_long;
    bool is_left = session->state == SESSION_STREAM && stream_is_unread_long(session);
    return session->must_close || !session->keep_alive || session->is_draining || is_refused_early || is_left;
}

void session_shut(struct session *session) {
    session->state = SESSION_CLOSING;
    conn_set_deadline(session_conn(session), 0);
    conn_close(session_conn(session));
}

// ---- when to read on, and until when to wait

static bool has_input(const struct session *session) {
    return buffer_bytes(&session->input) > 0;
}

/** Bytes win time, but no more than they are worth at the slowest rate that is allowed. */
static int64_t body_due_ms(const struct session *session) {
    const struct http_limits *limits = session->core->limits;
    int64_t idle_due_ms = core_now_ms(session->core->core) + limits->body_idle_ms;
    if (!limits->body_bytes_per_second_min)
        return idle_due_ms;
    int64_t worth_ms = (int64_t)(session->body_bytes * 1000 / limits->body_bytes_per_second_min);
    int64_t rate_due_ms = session->body_began_ms + limits->body_idle_ms + worth_ms;
    return idle_due_ms < rate_due_ms ? idle_due_ms : rate_due_ms;
}

void session_set_deadline(struct session *session) {
    const struct http_limits *limits = session->core->limits;
    struct conn *conn = session_conn(session);
    int64_t now_ms = core_now_ms(session->core->core);
    bool is_in_head = session->state == SESSION_HEAD && has_input(session);
    if (session->state == SESSION_STREAM && session->waits_for_body) {
        conn_set_deadline(conn, body_due_ms(session));
    } else if (session_is_stalled(session)) {
        conn_set_deadline(conn, session->has_ended ? now_ms + ENDED_CHECK_MS : 0); // ours to make, not the client's
        session->has_head_deadline = false;
    } else if (session->state == SESSION_BODY || session->state == SESSION_DROPPING) {
        conn_set_deadline(conn, body_due_ms(session));
    } else if (!is_in_head) {
        conn_set_deadline(conn, now_ms + (session->is_draining ? FIRST_REQUEST_MS : limits->keep_alive_ms));
    } else if (!session->has_head_deadline) { // from the first byte on: more of them win no time
        session->has_head_deadline = true;
        conn_set_deadline(conn, now_ms + limits->head_ms);
    }
}

void session_set_pause(struct session *session) {
    bool must_pause = session_is_stalled(session) && buffer_bytes(&session->input) > WAITING_BYTES_MAX;
    if (must_pause == session->is_paused)
        return;
    session->is_paused = must_pause;
    if (must_pause)
        conn_pause(session_conn(session));
    else
        conn_resume(session_conn(session));
}

/** Nothing is begun that would have to be finished. What a new client has to say may be under way. */
static bool is_idle(const struct session *session) {
    return session->state == SESSION_HEAD && !has_input(session) && session->is_known;
}

/** What could be used has been used. */
static void settle(struct session *session) {
    if (session->state == SESSION_STREAM && stream_settle(session))
        return;
    if (session->state == SESSION_CLOSING)
        return;
    bool is_stalled = session_is_stalled(session);
    session->waits_for_room = conn_output_is_full(session_conn(session));
    bool waits_in_vain = session->has_ended && !is_stalled; // whatever is begun here will never be whole
    if (session->is_draining && is_idle(session) && conn_output_bytes(session_conn(session)) == 0) {
        conn_abort(session_conn(session)); // there is no answer to linger for, and pools of clients are slow to see an end
        return;
    }
    if (waits_in_vain || (session->is_draining && is_idle(session))) {
        session_tell_gone(session);
        session_shut(session);
        return;
    }
    bool is_app_s = session->state == SESSION_BUSY || session->state == SESSION_STREAM;
    if (is_stalled && !is_app_s && !session->waits_for_room)
        core_defer_to_next_turn(session->core->core, &session->again);
    if (!has_input(session))
        session_core_give_back(session->core, &session->input);
    session_set_pause(session);
    session_set_deadline(session);
}

/** Uses the input that waits. */
static void read_input(struct session *session) {
    str rest = {buffer_head(&session->input), buffer_bytes(&session->input)};
    session->is_reading = true;
    session_read(session, &rest);
    session->is_reading = false;
    buffer_consume(&session->input, buffer_bytes(&session->input) - rest.len);
}

/** Uses the bytes where they lie, and keeps what must wait. */
static void read_in_place(struct session *session, str data) {
    session->is_reading = true;
    session_read(session, &data);
    session->is_reading = false;
    if (data.len && session->state != SESSION_CLOSING && session_core_append(session->core, &session->input, data))
        conn_abort(session_conn(session));
}

static void go_on(struct session *session) {
    if (session->state == SESSION_CLOSING)
        return;
    if (has_input(session))
        read_input(session);
    settle(session);
}

static void on_again(struct deferred *deferred) {
    go_on(container_of(deferred, struct session, again));
}

void session_on_answered(struct session *session) {
    struct session_core *shared = session->core;
    bool is_body_left = session->state == SESSION_ASKING || session->state == SESSION_STREAM;
    if (session->turn != shared->core->turn_count)
        session->turn_answers = 0;
    session->turn = shared->core->turn_count;
    session->turn_answers++;
    session->is_app_told = session->is_head = false;
    session->framing = BODY_NONE;
    if (session->kept_head_bytes)
        session_forget_kept(session);
    if (session->taken.data)
        stream_end(session);
    if (session->must_close) {
        session_shut(session);
        return;
    }
    session->state = is_body_left ? SESSION_DROPPING : SESSION_HEAD;
    if (!session->is_reading)
        core_defer(shared->core, &session->again); // not from here: the app is still on the stack
}

// Pieces are gathered until the turn's end: they are then fewer, and larger.
static void stream_take(struct session *session, str data) {
    session->body_bytes += data.len;
    if (session_core_append(session->core, &session->input, data)) {
        conn_abort(session_conn(session));
        return;
    }
    session_set_pause(session);
    core_defer(session->core->core, &session->again);
}

// ---- the connection's calls

static int on_open(struct conn *conn) {
    struct session *session = conn_user(conn);
    struct core *core = conn_core(conn);
    assert(core->http);
    session->core = core->http;
    deferred_init(&session->again, on_again);
    conn_set_deadline(conn, core_now_ms(core) + session->core->limits->keep_alive_ms);
    return 0;
}

static void on_data(struct conn *conn, const char *data, size_t bytes) {
    struct session *session = conn_user(conn);
    if (session->state == SESSION_CLOSING)
        return;
    if (session->state == SESSION_STREAM) {
        stream_take(session, (str){data, bytes});
        return;
    }
    if (!has_input(session)) {
        read_in_place(session, (str){data, bytes});
    } else if (session_core_append(session->core, &session->input, (str){data, bytes})) {
        conn_abort(conn);
        return;
    } else {
        read_input(session);
    }
    settle(session);
}

/** To be said amid a request, and once: to a client that knows of interim answers, and nothing else is on its way to it. */
static bool may_probe(const struct session *session) {
    bool is_waiting = session->is_app_told && !session->framing && (session->state == SESSION_BUSY || session->state == SESSION_STREAM);
    return is_waiting && !session->is_probed && !session->is_http10 && conn_output_bytes(session_conn(session)) == 0;
}

/** It has ended its side, and its answer takes time: does it still read? */
static void look_for_client(struct session *session) {
    static const char nothing[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct conn *conn = session_conn(session);
    if (conn_is_reset(conn)) {
        conn_abort(conn);
        return;
    }
    if (may_probe(session))
        session->is_probed = conn_write(conn, nothing, sizeof nothing - 1) == 0;
    session_set_deadline(session);
}

static void on_end(struct conn *conn) {
    struct session *session = conn_user(conn);
    const struct http_app *app = session->core->app;
    session->has_ended = true;
    if (session->framing && session->is_app_told && app->on_ended)
        app->on_ended(session);
    session->parsed_bytes = 0; // what was not worth another look gets its last one
    go_on(session);
}

static void on_drained(struct conn *conn) {
    struct session *session = conn_user(conn);
    if (session->framing && session->is_app_told)
        session->core->app->on_room(session);
    if (session->waits_for_room)
        go_on(session);
}

static void on_deadline(struct conn *conn) {
    struct session *session = conn_user(conn);
    bool is_in_body = session->state == SESSION_BODY || session->state == SESSION_STREAM;
    if (session->has_ended && session_is_stalled(session))
        look_for_client(session);
    else if (is_in_body || (session->state == SESSION_HEAD && has_input(session)))
        session_refuse(session, 408, NULL);
    else if (session->state != SESSION_BUSY)
        session_shut(session);
}

static void on_drain(struct conn *conn) {
    struct session *session = conn_user(conn);
    session->is_draining = true;
    if (session->framing && session->is_app_told && session->core->app->on_drain)
        session->core->app->on_drain(session);
    settle(session);
}

static void on_closed(struct conn *conn) {
    struct session *session = conn_user(conn);
    session->state = SESSION_CLOSING;
    deferred_cancel(&session->again);
    session_tell_gone(session);
    session_forget_kept(session);
    session_core_give_back(session->core, &session->taken);
    session_core_give_back(session->core, &session->input);
}

const struct protocol session_protocol = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_drained = on_drained,
    .on_deadline = on_deadline,
    .on_drain = on_drain,
    .on_closed = on_closed,
};

// ---- what outlives the call

struct kept {
    struct session_core *shared;
    struct buffer buffer;
    size_t charged_bytes;
};

static void let_go(void *arg) {
    struct kept *kept = arg;
    kept->shared->body_memory -= kept->charged_bytes;
    session_core_give_back(kept->shared, &kept->buffer);
}

/** The bytes that were gathered become the arena's, where they are: they may be many. 0 or -ENOMEM. */
static int pass_on_kept(struct session *session, struct arena *arena) {
    struct kept *kept = arena_raw(arena, sizeof *kept);
    if (!kept || arena_defer(arena, let_go, kept))
        return -ENOMEM;
    *kept = (struct kept){session->core, session->kept, session->charged_bytes};
    session->kept = (struct buffer){0};
    session->kept_head_bytes = session->charged_bytes = 0;
    return 0;
}

/** Head and body, one behind the other; they need not be so where they are now. */
static const char *copy_bytes(struct arena *arena, const struct http_head *head, str body) {
    char *bytes = arena_raw(arena, head->bytes + body.len);
    if (!bytes)
        return NULL;
    memcpy(bytes, head->base, head->bytes);
    if (body.len)
        memcpy(bytes + head->bytes, body.ptr, body.len);
    return bytes;
}

struct http_head *http_keep(struct session *session, const struct http_head *head, str body, struct arena *arena, str *ret_body) {
    size_t bytes = offsetof(struct http_head, fields) + head->field_count * sizeof head->fields[0];
    struct http_head *copy = arena_raw(arena, bytes);
    if (!copy)
        return NULL;
    memcpy(copy, head, bytes);
    copy->findings = NULL; // the core's, and soon of another
    if (session->kept_head_bytes && head->base == buffer_head(&session->kept)) {
        if (pass_on_kept(session, arena))
            return NULL;
    } else {
        copy->base = copy_bytes(arena, head, body);
        if (!copy->base)
            return NULL;
        body = (str){copy->base + head->bytes, body.len};
    }
    *ret_body = body;
    return copy;
}
