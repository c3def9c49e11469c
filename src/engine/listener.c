// listener.c — one core's listening socket, and the connections that came by it.
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/conn_state.h"

enum { ACCEPT_PAUSE_MS = 100, LAST_ACCEPTS_MAX = 4096 };

const struct listener_options listener_options_default = {
    .host = "127.0.0.1",
    .port = 8000,
    .backlog = 4096,
    .conn_count_max = 10000,
    .output_bytes_max = 65536,
    .large_output_bytes_max = 256 << 20,
    .write_stall_ms = 30000,
};

// ---- the socket

static int parse_address(const struct listener_options *options, struct sockaddr_storage *ret_address, socklen_t *ret_bytes) {
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    if (inet_pton(AF_INET, options->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(options->port);
        *ret_bytes = sizeof *v4;
    } else if (inet_pton(AF_INET6, options->host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(options->port);
        *ret_bytes = sizeof *v6;
    } else {
        return -EINVAL;
    }
    *ret_address = address;
    return 0;
}

// TCP_NODELAY is inherited by what is accepted, so that no connection needs a system call of its own for it.
static int set_options(int fd, int family) {
    static const int on = 1, off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        return -errno;
    if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0)
        return -errno;
    return 0;
}

int listener_bind(const struct listener_options *options, int *ret_fd) {
    struct sockaddr_storage address;
    socklen_t bytes;
    int error = parse_address(options, &address, &bytes);
    if (error < 0)
        return error;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    error = set_options(fd, address.ss_family);
    if (error == 0 && (bind(fd, (struct sockaddr *)&address, bytes) < 0 || listen(fd, options->backlog) < 0))
        error = -errno;
    if (error < 0) {
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

uint16_t listener_port(int fd) {
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &bytes) < 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port : ((struct sockaddr_in *)&address)->sin_port);
}

// ---- connections come and go

static struct conn *conn_take(struct listener *listener) {
    size_t bytes = sizeof(struct conn) + listener->options.user_bytes;
    struct list *node = list_pop(&listener->free);
    struct conn *conn = node ? container_of(node, struct conn, node) : aligned_alloc(16, (bytes + 15) & ~(size_t)15);
    if (!conn)
        return NULL;
    memset(conn, 0, bytes);
    list_init(&conn->node);
    list_init(&conn->starved);
    conn->listener = listener;
    conn->protocol = listener->options.protocol;
    return conn;
}

static bool is_full(const struct listener *listener) {
    return listener->conn_count >= listener->options.conn_count_max;
}

static void open_conn(struct listener *listener, struct conn *conn) {
    listener->conn_count++;
    list_push(&listener->open, &conn->node);
    conn_begin(conn);
    if (listener->is_draining && conn->phase == CONN_OPEN)
        conn->protocol->on_drain(conn);
}

// Accepts while there is room, and not while there is none: the clients then wait in the backlog.
static void accept_on(struct listener *listener) {
    bool is_wanted = !listener->is_draining && !is_full(listener) && !timer_is_armed(&listener->pause);
    bool is_asked = op_is_in_flight(&listener->accept);
    if (is_wanted == is_asked)
        return;
    if (!is_asked) {
        listener->is_accept_cancelled = false;
        ring_accept(listener->core->ring, &listener->accept, listener->fd);
    } else if (!listener->is_accept_cancelled) {
        listener->is_accept_cancelled = true;
        ring_cancel(listener->core->ring, NULL, &listener->accept);
    }
}

static void accept_pause(struct listener *listener) {
    wheel_arm(&listener->core->wheel, &listener->pause, core_now_ms(listener->core) + ACCEPT_PAUSE_MS);
}

static void on_pause_over(struct timer *timer) {
    accept_on(container_of(timer, struct listener, pause));
}

static void accepted(struct listener *listener, int fd) {
    struct conn *conn = conn_take(listener);
    if (!conn) {
        close(fd);
        accept_pause(listener);
        return;
    }
    conn->fd = fd;
    if (is_full(listener)) // the multishot had taken it before it was told to stop
        list_push(&listener->waiting, &conn->node);
    else
        open_conn(listener, conn);
}

static void accept_failed(struct listener *listener, int error) {
    switch (error) {
    case -ECANCELED:
    case -EINTR:
    case -ECONNABORTED: // the client was gone before it was accepted; accept(2) names the others that say the same
    case -EPROTO:
    case -ENETDOWN:
    case -ENOPROTOOPT:
    case -EHOSTDOWN:
    case -ENONET:
    case -EHOSTUNREACH:
    case -ENETUNREACH:
    case -EPERM:
        return;
    default: // EMFILE, ENFILE, ENOMEM, ENOBUFS: asking again at once would spin
        accept_pause(listener);
    }
}

static void say_farewell(struct listener *listener) {
    if (listener->is_draining && listener->fd < 0 && listener->conn_count == 0 && list_is_empty(&listener->waiting))
        core_defer(listener->core, &listener->farewell);
}

// Clients in the backlog have been answered by the kernel already: they are served, then the socket is closed.
static void close_socket(struct listener *listener) {
    fcntl(listener->fd, F_SETFL, O_NONBLOCK);
    for (unsigned count = 0; count < LAST_ACCEPTS_MAX; count++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            break;
        accepted(listener, fd);
    }
    ring_close(listener->core->ring, NULL, listener->fd);
    listener->fd = -1;
}

static void on_accept(struct op *op, int result) {
    struct listener *listener = container_of(op, struct listener, accept);
    if (result >= 0)
        accepted(listener, result);
    else
        accept_failed(listener, result);
    accept_on(listener);
    if (listener->is_draining && !op->more) {
        close_socket(listener);
        say_farewell(listener);
    }
}

static void on_farewell(struct deferred *deferred) {
    struct listener *listener = container_of(deferred, struct listener, farewell);
    void (*drained)(void *arg) = listener->drained;
    listener->drained = NULL;
    if (drained)
        drained(listener->drained_arg);
}

void listener_release(struct listener *listener, struct conn *conn) {
    if (conn->is_known)
        conn->protocol->on_closed(conn);
    output_give_back(&listener->outputs, conn->filling);
    output_give_back(&listener->outputs, conn->flying);
    deferred_cancel(&conn->settle);
    list_remove(&conn->node);
    list_push_front(&listener->free, &conn->node);
    listener->conn_count--;
    struct list *next = list_pop(&listener->waiting);
    if (next)
        open_conn(listener, container_of(next, struct conn, node));
    accept_on(listener);
    say_farewell(listener);
}

// ---- buffers ran out

void listener_starve(struct listener *listener, struct conn *conn) {
    list_push(&listener->starved, &conn->starved);
    core_defer(listener->core, &listener->feed);
}

static void on_famine_over(struct timer *timer) {
    struct listener *listener = container_of(timer, struct listener, famine);
    core_defer(listener->core, &listener->feed);
}

// As many ask again as there are buffers: the others would only hear -ENOBUFS once more.
static void feed(struct deferred *deferred) {
    struct listener *listener = container_of(deferred, struct listener, feed);
    struct list *node;
    unsigned count = ring_buffers_free(listener->core->ring);
    if (count == 0) {
        wheel_arm(&listener->core->wheel, &listener->famine, core_now_ms(listener->core) + WHEEL_TICK_MS);
        return;
    }
    for (; count > 0 && (node = list_pop(&listener->starved)); count--)
        conn_read(container_of(node, struct conn, starved));
    if (!list_is_empty(&listener->starved))
        core_defer_to_next_turn(listener->core, &listener->feed);
}

// ---- from outside

int listener_start(struct core *core, int fd, const struct listener_options *options, struct listener **ret_listener) {
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return -ENOMEM;
    listener->core = core;
    listener->options = *options;
    listener->fd = fd;
    listener->accept.done = on_accept;
    list_init(&listener->open);
    list_init(&listener->waiting);
    list_init(&listener->free);
    list_init(&listener->starved);
    deferred_init(&listener->feed, feed);
    deferred_init(&listener->farewell, on_farewell);
    timer_init(&listener->pause, on_pause_over);
    timer_init(&listener->famine, on_famine_over);
    output_pool_init(&listener->outputs);
    listener->outputs.large_bytes_max = options->large_output_bytes_max;
    accept_on(listener);
    *ret_listener = listener;
    return 0;
}

void listener_drain(struct listener *listener, void (*drained)(void *arg), void *arg) {
    assert(!listener->is_draining);
    listener->is_draining = true;
    listener->drained = drained;
    listener->drained_arg = arg;
    wheel_disarm(&listener->core->wheel, &listener->pause);
    list_each_safe (node, &listener->open) {
        struct conn *conn = container_of(node, struct conn, node);
        if (conn->phase == CONN_OPEN)
            conn->protocol->on_drain(conn);
    }
    if (op_is_in_flight(&listener->accept)) {
        accept_on(listener); // its last completion closes the socket
    } else {
        close_socket(listener);
        say_farewell(listener);
    }
}

void listener_abort_all(struct listener *listener) {
    struct list *node;
    while ((node = list_pop(&listener->waiting))) {
        close(container_of(node, struct conn, node)->fd);
        list_push_front(&listener->free, node);
    }
    list_each_safe (open, &listener->open)
        conn_kill(container_of(open, struct conn, node));
    say_farewell(listener);
}

void listener_destroy(struct listener *listener) {
    if (!listener)
        return;
    assert(listener->conn_count == 0 && list_is_empty(&listener->waiting) && !op_is_in_flight(&listener->accept));
    wheel_disarm(&listener->core->wheel, &listener->pause);
    wheel_disarm(&listener->core->wheel, &listener->famine);
    deferred_cancel(&listener->feed);
    deferred_cancel(&listener->farewell);
    struct list *node;
    while ((node = list_pop(&listener->free)))
        free(container_of(node, struct conn, node));
    output_pool_finish(&listener->outputs);
    if (listener->fd >= 0)
        close(listener->fd);
    free(listener);
}

unsigned listener_conn_count(const struct listener *listener) {
    return listener->conn_count;
}
