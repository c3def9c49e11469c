// test_known_heads.c — a head that came before is known by all its bytes and by nothing less, and secrets are never kept.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "cases.h"
#include "guarded.h"
#include "http/known_heads.h"
#include "http/parser.h"

static struct known_heads *heads;
static struct http_head parsed;
static struct guarded page;

static const str plain = S("GET /items?limit=20 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n");

static int set_up(void **state) {
    (void)state;
    heads = calloc(1, sizeof *heads);
    page = guarded_create(4096);
    return heads ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    guarded_destroy(&page);
    free(heads);
    return 0;
}

static const struct http_head *find(str text) {
    const char *data = guarded_copy(&page, text.ptr, text.len);
    return known_heads_find(heads, known_heads_key(data, text.len), data, text.len);
}

/** As a session does: what is not known is parsed, and shown to `heads`. */
static bool come(str text) {
    struct http_refusal refusal;
    if (find(text))
        return true;
    const char *data = page.pages + page.bytes_max - text.len;
    assert_true(http_head_parse(data, text.len, &http_limits_default, &parsed, &refusal) > 0);
    known_heads_add(heads, known_heads_key(data, text.len), &parsed);
    return false;
}

static void test_a_head_is_known_when_it_comes_for_the_third_time(void **state) {
    (void)state;
    assert_false(come(plain));
    assert_false(come(plain));
    assert_true(come(plain));
    assert_true(come(plain));
}

static void test_a_known_head_is_what_the_parser_makes_of_it(void **state) {
    (void)state;
    unsigned compared = 0;
    for (size_t i = 0; i < sizeof head_cases / sizeof *head_cases; i++) {
        str text = head_cases[i].head;
        struct http_refusal refusal;
        if (head_cases[i].status || http_head_parse(text.ptr, text.len, &http_limits_default, &parsed, &refusal) != (int64_t)text.len)
            continue;
        come(text);
        come(text);
        const struct http_head *known = find(text);
        if (!known)
            continue;
        assert_true(http_head_parse(known->base, text.len, &http_limits_default, &parsed, &refusal) > 0);
        struct http_head copy = *known;
        assert_ptr_equal(copy.base, page.pages + page.bytes_max - text.len);
        assert_non_null(copy.findings);
        copy.findings = parsed.findings;
        assert_memory_equal(&copy, &parsed, offsetof(struct http_head, fields) + parsed.field_count * sizeof parsed.fields[0]);
        compared++;
    }
    assert_true(compared >= 8);
}

static void test_a_head_that_differs_by_a_byte_is_another(void **state) {
    (void)state;
    char other[128];
    come(plain);
    come(plain);
    for (size_t at = 0; at < plain.len; at++) {
        memcpy(other, plain.ptr, plain.len);
        other[at] ^= 1;
        assert_null(find((str){other, plain.len}));
    }
    assert_non_null(find(plain));
}

static void test_a_head_is_not_known_before_its_last_byte(void **state) {
    (void)state;
    come(plain);
    come(plain);
    for (size_t bytes = 0; bytes < plain.len; bytes++)
        assert_null(find((str){plain.ptr, bytes}));
}

static void test_what_follows_a_known_head_is_not_its(void **state) {
    (void)state;
    char two[256];
    come(plain);
    come(plain);
    memcpy(two, plain.ptr, plain.len);
    memcpy(two + plain.len, plain.ptr, plain.len);
    const struct http_head *known = find((str){two, 2 * plain.len});
    assert_non_null(known);
    assert_int_equal(known->bytes, plain.len);
}

static void test_heads_with_credentials_are_never_kept(void **state) {
    (void)state;
    static const str secrets[] = {
        S("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n"), S("GET / HTTP/1.1\r\nHost: a\r\ncookie: session=x\r\n\r\n"),
        S("GET / HTTP/1.1\r\nHost: a\r\nX-API-Key: x\r\n\r\n"), S("GET / HTTP/1.1\r\nHost: a\r\nX-Auth-Token: x\r\n\r\n"),
        S("GET / HTTP/1.1\r\nHost: a\r\nClient-Secret: x\r\n\r\n")};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        for (int round = 0; round < 4; round++)
            assert_false(come(secrets[i]));
}

static void test_a_head_that_is_too_long_is_not_kept(void **state) {
    (void)state;
    char text[2048];
    memset(text, 'x', sizeof text);
    memcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nLong: ", 31);
    size_t longest = KNOWN_HEAD_BYTES_MAX;
    for (int more = 0; more < 2; more++) {
        memcpy(text + longest + (size_t)more - 4, "\r\n\r\n", 4);
        for (int round = 0; round < 2; round++)
            assert_false(come((str){text, longest + (size_t)more}));
        assert_int_equal(come((str){text, longest + (size_t)more}), !more);
        text[longest - 4] = text[longest - 3] = text[longest - 2] = text[longest - 1] = 'x';
    }
}

static void test_what_the_app_found_out_is_forgotten_with_the_head(void **state) {
    (void)state;
    char text[64];
    come(plain);
    come(plain);
    *find(plain)->findings = (struct http_findings){.of = 1, .target = text};
    assert_ptr_equal(find(plain)->findings->target, text);
    for (int i = 0; i < 1000; i++) { // other heads take its place
        str other = {text, (size_t)snprintf(text, sizeof text, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)};
        come(other);
        come(other);
        const struct http_head *known = find(other);
        assert_non_null(known);
        assert_null(known->findings->target);
    }
    assert_null(find(plain));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_head_is_known_when_it_comes_for_the_third_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_known_head_is_what_the_parser_makes_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_head_that_differs_by_a_byte_is_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_head_is_not_known_before_its_last_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_follows_a_known_head_is_not_its, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_heads_with_credentials_are_never_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_head_that_is_too_long_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_app_found_out_is_forgotten_with_the_head, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
