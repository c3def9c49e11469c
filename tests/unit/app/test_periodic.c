// test_periodic.c — tests of app/periodic.c: the grid of periodic work under clocks that the test moves.
//
// The clocks stand from the first test on, and only go where it says; what a TEST has moved stays moved.
#include <leat/test.h>

#include "app/app_internal.h"
#include "app/periodic.h"
#include "base/clock.h"
#include "testing/test_app.h"

TEST_PLUGINS("users"); // whichever: an application has one

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, PERIOD = 10 * SECOND, TICK = 16, LOOKS = 2 };

static int often_count, long_begun, long_ended, hourly_count;

EVERY(often, 10, ()) {
    often_count++;
}
static void lasting_ends(void *arg, enum outcome outcome) {
    (void)arg, (void)outcome;
    long_ended++;
}
EVERY(lasting, 10, ()) {
    long_begun++;
    on_done(r, lasting_ends, NULL);
    sleep_ms(r, 25 * SECOND);
}
EVERY(hourly, 3600, ()) {
    hourly_count++;
}

// ---- two clocks

static int64_t monotonic_ms, wall_ms;

static void stand(app *a) {
    if (!monotonic_ms) {
        monotonic_ms = clock_monotonic_ns() / 1000000;
        wall_ms = clock_wall_us() / 1000;
    }
    clock_freeze(monotonic_ms * 1000000, wall_ms * 1000);
    for (int i = 0; i < LOOKS; i++)
        test_app_turn(a, 0);
}

// Time passes, as it does: both clocks go, two seconds at a time.
static void pass(app *a, int64_t ms) {
    while (ms > 0) {
        int64_t step = ms < 2 * SECOND ? ms : 2 * SECOND;
        monotonic_ms += step;
        wall_ms += step;
        ms -= step;
        stand(a);
    }
}

// To just before a point of the grid of `period_ms`.
static void pass_to_grid(app *a, int64_t period_ms) {
    stand(a);
    int64_t delay = periodic_delay_ms(wall_ms, period_ms);
    pass(a, delay > 2 * TICK ? delay - 2 * TICK : delay + period_ms - 2 * TICK);
}

static void set_wall(app *a, int64_t wall_step_ms) {
    wall_ms += wall_step_ms;
    stand(a);
}

// ---- the grid

TEST(work_is_due_at_the_points_of_the_grid_however_late_each_run_is) {
    pass_to_grid(a, PERIOD);
    int before = often_count;
    for (int i = 0; i < 40; i++) {
        pass(a, 4 * TICK + i * 7); // up to 0.3 s late: nothing of it adds up
        assert_int_equal(often_count - before, i + 1);
        pass_to_grid(a, PERIOD);
        assert_int_equal(often_count - before, i + 1);
    }
}
TEST(work_that_a_busy_core_could_not_begin_in_time_runs_once_for_all_it_has_missed) {
    pass_to_grid(a, PERIOD);
    int before = often_count;
    monotonic_ms += 35 * SECOND; // in one turn
    wall_ms += 35 * SECOND;
    stand(a);
    assert_int_equal(often_count - before, 1);
    pass(a, PERIOD);
    assert_int_equal(often_count - before, 2);
}
TEST(a_run_that_takes_longer_than_its_period_lets_points_of_the_grid_go_by) {
    int tries = 0;
    do
        pass_to_grid(a, PERIOD);
    while (long_begun > long_ended && ++tries < 6);
    int begun = long_begun, ended = long_ended;
    uint64_t skipped = a->app->work_skip_count;
    pass(a, 4 * TICK);
    assert_int_equal(long_begun - begun, 1);
    pass(a, 2 * PERIOD);
    assert_int_equal(long_begun - begun, 1);
    assert_int_equal(a->app->work_skip_count - skipped, 2);
    pass(a, PERIOD - SECOND);
    assert_int_equal(long_ended - ended, 1);
    pass(a, SECOND);
    assert_int_equal(long_begun - begun, 2);
}

// ---- clocks that are set

TEST(a_clock_that_is_set_forward_makes_up_for_nothing) {
    pass_to_grid(a, PERIOD);
    int before = often_count;
    set_wall(a, 5 * HOUR + 3 * SECOND);
    pass(a, PERIOD);
    assert_in_range(often_count - before, 1, 2); // what was due, and the next
    before = often_count;
    pass(a, 10 * PERIOD);
    assert_int_equal(often_count - before, 10);
}
TEST(a_clock_that_is_set_back_far_does_not_silence_work_until_it_is_there_again) {
    pass_to_grid(a, PERIOD);
    int before = often_count;
    set_wall(a, -5 * (int64_t)HOUR);
    pass(a, 11 * PERIOD);
    assert_in_range(often_count - before, 10, 11);
}
TEST(a_clock_that_is_set_back_a_little_runs_no_point_of_the_grid_twice) {
    pass_to_grid(a, PERIOD);
    pass(a, 4 * TICK);
    int before = often_count;
    set_wall(a, -4 * SECOND);
    pass(a, 4 * SECOND);
    assert_int_equal(often_count - before, 0);
    pass(a, PERIOD);
    assert_int_equal(often_count - before, 1);
}
TEST(a_machine_that_slept_runs_what_was_due_once_within_a_minute) {
    pass_to_grid(a, HOUR);
    pass(a, 4 * TICK);
    int before = hourly_count;
    set_wall(a, 8 * (int64_t)HOUR); // CLOCK_MONOTONIC stands while it sleeps (clock_gettime(2))
    pass(a, MINUTE + SECOND);
    assert_int_equal(hourly_count - before, 1);
    pass(a, 30 * MINUTE);
    assert_int_equal(hourly_count - before, 1);
    pass(a, 30 * MINUTE);
    assert_int_equal(hourly_count - before, 2);
    while (long_begun > long_ended) // the application waits for what runs when it ends, and no time passes any more
        pass(a, SECOND);
}
