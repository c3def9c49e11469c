// redis_transport.c — a link's bytes, by the ring alone or through TLS.
#include "cache/redis_transport.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

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

// ---- through TLS

static struct redis_link *link_of(struct tls_stream *stream) {
    return container_of(stream, struct redis_link, tls);
}

static void tls_received(struct tls_stream *stream, const char *data, size_t bytes) {
    redis_link_received(link_of(stream), data, bytes);
}

static void tls_sent(struct tls_stream *stream) {
    redis_link_sent(link_of(stream));
}

static void tls_lost(struct tls_stream *stream, int error) {
    (void)error;
    redis_link_close(link_of(stream), tls_stream_why(stream));
}

static void tls_idle(struct tls_stream *stream) {
    redis_link_reap(link_of(stream));
}

static const struct tls_stream_events tls_events = {tls_received, tls_sent, tls_lost, tls_idle};

// ----

int redis_transport_start(struct redis_link *link) {
    int fd = link->socket.fd;
    if (link->socket.tls)
        return tls_stream_start(&link->tls, link->core->ring, fd, link->socket.tls, &tls_events);
    link->recv_op = (struct op){.done = on_recv};
    link->send_op = (struct op){.done = on_sent};
    ring_recv(link->core->ring, &link->recv_op, fd);
    return 0;
}

void redis_transport_send(struct redis_link *link) {
    if (link->socket.tls)
        tls_stream_send(&link->tls, leaving(link));
    else
        send_rest(link);
}

void redis_transport_stop(struct redis_link *link) {
    tls_stream_say_end(&link->tls);
    tls_stream_stop(&link->tls);
    shutdown(link->socket.fd, SHUT_RDWR); // its operations come back
}

bool redis_transport_is_busy(const struct redis_link *link) {
    return op_is_in_flight(&link->recv_op) || op_is_in_flight(&link->send_op) || tls_stream_is_busy(&link->tls);
}
