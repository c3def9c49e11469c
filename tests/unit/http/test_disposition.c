// test_disposition.c — names that files are saved under.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "base/str.h"
#include "http/disposition.h"

static void expect(const char *name, const char *value) {
    str got = disposition_write(&arena, str_of(name));
    if (!str_eq(got, str_of(value)))
        fail_msg("%s is %.*s", name, (int)got.len, got.ptr);
}

static void test_a_plain_name_is_said_as_it_is(void **state) {
    (void)state;
    expect("report 2026.pdf", "attachment; filename=\"report 2026.pdf\"");
    expect("", "attachment; filename=\"\"");
}

static void test_any_other_is_said_twice(void **state) {
    (void)state;
    expect("\xc3\xa4.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A4.txt");
    expect("a\"b%41'.txt", "attachment; filename=\"a_b_41'.txt\"; filename*=UTF-8''a%22b%2541%27.txt");
    expect("\xe2\x82\xac rates", "attachment; filename=\"_ rates\"; filename*=UTF-8''%E2%82%AC%20rates");
}

static void test_no_name_leads_into_a_folder_or_ends_the_line(void **state) {
    (void)state;
    expect("../../etc/passwd", "attachment; filename=\".._.._etc_passwd\"");
    expect("a\\b", "attachment; filename=\"a_b\"");
    expect("a\r\nX: y", "attachment; filename=\"a__X: y\"");
}

static void test_what_is_no_utf8_has_its_fallback_only(void **state) {
    (void)state;
    expect("\xff.txt", "attachment; filename=\"_.txt\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_plain_name_is_said_as_it_is, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_any_other_is_said_twice, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_no_name_leads_into_a_folder_or_ends_the_line, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_utf8_has_its_fallback_only, arena_set_up, arena_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
