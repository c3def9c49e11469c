// test_hasher.c — hashing beside a real ring: awaited, refused when the queue is full, and dropped half-way.
#include "auth/hasher.h"

#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

enum { TURNS_MAX = 2000, TURN_MS = 5 };

static struct core core;
static struct hasher hasher = {.cost = {.memory_kib = 64, .passes = 1, .lanes = 1}};

// A request: its password is written over as soon as it has suspended or ended, as an arena's would be.
struct request {
    struct coro *coro;
    char plain[16], hash[PASSWORD_HASH_BYTES];
    int made, matched;
    bool is_over;
};

static void serve(void *arg) {
    struct request *request = arg;
    request->coro = coro_current();
    str plain = str_of(request->plain);
    request->made = hasher_make(&hasher, &core, plain, request->hash);
    if (request->made == 0)
        request->matched = hasher_matches(&hasher, &core, S("Password1"), str_of(request->hash));
    request->is_over = true;
}

static void begin(struct request *request) {
    *request = (struct request){.plain = "Password1", .made = 1, .matched = -1};
    assert_int_equal(coro_start(core.coros, serve, request), 0);
    memset(request->plain, 'x', sizeof request->plain);
}

static void turn_until_over(const struct request *request) {
    for (int i = 0; i < TURNS_MAX && !request->is_over; i++)
        assert_int_equal(core_turn(&core, TURN_MS), 0);
    assert_true(request->is_over);
}

static void test_a_password_is_hashed_and_matched_from_a_coroutine(void **state) {
    (void)state;
    struct request request;
    begin(&request);
    assert_false(request.is_over); // it waits, the ring does not

    turn_until_over(&request);

    assert_int_equal(request.made, 0);
    assert_int_equal(request.matched, 1);
}

static void test_many_coroutines_wait_at_once(void **state) {
    (void)state;
    struct request requests[8];
    for (int i = 0; i < 8; i++)
        begin(&requests[i]);
    for (int i = 0; i < 8; i++) {
        turn_until_over(&requests[i]);
        assert_int_equal(requests[i].matched, 1);
    }
}

// A worker that is kept busy by a job of the test's own.
struct gate {
    struct job job;
    sem_t open;
    bool is_done;
};

static void wait_at_gate(struct job *job) {
    struct gate *gate = container_of(job, struct gate, job);
    while (sem_wait(&gate->open) != 0)
        ;
}

static void gate_done(struct job *job) {
    container_of(job, struct gate, job)->is_done = true;
}

static void close_gate(struct gate *gate) {
    *gate = (struct gate){.job = {.work = wait_at_gate, .done = gate_done}};
    sem_init(&gate->open, 0, 0);
    assert_int_equal(offload_submit(hasher.workers, &core, &gate->job), 0);
    while (offload_queue_count(hasher.workers) != 0) // until the worker has taken it
        core_turn(&core, 1);
}

static void open_gate(struct gate *gate) {
    sem_post(&gate->open);
    for (int i = 0; i < TURNS_MAX && !gate->is_done; i++)
        core_turn(&core, TURN_MS);
    assert_true(gate->is_done);
    sem_destroy(&gate->open);
}

static void test_a_full_queue_refuses_without_waiting(void **state) {
    (void)state;
    struct gate gate;
    struct request requests[9];
    close_gate(&gate);
    for (int i = 0; i < 9; i++)
        begin(&requests[i]);

    assert_true(requests[8].is_over);
    assert_int_equal(requests[8].made, -EAGAIN);
    assert_false(requests[7].is_over);

    open_gate(&gate);
    for (int i = 0; i < 8; i++)
        turn_until_over(&requests[i]);
}

static void test_a_coroutine_that_is_dropped_while_it_waits_is_never_resumed(void **state) {
    (void)state;
    struct gate gate;
    struct request *dropped = malloc(sizeof *dropped), after;
    close_gate(&gate);
    begin(dropped);
    unsigned live = coro_pool_live(core.coros);

    hasher_forget(dropped->coro);
    coro_drop(dropped->coro);
    free(dropped); // the sanitizer sees whoever touches it
    open_gate(&gate);

    begin(&after);
    turn_until_over(&after);
    assert_int_equal(after.matched, 1);
    assert_int_equal(coro_pool_live(core.coros), live - 1);
}

static void test_forgetting_a_coroutine_that_waits_for_nothing_is_harmless(void **state) {
    (void)state;
    struct request request;
    begin(&request);
    hasher_forget((struct coro *)&request);
    turn_until_over(&request);
    hasher_forget(request.coro);
    assert_int_equal(request.matched, 1);
}

static int too_long_made, too_long_matched;
static bool is_too_long_over;

static void serve_too_long(void *arg) {
    char hash[PASSWORD_HASH_BYTES];
    str plain = {arg, 1 << 20};
    too_long_made = hasher_make(&hasher, &core, plain, hash);
    too_long_matched = hasher_matches(&hasher, &core, plain, S(""));
    is_too_long_over = true;
}

static void test_a_password_that_is_too_long_is_refused(void **state) {
    (void)state;
    char *plain = calloc(1, 1 << 20);
    assert_int_equal(coro_start(core.coros, serve_too_long, plain), 0);
    for (int i = 0; i < TURNS_MAX && !is_too_long_over; i++)
        core_turn(&core, TURN_MS);
    assert_int_equal(too_long_made, -EINVAL);
    assert_int_equal(too_long_matched, 0);
    free(plain);
}

static int set_up(void **state) {
    (void)state;
    struct core_options options = core_options_default;
    options.coro.count_max = 32;
    if (core_init(&core, &options) != 0)
        return -1;
    return offload_create(1, 8, &hasher.workers);
}

static int tear_down(void **state) {
    (void)state;
    offload_destroy(hasher.workers);
    core_finish(&core);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_password_is_hashed_and_matched_from_a_coroutine),
        cmocka_unit_test(test_many_coroutines_wait_at_once),
        cmocka_unit_test(test_a_full_queue_refuses_without_waiting),
        cmocka_unit_test(test_a_coroutine_that_is_dropped_while_it_waits_is_never_resumed),
        cmocka_unit_test(test_forgetting_a_coroutine_that_waits_for_nothing_is_harmless),
        cmocka_unit_test(test_a_password_that_is_too_long_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
