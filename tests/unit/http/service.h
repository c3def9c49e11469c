// service.h — a real core, a real listener and a small app behind real sessions, with clients beside it on the same thread.
//
// Time stands still unless a test moves it, so that equal requests are answered by equal bytes, their Date included.
#ifndef TEST_SERVICE_H
#define TEST_SERVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "http/session.h"

enum { TURNS_MAX = 4000, TURN_MS = 5, TURNS_BEFORE_WAITING = 200, SMALL_BODY_MAX = 10 };

struct service {
    struct core core;
    struct listener *listener;
    uint16_t port;
    int64_t now_ms;
    int64_t idle_ms; // by which the clock moves in a turn that nothing happens in
    struct http_limits limits;
    unsigned heads, requests, gones; // calls of the app
    struct pending *held;            // the request to /hold that came last
    struct session *last;            // the session of the last request
    bool outlives_gone;              // held requests stay when their client goes, as those do that a thread works on
    bool is_empty;
};

/** For tests in which the heap fails: the core runs, not the test. */
static bool service_is_turning;

/** A request that is answered later. */
struct pending {
    struct deferred soon;
    struct session *session;
    struct arena arena;
    struct http_head *head;
    str body;
};

static inline struct service *service_of(struct session *session) {
    return container_of(session_core(session), struct service, core);
}

// ---- the app

static inline bool is_path(const struct http_head *head, const char *path) {
    str text = http_text(head, head->path);
    return text.len == strlen(path) && memcmp(text.ptr, path, text.len) == 0;
}

static inline int64_t app_on_head(struct session *session, const struct http_head *head) {
    service_of(session)->heads++;
    if (is_path(head, "/refuse")) {
        session_answer_detail(session, 401, "Not \"you\"\n", S("WWW-Authenticate: Bearer\r\n"));
        return -ECANCELED;
    }
    return is_path(head, "/small") ? SMALL_BODY_MAX : (int64_t)service_of(session)->limits.body_bytes_max;
}

static inline void app_drop(struct pending *pending) {
    deferred_cancel(&pending->soon);
    arena_reset(&pending->arena);
    free(pending);
}

/** Echoes the target and the body of a request that was kept. */
static inline void app_answer_pending(struct pending *pending) {
    struct answer answer;
    struct session *session = pending->session;
    *session_user(session) = NULL;
    answer_begin(&answer, session, 200);
    answer_field(&answer, S("Content-Type"), S("text/plain"));
    answer_write(&answer, http_text(pending->head, pending->head->target));
    answer_write(&answer, S(":"));
    answer_write(&answer, pending->body);
    answer_end(&answer);
    app_drop(pending);
}

static inline void app_on_soon(struct deferred *deferred) {
    app_answer_pending(container_of(deferred, struct pending, soon));
}

static inline void app_keep(struct session *session, const struct http_head *head, str body, bool is_soon) {
    struct service *service = service_of(session);
    struct pending *pending = calloc(1, sizeof *pending);
    assert_non_null(pending);
    arena_init(&pending->arena, &service->core.arenas, 64 << 20);
    deferred_init(&pending->soon, app_on_soon);
    pending->session = session;
    pending->head = http_keep(session, head, body, &pending->arena, &pending->body);
    if (!pending->head) {
        session_answer_detail(session, 503, NULL, (str){0});
        app_drop(pending);
        return;
    }
    assert_null(*session_user(session));
    *session_user(session) = pending;
    if (is_soon)
        core_defer_to_next_turn(&service->core, &pending->soon);
    else
        service->held = pending;
}

static inline void app_answer_bytes(struct session *session, size_t bytes) {
    struct answer answer;
    answer_begin(&answer, session, 200);
    while (bytes) {
        size_t piece = bytes < 1000 ? bytes : 1000;
        char *room = answer_reserve(&answer, piece);
        if (!room)
            break;
        memset(room, 'x', piece);
        answer_commit(&answer, piece);
        bytes -= piece;
    }
    answer_end(&answer);
}

/** A field of so many bytes. */
static inline void app_answer_field(struct session *session, size_t bytes) {
    struct answer answer;
    char *value = calloc(1, bytes + 1);
    memset(value, 'f', bytes);
    answer_begin(&answer, session, 200);
    answer_field(&answer, S("X"), (str){value, bytes});
    answer_raw_fields(&answer, S("Y: 1\r\nZ: 2\r\n"));
    answer_write(&answer, S("after"));
    answer_end(&answer);
    free(value);
}

static inline void app_answer_target(struct session *session, const struct http_head *head) {
    char text[512];
    str path = http_text(head, head->path), query = http_text(head, head->query), host = http_text(head, head->host);
    int bytes = snprintf(text, sizeof text, "%s|%.*s|%.*s|%.*s", http_method_name(head->method), (int)path.len, path.ptr, (int)query.len,
                         query.ptr, (int)host.len, host.ptr);
    session_answer(session, 200, S("text/plain"), (str){0}, (str){text, (size_t)bytes});
}

static inline void app_on_request(struct session *session, const struct http_head *head, str body) {
    service_of(session)->requests++;
    service_of(session)->last = session;
    if (is_path(head, "/"))
        session_answer(session, 200, S("text/plain"), (str){0}, S("hello"));
    else if (is_path(head, "/echo") || is_path(head, "/small"))
        session_answer(session, 200, S("application/octet-stream"), (str){0}, body);
    else if (is_path(head, "/target"))
        app_answer_target(session, head);
    else if (is_path(head, "/bytes"))
        app_answer_bytes(session, strtoul(http_text(head, head->query).ptr, NULL, 10));
    else if (is_path(head, "/field"))
        app_answer_field(session, strtoul(http_text(head, head->query).ptr, NULL, 10));
    else if (is_path(head, "/status"))
        session_answer(session, (unsigned)strtoul(http_text(head, head->query).ptr, NULL, 10), (str){0}, (str){0}, S("body"));
    else if (is_path(head, "/soon") || is_path(head, "/hold"))
        app_keep(session, head, body, is_path(head, "/soon"));
    else if (is_path(head, "/nothing"))
        session_answer(session, 204, (str){0}, S("X: y\r\n"), S("not sent"));
    else
        session_answer_detail(session, 404, NULL, (str){0});
}

static inline void app_on_gone(struct session *session) {
    struct service *service = service_of(session);
    service->gones++;
    struct pending *pending = *session_user(session);
    *session_user(session) = NULL;
    if (!pending || service->outlives_gone)
        return;
    if (service->held == pending)
        service->held = NULL;
    app_drop(pending);
}

static const struct http_app echo_app = {app_on_head, app_on_request, app_on_gone};

// ---- the server

static inline void service_wait(struct service *service, int64_t wait_ms) {
    service_is_turning = true;
    assert_int_equal(core_turn(&service->core, wait_ms), 0);
    service_is_turning = false;
}

static inline void service_turns(struct service *service, int count) {
    while (count-- > 0)
        service_wait(service, 0);
}

/** Moves the clock, and lets what is due happen. */
static inline void service_pass(struct service *service, int64_t ms) {
    service->now_ms += ms;
    clock_freeze(service->now_ms * 1000000, 784111777000000);
    service_turns(service, 3);
}

/** Waits only when nothing has happened for a while: what a test waits for is seldom something that wakes the ring. */
static inline void service_turn(struct service *service, int count) {
    if (count < TURNS_BEFORE_WAITING)
        service_wait(service, 0);
    else if (service->idle_ms)
        service_pass(service, service->idle_ms);
    else
        service_wait(service, TURN_MS);
}

#define service_until(service, condition)                                                                                                  \
    do {                                                                                                                                   \
        for (int turn_ = 0; turn_ < TURNS_MAX && !(condition); turn_++)                                                                    \
            service_turn(service, turn_);                                                                                                  \
        if (!(condition))                                                                                                                  \
            fail_msg("never came true: %s", #condition);                                                                                   \
    } while (0)

static inline void service_open(struct service *service, const struct http_limits *limits, size_t output_bytes_max) {
    *service = (struct service){.limits = *limits, .now_ms = 1000000};
    service->now_ms = clock_monotonic_ns() / 1000000;
    clock_freeze(service->now_ms * 1000000, 784111777000000);
    struct core_options core_options = core_options_default;
    core_options.coro.count_max = 16;
    int error = core_init(&service->core, &core_options), fd;
    if (error < 0)
        fail_msg("%s", ring_refusal(error));
    assert_int_equal(session_core_create(&service->core, &service->limits, &echo_app), 0);
    struct listener_options options = listener_options_default;
    options.port = 0;
    options.protocol = &session_protocol;
    options.user_bytes = session_bytes();
    if (output_bytes_max)
        options.output_bytes_max = output_bytes_max;
    assert_int_equal(listener_bind(&options, &fd), 0);
    service->port = listener_port(fd);
    assert_int_equal(listener_start(&service->core, fd, &options, &service->listener), 0);
}

static inline void service_on_empty(void *arg) {
    *(bool *)arg = true;
}

static inline void service_close(struct service *service) {
    listener_drain(service->listener, service_on_empty, &service->is_empty);
    listener_abort_all(service->listener);
    service_until(service, service->is_empty);
    listener_destroy(service->listener);
    service_turns(service, 2);
    session_core_destroy(&service->core);
    core_finish(&service->core);
    clock_freeze(-1, -1);
}

// ---- its clients

static inline int client_open(struct service *service) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(service->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &(int){1}, sizeof(int));
    return fd;
}

struct received {
    char *text;
    size_t bytes, capacity;
    bool is_end; // the server has closed
};

static inline void client_read(int fd, struct received *received) {
    for (;;) {
        if (received->capacity - received->bytes < 65536) {
            received->capacity = received->capacity * 2 + 65536;
            received->text = realloc(received->text, received->capacity + 1);
        }
        ssize_t got = recv(fd, received->text + received->bytes, received->capacity - received->bytes, MSG_DONTWAIT);
        if (got <= 0) {
            received->is_end |= got == 0 || errno != EAGAIN;
            received->text[received->bytes] = '\0';
            return;
        }
        received->bytes += (size_t)got;
    }
}

/** All of it, reading what comes meanwhile; less where the server has closed. */
static inline void client_send(struct service *service, int fd, str data, struct received *received) {
    for (int turn = 0; data.len && turn < TURNS_MAX; turn++) {
        ssize_t sent = send(fd, data.ptr, data.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN)
            return;
        if (sent > 0)
            data = (str){data.ptr + sent, data.len - (size_t)sent};
        if (data.len) {
            service_turn(service, turn);
            client_read(fd, received);
        }
    }
    assert_int_equal(data.len, 0);
}

static inline void client_read_to_end(struct service *service, int fd, struct received *received) {
    for (int turn = 0; turn < TURNS_MAX && !received->is_end; turn++) {
        service_turn(service, turn);
        client_read(fd, received);
    }
    assert_true(received->is_end);
}

/** Sends the pieces one after the other, each once the server has seen the last, then ends, and reads until the server does. */
static inline struct received client_exchange_pieces(struct service *service, const str *pieces, size_t count) {
    struct received received = {0};
    int fd = client_open(service);
    for (size_t i = 0; i < count; i++) {
        client_send(service, fd, pieces[i], &received);
        if (i + 1 < count)
            service_turns(service, 2);
    }
    shutdown(fd, SHUT_WR);
    client_read_to_end(service, fd, &received);
    close(fd);
    return received;
}

static inline struct received client_exchange(struct service *service, str data) {
    return client_exchange_pieces(service, &data, 1);
}

// ---- answers

struct seen {
    unsigned status;
    const char *head, *body;
    size_t head_bytes, body_bytes;
    bool closes;
};

/** The value of a field of an answer's head, in a static buffer; NULL where there is none. */
static inline const char *seen_field(const struct seen *seen, const char *name) {
    static char value[256];
    size_t name_bytes = strlen(name);
    const char *end = seen->head + seen->head_bytes;
    for (const char *line = seen->head; line < end;) {
        const char *next = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (strncasecmp(line, name, name_bytes) == 0 && line[name_bytes] == ':') {
            line += name_bytes + 1;
            while (*line == ' ')
                line++;
            snprintf(value, sizeof value, "%.*s", (int)(next - line), line);
            return value;
        }
        line = next + 2;
    }
    return NULL;
}

/** Takes one well-formed answer off the bytes; false where they hold none, and the test fails where they hold something else. */
static inline bool seen_take(const char **rest, const char *end, bool is_head, struct seen *ret_seen) {
    const char *text = *rest, *head_end = memmem(text, (size_t)(end - text), "\r\n\r\n", 4);
    if (text == end)
        return false;
    if (!head_end || strncmp(text, "HTTP/1.1 ", 9) != 0)
        fail_msg("no answer: %.*s", (int)(end - text), text);
    struct seen seen = {.status = (unsigned)strtoul(text + 9, NULL, 10), .head = text, .head_bytes = (size_t)(head_end + 2 - text)};
    seen.body = head_end + 4;
    assert_true(seen.status >= 100 && seen.status < 600 && text[12] == ' ');
    const char *length = seen_field(&seen, "Content-Length");
    if (seen.status != 100 && seen.status != 204 && seen.status != 304)
        assert_non_null(length);
    else
        assert_null(length);
    seen.body_bytes = length && !is_head ? strtoul(length, NULL, 10) : 0;
    if (seen.status != 100)
        assert_string_equal(seen_field(&seen, "Date"), "Sun, 06 Nov 1994 08:49:37 GMT");
    const char *connection = seen_field(&seen, "Connection");
    seen.closes = connection && strcmp(connection, "close") == 0;
    assert_true(seen.body_bytes <= (size_t)(end - seen.body));
    *rest = seen.body + seen.body_bytes;
    *ret_seen = seen;
    return true;
}

/** Sends `text` and expects one answer and the end; returns it. `received` is freed by the caller. */
static inline struct seen client_ask(struct service *service, const char *text, struct received *received) {
    *received = client_exchange(service, str_of(text));
    const char *rest = received->text;
    struct seen seen;
    if (!seen_take(&rest, received->text + received->bytes, strncmp(text, "HEAD", 4) == 0, &seen))
        fail_msg("not answered: %s", text);
    if (rest != received->text + received->bytes)
        fail_msg("more than one answer: %s", received->text);
    return seen;
}

static inline void expect_body(const struct seen *seen, const char *text) {
    if (seen->body_bytes != strlen(text) || memcmp(seen->body, text, seen->body_bytes) != 0)
        fail_msg("%.*s instead of %s", (int)seen->body_bytes, seen->body, text);
}

/** The statuses of all answers, "200 404". */
static inline const char *received_statuses(const struct received *received) {
    static char text[8192];
    const char *rest = received->text, *end = received->text + received->bytes;
    char *out = text;
    struct seen seen;
    *out = '\0';
    while (seen_take(&rest, end, false, &seen) && out < text + sizeof text - 8)
        out += sprintf(out, out == text ? "%u" : " %u", seen.status);
    return text;
}

#endif
