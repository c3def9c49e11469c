// test_timestamp.c — timestamps as text, for every day there is.
#include "subject.h"

#include <time.h>

#include "schema/timestamp.h"

static const char *text_of(int64_t us) {
    static char text[TIMESTAMP_BYTES_MAX + 1];
    text[timestamp_format(text, (timestamp){us})] = 0;
    return text;
}

static void test_a_fraction_is_written_where_there_is_one(void **state) {
    (void)state;
    assert_string_equal(text_of(0), "1970-01-01T00:00:00Z");
    assert_string_equal(text_of(1), "1970-01-01T00:00:00.000001Z");
    assert_string_equal(text_of(-1), "1969-12-31T23:59:59.999999Z");
    assert_string_equal(text_of(1763627563012073), "2025-11-20T08:32:43.012073Z");
    assert_string_equal(text_of(1763627563500000), "2025-11-20T08:32:43.500000Z");
}

static void test_what_no_text_has_room_for_is_the_nearest_that_has(void **state) {
    (void)state;
    assert_string_equal(text_of(TIMESTAMP_US_MIN), "0001-01-01T00:00:00Z");
    assert_string_equal(text_of(TIMESTAMP_US_MAX), "9999-12-31T23:59:59.999999Z");
    assert_string_equal(text_of(INT64_MIN), "0001-01-01T00:00:00Z");
    assert_string_equal(text_of(INT64_MAX), "9999-12-31T23:59:59.999999Z");
}

static void test_every_day_is_written_as_the_c_library_does_and_found_again(void **state) {
    (void)state;
    for (int64_t us = TIMESTAMP_US_MIN; us < TIMESTAMP_US_MAX; us += DAY_US) {
        time_t seconds = us / 1000000;
        struct tm tm;
        char expected[40];
        gmtime_r(&seconds, &tm);
        unsigned year = (unsigned)tm.tm_year + 1900, month = (unsigned)tm.tm_mon + 1, day = (unsigned)tm.tm_mday;
        snprintf(expected, sizeof expected, "%04u-%02u-%02uT00:00:00Z", year, month, day);
        assert_string_equal(text_of(us), expected);
        assert_int_equal(timestamp_us_of_date(year, month, day), us);
    }
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fraction_is_written_where_there_is_one),
        cmocka_unit_test(test_what_no_text_has_room_for_is_the_nearest_that_has),
        cmocka_unit_test(test_every_day_is_written_as_the_c_library_does_and_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
