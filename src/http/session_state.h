// session_state.h — what a session and HTTP's part of a core are made of; for the session's own files alone.
#ifndef HTTP_SESSION_STATE_H
#define HTTP_SESSION_STATE_H

#include "base/buffer.h"
#include "http/body.h"
#include "http/known_heads.h"
#include "http/opening.h"
#include "http/session.h"

enum {
    SPARE_BUFFERS = 64,
    SPARE_BUFFER_BYTES_MAX = 16 << 10,
    DROPPED_BYTES_MAX = 64 << 10, // of a body that nobody wants, before the connection is closed instead
    WAITING_BYTES_MAX = 64 << 10, // of further input while a request is handled, before reading pauses
    FIRST_REQUEST_MS = 1000,      // for a client that was accepted just before the server drains
    ENDED_CHECK_MS = 250,         // how often a client that has ended its side is looked for while its answer is made
    REPARSE_BYTES = 4 << 10,      // a head is looked at again after a line's end, or so many bytes more
};

struct session_core {
    struct core *core;
    const struct http_limits *limits;
    const struct http_app *app;
    struct http_opening opening; // of answers
    uint64_t body_memory;        // bytes of `kept` in all sessions
    struct buffer spare[SPARE_BUFFERS];
    unsigned spare_count;
    struct http_head scratch; // of the request that is being handed over: a connection keeps none
    struct known_heads known;
};

/** How the body that is being written in pieces is delimited. */
enum body_framing {
    BODY_NONE, // there is none
    BODY_COUNTED,
    BODY_CHUNKED,
    BODY_TO_THE_END, // of the connection
};

enum session_state {
    SESSION_HEAD,     // before a request, or in its head
    SESSION_ASKING,   // in the app's on_head
    SESSION_BODY,     // gathering
    SESSION_BUSY,     // the app has the request
    SESSION_STREAM,   // ... and takes its body in pieces, which has not ended yet
    SESSION_DROPPING, // the rest of a body, behind its answer
    SESSION_CLOSING,  // nothing more is read
};

struct session {
    struct session_core *core;
    void *user;
    enum session_state state;
    bool is_reading;  // further up the stack: it goes on by itself
    bool is_paused;   // reading, because of WAITING_BYTES_MAX
    bool is_draining; // the server ends
    bool has_ended;   // the client will send no more
    bool is_known;    // it has begun a request
    bool has_head_deadline;
    bool waits_for_room; // the output was full
    // of the request in hand
    bool is_head, is_http10, keep_alive;
    bool is_unread_long;         // what is left of its body is too long to be dropped
    bool must_close;             // after its answer
    bool is_probed;              // a client that ended its side was sent something since
    uint8_t framing;             // enum body_framing, of its answer
    uint64_t unwritten;          // of a counted body
    bool is_in_pieces;           // the app asked for that
    bool owes_continue;          // 100, before its body is waited for
    bool waits_for_body;         // the app does
    bool is_app_told;            // by an on_head that took it, or by on_request: owed an on_gone where there is no answer
    struct buffer input;         // what came and could not be used yet
    size_t parsed_bytes;         // of it, which hold no whole head
    struct buffer kept;          // a head of `kept_head_bytes`, and its body as far as it is here
    size_t kept_head_bytes;      // 0: nothing is kept
    size_t charged_bytes;        // for it, of the core's body_memory
    struct buffer taken;         // input that the app is being handed in pieces
    str taken_rest;              // of it, not yet looked at
    struct http_body body;       // being gathered, taken in pieces or dropped
    int64_t body_began_ms;       // in pieces: without the time in which the app was in no hurry
    int64_t body_idle_ms;        // in pieces: when the app ceased to wait
    uint64_t body_bytes;         // that have come since, its framing included
    uint64_t turn, turn_answers; // answers made in that turn
    struct deferred again;       // goes on with the input that waits
};

/** Appends to an empty or a filled buffer; an empty one may take a spare's memory. 0 or -ENOMEM. */
int session_core_append(struct session_core *shared, struct buffer *buffer, str data);
/** The buffer is empty and without memory. */
void session_core_give_back(struct session_core *shared, struct buffer *buffer);

/** Uses what can be used of the bytes: requests are handed to the app, bodies gathered. What `*rest` holds then must wait. */
void session_read(struct session *session, str *rest);
/** True when no more can be used now, whatever is there. */
bool session_is_stalled(const struct session *session);
/** Answers in the app's stead and closes. */
void session_refuse(struct session *session, unsigned status, const char *detail);
/** The app will never answer the request it was told of. */
void session_tell_gone(struct session *session);
/** What was kept of the request goes back. */
void session_forget_kept(struct session *session);

// ---- a body in pieces (session_stream.c)

/** The request is handed over, its body left where it is. */
void stream_begin(struct session *session, const struct http_head *head, bool is_body_here);
/** What has come is offered to the app, or its wait is given up. True when that was the end of the request: what follows is another's. */
bool stream_settle(struct session *session);
/** True when more is left of its body than is worth reading for an answer's connection to go on. */
bool stream_is_unread_long(const struct session *session);
/** It has been answered, or its body has ended: what is not the app's is input again. */
void stream_end(struct session *session);
/** For what has come, or is waited for no more. */
void session_set_pause(struct session *session);
void session_set_deadline(struct session *session);

/** The app has the request, or is being asked about it. */
static inline bool session_is_answerable(const struct session *session) {
    return session->state == SESSION_BUSY || session->state == SESSION_ASKING || session->state == SESSION_STREAM;
}
/** True when the answer that is begun now is this connection's last. */
bool session_is_last_answer(const struct session *session);
/** A body is neither announced nor sent (RFC 9110, sections 15.3.5 and 15.4.5). */
static inline bool status_has_no_body(unsigned status) {
    return status < 200 || status == 204 || status == 304;
}
/** A 503 in the place of an answer of which nothing is committed. */
void answer_give_up(struct session *session);
/** The answer to the request in hand is written. */
void session_on_answered(struct session *session);
/** What was written still leaves; nothing more is read. */
void session_shut(struct session *session);

#endif
