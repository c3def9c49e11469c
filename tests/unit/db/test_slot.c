// test_slot.c — slots are taken from a pool: a query in steady state asks the heap for nothing.
#include <string.h>

#include "cluster_for_tests.h"
#include "world.h"

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);

static unsigned heap_count;

void *__wrap_malloc(size_t bytes) {
    heap_count++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes) {
    heap_count++;
    return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes) {
    heap_count++;
    return __real_realloc(memory, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
    heap_count++;
    return __real_aligned_alloc(alignment, bytes);
}

SCHEMA(Row, (i64, id), (str, name));

static void run_many(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        struct leat_future *futures[32];
        for (unsigned k = 0; k < 32; k++)
            futures[k] = k % 2
                             ? start_value(&world.shared, i64, "SELECT $1::int8", (i64)k)
                             : start_list(&world.shared, Row, "SELECT g::int8 AS id, $1 AS name FROM generate_series(1, 12) g", S("a row"));
        for (unsigned k = 0; k < 32; k++) {
            world_wait(futures[k]);
            world_expect_ok();
        }
        db_conn tx;
        lane_init(&tx.lane, world.db, true);
        db_exec(&tx, "SELECT 1");
        world_expect_ok();
        world_wait(world_commit(&tx));
        arena_reset(&world.arena);
    }
}

static void test_queries_in_steady_state_ask_the_heap_for_nothing(void **state) {
    (void)state;
    struct db_options options = world_options();
    world_begin(&options);
    run_many(20);
    unsigned before = heap_count;
    run_many(100);
    assert_int_equal(heap_count - before, 0);
    assert_true(before > 0);
    world_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queries_in_steady_state_ask_the_heap_for_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
