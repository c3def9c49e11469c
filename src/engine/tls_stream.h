// tls_stream.h — the bytes of a TLS session on a ring: the ring says when its socket is ready, OpenSSL reads and writes it.
//
// Whoever made the session has shaken hands and verified the other side; here it only talks. The process ignores SIGPIPE. What one
// direction wants, the other may have to bring: a session that must read before it can write (new keys, a renegotiation of TLS 1.2) writes
// on when its reading has come further, and no second poll waits for bytes that the first one has taken.
#ifndef ENGINE_TLS_STREAM_H
#define ENGINE_TLS_STREAM_H

#include "base/buffer.h"
#include "engine/ring.h"

struct ssl_st; // OpenSSL's SSL
struct tls_stream;

struct tls_stream_events {
    /** Bytes came; it may stop the stream. */
    void (*received)(struct tls_stream *stream, const char *data, size_t bytes);
    /** All of the buffer has gone. */
    void (*sent)(struct tls_stream *stream);
    /** It is over, and stopped: 0 where the other side has said so, else a negative errno; tls_stream_why() has words for it. */
    void (*lost)(struct tls_stream *stream, int error);
    /** An operation of a stopped stream has come back. */
    void (*idle)(struct tls_stream *stream);
};

/** Embedded in whoever talks; zeroed, it is a stopped one. Session and socket are the owner's, and outlive what is in flight. */
struct tls_stream {
    struct ring *ring;
    struct ssl_st *session;
    int fd;
    const struct tls_stream_events *events;
    struct op read_op, write_op;
    struct buffer *leaving; // NULL: nothing is being sent
    bool is_open;
    bool awaits_reading; // what is leaving goes on when something was read
    const char *why;
};

/**
 * Reads from now on; what the session has read ahead is received during the call. The socket no longer blocks. 0, or as lost() has it, but
 * -ECONNRESET for a session that has ended, and the stream is stopped.
 */
int tls_stream_start(struct tls_stream *stream, struct ring *ring, int fd, struct ssl_st *session, const struct tls_stream_events *events);
/** Sends all of the buffer, which is the stream's until sent(), or it is stopped. sent() and lost() may run during the call. */
void tls_stream_send(struct tls_stream *stream, struct buffer *buffer);
/** Nothing is received or sent any more. What is in flight comes back once the socket is shut down. */
void tls_stream_stop(struct tls_stream *stream);
/** Says that nothing more will come (close_notify), if that can leave at once. Before it is stopped; harmless afterwards. */
void tls_stream_say_end(struct tls_stream *stream);
/** What has gone wrong with this stream, in words that last as long as the program. */
const char *tls_stream_why(const struct tls_stream *stream);

/** Why a call of OpenSSL's on this session has failed: the verification's words, or the library's own; they last as long as the program. */
const char *tls_failure(const struct ssl_st *session);

static inline bool tls_stream_is_busy(const struct tls_stream *stream) {
    return op_is_in_flight(&stream->read_op) || op_is_in_flight(&stream->write_op);
}

#endif
