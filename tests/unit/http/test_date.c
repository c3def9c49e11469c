// test_date — the Date line against the C library, and once a second.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_date_is_an_imf_fixdate),
        cmocka_unit_test(test_dates_agree_with_strftime),
        cmocka_unit_test(test_the_line_is_made_once_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
