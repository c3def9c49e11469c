// answer.c — the answer: written straight into the connection's output, in one piece and without suspending in between.
//
// Content-Length is known last but stands first. Its digits get a gap that any length fits in; at the end a short body is moved up to close
// it, and before a long one, where that would cost more than it is worth, the gap is left as blanks, which a field's value may begin with.
#include <assert.h>
#include <string.h>

#include "http/session_state.h"

enum {
    HEAD_BYTES = 512,   // room for a head to begin with
    LENGTH_DIGITS = 10, // up to 9.9 GB
    MOVED_BYTES_MAX = 4096,
};

/** A body is neither announced nor sent (RFC 9110, sections 15.3.5 and 15.4.5). */
static bool has_no_body(unsigned status) {
    return status < 200 || status == 204 || status == 304;
}

static char *more_room(struct answer *answer, size_t bytes) {
    if (answer->out_of_memory)
        return NULL;
    size_t more = bytes > answer->used ? bytes : answer->used; // doubles, so that many small pieces stay cheap
    char *room = conn_extend(session_conn(answer->session), answer->used, more);
    if (!room) {
        answer->out_of_memory = true;
        return NULL;
    }
    answer->room = room - answer->used;
    answer->capacity = answer->used + more;
    return room;
}

/** Room for `bytes` more, or NULL, and the answer is lost. */
static inline char *room_for(struct answer *answer, size_t bytes) {
    bool fits = answer->room && answer->capacity - answer->used >= bytes;
    return __builtin_expect(fits, true) ? answer->room + answer->used : more_room(answer, bytes);
}

static inline void put(struct answer *answer, const char *text, size_t bytes) {
    char *room = room_for(answer, bytes);
    if (!room)
        return;
    memcpy(room, text, bytes);
    answer->used += bytes;
}

#define PUT(answer, literal) put(answer, literal, sizeof(literal) - 1)

static void begin(struct answer *answer, struct session *session, unsigned status, size_t bytes) {
    assert(session->state == SESSION_BUSY || session->state == SESSION_ASKING);
    *answer = (struct answer){.session = session, .status = status, .capacity = bytes};
    answer->room = conn_reserve(session_conn(session), bytes);
    if (!answer->room) {
        answer->out_of_memory = true;
        answer->capacity = 0;
        return;
    }
    char scratch[16];
    str line = http_status_line(status, scratch), date = http_date_line(&session->core->date, session->core->core->wall_us);
    char *end = mempcpy(answer->room, line.ptr, line.len);
    end = mempcpy(end, date.ptr, HTTP_DATE_LINE_BYTES);
    answer->used = (size_t)(end - answer->room);
    if (session_is_last_answer(session)) {
        session->must_close = true;
        PUT(answer, "Connection: close\r\n");
    } else if (session->is_http10) {
        PUT(answer, "Connection: keep-alive\r\n");
    }
}

void answer_begin(struct answer *answer, struct session *session, unsigned status) {
    begin(answer, session, status, HEAD_BYTES);
}

void answer_field(struct answer *answer, str name, str value) {
    assert(!answer->body_at);
    char *room = room_for(answer, name.len + value.len + 4);
    if (!room)
        return;
    room = mempcpy(room, name.ptr, name.len);
    room = mempcpy(room, ": ", 2);
    room = mempcpy(room, value.ptr ? value.ptr : "", value.len);
    memcpy(room, "\r\n", 2);
    answer->used += name.len + value.len + 4;
}

void answer_raw_fields(struct answer *answer, str lines) {
    assert(!answer->body_at);
    if (lines.len)
        put(answer, lines.ptr, lines.len);
}

static void end_head(struct answer *answer) {
    if (!has_no_body(answer->status)) {
        PUT(answer, "Content-Length: ");
        answer->length_at = answer->used;
        PUT(answer, "          ");
        PUT(answer, "\r\n");
    }
    PUT(answer, "\r\n");
    answer->body_at = answer->used;
}

char *answer_reserve(struct answer *answer, size_t bytes) {
    if (!answer->body_at)
        end_head(answer);
    return room_for(answer, bytes);
}

void answer_commit(struct answer *answer, size_t bytes) {
    assert(answer->out_of_memory || bytes <= answer->capacity - answer->used);
    answer->used += bytes;
}

void answer_write(struct answer *answer, str body) {
    if (!answer->body_at)
        end_head(answer);
    if (body.len)
        put(answer, body.ptr, body.len);
}

/** The decimal digits of `number` at the end of `out`; how many they are. */
static unsigned digits_of(uint64_t number, char out[LENGTH_DIGITS]) {
    unsigned count = 0;
    do {
        out[LENGTH_DIGITS - ++count] = (char)('0' + number % 10);
        number /= 10;
    } while (number && count < LENGTH_DIGITS);
    return count;
}

static void write_length(struct answer *answer) {
    char digits[LENGTH_DIGITS], *gap = answer->room + answer->length_at;
    size_t body_bytes = answer->used - answer->body_at;
    unsigned count = digits_of(body_bytes, digits);
    unsigned blanks = LENGTH_DIGITS - count;
    bool is_dropped = answer->session->is_head;
    if (!is_dropped && body_bytes > MOVED_BYTES_MAX) {
        memcpy(gap + blanks, digits + blanks, count);
        return;
    }
    memcpy(gap, digits + blanks, count);
    memcpy(gap + count, "\r\n\r\n", 4);
    memmove(gap + count + 4, answer->room + answer->body_at, is_dropped ? 0 : body_bytes);
    answer->used -= blanks + (is_dropped ? body_bytes : 0);
}

/** Nothing of the answer has been claimed yet: a short one takes its place in the room it began with. */
static void give_up(struct answer *answer) {
    static const char body[] = "Content-Type: application/json\r\nRetry-After: 1\r\nContent-Length: 32\r\nConnection: "
                               "close\r\n\r\n{\"detail\":\"Service Unavailable\"}";
    struct session *session = answer->session;
    session->must_close = true;
    char scratch[16];
    str line = http_status_line(503, scratch), date = http_date_line(&session->core->date, session->core->core->wall_us);
    char *room = conn_reserve(session_conn(session), HEAD_BYTES);
    if (!room) {
        conn_abort(session_conn(session));
        return;
    }
    char *end = mempcpy(room, line.ptr, line.len);
    end = mempcpy(end, date.ptr, date.len);
    end = mempcpy(end, body, sizeof body - 1 - (session->is_head ? 32 : 0));
    conn_commit(session_conn(session), (size_t)(end - room));
}

static void finish(struct answer *answer) {
    if (answer->out_of_memory)
        give_up(answer);
    else
        conn_commit(session_conn(answer->session), answer->used);
    session_on_answered(answer->session);
}

void answer_end(struct answer *answer) {
    if (!answer->body_at)
        end_head(answer);
    if (!answer->out_of_memory) {
        if (answer->length_at)
            write_length(answer);
        else
            answer->used = answer->body_at;
    }
    finish(answer);
}

/** Ends an answer whose body is known from the beginning: no gap, no moving. */
static void end_with(struct answer *answer, str body) {
    char digits[LENGTH_DIGITS];
    unsigned count = digits_of(body.len, digits);
    bool is_bare = has_no_body(answer->status);
    size_t body_bytes = is_bare || answer->session->is_head ? 0 : body.len;
    char *end = room_for(answer, 32 + body_bytes);
    if (end) {
        if (!is_bare) {
            end = mempcpy(end, "Content-Length: ", 16);
            end = mempcpy(end, digits + LENGTH_DIGITS - count, count);
            end = mempcpy(end, "\r\n", 2);
        }
        end = mempcpy(end, "\r\n", 2);
        end = mempcpy(end, body_bytes ? body.ptr : "", body_bytes);
        answer->used = (size_t)(end - answer->room);
    }
    finish(answer);
}

void session_answer(struct session *session, unsigned status, str content_type, str raw_fields, str body) {
    struct answer answer;
    begin(&answer, session, status, HEAD_BYTES + content_type.len + raw_fields.len + body.len);
    if (content_type.len)
        answer_field(&answer, S("Content-Type"), content_type);
    answer_raw_fields(&answer, raw_fields);
    end_with(&answer, body);
}

static void write_json_text(struct answer *answer, const char *text) {
    static const char hex[] = "0123456789abcdef";
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            put(answer, (char[]){'\\', *text}, 2);
        else if (c < ' ')
            put(answer, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
        else
            put(answer, text, 1);
    }
}

void session_answer_detail(struct session *session, unsigned status, const char *detail, str raw_fields) {
    struct answer answer;
    begin(&answer, session, status, HEAD_BYTES + raw_fields.len);
    answer_field(&answer, S("Content-Type"), S("application/json"));
    answer_raw_fields(&answer, raw_fields);
    answer_write(&answer, S("{\"detail\":\""));
    write_json_text(&answer, detail ? detail : http_reason(status));
    answer_write(&answer, S("\"}"));
    answer_end(&answer);
}
