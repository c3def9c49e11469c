// test_link.c — links that are lost, hang, are refused or see their statements change, against a real Postgres.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cluster_for_tests.h"
#include "world.h"

SCHEMA(Row, (i64, id), (str, name));

static struct db_options options;

static int set_up(void **state) {
    (void)state;
    options = world_options();
    pg_exec("DROP TABLE IF EXISTS rows, shape; DROP FUNCTION IF EXISTS late();"
            "CREATE TABLE rows (id int8 PRIMARY KEY, name text NOT NULL);"
            "CREATE TABLE shape (id int4, name text); INSERT INTO shape VALUES (1, 'one');");
    return 0;
}

static int set_up_with_one_link(void **state) {
    set_up(state);
    options.link_count = 1;
    world_begin(&options);
    return 0;
}

static int set_up_with_two_links(void **state) {
    set_up(state);
    world_begin(&options);
    return 0;
}

static int set_up_impatient(void **state) {
    set_up(state);
    options.link_count = 1;
    options.statement_timeout_ms = 300;
    world_begin(&options);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    world_end();
    return 0;
}

static int backend(void) {
    return atoi(pg_exec("SELECT pid FROM pg_stat_activity WHERE application_name = 'leat' LIMIT 1"));
}

static void terminate_all(void) {
    pg_exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'leat'");
}

static void set_flag(void *arg) {
    *(bool *)arg = true;
}

static i64 echo(i64 value) {
    return db_value(&world.shared, i64, "SELECT $1::int8", value);
}

// ---- the backend goes

static void test_link_comes_back_when_its_backend_was_terminated(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        terminate_all();
        assert_int_equal(echo(i), i); // a read that met the end is run again
        world_expect_ok();
    }
    world_until_ready();
    struct db_figures figures;
    db_figures(world.db, &figures);
    assert_true(figures.reconnect_count >= 3);
}

// The n-th query ends its own backend; those before it are answered, those behind it were never begun.
static void test_link_lost_between_any_two_queries_answers_each_query_once(void **state) {
    (void)state;
    enum { COUNT = 12 };
    for (int n = 0; n < COUNT; n++) {
        pg_exec("TRUNCATE rows");
        struct leat_future *futures[COUNT];
        for (int i = 0; i < COUNT; i++)
            futures[i] =
                i == n ? start_exec(&world.shared, "INSERT INTO rows SELECT $1, 'end' FROM pg_terminate_backend(pg_backend_pid())", (i64)i)
                       : start_exec(&world.shared, "INSERT INTO rows VALUES ($1, 'x')", (i64)i);
        for (int i = 0; i < COUNT; i++) {
            world_wait(futures[i]);
            const struct db_failure *failure = futures[i]->query.failure;
            assert_int_equal(failure != NULL, i >= n);
            unsigned retry = 0;
            if (failure) {
                assert_int_equal(db_failure_status(failure, &retry), 503);
                assert_true(retry > 0);
                assert_false(failure->outcome_unknown); // the server said FATAL before it did anything of these
            }
        }
        assert_int_equal(atoi(pg_exec("SELECT count(*) FROM rows")), n);
        world_until_ready();
    }
}

// A read that kills its backend does not kill one after the other.
static void test_read_that_kills_its_backend_fails_the_second_time(void **state) {
    (void)state;
    pg_exec("CREATE OR REPLACE FUNCTION kill() RETURNS int8 LANGUAGE plpgsql AS $$ BEGIN"
            " EXECUTE format('COPY (SELECT 1) TO PROGRAM %%L', 'kill -9 ' || pg_backend_pid()); PERFORM pg_sleep(5); RETURN 1; END $$");
    world_run_ms(REPREPARE_MS + 20);
    struct leat_future *killer = start_value(&world.shared, i64, "SELECT kill()");
    struct leat_future *victims[4];
    for (int i = 0; i < 4; i++)
        victims[i] = start_value(&world.shared, i64, "SELECT $1::int8", (i64)i);
    world_wait(killer);
    world_expect_error(-ECONNRESET);
    for (int i = 0; i < 4; i++) {
        world_wait(victims[i]);
        world_expect_ok();
    }
    assert_int_equal(world.db->reconnect_count, 2);
}

static void test_reads_behind_a_lost_link_are_run_again(void **state) {
    (void)state;
    struct leat_future *end = start_exec(&world.shared, "INSERT INTO rows SELECT 1, 'x' FROM pg_terminate_backend(pg_backend_pid())");
    struct leat_future *read = start_value(&world.shared, i64, "SELECT $1::int8 + 1", (i64)41);
    world_wait(end);
    assert_non_null(end->query.failure);
    world_wait(read);
    world_expect_ok();
    assert_int_equal(*(i64 *)read->query.result, 42);
}

// Killed outright, the server cannot say how far it came.
static void test_write_on_a_link_that_broke_without_a_word_has_an_unknown_outcome(void **state) {
    (void)state;
    struct leat_future *write = start_exec(&world.shared, "INSERT INTO rows SELECT 1, 'x' FROM pg_sleep(1)");
    world_run_ms(50);
    shutdown(world.db->links[0].fd, SHUT_RDWR);
    world_wait(write);
    assert_true(write->query.failure->outcome_unknown);
    world_expect_error(-ECONNRESET);
}

static void test_query_that_was_never_sent_goes_to_the_next_link(void **state) {
    (void)state;
    struct leat_future *write = start_exec(&world.shared, "INSERT INTO rows VALUES (5, 'x')");
    link_close(&world.db->links[0], -ECONNRESET); // before the end of the turn
    world_wait(write);
    world_expect_ok();
    assert_string_equal(pg_exec("SELECT count(*) FROM rows"), "1");
}

static void test_transaction_is_lost_with_its_link(void **state) {
    (void)state;
    db_conn tx;
    lane_init(&tx.lane, world.db, true);
    db_exec(&tx, "INSERT INTO rows VALUES (1, 'x')");
    world_expect_ok();
    terminate_all();
    world_run_ms(30);
    assert_true(tx.lane.has_failed);
    db_exec(&tx, "INSERT INTO rows VALUES (2, 'x')");
    world_expect_error(-ENOTCONN);
    world_wait(world_commit(&tx));
    world_expect_error(-ECONNRESET);
    lane_finish(&tx.lane);
    assert_string_equal(pg_exec("SELECT count(*) FROM rows"), "0");
    db_exec(&tx, "INSERT INTO rows VALUES (3, 'x')"); // and its lane begins anew
    world_expect_ok();
    lane_finish(&tx.lane);
}

// ---- the backend hangs

static void test_statement_that_takes_too_long_is_ended_by_the_server(void **state) {
    (void)state;
    db_exec(&world.shared, "SELECT pg_sleep(5)");
    const struct db_failure *failure = world_failure();
    assert_string_equal(failure->sqlstate, "57014");
    unsigned retry;
    assert_int_equal(db_failure_status(failure, &retry), 504);
    int64_t ready_ms = world.db->links[0].ready_ms;
    assert_int_equal(echo(1), 1);
    world_expect_ok();
    assert_true(world.db->links[0].ready_ms == ready_ms); // the link lives
}

static void test_link_whose_backend_is_stopped_is_given_up(void **state) {
    (void)state;
    int pid = backend();
    kill(pid, SIGSTOP);
    struct leat_future *write = start_exec(&world.shared, "INSERT INTO rows VALUES (1, 'x')");
    struct leat_future *read = start_value(&world.shared, i64, "SELECT 9::int8");
    int64_t start_ns = clock_monotonic_ns();
    world_wait(write);
    assert_true(clock_monotonic_ns() - start_ns < INT64_C(3000000000));
    assert_true(write->query.failure->outcome_unknown);
    world_expect_error(-ETIMEDOUT);
    world_wait(read);
    world_expect_ok();
    assert_int_equal(*(i64 *)read->query.result, 9);
    kill(pid, SIGCONT);
}

static void test_query_is_answered_by_its_own_deadline(void **state) {
    (void)state;
    world.due_in_ms = 100;
    struct leat_future *slow = start_exec(&world.shared, "SELECT pg_sleep(0.25)");
    world_wait(slow);
    world_expect_error(-ETIMEDOUT);
    world.due_in_ms = 10000;
    assert_int_equal(echo(3), 3); // behind it, on the same link
    world_expect_ok();
}

// ---- the server goes

static void test_queries_wait_while_the_server_is_away(void **state) {
    (void)state;
    pg_stop(SIGINT);
    world_run_ms(100);
    assert_false(db_is_ready(world.db));
    struct leat_future *write = start_exec(&world.shared, "INSERT INTO rows VALUES (1, 'x')");
    world.due_in_ms = 100;
    struct leat_future *impatient = start_exec(&world.shared, "INSERT INTO rows VALUES (2, 'x')");
    world_wait(impatient);
    world_expect_error(-ENOTCONN);
    unsigned retry;
    assert_int_equal(db_failure_status(impatient->query.failure, &retry), 503);
    assert_true(retry > 0);
    assert_false(write->is_done);
    pg_start();
    world_wait(write);
    world_expect_ok();
    assert_string_equal(pg_exec("SELECT count(*) FROM rows"), "1");
}

static void restart_under_load(int signal) {
    enum { COUNT = 64 };
    struct leat_future *futures[COUNT] = {0};
    static db_conn lanes[COUNT]; // so that both links have some
    unsigned ok = 0, failed = 0;
    bool was_away = false;
    int64_t end_ns = clock_monotonic_ns() + INT64_C(1500000000);
    for (i64 id = 0; clock_monotonic_ns() < end_ns; id++) {
        struct leat_future **slot = &futures[id % COUNT];
        if (*slot) {
            world_wait(*slot);
            ok += !(*slot)->query.failure;
            failed += (*slot)->query.failure != NULL;
            world_expect_ok(); // nothing but reads: none fails
        }
        lane_init(&lanes[id % COUNT].lane, world.db, false);
        *slot = start_value(&lanes[id % COUNT], i64, "SELECT $1::int8", id);
        if (!was_away && clock_monotonic_ns() > end_ns - INT64_C(1200000000)) {
            was_away = true;
            pg_stop(signal);
            pg_start();
        }
    }
    for (int i = 0; i < COUNT; i++)
        if (futures[i])
            world_wait(futures[i]);
    assert_true(was_away && ok > 500 && failed == 0);
}

static void test_reads_survive_a_fast_restart(void **state) {
    (void)state;
    restart_under_load(SIGINT);
}

static void test_reads_survive_an_immediate_restart(void **state) {
    (void)state;
    restart_under_load(SIGQUIT);
}

static void test_links_that_the_server_refuses_do_not_take_the_others_along(void **state) {
    set_up(state);
    char conninfo[300];
    snprintf(conninfo, sizeof conninfo, "%s", pg_conninfo());
    strcpy(strstr(conninfo, "user=postgres"), "user=few");
    pg_exec("DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN CONNECTION LIMIT 3");
    options.conninfo = conninfo;
    options.link_count = 6;
    world_begin_without_waiting(&options);
    struct db_figures figures = {0};
    for (int i = 0; i < 400 && figures.links_ready < 3; i++) {
        world_turn();
        db_figures(world.db, &figures);
    }
    assert_int_equal(figures.links_ready, 3);
    assert_int_equal(figures.links_wanted, 6);
    for (i64 i = 0; i < 50; i++) {
        assert_int_equal(echo(i), i);
        world_expect_ok();
    }
    pg_exec("ALTER ROLE few CONNECTION LIMIT 10");
    world_until_ready(); // all six, once there is room
}

static void test_without_a_database_every_query_fails_at_once(void **state) {
    set_up(state);
    options.conninfo = NULL;
    world_begin(&options);
    echo(1);
    world_expect_error(-ENOTCONN);
    bool is_prepared = false;
    db_prepare(world.db, world.set, set_flag, &is_prepared);
    world_until(&is_prepared);
}

// ---- statements change

static i64 id_of_shape(void) {
    return db_value(&world.shared, i64, "SELECT id FROM shape");
}

static void test_statement_whose_columns_changed_is_prepared_again(void **state) {
    (void)state;
    assert_int_equal(id_of_shape(), 1);
    pg_exec("ALTER TABLE shape ALTER COLUMN id TYPE int8");
    struct leat_future *futures[5];
    for (int i = 0; i < 5; i++)
        futures[i] = start_value(&world.shared, i64, "SELECT id FROM shape WHERE $1", true);
    assert_int_equal(id_of_shape(), 1);
    world_expect_ok();
    for (int i = 0; i < 5; i++) {
        world_wait(futures[i]);
        world_expect_ok();
        assert_int_equal(*(i64 *)futures[i]->query.result, 1);
    }
    assert_int_equal(world.db->reconnect_count, 0);
}

static void test_statement_that_became_stale_in_a_transaction_works_in_the_next(void **state) {
    (void)state;
    db_conn tx;
    lane_init(&tx.lane, world.db, true);
    for (int round = 0; round < 3; round++) {
        i64 id = db_value(&tx, i64, "SELECT id + 0 FROM shape");
        if (round == 1)
            world_expect_state("0A000"); // as it was prepared
        else
            world_expect_ok();
        assert_int_equal(id, round != 1);
        lane_finish(&tx.lane);
        world_run_ms(20); // its ROLLBACK lets go of the table
        if (round == 0)
            pg_exec("ALTER TABLE shape ALTER COLUMN id TYPE int8");
    }
}

static str name_of_shape(void) {
    return db_value(&world.shared, str, "SELECT name FROM shape");
}

static void test_statement_that_no_longer_fits_says_why(void **state) {
    (void)state;
    assert_true(str_eq(name_of_shape(), S("one")));
    world_expect_ok();
    pg_exec("ALTER TABLE shape ALTER COLUMN name TYPE bool USING true");
    name_of_shape();
    const struct db_failure *failure = world_failure();
    assert_int_equal(failure->error, -EINVAL);
    assert_non_null(memmem(failure->message.ptr, failure->message.len, "is bool in Postgres but str", 27));
    assert_int_equal(echo(4), 4);
    world_expect_ok();
}

static void test_statement_that_the_server_forgot_is_prepared_again(void **state) {
    (void)state;
    assert_int_equal(echo(1), 1);
    struct prepared *prepared = &world.db->links[0].sets[0].items[0];
    struct db_slot *slot = slot_take(world.db, SLOT_CLOSE);
    for (size_t i = 0; i < statement_count(world.set); i++)
        if (strcmp(statement_at(world.set, i)->query->sql, "SELECT $1::int8") == 0)
            prepared = &world.db->links[0].sets[0].items[i];
    wire_put_close(link_output(&world.db->links[0]), prepared->name);
    link_push(&world.db->links[0], slot);
    assert_int_equal(echo(2), 2);
    world_expect_ok();
}

static i64 late(void) {
    return db_value(&world.shared, i64, "SELECT late()");
}

static void test_statement_works_once_its_function_is_made(void **state) {
    (void)state;
    assert_int_equal(late(), 0);
    world_expect_state("42883");
    pg_exec("CREATE FUNCTION late() RETURNS int8 LANGUAGE sql AS 'SELECT 6::int8'");
    world_run_ms(REPREPARE_MS + 50);
    assert_int_equal(late(), 6);
    world_expect_ok();
}

// ---- too much

static void test_result_with_too_many_rows_fails_and_the_link_goes_on(void **state) {
    (void)state;
    world.db->options.row_count_max = 100;
    struct leat_future *many = start_list(&world.shared, Row, "SELECT g::int8 AS id, 'x' AS name FROM generate_series(1, 20000) g");
    struct leat_future *next = start_value(&world.shared, i64, "SELECT $1::int8", (i64)8);
    world_wait(many);
    world_expect_error(-EMSGSIZE);
    world_wait(next);
    world_expect_ok();
    assert_int_equal(*(i64 *)next->query.result, 8);
    assert_int_equal(world.db->reconnect_count, 0);
}

static void test_result_with_too_many_bytes_fails_whether_in_one_row_or_in_many(void **state) {
    (void)state;
    world.db->options.result_bytes_max = 100000;
    db_value(&world.shared, str, "SELECT repeat('x', $1)", 300000);
    world_expect_error(-EMSGSIZE);
    assert_int_equal(db_value(&world.shared, str, "SELECT repeat('x', $1)", 99000).len, 99000);
    world_expect_ok();
    db_list(&world.shared, Row, "SELECT g::int8 AS id, repeat('x', 5000) AS name FROM generate_series(1, 50) g");
    world_expect_error(-EMSGSIZE);
    assert_int_equal(echo(5), 5);
    world_expect_ok();
    assert_int_equal(world.db->reconnect_count, 0);
}

static void test_large_arguments_and_rows_pass(void **state) {
    (void)state;
    str text = {arena_raw(&world.arena, 3000000), 3000000};
    memset((char *)text.ptr, 'y', text.len);
    for (int i = 0; i < 3; i++) {
        str back = db_value(&world.shared, str, "SELECT $1::text", text);
        world_expect_ok();
        assert_true(str_eq(back, text));
    }
}

static void test_copy_on_the_wire_closes_the_link(void **state) {
    (void)state;
    struct db_slot *slot = slot_take(world.db, SLOT_BEGIN);
    assert_int_equal(link_put_simple(&world.db->links[0], slot, "COPY shape TO STDOUT"), 0);
    assert_int_equal(echo(5), 5); // on the link that comes after it
    world_expect_ok();
    assert_int_equal(world.db->reconnect_count, 1);
}

static void test_link_that_is_left_in_a_transaction_is_closed(void **state) {
    (void)state;
    struct db_slot *slot = slot_take(world.db, SLOT_BEGIN);
    assert_int_equal(link_put_simple(&world.db->links[0], slot, "BEGIN"), 0);
    assert_int_equal(echo(5), 5);
    world_expect_ok();
    assert_int_equal(world.db->reconnect_count, 1);
}

// ---- generations

static void test_another_generation_is_prepared_and_forgotten(void **state) {
    (void)state;
    static const leat_query query = {.base = {LEAT_ITEM_QUERY, sizeof(leat_query), 7, "other.c"},
                                     .sql = "SELECT $1::int8 + 100",
                                     .func = "f",
                                     .row = &i64__schema,
                                     .shape = LEAT_SCALAR,
                                     .nargs = 1,
                                     .types = {LEAT_A_I64}};
    for (int round = 0; round < 3; round++) {
        struct statement_set *set;
        str message;
        assert_int_equal(statement_set_create(&set), 0);
        assert_int_equal(statement_set_add(set, &query, &world.arena, &message), 0);
        bool is_prepared = false;
        db_prepare(world.db, set, set_flag, &is_prepared);
        assert_false(is_prepared);
        world_until(&is_prepared);
        struct statement_set *own = world.set;
        world.set = set;
        i64 value = *(i64 *)leat_db_run(&world.shared, &query, (const leat_arg[]){leat_a_i64(round)});
        world.set = own;
        world_expect_ok();
        assert_int_equal(value, 100 + round);
        db_forget(world.db, set);
        statement_set_destroy(set);
        assert_int_equal(echo(1), 1);
        world_expect_ok();
    }
    assert_int_equal(world.db->set_count, 1);
}

static void test_stopping_fails_what_is_on_its_way(void **state) {
    (void)state;
    struct leat_future *write = start_exec(&world.shared, "INSERT INTO rows SELECT 1, 'x' FROM pg_sleep(1)");
    world_run_ms(30);
    bool is_stopped = false;
    db_stop(world.db, set_flag, &is_stopped);
    world_wait(write);
    world_expect_error(-ECANCELED);
    world_until(&is_stopped);
    echo(1);
    world_expect_error(-ENOTCONN);
}

#define ONE(name) cmocka_unit_test_setup_teardown(name, set_up_with_one_link, tear_down)
#define TWO(name) cmocka_unit_test_setup_teardown(name, set_up_with_two_links, tear_down)
#define IMPATIENT(name) cmocka_unit_test_setup_teardown(name, set_up_impatient, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        ONE(test_link_comes_back_when_its_backend_was_terminated),
        ONE(test_link_lost_between_any_two_queries_answers_each_query_once),
        ONE(test_read_that_kills_its_backend_fails_the_second_time),
        ONE(test_reads_behind_a_lost_link_are_run_again),
        ONE(test_write_on_a_link_that_broke_without_a_word_has_an_unknown_outcome),
        ONE(test_query_that_was_never_sent_goes_to_the_next_link),
        ONE(test_transaction_is_lost_with_its_link),
        IMPATIENT(test_statement_that_takes_too_long_is_ended_by_the_server),
        IMPATIENT(test_link_whose_backend_is_stopped_is_given_up),
        IMPATIENT(test_query_is_answered_by_its_own_deadline),
        TWO(test_queries_wait_while_the_server_is_away),
        TWO(test_reads_survive_a_fast_restart),
        TWO(test_reads_survive_an_immediate_restart),
        cmocka_unit_test_teardown(test_links_that_the_server_refuses_do_not_take_the_others_along, tear_down),
        cmocka_unit_test_teardown(test_without_a_database_every_query_fails_at_once, tear_down),
        ONE(test_statement_whose_columns_changed_is_prepared_again),
        ONE(test_statement_that_became_stale_in_a_transaction_works_in_the_next),
        ONE(test_statement_that_no_longer_fits_says_why),
        ONE(test_statement_that_the_server_forgot_is_prepared_again),
        ONE(test_statement_works_once_its_function_is_made),
        ONE(test_result_with_too_many_rows_fails_and_the_link_goes_on),
        ONE(test_result_with_too_many_bytes_fails_whether_in_one_row_or_in_many),
        ONE(test_large_arguments_and_rows_pass),
        ONE(test_copy_on_the_wire_closes_the_link),
        ONE(test_link_that_is_left_in_a_transaction_is_closed),
        TWO(test_another_generation_is_prepared_and_forgotten),
        ONE(test_stopping_fails_what_is_on_its_way),
    };
    pg_want("max_connections=20");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
