// test_digits.c — numbers as text: as Python's repr() writes them, and the shortest that reads back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/digits.h"

static const char *text_of(double value) {
    static char text[F64_TEXT_BYTES_MAX + 1];
    *digits_of_f64(text, value) = 0;
    return text;
}

static void test_doubles_are_written_as_python_repr_does(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.30000000000000004, "0.30000000000000004"},
        {19.99, "19.99"},
        {1e15, "1000000000000000.0"},
        {9999999999999998.0, "9999999999999998.0"},
        {1e16, "1e+16"},
        {1.2345678901234567e16, "1.2345678901234568e+16"},
        {123456789012345.6, "123456789012345.6"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {0.000123456789, "0.000123456789"},
        {1.5e-7, "1.5e-07"},
        {1e22, "1e+22"},
        {1e100, "1e+100"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {3.141592653589793, "3.141592653589793"},
        {52.520008, "52.520008"},
        {1763627563.012073, "1763627563.012073"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(text_of(cases[i].value), cases[i].text);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void test_every_double_reads_back_as_itself(void **state) {
    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = next_random();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (i % 2)
            value = (double)(int64_t)(bits >> (i % 60)) / pow(10, i % 19);
        if (!isfinite(value))
            continue;
        double back = strtod(text_of(value), NULL);
        assert_memory_equal(&back, &value, sizeof value);
    }
}

static void test_no_shorter_text_reads_back(void **state) {
    (void)state;
    for (int i = 0; i < 20000; i++) {
        double value = (double)(next_random() >> 20) / 1e6;
        const char *text = text_of(value);
        size_t digits = strlen(text) - (strchr(text, '.') != NULL);
        char shorter[40];
        for (int precision = 1; precision < (int)digits; precision++) {
            snprintf(shorter, sizeof shorter, "%.*g", precision, value);
            if (strtod(shorter, NULL) == value)
                assert_true(strstr(text, ".0")); // 12.0 is as short as it gets
        }
    }
}

static void test_bounds_are_written_without_exponent_and_without_point_zero(void **state) {
    (void)state;
    char text[F64_PLAIN_BYTES_MAX];
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"}, {0.5, "0.5"}, {-3, "-3"}, {1e16, "10000000000000000"}, {1e-7, "0.0000001"}, {1234.5, "1234.5"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        *digits_of_f64_plain(text, cases[i].value) = 0;
        assert_string_equal(text, cases[i].text);
    }
    assert_true(digits_of_f64_plain(text, -1.7976931348623157e308) - text <= F64_PLAIN_BYTES_MAX);
    assert_true(digits_of_f64_plain(text, -2.2250738585072014e-308) - text <= F64_PLAIN_BYTES_MAX);
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_are_written_as_python_repr_does),
        cmocka_unit_test(test_every_double_reads_back_as_itself),
        cmocka_unit_test(test_no_shorter_text_reads_back),
        cmocka_unit_test(test_bounds_are_written_without_exponent_and_without_point_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
