// test_offload.c — jobs go out to threads and come back to their core.
#include "world.h"

#include <pthread.h>
#include <semaphore.h>

#include "engine/offload.h"

struct sum {
    struct job job;
    pthread_t worked_on, done_on;
    sem_t *gate; // the worker waits for it, where there is one
    int input, output;
    unsigned done_count;
};

static void sum_work(struct job *job) {
    struct sum *sum = container_of(job, struct sum, job);
    if (sum->gate)
        sem_wait(sum->gate);
    sum->worked_on = pthread_self();
    sum->output = sum->input + 1;
}

static void sum_done(struct job *job) {
    struct sum *sum = container_of(job, struct sum, job);
    sum->done_on = pthread_self();
    sum->done_count++;
}

static bool all_done(const struct sum *sums, int count) {
    for (int i = 0; i < count; i++)
        if (sums[i].done_count != 1)
            return false;
    return true;
}

static void core_open(struct core *core) {
    struct core_options options = world_core();
    assert_int_equal(core_init(core, &options), 0);
}

static void test_a_job_is_worked_at_elsewhere_and_done_here(void **state) {
    (void)state;
    struct core core;
    struct offload *offload;
    core_open(&core);
    assert_int_equal(offload_create(2, 8, &offload), 0);
    struct sum sum = {.job = {.work = sum_work, .done = sum_done}, .input = 41};

    assert_int_equal(offload_submit(offload, &core, &sum.job), 0);
    turn_until(&core, sum.done_count == 1);

    assert_int_equal(sum.output, 42);
    assert_false(pthread_equal(sum.worked_on, pthread_self()));
    assert_true(pthread_equal(sum.done_on, pthread_self()));
    offload_destroy(offload);
    core_finish(&core);
}

static void test_a_job_beyond_the_queue_is_refused_and_those_in_it_are_not(void **state) {
    (void)state;
    struct core core;
    struct offload *offload;
    sem_t gate;
    sem_init(&gate, 0, 0);
    core_open(&core);
    assert_int_equal(offload_create(1, 2, &offload), 0);
    struct sum sums[4];
    for (int i = 0; i < 4; i++)
        sums[i] = (struct sum){.job = {.work = sum_work, .done = sum_done}, .gate = &gate};

    assert_int_equal(offload_submit(offload, &core, &sums[0].job), 0);
    while (offload_queue_count(offload) > 0) // the thread has it
        sched_yield();
    assert_int_equal(offload_submit(offload, &core, &sums[1].job), 0);
    assert_int_equal(offload_submit(offload, &core, &sums[2].job), 0);
    assert_int_equal(offload_submit(offload, &core, &sums[3].job), -EAGAIN);

    for (int i = 0; i < 3; i++)
        sem_post(&gate);
    turn_until(&core, all_done(sums, 3));
    assert_int_equal(sums[3].done_count, 0);
    offload_destroy(offload);
    core_finish(&core);
    sem_destroy(&gate);
}

static void test_destroying_posts_what_was_taken(void **state) {
    (void)state;
    struct core core;
    struct offload *offload;
    core_open(&core);
    assert_int_equal(offload_create(1, 64, &offload), 0);
    struct sum sums[50];
    for (int i = 0; i < 50; i++) {
        sums[i] = (struct sum){.job = {.work = sum_work, .done = sum_done}};
        assert_int_equal(offload_submit(offload, &core, &sums[i].job), 0);
    }

    offload_destroy(offload);

    turn_until(&core, all_done(sums, 50));
    core_finish(&core);
}

static void test_an_offload_without_threads_or_queue_is_refused(void **state) {
    (void)state;
    struct offload *offload = NULL;

    assert_int_equal(offload_create(0, 8, &offload), -EINVAL);
    assert_int_equal(offload_create(1, 0, &offload), -EINVAL);

    assert_null(offload);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_job_is_worked_at_elsewhere_and_done_here),
        cmocka_unit_test(test_a_job_beyond_the_queue_is_refused_and_those_in_it_are_not),
        cmocka_unit_test(test_destroying_posts_what_was_taken),
        cmocka_unit_test(test_an_offload_without_threads_or_queue_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
