// test_range.c — which bytes are asked for, and what asks for too much.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/str.h"
#include "http/range.h"

static struct byte_range ranges[RANGES_MAX];

static void expect(const char *field, uint64_t size, int count) {
    int got = http_ranges_read(str_of(field), size, ranges);
    if (got != count)
        fail_msg("\"%s\" of %llu is %d, not %d", field, (unsigned long long)size, got, count);
}

static void expect_range(unsigned index, uint64_t first, uint64_t bytes) {
    assert_int_equal(ranges[index].first, first);
    assert_int_equal(ranges[index].bytes, bytes);
}

static void test_a_range_is_its_bytes(void **state) {
    (void)state;
    expect("bytes=0-0", 10, 1);
    expect_range(0, 0, 1);
    expect("bytes=2-5", 10, 1);
    expect_range(0, 2, 4);
    expect("BYTES=9-", 10, 1);
    expect_range(0, 9, 1);
    expect("bytes=0-9999999999999999999999", 10, 1);
    expect_range(0, 0, 10);
    expect("bytes=-3", 10, 1);
    expect_range(0, 7, 3);
    expect("bytes=-30", 10, 1);
    expect_range(0, 0, 10);
    expect("bytes= 1-2 , 4-5", 10, 2);
    expect_range(0, 1, 2);
    expect_range(1, 4, 2);
    expect("bytes=5-6,0-1", 10, 2); // as they were asked for
    expect_range(0, 5, 2);
    expect_range(1, 0, 2);
}

static void test_what_is_not_there_is_unsatisfiable_unless_something_else_is(void **state) {
    (void)state;
    expect("bytes=10-", 10, -ERANGE);
    expect("bytes=10-20,99999999999999999999-", 10, -ERANGE);
    expect("bytes=-0", 10, -ERANGE);
    expect("bytes=0-", 0, -ERANGE);
    expect("bytes=-1", 0, -ERANGE);
    expect("bytes=10-20,3-3", 10, 1);
    expect_range(0, 3, 1);
}

static void test_what_is_no_range_of_bytes_is_ignored(void **state) {
    (void)state;
    static const char *const fields[] = {"",          "bytes",       "bytes=",      "bytes=,",    "bytes=-",    "bytes=a-b",
                                         "bytes=1",   "bytes=2-1",   "bytes=1-2x",  "bytes=1--2", "bytes=+1-2", "items=0-1",
                                         "bytes 0-1", "bytes=1-2;3", "bytes=0x1-2", "bytes=1 -2", "bytes=0-1,x"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        expect(fields[i], 10, 0);
}

static void test_more_ranges_or_bytes_than_there_are_is_the_whole(void **state) {
    (void)state;
    expect("bytes=0-,0-", 10, 0);
    expect("bytes=0-5,0-5", 10, 0);
    expect("bytes=0-4,5-9", 10, 2);
    expect("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15", 100, 16);
    expect("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16", 100, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_range_is_its_bytes),
        cmocka_unit_test(test_what_is_not_there_is_unsatisfiable_unless_something_else_is),
        cmocka_unit_test(test_what_is_no_range_of_bytes_is_ignored),
        cmocka_unit_test(test_more_ranges_or_bytes_than_there_are_is_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
