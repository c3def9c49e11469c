// test_output.c — buffers for what leaves, lent and given back.
#include "world.h"

#include "engine/output.h"

static void test_a_buffer_is_lent_again_without_asking_the_heap(void **state) {
    (void)state;
    struct output_pool pool;
    output_pool_init(&pool);
    struct output *first = output_take(&pool, 100);
    output_give_back(&pool, first);

    for (int i = 0; i < 1000; i++) {
        struct output *again = output_take(&pool, 4096);
        assert_ptr_equal(again, first);
        output_give_back(&pool, again);
    }

    assert_int_equal(pool.malloc_count, 1);
    output_pool_finish(&pool);
}

static void test_every_size_has_room_for_what_was_asked(void **state) {
    (void)state;
    struct output_pool pool;
    output_pool_init(&pool);
    for (size_t bytes = 1; bytes < 300000; bytes = bytes * 3 / 2 + 1) {
        struct output *output = output_take(&pool, bytes);
        assert_true(output->capacity >= bytes);
        memset(output->data, 'x', bytes); // AddressSanitizer looks on
        output_give_back(&pool, output);
    }
    output_pool_finish(&pool);
}

static void test_growing_keeps_what_is_held_and_what_is_not_committed(void **state) {
    (void)state;
    struct output_pool pool;
    output_pool_init(&pool);
    struct output *output = output_grow(&pool, NULL, 0, 4000);
    memcpy(output->data, "held", 4);
    output->end = 4;
    memcpy(output->data + 4, "kept", 4);

    output = output_grow(&pool, output, 4, 100000);

    assert_int_equal(output_bytes(output), 4);
    assert_memory_equal(output->data + output->start, "heldkept", 8);
    assert_true(output->capacity - output->end >= 100004);
    assert_int_equal(pool.spare_count[0], 1); // the smaller one went back
    output_give_back(&pool, output);
    output_pool_finish(&pool);
}

static void test_writing_in_small_pieces_doubles(void **state) {
    (void)state;
    struct output_pool pool;
    output_pool_init(&pool);
    struct output *output = NULL;
    for (int i = 0; i < 1000000; i += 10) {
        output = output_grow(&pool, output, 0, 10);
        output->end += 10;
    }

    assert_int_equal(output_bytes(output), 1000000);
    assert_true(pool.malloc_count < 12);
    output_give_back(&pool, output);
    output_pool_finish(&pool);
}

static void test_more_than_the_limit_is_refused(void **state) {
    (void)state;
    struct output_pool pool;
    output_pool_init(&pool);
    struct output *output = output_take(&pool, 10);

    assert_null(output_take(&pool, OUTPUT_BYTES_MAX + 1));
    assert_null(output_grow(&pool, output, 0, SIZE_MAX));
    assert_null(output_grow(&pool, output, SIZE_MAX, 1));

    output_give_back(&pool, output);
    output_pool_finish(&pool);
}

static void test_no_more_than_a_bounded_amount_is_kept_spare(void **state) {
    (void)state;
    enum { COUNT = 2000 };
    struct output_pool pool;
    static struct output *outputs[COUNT];
    output_pool_init(&pool);
    for (int i = 0; i < COUNT; i++)
        outputs[i] = output_take(&pool, 1);
    for (int i = 0; i < COUNT; i++)
        output_give_back(&pool, outputs[i]);

    assert_int_equal(pool.spare_count[0] * OUTPUT_BYTES_MIN, OUTPUT_SPARE_BYTES_MAX);
    output_pool_finish(&pool);
}

static void test_large_ones_are_bounded_together(void **state) {
    (void)state;
    struct output_pool pool;
    output_pool_init(&pool);
    pool.large_bytes_max = 1000000;
    struct output *large = output_take(&pool, 700000);
    assert_non_null(large);

    assert_null(output_take(&pool, 400000));
    assert_null(output_grow(&pool, large, 0, 800000)); // and `large` is as it was
    struct output *small = output_take(&pool, 65536);
    assert_non_null(small);
    output_give_back(&pool, large);
    large = output_take(&pool, 400000);
    assert_non_null(large);

    output_give_back(&pool, small);
    output_give_back(&pool, large);
    assert_int_equal(pool.large_bytes, 0);
    output_pool_finish(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_buffer_is_lent_again_without_asking_the_heap),
        cmocka_unit_test(test_every_size_has_room_for_what_was_asked),
        cmocka_unit_test(test_growing_keeps_what_is_held_and_what_is_not_committed),
        cmocka_unit_test(test_writing_in_small_pieces_doubles),
        cmocka_unit_test(test_more_than_the_limit_is_refused),
        cmocka_unit_test(test_no_more_than_a_bounded_amount_is_kept_spare),
        cmocka_unit_test(test_large_ones_are_bounded_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
