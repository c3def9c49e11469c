// test_link_cancel.c — a query whose waiter has left is ended in Postgres, and nobody else's is.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster_for_tests.h"
#include "world.h"

enum { OTHERS = 40 };

static void begin(unsigned link_count) {
    struct db_options options = world_options();
    options.link_count = link_count;
    options.apart_link_count_max = 0;
    options.transaction_link_count_max = 1;
    pg_exec("DROP TABLE IF EXISTS counted; CREATE TABLE counted (n int8); INSERT INTO counted VALUES (0)");
    world_begin(&options);
}

static int tear_down(void **state) {
    (void)state;
    world_end();
    return 0;
}

static struct leat_future *sleeps(db_conn *lane) {
    return start_value(lane, bool, "SELECT pg_sleep(3600) IS NULL");
}

static int sleeping_count(void) {
    return atoi(pg_exec("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%pg_sleep(3600)%%' AND pid <> "
                        "pg_backend_pid()"));
}

static void expect_no_sleeper(void) {
    for (int i = 0; i < 200 && sleeping_count(); i++)
        world_run_ms(50);
    assert_int_equal(sleeping_count(), 0);
}

static i64 echo(i64 n) {
    return db_value(&world.shared, i64, "SELECT $1::int8", n);
}

static void test_a_query_past_its_deadline_is_ended_in_postgres(void **state) {
    (void)state;
    begin(1);
    world.due_in_ms = 50;
    struct leat_future *future = sleeps(&world.shared);
    world_wait(future);
    world_expect_error(-ETIMEDOUT);
    world.due_in_ms = 10000;
    assert_int_equal(echo(7), 7); // on the only link, which lives
    world_expect_ok();
    expect_no_sleeper();
    struct db_figures figures;
    db_figures(world.db, &figures);
    assert_int_equal(figures.reconnect_count, 0);
}

static void test_a_query_that_was_detached_is_ended_too(void **state) {
    (void)state;
    begin(1);
    struct leat_future *future = sleeps(&world.shared);
    world_run_ms(20);
    assert_int_equal(sleeping_count(), 1);
    db_query_detach(&future->query);
    assert_int_equal(echo(8), 8);
    world_expect_ok();
    expect_no_sleeper();
}

static void test_what_is_behind_it_is_answered_as_if_nothing_had_been(void **state) {
    (void)state;
    begin(1);
    for (int round = 0; round < 5; round++) {
        struct leat_future *sleeper = sleeps(&world.shared), *others[OTHERS];
        for (i64 i = 0; i < OTHERS; i++)
            others[i] =
                i % 2 ? start_exec(&world.shared, "UPDATE counted SET n = n + 1") : start_value(&world.shared, i64, "SELECT $1::int8", i);
        world_run_ms(20);
        db_query_detach(&sleeper->query);
        for (i64 i = 0; i < OTHERS; i++)
            if (i % 2) {
                world_wait(others[i]);
                world_expect_ok();
            }
    }
    char expected[32];
    snprintf(expected, sizeof expected, "%d", 5 * OTHERS / 2);
    assert_string_equal(pg_exec("SELECT n FROM counted"), expected); // each exactly once
}

static bool is_late; // the cancel counts as one of ours, meant for what was there before

static struct leat_future *naps_and_is_cancelled(void) {
    struct leat_future *future = start_value(&world.shared, bool, "SELECT pg_sleep(0.4) IS NOT NULL");
    world.db->links[0].cancel.is_sent = is_late;
    world.db->links[0].cancel.sent_ms = core_now_ms(&world.core);
    world_run_ms(100);
    assert_string_equal(pg_exec("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND query LIKE "
                                "'%%pg_sleep(0.4)%%' AND pid <> pg_backend_pid()"),
                        "t");
    world_wait(future);
    return future;
}

static void test_one_that_is_met_in_anothers_place_runs_again(void **state) {
    (void)state;
    begin(1);
    is_late = false;
    naps_and_is_cancelled();
    world_expect_state("57014"); // somebody else's doing
    is_late = true;
    struct leat_future *met = naps_and_is_cancelled();
    world_expect_ok();
    assert_true(*(bool *)met->query.result);
    assert_false(world.db->links[0].cancel.is_sent);
}

static void test_a_transaction_that_is_given_up_does_not_hold_its_link(void **state) {
    (void)state;
    begin(1);
    db_conn first, second;
    lane_init(&first.lane, world.db, true);
    lane_init(&second.lane, world.db, true);
    db_exec(&first, "UPDATE counted SET n = n + 1");
    world_expect_ok();
    struct leat_future *sleeper = sleeps(&first);
    world_run_ms(20);
    db_query_detach(&sleeper->query);
    lane_finish(&first.lane);
    db_exec(&second, "UPDATE counted SET n = n + 10"); // the only link for transactions, and the row that was locked
    world_expect_ok();
    world_wait(world_commit(&second));
    world_expect_ok();
    lane_finish(&second.lane);
    assert_string_equal(pg_exec("SELECT n FROM counted"), "10");
}

static void test_a_query_that_ends_soon_by_itself_is_left_alone(void **state) {
    (void)state;
    begin(1);
    struct leat_future *write = start_exec(&world.shared, "UPDATE counted SET n = n + 1 WHERE pg_sleep(0.01) IS NOT NULL");
    world_run_ms(3);
    db_query_detach(&write->query);
    assert_int_equal(echo(9), 9);
    assert_string_equal(pg_exec("SELECT n FROM counted"), "1");
}

static void test_the_end_of_the_db_waits_for_a_cancel_on_its_way(void **state) {
    (void)state;
    begin(1);
    struct leat_future *future = sleeps(&world.shared);
    world_run_ms(20);
    db_query_detach(&future->query);
    for (int i = 0; i < 1000 && !world.db->links[0].cancel.handle; i++)
        world_turn();
    assert_non_null(world.db->links[0].cancel.handle);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_query_past_its_deadline_is_ended_in_postgres),        TEST(test_a_query_that_was_detached_is_ended_too),
        TEST(test_what_is_behind_it_is_answered_as_if_nothing_had_been),  TEST(test_one_that_is_met_in_anothers_place_runs_again),
        TEST(test_a_transaction_that_is_given_up_does_not_hold_its_link), TEST(test_a_query_that_ends_soon_by_itself_is_left_alone),
        TEST(test_the_end_of_the_db_waits_for_a_cancel_on_its_way),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
