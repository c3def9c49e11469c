// test_queue.c — which link a query goes to: what is slow or writes holds up nobody else.
#include <stdatomic.h>
#include <string.h>

#include "cluster_for_tests.h"
#include "world.h"

enum { LANES = 8 };

static db_conn lanes[LANES];

static void begin(unsigned link_count, unsigned apart_link_count_max) {
    struct db_options options = world_options();
    options.link_count = link_count;
    options.apart_link_count_max = apart_link_count_max;
    pg_exec("DROP TABLE IF EXISTS notes; CREATE TABLE notes (id int8)");
    world_begin(&options);
    for (int i = 0; i < LANES; i++)
        lane_init(&lanes[i].lane, world.db, false);
}

static int tear_down(void **state) {
    (void)state;
    world_end();
    return 0;
}

static struct leat_future *naps(db_conn *lane, f64 seconds) {
    return start_value(lane, bool, "SELECT pg_sleep($1) IS NOT NULL", seconds);
}

static i64 quick(db_conn *lane) {
    return db_value(lane, i64, "SELECT 7::int8");
}

static unsigned score_of(const struct leat_future *future) {
    return atomic_load(&((struct statement *)future->query.statement)->slow_score);
}

static unsigned ready_count(enum link_use use) {
    unsigned count = 0;
    for (unsigned i = 0; i < world.db->link_count; i++)
        count += world.db->links[i].use == use && world.db->links[i].state == LINK_READY;
    return count;
}

static void wait_for_apart(unsigned count) {
    for (int i = 0; i < 1000 && ready_count(LINK_APART) < count; i++)
        world_turn();
    assert_int_equal(ready_count(LINK_APART), count);
}

static void test_a_statement_that_was_slow_holds_up_nobody_the_next_time(void **state) {
    (void)state;
    begin(1, 2);
    struct leat_future *first = naps(&lanes[0], 0.06);
    world_wait(first);
    assert_true(score_of(first) >= SLOW_SCORE);
    world_wait(naps(&lanes[0], 0.06)); // on the shared link still: it asks for one apart
    wait_for_apart(1);
    struct leat_future *slow = naps(&lanes[0], 1);
    world_run_ms(1); // sent
    for (int i = 0; i < 20; i++)
        assert_int_equal(quick(&lanes[i % LANES]), 7);
    assert_false(slow->is_done);
    world_wait(slow);
    world_expect_ok();
}

static void test_a_statement_that_has_become_quick_comes_back(void **state) {
    (void)state;
    begin(1, 1);
    struct leat_future *future = naps(&lanes[0], 0.06);
    world_wait(future);
    assert_true(score_of(future) >= SLOW_SCORE);
    for (int i = 0; i < 2000 && score_of(future); i++) // some run beside a busy neighbour
        world_wait(future = naps(&lanes[0], 0));
    assert_int_equal(score_of(future), 0);
}

static void test_no_query_goes_behind_one_that_runs_for_long(void **state) {
    (void)state;
    begin(2, 0);
    struct leat_future *slow = naps(&lanes[0], 1);
    world_run_ms(5 * STUCK_MS);
    struct leat_future *others[LANES];
    for (int i = 0; i < LANES; i++)
        others[i] = start_value(&lanes[i], i64, "SELECT 8::int8");
    for (int i = 0; i < LANES; i++)
        world_wait(others[i]);
    assert_false(slow->is_done);
    world_wait(slow);
}

static void test_writes_share_links_apart_which_are_opened_as_needed(void **state) {
    (void)state;
    begin(1, 3);
    assert_int_equal(quick(&lanes[0]), 7);
    assert_int_equal(ready_count(LINK_APART), 0);
    for (int round = 0; round < 200 && ready_count(LINK_APART) < 3; round++) {
        struct leat_future *writes[LANES];
        for (i64 i = 0; i < LANES; i++)
            writes[i] = start_exec(&lanes[i], "INSERT INTO notes VALUES ($1)", i);
        for (int i = 0; i < LANES; i++)
            world_wait(writes[i]);
        world_expect_ok();
    }
    assert_int_equal(ready_count(LINK_APART), 3);
    struct leat_future *write = start_exec(&lanes[0], "INSERT INTO notes VALUES (1)");
    assert_int_equal(lanes[0].lane.link->use, LINK_APART);
    world_wait(write);
    quick(&lanes[0]);
    assert_int_equal(lanes[0].lane.link->use, LINK_SHARED);
}

static void test_reads_and_writes_of_one_turn_keep_their_order(void **state) {
    (void)state;
    begin(2, 2);
    world_wait(naps(&lanes[0], 0.06));
    world_wait(start_exec(&lanes[0], "INSERT INTO notes VALUES (0)"));
    wait_for_apart(1);
    for (i64 round = 1; round < 50; round++) {
        struct leat_future *before = start_value(&lanes[0], i64, "SELECT count(*) FROM notes");
        struct leat_future *slow = start_value(&lanes[0], i64, "SELECT count(*) + (SELECT count(pg_sleep(0.003)) - 1) FROM notes");
        struct leat_future *write = start_exec(&lanes[0], "INSERT INTO notes VALUES ($1)", round);
        struct leat_future *after = start_value(&lanes[0], i64, "SELECT count(*) FROM notes WHERE true");
        world_wait(before);
        world_wait(slow);
        world_wait(write);
        world_wait(after);
        world_expect_ok();
        assert_int_equal(*(i64 *)slow->query.result, round);
        assert_int_equal(*(i64 *)after->query.result, round + 1);
    }
}

static void test_a_read_behind_with_is_no_write(void **state) {
    (void)state;
    begin(1, 1);
    world_wait(start_exec(&lanes[0], "INSERT INTO notes VALUES (0)"));
    wait_for_apart(1);
    struct leat_future *read = start_value(&lanes[0], i64, "WITH n AS (SELECT 'insert into' AS text) SELECT count(*) FROM n");
    assert_int_equal(lanes[0].lane.link->use, LINK_SHARED);
    struct leat_future *write = start_exec(&lanes[1], "WITH n AS (DELETE FROM notes RETURNING id) SELECT id FROM n");
    assert_int_equal(lanes[1].lane.link->use, LINK_APART);
    world_wait(read);
    world_expect_ok();
    world_wait(write);
    world_expect_ok();
}

static void test_without_links_apart_everything_shares(void **state) {
    (void)state;
    begin(2, 0);
    for (i64 i = 0; i < 20; i++) {
        db_exec(&lanes[i % LANES], "INSERT INTO notes VALUES ($1)", i);
        world_expect_ok();
    }
    struct db_figures figures;
    db_figures(world.db, &figures);
    assert_int_equal(figures.links_ready, 2);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_statement_that_was_slow_holds_up_nobody_the_next_time),
        TEST(test_a_statement_that_has_become_quick_comes_back),
        TEST(test_no_query_goes_behind_one_that_runs_for_long),
        TEST(test_writes_share_links_apart_which_are_opened_as_needed),
        TEST(test_reads_and_writes_of_one_turn_keep_their_order),
        TEST(test_a_read_behind_with_is_no_write),
        TEST(test_without_links_apart_everything_shares),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
