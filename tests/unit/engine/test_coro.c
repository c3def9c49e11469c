// test_coro.c — coroutines start, wait, go on, end, and give their stacks back.
//
// Built twice: with this machine's switch, and with the one for machines that have none (test_coro_ucontext).
#include "world.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "engine/coro.h"

static struct coro_pool *pool_of(unsigned count_max) {
    struct coro_pool *pool;
    assert_int_equal(coro_pool_create(&(struct coro_options){.stack_bytes = 65536, .count_max = count_max}, &pool), 0);
    return pool;
}

struct walk {
    struct coro *coro;
    char *stack; // somewhere on it
    int steps, waits;
    bool abandons;
};

static void walk_run(void *arg) {
    struct walk *walk = arg;
    char here = 0;
    walk->stack = &here;
    walk->coro = coro_current();
    for (; walk->waits > 0; walk->waits--) {
        walk->steps++;
        coro_suspend();
    }
    walk->steps++;
    if (walk->abandons)
        coro_abandon();
}

static void test_a_coroutine_that_does_not_wait_ends_before_start_returns(void **state) {
    (void)state;
    struct coro_pool *pool = pool_of(4);
    struct walk walk = {0};

    assert_int_equal(coro_start(pool, walk_run, &walk), 0);

    assert_int_equal(walk.steps, 1);
    assert_non_null(walk.coro);
    assert_null(coro_current());
    assert_int_equal(coro_pool_live(pool), 0);
    coro_pool_destroy(pool);
}

static void test_a_coroutine_goes_on_where_it_has_suspended(void **state) {
    (void)state;
    struct coro_pool *pool = pool_of(4);
    struct walk walk = {.waits = 2};

    assert_int_equal(coro_start(pool, walk_run, &walk), 0);
    assert_int_equal(walk.steps, 1);
    coro_resume(walk.coro);
    assert_int_equal(walk.steps, 2);
    assert_int_equal(coro_pool_live(pool), 1);
    coro_resume(walk.coro);

    assert_int_equal(walk.steps, 3);
    assert_int_equal(coro_pool_live(pool), 0);
    coro_pool_destroy(pool);
}

struct numbers {
    struct coro *coro;
    double floating;
    uint64_t whole;
};

static void numbers_run(void *arg) {
    struct numbers *numbers = arg;
    numbers->coro = coro_current();
    register uint64_t a = numbers->whole, b = a * 3, c = a * 5, d = a * 7, e = a * 11, f = a * 13;
    double x = numbers->floating, y = x * 3;
    coro_suspend();
    numbers->whole = a + b + c + d + e + f;
    numbers->floating = x + y;
}

static void test_registers_survive_a_wait(void **state) {
    (void)state;
    struct coro_pool *pool = pool_of(4);
    struct numbers first = {.whole = 1, .floating = 0.5}, second = {.whole = 1000, .floating = 2.25};

    assert_int_equal(coro_start(pool, numbers_run, &first), 0);
    assert_int_equal(coro_start(pool, numbers_run, &second), 0);
    coro_resume(first.coro);
    coro_resume(second.coro);

    assert_int_equal(first.whole, 40);
    assert_int_equal(second.whole, 40000);
    assert_true(first.floating == 2.0 && second.floating == 9.0);
    coro_pool_destroy(pool);
}

static void test_one_more_than_the_pool_has_is_refused(void **state) {
    (void)state;
    struct coro_pool *pool = pool_of(3);
    struct walk walks[4] = {{.waits = 1}, {.waits = 1}, {.waits = 1}, {.waits = 1}};

    for (int i = 0; i < 3; i++)
        assert_int_equal(coro_start(pool, walk_run, &walks[i]), 0);
    assert_int_equal(coro_start(pool, walk_run, &walks[3]), -EAGAIN);
    assert_int_equal(walks[3].steps, 0);

    coro_resume(walks[1].coro);
    assert_int_equal(coro_start(pool, walk_run, &walks[3]), 0);
    for (int i = 0; i < 4; i++)
        if (i != 1)
            coro_resume(walks[i].coro);
    coro_pool_destroy(pool);
}

struct nested {
    struct coro_pool *pool;
    struct walk inner;
    int answer;
};

static void nested_run(void *arg) {
    struct nested *nested = arg;
    nested->answer = coro_start(nested->pool, walk_run, &nested->inner);
}

static void test_a_start_inside_a_coroutine_is_refused(void **state) {
    (void)state;
    struct nested nested = {.pool = pool_of(4)};

    assert_int_equal(coro_start(nested.pool, nested_run, &nested), 0);

    assert_int_equal(nested.answer, -EDEADLK);
    assert_int_equal(nested.inner.steps, 0);
    coro_pool_destroy(nested.pool);
}

static void test_stacks_are_reused_last_in_first_out(void **state) {
    (void)state;
    struct coro_pool *pool = pool_of(4);
    struct walk first = {.waits = 1}, second = {.waits = 1}, third = {0}, fourth = {0};
    coro_start(pool, walk_run, &first);
    coro_start(pool, walk_run, &second);
    coro_resume(first.coro);
    coro_resume(second.coro);

    coro_start(pool, walk_run, &third);
    coro_start(pool, walk_run, &fourth);

    assert_ptr_equal(third.coro, second.coro);
    assert_ptr_equal(fourth.coro, second.coro);
    coro_pool_destroy(pool);
}

static void test_an_abandoned_coroutine_gives_its_stack_back(void **state) {
    (void)state;
    struct coro_pool *pool = pool_of(1);

    for (int round = 0; round < 100; round++) {
        struct walk walk = {.waits = 1, .abandons = true};
        assert_int_equal(coro_start(pool, walk_run, &walk), 0);
        coro_resume(walk.coro);
        assert_int_equal(walk.steps, 2);
        assert_int_equal(coro_pool_live(pool), 0);
    }
    coro_pool_destroy(pool);
}

static void test_a_dropped_coroutine_gives_its_stack_back_and_never_goes_on(void **state) {
    (void)state;
    struct coro_pool *pool = pool_of(1);

    for (int round = 0; round < 100; round++) {
        struct walk walk = {.waits = 1};
        assert_int_equal(coro_start(pool, walk_run, &walk), 0);
        coro_drop(walk.coro);
        assert_int_equal(walk.steps, 1);
        assert_int_equal(coro_pool_live(pool), 0);
    }
    coro_pool_destroy(pool);
}

static void test_a_stack_begins_anew_however_its_last_use_has_ended(void **state) {
    (void)state;
    struct coro_pool *pool = pool_of(1);

    for (int round = 0; round < 1000; round++) {
        int end = round * 7 % 11 % 4;
        struct walk walk = {.waits = end ? 1 : 0, .abandons = end == 1};
        assert_int_equal(coro_start(pool, walk_run, &walk), 0);
        if (end == 3)
            coro_drop(walk.coro);
        else if (end)
            coro_resume(walk.coro);
        assert_int_equal(walk.steps, end == 0 || end == 3 ? 1 : 2);
        assert_int_equal(coro_pool_live(pool), 0);
    }
    coro_pool_destroy(pool);
}

static char *deepest;
/** Each call keeps a frame of its own: `above` makes the frames a chain that no loop can replace. */
static __attribute__((noinline)) int descend(int depth, const volatile char *above) {
    volatile char frame[512];
    frame[0] = above ? above[0] : 0;
    deepest = (char *)frame;
    return depth == 0 ? frame[0] : descend(depth - 1, frame) + frame[0] + 1;
}

static void descend_run(void *arg) {
    *(int *)arg = descend(*(int *)arg, NULL);
}

static void test_a_stack_is_as_deep_as_it_was_asked_for(void **state) {
    (void)state;
    struct coro_pool *pool = pool_of(2);
    struct walk walk = {0};
    int depth = 60; // some 35 KiB, some 45 with AddressSanitizer
    assert_int_equal(coro_start(pool, walk_run, &walk), 0);

    assert_int_equal(coro_start(pool, descend_run, &depth), 0);

    assert_int_equal(depth, 60);
    assert_true(walk.stack - deepest > 30000); // on the same stack: it was really that deep
    coro_pool_destroy(pool);
}

/** Below the second stack lies the first, which is in use: without a guard page this would damage it in silence. */
static void test_a_stack_that_is_too_deep_ends_at_its_guard_page(void **state) {
    (void)state;
    struct coro_pool *pool = pool_of(2);
    struct walk below = {.waits = 1};
    assert_int_equal(coro_start(pool, walk_run, &below), 0);

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY), depth = 200; // more than one stack, less than two
        dup2(null, 1);
        dup2(null, 2);
        signal(SIGSEGV, SIG_DFL);
        coro_start(pool, descend_run, &depth);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);

    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV : WEXITSTATUS(status) != 0);
    coro_resume(below.coro);
    coro_pool_destroy(pool);
}

static void test_stacks_of_a_burst_go_back_to_the_kernel(void **state) {
    (void)state;
    enum { BURST = 400 };
    struct coro_pool *pool = pool_of(BURST);
    static struct walk walks[BURST];
    for (int i = 0; i < BURST; i++) {
        walks[i] = (struct walk){.waits = 1};
        assert_int_equal(coro_start(pool, walk_run, &walks[i]), 0);
    }
    char *first_used = walks[0].stack; // its stack is the coldest once all have ended in this order
    for (int i = 0; i < BURST; i++)
        coro_resume(walks[i].coro);

    assert_true(coro_pool_has_surplus(pool));
    for (int i = 0; i < 8; i++)
        coro_pool_trim(pool);

    assert_false(coro_pool_has_surplus(pool));
    unsigned char is_resident = 1;
    assert_int_equal(mincore((void *)((uintptr_t)first_used & ~(uintptr_t)4095), 4096, &is_resident), 0);
    assert_int_equal(is_resident & 1, 0);
    for (int i = 0; i < BURST; i++) { // cold stacks are as good as others
        walks[i] = (struct walk){.waits = 1};
        assert_int_equal(coro_start(pool, walk_run, &walks[i]), 0);
    }
    for (int i = 0; i < BURST; i++)
        coro_resume(walks[i].coro);
    assert_int_equal(coro_pool_live(pool), 0);
    coro_pool_destroy(pool);
}

static void test_a_pool_of_nothing_is_refused(void **state) {
    (void)state;
    struct coro_pool *pool = NULL;

    assert_int_equal(coro_pool_create(&(struct coro_options){.stack_bytes = 65536}, &pool), -EINVAL);
    assert_int_equal(coro_pool_create(&(struct coro_options){.count_max = 4}, &pool), -EINVAL);

    assert_null(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_coroutine_that_does_not_wait_ends_before_start_returns),
        cmocka_unit_test(test_a_coroutine_goes_on_where_it_has_suspended),
        cmocka_unit_test(test_registers_survive_a_wait),
        cmocka_unit_test(test_one_more_than_the_pool_has_is_refused),
        cmocka_unit_test(test_a_start_inside_a_coroutine_is_refused),
        cmocka_unit_test(test_stacks_are_reused_last_in_first_out),
        cmocka_unit_test(test_an_abandoned_coroutine_gives_its_stack_back),
        cmocka_unit_test(test_a_dropped_coroutine_gives_its_stack_back_and_never_goes_on),
        cmocka_unit_test(test_a_stack_begins_anew_however_its_last_use_has_ended),
        cmocka_unit_test(test_a_stack_is_as_deep_as_it_was_asked_for),
        cmocka_unit_test(test_a_stack_that_is_too_deep_ends_at_its_guard_page),
        cmocka_unit_test(test_stacks_of_a_burst_go_back_to_the_kernel),
        cmocka_unit_test(test_a_pool_of_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
