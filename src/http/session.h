// session.h — HTTP/1.1 on a connection: requests out of bytes, one at a time and in order, answers into them.
//
// A request that is whole in the ring's buffer is parsed in place; what is not is gathered in a buffer of the session. The app is handed
// one request after the other: the next is not begun before the last is answered, so that pipelined answers keep their order. At most
// answers_per_turn are made for one connection in a turn; the others wait for the next, so that nobody else does.
#ifndef HTTP_SESSION_H
#define HTTP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/conn.h"
#include "http/head.h"
#include "http/limits.h"
#include "http/reason.h"
#include "http/refusal.h"

struct session;

/** What stands above HTTP. Every function runs on the core's thread and may answer at once or later. */
struct http_app {
    /**
     * The head of a request that has a body is here, whether or not the body is; not called where there is none. Returns how many bytes of
     * body to take, or a negative errno when the app has answered instead (404, 401 ...): before any 100-continue. What comes of the body
     * is then dropped, up to 64 KiB (in chunks: up to body_bytes_max), or the connection closed. `head` and its bytes are valid during the
     * call. With session_take_in_pieces() the request is handed over at once, and its body asked for with session_body_next().
     */
    int64_t (*on_head)(struct session *session, const struct http_head *head);
    /**
     * A request is whole. `head`, its bytes and `body` are valid during the call; http_keep() makes them last. The app answers exactly once
     * with session_answer() or struct answer, during the call or later, unless on_gone comes first.
     */
    void (*on_request)(struct session *session, const struct http_head *head, str body);
    /**
     * The request that on_head took or on_request was given, and that is not answered yet, never will be by the app: the client is gone,
     * its body was too long, too slow or malformed, or the server ends.
     */
    void (*on_gone)(struct session *session);
    /**
     * What came is no request, or too much, or too slow: the app answers with that status at once, and the connection ends. `detail` is
     * NULL where the status' reason says it all. Without the function session_answer_detail() does it.
     */
    void (*on_refusal)(struct session *session, unsigned status, const char *detail);
    /** There may be more of the body that session_body_next() had no more of. Not called from inside another of these functions. */
    void (*on_body)(struct session *session);
    /** Of a body that is written in pieces: all that was written has left. May be NULL where there are none; so may the next. */
    void (*on_room)(struct session *session);
    /** The client will send no more, and a body is written in pieces: what can say something that means nothing shows whether it reads. */
    void (*on_ended)(struct session *session);
    /** The server drains, and a body is written in pieces: one that has no end of its own should end now. */
    void (*on_drain)(struct session *session);
};

/** What runs a listener's connections; every core has had its session_core_create(). */
extern const struct protocol session_protocol;
/** The bytes a listener must keep for each connection. */
size_t session_bytes(void);
/** The state of HTTP on this core: hangs itself on core->http. `limits` and `app` must live as long. 0 or -ENOMEM. */
int session_core_create(struct core *core, const struct http_limits *limits, const struct http_app *app);
/** No connection is left, and no arena that http_keep() was given. */
void session_core_destroy(struct core *core);

struct core *session_core(const struct session *session);
struct conn *session_conn(const struct session *session);
/** The app's own pointer, NULL at the beginning. */
void **session_user(struct session *session);

/**
 * Makes the request that on_request has just handed over last as long as `arena`: copies the head with the fields it has, its bytes and the
 * body; a body that was gathered by the session is not copied, `arena` becomes its owner and gives it back when it is reset. `*ret_body` is
 * the body from now on. NULL without memory.
 */
struct http_head *http_keep(struct session *session, const struct http_head *head, str body, struct arena *arena, str *ret_body);

// ---- a body in pieces: pulled by the app, so that it comes no faster than it is used

/** In on_head: the request is handed over now, without its body. 100-continue is said when the body is first asked for. */
void session_take_in_pieces(struct session *session);
/**
 * The next piece of the body of a request that is taken in pieces; valid until the next call or the answer. 1 and a piece; 0 at the end;
 * -EAGAIN: on_body tells when there is more (or on_gone that there never will be); -EBADMSG and what to answer: the connection then ends
 * with it. Answered before the end, what is left of the body is dropped where it is short, else the connection is closed.
 */
int session_body_next(struct session *session, str *ret_piece, struct http_refusal *ret_refusal);
/** True from on_request on until the end of a body that is taken in pieces. */
bool session_is_in_pieces(const struct session *session);
/** Bytes of the body that are still to come, as far as is known: UINT64_MAX in chunks. Of a request taken in pieces. */
uint64_t session_body_left(const struct session *session);

// ---- the answer: written straight into the connection's output, in one piece and without suspending in between.
//
//      struct answer answer;
//      answer_begin(&answer, session, 200);
//      answer_field(&answer, S("Content-Type"), S("application/json"));
//      ... answer_reserve() / answer_commit() for the body ...
//      answer_end(&answer);

struct answer {
    struct session *session;
    char *room; // conn_reserve()'s; what is written so far is room[0, used)
    size_t used, capacity;
    size_t length_at; // where Content-Length's digits go
    size_t body_at;   // 0: the head is not closed yet
    unsigned status;
    bool out_of_memory;
};

/** Status line, Date, and what keeps or closes the connection. Content-Length is added at the end, and not for 204 and 304. */
void answer_begin(struct answer *answer, struct session *session, unsigned status);
/** A header. The caller has checked that neither holds CR, LF or NUL. */
void answer_field(struct answer *answer, str name, str value);
/** Takes every header of that name, in any case, out of the head so far. */
void answer_drop_field(struct answer *answer, str name);
/** Lines that are already made, each ended by CRLF. */
void answer_raw_fields(struct answer *answer, str lines);
/** Room for `bytes` of body; the first call ends the head. NULL without memory: answer_end() then answers 503. */
char *answer_reserve(struct answer *answer, size_t bytes);
void answer_commit(struct answer *answer, size_t bytes);
void answer_write(struct answer *answer, str body);
/** The answer is whole: it leaves at the end of the turn. For HEAD the body is dropped and its length stays. The request is over. */
void answer_end(struct answer *answer);

// ---- a body in pieces, as they are made: in chunks; to a client of HTTP/1.0 up to the connection's end; or of a length that is known.
//
//      answer_begin_open(&answer, session, 200, BODY_BYTES_UNKNOWN);
//      answer_field(...)
//      if (answer_open(&answer) > 0)
//          { session_write() or piece_begin() ... piece_end(), as session_has_room() has it, ... session_end_body() }
//
// A client that has ended its side is written to as before; one that is gone answers that by a reset.

enum { BODY_BYTES_UNKNOWN = -1 };

/** answer_begin() for a body of `body_bytes` that comes in pieces. */
void answer_begin_open(struct answer *answer, struct session *session, unsigned status, int64_t body_bytes);
/**
 * The head leaves. 1: the body is to come; 0: the request is over, for HEAD and for a status without a body; -ENOMEM: it was answered 503,
 * and is over. `answer->used` is then the head's bytes.
 */
int answer_open(struct answer *answer);

/** A piece that is written where it leaves from, without suspending in between. */
struct piece {
    struct session *session;
    char *room;
    size_t used, capacity;
    bool out_of_memory;
};
void piece_begin(struct piece *piece, struct session *session);
/** Room for `bytes` more, or NULL without memory: the piece is then lost. */
char *piece_reserve(struct piece *piece, size_t bytes);
void piece_commit(struct piece *piece, size_t bytes);
/** Its bytes; -ENOMEM, or -EMSGSIZE where it is more than was announced, or more than a chunk may be: nothing was written. */
int64_t piece_end(struct piece *piece);
/** A piece in one call: 0, or as piece_end() says. */
int session_write(struct session *session, str data);
/** False: more should be written when on_room says so. */
bool session_has_room(const struct session *session);
/** The body is whole, and the request over. One that is shorter than was announced is cut. */
void session_end_body(struct session *session);
/** The body will not be whole: the connection ends such that the client sees it. The request is over. */
void session_cut_body(struct session *session);

/**
 * Of an answer whose body is written and that has not ended: puts `lines` into its head, each ended by CRLF, and `body` in the place of the
 * body where `body.ptr` is not NULL; it is no longer than that. A strong ETag gets `suffix` before its last quote. False without memory,
 * and nothing has changed.
 */
bool answer_recode(struct answer *answer, str lines, str body, str suffix);

/** A whole answer in one call; `content_type` is empty where there is no body. Its bytes, or 0 without memory: then it is a 503. */
size_t session_answer(struct session *session, unsigned status, str content_type, str raw_fields, str body);
/** {"detail": "text"} as FastAPI words it; the detail is the status' reason where `detail` is NULL. */
void session_answer_detail(struct session *session, unsigned status, const char *detail, str raw_fields);

#endif
