// test_core.c — the turns of a core: what runs when, and how long it waits.
#include "world.h"

#include <pthread.h>
#include <sched.h>

#include "base/clock.h"

struct chore {
    struct deferred deferred;
    struct core *core;
    struct chore *after; // deferred by this one, to the same turn's end
    bool is_endless;     // defers itself again and again
    char *log;
    char name;
    unsigned runs;
};

static void chore_run(struct deferred *deferred) {
    struct chore *chore = container_of(deferred, struct chore, deferred);
    chore->runs++;
    if (chore->log)
        strncat(chore->log, &chore->name, 1);
    if (chore->after)
        core_defer(chore->core, &chore->after->deferred);
    if (chore->is_endless)
        core_defer(chore->core, deferred);
}

static void chore_init(struct chore *chore, struct core *core, char *log, char name) {
    *chore = (struct chore){.core = core, .log = log, .name = name};
    deferred_init(&chore->deferred, chore_run);
}

static void core_open(struct core *core) {
    struct core_options options = world_core();
    int error = core_init(core, &options);
    if (error < 0)
        fail_msg("%s", ring_refusal(error));
}

static void test_what_is_deferred_runs_once_in_the_order_it_was_asked(void **state) {
    (void)state;
    struct core core;
    struct chore chores[3];
    char log[16] = "";
    core_open(&core);
    for (int i = 0; i < 3; i++)
        chore_init(&chores[i], &core, log, (char)('a' + i));

    core_defer(&core, &chores[1].deferred);
    core_defer(&core, &chores[0].deferred);
    core_defer(&core, &chores[1].deferred);
    core_defer(&core, &chores[2].deferred);
    deferred_cancel(&chores[2].deferred);
    deferred_cancel(&chores[2].deferred);
    turns(&core, 3);

    assert_string_equal(log, "ba");
    core_finish(&core);
}

static void test_what_the_turns_end_defers_runs_at_the_same_turns_end(void **state) {
    (void)state;
    struct core core;
    struct chore first, second;
    char log[16] = "";
    core_open(&core);
    chore_init(&first, &core, log, 'a');
    chore_init(&second, &core, log, 'b');
    first.after = &second;

    core_defer(&core, &first.deferred);
    turns(&core, 1);

    assert_string_equal(log, "ab");
    core_finish(&core);
}

static void test_the_next_turns_work_runs_before_its_completions_and_does_not_wait(void **state) {
    (void)state;
    struct core core;
    struct chore next, end;
    char log[16] = "";
    core_open(&core);
    chore_init(&next, &core, log, 'n');
    chore_init(&end, &core, log, 'e');

    core_defer(&core, &end.deferred);
    core_defer_to_next_turn(&core, &next.deferred);
    assert_int_equal(core_turn(&core, -1), 0); // would wait for ever

    assert_string_equal(log, "ne");
    core_finish(&core);
}

static void test_work_that_defers_itself_for_ever_does_not_stop_the_turns(void **state) {
    (void)state;
    struct core core;
    struct chore endless;
    core_open(&core);
    chore_init(&endless, &core, NULL, 'x');
    endless.is_endless = true;

    core_defer(&core, &endless.deferred);
    assert_int_equal(core_turn(&core, -1), 0);
    assert_int_equal(core_turn(&core, -1), 0); // there is work left: no waiting

    assert_int_equal(endless.runs, 128);
    deferred_cancel(&endless.deferred);
    core_finish(&core);
}

struct bell {
    struct timer timer;
    struct core *core;
    int64_t rang_at_ms;
};

static void bell_rings(struct timer *timer) {
    struct bell *bell = container_of(timer, struct bell, timer);
    bell->rang_at_ms = core_now_ms(bell->core);
    core_stop(bell->core);
}

static void test_a_timer_ends_the_wait(void **state) {
    (void)state;
    struct core core;
    core_open(&core);
    struct bell bell = {.core = &core};
    timer_init(&bell.timer, bell_rings);
    int64_t due_ms = core_now_ms(&core) + 40;
    wheel_arm(&core.wheel, &bell.timer, due_ms);

    assert_int_equal(core_run(&core), 0);

    assert_true(bell.rang_at_ms >= due_ms);
    assert_in_range(core.turn_count, 1, 4); // it slept in between
    core_finish(&core);
}

static void test_timers_follow_the_clock_they_are_given(void **state) {
    (void)state;
    struct core core;
    clock_freeze(1000000000, 5000000);
    core_open(&core);
    struct bell bell = {.core = &core};
    timer_init(&bell.timer, bell_rings);
    wheel_arm(&core.wheel, &bell.timer, 1000 + 3600000);

    clock_freeze(1000000000 + INT64_C(3599) * 1000000000, 6000000);
    turns(&core, 1);
    assert_int_equal(bell.rang_at_ms, 0);
    clock_freeze(1000000000 + INT64_C(3601) * 1000000000, 7000000);
    turns(&core, 1);

    assert_int_equal(bell.rang_at_ms, 1000 + 3601000);
    assert_int_equal(core.wall_us, 7000000);
    clock_freeze(-1, -1);
    core_finish(&core);
}

struct post {
    struct message message;
    struct core *core;
};

static void post_run(struct message *message) {
    core_stop(container_of(message, struct post, message)->core);
}

static void *post_send(void *arg) {
    struct post *post = arg;
    return (void *)(intptr_t)ring_post(post->core->ring, &post->message);
}

static void test_a_message_wakes_a_core_that_waits(void **state) {
    (void)state;
    struct core core;
    core_open(&core);
    struct post post = {.message.run = post_run, .core = &core};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post_send, &post), 0);

    assert_int_equal(core_run(&core), 0); // no timer, nothing in flight: only the message can end it

    void *error;
    pthread_join(thread, &error);
    assert_null(error);
    core_finish(&core);
}

static void *post_later(void *arg) {
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return post_send(arg);
}

static void core_open_busy(struct core *core, uint32_t busy_poll_us) {
    struct core_options options = world_core();
    options.busy_poll_us = busy_poll_us;
    assert_int_equal(core_init(core, &options), 0);
}

static void test_a_core_that_polls_busily_looks_for_what_comes_without_sleeping(void **state) {
    (void)state;
    struct core core;
    clock_freeze(1000000000, 5000000); // its time to look never ends
    core_open_busy(&core, 100);
    struct post post = {.message.run = post_run, .core = &core};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post_later, &post), 0);
    uint64_t entered = ring_enter_count(core.ring);

    assert_int_equal(core_run(&core), 0);

    assert_true(ring_enter_count(core.ring) - entered > 100);
    assert_int_equal(core.turn_count, 1);
    pthread_join(thread, NULL);
    clock_freeze(-1, -1);
    core_finish(&core);
}

static void test_a_core_that_polls_busily_sleeps_once_nothing_comes(void **state) {
    (void)state;
    struct core core;
    core_open_busy(&core, 50);
    for (int i = 0; i < 8; i++)
        assert_int_equal(core_turn(&core, 5), 0);
    uint64_t entered = ring_enter_count(core.ring);

    assert_int_equal(core_turn(&core, 5), 0);

    assert_int_equal(ring_enter_count(core.ring) - entered, 1);
    core_finish(&core);
}

static void *pinned_core(void *arg) {
    struct core core;
    struct core_options options = world_core();
    options.index = *(unsigned *)arg;
    options.pinned = true;
    assert_int_equal(core_init(&core, &options), 0);
    assert_ptr_equal(core_current(), &core);
    cpu_set_t mine;
    sched_getaffinity(0, sizeof mine, &mine);
    intptr_t count = CPU_COUNT(&mine), first = 0;
    while (!CPU_ISSET(first, &mine))
        first++;
    core_finish(&core);
    return (void *)(count * 1000 + first);
}

static intptr_t cpu_of_pinned(unsigned index) {
    pthread_t thread;
    void *answer;
    assert_int_equal(pthread_create(&thread, NULL, pinned_core, &index), 0);
    pthread_join(thread, &answer);
    assert_int_equal((intptr_t)answer / 1000, 1); // one CPU and no more
    return (intptr_t)answer % 1000;
}

static void test_a_core_is_pinned_to_its_index_modulo_the_usable_cpus(void **state) {
    (void)state;
    cpu_set_t usable;
    sched_getaffinity(0, sizeof usable, &usable);
    unsigned count = (unsigned)CPU_COUNT(&usable);

    intptr_t first = cpu_of_pinned(0);

    assert_int_equal(cpu_of_pinned(count), first);
    if (count > 1)
        assert_int_not_equal(cpu_of_pinned(1), first);
    assert_null(core_current());
}

struct sleeper {
    struct coro *coro;
    bool is_over;
};

static void sleeper_run(void *arg) {
    struct sleeper *sleeper = arg;
    sleeper->coro = coro_current();
    coro_suspend();
    sleeper->is_over = true;
}

static void test_a_burst_of_coroutines_is_trimmed_by_and_by(void **state) {
    (void)state;
    enum { BURST = 300 };
    struct core core;
    struct core_options options = world_core();
    static struct sleeper sleepers[BURST];
    options.coro.count_max = BURST;
    clock_freeze(1000000000, 0);
    assert_int_equal(core_init(&core, &options), 0);
    for (int i = 0; i < BURST; i++) {
        sleepers[i] = (struct sleeper){0};
        assert_int_equal(coro_start(core.coros, sleeper_run, &sleepers[i]), 0);
    }
    for (int i = 0; i < BURST; i++)
        coro_resume(sleepers[i].coro);
    assert_true(coro_pool_has_surplus(core.coros));

    for (int64_t second = 1; second <= 4; second++) {
        clock_freeze(1000000000 + second * 1100000000, 0);
        turns(&core, 1);
    }

    assert_false(coro_pool_has_surplus(core.coros));
    clock_freeze(-1, -1);
    core_finish(&core);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_deferred_runs_once_in_the_order_it_was_asked),
        cmocka_unit_test(test_what_the_turns_end_defers_runs_at_the_same_turns_end),
        cmocka_unit_test(test_the_next_turns_work_runs_before_its_completions_and_does_not_wait),
        cmocka_unit_test(test_work_that_defers_itself_for_ever_does_not_stop_the_turns),
        cmocka_unit_test(test_a_timer_ends_the_wait),
        cmocka_unit_test(test_timers_follow_the_clock_they_are_given),
        cmocka_unit_test(test_a_message_wakes_a_core_that_waits),
        cmocka_unit_test(test_a_core_that_polls_busily_looks_for_what_comes_without_sleeping),
        cmocka_unit_test(test_a_core_that_polls_busily_sleeps_once_nothing_comes),
        cmocka_unit_test(test_a_core_is_pinned_to_its_index_modulo_the_usable_cpus),
        cmocka_unit_test(test_a_burst_of_coroutines_is_trimmed_by_and_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
