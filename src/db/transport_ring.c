// transport_ring.c — a link's bytes by the ring: a multishot recv into provided buffers, one send at a time from two buffers.
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "db/state.h"

static void on_recv(struct op *op, int result) {
    struct db_link *link = container_of(op, struct db_link, recv_op);
    struct ring *ring = link->db->core->ring;
    if (result > 0 && link_is_up(link))
        link_received(link, ring_buffer(ring, op), (size_t)result);
    if (op->has_buffer)
        ring_give_back(ring, op);
    if (op->more)
        return;
    if (!link_is_up(link))
        link_reap(link);
    else if (result > 0 || result == -ENOBUFS) // the multishot ended, the stream did not
        ring_recv(ring, op, link->fd);
    else
        link_close(link, result ? result : -ECONNRESET);
}

static void send_rest(struct db_link *link) {
    struct buffer *buffer = &link->output[!link->filling];
    ring_send(link->db->core->ring, &link->send_op, link->fd, buffer_head(buffer), buffer_bytes(buffer));
}

static void on_send(struct op *op, int result) {
    struct db_link *link = container_of(op, struct db_link, send_op);
    struct buffer *buffer = &link->output[!link->filling];
    if (!link_is_up(link)) {
        link_reap(link);
        return;
    }
    if (result <= 0) {
        link_close(link, result ? result : -EPIPE);
        return;
    }
    buffer_consume(buffer, (size_t)result);
    if (buffer_bytes(buffer)) {
        send_rest(link);
        return;
    }
    link->is_sending = false;
    link_sent(link);
}

// libpq's sockets don't block, and the ring would then not wait: it gives -EAGAIN instead.
static int start(struct db_link *link) {
    int flags = fcntl(link->fd, F_GETFL);
    if (flags < 0 || fcntl(link->fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
        return -errno;
    link->recv_op = (struct op){.done = on_recv};
    link->send_op = (struct op){.done = on_send};
    ring_recv(link->db->core->ring, &link->recv_op, link->fd);
    return 0;
}

static void flush(struct db_link *link) {
    if (link->is_sending || !buffer_bytes(&link->output[link->filling]))
        return;
    link->filling = !link->filling;
    link->is_sending = true;
    link->unsent = NULL;
    link->db->flush_count++;
    send_rest(link);
}

static void say_goodbye(struct db_link *link) {
    ssize_t ignored = send(link->fd, wire_terminate, sizeof wire_terminate, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)ignored;
}

const struct transport transport_ring = {start, flush, say_goodbye};
