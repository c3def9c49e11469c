// test_request_ids.c — ids are hexadecimal numbers behind a prefix, each one greater than the last.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/request_ids.h"

enum { DIGITS_AT = REQUEST_ID_NAME_BYTES + REQUEST_ID_PREFIX_BYTES, DIGITS = REQUEST_ID_BYTES - REQUEST_ID_PREFIX_BYTES };

static struct request_ids ids;

static int begin(void **state) {
    (void)state;
    request_ids_init(&ids);
    return 0;
}

// As if it had given out so many already.
static void go_to(uint64_t number) {
    request_ids_carry(&ids, number);
    request_ids_carry(&ids, number + 1);
    ids.number = number - 1;
    request_ids_next(&ids);
}

static void expect_number(uint64_t number) {
    char digits[DIGITS + 1];
    snprintf(digits, sizeof digits, "%012llx", (unsigned long long)number);
    const char *line = request_ids_next(&ids);
    assert_memory_equal(line, "X-Request-ID: ", REQUEST_ID_NAME_BYTES);
    assert_memory_equal(line + DIGITS_AT, digits, DIGITS);
    assert_memory_equal(line + DIGITS_AT + DIGITS, "\r\n", 2);
}

static void test_ids_count_up_from_zero(void **state) {
    (void)state;
    for (uint64_t number = 0; number < 70000; number++)
        expect_number(number);
}

static void test_every_digit_is_written(void **state) {
    (void)state;
    static const uint64_t numbers[] = {0x89abcdef, 0x12345678, 0x0f0f0f0f, 0xf0f0f0f0, 0x99999999, 0xaaaaaaaa, 0xffffffff};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        go_to(numbers[i]);
        expect_number(numbers[i]);
    }
}

static void test_the_upper_digits_count_on(void **state) {
    (void)state;
    go_to(0xfffffffe);
    for (uint64_t number = 0xfffffffe; number < 0x100000004; number++)
        expect_number(number);
    go_to(0x1abfffffffe);
    for (uint64_t number = 0x1abfffffffe; number < 0x1ac00000004; number++)
        expect_number(number);
}

static void test_all_have_one_prefix_and_two_cores_do_not(void **state) {
    (void)state;
    struct request_ids other;
    request_ids_init(&other);
    const char *first = request_ids_next(&ids), *second = request_ids_next(&ids);
    assert_memory_equal(first + REQUEST_ID_NAME_BYTES, second + REQUEST_ID_NAME_BYTES, REQUEST_ID_PREFIX_BYTES);
    assert_memory_not_equal(first + REQUEST_ID_NAME_BYTES, request_ids_next(&other) + REQUEST_ID_NAME_BYTES, REQUEST_ID_PREFIX_BYTES);
}

static void test_a_line_is_found_by_its_id(void **state) {
    (void)state;
    const char *line = request_ids_next(&ids);
    assert_ptr_equal(request_ids_line(&ids, (str){line + REQUEST_ID_NAME_BYTES, REQUEST_ID_BYTES}), line);
    assert_null(request_ids_line(&ids, (str){"0123456789ab000000000000", REQUEST_ID_BYTES}));
    assert_null(request_ids_line(&ids, (str){0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ids_count_up_from_zero, begin),
        cmocka_unit_test_setup(test_every_digit_is_written, begin),
        cmocka_unit_test_setup(test_the_upper_digits_count_on, begin),
        cmocka_unit_test_setup(test_all_have_one_prefix_and_two_cores_do_not, begin),
        cmocka_unit_test_setup(test_a_line_is_found_by_its_id, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
