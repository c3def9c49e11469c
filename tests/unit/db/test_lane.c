// test_lane.c — queries on shared links and in transactions, against a real Postgres.
#include <errno.h>
#include <string.h>

#include "cluster_for_tests.h"
#include "world.h"

ENUM(Role, admin, user);
SCHEMA(Everything, (str, a_text), (str, a_varchar), (i32, an_int4), (i64, an_int8), (f64, a_float8), (f64, a_numeric), (bool, a_bool),
       (uuid, a_uuid), (timestamp, a_time), (json_value, a_json), (json_value, a_jsonb), (Role, a_role), (Role, a_text_role),
       (str, nothing, .nullable = true), (i32, an_int2), (f64, a_float4));
SCHEMA(Row, (i64, id), (str, name));
SCHEMA(Defaulted, (i64, id), (str, note, .def = "none"), (i32, level, .def = 3), (bool, on, .def = true), (Role, role, .def = Role_user),
       (str, maybe, .optional = true));
SCHEMA(Person, (i32, id), (str, name, .nullable = true), (i32, age), (Role, role), (i32, changed));
PARTIAL(Change, (str, name, .nullable = true), (i32, age), (Role, role));

static int set_up(void **state) {
    (void)state;
    struct db_options options = world_options();
    options.link_count = *state ? *(unsigned *)*state : 2;
    options.apart_link_count_max = 0; // test_queue.c has them
    pg_exec("DROP TABLE IF EXISTS everything, rows, people; DROP TYPE IF EXISTS role; DROP DOMAIN IF EXISTS positive;"
            "CREATE DOMAIN positive AS int4 CHECK (value > 0);"
            "CREATE TYPE role AS ENUM ('admin', 'user', 'guest');"
            "CREATE TABLE everything (a_text text, a_varchar varchar(40), an_int4 int4, an_int8 int8, a_float8 float8, a_numeric numeric,"
            " a_bool bool, a_uuid uuid, a_time timestamptz, a_json json, a_jsonb jsonb, a_role role, a_text_role text, nothing text,"
            " an_int2 int2, a_float4 float4);"
            "CREATE TABLE rows (id int8 PRIMARY KEY, name text NOT NULL CONSTRAINT name_is_short CHECK (length(name) < 100));"
            "CREATE TABLE people (id int4 PRIMARY KEY, name varchar(10), age int2 NOT NULL, role role NOT NULL, changed int4 NOT NULL);");
    world_begin(&options);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    world_end();
    return 0;
}

// ---- values

// promises 23, 24
static void test_lane_brings_every_type_there_and_back(void **state) {
    (void)state;
    uuid id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255}};
    timestamp time = {INT64_C(1795163563012073)};
    Everything *e = db_one(&world.shared, Everything,
                           "INSERT INTO everything VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) "
                           "RETURNING {*}",
                           S("héllo \"w\" '\\"), "c string", -2147483647, INT64_MIN, -0.1, 12345.678, true, id, time,
                           ((json_value){S("{\"a\": [1, 2]}")}), ((json_value){S("{\"b\":null}")}), LABEL(Role, Role_user),
                           LABEL(Role, Role_admin), ((str){0}), -32768, 1.5);
    world_expect_ok();
    assert_true(str_eq(e->a_text, S("héllo \"w\" '\\")));
    assert_true(str_eq(e->a_varchar, S("c string")));
    assert_int_equal(e->an_int4, -2147483647);
    assert_true(e->an_int8 == INT64_MIN);
    assert_true(e->a_float8 == -0.1 && e->a_numeric == 12345.678 && e->a_float4 == 1.5);
    assert_true(e->a_bool && uuid_eq(e->a_uuid, id));
    assert_true(e->a_time.us == time.us);
    assert_true(str_eq(e->a_json.raw, S("{\"a\": [1, 2]}")));
    assert_true(str_eq(e->a_jsonb.raw, S("{\"b\": null}")));
    assert_int_equal(e->a_role, Role_user);
    assert_int_equal(e->a_text_role, Role_admin);
    assert_true(e->null.nothing && !e->null.a_text && e->set.a_text && e->set.nothing);
    assert_null(e->nothing.ptr);
    assert_int_equal(e->an_int2, -32768);
}

static void test_lane_answers_zero_or_the_first_of_many_for_one_row(void **state) {
    (void)state;
    assert_null(db_one(&world.shared, Row, "SELECT 1::int8 AS id, 'x' AS name WHERE $1", false));
    world_expect_ok();
    Row *row = db_one(&world.shared, Row, "SELECT g::int8 AS id, 'n' || g AS name FROM generate_series(5, 5000) g");
    world_expect_ok();
    assert_int_equal(row->id, 5);
    assert_true(str_eq(row->name, S("n5")));
}

static void test_lane_answers_a_list_of_any_length(void **state) {
    (void)state;
    for (i64 count = 0; count < 3000; count = count * 3 + 1) {
        Row_list *list =
            db_list(&world.shared, Row, "SELECT g AS id, repeat('x', g::int % 50) AS name FROM generate_series(1, $1::int8) g", count);
        world_expect_ok();
        assert_int_equal(list->n, count);
        for (i64 i = 0; i < count; i++) {
            assert_int_equal(list->items[i].id, i + 1);
            assert_int_equal(list->items[i].name.len, (i + 1) % 50);
        }
    }
}

static void test_lane_answers_values(void **state) {
    (void)state;
    assert_int_equal(db_value(&world.shared, i64, "SELECT count(*) FROM rows"), 0);
    assert_true(str_eq(db_value(&world.shared, str, "SELECT 'abc'"), S("abc")));
    assert_true(db_value(&world.shared, bool, "SELECT true"));
    assert_int_equal(db_value(&world.shared, Role, "SELECT 'user'::role"), Role_user);
    assert_true(db_value(&world.shared, timestamp, "SELECT 'infinity'::timestamptz").us == TIMESTAMP_US_MAX);
    assert_true(db_value(&world.shared, timestamp, "SELECT '-infinity'::timestamptz").us == TIMESTAMP_US_MIN);
    assert_true(db_value(&world.shared, timestamp, "SELECT '1970-01-01 00:00:01'::timestamp").us == 1000000);
    assert_int_equal(db_value(&world.shared, i64, "SELECT NULL::int8"), 0);
    world_expect_ok();
    assert_int_equal(db_value(&world.shared, i64, "SELECT 1::int8, 'more' WHERE false"), 0);
    world_expect_ok();
}

static void test_lane_counts_the_rows_that_are_touched(void **state) {
    (void)state;
    struct leat_future *insert = start_exec(&world.shared, "INSERT INTO rows SELECT g, 'r' FROM generate_series(1, 7) g");
    world_wait(insert);
    world_expect_ok();
    assert_int_equal(*(i64 *)insert->query.result, 7);
    assert_true(insert->query.found);
    struct leat_future *none = start_exec(&world.shared, "DELETE FROM rows WHERE id = $1", (i64)99);
    world_wait(none);
    assert_int_equal(*(i64 *)none->query.result, 0);
    assert_false(none->query.found);
    struct leat_future *select = start_exec(&world.shared, "SELECT 1 FROM rows WHERE id < 3");
    world_wait(select);
    assert_int_equal(*(i64 *)select->query.result, 2);
}

static void test_lane_fills_fields_without_a_column_with_their_defaults(void **state) {
    (void)state;
    Defaulted *row = db_one(&world.shared, Defaulted, "SELECT 4::int8 AS id");
    world_expect_ok();
    assert_int_equal(row->id, 4);
    assert_true(str_eq(row->note, S("none")));
    assert_true(row->level == 3 && row->on && row->role == Role_user);
    assert_true(row->set.id && !row->set.note && !row->set.maybe);
}

static void test_lane_answers_null_in_a_plain_field_as_a_failure_with_its_line(void **state) {
    (void)state;
    db_one(&world.shared, Row, "SELECT 1::int8 AS id, NULL::text AS name");
    const struct db_failure *failure = world_failure();
    assert_int_equal(failure->error, -EBADMSG);
    assert_non_null(memmem(failure->message.ptr, failure->message.len, "test_lane.c:", 12));
    assert_non_null(memmem(failure->message.ptr, failure->message.len, "'name'", 6));
    unsigned retry;
    assert_int_equal(db_failure_status(failure, &retry), 500);
}

static void test_lane_names_a_label_that_the_enum_lacks(void **state) {
    (void)state;
    db_value(&world.shared, Role, "SELECT 'guest'::role");
    const struct db_failure *failure = world_failure();
    assert_non_null(memmem(failure->message.ptr, failure->message.len, "'guest'", 7));
}

static void test_lane_refuses_a_number_beyond_its_parameter(void **state) {
    (void)state;
    db_exec(&world.shared, "INSERT INTO people VALUES ($1, 'x', 1, 'user', 0)", (i64)1 << 40);
    const struct db_failure *failure = world_failure();
    assert_string_equal(failure->sqlstate, "22003");
    unsigned retry;
    assert_int_equal(db_failure_status(failure, &retry), 422);
}

static void test_lane_reads_a_domain_and_other_types_as_text(void **state) {
    (void)state;
    assert_int_equal(db_value(&world.shared, i64, "SELECT 41 + $1::positive", 1), 42);
    world_expect_ok();
    db_value(&world.shared, i64, "SELECT 40 + $1::positive", -1);
    world_expect_state("23514");
    assert_true(str_eq(db_value(&world.shared, str, "SELECT '10.0.0.1'::inet"), S("10.0.0.1")));
    assert_true(str_eq(db_value(&world.shared, str, "SELECT $1::date", "2026-11-20"), S("2026-11-20")));
    assert_true(str_eq(db_value(&world.shared, str, "SELECT 12.50::numeric"), S("12.50")));
    world_expect_ok();
}

// ---- {set}

static void test_set_writes_just_the_fields_that_are_present(void **state) {
    (void)state;
    for (unsigned mask = 0; mask < 8; mask++) {
        pg_exec("DELETE FROM people; INSERT INTO people VALUES (1, 'old', 10, 'admin', 0)");
        Change change = {.name = S("new"), .age = 20, .role = Role_user};
        change.set.bits = mask;
        Person *person = db_one(&world.shared, Person, "UPDATE people p SET {set}, changed = p.changed + $3 WHERE id = $1 RETURNING {*}", 1,
                                SET(Change, &change), 5);
        world_expect_ok();
        assert_true(str_eq(person->name, mask & 1 ? S("new") : S("old")));
        assert_int_equal(person->age, mask & 2 ? 20 : 10);
        assert_int_equal(person->role, mask & 4 ? Role_user : Role_admin);
        assert_int_equal(person->changed, 5);
    }
}

static void test_set_writes_null_and_checks_the_column(void **state) {
    (void)state;
    pg_exec("INSERT INTO people VALUES (1, 'old', 10, 'admin', 0)");
    Change nothing = {.set.name = 1, .null.name = 1};
    Person *person = db_one(&world.shared, Person, "UPDATE people SET {set} WHERE id = $2 RETURNING {*}", SET(Change, &nothing), 1);
    world_expect_ok();
    assert_true(person->null.name);
    Change too_long = {.name = S("longer than ten"), .set.name = 1};
    db_exec(&world.shared, "UPDATE people SET {set}", SET(Change, &too_long));
    world_expect_state("22001");
    Change too_old = {.age = 40000, .set.age = 1};
    db_exec(&world.shared, "UPDATE people SET {set}", SET(Change, &too_old));
    world_expect_state("22003");
}

static void test_set_works_in_an_upsert(void **state) {
    (void)state;
    Change change = {.age = 77, .set.age = 1};
    for (int i = 0; i < 2; i++) {
        db_exec(&world.shared, "INSERT INTO people AS who VALUES ($1, 'a', 1, 'user', 0) ON CONFLICT (id) DO UPDATE SET {set}", 9,
                SET(Change, &change));
        world_expect_ok();
    }
    assert_string_equal(pg_exec("SELECT age || name FROM people"), "77a");
}

// ---- failures of one statement

static void test_lane_names_the_constraint_that_was_broken(void **state) {
    (void)state;
    pg_exec("INSERT INTO rows VALUES (1, 'one')");
    db_exec(&world.shared, "INSERT INTO rows VALUES ($1, $2)", (i64)1, S("again"));
    const struct db_failure *failure = world_failure();
    assert_string_equal(failure->sqlstate, "23505");
    assert_true(str_eq(failure->constraint, S("rows_pkey")) && str_eq(failure->table, S("rows")));
    unsigned retry;
    assert_int_equal(db_failure_status(failure, &retry), 409);
    db_exec(&world.shared, "INSERT INTO rows VALUES ($1, $2)", (i64)2, ((str){0}));
    failure = world_failure();
    assert_string_equal(failure->sqlstate, "23502");
    assert_true(str_eq(failure->column, S("name")));
}

static void test_lane_isolates_a_failure_between_two_good_queries_of_one_flush(void **state) {
    (void)state;
    struct db_figures before, after;
    db_figures(world.db, &before);
    struct leat_future *first = start_exec(&world.shared, "INSERT INTO rows VALUES (1, 'a')");
    struct leat_future *second = start_exec(&world.shared, "INSERT INTO rows VALUES (1, 'b')");
    struct leat_future *third = start_exec(&world.shared, "INSERT INTO rows VALUES (2, 'c')");
    world_wait(third);
    world_expect_ok();
    assert_null(first->query.failure);
    assert_string_equal(second->query.failure->sqlstate, "23505");
    assert_true(first->order < second->order && second->order < third->order);
    db_figures(world.db, &after);
    assert_int_equal(after.flush_count - before.flush_count, 1);
    assert_string_equal(pg_exec("SELECT string_agg(name, '' ORDER BY id) FROM rows"), "ac");
}

static void test_lane_refuses_a_zero_byte_in_text(void **state) {
    (void)state;
    db_value(&world.shared, str, "SELECT $1::text", ((str){"a\0b", 3}));
    world_expect_state("22021");
}

// ---- many

enum { MANY = 1000 };

static void test_lane_answers_a_thousand_queries_in_order_to_their_owners(void **state) {
    (void)state;
    static struct leat_future *futures[MANY];
    static db_conn lanes[MANY / 10];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            db_conn *conn = &lanes[i / 10];
            if (i % 10 == 0)
                lane_init(&conn->lane, world.db, false);
            futures[i] = start_value(conn, i64, "SELECT $1::int8 * 2", (i64)i);
        }
        for (int i = 0; i < MANY; i++) {
            world_wait(futures[i]);
            world_expect_ok();
            assert_int_equal(*(i64 *)futures[i]->query.result, 2 * i);
            if (i % 10)
                assert_true(futures[i]->order > futures[i - 1]->order); // of one lane and turn: one link, in order
        }
    }
    assert_true(world.db->links[0].ready_ms && world.db->links[1].ready_ms);
}

// promise 40
static void test_lane_uses_all_links_and_flushes_each_once_a_turn(void **state) {
    (void)state;
    db_conn lanes[8];
    struct leat_future *futures[8];
    struct db_figures before, after;
    db_figures(world.db, &before);
    for (int i = 0; i < 8; i++) {
        lane_init(&lanes[i].lane, world.db, false);
        futures[i] = start_value(&lanes[i], i64, "SELECT $1::int8", (i64)i);
    }
    assert_int_equal(world.db->links[0].fifo_count, 4);
    assert_int_equal(world.db->links[1].fifo_count, 4);
    for (int i = 0; i < 8; i++)
        world_wait(futures[i]);
    db_figures(world.db, &after);
    assert_int_equal(after.flush_count - before.flush_count, 2);
    assert_int_equal(after.query_count - before.query_count, 8);
    assert_int_equal(after.queries_in_flight, 0);
}

static void test_lane_is_refused_when_the_queue_is_full(void **state) {
    (void)state;
    world.db->options.queue_max = 10;
    world.db->options.link_queries_max = 2; // two links: four sent, six wait
    struct leat_future *futures[11];
    db_conn lanes[11];
    for (int i = 0; i < 11; i++) {
        lane_init(&lanes[i].lane, world.db, false);
        futures[i] = start_value(&lanes[i], i64, "SELECT $1::int8 + 1", (i64)i);
    }
    assert_int_equal(futures[10]->query.failure->error, -EAGAIN);
    struct db_figures figures;
    db_figures(world.db, &figures);
    assert_int_equal(figures.queries_in_flight, 4);
    assert_int_equal(figures.queries_waiting, 6);
    for (int i = 0; i < 10; i++) {
        world_wait(futures[i]);
        world_expect_ok();
        assert_int_equal(*(i64 *)futures[i]->query.result, i + 1);
    }
}

static void test_detached_queries_are_answered_to_nobody(void **state) {
    (void)state;
    struct leat_future *gone = start_list(&world.shared, Row, "SELECT g AS id, 'x' AS name FROM generate_series(1, 500::int8) g");
    struct leat_future *good = start_value(&world.shared, i64, "SELECT 5::int8");
    db_query_detach(&gone->query);
    db_query_detach(&gone->query);
    world_wait(good);
    world_expect_ok();
    assert_int_equal(*(i64 *)good->query.result, 5);
    assert_false(gone->is_done);
    world.db->options.link_queries_max = 0; // the next one waits
    struct leat_future *waiting = start_value(&world.shared, i64, "SELECT 6::int8");
    db_query_detach(&waiting->query);
    assert_int_equal(world.db->live_count, 0);
    db_query_detach(&good->query);
}

// ---- transactions

// promise 29
static void test_transaction_is_committed(void **state) {
    (void)state;
    db_conn tx;
    lane_init(&tx.lane, world.db, true);
    db_exec(&tx, "INSERT INTO rows VALUES (1, 'one')");
    db_exec(&tx, "INSERT INTO rows VALUES (2, 'two')");
    world_expect_ok();
    assert_string_equal(pg_exec("SELECT count(*) FROM rows"), "0");
    world_wait(world_commit(&tx));
    world_expect_ok();
    assert_string_equal(pg_exec("SELECT count(*) FROM rows"), "2");
    assert_null(tx.lane.link); // given back
    lane_finish(&tx.lane);
    lane_finish(&tx.lane);
}

static struct db_link *transaction_link(void) {
    return &world.db->links[db_shared_count(world.db)];
}

static void test_transaction_is_rolled_back_when_it_is_finished_without_commit(void **state) {
    (void)state;
    db_conn tx;
    lane_init(&tx.lane, world.db, true);
    db_exec(&tx, "INSERT INTO rows VALUES (1, 'one')");
    world_expect_ok();
    lane_finish(&tx.lane);
    for (int i = 0; i < 100 && transaction_link()->is_leased; i++)
        world_turn();
    assert_false(transaction_link()->is_leased);
    assert_int_equal(transaction_link()->status, 'I');
    assert_int_equal(transaction_link()->state, LINK_READY);
    assert_string_equal(pg_exec("SELECT count(*) FROM rows"), "0");
}

static void test_transaction_that_failed_says_so_at_its_commit(void **state) {
    (void)state;
    db_conn tx;
    lane_init(&tx.lane, world.db, true);
    db_exec(&tx, "INSERT INTO rows VALUES (1, 'one')");
    db_exec(&tx, "INSERT INTO rows VALUES (1, 'again')");
    world_expect_state("23505");
    db_exec(&tx, "INSERT INTO rows VALUES (3, 'three')");
    world_expect_state("25P02");
    world_wait(world_commit(&tx));
    world_expect_state("25P02");
    lane_finish(&tx.lane);
    assert_string_equal(pg_exec("SELECT count(*) FROM rows"), "0");
}

static void test_transaction_whose_request_is_dropped_leaves_nothing(void **state) {
    (void)state;
    db_conn tx;
    lane_init(&tx.lane, world.db, true);
    struct leat_future *slow = start_exec(&tx, "INSERT INTO rows SELECT 1, 'slow' FROM pg_sleep(0.2)");
    while (!tx.lane.link)
        world_turn();
    world_run_ms(30);
    db_query_detach(&slow->query);
    lane_finish(&tx.lane);
    db_conn next;
    lane_init(&next.lane, world.db, true);
    i64 count = db_value(&next, i64, "SELECT count(*) FROM rows");
    world_expect_ok();
    assert_int_equal(count, 0);
    world_wait(world_commit(&next));
    world_expect_ok();
    for (int i = 0; i < 100 && transaction_link()->is_leased; i++)
        world_turn();
    assert_false(slow->is_done);
    assert_string_equal(pg_exec("SELECT count(*) FROM rows"), "0");
}

static void test_transactions_wait_for_one_of_their_links(void **state) {
    (void)state;
    enum { COUNT = 20 };
    world.db->options.transaction_link_count_max = 8;
    db_conn lanes[COUNT];
    struct leat_future *inserts[COUNT], *commits[COUNT];
    for (int i = 0; i < COUNT; i++) {
        lane_init(&lanes[i].lane, world.db, true);
        inserts[i] = start_exec(&lanes[i], "INSERT INTO rows VALUES ($1, 'x')", (i64)i);
        commits[i] = world_commit(&lanes[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        world_wait(inserts[i]);
        world_expect_ok();
        world_wait(commits[i]);
        world_expect_ok();
        lane_finish(&lanes[i].lane);
    }
    assert_string_equal(pg_exec("SELECT count(*) FROM rows"), "20");
}

static void test_transaction_that_waits_for_a_link_is_given_up(void **state) {
    (void)state;
    db_conn lane;
    lane_init(&lane.lane, world.db, true);
    struct leat_future *insert = start_exec(&lane, "INSERT INTO rows VALUES (1, 'x')");
    lane_finish(&lane.lane);
    world_wait(insert);
    world_expect_error(-ECANCELED);
}

static void test_commit_of_nothing_is_done_in_the_next_turn(void **state) {
    (void)state;
    db_conn tx;
    lane_init(&tx.lane, world.db, true);
    struct leat_future *commit = world_commit(&tx), *shared = world_commit(&world.shared);
    assert_false(commit->is_done);
    world_turn();
    assert_true(commit->is_done && shared->is_done);
    assert_null(commit->query.failure);
}

static void test_lane_is_used_again_after_its_commit(void **state) {
    (void)state;
    db_conn tx;
    lane_init(&tx.lane, world.db, true);
    for (int i = 0; i < 3; i++) {
        db_exec(&tx, "INSERT INTO rows VALUES ($1, 'x')", (i64)i);
        world_expect_ok();
        world_wait(world_commit(&tx));
        world_expect_ok();
    }
    lane_finish(&tx.lane);
    assert_string_equal(pg_exec("SELECT count(*) FROM rows"), "3");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_lane_brings_every_type_there_and_back),
        TEST(test_lane_answers_zero_or_the_first_of_many_for_one_row),
        TEST(test_lane_answers_a_list_of_any_length),
        TEST(test_lane_answers_values),
        TEST(test_lane_counts_the_rows_that_are_touched),
        TEST(test_lane_fills_fields_without_a_column_with_their_defaults),
        TEST(test_lane_answers_null_in_a_plain_field_as_a_failure_with_its_line),
        TEST(test_lane_names_a_label_that_the_enum_lacks),
        TEST(test_lane_refuses_a_number_beyond_its_parameter),
        TEST(test_lane_reads_a_domain_and_other_types_as_text),
        TEST(test_set_writes_just_the_fields_that_are_present),
        TEST(test_set_writes_null_and_checks_the_column),
        TEST(test_set_works_in_an_upsert),
        TEST(test_lane_names_the_constraint_that_was_broken),
        TEST(test_lane_isolates_a_failure_between_two_good_queries_of_one_flush),
        TEST(test_lane_refuses_a_zero_byte_in_text),
        TEST(test_lane_answers_a_thousand_queries_in_order_to_their_owners),
        TEST(test_lane_uses_all_links_and_flushes_each_once_a_turn),
        TEST(test_lane_is_refused_when_the_queue_is_full),
        TEST(test_detached_queries_are_answered_to_nobody),
        TEST(test_transaction_is_committed),
        TEST(test_transaction_is_rolled_back_when_it_is_finished_without_commit),
        TEST(test_transaction_that_failed_says_so_at_its_commit),
        TEST(test_transaction_whose_request_is_dropped_leaves_nothing),
        TEST(test_transactions_wait_for_one_of_their_links),
        TEST(test_transaction_that_waits_for_a_link_is_given_up),
        TEST(test_commit_of_nothing_is_done_in_the_next_turn),
        TEST(test_lane_is_used_again_after_its_commit),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
