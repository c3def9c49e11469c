// transport_tls.c — a link's bytes through libpq's own TLS session: the ring says when the socket is ready, OpenSSL reads and writes it.
#include <errno.h>
#include <poll.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "db/state.h"

enum { RECORD_BYTES_MAX = 16 * 1024, READS_A_TURN_MAX = 64 };

static SSL *session(struct db_link *link) {
    return PQsslStruct(link->conn, "OpenSSL");
}

// What the session wants next: a poll's events, or a negative errno when it is over.
static int wanted(SSL *ssl, int result) {
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    case SSL_ERROR_ZERO_RETURN:
        return -ECONNRESET;
    }
    return -EIO;
}

static void poll_for(struct db_link *link, struct op *op, int events) {
    ring_poll(link->db->core->ring, op, link->fd, (unsigned)events);
}

// Until the session has nothing more. 0, or a negative errno.
static int read_all(struct db_link *link) {
    char data[RECORD_BYTES_MAX];
    for (unsigned i = 0; i < READS_A_TURN_MAX && link_is_up(link); i++) {
        ERR_clear_error();
        int bytes = SSL_read(session(link), data, sizeof data);
        if (bytes <= 0) {
            int events = wanted(session(link), bytes);
            if (events > 0)
                poll_for(link, &link->recv_op, events);
            return events < 0 ? events : 0;
        }
        link_received(link, data, (size_t)bytes);
    }
    if (link_is_up(link)) // others have their turn; POLLOUT is there at once
        poll_for(link, &link->recv_op, POLLIN | POLLOUT);
    return 0;
}

static void on_readable(struct op *op, int result) {
    struct db_link *link = container_of(op, struct db_link, recv_op);
    if (!link_is_up(link)) {
        link_reap(link);
        return;
    }
    int error = result < 0 ? result : read_all(link);
    if (error && link_is_up(link))
        link_close(link, error);
}

// All of the buffer being sent, or as far as it goes. 0, or a negative errno.
static int write_all(struct db_link *link) {
    struct buffer *buffer = &link->output[!link->filling];
    while (buffer_bytes(buffer)) {
        ERR_clear_error();
        size_t bytes = buffer_bytes(buffer) < INT32_MAX ? buffer_bytes(buffer) : INT32_MAX;
        int written = SSL_write(session(link), buffer_head(buffer), (int)bytes);
        if (written <= 0) {
            int events = wanted(session(link), written);
            if (events > 0)
                poll_for(link, &link->send_op, events);
            return events < 0 ? events : 0;
        }
        buffer_consume(buffer, (size_t)written);
    }
    link->is_sending = false;
    link_sent(link);
    return 0;
}

static void on_writable(struct op *op, int result) {
    struct db_link *link = container_of(op, struct db_link, send_op);
    if (!link_is_up(link)) {
        link_reap(link);
        return;
    }
    int error = result < 0 ? result : write_all(link);
    if (error)
        link_close(link, error);
}

// What libpq has read ahead is in the session already: the socket may never become readable for it.
static int start(struct db_link *link) {
    link->recv_op = (struct op){.done = on_readable};
    link->send_op = (struct op){.done = on_writable};
    return read_all(link);
}

static void flush(struct db_link *link) {
    if (link->is_sending || !buffer_bytes(&link->output[link->filling]))
        return;
    link->filling = !link->filling;
    link->is_sending = true;
    link->unsent = NULL;
    link->db->flush_count++;
    int error = write_all(link);
    if (error)
        link_close(link, error);
}

static void say_goodbye(struct db_link *link) {
    ERR_clear_error();
    SSL_write(session(link), wire_terminate, sizeof wire_terminate);
}

const struct transport transport_tls = {start, flush, say_goodbye};
