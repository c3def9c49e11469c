// test_security_fields.c — tests of app/security_fields.c: what browsers are told in every answer.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/security_fields.h"
#include "arena_fixture.h"
#include "base/str.h"

static void test_security_fields_are_three_by_default(void **state) {
    (void)state;
    str lines;
    str problem;
    assert_int_equal(security_fields_write(&security_fields_default, &arena, &lines, &problem), 0);
    assert_true(str_eq(lines, S("X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n")));
}

static void test_security_fields_say_the_rest_where_it_is_asked_for(void **state) {
    (void)state;
    struct security_fields fields = {.content_security_policy = "default-src 'none'", .hsts_s = 31536000};
    str lines;
    str problem;
    assert_int_equal(security_fields_write(&fields, &arena, &lines, &problem), 0);
    assert_true(str_eq(lines, S("Content-Security-Policy: default-src 'none'\r\n"
                                "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n")));
}

static void test_security_fields_refuse_what_would_break_a_head_or_be_too_long(void **state) {
    (void)state;
    char text[400];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const char *wrong[] = {"none\r\nSet-Cookie: a=b", "a\nb", "\x7f", text};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct security_fields fields = {.content_security_policy = wrong[i]};
        str lines;
        str problem = {0};
        assert_int_equal(security_fields_write(&fields, &arena, &lines, &problem), -EINVAL);
        assert_non_null(problem.ptr);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_security_fields_are_three_by_default, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_security_fields_say_the_rest_where_it_is_asked_for, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_security_fields_refuse_what_would_break_a_head_or_be_too_long, arena_set_up, arena_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
