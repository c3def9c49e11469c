// test_reason.c — status lines with and without a name.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/reason.h"

static void expect_line(unsigned status, const char *text) {
    char scratch[16];
    str line = http_status_line(status, scratch);
    assert_int_equal(line.len, strlen(text));
    assert_memory_equal(line.ptr, text, line.len);
}

static void test_a_known_status_has_its_name(void **state) {
    (void)state;
    expect_line(200, "HTTP/1.1 200 OK\r\n");
    expect_line(100, "HTTP/1.1 100 Continue\r\n");
    expect_line(511, "HTTP/1.1 511 Network Authentication Required\r\n");
    assert_string_equal(http_reason(404), "Not Found");
    assert_string_equal(http_reason(422), "Unprocessable Entity");
}

static void test_an_unknown_status_has_none(void **state) {
    (void)state;
    expect_line(299, "HTTP/1.1 299 \r\n");
    expect_line(599, "HTTP/1.1 599 \r\n");
    expect_line(600, "HTTP/1.1 600 \r\n");
    expect_line(99, "HTTP/1.1 099 \r\n");
    assert_string_equal(http_reason(299), "Unknown");
    assert_string_equal(http_reason(0), "Unknown");
    assert_string_equal(http_reason(99999), "Unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_known_status_has_its_name),
        cmocka_unit_test(test_an_unknown_status_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
