// test_clock.c — the near clock is near, never ahead, and stands where a test has set it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

enum { LOOKS = 200000, NEAR_NS = 4000 };

static void test_the_near_clock_is_four_microseconds_behind_at_most(void **state) {
    (void)state;
    for (int i = 0; i < LOOKS; i++) {
        int64_t before = clock_monotonic_ns(), near = clock_monotonic_near_ns(), after = clock_monotonic_ns();
        if (near < before - NEAR_NS || near > after)
            fail_msg("%ld ns behind, %ld ns ahead", (long)(before - near), (long)(near - after));
    }
}

static void test_the_near_clock_never_goes_back(void **state) {
    (void)state;
    int64_t last = 0;
    for (int i = 0; i < LOOKS; i++) {
        int64_t near = clock_monotonic_near_ns();
        assert_true(near >= last);
        last = near;
    }
}

static void test_a_frozen_clock_stands(void **state) {
    (void)state;
    clock_freeze(5, 7);
    assert_int_equal(clock_monotonic_ns(), 5);
    assert_int_equal(clock_monotonic_near_ns(), 5);
    assert_int_equal(clock_wall_us(), 7);
    clock_freeze(-1, -1);
    assert_true(clock_monotonic_near_ns() > 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_near_clock_is_four_microseconds_behind_at_most),
        cmocka_unit_test(test_the_near_clock_never_goes_back),
        cmocka_unit_test(test_a_frozen_clock_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
