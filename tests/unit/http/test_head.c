// test_head.c — fields by name.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/parser.h"

static void test_the_first_field_of_a_name_is_found_in_any_case(void **state) {
    (void)state;
    const char *text = "GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\nEmpty:\r\n\r\n";
    struct http_head head;
    struct http_refusal refusal;
    assert_true(http_head_parse(text, strlen(text), &http_limits_default, &head, &refusal) > 0);

    str value = http_field_value(&head, S("X-ONE"));
    assert_int_equal(value.len, 1);
    assert_memory_equal(value.ptr, "1", 1);
    value = http_field_value(&head, S("empty"));
    assert_non_null(value.ptr);
    assert_int_equal(value.len, 0);
    assert_null(http_field_value(&head, S("x-on")).ptr);
    assert_null(http_field_value(&head, S("x-one-more")).ptr);
}

static void test_methods_have_names(void **state) {
    (void)state;
    assert_string_equal(http_method_name(HTTP_DELETE), "DELETE");
    assert_string_equal(http_method_name(HTTP_UNKNOWN), "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_field_of_a_name_is_found_in_any_case),
        cmocka_unit_test(test_methods_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
