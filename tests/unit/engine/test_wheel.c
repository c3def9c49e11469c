// test_wheel.c — deadlines under a clock that the test sets.
#include "world.h"

#include "engine/wheel.h"

struct alarm {
    struct timer timer;
    struct wheel *wheel;
    struct alarm *other;
    int64_t again_ms; // arms itself for then, once
    int64_t rang_at_ms;
    unsigned rings;
};

static void ring_alarm(struct timer *timer) {
    struct alarm *alarm = container_of(timer, struct alarm, timer);
    alarm->rings++;
    alarm->rang_at_ms = alarm->wheel->now_ms;
    if (alarm->other)
        wheel_disarm(alarm->wheel, &alarm->other->timer);
    if (alarm->again_ms) {
        wheel_arm(alarm->wheel, timer, alarm->again_ms);
        alarm->again_ms = 0;
    }
}

static void alarm_init(struct alarm *alarm, struct wheel *wheel) {
    *alarm = (struct alarm){.wheel = wheel};
    timer_init(&alarm->timer, ring_alarm);
}

static void test_a_timer_rings_in_the_first_tick_at_or_after_its_time(void **state) {
    (void)state;
    struct wheel wheel;
    struct alarm alarm;
    wheel_init(&wheel, 1000);
    alarm_init(&alarm, &wheel);
    wheel_arm(&wheel, &alarm.timer, 1100);

    wheel_advance(&wheel, 1103); // its tick ends at 1104
    assert_int_equal(alarm.rings, 0);
    wheel_advance(&wheel, 1104);
    assert_int_equal(alarm.rings, 1);
    wheel_advance(&wheel, 100000);
    assert_int_equal(alarm.rings, 1);
    assert_false(timer_is_armed(&alarm.timer));
}

static void test_a_timer_of_a_later_revolution_is_passed_over(void **state) {
    (void)state;
    struct wheel wheel;
    struct alarm alarm;
    wheel_init(&wheel, 0);
    alarm_init(&alarm, &wheel);
    const int64_t revolution_ms = WHEEL_SLOTS * WHEEL_TICK_MS, due_ms = 3 * revolution_ms + 160;
    wheel_arm(&wheel, &alarm.timer, due_ms);

    for (int64_t now_ms = 0; now_ms < due_ms; now_ms += WHEEL_TICK_MS)
        wheel_advance(&wheel, now_ms);
    assert_int_equal(alarm.rings, 0);
    wheel_advance(&wheel, due_ms);
    assert_int_equal(alarm.rings, 1);
}

static void test_a_clock_that_leaps_over_revolutions_rings_everything_once(void **state) {
    (void)state;
    struct wheel wheel;
    struct alarm alarms[200];
    wheel_init(&wheel, 5);
    for (int i = 0; i < 200; i++) {
        alarm_init(&alarms[i], &wheel);
        wheel_arm(&wheel, &alarms[i].timer, 17 * i * i);
    }

    wheel_advance(&wheel, 10000000);

    for (int i = 0; i < 200; i++)
        assert_int_equal(alarms[i].rings, 1);
    assert_int_equal(wheel_next_ms(&wheel), -1);
}

static void test_a_time_that_has_passed_rings_in_the_next_tick(void **state) {
    (void)state;
    struct wheel wheel;
    struct alarm alarm;
    wheel_init(&wheel, 1000000);
    alarm_init(&alarm, &wheel);

    wheel_arm(&wheel, &alarm.timer, 5);

    assert_int_equal(alarm.rings, 0);
    assert_int_equal(wheel_next_ms(&wheel), 1000000 + WHEEL_TICK_MS);
    wheel_advance(&wheel, 1000000 + WHEEL_TICK_MS);
    assert_int_equal(alarm.rings, 1);
}

static void test_arming_again_moves_the_timer(void **state) {
    (void)state;
    struct wheel wheel;
    struct alarm alarm;
    wheel_init(&wheel, 0);
    alarm_init(&alarm, &wheel);
    wheel_arm(&wheel, &alarm.timer, 100);
    wheel_arm(&wheel, &alarm.timer, 5000);

    wheel_advance(&wheel, 4990);
    assert_int_equal(alarm.rings, 0);
    wheel_advance(&wheel, 5008);
    assert_int_equal(alarm.rings, 1);
}

static void test_a_disarmed_timer_is_silent_and_may_be_disarmed_twice(void **state) {
    (void)state;
    struct wheel wheel;
    struct alarm alarm;
    wheel_init(&wheel, 0);
    alarm_init(&alarm, &wheel);
    wheel_arm(&wheel, &alarm.timer, 100);

    wheel_disarm(&wheel, &alarm.timer);
    wheel_disarm(&wheel, &alarm.timer);

    assert_int_equal(wheel_next_ms(&wheel), -1);
    wheel_advance(&wheel, 1000);
    assert_int_equal(alarm.rings, 0);
}

static void test_a_timer_may_arm_itself_while_it_rings(void **state) {
    (void)state;
    struct wheel wheel;
    struct alarm alarm;
    wheel_init(&wheel, 0);
    alarm_init(&alarm, &wheel);
    alarm.again_ms = 1;
    wheel_arm(&wheel, &alarm.timer, 100);

    wheel_advance(&wheel, 1000000); // a past time must not ring twice in one advance
    assert_int_equal(alarm.rings, 1);
    wheel_advance(&wheel, 1000000 + WHEEL_TICK_MS);
    assert_int_equal(alarm.rings, 2);
}

static void test_a_timer_may_disarm_one_that_is_due_in_the_same_tick(void **state) {
    (void)state;
    struct wheel wheel;
    struct alarm first, second;
    wheel_init(&wheel, 0);
    alarm_init(&first, &wheel);
    alarm_init(&second, &wheel);
    first.other = &second;
    wheel_arm(&wheel, &first.timer, 100);
    wheel_arm(&wheel, &second.timer, 100);

    wheel_advance(&wheel, 200);

    assert_int_equal(first.rings, 1);
    assert_int_equal(second.rings, 0);
    assert_int_equal(wheel_next_ms(&wheel), -1);
}

static void test_the_next_tick_is_found_from_every_place_of_the_wheel(void **state) {
    (void)state;
    for (int64_t now = 0; now < WHEEL_SLOTS; now += 7) {
        for (int64_t ahead = 1; ahead <= WHEEL_SLOTS; ahead += 13) {
            struct wheel wheel;
            struct alarm alarm;
            wheel_init(&wheel, now * WHEEL_TICK_MS);
            alarm_init(&alarm, &wheel);
            assert_int_equal(wheel_next_ms(&wheel), -1);
            wheel_arm(&wheel, &alarm.timer, (now + ahead) * WHEEL_TICK_MS);
            assert_int_equal(wheel_next_ms(&wheel), (now + ahead) * WHEEL_TICK_MS);
        }
    }
}

static void test_many_timers_ring_at_the_time_a_simple_model_gives_them(void **state) {
    (void)state;
    enum { COUNT = 500 };
    struct wheel wheel;
    static struct alarm alarms[COUNT];
    srand(7);
    wheel_init(&wheel, 0);
    for (int i = 0; i < COUNT; i++) {
        alarm_init(&alarms[i], &wheel);
        wheel_arm(&wheel, &alarms[i].timer, rand() % 60000 + 1);
        if (i % 3 == 0)
            wheel_arm(&wheel, &alarms[i].timer, rand() % 60000 + 1);
    }

    for (int64_t now_ms = wheel_next_ms(&wheel); now_ms >= 0; now_ms = wheel_next_ms(&wheel))
        wheel_advance(&wheel, now_ms);

    for (int i = 0; i < COUNT; i++) {
        int64_t tick_ms = (alarms[i].timer.due_ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS * WHEEL_TICK_MS;
        assert_int_equal(alarms[i].rings, 1);
        assert_int_equal(alarms[i].rang_at_ms, tick_ms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_timer_rings_in_the_first_tick_at_or_after_its_time),
        cmocka_unit_test(test_a_timer_of_a_later_revolution_is_passed_over),
        cmocka_unit_test(test_a_clock_that_leaps_over_revolutions_rings_everything_once),
        cmocka_unit_test(test_a_time_that_has_passed_rings_in_the_next_tick),
        cmocka_unit_test(test_arming_again_moves_the_timer),
        cmocka_unit_test(test_a_disarmed_timer_is_silent_and_may_be_disarmed_twice),
        cmocka_unit_test(test_a_timer_may_arm_itself_while_it_rings),
        cmocka_unit_test(test_a_timer_may_disarm_one_that_is_due_in_the_same_tick),
        cmocka_unit_test(test_the_next_tick_is_found_from_every_place_of_the_wheel),
        cmocka_unit_test(test_many_timers_ring_at_the_time_a_simple_model_gives_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
