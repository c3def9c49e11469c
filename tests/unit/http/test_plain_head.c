// test_plain_head.c — what is read the short way is what llhttp makes of it; what is not, is none of its business.
//
// Every head here is damaged in many ways, and whatever the short way still takes must be taken the long way too, with the same pieces.
// The generator has a fixed seed, so that a failure comes back; LEAT_SEED and LEAT_ROUNDS choose others.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cases.h"
#include "guarded.h"
#include "http/parser.h"
#include "http/plain_head.h"

enum { BYTES_MAX = 2048, ROUNDS = 300000 };

static struct guarded page;
static bool is_closed; // the short way
static unsigned taken_count;
static uint64_t seed = 0x9ea7;
static unsigned rounds_percent = 100;

int64_t __real_http_plain_head_read(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *ret_head);
int64_t __wrap_http_plain_head_read(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *ret_head);

int64_t __wrap_http_plain_head_read(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *ret_head) {
    return is_closed ? 0 : __real_http_plain_head_read(data, bytes, limits, ret_head);
}

static int64_t read_plainly(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *head) {
    return __real_http_plain_head_read(data, bytes, limits, head);
}

static int64_t read_closely(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *head) {
    struct http_refusal refusal;
    is_closed = true;
    int64_t r = http_head_parse(data, bytes, limits, head, &refusal);
    is_closed = false;
    return r;
}

static bool is_same_span(const struct http_head *a, struct http_span x, const struct http_head *b, struct http_span y) {
    return x.bytes == y.bytes && (!x.bytes || x.offset == y.offset) && a->base == b->base;
}

static bool is_same_head(const struct http_head *a, const struct http_head *b) {
    bool is_same = a->bytes == b->bytes && a->method == b->method && a->minor == b->minor && a->keep_alive == b->keep_alive &&
                   a->has_body == b->has_body && a->is_chunked == b->is_chunked && a->expects_continue == b->expects_continue &&
                   a->content_length == b->content_length && is_same_span(a, a->target, b, b->target) &&
                   is_same_span(a, a->path, b, b->path) && is_same_span(a, a->query, b, b->query) && is_same_span(a, a->host, b, b->host) &&
                   is_same_span(a, a->content_type, b, b->content_type) && is_same_span(a, a->authorization, b, b->authorization) &&
                   is_same_span(a, a->cookie, b, b->cookie) && is_same_span(a, a->origin, b, b->origin) && a->field_count == b->field_count;
    for (unsigned i = 0; is_same && i < a->field_count; i++)
        is_same = is_same_span(a, a->fields[i].name, b, b->fields[i].name) && is_same_span(a, a->fields[i].value, b, b->fields[i].value);
    return is_same;
}

/** Fails where the short way takes what the long way does not, or takes it for something else. */
static void compare(const char *text, size_t bytes, const struct http_limits *limits) {
    static struct http_head plain, close;
    const char *data = guarded_copy(&page, text, bytes);
    int64_t taken = read_plainly(data, bytes, limits, &plain);
    if (!taken)
        return;
    taken_count++;
    if (read_closely(data, bytes, limits, &close) != taken || !is_same_head(&plain, &close))
        fail_msg("%ld bytes are taken of %.*s", (long)taken, (int)bytes, text);
}

static const char *const usual[] = {
    "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n",
    "POST /v1/users?a=b&c=%20d HTTP/1.1\r\nHost: example.org\r\nContent-Type: application/json\r\nContent-Length: "
    "17\r\n\r\n{\"email\":\"a@b.c\"}",
    "DELETE /v1/users/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer abc.def.ghi\r\nConnection: close\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    "PATCH /p HTTP/1.0\r\nConnection: keep-alive\r\nCookie: a=b; c=d\r\nContent-Length: 0\r\n\r\n",
    "OPTIONS /p? HTTP/1.1\r\nHost:\r\nOrigin: http://localhost:3000\r\nAccess-Control-Request-Method: GET\r\n\r\n",
    "HEAD /a//b/../c?? HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade, keep-alive\r\nX:   a b  \r\n\r\n",
    "GET /json HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\nsec-ch-ua: \"Chromium\";v=\"110\", \"Not A(Brand\";v=\"24\"\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n",
};
enum { USUAL = sizeof usual / sizeof *usual };

static void test_usual_heads_are_taken(void **state) {
    (void)state;
    struct http_head head;
    for (unsigned i = 0; i < USUAL; i++) {
        size_t bytes = strlen(usual[i]), head_bytes = (size_t)(strstr(usual[i], "\r\n\r\n") + 4 - usual[i]);
        taken_count = 0;
        compare(usual[i], bytes, &http_limits_default);
        if (!taken_count || read_plainly(usual[i], bytes, &http_limits_default, &head) != (int64_t)head_bytes)
            fail_msg("not taken: %s", usual[i]);
    }
}

static void test_what_must_be_refused_is_not_taken(void **state) {
    (void)state;
    static struct http_head head;
    for (unsigned i = 0; i < HEAD_CASES; i++) {
        str text = head_cases[i].head;
        if (head_cases[i].status && read_plainly(guarded_copy(&page, text.ptr, text.len), text.len, &http_limits_default, &head))
            fail_msg("taken: %.*s", (int)text.len, text.ptr);
    }
}

static void test_the_long_way_alone_judges_each_case_as_it_must_be(void **state) {
    (void)state;
    static struct http_head head;
    is_closed = true;
    for (unsigned i = 0; i < HEAD_CASES; i++) {
        str text = head_cases[i].head;
        struct http_refusal refusal = {0};
        int64_t r = http_head_parse(guarded_copy(&page, text.ptr, text.len), text.len, &http_limits_default, &head, &refusal);
        if (head_cases[i].status != refusal.status || (!refusal.status && r != (int64_t)text.len))
            fail_msg("%.*s: %ld, %u", (int)text.len, text.ptr, (long)r, refusal.status);
    }
    is_closed = false;
}

static void test_no_part_of_a_head_is_taken(void **state) {
    (void)state;
    struct http_head head;
    for (unsigned i = 0; i < USUAL; i++) {
        size_t head_bytes = (size_t)(strstr(usual[i], "\r\n\r\n") + 4 - usual[i]);
        for (size_t bytes = 0; bytes < head_bytes; bytes++) {
            if (read_plainly(guarded_copy(&page, usual[i], bytes), bytes, &http_limits_default, &head))
                fail_msg("%zu bytes of %s", bytes, usual[i]);
        }
    }
}

static void test_every_byte_in_every_place_is_judged_as_llhttp_does(void **state) {
    (void)state;
    char text[BYTES_MAX];
    for (unsigned i = 0; i < USUAL; i++) {
        size_t bytes = strlen(usual[i]);
        for (size_t at = 0; at < bytes; at++) {
            for (int c = 0; c < 256; c++) {
                memcpy(text, usual[i], bytes);
                text[at] = (char)c;
                compare(text, bytes, &http_limits_default);
                memcpy(text + at + 1, usual[i] + at, bytes - at);
                compare(text, bytes + 1, &http_limits_default);
            }
        }
    }
}

static void test_limits_are_the_same(void **state) {
    (void)state;
    for (unsigned i = 0; i < USUAL; i++) {
        for (uint32_t max = 0; max < 400; max++) {
            struct http_limits limits = http_limits_default;
            limits.request_line_bytes_max = max;
            compare(usual[i], strlen(usual[i]), &limits);
            limits = http_limits_default;
            limits.field_bytes_max = max;
            compare(usual[i], strlen(usual[i]), &limits);
            limits = http_limits_default;
            limits.field_count_max = max % 20;
            compare(usual[i], strlen(usual[i]), &limits);
        }
    }
}

/** xorshift64*: good enough to damage things. */
static uint32_t dice(uint32_t below) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545f4914f6cdd1d) >> 33) % below;
}

static const char *const pieces[] = {
    "\r\n",
    "\r\n\r\n",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "%",
    "#",
    "?",
    "*",
    "\"",
    "0",
    "1",
    "+",
    "-",
    "chunked",
    "identity",
    "gzip, chunked",
    "close",
    "keep-alive",
    "upgrade",
    "Host: b\r\n",
    "Content-Length: 3\r\n",
    "Content-Length: 03\r\n",
    "Content-Length: 18446744073709551616\r\n",
    "content-length:\t4 \r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\n",
    "Connection: close\r\n",
    "Connection: upgrade\r\n",
    "Proxy-Connection: close\r\n",
    "Upgrade: h2c\r\n",
    "Expect: 100-continue\r\n",
    "Origin: a\r\n",
    "HTTP/1.1",
    "GET ",
    "CONNECT ",
    "http://",
    "a:80",
    "\x80",
    "\x7f",
};

static size_t damage(char *text, size_t bytes) {
    size_t at = dice((uint32_t)bytes + 1), count = dice(6);
    const char *piece = pieces[dice(sizeof pieces / sizeof *pieces)];
    size_t piece_bytes = strlen(piece);
    switch (dice(4)) {
    case 0:
        count = count < bytes - at ? count : bytes - at;
        memmove(text + at, text + at + count, bytes - at - count);
        return bytes - count;
    case 1:
        if (at < bytes)
            text[at] = (char)dice(256);
        return bytes;
    case 2: { // a piece at the beginning of a line
        const char *line = memchr(text + at, '\n', bytes - at);
        at = line ? (size_t)(line + 1 - text) : at;
    } // fall through
    default:
        if (bytes + piece_bytes > BYTES_MAX)
            return bytes;
        memmove(text + at + piece_bytes, text + at, bytes - at);
        memcpy(text + at, piece, piece_bytes);
        return bytes + piece_bytes;
    }
}

static void test_damaged_heads_are_judged_as_llhttp_does(void **state) {
    (void)state;
    char text[BYTES_MAX];
    unsigned rounds = ROUNDS / 100 * rounds_percent;
    taken_count = 0;
    for (unsigned round = 0; round < rounds; round++) {
        const char *from = usual[dice(USUAL)];
        size_t bytes = strlen(from);
        memcpy(text, from, bytes);
        for (unsigned times = 1 + dice(4); times; times--)
            bytes = damage(text, bytes);
        compare(text, bytes, &http_limits_default);
    }
    assert_true(taken_count > rounds / 20); // else it has compared nothing
}

int main(void) {
    if (getenv("LEAT_SEED"))
        seed = strtoull(getenv("LEAT_SEED"), NULL, 0) | 1;
    if (getenv("LEAT_ROUNDS"))
        rounds_percent = (unsigned)strtoul(getenv("LEAT_ROUNDS"), NULL, 0);
    page = guarded_create(BYTES_MAX);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual_heads_are_taken),
        cmocka_unit_test(test_what_must_be_refused_is_not_taken),
        cmocka_unit_test(test_the_long_way_alone_judges_each_case_as_it_must_be),
        cmocka_unit_test(test_no_part_of_a_head_is_taken),
        cmocka_unit_test(test_every_byte_in_every_place_is_judged_as_llhttp_does),
        cmocka_unit_test(test_limits_are_the_same),
        cmocka_unit_test(test_damaged_heads_are_judged_as_llhttp_does),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    guarded_destroy(&page);
    return failed;
}
