// test_transport_tls.c — the same codec over a TLS session, against a real Postgres.
#include <errno.h>
#include <string.h>

#include "cluster_for_tests.h"
#include "world.h"

SCHEMA(Row, (i64, id), (str, name));

static int set_up(void **state) {
    (void)state;
    struct db_options options = world_options();
    options.conninfo = pg_conninfo_tls();
    world_begin(&options);
    assert_true(world.db->links[0].transport == &transport_tls);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    world_end();
    return 0;
}

static void test_tls_link_answers(void **state) {
    (void)state;
    assert_true(db_value(&world.shared, bool, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"));
    world_expect_ok();
    struct leat_future *futures[500];
    for (i64 i = 0; i < 500; i++)
        futures[i] = start_value(&world.shared, i64, "SELECT $1::int8", i);
    for (i64 i = 0; i < 500; i++) {
        world_wait(futures[i]);
        world_expect_ok();
        assert_int_equal(*(i64 *)futures[i]->query.result, i);
    }
}

static void test_tls_link_carries_large_queries_and_results(void **state) {
    (void)state;
    str text = {arena_raw(&world.arena, 3000000), 3000000};
    memset((char *)text.ptr, 'z', text.len);
    struct leat_future *futures[4];
    for (int i = 0; i < 4; i++) // both directions full at once
        futures[i] = start_value(&world.shared, str, "SELECT $1::text", text);
    for (int i = 0; i < 4; i++) {
        world_wait(futures[i]);
        world_expect_ok();
        assert_true(str_eq(*(str *)futures[i]->query.result, text));
    }
    Row_list *rows = db_list(&world.shared, Row, "SELECT g::int8 AS id, repeat('x', 300) AS name FROM generate_series(1, 5000) g");
    world_expect_ok();
    assert_int_equal(rows->n, 5000);
}

static void test_tls_link_commits(void **state) {
    (void)state;
    db_conn tx;
    lane_init(&tx.lane, world.db, true);
    pg_exec("DROP TABLE IF EXISTS t; CREATE TABLE t (id int8)");
    world_run_ms(REPREPARE_MS + 50);
    db_exec(&world.shared, "INSERT INTO t VALUES (1)"); // prepared again: the table is there now
    world_expect_ok();
    db_exec(&tx, "INSERT INTO t VALUES (2)");
    world_expect_ok();
    world_wait(world_commit(&tx));
    world_expect_ok();
    lane_finish(&tx.lane);
    assert_string_equal(pg_exec("SELECT count(*) FROM t"), "2");
}

static void test_tls_link_comes_back(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        pg_exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'leat'");
        assert_int_equal(db_value(&world.shared, i64, "SELECT 3::int8"), 3);
        world_expect_ok();
    }
    assert_true(world.db->reconnect_count > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_tls_link_answers),
        TEST(test_tls_link_carries_large_queries_and_results),
        TEST(test_tls_link_commits),
        TEST(test_tls_link_comes_back),
    };
    pg_want_tls();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
