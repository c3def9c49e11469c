// session_read.c — bytes to requests: heads parsed, bodies gathered or dropped, and both handed to the app in their order.
//
// A head is parsed where its bytes lie, and a body that came with it is handed over where it lies. Only a body that is still on its way is
// kept, behind a copy of its head; the head is parsed again when the body is whole, which is cheaper than keeping 1.7 KB of it.
#include <assert.h>
#include <string.h>

#include "http/parser.h"
#include "http/session_state.h"

static void take(str *rest, size_t bytes) {
    *rest = (str){rest->ptr + bytes, rest->len - bytes};
}

bool session_is_stalled(const struct session *session) {
    const struct session_core *shared = session->core;
    bool is_turn_full = session->turn == shared->core->turn_count && session->turn_answers >= shared->limits->answers_per_turn;
    const unsigned waiting = 1u << SESSION_BUSY | 1u << SESSION_STREAM | 1u << SESSION_CLOSING;
    return 1u << session->state & waiting || is_turn_full || conn_output_is_full(session_conn(session));
}

void session_forget_kept(struct session *session) {
    session->core->body_memory -= session->charged_bytes;
    session->charged_bytes = session->kept_head_bytes = 0;
    session_core_give_back(session->core, &session->kept);
}

void session_tell_gone(struct session *session) {
    if (!session->is_app_told)
        return;
    session->is_app_told = false;
    session->core->app->on_gone(session);
}

__attribute__((cold, noinline)) void session_refuse(struct session *session, unsigned status, const char *detail) {
    session_tell_gone(session);
    if (session->framing) { // the answer has begun: another head would be taken for a part of it
        session_cut_body(session);
        return;
    }
    session->must_close = true;
    session->state = SESSION_BUSY; // an answer is made as to any other request
    const struct http_app *app = session->core->app;
    if (app->on_refusal)
        app->on_refusal(session, status, detail);
    else
        session_answer_detail(session, status, detail, (str){0});
}

static void hand_over(struct session *session, const struct http_head *head, str body) {
    session->state = SESSION_BUSY;
    session->is_app_told = true;
    session->core->app->on_request(session, head, body);
}

// ---- the head

/** False: as long as no line has ended since the last look, there is nothing new to see. */
static bool is_worth_parsing(const struct session *session, str rest) {
    size_t seen = session->parsed_bytes;
    return !seen || rest.len - seen >= REPARSE_BYTES || memchr(rest.ptr + seen, '\n', rest.len - seen);
}

static void begin_request(struct session *session, const struct http_head *head) {
    session->is_head = head->method == HTTP_HEAD;
    session->is_http10 = head->minor == 0;
    session->keep_alive = head->keep_alive;
    session->must_close = session->is_unread_long = session->is_app_told = session->is_in_pieces = false;
    session->has_head_deadline = session->is_probed = false;
    session->is_known = true;
}

/** The body of `head` is not wanted, and its request is answered. */
static void begin_dropping(struct session *session, const struct http_head *head, size_t body_bytes_here) {
    if (session->state == SESSION_CLOSING)
        return;
    struct http_refusal refusal;
    session->state = SESSION_DROPPING;
    // how long one in chunks is nobody knew when it was answered, and that the connection would end was not said: as long as any may be
    uint64_t bytes_max = head->is_chunked ? session->core->limits->body_bytes_max : 0, least = body_bytes_here + DROPPED_BYTES_MAX;
    if (http_body_begin(&session->body, head, bytes_max > least ? bytes_max : least, session->core->limits, &refusal))
        session_shut(session);
}

/** The body is not here as a whole: it is gathered behind a copy of the head. False where the request has been refused. */
static bool begin_keeping(struct session *session, const struct http_head *head, bool is_body_here) {
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (session_core_append(session->core, &session->kept, (str){head->base, head->bytes})) {
        session_refuse(session, 503, NULL);
        return false;
    }
    session->kept_head_bytes = head->bytes;
    session->state = SESSION_BODY;
    if (head->expects_continue && !is_body_here && conn_write(session_conn(session), go_on, sizeof go_on - 1)) {
        session_refuse(session, 503, NULL);
        return false;
    }
    return true;
}

static __attribute__((noinline)) void read_body_request(struct session *session, const struct http_head *head, str *rest) {
    struct http_refusal refusal;
    size_t here = rest->len - head->bytes;
    session->body_began_ms = core_now_ms(session->core->core);
    session->body_bytes = 0;
    uint64_t missing = !head->is_chunked && head->content_length > here ? head->content_length - here : 0;
    bool is_expected = head->expects_continue && !here; // whether the client sends it now is anybody's guess
    session->is_unread_long = is_expected || missing > DROPPED_BYTES_MAX;
    session->state = SESSION_ASKING;
    int64_t bytes_max = session->core->app->on_head(session, head);
    if (bytes_max < 0) {
        assert(session->state != SESSION_ASKING);
        take(rest, head->bytes);
        begin_dropping(session, head, here);
        return;
    }
    assert(session->state == SESSION_ASKING);
    session->is_unread_long = false;
    session->is_app_told = true;
    if (http_body_begin(&session->body, head, (uint64_t)bytes_max, session->core->limits, &refusal)) {
        session_refuse(session, refusal.status, refusal.detail);
    } else if (session->is_in_pieces) {
        take(rest, head->bytes);
        stream_begin(session, head, here > 0);
    } else if (!head->is_chunked && !missing) {
        str body = {rest->ptr + head->bytes, (size_t)head->content_length};
        take(rest, head->bytes + body.len);
        hand_over(session, head, body);
    } else if (begin_keeping(session, head, here > 0)) {
        take(rest, head->bytes);
    }
}

/** The head is whole. */
static void use_head(struct session *session, const struct http_head *head, str *rest) {
    session->parsed_bytes = 0;
    begin_request(session, head);
    if (head->has_body) {
        read_body_request(session, head, rest);
    } else {
        take(rest, head->bytes);
        hand_over(session, head, (str){0});
    }
}

/** False where more bytes are needed. */
static bool parse_head(struct session *session, uint64_t key, str *rest) {
    struct session_core *shared = session->core;
    struct http_head *head = &shared->scratch;
    struct http_refusal refusal;
    size_t blank_bytes = http_blank_lines(rest->ptr, rest->len);
    if (blank_bytes) {
        take(rest, blank_bytes);
        session->parsed_bytes = 0;
        key = 0;
    }
    bool is_half_blank = rest->len == 1 && rest->ptr[0] == '\r';
    if (!rest->len || is_half_blank || !is_worth_parsing(session, *rest))
        return false;
    int64_t head_bytes = http_head_parse(rest->ptr, rest->len, shared->limits, head, &refusal);
    if (head_bytes == -EAGAIN) {
        session->parsed_bytes = rest->len;
        return false;
    }
    if (head_bytes < 0) {
        session->parsed_bytes = 0;
        begin_request(session, head);
        session_refuse(session, refusal.status, refusal.detail);
        return true;
    }
    known_heads_add(&shared->known, key, head);
    use_head(session, head, rest);
    return true;
}

/** False where more bytes are needed. */
static bool read_head(struct session *session, str *rest) {
    struct known_heads *known = &session->core->known;
    uint64_t key = known_heads_key(rest->ptr, rest->len);
    const struct http_head *head = known_heads_find(known, key, rest->ptr, rest->len);
    if (!head)
        return parse_head(session, key, rest);
    use_head(session, head, rest);
    return true;
}

// ---- the body

/** 0, or the status of its refusal. */
static unsigned keep(struct session *session, str piece) {
    struct session_core *shared = session->core;
    if (session_core_append(shared, &session->kept, piece))
        return 503;
    shared->body_memory += session->kept.capacity - session->charged_bytes;
    session->charged_bytes = session->kept.capacity;
    return shared->body_memory > shared->limits->body_memory_max ? 503 : 0;
}

/** The kept head again, now that its body is whole. */
static void hand_over_kept(struct session *session) {
    struct session_core *shared = session->core;
    struct http_refusal refusal;
    const char *bytes = buffer_head(&session->kept);
    int64_t parsed = http_head_parse(bytes, session->kept_head_bytes, shared->limits, &shared->scratch, &refusal);
    assert(parsed == (int64_t)session->kept_head_bytes);
    str body = {bytes + parsed, buffer_bytes(&session->kept) - (size_t)parsed};
    hand_over(session, &shared->scratch, body);
}

/** False where more bytes are needed. */
static bool read_body(struct session *session, str *rest) {
    struct http_refusal refusal;
    str piece;
    int r;
    while ((r = http_body_next(&session->body, rest, &piece, &refusal)) > 0) {
        unsigned status = keep(session, piece);
        if (status) {
            session_refuse(session, status, NULL);
            return true;
        }
    }
    if (r == -EAGAIN)
        return false;
    if (r == 0)
        hand_over_kept(session);
    else
        session_refuse(session, refusal.status, refusal.detail);
    return true;
}

/** False where more bytes are needed. */
static bool drop_body(struct session *session, str *rest) {
    struct http_refusal refusal;
    str piece;
    int r;
    while ((r = http_body_next(&session->body, rest, &piece, &refusal)) > 0)
        continue;
    if (r == -EAGAIN)
        return false;
    if (r == 0)
        session->state = SESSION_HEAD;
    else
        session_shut(session);
    return true;
}

void session_read(struct session *session, str *rest) {
    bool goes_on = true;
    while (goes_on && !session_is_stalled(session)) {
        size_t before = rest->len;
        if (session->state == SESSION_HEAD)
            goes_on = read_head(session, rest);
        else if (session->state == SESSION_BODY)
            goes_on = read_body(session, rest);
        else
            goes_on = drop_body(session, rest);
        session->body_bytes += before - rest->len;
    }
}
