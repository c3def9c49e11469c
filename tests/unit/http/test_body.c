// test_body.c — bodies by length and in chunks: whole, cut at every byte and byte by byte, up to their limits and past them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guarded.h"
#include "http/body.h"

static struct guarded page;
static struct http_refusal refusal;
static char content[1 << 16];
static size_t content_bytes;

/** Feeds `bytes` of `data`; what http_body_next() said last. `*ret_used` is how many were the body's. */
static int feed(struct http_body *body, const char *data, size_t bytes, size_t *ret_used) {
    str rest = {guarded_copy(&page, data, bytes), bytes}, piece;
    int r;
    while ((r = http_body_next(body, &rest, &piece, &refusal)) > 0) {
        assert_true(piece.len > 0);
        memcpy(content + content_bytes, piece.ptr, piece.len);
        content_bytes += piece.len;
    }
    *ret_used = bytes - rest.len;
    return r;
}

static struct http_body begin_chunked(uint64_t bytes_max) {
    struct http_body body;
    struct http_head head = {.has_body = true, .is_chunked = true};
    content_bytes = 0;
    refusal = (struct http_refusal){0};
    assert_int_equal(http_body_begin(&body, &head, bytes_max, &http_limits_default, &refusal), 0);
    return body;
}

struct chunked_case {
    const char *text, *content; // content NULL: refused
    unsigned status;
    size_t rest; // bytes that are not the body's
};

static const struct chunked_case cases[] = {
    {"0\r\n\r\n", "", 0, 0},
    {"3\r\nabc\r\n0\r\n\r\n", "abc", 0, 0},
    {"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET", "abcde", 0, 3},
    {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0, 0},
    {"a\r\n0123456789\r\n0000\r\n\r\n", "0123456789", 0, 0},
    {"0000000000000003\r\nabc\r\n0\r\n\r\n", "abc", 0, 0},
    {"3;a\r\nabc\r\n0;b=c;d=\"e;\\\"\r\"\r\n\r\n", NULL, 400, 0},
    {"3;a\r\nabc\r\n0;b=c;d=\"e;\\\" f\"\r\n\r\n", "abc", 0, 0},
    {"3 ; a = b ;c\t=\t\"d\" ;e\r\nabc\r\n0\r\n\r\n", "abc", 0, 0},
    {"3\r\nabc\r\n0\r\nX: y\r\nZ:\r\n\r\nG", "abc", 0, 1},
    {"0\r\nContent-Length: 5\r\n\r\n", "", 0, 0},
    {"", NULL, 0, 0},
    {"\r\n", NULL, 400, 0},
    {"g\r\n", NULL, 400, 0},
    {"-1\r\n", NULL, 400, 0},
    {"0x3\r\nabc\r\n", NULL, 400, 0},
    {" 3\r\nabc\r\n", NULL, 400, 0},
    {"3 \r\nabc\r\n", NULL, 400, 0},
    {"3\nabc\r\n0\r\n\r\n", NULL, 400, 0},
    {"3\rabc", NULL, 400, 0},
    {"3\r\nabc0\r\n\r\n", NULL, 400, 0},
    {"3\r\nabcd\r\n", NULL, 400, 0},
    {"3\r\nabc\n0\r\n\r\n", NULL, 400, 0},
    {"3\r\nabc\rX", NULL, 400, 0},
    {"00000000000000003\r\n", NULL, 400, 0},
    {"ffffffffffffffff\r\n", NULL, 413, 0},
    {"10000\r\n", NULL, 413, 0},
    {"3;\r\nabc\r\n", NULL, 400, 0},
    {"3;a=\r\nabc\r\n", NULL, 400, 0},
    {"3;a b\r\n", NULL, 400, 0},
    {"3;a=b c\r\n", NULL, 400, 0},
    {"3;a=\"b\r\n\r\n", NULL, 400, 0},
    {"3;a=\"b\"c\r\n", NULL, 400, 0},
    {"3;a\nabc", NULL, 400, 0},
    {"3;a\x01\r\n", NULL, 400, 0},
    {"0\r\n\n", NULL, 400, 0},
    {"0\r\n X: y\r\n\r\n", NULL, 400, 0},
    {"0\r\nX : y\r\n\r\n", NULL, 400, 0},
    {"0\r\nX\r\n\r\n", NULL, 400, 0},
    {"0\r\nX: y\n\r\n", NULL, 400, 0},
    {"0\r\nX: y\rz\r\n", NULL, 400, 0},
    {"0\r\nX: y\r\n z\r\n\r\n", NULL, 400, 0},
    {"0\r\nX: \x01\r\n\r\n", NULL, 400, 0},
    {"0\r\n\rX", NULL, 400, 0},
};
enum { CASES = sizeof cases / sizeof *cases, LENGTH_MAX = 65535 };

static void expect_outcome(const struct chunked_case *c, int r, size_t used) {
    if (!c->content && !c->status) {
        assert_int_equal(r, -EAGAIN);
        return;
    }
    if (r != (c->content ? 0 : -EBADMSG) || refusal.status != c->status)
        fail_msg("%s: %d, %u", c->text, r, refusal.status);
    if (!c->content)
        return;
    assert_int_equal(used, strlen(c->text) - c->rest);
    assert_int_equal(content_bytes, strlen(c->content));
    assert_memory_equal(content, c->content, content_bytes);
}

static void test_chunks_are_read_whole(void **state) {
    (void)state;
    for (unsigned i = 0; i < CASES; i++) {
        struct http_body body = begin_chunked(LENGTH_MAX);
        size_t used;
        int r = feed(&body, cases[i].text, strlen(cases[i].text), &used);
        expect_outcome(&cases[i], r, used);
    }
}

static void test_chunks_are_read_cut_at_every_byte(void **state) {
    (void)state;
    for (unsigned i = 0; i < CASES; i++) {
        size_t bytes = strlen(cases[i].text), used, more = 0;
        for (size_t cut = 0; cut <= bytes; cut++) {
            struct http_body body = begin_chunked(LENGTH_MAX);
            int r = feed(&body, cases[i].text, cut, &used);
            if (r == -EAGAIN) {
                r = feed(&body, cases[i].text + cut, bytes - cut, &more);
                used += more;
            }
            expect_outcome(&cases[i], r, used);
        }
    }
}

static void test_chunks_are_read_byte_by_byte(void **state) {
    (void)state;
    for (unsigned i = 0; i < CASES; i++) {
        struct http_body body = begin_chunked(LENGTH_MAX);
        size_t bytes = strlen(cases[i].text), total = 0, used;
        int r = -EAGAIN;
        for (size_t at = 0; at < bytes && r == -EAGAIN; at++) {
            r = feed(&body, cases[i].text + at, 1, &used);
            total += used;
        }
        expect_outcome(&cases[i], r, total);
    }
}

static void test_the_sum_of_the_chunks_has_a_limit(void **state) {
    (void)state;
    struct http_body body = begin_chunked(5);
    size_t used;

    assert_int_equal(feed(&body, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 20, &used), 0);

    body = begin_chunked(5);
    assert_int_equal(feed(&body, "3\r\nabc\r\n3\r\n", 11, &used), -EBADMSG); // before its content
    assert_int_equal(refusal.status, 413);
}

static void test_extensions_of_all_chunks_have_a_limit(void **state) {
    (void)state;
    struct http_body body = begin_chunked(1 << 20);
    size_t used;
    int r = -EAGAIN;
    for (unsigned i = 0; i < 4096 && r == -EAGAIN; i++)
        r = feed(&body, "1;a\r\nx\r\n", 8, &used); // two bytes each are the extension's: its name, and the CR that ends it
    assert_int_equal(r, -EBADMSG);
    assert_int_equal(refusal.status, 413);
    assert_int_equal(content_bytes, 2048);
}

static void test_trailers_have_a_limit(void **state) {
    (void)state;
    struct http_body body = begin_chunked(1 << 20);
    size_t used;
    assert_int_equal(feed(&body, "0\r\nX: ", 6, &used), -EAGAIN);
    int r = -EAGAIN;
    unsigned i;
    for (i = 0; i < 10000 && r == -EAGAIN; i++)
        r = feed(&body, "y", 1, &used);
    assert_int_equal(r, -EBADMSG);
    assert_int_equal(refusal.status, 431);
    assert_int_equal(i, 8192 - 3 + 1);
}

static void test_a_length_is_taken_and_not_a_byte_more(void **state) {
    (void)state;
    struct http_body body;
    struct http_head head = {.has_body = true, .content_length = 5};
    size_t used;
    content_bytes = 0;
    assert_int_equal(http_body_begin(&body, &head, 5, &http_limits_default, &refusal), 0);

    assert_int_equal(feed(&body, "ab", 2, &used), -EAGAIN);
    assert_int_equal(feed(&body, "", 0, &used), -EAGAIN);
    assert_int_equal(feed(&body, "cdefg", 5, &used), 0);

    assert_int_equal(used, 3);
    assert_int_equal(content_bytes, 5);
    assert_memory_equal(content, "abcde", 5);
}

static void test_a_length_over_the_limit_is_refused_unread(void **state) {
    (void)state;
    struct http_body body;
    struct http_head head = {.has_body = true, .content_length = 6};
    assert_int_equal(http_body_begin(&body, &head, 5, &http_limits_default, &refusal), -EBADMSG);
    assert_int_equal(refusal.status, 413);
    head.content_length = UINT64_MAX;
    assert_int_equal(http_body_begin(&body, &head, 1 << 20, &http_limits_default, &refusal), -EBADMSG);
}

static int open_page(void **state) {
    (void)state;
    page = guarded_create(4096);
    return 0;
}

static int close_page(void **state) {
    (void)state;
    guarded_destroy(&page);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_are_read_whole),
        cmocka_unit_test(test_chunks_are_read_cut_at_every_byte),
        cmocka_unit_test(test_chunks_are_read_byte_by_byte),
        cmocka_unit_test(test_the_sum_of_the_chunks_has_a_limit),
        cmocka_unit_test(test_extensions_of_all_chunks_have_a_limit),
        cmocka_unit_test(test_trailers_have_a_limit),
        cmocka_unit_test(test_a_length_is_taken_and_not_a_byte_more),
        cmocka_unit_test(test_a_length_over_the_limit_is_refused_unread),
    };
    return cmocka_run_group_tests(tests, open_page, close_page);
}
