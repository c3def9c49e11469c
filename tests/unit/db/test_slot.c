// test_slot.c — slots are taken from a pool: a query in steady state asks the heap for nothing.
#include <string.h>

#include "cluster_for_tests.h"
#include "db/statement_impl.h"
#include "world.h"

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);

static unsigned heap_count, fail_at; // fail_at: the how manieth from now on finds no memory, once

static bool may_have(void) {
    heap_count++;
    return !fail_at || --fail_at;
}

void *__wrap_malloc(size_t bytes) {
    return may_have() ? __real_malloc(bytes) : NULL;
}

void *__wrap_calloc(size_t count, size_t bytes) {
    return may_have() ? __real_calloc(count, bytes) : NULL;
}

void *__wrap_realloc(void *memory, size_t bytes) {
    return may_have() ? __real_realloc(memory, bytes) : NULL;
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
    return may_have() ? __real_aligned_alloc(alignment, bytes) : NULL;
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

static void set_flag(void *arg) {
    *(bool *)arg = true;
}

static str large_text(void) {
    str text = {arena_raw(&world.arena, 200000), 200000};
    memset((char *)text.ptr, 'x', text.len);
    return text;
}

static struct leat_future *start_large(str text) {
    return start_value(&world.shared, str, "SELECT $1::text", text);
}

// Everything that asks the heap: a new generation, large queries and answers, a transaction's link, a link that comes up.
static void test_every_query_ends_wherever_memory_runs_out(void **state) {
    (void)state;
    unsigned failed_at = 0;
    for (unsigned n = 1; n == failed_at + 1; n++) {
        struct db_options options = world_options();
        options.link_count = 1;
        world_begin(&options);
        str text = large_text();
        struct statement_set *generation;
        str message;
        assert_int_equal(statement_set_create(&generation), 0);
        assert_int_equal(statement_set_add(generation, statement_at(world.set, 0)->query, &world.arena, &message), 0);
        bool is_prepared = false;
        db_conn tx;
        lane_init(&tx.lane, world.db, true);
        fail_at = n;
        db_prepare(world.db, generation, set_flag, &is_prepared);
        struct leat_future *large = start_large(text);
        struct leat_future *inside = start_exec(&tx, "SELECT 2");
        world_wait(large);
        world_wait(inside);
        world_wait(world_commit(&tx));
        lane_finish(&tx.lane);
        world_until(&is_prepared);
        if (fail_at == 0)
            failed_at = n;
        fail_at = 0;
        world_wait(start_large(text)); // and all is well again
        world_expect_ok();
        db_forget(world.db, generation);
        statement_set_destroy(generation);
        world_end();
    }
    assert_true(failed_at > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_query_ends_wherever_memory_runs_out),
        cmocka_unit_test(test_queries_in_steady_state_ask_the_heap_for_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
