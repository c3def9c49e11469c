// test_segment.c — reads that share a Sync: each is answered once and right, whatever its neighbours do. Against a real Postgres.
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cluster_for_tests.h"
#include "world.h"

enum { LANES = 40 };

SCHEMA(Shape, (i64, id), (str, name));

static db_conn lanes[LANES];

static void begin(unsigned apart_link_count_max) {
    struct db_options options = world_options();
    options.link_count = 1;
    options.apart_link_count_max = apart_link_count_max;
    pg_exec("DROP TABLE IF EXISTS notes, shape; CREATE TABLE notes (id int8); CREATE TABLE shape (id int4, name text);"
            "INSERT INTO shape VALUES (1, 'one');"
            "CREATE OR REPLACE FUNCTION note() RETURNS int8 LANGUAGE sql AS $$ INSERT INTO notes VALUES (1) RETURNING id $$;"
            "CREATE OR REPLACE FUNCTION kill() RETURNS int8 LANGUAGE plpgsql AS $$ BEGIN"
            " EXECUTE format('COPY (SELECT 1) TO PROGRAM %%L', 'kill -9 ' || pg_backend_pid()); PERFORM pg_sleep(5); RETURN 1; END $$");
    world_begin(&options);
    for (int i = 0; i < LANES; i++)
        lane_init_for_reads(&lanes[i].lane, world.db);
    assert_int_equal(db_value(&lanes[0], i64, "SELECT 5::int8"), 5); // opens the link
    world_expect_ok();
    assert_int_equal(db_read_link(world.db)->state, LINK_READY);
}

static int tear_down(void **state) {
    (void)state;
    world_end();
    return 0;
}

// Fails for 0.
static struct leat_future *divides(int lane, i64 n) {
    return start_value(&lanes[lane], i64, "SELECT 1000 / $1::int8", n);
}

static struct leat_future *echoes(int lane, i64 n) {
    return start_value(&lanes[lane], i64, "SELECT $1::int8 + 1", n);
}

static void expect_i64(struct leat_future *future, i64 value) {
    world_wait(future);
    world_expect_ok();
    assert_int_equal(*(i64 *)future->query.result, value);
}

static unsigned reconnect_count(void) {
    struct db_figures figures;
    db_figures(world.db, &figures);
    return (unsigned)figures.reconnect_count;
}

static unsigned syncs_in(const struct db_link *link) {
    unsigned count = 0;
    list_each (node, &link->fifo)
        count += !container_of(node, struct db_slot, node)->shares_sync;
    return count;
}

static void test_reads_of_a_turn_share_a_sync_and_no_more_than_a_segment_does(void **state) {
    (void)state;
    begin(0);
    struct leat_future *futures[LANES];
    for (int i = 0; i < LANES; i++)
        futures[i] = echoes(i, i);
    struct db_link *link = db_read_link(world.db);
    assert_int_equal(link->fifo_count, LANES);
    assert_int_equal(syncs_in(link), LANES / SEGMENT_MAX); // the rest gets its own at the turn's end
    assert_int_equal(link->segment_count, LANES % SEGMENT_MAX);
    for (int i = 0; i < LANES; i++)
        expect_i64(futures[i], i + 1);
    assert_int_equal(link->fifo_count, 0);
}

static void test_one_that_fails_touches_none_of_its_neighbours(void **state) {
    (void)state;
    begin(0);
    for (int bad = 0; bad < LANES; bad++) {
        struct leat_future *futures[LANES];
        unsigned before = world.done_count;
        for (int i = 0; i < LANES; i++)
            futures[i] = divides(i, i == bad ? 0 : i + 1);
        for (int i = 0; i < LANES; i++) {
            if (i != bad) {
                expect_i64(futures[i], 1000 / (i + 1));
                continue;
            }
            world_wait(futures[i]);
            world_expect_state("22012");
        }
        assert_int_equal(world.done_count, before + LANES);
    }
    assert_int_equal(reconnect_count(), 0);
}

static void test_several_that_fail_are_each_told_so(void **state) {
    (void)state;
    begin(0);
    struct leat_future *futures[LANES];
    for (int i = 0; i < LANES; i++)
        futures[i] = divides(i, i % 3);
    for (int i = 0; i < LANES; i++) {
        world_wait(futures[i]);
        assert_int_equal(futures[i]->query.failure != NULL, i % 3 == 0);
    }
    assert_int_equal(reconnect_count(), 0);
}

static void test_a_write_is_refused_by_postgres_and_by_no_means_done(void **state) {
    (void)state;
    begin(2);
    for (int round = 0; round < 3; round++) {
        struct leat_future *first = echoes(0, 1), *write = start_exec(&lanes[1], "INSERT INTO notes VALUES (1)");
        struct leat_future *hidden = start_value(&lanes[2], i64, "SELECT note()"), *last = echoes(3, 2);
        expect_i64(first, 2);
        world_wait(write);
        world_expect_state("25006");
        world_wait(hidden);
        world_expect_state("25006");
        expect_i64(last, 3);
    }
    assert_string_equal(pg_exec("SELECT count(*) FROM notes"), "0");
}

static void test_what_one_sets_for_its_transaction_no_other_sees(void **state) {
    (void)state;
    begin(0);
    struct leat_future *before = echoes(0, 1), *sets = start_value(&lanes[1], str, "SELECT set_config('leat.who', 'ada', true)");
    struct leat_future *sees = start_value(&lanes[2], str, "SELECT 'who:' || coalesce(current_setting('leat.who', true), '')");
    expect_i64(before, 2);
    world_wait(sets);
    world_expect_ok();
    world_wait(sees);
    world_expect_ok();
    assert_true(str_eq(*(str *)sees->query.result, S("who:")));
}

static void test_a_link_lost_amid_a_segment_loses_no_answer(void **state) {
    (void)state;
    begin(0);
    for (int round = 0; round < 5; round++) {
        struct leat_future *futures[LANES];
        for (int i = 0; i < LANES; i++)
            futures[i] = i == 7 ? start_value(&lanes[i], i64, "SELECT 8::int8 + count(pg_sleep(0.1)) - 1") : echoes(i, i);
        world_run_ms(30);
        if (round % 2)
            shutdown(db_read_link(world.db)->fd, SHUT_RDWR);
        else
            pg_exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'leat' AND state = 'active'");
        for (int i = 0; i < LANES; i++)
            expect_i64(futures[i], i == 7 ? 8 : i + 1);
        for (int i = 0; i < 1000 && db_read_link(world.db)->state != LINK_READY; i++)
            world_turn();
    }
    assert_true(reconnect_count() >= 5);
}

static void test_a_link_closed_before_anything_was_sent_loses_nothing(void **state) {
    (void)state;
    begin(0);
    struct leat_future *futures[LANES];
    for (int i = 0; i < LANES; i++)
        futures[i] = echoes(i, i);
    link_close(db_read_link(world.db), -ECONNRESET);
    for (int i = 0; i < LANES; i++)
        expect_i64(futures[i], i + 1);
}

static void test_one_that_kills_its_backend_takes_no_neighbour_along(void **state) {
    (void)state;
    begin(0);
    struct leat_future *killer = NULL, *victims[8];
    for (int i = 0; i < 8; i++) {
        victims[i] = echoes(i, i);
        if (i == 3)
            killer = start_value(&lanes[10], i64, "SELECT kill()");
    }
    world_wait(killer);
    world_expect_error(-ECONNRESET);
    for (int i = 0; i < 8; i++)
        expect_i64(victims[i], i + 1);
    assert_in_range(reconnect_count(), 3, 6); // with neighbours, alone, and alone once more; each time the cluster's other link goes too
}

static int sleeping_count(void) {
    return atoi(pg_exec("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%pg_sleep(3600)%%' AND pid <> "
                        "pg_backend_pid()"));
}

static struct leat_future *sleeps(int lane) {
    return start_value(&lanes[lane], bool, "SELECT pg_sleep(3600) IS NULL");
}

static void test_a_deadline_amid_a_segment_ends_that_one_alone(void **state) {
    (void)state;
    begin(0);
    for (int round = 0; round < 3; round++) {
        struct leat_future *sleeper = NULL, *others[LANES];
        for (int i = 0; i < LANES; i++) {
            world.due_in_ms = 50;
            if (i == 5)
                sleeper = sleeps(i);
            world.due_in_ms = 10000;
            others[i] = echoes(i, i);
        }
        world_wait(sleeper);
        world_expect_error(-ETIMEDOUT);
        for (int i = 0; i < LANES; i++)
            expect_i64(others[i], i + 1);
    }
    assert_int_equal(sleeping_count(), 0);
    assert_int_equal(reconnect_count(), 0);
}

static void test_one_whose_waiter_left_is_ended_and_its_neighbours_are_not(void **state) {
    (void)state;
    begin(0);
    for (int round = 0; round < 3; round++) {
        struct leat_future *others[LANES], *sleeper = NULL;
        for (int i = 0; i < LANES; i++) {
            if (i == 20)
                sleeper = sleeps(0);
            others[i] = echoes(i, i);
        }
        world_run_ms(20);
        db_query_detach(&sleeper->query);
        db_query_detach(&others[22]->query); // skipped, and then nobody's
        for (int i = 0; i < LANES; i++)
            if (i != 22)
                expect_i64(others[i], i + 1);
        assert_false(others[22]->is_done);
    }
    assert_int_equal(sleeping_count(), 0);
    assert_int_equal(reconnect_count(), 0);
}

static void test_one_whose_table_changed_runs_anew_and_so_do_those_behind_it(void **state) {
    (void)state;
    begin(0);
    static const char *const types[] = {"int8", "int4", "int8"};
    for (int round = 0; round < 3; round++) {
        struct leat_future *others[LANES], *rows = NULL;
        char sql[64];
        snprintf(sql, sizeof sql, "ALTER TABLE shape ALTER id TYPE %s", types[round]);
        world_wait(LEAT_Q(leat_db_start, &lanes[0], LEAT_ONE, &Shape__schema, "SELECT * FROM shape"));
        world_expect_ok();
        pg_exec("%s", sql);
        for (int i = 0; i < LANES; i++) {
            if (i == 10)
                rows = LEAT_Q(leat_db_start, &lanes[0], LEAT_ONE, &Shape__schema, "SELECT * FROM shape WHERE true");
            others[i] = echoes(i, i);
        }
        world_wait(rows);
        world_expect_ok();
        assert_int_equal(((Shape *)rows->query.result)->id, 1);
        for (int i = 0; i < LANES; i++)
            expect_i64(others[i], i + 1);
    }
    assert_int_equal(reconnect_count(), 0);
}

static void test_reads_of_one_request_are_answered_in_its_order(void **state) {
    (void)state;
    begin(0);
    struct leat_future *futures[LANES];
    for (int i = 0; i < LANES; i++) {
        futures[i] = echoes(0, i);
        echoes(1, i); // a neighbour's
    }
    for (int i = 0; i < LANES; i++) {
        expect_i64(futures[i], i + 1);
        assert_true(!i || futures[i]->order > futures[i - 1]->order);
    }
}

static void test_a_slow_one_shows_itself_and_goes_apart(void **state) {
    (void)state;
    begin(1);
    const struct statement *statement = NULL;
    for (int round = 0; round < 200; round++) {
        struct leat_future *slow = start_value(&lanes[0], bool, "SELECT pg_sleep(0.01) IS NOT NULL"), *others[4];
        for (int i = 0; i < 4; i++)
            others[i] = echoes(i, i);
        statement = slow->query.statement;
        world_wait(slow);
        world_expect_ok();
        for (int i = 0; i < 4; i++)
            expect_i64(others[i], i + 1);
        if (slow->order > others[3]->order)
            break;
    }
    assert_true(atomic_load(&statement->slow_score) >= SLOW_SCORE);
    assert_int_equal(world.db->links[1].state, LINK_READY);
}

enum { WINDOW = 400, QUERIES = 10000 };

static void check_one(struct leat_future *future, i64 n) {
    world_wait(future);
    if (n % 37 == 0) {
        world_expect_state("22012");
        return;
    }
    world_expect_ok();
    assert_int_equal(*(i64 *)future->query.result, n * 3 + 1000 / (n % 37));
}

static void test_ten_thousand_of_many_requests_are_never_mixed_up(void **state) {
    (void)state;
    begin(2);
    static struct leat_future *futures[WINDOW];
    for (i64 n = 0; n < QUERIES + WINDOW; n++) {
        struct leat_future **place = &futures[n % WINDOW];
        if (n >= WINDOW)
            check_one(*place, n - WINDOW);
        if (n >= QUERIES)
            continue;
        *place = start_value(&lanes[n % LANES], i64, "SELECT $1::int8 * 3 + 1000 / $2::int8", n, n % 37);
        if (n % 1999 == 1000) // and its link goes now and then
            shutdown(db_read_link(world.db)->fd, SHUT_RDWR);
        if (n % 11 == 0)
            world_turn();
    }
}

static void test_the_server_stops_with_reads_on_their_way(void **state) {
    (void)state;
    begin(0);
    for (int i = 0; i < LANES; i++)
        echoes(i, i);
    sleeps(0);
    world_run_ms(5);
    echoes(0, 1); // unsent
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_reads_of_a_turn_share_a_sync_and_no_more_than_a_segment_does),
        TEST(test_one_that_fails_touches_none_of_its_neighbours),
        TEST(test_several_that_fail_are_each_told_so),
        TEST(test_a_write_is_refused_by_postgres_and_by_no_means_done),
        TEST(test_what_one_sets_for_its_transaction_no_other_sees),
        TEST(test_a_link_lost_amid_a_segment_loses_no_answer),
        TEST(test_a_link_closed_before_anything_was_sent_loses_nothing),
        TEST(test_one_that_kills_its_backend_takes_no_neighbour_along),
        TEST(test_a_deadline_amid_a_segment_ends_that_one_alone),
        TEST(test_one_whose_waiter_left_is_ended_and_its_neighbours_are_not),
        TEST(test_one_whose_table_changed_runs_anew_and_so_do_those_behind_it),
        TEST(test_reads_of_one_request_are_answered_in_its_order),
        TEST(test_a_slow_one_shows_itself_and_goes_apart),
        TEST(test_ten_thousand_of_many_requests_are_never_mixed_up),
        TEST(test_the_server_stops_with_reads_on_their_way),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
