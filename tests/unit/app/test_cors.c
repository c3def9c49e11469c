// test_cors.c — tests of app/cors.c.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/cors.h"
#include "arena_fixture.h"
#include "base/str.h"

static int parse(const char *text, struct cors *ret_cors, str *ret_message) {
    *ret_message = (str){0};
    return cors_parse(str_of(text), &arena, ret_cors, ret_message);
}

static void test_cors_reads_a_json_list(void **state) {
    (void)state;
    struct cors cors = {0};
    str message;
    assert_int_equal(parse(" [\"http://localhost:3000\", \"https://a.org\"] ", &cors, &message), 0);
    assert_int_equal(cors.origin_count, 2);
    assert_true(cors_allows(&cors, S("http://localhost:3000")));
    assert_true(cors_allows(&cors, S("https://a.org")));
}

static void test_cors_reads_origins_between_commas(void **state) {
    (void)state;
    struct cors cors = {0};
    str message;
    assert_int_equal(parse("http://localhost:3000/, https://a.org", &cors, &message), 0);
    assert_true(cors_allows(&cors, S("http://localhost:3000"))); // the slash of an address bar is dropped
    assert_true(cors_allows(&cors, S("https://a.org")));
}

static void test_cors_compares_scheme_host_and_port_exactly(void **state) {
    (void)state;
    struct cors cors = {0};
    str message;
    assert_int_equal(parse("[\"https://a.org\"]", &cors, &message), 0);
    static const char *const strangers[] = {
        "http://a.org", "https://a.org:8443", "https://a.org.evil.com", "https://xa.org", "null", "", "*"};
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        assert_false(cors_allows(&cors, str_of(strangers[i])));
}

static void test_cors_refuses_what_is_no_origin(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "*",          "[\"*\"]",         "[\"http://a.org\", \"*\"]", "localhost:3000", "[\"http://a.org/path\"]",
        "[3000]",     "[\"http://\"]",   "http://user@a.org",         "[\"://a.org\"]", "[\"http://a.org\"",
        "http://a b", "http://a.org?x=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct cors cors = {0};
        str message;
        assert_int_equal(parse(wrong[i], &cors, &message), -EINVAL);
        assert_non_null(message.ptr);
    }
}

static void test_cors_says_nothing_where_no_origin_is_configured(void **state) {
    (void)state;
    struct cors cors = {0};
    str message;
    char out[CORS_BYTES_MAX];
    assert_int_equal(parse("", &cors, &message), 0);
    assert_int_equal(cors_lines(&cors, S("http://a.org"), out).len, 0);
}

static void test_cors_always_varies_by_origin_where_a_list_is_configured(void **state) {
    (void)state;
    struct cors cors = {0};
    str message;
    char out[CORS_BYTES_MAX];
    assert_int_equal(parse("[\"http://a.org\"]", &cors, &message), 0);
    assert_true(str_eq(cors_lines(&cors, S("http://b.org"), out), S("Vary: Origin\r\n")));
    assert_true(str_eq(cors_lines(&cors, (str){0}, out), S("Vary: Origin\r\n")));
    assert_true(str_eq(cors_lines(&cors, S("http://a.org"), out),
                       S("Access-Control-Allow-Origin: http://a.org\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cors_reads_a_json_list, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_cors_reads_origins_between_commas, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_cors_compares_scheme_host_and_port_exactly, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_cors_refuses_what_is_no_origin, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_cors_says_nothing_where_no_origin_is_configured, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_cors_always_varies_by_origin_where_a_list_is_configured, arena_set_up, arena_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
