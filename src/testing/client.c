// client.c — a request over a connection of its own, and the answer taken apart: a second opinion on what HTTP is.
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "testing/form_parts.h"
#include "testing/test_app.h"

// What has come of an answer so far.
struct receiving {
    struct test_app *a;
    const struct leat_sending *sending;
    struct buffer input;
    bool has_ended; // the server has closed the connection
};

static void leave(struct test_app *a) {
    if (a->client_fd >= 0)
        close(a->client_fd);
    a->client_fd = -1;
}

// cmocka's way out leads over longjmp: what is ours goes first.
static _Noreturn void give_up(struct receiving *receiving, const char *why) {
    const struct leat_sending *sending = receiving->sending;
    buffer_finish(&receiving->input);
    leave(receiving->a);
    print_error("%s %s: %s\n", sending->method, sending->path, why);
    _fail(sending->file, (int)sending->line);
    abort();
}

// ---- sent

static bool is_connected(struct test_app *a) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons(a->port);
    a->client_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return a->client_fd >= 0 && (connect(a->client_fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS);
}

// The server had closed what was kept alive.
static bool has_gone(struct test_app *a) {
    char byte;
    return a->client_fd >= 0 && !(recv(a->client_fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN);
}

static void put_lines(struct buffer *out, const char *lines) {
    while (lines && *lines) {
        size_t bytes = strcspn(lines, "\n");
        buffer_append(out, lines, bytes);
        buffer_append(out, "\r\n", 2);
        lines += bytes + (lines[bytes] == '\n');
    }
}

static void put_text(struct buffer *out, const char *text) {
    buffer_append(out, text, strlen(text));
}

static void put_request(struct buffer *out, struct test_app *a, const struct leat_sending *sending) {
    const char *text = sending->json ? sending->json : sending->form;
    const char *type = sending->json    ? "application/json"
                       : sending->form  ? "application/x-www-form-urlencoded"
                       : sending->parts ? FORM_PARTS_TYPE
                                        : NULL;
    str body = text ? (str){text, strlen(text)} : sending->parts ? form_parts_body(&a->test_arena, sending->parts) : sending->body;
    put_text(out, text_of(a, "%s %s HTTP/1.1\r\nHost: test\r\n", sending->method, sending->path));
    if (type)
        put_text(out, text_of(a, "Content-Type: %s\r\n", type));
    if (body.ptr)
        put_text(out, text_of(a, "Content-Length: %zu\r\n", body.len));
    if (sending->token)
        put_text(out, text_of(a, "Authorization: Bearer %s\r\n", sending->token));
    put_lines(out, sending->headers);
    buffer_append(out, "\r\n", 2);
    if (body.ptr)
        buffer_append(out, body.ptr, body.len);
}

// Reads what there is; the server may answer before it has been told all.
static void receive(struct receiving *receiving) {
    for (ssize_t bytes = 1; bytes > 0;) {
        char *room = buffer_reserve(&receiving->input, 16384);
        bytes = room ? recv(receiving->a->client_fd, room, 16384, 0) : -1;
        if (bytes > 0)
            buffer_commit(&receiving->input, (size_t)bytes);
        receiving->has_ended |= bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EINTR);
    }
}

static void send_all(struct receiving *receiving, struct buffer *out, int64_t end_ns) {
    while (buffer_bytes(out) && !receiving->has_ended) {
        ssize_t bytes = send(receiving->a->client_fd, buffer_head(out), buffer_bytes(out), MSG_NOSIGNAL);
        if (bytes > 0)
            buffer_consume(out, (size_t)bytes);
        else if (errno != EAGAIN && errno != EINPROGRESS && errno != ENOTCONN)
            break;
        test_app_turn(receiving->a, bytes > 0 ? 0 : 10);
        receive(receiving);
        if (clock_monotonic_ns() > end_ns)
            break;
    }
    buffer_finish(out);
}

// ---- taken apart

static str line_value(str head, const char *name) {
    size_t name_bytes = strlen(name);
    for (const char *p = head.ptr, *end = head.ptr + head.len; p < end;) {
        const char *next = memchr(p, '\n', (size_t)(end - p));
        const char *line_end = next ? next : end;
        if ((size_t)(line_end - p) > name_bytes && strncasecmp(p, name, name_bytes) == 0 && p[name_bytes] == ':') {
            const char *value = p + name_bytes + 1;
            while (value < line_end && *value == ' ')
                value++;
            while (line_end > value && (line_end[-1] == '\r' || line_end[-1] == ' '))
                line_end--;
            return (str){value, (size_t)(line_end - value)};
        }
        p = next ? next + 1 : end;
    }
    return (str){0};
}

str header_at(const answer *x, const char *name) {
    return line_value(x->head, name);
}

// Chunks put together (RFC 9112, section 7.1). True once the last is there.
static bool read_chunks(struct receiving *receiving, size_t from, str *ret_body) {
    const char *p = buffer_head(&receiving->input) + from, *end = buffer_head(&receiving->input) + buffer_bytes(&receiving->input);
    char *body = arena_raw(&receiving->a->test_arena, (size_t)(end - p) + 1);
    if (!body)
        give_up(receiving, "no memory for the answer");
    size_t bytes = 0;
    for (;;) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        if (!line_end)
            return false;
        size_t chunk = strtoul(p, NULL, 16);
        p = line_end + 1;
        if ((size_t)(end - p) < chunk + 2)
            return false;
        if (p[chunk] != '\r' || p[chunk + 1] != '\n')
            give_up(receiving, "a chunk of the answer does not end where it says");
        memcpy(body + bytes, p, chunk);
        bytes += chunk;
        p += chunk + 2;
        if (chunk == 0)
            break;
    }
    *ret_body = (str){body, bytes};
    return true;
}

static bool read_body(struct receiving *receiving, answer *x, size_t head_bytes) {
    str length = line_value(x->head, "Content-Length"), coding = line_value(x->head, "Transfer-Encoding");
    size_t there = buffer_bytes(&receiving->input) - head_bytes;
    bool has_none = x->status == 204 || x->status == 304 || strcmp(x->method, "HEAD") == 0;
    if (coding.len && !has_none)
        return read_chunks(receiving, head_bytes, &x->body);
    size_t wanted = has_none ? 0 : length.ptr ? strtoul(length.ptr, NULL, 10) : there;
    if (there < wanted || (!has_none && !length.ptr && !receiving->has_ended))
        return false;
    if (there > wanted)
        give_up(receiving, "more bytes came than the answer has by its own account");
    x->body = arena_copy(&receiving->a->test_arena, (str){buffer_head(&receiving->input) + head_bytes, wanted});
    return true;
}

// True when the answer is whole; interim ones (100 Continue) are passed over.
static bool read_answer(struct receiving *receiving, answer *x) {
    for (;;) {
        size_t bytes = buffer_bytes(&receiving->input);
        const char *start = buffer_head(&receiving->input), *end = bytes ? memmem(start, bytes, "\r\n\r\n", 4) : NULL;
        if (!end)
            return false;
        size_t head_bytes = (size_t)(end - start) + 4;
        if (head_bytes < 16 || strncmp(start, "HTTP/1.1 ", 9) != 0)
            give_up(receiving, "what came is no answer in HTTP/1.1");
        x->status = (int)strtol(start + 9, NULL, 10);
        if (x->status >= 200) {
            x->head = arena_copy(&receiving->a->test_arena, (str){start, head_bytes - 2});
            return read_body(receiving, x, head_bytes);
        }
        buffer_consume(&receiving->input, head_bytes);
    }
}

// ---- all of it

static bool is_kept_alive(const struct receiving *receiving, const answer *x) {
    str connection = line_value(x->head, "Connection");
    return !receiving->has_ended && !(connection.len == 5 && strncasecmp(connection.ptr, "close", 5) == 0);
}

// Tasks that were spawned, and clean-ups, belong to the request for whoever tests it.
static void settle(struct test_app *a, unsigned live_before, int64_t end_ns) {
    while (app_live_count(a->app) > live_before && clock_monotonic_ns() < end_ns)
        test_app_turn(a, 10);
}

static bool exchange(struct receiving *receiving, answer *x, int64_t end_ns) {
    struct buffer out = {0};
    put_request(&out, receiving->a, receiving->sending);
    send_all(receiving, &out, end_ns);
    while (!read_answer(receiving, x)) {
        if (receiving->has_ended || clock_monotonic_ns() > end_ns)
            return false;
        if (buffer_bytes(&receiving->input) > ANSWER_BYTES_MAX)
            give_up(receiving, "the answer is longer than a test takes");
        test_app_turn(receiving->a, 20);
        receive(receiving);
    }
    return true;
}

answer *test_app_send(app *a, const struct leat_sending *sending) {
    struct receiving receiving = {.a = a, .sending = sending};
    answer *x = arena_alloc(&a->test_arena, sizeof *x);
    if (!x)
        give_up(&receiving, "no memory");
    *x = (answer){.from = a, .method = sending->method, .path = sending->path, .file = sending->file, .line = sending->line};
    int64_t end_ns = clock_monotonic_ns() + ANSWER_MS_MAX * INT64_C(1000000);
    uint64_t queries_before = test_app_query_count(a);
    unsigned live_before = app_live_count(a->app);
    if (has_gone(a))
        leave(a);
    if (a->client_fd < 0 && !is_connected(a))
        give_up(&receiving, "no connection to the app");
    if (!exchange(&receiving, x, end_ns))
        give_up(&receiving, receiving.has_ended ? "the connection ended before the answer" : "no answer came");
    if (!is_kept_alive(&receiving, x))
        leave(a);
    buffer_finish(&receiving.input);
    settle(a, live_before, end_ns);
    a->last_query_count = test_app_query_count(a) - queries_before;
    return x;
}
