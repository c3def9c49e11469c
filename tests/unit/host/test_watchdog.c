// test_watchdog.c — a core that stands is told from one that turns, or has nothing to do.
#include "world.h"

#include "host/watchdog.h"

enum { MS = 1000000, LIMIT_MS = 100 };

static enum vigil_news look(struct vigil *vigil, const struct pulse *pulse, int64_t now_ms, int64_t *ret_held_ms) {
    int64_t held_ns;
    enum vigil_news news = vigil_look(vigil, pulse, now_ms * MS, LIMIT_MS * MS, &held_ns);
    *ret_held_ms = held_ns / MS;
    return news;
}

static void test_a_core_that_stands_is_told_once_and_once_when_it_goes_on(void **state) {
    (void)state;
    struct vigil vigil = {0};
    struct pulse pulse = {.beat = 7};
    int64_t held_ms;
    assert_int_equal(look(&vigil, &pulse, 1000, &held_ms), VIGIL_NOTHING);
    assert_int_equal(look(&vigil, &pulse, 1099, &held_ms), VIGIL_NOTHING);
    assert_int_equal(held_ms, 99);

    assert_int_equal(look(&vigil, &pulse, 1100, &held_ms), VIGIL_HELD);
    assert_int_equal(held_ms, 100);
    assert_int_equal(look(&vigil, &pulse, 1500, &held_ms), VIGIL_NOTHING);
    assert_int_equal(held_ms, 500);
    pulse.beat = 8;
    assert_int_equal(look(&vigil, &pulse, 1600, &held_ms), VIGIL_RELEASED);
    assert_int_equal(held_ms, 600);
    assert_int_equal(look(&vigil, &pulse, 1601, &held_ms), VIGIL_NOTHING);
}

static void test_a_core_that_waits_for_work_is_left_alone(void **state) {
    (void)state;
    struct vigil vigil = {0};
    struct pulse pulse = {.beat = 8, .is_waiting = true};
    int64_t held_ms;
    for (int64_t now_ms = 1000; now_ms < 5000; now_ms += 100) {
        assert_int_equal(look(&vigil, &pulse, now_ms, &held_ms), VIGIL_NOTHING);
        assert_int_equal(held_ms, 0);
    }
}

static void test_a_core_that_runs_one_handler_after_another_turns(void **state) {
    (void)state;
    struct vigil vigil = {0};
    struct pulse pulse = {.beat = 1};
    int64_t held_ms;
    for (int64_t now_ms = 1000; now_ms < 5000; now_ms += 90) {
        pulse.beat += 2;
        assert_int_equal(look(&vigil, &pulse, now_ms, &held_ms), VIGIL_NOTHING);
    }
}

static void test_a_core_that_ends_its_work_and_waits_is_released(void **state) {
    (void)state;
    struct vigil vigil = {0};
    struct pulse pulse = {.beat = 3};
    int64_t held_ms;
    look(&vigil, &pulse, 1000, &held_ms);
    assert_int_equal(look(&vigil, &pulse, 1200, &held_ms), VIGIL_HELD);
    pulse.is_waiting = true; // the beat may be the same where it was no coroutine

    assert_int_equal(look(&vigil, &pulse, 1300, &held_ms), VIGIL_RELEASED);
    assert_int_equal(held_ms, 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_core_that_stands_is_told_once_and_once_when_it_goes_on),
        TEST(test_a_core_that_waits_for_work_is_left_alone),
        TEST(test_a_core_that_runs_one_handler_after_another_turns),
        TEST(test_a_core_that_ends_its_work_and_waits_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
