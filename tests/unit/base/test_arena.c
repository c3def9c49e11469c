// test_arena.c — tests of base/arena.c.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static struct arena_pool pool;
static struct arena arena;

static int set_up(void **state) {
    (void)state;
    arena_pool_init(&pool, 2);
    arena_init(&arena, &pool, 64 * ARENA_BLOCK_BYTES);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_reset(&arena);
    arena_pool_finish(&pool);
    return 0;
}

static void test_arena_gives_zeroed_aligned_memory(void **state) {
    (void)state;
    memset(arena_raw(&arena, 4000), 0xFF, 4000);
    arena_reset(&arena); // the block comes back from the pool, dirty
    for (size_t bytes = 0; bytes < 300; bytes++) {
        unsigned char *piece = arena_alloc(&arena, bytes);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % 16, 0);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(piece[i], 0);
    }
}

static void test_arena_pieces_do_not_overlap(void **state) {
    (void)state;
    unsigned char *pieces[100];
    for (size_t i = 0; i < 100; i++)
        memset(pieces[i] = arena_raw(&arena, i * 37), (int)i, i * 37);
    for (size_t i = 0; i < 100; i++)
        for (size_t k = 0; k < i * 37; k++)
            assert_int_equal(pieces[i][k], i);
}

static void test_arena_refuses_what_is_beyond_its_allowance(void **state) {
    (void)state;
    assert_null(arena_alloc(&arena, 64 * ARENA_BLOCK_BYTES));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_non_null(arena_alloc(&arena, 32 * ARENA_BLOCK_BYTES)); // a refusal takes nothing
    size_t taken = 0;
    while (arena_alloc(&arena, 1000))
        taken += 1000;
    assert_true(taken < 32 * ARENA_BLOCK_BYTES);
}

static void test_arena_asks_the_heap_no_more_once_the_pool_is_warm(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        arena_alloc(&arena, 6000);
        arena_alloc(&arena, 6000);
        arena_reset(&arena);
    }
    assert_int_equal(pool.malloc_count, 2);
}

static void test_arena_keeps_no_more_spare_blocks_than_its_pool_allows(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++)
        arena_alloc(&arena, 6000);
    arena_reset(&arena);
    assert_int_equal(pool.spare_count, 2);
}

static void test_arena_goes_on_with_its_block_after_a_large_piece(void **state) {
    (void)state;
    char *before = arena_raw(&arena, 16);
    assert_non_null(arena_raw(&arena, 3 * ARENA_BLOCK_BYTES));
    assert_ptr_equal(arena_raw(&arena, 16), before + 16);
}

static void test_arena_takes_pieces_from_what_it_was_lent_first(void **state) {
    (void)state;
    char lent[64] __attribute__((aligned(ARENA_ALIGNMENT)));
    arena_lend(&arena, lent, sizeof lent);
    for (int round = 0; round < 3; round++) {
        memset(lent, 0xFF, sizeof lent);
        char *piece = arena_alloc(&arena, 17);
        assert_ptr_equal(piece, lent);
        assert_int_equal(piece[16], 0);
        assert_non_null(arena_raw(&arena, 3 * ARENA_BLOCK_BYTES));
        assert_ptr_equal(arena_raw(&arena, 16), lent + 32); // a large piece does not end it
        assert_int_equal(pool.malloc_count, 1 + round);
        char *elsewhere = arena_raw(&arena, 17);
        assert_true(elsewhere + 17 <= lent || elsewhere >= lent + sizeof lent);
        arena_reset(&arena);
        pool.malloc_count = 1 + round;
    }
}

static void test_arena_formats_and_copies(void **state) {
    (void)state;
    str text = arena_format(&arena, "%s-%d", "a", 7);
    assert_int_equal(text.len, 3);
    assert_string_equal(text.ptr, "a-7");
    str copy = arena_copy(&arena, text);
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.ptr, "a-7", 3);
    assert_non_null(arena_copy(&arena, (str){0}).ptr);
}

static void test_arena_says_when_memory_is_out(void **state) {
    (void)state;
    struct arena none;
    arena_init(&none, &pool, 0);
    assert_null(arena_copy(&none, (str){"a", 1}).ptr);
    assert_null(arena_format(&none, "%d", 1).ptr);
}

static void count_call(void *arg) {
    ++*(int *)arg;
}

/** Deferred last, it runs first. */
static void expect_first_uncalled(void *arg) {
    int *calls = arg;
    assert_int_equal(calls[0], 0);
    calls[1]++;
}

static void test_arena_runs_what_was_deferred_once_when_it_is_reset(void **state) {
    (void)state;
    int calls[2] = {0};
    struct arena none;
    arena_init(&none, &pool, 0);
    assert_int_equal(arena_defer(&none, count_call, &calls[0]), -ENOMEM);
    assert_int_equal(arena_defer(&arena, count_call, &calls[0]), 0);
    assert_int_equal(arena_defer(&arena, expect_first_uncalled, calls), 0);

    arena_reset(&arena);
    assert_int_equal(calls[0], 1);
    assert_int_equal(calls[1], 1);
    arena_reset(&arena);
    assert_int_equal(calls[0], 1);
}

static void test_arena_refuses_large_pieces_beyond_the_bound_of_its_pool(void **state) {
    (void)state;
    struct arena other;
    arena_init(&other, &pool, 64 * ARENA_BLOCK_BYTES);
    pool.large_bytes_max = 40 * ARENA_BLOCK_BYTES;
    assert_non_null(arena_raw(&arena, 30 * ARENA_BLOCK_BYTES));

    assert_null(arena_raw(&other, 20 * ARENA_BLOCK_BYTES)); // within its own allowance
    assert_non_null(arena_raw(&other, 100));                // small ones go on
    arena_reset(&arena);
    assert_non_null(arena_raw(&other, 20 * ARENA_BLOCK_BYTES));
    arena_reset(&other);
    assert_int_equal(pool.large_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_arena_gives_zeroed_aligned_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arena_pieces_do_not_overlap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arena_refuses_what_is_beyond_its_allowance, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arena_asks_the_heap_no_more_once_the_pool_is_warm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arena_keeps_no_more_spare_blocks_than_its_pool_allows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arena_goes_on_with_its_block_after_a_large_piece, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arena_takes_pieces_from_what_it_was_lent_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arena_formats_and_copies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arena_runs_what_was_deferred_once_when_it_is_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arena_says_when_memory_is_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arena_refuses_large_pieces_beyond_the_bound_of_its_pool, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
