// test_date.c — the Date line against the C library, and once a second.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <time.h>

#include "http/date.h"

static void test_the_date_is_an_imf_fixdate(void **state) {
    (void)state;
    char out[HTTP_DATE_BYTES];
    http_date_write(784111777, out);
    assert_memory_equal(out, "Sun, 06 Nov 1994 08:49:37 GMT", HTTP_DATE_BYTES);
}

static void test_dates_agree_with_strftime(void **state) {
    (void)state;
    char ours[HTTP_DATE_BYTES], theirs[64];
    for (int64_t second = -62135596800; second < 253402300800; second += 86399 * 1013 + 17) { // the years 1 to 9999
        time_t time = (time_t)second;
        struct tm tm;
        gmtime_r(&time, &tm);
        strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        http_date_write(second, ours);
        if (strlen(theirs) == HTTP_DATE_BYTES) // glibc pads no year
            assert_memory_equal(ours, theirs, HTTP_DATE_BYTES);
    }
}

static void test_the_line_is_made_once_a_second(void **state) {
    (void)state;
    struct http_date date = {0};
    str line = http_date_line(&date, 999999);
    assert_int_equal(line.len, HTTP_DATE_LINE_BYTES);
    assert_memory_equal(line.ptr, "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", line.len);

    date.line[6] = '!';
    assert_int_equal(http_date_line(&date, 5).ptr[6], '!');
    assert_memory_equal(http_date_line(&date, 1000000).ptr, "Date: Thu, 01 Jan 1970 00:00:01 GMT\r\n", line.len);
}

static void test_a_date_is_read_in_any_of_its_three_forms(void **state) {
    (void)state;
    static const str forms[] = {S("Sun, 06 Nov 1994 08:49:37 GMT"), S("Sunday, 06-Nov-94 08:49:37 GMT"), S("Sun Nov  6 08:49:37 1994")};
    for (size_t i = 0; i < 3; i++) {
        int64_t second = 0;
        assert_int_equal(http_date_read(forms[i], &second), 0);
        assert_int_equal(second, 784111777);
    }
    for (int64_t second = -62135596800; second < 253402300800; second += 86399 * 1013 + 17) {
        char text[HTTP_DATE_BYTES];
        int64_t back = 0;
        http_date_write(second, text);
        assert_int_equal(http_date_read((str){text, HTTP_DATE_BYTES}, &back), 0);
        assert_int_equal(back, second);
    }
}

static void test_what_is_no_date_is_refused_and_leaves_the_output_alone(void **state) {
    (void)state;
    static const str others[] = {
        {0},
        S(""),
        S("0"),
        S("now"),
        S("Sun, 06 Nov 1994 08:49:37 UTC"),
        S("Sun, 06 Nov 1994 08:49:37 GMT "),
        S("Sun, 6 Nov 1994 08:49:37 GMT"),
        S("Sun, 06 Nom 1994 08:49:37 GMT"),
        S("Sun, 31 Feb 1994 08:49:37 GMT"),
        S("Sun, 00 Nov 1994 08:49:37 GMT"),
        S("Sun, 06 Nov 1994 24:49:37 GMT"),
        S("Sun, 06 Nov 1994 08:60:37 GMT"),
        S("Sun, 06-Nov-94 08:49:37"),
        S("1994-11-06T08:49:37Z"),
        S(", 06-Nov-94 08:49:37 GM"),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        int64_t second = 42;
        assert_int_equal(http_date_read(others[i], &second), -EINVAL);
        assert_int_equal(second, 42);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_date_is_an_imf_fixdate),
        cmocka_unit_test(test_dates_agree_with_strftime),
        cmocka_unit_test(test_the_line_is_made_once_a_second),
        cmocka_unit_test(test_a_date_is_read_in_any_of_its_three_forms),
        cmocka_unit_test(test_what_is_no_date_is_refused_and_leaves_the_output_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
