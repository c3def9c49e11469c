// tls_stream.c — the bytes of a TLS session on a ring: the ring says when its socket is ready, OpenSSL reads and writes it.
#include "engine/tls_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/list.h"

enum { RECORD_BYTES_MAX = 16 * 1024, READS_A_TURN_MAX = 64 };

// ---- words

const char *tls_failure(const SSL *session) {
    long verified = session ? SSL_get_verify_result(session) : X509_V_OK;
    if (verified != X509_V_OK)
        return X509_verify_cert_error_string(verified);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "the other side speaks no TLS";
}

const char *tls_stream_why(const struct tls_stream *stream) {
    return stream->why ? stream->why : "the connection has ended";
}

// Ends it, and returns the error.
static int fail(struct tls_stream *stream, int error, const char *why) {
    stream->is_open = false;
    stream->leaving = NULL;
    stream->why = why;
    return error;
}

// Without close_notify the end may be an attacker's, or a process' that was killed.
static int fail_of_system(struct tls_stream *stream, int error) {
    error = error ? error : ECONNRESET;
    return fail(stream, -error, strerrordesc_np(error));
}

static int fail_of_session(struct tls_stream *stream) {
    bool is_cut_off = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    return fail(stream, is_cut_off ? -ECONNRESET : -EPROTO, is_cut_off ? "the connection was cut" : tls_failure(NULL));
}

// ---- what the session wants

// Events of a poll, above 0; or it is over, which is told by `ret_error`: 0, or a negative errno.
static int wanted(struct tls_stream *stream, int result, int *ret_error) {
    int system_error = errno;
    switch (SSL_get_error(stream->session, result)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    case SSL_ERROR_ZERO_RETURN:
        *ret_error = fail(stream, 0, "the other side has ended the session");
        return 0;
    case SSL_ERROR_SYSCALL:
        *ret_error = fail_of_system(stream, system_error);
        return 0;
    default:
        *ret_error = fail_of_session(stream);
        return 0;
    }
}

static void poll_for(struct tls_stream *stream, struct op *op, int events) {
    ring_poll(stream->ring, op, stream->fd, (unsigned)events);
}

// ---- in

// Until the session has nothing more. 0 while it is open.
static int read_all(struct tls_stream *stream, int *ret_error) {
    char data[RECORD_BYTES_MAX];
    for (unsigned i = 0; i < READS_A_TURN_MAX && stream->is_open; i++) {
        ERR_clear_error();
        int bytes = SSL_read(stream->session, data, sizeof data);
        if (bytes <= 0) {
            int events = wanted(stream, bytes, ret_error);
            if (events)
                poll_for(stream, &stream->read_op, events);
            return events ? 0 : -1;
        }
        stream->events->received(stream, data, (size_t)bytes);
    }
    if (stream->is_open) // others have their turn; POLLOUT is there at once
        poll_for(stream, &stream->read_op, POLLIN | POLLOUT);
    return 0;
}

// ---- out

// All of the buffer, or as far as it goes. 0 while it is open.
static int write_all(struct tls_stream *stream, int *ret_error) {
    struct buffer *buffer = stream->leaving;
    while (buffer_bytes(buffer)) {
        ERR_clear_error();
        size_t bytes = buffer_bytes(buffer) < INT32_MAX ? buffer_bytes(buffer) : INT32_MAX;
        int written = SSL_write(stream->session, buffer_head(buffer), (int)bytes);
        if (written <= 0) {
            int events = wanted(stream, written, ret_error);
            stream->awaits_reading = events == POLLIN;
            if (events == POLLOUT)
                poll_for(stream, &stream->write_op, events);
            return events ? 0 : -1;
        }
        buffer_consume(buffer, (size_t)written);
    }
    stream->leaving = NULL;
    stream->events->sent(stream);
    return 0;
}

static void write_on(struct tls_stream *stream) {
    int error = 0;
    stream->awaits_reading = false;
    if (write_all(stream, &error))
        stream->events->lost(stream, error);
}

// ---- the ring's word

static void on_writable(struct op *op, int result) {
    struct tls_stream *stream = container_of(op, struct tls_stream, write_op);
    if (!stream->is_open)
        stream->events->idle(stream);
    else if (result < 0)
        stream->events->lost(stream, fail_of_system(stream, -result));
    else
        write_on(stream);
}

static void on_readable(struct op *op, int result) {
    struct tls_stream *stream = container_of(op, struct tls_stream, read_op);
    int error = 0;
    if (!stream->is_open)
        stream->events->idle(stream);
    else if (result < 0)
        stream->events->lost(stream, fail_of_system(stream, -result));
    else if (read_all(stream, &error))
        stream->events->lost(stream, error);
    else if (stream->is_open && stream->awaits_reading)
        write_on(stream);
}

// ---- begun and ended

int tls_stream_start(struct tls_stream *stream, struct ring *ring, int fd, SSL *session, const struct tls_stream_events *events) {
    *stream = (struct tls_stream){.ring = ring, .session = session, .fd = fd, .events = events};
    stream->read_op = (struct op){.done = on_readable};
    stream->write_op = (struct op){.done = on_writable};
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return fail_of_system(stream, errno);
    SSL_set_mode(session, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    stream->is_open = true;
    int error = 0;
    return read_all(stream, &error) ? (error ? error : -ECONNRESET) : 0;
}

void tls_stream_send(struct tls_stream *stream, struct buffer *buffer) {
    if (!stream->is_open)
        return;
    stream->leaving = buffer;
    write_on(stream);
}

void tls_stream_stop(struct tls_stream *stream) {
    stream->is_open = false;
    stream->leaving = NULL;
}

void tls_stream_say_end(struct tls_stream *stream) {
    if (!stream->is_open || stream->leaving)
        return;
    ERR_clear_error();
    SSL_shutdown(stream->session);
    ERR_clear_error();
}
