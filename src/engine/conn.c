// conn.c — one client's TCP connection: bytes in by a multishot recv, bytes out by one send at a time.
//
// Two operations at most belong to the kernel: the recv and the send. Cancel and close are fire and forget: they name a descriptor and hold
// no memory of ours. What a connection wants is recomputed where something has changed (conn_read(), settle()) instead of being
// remembered in flags that could disagree.
#include <assert.h>
#include <errno.h>
#include <linux/tcp.h> // glibc's tcp_info ends before tcpi_bytes_acked
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/conn_state.h"

enum {
    LINGER_MS = 5000,             // how long a client may go on sending after our last byte
    DROPPED_BYTES_MAX = 16 << 20, // ... and how much
    STALL_CHECKS = 4,             // how often within write_stall_ms a send is looked at
    CLOSED_STATE = 7,             // TCP_CLOSE of the kernel's net/tcp_states.h, which glibc's header tells and cannot stand beside its own
};
static const uint64_t ACKED_UNKNOWN = UINT64_MAX;

static struct ring *ring_of(const struct conn *conn) {
    return conn->listener->core->ring;
}

static int64_t now_ms(const struct conn *conn) {
    return core_now_ms(conn->listener->core);
}

static void settle_later(struct conn *conn) {
    core_defer(conn->listener->core, &conn->settle);
}

// ---- deadlines

// A timer that is armed too early costs one look; moving it at every request would cost two cache misses each.
static void schedule(struct conn *conn) {
    int64_t due_ms = conn->deadline_ms;
    if (conn->limit_ms && (!due_ms || conn->limit_ms < due_ms))
        due_ms = conn->limit_ms;
    if (due_ms && (!timer_is_armed(&conn->timer) || due_ms < conn->timer.due_ms))
        wheel_arm(&conn->listener->core->wheel, &conn->timer, due_ms);
}

static bool ask_kernel(const struct conn *conn, struct tcp_info *ret_info) {
    socklen_t bytes = sizeof *ret_info;
    return getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, ret_info, &bytes) == 0;
}

static uint64_t acked_bytes(const struct conn *conn) {
    struct tcp_info info = {0};
    return ask_kernel(conn, &info) ? info.tcpi_bytes_acked : ACKED_UNKNOWN;
}

static int64_t stall_check_ms(const struct conn *conn) {
    return now_ms(conn) + (conn->listener->options.write_stall_ms + STALL_CHECKS - 1) / STALL_CHECKS;
}

// The send is not over: does the client at least acknowledge some of it?
static void check_stall(struct conn *conn) {
    uint64_t acked = acked_bytes(conn);
    if (acked != conn->acked_bytes) {
        conn->acked_bytes = acked;
        conn->progress_ms = now_ms(conn);
    } else if (now_ms(conn) - conn->progress_ms >= conn->listener->options.write_stall_ms) {
        conn_kill(conn);
        return;
    }
    conn->limit_ms = stall_check_ms(conn);
}

static void limit_passed(struct conn *conn) {
    conn->limit_ms = 0;
    if (conn->phase == CONN_LINGERING)
        conn_kill(conn);
    else if (op_is_in_flight(&conn->send))
        check_stall(conn);
}

static void on_timer(struct timer *timer) {
    struct conn *conn = container_of(timer, struct conn, timer);
    if (conn->limit_ms && conn->limit_ms <= now_ms(conn))
        limit_passed(conn);
    if (conn->phase == CONN_OPEN && conn->deadline_ms && conn->deadline_ms <= now_ms(conn)) {
        conn->deadline_ms = 0;
        conn->protocol->on_deadline(conn);
    }
    if (conn->phase != CONN_DEAD)
        schedule(conn);
}

// ---- input

static bool wants_input(const struct conn *conn) {
    switch (conn->phase) {
    case CONN_OPEN:
        return !conn->is_paused && !conn->is_ended && !conn_output_is_full(conn);
    case CONN_CLOSING:
    case CONN_LINGERING:
        return !conn->is_ended && conn->dropped_bytes <= DROPPED_BYTES_MAX;
    default:
        return false;
    }
}

// Asks for input, or asks that it end, as the state of the connection has it.
void conn_read(struct conn *conn) {
    bool is_asked = op_is_in_flight(&conn->recv);
    if (wants_input(conn) == is_asked)
        return;
    if (is_asked) {
        if (!conn->is_recv_cancelled)
            ring_cancel(ring_of(conn), NULL, &conn->recv);
        conn->is_recv_cancelled = true;
    } else if (list_is_empty(&conn->starved)) {
        conn->is_recv_cancelled = false;
        ring_recv(ring_of(conn), &conn->recv, conn->fd);
    }
}

static void received(struct conn *conn, size_t bytes) {
    if (conn->phase == CONN_OPEN) {
        conn->protocol->on_data(conn, ring_buffer(ring_of(conn), &conn->recv), bytes);
        return;
    }
    conn->dropped_bytes += bytes;
    if (conn->phase == CONN_LINGERING && conn->dropped_bytes > DROPPED_BYTES_MAX)
        conn_kill(conn);
}

static void input_ended(struct conn *conn) {
    conn->is_ended = true;
    if (conn->phase == CONN_OPEN)
        conn->protocol->on_end(conn);
    else if (conn->phase == CONN_LINGERING)
        conn_kill(conn);
}

static void input_failed(struct conn *conn, int error) {
    switch (error) {
    case -ECANCELED: // by conn_read(), or by conn_kill()
    case -EINTR:
        return;
    case -ENOBUFS:
    case -EAGAIN:
    case -ENOMEM:
        if (conn->phase != CONN_DEAD)
            listener_starve(conn->listener, conn);
        return;
    default: // the peer has vanished
        conn_kill(conn);
    }
}

static void on_recv(struct op *op, int result) {
    struct conn *conn = container_of(op, struct conn, recv);
    if (result > 0)
        received(conn, (size_t)result);
    else if (result == 0)
        input_ended(conn);
    else
        input_failed(conn, result);
    if (op->has_buffer)
        ring_give_back(ring_of(conn), op);
    if (conn->phase == CONN_DEAD && !op->more)
        settle_later(conn);
    else
        conn_read(conn);
}

// ---- output

static void send_flying(struct conn *conn) {
    struct output *output = conn->flying;
    ring_send(ring_of(conn), &conn->send, conn->fd, output->data + output->start, output_bytes(output));
    conn->progress_ms = now_ms(conn);
    conn->acked_bytes = ACKED_UNKNOWN;
    conn->limit_ms = stall_check_ms(conn);
    schedule(conn);
}

static void all_sent(struct conn *conn) {
    conn->limit_ms = 0;
    if (conn->phase == CONN_OPEN)
        conn->protocol->on_drained(conn);
    else if (conn->phase == CONN_CLOSING)
        settle_later(conn);
}

static void sent(struct conn *conn, size_t bytes) {
    conn->flying->start += bytes;
    if (output_bytes(conn->flying) > 0) { // an error cut it short; the rest will tell which
        send_flying(conn);
        return;
    }
    output_give_back(&conn->listener->outputs, conn->flying);
    conn->flying = NULL;
    if (output_bytes(conn->filling) > 0)
        settle_later(conn);
    else
        all_sent(conn);
    conn_read(conn); // it may have stopped for a full output
}

static void on_send(struct op *op, int result) {
    struct conn *conn = container_of(op, struct conn, send);
    if (conn->phase == CONN_DEAD)
        settle_later(conn);
    else if (result > 0)
        sent(conn, (size_t)result);
    else
        conn_kill(conn);
}

char *conn_extend(struct conn *conn, size_t used, size_t bytes) {
    struct output *output = output_grow(&conn->listener->outputs, conn->filling, used, bytes);
    if (!output)
        return NULL;
    conn->filling = output;
    settle_later(conn); // also gives back what was reserved and not used
    return output->data + output->end + used;
}

char *conn_reserve(struct conn *conn, size_t bytes) {
    struct output *output = conn->filling;
    bool is_begun = output && output->capacity - output->end >= bytes && !list_is_empty(&conn->settle.node);
    return is_begun ? output->data + output->end : conn_extend(conn, 0, bytes);
}

void conn_commit(struct conn *conn, size_t bytes) {
    assert(bytes <= conn->filling->capacity - conn->filling->end);
    conn->filling->end += bytes;
}

int conn_write(struct conn *conn, const void *data, size_t bytes) {
    char *room = conn_reserve(conn, bytes);
    if (!room)
        return -ENOMEM;
    memcpy(room, data, bytes);
    conn_commit(conn, bytes);
    return 0;
}

size_t conn_output_bytes(const struct conn *conn) {
    return output_bytes(conn->filling) + output_bytes(conn->flying);
}

bool conn_output_is_full(const struct conn *conn) {
    return conn_output_bytes(conn) >= conn->listener->options.output_bytes_max;
}

// ---- closing

// The client reads the answer even if it is still sending: closing now would answer its bytes with a reset that overtakes ours.
static void linger(struct conn *conn) {
    if (conn->is_ended || shutdown(conn->fd, SHUT_WR) < 0) {
        conn_kill(conn);
        return;
    }
    conn->phase = CONN_LINGERING;
    conn->limit_ms = now_ms(conn) + LINGER_MS;
    schedule(conn);
    conn_read(conn);
}

static void release_when_free(struct conn *conn) {
    if (!op_is_in_flight(&conn->recv) && !op_is_in_flight(&conn->send))
        listener_release(conn->listener, conn);
}

static void settle_output(struct conn *conn) {
    if (op_is_in_flight(&conn->send))
        return;
    if (output_bytes(conn->filling) > 0) {
        conn->flying = conn->filling;
        conn->filling = NULL;
        send_flying(conn);
        conn_read(conn); // it stops here when too much is leaving
        return;
    }
    output_give_back(&conn->listener->outputs, conn->filling);
    conn->filling = NULL;
    if (conn->phase == CONN_CLOSING)
        linger(conn);
}

static void settle(struct deferred *deferred) {
    struct conn *conn = container_of(deferred, struct conn, settle);
    if (conn->phase == CONN_DEAD)
        release_when_free(conn);
    else
        settle_output(conn);
}

// Nothing more is done for a client that does not take what it asked for: a reset frees the kernel's memory as well.
static void reset_if_unsent(const struct conn *conn) {
    if (conn_output_bytes(conn) == 0)
        return;
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

// Closes now. The memory stays until the kernel has given back what it holds of it, and the caller has returned.
void conn_kill(struct conn *conn) {
    if (conn->phase == CONN_DEAD)
        return;
    reset_if_unsent(conn);
    conn->phase = CONN_DEAD;
    wheel_disarm(&conn->listener->core->wheel, &conn->timer);
    list_remove(&conn->starved);
    if (op_is_in_flight(&conn->recv) || op_is_in_flight(&conn->send))
        ring_cancel_fd(ring_of(conn), NULL, conn->fd);
    ring_close(ring_of(conn), NULL, conn->fd);
    conn->fd = -1;
    settle_later(conn);
}

void conn_close(struct conn *conn) {
    if (conn->phase != CONN_OPEN)
        return;
    conn->phase = CONN_CLOSING;
    conn->deadline_ms = 0;
    settle_later(conn);
}

bool conn_is_reset(const struct conn *conn) {
    struct tcp_info info = {0};
    return conn->fd >= 0 && ask_kernel(conn, &info) && info.tcpi_state == CLOSED_STATE;
}

void conn_abort(struct conn *conn) {
    conn_kill(conn);
}

// ---- the rest of the protocol's view

void conn_begin(struct conn *conn) {
    conn->recv.done = on_recv;
    conn->send.done = on_send;
    deferred_init(&conn->settle, settle);
    timer_init(&conn->timer, on_timer);
    conn->phase = CONN_OPEN;
    if (conn->protocol->on_open(conn) < 0) {
        conn_kill(conn);
        return;
    }
    conn->is_known = true;
    conn_read(conn);
}

void conn_pause(struct conn *conn) {
    conn->is_paused = true;
    conn_read(conn);
}

void conn_resume(struct conn *conn) {
    conn->is_paused = false;
    conn_read(conn);
}

void conn_set_deadline(struct conn *conn, int64_t due_ms) {
    if (conn->phase != CONN_OPEN)
        return;
    conn->deadline_ms = due_ms;
    schedule(conn);
}

struct core *conn_core(const struct conn *conn) {
    return conn->listener->core;
}

void *conn_user(struct conn *conn) {
    return conn->user;
}

struct conn *conn_of_user(void *user) {
    return container_of(user, struct conn, user);
}
