// test_conditions.c — what the client knows already, in the order of RFC 9110, section 13.2.2.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/conditions.h"
#include "http/parser.h"

#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
enum { MODIFIED_S = 784111777 };

static const struct validators both = {.etag = S("\"v1\""), .modified_s = MODIFIED_S, .now_s = MODIFIED_S + 100};
static bool has_range;

static enum conditions judged(const char *method, const char *lines, const struct validators *own) {
    char text[1024];
    struct http_head head;
    struct http_refusal refusal;
    int bytes = snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, lines);
    assert_int_equal(http_head_parse(text, (size_t)bytes, &http_limits_default, &head, &refusal), bytes);
    return http_conditions(&head, own, &has_range);
}

static void expect(const char *method, const char *lines, enum conditions conditions) {
    if (judged(method, lines, &both) != conditions)
        fail_msg("%s with\n%sis not %d", method, lines, conditions);
}

static void test_a_tag_that_is_known_is_not_sent_again(void **state) {
    (void)state;
    expect("GET", "", CONDITIONS_HOLD);
    expect("GET", "If-None-Match: \"v1\"\r\n", CONDITIONS_NOT_MODIFIED);
    expect("HEAD", "If-None-Match: \"v1\"\r\n", CONDITIONS_NOT_MODIFIED);
    expect("GET", "If-None-Match: W/\"v1\"\r\n", CONDITIONS_NOT_MODIFIED);
    expect("GET", "If-None-Match: *\r\n", CONDITIONS_NOT_MODIFIED);
    expect("GET", "If-None-Match: \"a,b\", W/\"c\" ,\"v1\"\r\n", CONDITIONS_NOT_MODIFIED);
    expect("GET", "If-None-Match: \"a\"\r\nIf-None-Match: \"v1\"\r\n", CONDITIONS_NOT_MODIFIED);
    expect("GET", "If-None-Match: \"v2\"\r\n", CONDITIONS_HOLD);
    expect("GET", "If-None-Match: v1\r\n", CONDITIONS_HOLD);
    expect("GET", "If-None-Match: \"v1\r\n", CONDITIONS_HOLD);
    expect("PATCH", "If-None-Match: \"v1\"\r\n", CONDITIONS_FAIL);
    expect("PUT", "If-None-Match: *\r\n", CONDITIONS_FAIL);
}

static void test_a_tag_of_a_coding_is_the_tag(void **state) {
    (void)state;
    expect("GET", "If-None-Match: \"v1-gzip\"\r\n", CONDITIONS_NOT_MODIFIED);
    expect("PATCH", "If-Match: \"v1-br\"\r\n", CONDITIONS_HOLD);
    expect("GET", "If-None-Match: \"v1-zip\"\r\n", CONDITIONS_HOLD);
    expect("GET", "If-None-Match: \"v12\"\r\n", CONDITIONS_HOLD);
}

static void test_what_is_changed_must_be_known(void **state) {
    (void)state;
    expect("PATCH", "If-Match: \"v1\"\r\n", CONDITIONS_HOLD);
    expect("PATCH", "If-Match: *\r\n", CONDITIONS_HOLD);
    expect("PATCH", "If-Match: \"v0\"\r\n", CONDITIONS_FAIL);
    expect("PATCH", "If-Match: W/\"v1\"\r\n", CONDITIONS_FAIL); // a strong comparison
    expect("PATCH", "If-Unmodified-Since: " MODIFIED "\r\n", CONDITIONS_HOLD);
    expect("PATCH", "If-Unmodified-Since: " BEFORE "\r\n", CONDITIONS_FAIL);
    expect("PATCH", "If-Unmodified-Since: yesterday\r\n", CONDITIONS_HOLD);
    expect("PATCH", "If-Match: \"v1\"\r\nIf-Unmodified-Since: " BEFORE "\r\n", CONDITIONS_HOLD); // the tag goes before the date
}

static void test_a_date_counts_where_there_is_no_tag(void **state) {
    (void)state;
    expect("GET", "If-Modified-Since: " MODIFIED "\r\n", CONDITIONS_NOT_MODIFIED);
    expect("GET", "If-Modified-Since: " AFTER "\r\n", CONDITIONS_NOT_MODIFIED);
    expect("GET", "If-Modified-Since: " BEFORE "\r\n", CONDITIONS_HOLD);
    expect("GET", "If-Modified-Since: 0\r\n", CONDITIONS_HOLD);
    expect("POST", "If-Modified-Since: " AFTER "\r\n", CONDITIONS_HOLD);
    expect("GET", "If-None-Match: \"v2\"\r\nIf-Modified-Since: " AFTER "\r\n", CONDITIONS_HOLD);
}

static void test_if_match_is_judged_first(void **state) {
    (void)state;
    expect("GET", "If-Match: \"v0\"\r\nIf-None-Match: \"v1\"\r\n", CONDITIONS_FAIL);
    expect("GET", "If-Match: \"v1\"\r\nIf-None-Match: \"v1\"\r\n", CONDITIONS_NOT_MODIFIED);
}

static void test_a_range_counts_where_it_is_of_what_the_client_has(void **state) {
    (void)state;
    static const struct {
        const char *method, *lines;
        bool counts;
    } cases[] = {
        {"GET", "Range: bytes=0-\r\n", true},        {"HEAD", "Range: bytes=0-\r\n", false},      {"GET", "If-Range: \"v1\"\r\n", true},
        {"GET", "If-Range: W/\"v1\"\r\n", false},    {"GET", "If-Range: \"v1-gzip\"\r\n", false}, {"GET", "If-Range: \"v2\"\r\n", false},
        {"GET", "If-Range: " MODIFIED "\r\n", true}, {"GET", "If-Range: " AFTER "\r\n", false},   {"GET", "If-Range: \r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(judged(cases[i].method, cases[i].lines, &both), CONDITIONS_HOLD);
        if (has_range != cases[i].counts)
            fail_msg("%s%s", cases[i].method, cases[i].lines);
    }
    struct validators fresh = both;
    fresh.now_s = MODIFIED_S;
    judged("GET", "If-Range: " MODIFIED "\r\n", &fresh); // it may yet change within its second
    assert_false(has_range);
}

static void test_what_has_no_validators_is_sent(void **state) {
    (void)state;
    const struct validators none = {.modified_s = HTTP_NEVER};
    assert_int_equal(judged("GET", "If-None-Match: \"v1\"\r\nIf-Modified-Since: " AFTER "\r\n", &none), CONDITIONS_HOLD);
    assert_int_equal(judged("PATCH", "If-Match: \"v1\"\r\n", &none), CONDITIONS_FAIL);
    assert_int_equal(judged("PATCH", "If-Match: *\r\n", &none), CONDITIONS_HOLD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tag_that_is_known_is_not_sent_again),
        cmocka_unit_test(test_a_tag_of_a_coding_is_the_tag),
        cmocka_unit_test(test_what_is_changed_must_be_known),
        cmocka_unit_test(test_a_date_counts_where_there_is_no_tag),
        cmocka_unit_test(test_if_match_is_judged_first),
        cmocka_unit_test(test_a_range_counts_where_it_is_of_what_the_client_has),
        cmocka_unit_test(test_what_has_no_validators_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
