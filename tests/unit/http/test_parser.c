// test_parser.c — heads whole, cut everywhere, and in front of a guard page; what is refused, and with which status.
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

static struct guarded page;
static struct http_head head;
static struct http_refusal refusal;

static int64_t parse_bytes(const char *data, size_t bytes) {
    refusal = (struct http_refusal){0};
    return http_head_parse(guarded_copy(&page, data, bytes), bytes, &http_limits_default, &head, &refusal);
}

static int64_t parse(const char *text) {
    return parse_bytes(text, strlen(text));
}

static void expect_text(struct http_span span, const char *text) {
    assert_int_equal(span.bytes, strlen(text));
    assert_memory_equal(head.base + span.offset, text, span.bytes);
}

static void expect_refused(const char *text, unsigned status) {
    assert_int_equal(parse(text), -EBADMSG);
    assert_int_equal(refusal.status, status);
    assert_non_null(refusal.detail);
}

static void test_each_case_is_taken_or_refused_as_it_must_be(void **state) {
    (void)state;
    for (unsigned i = 0; i < HEAD_CASES; i++) {
        str text = head_cases[i].head;
        int64_t r = parse_bytes(text.ptr, text.len);
        if (head_cases[i].status != refusal.status || (!refusal.status && r != (int64_t)text.len))
            fail_msg("%.*s: %ld, %u instead of %u", (int)text.len, text.ptr, (long)r, refusal.status, head_cases[i].status);
    }
}

static void test_a_prefix_is_judged_as_the_whole_or_not_yet(void **state) {
    (void)state;
    for (unsigned i = 0; i < HEAD_CASES; i++) {
        str text = head_cases[i].head;
        for (size_t bytes = 0; bytes < text.len; bytes++) {
            int64_t r = parse_bytes(text.ptr, bytes);
            bool is_fine = r == -EAGAIN || (r == -EBADMSG && refusal.status == head_cases[i].status);
            if (!is_fine)
                fail_msg("%zu bytes of %.*s: %ld, %u", bytes, (int)text.len, text.ptr, (long)r, refusal.status);
        }
    }
}

static void test_what_follows_a_head_changes_nothing(void **state) {
    (void)state;
    char bytes[512];
    for (unsigned i = 0; i < HEAD_CASES; i++) {
        str text = head_cases[i].head;
        memcpy(bytes, text.ptr, text.len);
        memcpy(bytes + text.len, "\x01 GET", 5);
        int64_t r = parse_bytes(bytes, text.len + 5);
        if (refusal.status != head_cases[i].status)
            fail_msg("%.*s: %u", (int)text.len, text.ptr, refusal.status);
        assert_int_equal(r, refusal.status ? -EBADMSG : (int64_t)text.len);
    }
}

static void test_pieces_of_a_head_are_found(void **state) {
    (void)state;
    const char *text =
        "PUT /a%20b?c=d&e HTTP/1.1\r\nHost: x.org:80\r\nContent-Type: text/plain\r\ncookie: a=b\r\nAuthorization: Bearer t\r\n"
        "Origin: http://o\r\nContent-Length: 12\r\nX-Y:  z \r\n\r\n";

    assert_int_equal(parse(text), strlen(text));

    assert_int_equal(head.bytes, strlen(text));
    assert_int_equal(head.method, HTTP_PUT);
    assert_int_equal(head.minor, 1);
    assert_true(head.keep_alive);
    assert_true(head.has_body);
    assert_false(head.is_chunked);
    assert_false(head.expects_continue);
    assert_int_equal(head.content_length, 12);
    assert_int_equal(head.field_count, 7);
    expect_text(head.target, "/a%20b?c=d&e");
    expect_text(head.path, "/a%20b");
    expect_text(head.query, "c=d&e");
    expect_text(head.host, "x.org:80");
    expect_text(head.content_type, "text/plain");
    expect_text(head.cookie, "a=b");
    expect_text(head.authorization, "Bearer t");
    expect_text(head.origin, "http://o");
    expect_text(head.fields[6].name, "X-Y");
    expect_text(head.fields[6].value, "z");
}

static void test_an_absolute_target_overrules_host(void **state) {
    (void)state;
    assert_true(parse("GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n") > 0);
    expect_text(head.host, "b:81");
    expect_text(head.path, "/x");
    expect_text(head.query, "y");

    assert_true(parse("GET https://b HTTP/1.1\r\nHost: a\r\n\r\n") > 0);
    expect_text(head.path, "/");
    assert_int_equal(head.query.bytes, 0);

    assert_true(parse("GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n") > 0);
    expect_text(head.path, "/");
    expect_text(head.query, "q");
}

static void test_the_asterisk_is_a_path_of_its_own(void **state) {
    (void)state;
    assert_true(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") > 0);
    expect_text(head.path, "*");
    expect_text(head.host, "a");
}

static void test_every_method_is_told(void **state) {
    (void)state;
    char text[64];
    for (int method = 0; method < HTTP_METHODS; method++) {
        snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: a\r\n\r\n", http_method_name((enum http_method)method));
        assert_true(parse(text) > 0);
        assert_int_equal(head.method, method);
    }
}

static void test_connection_options_decide_whether_it_stays(void **state) {
    static const struct {
        const char *line, *fields;
        bool stays;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n", "", true},
        {"GET / HTTP/1.1\r\nHost: a\r\n", "Connection: close\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\n", "Connection: Keep-Alive\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\n", "Connection: foo ,\tCLOSE\t, bar\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\n", "Connection: keep-alive\r\nconnection: close\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\n", "Connection: closer\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\n", "Connection: ,,\r\n", true},
        {"GET / HTTP/1.0\r\n", "", false},
        {"GET / HTTP/1.0\r\n", "Connection: keep-alive\r\n", true},
        {"GET / HTTP/1.0\r\n", "Connection: keep-alive, close\r\n", false},
    };
    (void)state;
    char text[256];
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "%s%s\r\n", cases[i].line, cases[i].fields);
        assert_true(parse(text) > 0);
        assert_int_equal(head.keep_alive, cases[i].stays);
    }
}

static void test_control_characters_are_refused_in_every_field(void **state) {
    static const char *const names[] = {"X", "Connection", "Upgrade", "Cookie", "Content-Type", "Authorization", "Origin", "Host"};
    (void)state;
    char text[256];
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++) {
        for (unsigned c = 0; c < 256; c++) {
            int bytes = snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%s: a%cb\r\n\r\n", names[n], (char)c);
            int64_t r = parse_bytes(text, (size_t)bytes);
            bool is_text = c == '\t' || (c >= ' ' && c != 0x7f);
            if (!is_text && (r != -EBADMSG || refusal.status != 400))
                fail_msg("%s with %02x: %ld", names[n], c, (long)r);
        }
    }
}

static void test_only_token_characters_make_a_field_name(void **state) {
    (void)state;
    char text[256];
    for (unsigned c = 0; c < 256; c++) {
        int bytes = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\nX%cY: b\r\n\r\n", (char)c);
        int64_t r = parse_bytes(text, (size_t)bytes);
        bool is_token = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c && strchr("!#$%&'*+-.^_`|~", (int)c));
        assert_int_equal(r > 0, is_token || c == ':');
    }
}

static char *repeated(const char *before, const char *piece, size_t times, const char *after) {
    size_t piece_bytes = strlen(piece);
    char *text = malloc(strlen(before) + piece_bytes * times + strlen(after) + 1), *end = stpcpy(text, before);
    for (size_t i = 0; i < times; i++)
        end = stpcpy(end, piece);
    strcpy(end, after);
    return text;
}

/** With `times` pieces it is taken, and with one more it is refused, as a whole and at every prefix from there on. */
static void expect_limit(const char *before, const char *piece, size_t times, const char *after, unsigned status) {
    char *fits = repeated(before, piece, times, after), *over = repeated(before, piece, times + 1, after);
    assert_int_equal(parse(fits), strlen(fits));
    for (size_t bytes = strlen(fits); bytes-- > strlen(fits) - 8;)
        assert_int_equal(parse_bytes(fits, bytes), -EAGAIN);
    expect_refused(over, status);
    free(fits);
    free(over);
}

static void test_a_request_line_over_its_limit_is_414(void **state) {
    (void)state;
    expect_limit("GET /", "a", 8192 - 14, " HTTP/1.1\r\nHost: a\r\n\r\n", 414);
    expect_limit("GET /?", "a", 8192 - 15, " HTTP/1.1\r\nHost: a\r\n\r\n", 414);
    char *endless = repeated("GET /", "a", 9000, "");
    expect_refused(endless, 414);
    free(endless);
    endless = repeated("", "A", 9000, "");
    expect_refused(endless, 414);
    free(endless);
}

static void test_more_fields_than_allowed_are_431(void **state) {
    (void)state;
    expect_limit("GET / HTTP/1.1\r\nHost: a\r\n", "A: b\r\n", 99, "\r\n", 431);
    struct http_limits limits = http_limits_default;
    limits.field_count_max = 1;
    const char *text = "GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n";
    assert_int_equal(http_head_parse(text, strlen(text), &limits, &head, &refusal), -EBADMSG);
    assert_int_equal(refusal.status, 431);
}

static void test_fields_of_more_bytes_than_allowed_are_431(void **state) {
    (void)state;
    expect_limit("GET / HTTP/1.1\r\nHost: a\r\nX: ", "b", 32768 - 9 - 5, "\r\n\r\n", 431);
    char *endless = repeated("GET / HTTP/1.1\r\n", "b", 40000, "");
    expect_refused(endless, 431);
    free(endless);
    endless = repeated("GET / HTTP/1.1\r\nHost: a\r\nX: ", "b", 200000, "\r\n\r\n");
    expect_refused(endless, 431);
    free(endless);
}

static void test_the_largest_head_of_all_is_taken(void **state) {
    (void)state;
    char *line = repeated("GET /", "a", 8192 - 14, " HTTP/1.1\r\nHost: a\r\nX: ");
    char *text = repeated(line, "b", 32768 - 9 - 5, "\r\n\r\n");
    assert_int_equal(parse(text), 8192 + 2 + 32768 + 2);
    free(line);
    free(text);
}

static void test_blank_lines_before_a_request_are_counted(void **state) {
    (void)state;
    assert_int_equal(http_blank_lines("\r\n\r\nGET", 7), 4);
    assert_int_equal(http_blank_lines("\r\n\r", 3), 2);
    assert_int_equal(http_blank_lines("\nGET", 4), 0);
    assert_int_equal(http_blank_lines("", 0), 0);
}

static int open_page(void **state) {
    (void)state;
    page = guarded_create(256 << 10);
    return 0;
}

static int close_page(void **state) {
    (void)state;
    guarded_destroy(&page);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_case_is_taken_or_refused_as_it_must_be),
        cmocka_unit_test(test_a_prefix_is_judged_as_the_whole_or_not_yet),
        cmocka_unit_test(test_what_follows_a_head_changes_nothing),
        cmocka_unit_test(test_pieces_of_a_head_are_found),
        cmocka_unit_test(test_an_absolute_target_overrules_host),
        cmocka_unit_test(test_the_asterisk_is_a_path_of_its_own),
        cmocka_unit_test(test_every_method_is_told),
        cmocka_unit_test(test_connection_options_decide_whether_it_stays),
        cmocka_unit_test(test_control_characters_are_refused_in_every_field),
        cmocka_unit_test(test_only_token_characters_make_a_field_name),
        cmocka_unit_test(test_a_request_line_over_its_limit_is_414),
        cmocka_unit_test(test_more_fields_than_allowed_are_431),
        cmocka_unit_test(test_fields_of_more_bytes_than_allowed_are_431),
        cmocka_unit_test(test_the_largest_head_of_all_is_taken),
        cmocka_unit_test(test_blank_lines_before_a_request_are_counted),
    };
    return cmocka_run_group_tests(tests, open_page, close_page);
}
