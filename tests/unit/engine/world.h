// world.h — what the engine's tests share: a core on the test's own thread, a listener on a port of the kernel's choice, clients beside it.
//
// Everything runs on one thread: a client writes or reads without blocking, and the core turns until what is expected has come true. No
// test sleeps to wait for a clock; a bound of turns makes a test that waits in vain fail instead of hanging.
#ifndef TESTS_ENGINE_WORLD_H
#define TESTS_ENGINE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/conn.h"

enum { TURNS_MAX = 2000, TURN_MS = 5 };

/** Turns `core` until `condition` holds; fails the test when it does not. */
#define turn_until(core, condition)                                                                                                        \
    do {                                                                                                                                   \
        for (int turn_ = 0; turn_ < TURNS_MAX && !(condition); turn_++)                                                                    \
            assert_int_equal(core_turn(core, TURN_MS), 0);                                                                                 \
        if (!(condition))                                                                                                                  \
            fail_msg("never came true: %s", #condition);                                                                                   \
    } while (0)

static inline void turns(struct core *core, int count) {
    while (count-- > 0)
        assert_int_equal(core_turn(core, 0), 0);
}

static inline int client_try_to_reach(int fd, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return connect(fd, (struct sockaddr *)&address, sizeof address);
}

/** The socket does not block from then on. */
static inline void client_reach(int fd, uint16_t port) {
    assert_int_equal(client_try_to_reach(fd, port), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

/** A client whose connect(2) has been answered. */
static inline int client_connect(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    client_reach(fd, port);
    return fd;
}

static inline void client_send(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/** close(2) that the server sees as a reset. */
static inline void client_reset(int fd) {
    struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

/** What recv(2) says right now, the text in `out`, NUL-terminated; -EAGAIN when there is nothing. */
static inline ssize_t client_recv(int fd, char *out, size_t bytes) {
    ssize_t got = recv(fd, out, bytes - 1, MSG_DONTWAIT);
    out[got > 0 ? got : 0] = 0;
    return got < 0 ? -errno : got;
}

/** Turns until `text` is all that the client has received. */
static inline void client_expect(struct core *core, int fd, const char *text) {
    char got[65536];
    size_t have = 0, want = strlen(text);
    assert_true(want < sizeof got);
    for (int turn = 0; turn < TURNS_MAX && have < want; turn++) {
        ssize_t bytes = client_recv(fd, got + have, sizeof got - have);
        assert_int_not_equal(bytes, 0);
        if (bytes > 0)
            have += (size_t)bytes;
        else
            assert_int_equal(core_turn(core, TURN_MS), 0);
    }
    got[have] = 0;
    assert_string_equal(got, text);
}

/** Turns until the client sees the end of the stream. */
static inline void client_expect_end(struct core *core, int fd) {
    char byte[2];
    ssize_t got = -EAGAIN;
    for (int turn = 0; turn < TURNS_MAX && got == -EAGAIN; turn++) {
        assert_int_equal(core_turn(core, TURN_MS), 0);
        got = client_recv(fd, byte, sizeof byte);
    }
    assert_int_equal(got, 0);
}

/** A core with a listener on it, and what its protocol has seen. Its connections are gone and counted when world_close() returns. */
struct world {
    struct core core;
    struct listener *listener;
    uint16_t port;
    unsigned opened, closed, ended, drained, deadlines, drains;
    size_t received;
    struct conn *last; // the one opened last
    bool is_farewell;
};

static inline struct world *world_of(struct conn *conn) {
    return container_of(conn_core(conn), struct world, core);
}

static inline int world_open_conn(struct conn *conn) {
    world_of(conn)->opened++;
    world_of(conn)->last = conn;
    return 0;
}
static inline void world_echo(struct conn *conn, const char *data, size_t bytes) {
    world_of(conn)->received += bytes;
    assert_int_equal(conn_write(conn, data, bytes), 0);
}
static inline void world_end(struct conn *conn) {
    world_of(conn)->ended++;
    conn_close(conn);
}
static inline void world_drained(struct conn *conn) {
    world_of(conn)->drained++;
}
static inline void world_deadline(struct conn *conn) {
    world_of(conn)->deadlines++;
}
static inline void world_drain(struct conn *conn) {
    world_of(conn)->drains++;
    conn_close(conn);
}
static inline void world_closed(struct conn *conn) {
    world_of(conn)->closed++;
}
/** Sends back what comes; closes when the client ends or the server drains. */
static const struct protocol echo = {world_open_conn, world_echo, world_end, world_drained, world_deadline, world_drain, world_closed};

static inline void world_farewell(void *arg) {
    *(bool *)arg = true;
}

static inline struct listener_options world_listener(const struct protocol *protocol) {
    struct listener_options options = listener_options_default;
    options.port = 0;
    options.protocol = protocol;
    return options;
}

/** A core with small pools and quick to make. */
static inline struct core_options world_core(void) {
    struct core_options options = core_options_default;
    options.coro.count_max = 64;
    return options;
}

static inline void world_open_with(struct world *world, struct core_options core, struct listener_options options) {
    *world = (struct world){0};
    int error = core_init(&world->core, &core), fd;
    if (error < 0)
        fail_msg("%s", ring_refusal(error));
    assert_int_equal(listener_bind(&options, &fd), 0);
    world->port = listener_port(fd);
    assert_int_equal(listener_start(&world->core, fd, &options, &world->listener), 0);
}

static inline void world_open(struct world *world, const struct protocol *protocol) {
    world_open_with(world, world_core(), world_listener(protocol));
}

/** Aborts what is left, and checks that nothing was forgotten: every connection told, every operation back, every buffer given back. */
static inline void world_close(struct world *world) {
    listener_drain(world->listener, world_farewell, &world->is_farewell);
    listener_abort_all(world->listener);
    turn_until(&world->core, world->is_farewell);
    assert_int_equal(world->opened, world->closed);
    listener_destroy(world->listener);
    turns(&world->core, 2);
    assert_int_equal(ring_in_flight(world->core.ring), 0);
    core_finish(&world->core);
}

#endif
