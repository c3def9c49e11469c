// test_rehearsal.c — a test's database: every lane in one transaction, nothing of it left.
#include <errno.h>
#include <string.h>

#include "cluster_for_tests.h"
#include "db/rehearsal.h"
#include "world.h"

SCHEMA(Row, (i64, id), (str, name));

static int set_up(void **state) {
    (void)state;
    struct db_options options = world_options();
    options.is_rehearsal = true;
    pg_exec("DROP TABLE IF EXISTS pairs, rows;"
            "CREATE TABLE rows (id int8 PRIMARY KEY, name text NOT NULL);"
            "CREATE TABLE pairs (id int8 UNIQUE, row_id int8 REFERENCES rows DEFERRABLE INITIALLY DEFERRED);");
    world_begin_without_waiting(&options);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    world_end();
    return 0;
}

static bool script_is_done;

static void on_script(struct db_query *query) {
    world.failure = query->failure;
    script_is_done = true;
}

// The first value of what it answers.
static const char *script(const char *sql) {
    struct db_query query = {.arena = &world.arena, .due_ms = core_now_ms(&world.core) + 10000, .done = on_script};
    script_is_done = false;
    assert_int_equal(rehearsal_run(world.db, sql, &query), 0);
    world_until(&script_is_done);
    const str *value = query.result;
    return value && value->ptr ? arena_format(&world.arena, "%.*s", (int)value->len, value->ptr).ptr : NULL;
}

static void begin(struct db_conn *conn) {
    lane_init(&conn->lane, world.db, true);
}

static void insert(struct db_conn *conn, i64 id) {
    db_exec(conn, "INSERT INTO rows VALUES ($1, 'x')", id);
}

static i64 count(void) {
    return db_value(&world.shared, i64, "SELECT count(*) FROM rows");
}

static void test_rehearsal_shows_a_test_what_it_wrote_and_nobody_else(void **state) {
    (void)state;
    insert(&world.shared, 1);
    world_expect_ok();
    assert_int_equal(count(), 1);
    assert_string_equal(pg_exec("SELECT count(*) FROM rows"), "0");
}

static void test_rehearsal_leaves_nothing_when_it_ends(void **state) {
    (void)state;
    insert(&world.shared, 1);
    rehearsal_end(world.db);
    assert_int_equal(count(), 0);
    insert(&world.shared, 1);
    world_expect_ok();
    rehearsal_end(world.db);
    assert_int_equal(count(), 0);
}

static void test_rehearsal_goes_on_behind_a_statement_that_failed(void **state) {
    (void)state;
    insert(&world.shared, 1);
    insert(&world.shared, 1);
    world_expect_state("23505");
    insert(&world.shared, 2);
    world_expect_ok();
    assert_int_equal(count(), 2);
}

static void test_rehearsal_keeps_the_order_of_statements_that_are_sent_together(void **state) {
    (void)state;
    struct leat_future *futures[20];
    for (int i = 0; i < 20; i++) // every other one fails
        futures[i] = start_exec(&world.shared, "INSERT INTO rows VALUES ($1, 'x')", (i64)(i / 2));
    for (unsigned i = 0; i < 20; i++) {
        world_wait(futures[i]);
        assert_int_equal(futures[i]->order, i + 1);
        assert_true(!futures[i]->query.failure == (i % 2 == 0));
    }
    world.failure = NULL;
    assert_int_equal(count(), 10);
}

static void test_rehearsal_keeps_what_a_transaction_has_committed(void **state) {
    (void)state;
    struct db_conn conn;
    begin(&conn);
    insert(&conn, 1);
    insert(&conn, 2);
    world_wait(world_commit(&conn));
    world_expect_ok();
    lane_finish(&conn.lane);
    assert_int_equal(count(), 2);
}

static void test_rehearsal_undoes_a_transaction_that_was_given_up(void **state) {
    (void)state;
    struct db_conn conn;
    insert(&world.shared, 1);
    begin(&conn);
    insert(&conn, 2);
    lane_finish(&conn.lane);
    assert_int_equal(count(), 1);
}

static void test_rehearsal_refuses_the_commit_of_a_transaction_that_failed(void **state) {
    (void)state;
    struct db_conn conn;
    begin(&conn);
    insert(&conn, 1);
    insert(&conn, 1);
    world_expect_state("23505");
    insert(&conn, 2);
    world_expect_state("25P02");
    world_wait(world_commit(&conn));
    world_expect_state("25P02");
    lane_finish(&conn.lane);
    assert_int_equal(count(), 0);
    insert(&world.shared, 3);
    world_expect_ok();
}

static void test_rehearsal_lets_one_transaction_wait_for_the_other(void **state) {
    (void)state;
    struct db_conn first, second;
    begin(&first);
    begin(&second);
    insert(&first, 1);
    struct leat_future *waits = start_exec(&second, "INSERT INTO rows VALUES ($1, 'x')", (i64)2);
    world_run_ms(50);
    assert_false(waits->is_done);
    lane_finish(&first.lane);
    world_wait(waits);
    world_wait(world_commit(&second));
    world_expect_ok();
    assert_string_equal(script("SELECT string_agg(id::text, ' ') FROM rows"), "2");
}

static void test_rehearsal_judges_a_deferred_constraint_at_the_commit(void **state) {
    (void)state;
    struct db_conn conn;
    begin(&conn);
    db_exec(&conn, "INSERT INTO pairs VALUES (1, $1)", (i64)7);
    world_expect_ok();
    world_wait(world_commit(&conn));
    world_expect_state("23503");
    lane_finish(&conn.lane);
    assert_string_equal(script("SELECT count(*) FROM pairs"), "0");

    begin(&conn);
    db_exec(&conn, "INSERT INTO pairs VALUES (1, $1)", (i64)7);
    insert(&conn, 7);
    world_wait(world_commit(&conn));
    world_expect_ok();
    assert_string_equal(script("SELECT count(*) FROM pairs"), "1");
}

static void test_rehearsal_runs_any_sql(void **state) {
    (void)state;
    assert_string_equal(script("INSERT INTO rows VALUES (1, 'a'), (2, 'b'); SELECT name FROM rows ORDER BY id"), "a");
    assert_null(script("SELECT NULL"));
    assert_null(script("UPDATE rows SET name = 'c'"));
    script("SELECT * FROM nowhere");
    world_expect_state("42P01");
    assert_string_equal(script("SELECT count(*) FROM rows WHERE name = 'c'"), "2");
}

static void test_rehearsal_drops_the_answer_of_a_query_that_is_detached(void **state) {
    (void)state;
    struct leat_future *sent = start_exec(&world.shared, "INSERT INTO rows VALUES ($1, 'x')", (i64)1);
    struct leat_future *waiting = start_exec(&world.shared, "INSERT INTO rows VALUES ($1, 'x')", (i64)2);
    while (!sent->query.slot->link)
        world_turn();
    db_query_detach(&sent->query);
    db_query_detach(&waiting->query);
    assert_string_equal(script("SELECT string_agg(id::text, ' ') FROM rows"), "1");
    assert_false(sent->is_done || waiting->is_done);
}

static void test_rehearsal_fails_what_waits_when_its_link_is_lost(void **state) {
    (void)state;
    const char *pid = script("SELECT pg_backend_pid()");
    pg_exec("SELECT pg_terminate_backend(%s)", pid);
    insert(&world.shared, 1);
    assert_non_null(world.failure);
    insert(&world.shared, 1);
    world_expect_error(-ECONNRESET);
    rehearsal_end(world.db);
    insert(&world.shared, 1); // on a new one
    world_expect_ok();
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_rehearsal_shows_a_test_what_it_wrote_and_nobody_else),
        TEST(test_rehearsal_leaves_nothing_when_it_ends),
        TEST(test_rehearsal_goes_on_behind_a_statement_that_failed),
        TEST(test_rehearsal_keeps_the_order_of_statements_that_are_sent_together),
        TEST(test_rehearsal_keeps_what_a_transaction_has_committed),
        TEST(test_rehearsal_undoes_a_transaction_that_was_given_up),
        TEST(test_rehearsal_refuses_the_commit_of_a_transaction_that_failed),
        TEST(test_rehearsal_lets_one_transaction_wait_for_the_other),
        TEST(test_rehearsal_judges_a_deferred_constraint_at_the_commit),
        TEST(test_rehearsal_runs_any_sql),
        TEST(test_rehearsal_drops_the_answer_of_a_query_that_is_detached),
        TEST(test_rehearsal_fails_what_waits_when_its_link_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
