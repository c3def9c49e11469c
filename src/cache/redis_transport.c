// redis_transport.c — a link's bytes, by the ring alone or through TLS.
#include "cache/redis_transport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include <openssl/err.h>

enum { RECORD_BYTES_MAX = 16 * 1024, READS_A_TURN_MAX = 64 };

static struct buffer *leaving(struct redis_link *link) {
    return &link->output[!link->filling];
}

static bool is_up(const struct redis_link *link) {
    return link->state == REDIS_UP;
}

static void lose(struct redis_link *link, int error) {
    redis_link_close(link, error ? strerror(-error) : "the connection has ended");
}

// ---- by the ring

static void on_recv(struct op *op, int result) {
    struct redis_link *link = container_of(op, struct redis_link, recv_op);
    struct ring *ring = link->core->ring;
    if (result > 0 && is_up(link))
        redis_link_received(link, ring_buffer(ring, op), (size_t)result);
    if (op->has_buffer)
        ring_give_back(ring, op);
    if (op->more)
        return;
    if (!is_up(link))
        redis_link_reap(link);
    else if (result > 0 || result == -ENOBUFS) // the multishot ended, the stream did not
        ring_recv(ring, op, link->socket.fd);
    else
        lose(link, result);
}

static void send_rest(struct redis_link *link) {
    ring_send(link->core->ring, &link->send_op, link->socket.fd, buffer_head(leaving(link)), buffer_bytes(leaving(link)));
}

static void on_sent(struct op *op, int result) {
    struct redis_link *link = container_of(op, struct redis_link, send_op);
    if (!is_up(link))
        return redis_link_reap(link);
    if (result <= 0)
        return lose(link, result);
    buffer_consume(leaving(link), (size_t)result);
    if (buffer_bytes(leaving(link)))
        send_rest(link);
    else
        redis_link_sent(link);
}

// ---- through TLS: the ring says when the socket is ready

static int wanted(SSL *tls, int result) {
    switch (SSL_get_error(tls, result)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    case SSL_ERROR_ZERO_RETURN:
        return -ECONNRESET;
    }
    return -EIO;
}

static void poll_for(struct redis_link *link, struct op *op, int events) {
    ring_poll(link->core->ring, op, link->socket.fd, (unsigned)events);
}

// Until the session has nothing more. 0 or a negative errno.
static int read_all(struct redis_link *link) {
    char data[RECORD_BYTES_MAX];
    for (unsigned i = 0; i < READS_A_TURN_MAX && is_up(link); i++) {
        ERR_clear_error();
        int bytes = SSL_read(link->socket.tls, data, sizeof data);
        if (bytes <= 0) {
            int events = wanted(link->socket.tls, bytes);
            if (events > 0)
                poll_for(link, &link->recv_op, events);
            return events < 0 ? events : 0;
        }
        redis_link_received(link, data, (size_t)bytes);
    }
    if (is_up(link)) // others have their turn; POLLOUT is there at once
        poll_for(link, &link->recv_op, POLLIN | POLLOUT);
    return 0;
}

static void on_readable(struct op *op, int result) {
    struct redis_link *link = container_of(op, struct redis_link, recv_op);
    if (!is_up(link))
        return redis_link_reap(link);
    int error = result < 0 ? result : read_all(link);
    if (error && is_up(link))
        lose(link, error);
}

static int write_all(struct redis_link *link) {
    while (buffer_bytes(leaving(link))) {
        ERR_clear_error();
        size_t bytes = buffer_bytes(leaving(link)) < INT32_MAX ? buffer_bytes(leaving(link)) : INT32_MAX;
        int written = SSL_write(link->socket.tls, buffer_head(leaving(link)), (int)bytes);
        if (written <= 0) {
            int events = wanted(link->socket.tls, written);
            if (events > 0)
                poll_for(link, &link->send_op, events);
            return events < 0 ? events : 0;
        }
        buffer_consume(leaving(link), (size_t)written);
    }
    redis_link_sent(link);
    return 0;
}

static void on_writable(struct op *op, int result) {
    struct redis_link *link = container_of(op, struct redis_link, send_op);
    if (!is_up(link))
        return redis_link_reap(link);
    int error = result < 0 ? result : write_all(link);
    if (error)
        lose(link, error);
}

// ----

int redis_transport_start(struct redis_link *link) {
    int fd = link->socket.fd;
    if (!link->socket.tls) {
        link->recv_op = (struct op){.done = on_recv};
        link->send_op = (struct op){.done = on_sent};
        ring_recv(link->core->ring, &link->recv_op, fd);
        return 0;
    }
    link->recv_op = (struct op){.done = on_readable};
    link->send_op = (struct op){.done = on_writable};
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        return -errno;
    SSL_set_mode(link->socket.tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return read_all(link);
}

void redis_transport_send(struct redis_link *link) {
    if (!link->socket.tls)
        return send_rest(link);
    int error = write_all(link);
    if (error)
        lose(link, error);
}
