// answer.c — the answer: written straight into the connection's output, in one piece and without suspending in between.
//
// Content-Length is known last but stands first. Its digits get a gap that any length fits in; at the end a short body is moved up to close
// it, and before a long one, where that would cost more than it is worth, the gap is left as blanks, which a field's value may begin with.
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "http/session_state.h"

enum {
    HEAD_BYTES = 768,   // room for a head to begin with, and a short body
    LENGTH_DIGITS = 10, // up to 9.9 GB: no output holds so much
    MOVED_BYTES_MAX = 4096,
};

static __attribute__((cold, noinline)) char *more_room(struct answer *answer, size_t bytes) {
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

/** Status line, Date, fixed fields, and what keeps or closes the connection; there is room for HEAD_BYTES. Returns the end. */
static inline char *put_opening(char *room, struct session *session, unsigned status) {
    struct http_opening *opening = &session->core->opening;
    http_opening_update(opening, status, session->core->core->wall_us, session->core->limits->fixed_fields);
    room = http_opening_put(opening, room);
    if (session_is_last_answer(session)) {
        session->must_close = true;
        room = mempcpy(room, "Connection: close\r\n", 19);
    } else if (session->is_http10) {
        room = mempcpy(room, "Connection: keep-alive\r\n", 24);
    }
    return room;
}

void answer_begin(struct answer *answer, struct session *session, unsigned status) {
    assert(session_is_answerable(session));
    *answer = (struct answer){.session = session, .status = status, .capacity = HEAD_BYTES};
    answer->room = conn_reserve(session_conn(session), HEAD_BYTES);
    if (answer->room) {
        answer->used = (size_t)(put_opening(answer->room, session, status) - answer->room);
    } else {
        answer->out_of_memory = true;
        answer->capacity = 0;
    }
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

void answer_drop_field(struct answer *answer, str name) {
    assert(!answer->body_at);
    char *end = answer->room + answer->used, *line = answer->used ? memchr(answer->room, '\n', answer->used) : NULL;
    for (line = line ? line + 1 : end; line < end;) {
        char *next = (char *)memchr(line, '\n', (size_t)(end - line)) + 1;
        bool is_named = (size_t)(next - line) > name.len && line[name.len] == ':' && strncasecmp(line, name.ptr, name.len) == 0;
        if (is_named) {
            memmove(line, next, (size_t)(end - next));
            end -= next - line;
        } else {
            line = next;
        }
    }
    answer->used = (size_t)(end - answer->room);
}

static void end_head(struct answer *answer) {
    if (!status_has_no_body(answer->status)) {
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

/** In decimal, in place; returns the end. */
static inline char *put_number(char *room, uint64_t number) {
    unsigned count = 1;
    for (uint64_t rest = number; rest >= 10; rest /= 10)
        count++;
    for (unsigned i = count; i > 0; number /= 10)
        room[--i] = (char)('0' + number % 10);
    return room + count;
}

/** The same, short where most bodies are. */
static inline char *put_length(char *room, size_t bytes) {
    if (bytes < 10 || bytes > 99)
        return put_number(room, bytes);
    unsigned tens = (unsigned)bytes * 103 >> 10;
    room[0] = (char)('0' + tens);
    room[1] = (char)('0' + (bytes - tens * 10));
    return room + 2;
}

static void write_length(struct answer *answer) {
    char digits[20], *gap = answer->room + answer->length_at;
    size_t body_bytes = answer->used - answer->body_at;
    size_t count = (size_t)(put_length(digits, body_bytes) - digits), blanks = LENGTH_DIGITS - count;
    bool is_dropped = answer->session->is_head;
    if (!is_dropped && body_bytes > MOVED_BYTES_MAX) {
        memcpy(gap + blanks, digits, count);
        return;
    }
    memcpy(gap, digits, count);
    memcpy(gap + count, "\r\n\r\n", 4);
    memmove(gap + count + 4, answer->room + answer->body_at, is_dropped ? 0 : body_bytes);
    answer->used -= blanks + (is_dropped ? body_bytes : 0);
}

/** Nothing of the answer has been claimed yet: a short one takes its place in the room it began with. */
__attribute__((cold, noinline)) void answer_give_up(struct session *session) {
    static const char body[] = "Content-Type: application/json\r\nRetry-After: 1\r\nContent-Length: 32\r\n\r\n"
                               "{\"detail\":\"Service Unavailable\"}";
    session->must_close = true;
    char *room = conn_reserve(session_conn(session), HEAD_BYTES);
    if (room) {
        char *end = put_opening(room, session, 503);
        end = mempcpy(end, body, sizeof body - 1 - (session->is_head ? 32 : 0));
        conn_commit(session_conn(session), (size_t)(end - room));
    } else {
        conn_abort(session_conn(session));
    }
    session_on_answered(session);
}

void answer_end(struct answer *answer) {
    if (!answer->body_at)
        end_head(answer);
    if (answer->out_of_memory)
        return answer_give_up(answer->session);
    if (answer->length_at)
        write_length(answer);
    else
        answer->used = answer->body_at;
    conn_commit(session_conn(answer->session), answer->used);
    session_on_answered(answer->session);
}

// ---- another body in the place of the one that was written

enum { LENGTH_NAME_BYTES = sizeof "Content-Length: " - 1 };

/** Where the last quote of a strong ETag stands in the head; 0: there is none. */
static size_t etag_end(const struct answer *answer, size_t head_bytes) {
    static const char name[] = "\r\nETag: \"";
    const char *etag = memmem(answer->room, head_bytes, name, sizeof name - 1);
    if (!etag)
        return 0;
    const char *value = etag + sizeof name - 1;
    const char *quote = memchr(value, '"', head_bytes - (size_t)(value - answer->room));
    return quote ? (size_t)(quote - answer->room) : 0;
}

static void insert(struct answer *answer, size_t at, str text, size_t end) {
    memmove(answer->room + at + text.len, answer->room + at, end - at);
    memcpy(answer->room + at, text.ptr, text.len);
}

bool answer_recode(struct answer *answer, str lines, str body, str suffix) {
    assert(answer->length_at && (!body.ptr || body.len <= answer->used - answer->body_at));
    size_t head_bytes = answer->length_at - LENGTH_NAME_BYTES, tag_at = suffix.len ? etag_end(answer, head_bytes) : 0;
    if (!tag_at)
        suffix = (str){0};
    size_t more = lines.len + suffix.len;
    if (answer->out_of_memory || !room_for(answer, more))
        return false;
    if (body.ptr) {
        memcpy(answer->room + answer->body_at, body.ptr, body.len);
        answer->used = answer->body_at + body.len;
    }
    insert(answer, head_bytes, lines, answer->used);
    if (tag_at)
        insert(answer, tag_at, suffix, answer->used + lines.len);
    answer->used += more;
    answer->length_at += more;
    answer->body_at += more;
    return true;
}

static inline char *put_text(char *room, str text) {
    return text.len ? mempcpy(room, text.ptr, text.len) : room;
}

size_t session_answer(struct session *session, unsigned status, str content_type, str raw_fields, str body) {
    assert(session_is_answerable(session));
    char *room = conn_reserve(session_conn(session), HEAD_BYTES + content_type.len + raw_fields.len + body.len);
    if (!room) {
        answer_give_up(session);
        return 0;
    }
    char *end = put_opening(room, session, status);
    if (content_type.len) {
        end = mempcpy(end, "Content-Type: ", 14);
        end = put_text(end, content_type);
        end = mempcpy(end, "\r\n", 2);
    }
    end = put_text(end, raw_fields);
    if (status_has_no_body(status)) {
        end = mempcpy(end, "\r\n", 2);
    } else {
        end = mempcpy(end, "Content-Length: ", 16);
        end = put_length(end, body.len);
        end = mempcpy(end, "\r\n\r\n", 4);
        end = session->is_head ? end : put_text(end, body);
    }
    conn_commit(session_conn(session), (size_t)(end - room));
    session_on_answered(session);
    return (size_t)(end - room);
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
    answer_begin(&answer, session, status);
    answer_field(&answer, S("Content-Type"), S("application/json"));
    answer_raw_fields(&answer, raw_fields);
    answer_write(&answer, S("{\"detail\":\""));
    write_json_text(&answer, detail ? detail : http_reason(status));
    answer_write(&answer, S("\"}"));
    answer_end(&answer);
}
