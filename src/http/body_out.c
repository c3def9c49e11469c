// body_out.c — the body of an answer in pieces, as they are made.
//
// A chunk's size stands before it and is known behind it: it gets a gap of eight digits, since a size may begin with zeros (RFC 9112,
// section 7.1). So a piece is written once, where it leaves from.
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/session_state.h"

enum {
    CHUNK_DIGITS = 8,
    CHUNK_HEAD_BYTES = CHUNK_DIGITS + 2,
    CHUNK_TAIL_BYTES = 2,
    PIECE_ROOM_BYTES = 256, // to begin with
};

void answer_begin_open(struct answer *answer, struct session *session, unsigned status, int64_t body_bytes) {
    bool is_to_the_end = body_bytes < 0 && session->is_http10 && !session->is_head && !status_has_no_body(status);
    session->framing = body_bytes >= 0 ? BODY_COUNTED : session->is_http10 ? BODY_TO_THE_END : BODY_CHUNKED;
    session->unwritten = body_bytes >= 0 ? (uint64_t)body_bytes : 0;
    if (is_to_the_end)
        session->must_close = true;
    answer_begin(answer, session, status);
}

static void put_framing(struct answer *answer) {
    const struct session *session = answer->session;
    char digits[24];
    if (status_has_no_body(answer->status))
        return;
    if (session->framing == BODY_CHUNKED)
        answer_field(answer, S("Transfer-Encoding"), S("chunked"));
    else if (session->framing == BODY_COUNTED)
        answer_field(answer, S("Content-Length"),
                     (str){digits, (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)session->unwritten)});
}

int answer_open(struct answer *answer) {
    struct session *session = answer->session;
    put_framing(answer);
    answer_raw_fields(answer, S("\r\n"));
    if (answer->out_of_memory) {
        session->framing = BODY_NONE;
        answer_give_up(session);
        return -ENOMEM;
    }
    conn_commit(session_conn(session), answer->used);
    bool has_body = !session->is_head && !status_has_no_body(answer->status);
    if (!has_body)
        session_on_answered(session);
    return has_body;
}

// ---- pieces

static bool is_in_chunks(const struct piece *piece) {
    return piece->session->framing == BODY_CHUNKED;
}

void piece_begin(struct piece *piece, struct session *session) {
    assert(session->framing);
    *piece = (struct piece){.session = session, .capacity = PIECE_ROOM_BYTES};
    piece->room = conn_reserve(session_conn(session), PIECE_ROOM_BYTES);
    piece->out_of_memory = !piece->room;
    piece->used = is_in_chunks(piece) ? CHUNK_HEAD_BYTES : 0;
}

char *piece_reserve(struct piece *piece, size_t bytes) {
    if (piece->out_of_memory)
        return NULL;
    if (piece->capacity - piece->used >= bytes + CHUNK_TAIL_BYTES)
        return piece->room + piece->used;
    size_t more = (bytes > piece->used ? bytes : piece->used) + CHUNK_TAIL_BYTES; // doubles
    char *room = conn_extend(session_conn(piece->session), piece->used, more);
    if (!room) {
        piece->out_of_memory = true;
        return NULL;
    }
    piece->room = room - piece->used;
    piece->capacity = piece->used + more;
    return room;
}

void piece_commit(struct piece *piece, size_t bytes) {
    assert(piece->out_of_memory || bytes <= piece->capacity - piece->used);
    piece->used += bytes;
}

static int64_t end_chunk(struct piece *piece) {
    size_t bytes = piece->used - CHUNK_HEAD_BYTES;
    char size[CHUNK_HEAD_BYTES + 1];
    if (!bytes)
        return 0; // a chunk of nothing is the last one
    if (bytes > UINT32_MAX)
        return -EMSGSIZE;
    snprintf(size, sizeof size, "%08x\r\n", (unsigned)bytes);
    memcpy(piece->room, size, CHUNK_HEAD_BYTES);
    memcpy(piece->room + piece->used, "\r\n", CHUNK_TAIL_BYTES);
    conn_commit(session_conn(piece->session), piece->used + CHUNK_TAIL_BYTES);
    return (int64_t)bytes;
}

int64_t piece_end(struct piece *piece) {
    struct session *session = piece->session;
    if (piece->out_of_memory)
        return -ENOMEM;
    if (is_in_chunks(piece))
        return end_chunk(piece);
    if (session->framing == BODY_COUNTED) {
        if (piece->used > session->unwritten)
            return -EMSGSIZE;
        session->unwritten -= piece->used;
    }
    conn_commit(session_conn(session), piece->used);
    return (int64_t)piece->used;
}

int session_write(struct session *session, str data) {
    struct piece piece;
    piece_begin(&piece, session);
    char *room = piece_reserve(&piece, data.len);
    if (room && data.len) {
        memcpy(room, data.ptr, data.len);
        piece_commit(&piece, data.len);
    }
    int64_t bytes = piece_end(&piece);
    return bytes < 0 ? (int)bytes : 0;
}

bool session_has_room(const struct session *session) {
    return !conn_output_is_full(session_conn(session));
}

// ---- the end

void session_end_body(struct session *session) {
    assert(session->framing);
    bool is_short = session->framing == BODY_COUNTED && session->unwritten;
    if (is_short || (session->framing == BODY_CHUNKED && conn_write(session_conn(session), "0\r\n\r\n", 5) < 0)) {
        session_cut_body(session);
        return;
    }
    session_on_answered(session);
}

// What the client has got without its end is plainly not all where the end would have been said. Where it is the connection's, only a reset
// tells.
void session_cut_body(struct session *session) {
    bool is_told_apart = session->framing == BODY_CHUNKED || (session->framing == BODY_COUNTED && session->unwritten);
    session->framing = BODY_NONE;
    session->is_app_told = false;
    if (is_told_apart)
        session_shut(session);
    else
        conn_abort(session_conn(session));
}
