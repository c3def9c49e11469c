// test_array.c — lists as arrays of Postgres and back, against a real one.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster_for_tests.h"
#include "world.h"

SCHEMA(Arrays, (i32_list, ints), (i64_list, bigs), (f64_list, floats), (bool_list, bools), (str_list, texts), (uuid_list, ids),
       (timestamp_list, times), (json_value_list, documents));
SCHEMA(Tagged, (i32, id), (str_list, tags, .nullable = true), (i64_list, marks));
PARTIAL(TaggedChange, (str_list, tags, .nullable = true), (i64_list, marks));
SCHEMA(Pair, (i64, id), (str, name, .nullable = true));

static int set_up(void **state) {
    (void)state;
    struct db_options options = world_options();
    pg_exec("DROP TABLE IF EXISTS tagged, pairs; DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('calm', 'wild');"
            "CREATE TABLE tagged (id int4 PRIMARY KEY, tags text[], marks int8[] NOT NULL DEFAULT '{}');"
            "CREATE TABLE pairs (id int8 PRIMARY KEY, name varchar(40), mood mood)");
    world_begin(&options);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    world_end();
    return 0;
}

#define LIST(T, ...) ((T##_list){(T[]){__VA_ARGS__}, sizeof(T[]){__VA_ARGS__} / sizeof(T)})

static void test_array_of_every_type_goes_there_and_comes_back(void **state) {
    (void)state;
    i32_list ints = LIST(i32, 1, -2, INT32_MAX, INT32_MIN);
    i64_list bigs = LIST(i64, INT64_MIN, 0, INT64_MAX);
    f64_list floats = LIST(f64, 0.1, -INFINITY, 1e300);
    bool_list bools = LIST(bool, true, false, true);
    str_list texts = LIST(str, S("a"), S(""), S("héllo {\"w\", '\\}"), S("NULL"));
    uuid_list ids = LIST(uuid, {{1, 2, 3}}, {{255, 254}});
    timestamp_list times = LIST(timestamp, {INT64_C(1795163563012073)}, {-1});
    json_value_list documents = LIST(json_value, {S("{\"a\": [1, 2]}")}, {S("null")});
    Arrays *back =
        db_one(&world.shared, Arrays,
               "SELECT $1::int4[] AS ints, $2::int8[] AS bigs, $3::float8[] AS floats, $4::bool[] AS bools, $5::text[] AS texts, "
               "$6::uuid[] AS ids, $7::timestamptz[] AS times, $8::jsonb[] AS documents",
               ints, bigs, floats, bools, texts, ids, times, documents);
    world_expect_ok();
    assert_int_equal(back->ints.n, 4);
    assert_memory_equal(back->ints.items, ints.items, sizeof(i32) * 4);
    assert_int_equal(back->bigs.n, 3);
    assert_memory_equal(back->bigs.items, bigs.items, sizeof(i64) * 3);
    assert_int_equal(back->floats.n, 3);
    assert_memory_equal(back->floats.items, floats.items, sizeof(f64) * 3);
    assert_int_equal(back->bools.n, 3);
    assert_memory_equal(back->bools.items, bools.items, sizeof(bool) * 3);
    assert_int_equal(back->texts.n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(str_eq(back->texts.items[i], texts.items[i]));
    assert_int_equal(back->ids.n, 2);
    assert_memory_equal(back->ids.items, ids.items, sizeof(uuid) * 2);
    assert_int_equal(back->times.n, 2);
    assert_memory_equal(back->times.items, times.items, sizeof(timestamp) * 2);
    assert_int_equal(back->documents.n, 2);
    assert_true(str_eq(back->documents.items[0].raw, S("{\"a\": [1, 2]}")));
}

static void test_array_without_items_is_empty_and_not_null(void **state) {
    (void)state;
    i64_list none = {0};
    str_list no_texts = {0};
    assert_int_equal(db_value(&world.shared, i64, "SELECT count(*) FROM unnest($1::int8[])", none), 0);
    assert_true(db_value(&world.shared, bool, "SELECT $1::text[] = '{}' AND $2::numeric[] = '{}'", no_texts, none));
    assert_int_equal(db_exec(&world.shared, "DELETE FROM pairs WHERE id = ANY($1)", none), 0);
    i64_list back = db_value(&world.shared, i64_list, "SELECT '{}'::int8[]");
    world_expect_ok();
    assert_int_equal(back.n, 0);
}

static void test_array_item_without_a_string_is_null(void **state) {
    (void)state;
    str_list texts = LIST(str, S("a"), {0}, S(""));
    assert_true(db_value(&world.shared, bool, "SELECT $1::text[] IS NOT DISTINCT FROM ARRAY['a', NULL, '']", texts));
    str_list moods = LIST(str, S("wild"), {0});
    assert_true(db_value(&world.shared, bool, "SELECT $1::mood[] IS NOT DISTINCT FROM ARRAY['wild', NULL]::mood[]", moods));
    world_expect_ok();
}

static void test_array_is_written_out_where_postgres_has_no_binary_for_its_items(void **state) {
    (void)state;
    f64_list floats = LIST(f64, 0.5, -1e3, NAN);
    assert_true(db_value(&world.shared, bool, "SELECT $1::numeric[] = ARRAY[0.5, -1000, 'NaN']::numeric[]", floats));
    timestamp_list days = LIST(timestamp, {0}, {INT64_C(951782400000000)});
    assert_true(db_value(&world.shared, bool, "SELECT $1::date[] = ARRAY['1970-01-01', '2000-02-29']::date[]", days));
    str_list moods = LIST(str, S("wild"), S("calm"));
    assert_true(db_value(&world.shared, bool, "SELECT $1::mood[] = ARRAY['wild', 'calm']::mood[]", moods));
    str_list prices = LIST(str, S("12.50"), S("1e3"));
    assert_true(db_value(&world.shared, bool, "SELECT $1::numeric[] = ARRAY[12.5, 1000]", prices));
    str_list odd = LIST(str, S("a\"b\\c"), S("{,}"), S(" x "));
    assert_true(db_value(&world.shared, bool, "SELECT $1::varchar[] = ARRAY['a\"b\\c', '{,}', ' x ']::varchar[]", odd));
    world_expect_ok();
}

static void test_array_of_another_width_is_checked_item_by_item(void **state) {
    (void)state;
    i64_list fit = LIST(i64, 1, 2), wide = LIST(i64, 1, 40000);
    assert_int_equal(db_value(&world.shared, i64, "SELECT sum(v) FROM unnest($1::int2[]) v", fit), 3);
    world_expect_ok();
    db_value(&world.shared, i64, "SELECT sum(v) FROM unnest($1::int2[]) v", wide);
    world_expect_state("22003");
    assert_int_equal(db_value(&world.shared, i64, "SELECT 1::int8"), 1); // the link lives
    world_expect_ok();
}

static void test_array_of_what_is_no_text_is_refused_by_postgres(void **state) {
    (void)state;
    str_list broken = LIST(str, S("fine"), {"a\0b", 3});
    db_exec(&world.shared, "SELECT $1::text[]", broken);
    world_expect_state("22021");
    str_list strangers = LIST(str, S("calm"), S("furious"));
    db_exec(&world.shared, "SELECT $1::mood[]", strangers);
    world_expect_state("22P02");
}

static void test_rows_are_inserted_in_one_statement(void **state) {
    (void)state;
    i64_list ids = LIST(i64, 3, 1, 2);
    str_list names = LIST(str, S("c"), S("a"), {0}), moods = LIST(str, S("calm"), S("wild"), S("calm"));
    assert_int_equal(db_exec(&world.shared, "INSERT INTO pairs (id, name, mood) SELECT * FROM unnest($1::int8[], $2::text[], $3::mood[])",
                             ids, names, moods),
                     3);
    world_expect_ok();
    i64_list wanted = LIST(i64, 1, 2, 99);
    Pair_list *rows = db_list(&world.shared, Pair, "SELECT {*} FROM pairs WHERE id = ANY($1) ORDER BY id", wanted);
    world_expect_ok();
    assert_int_equal(rows->n, 2);
    assert_true(str_eq(rows->items[0].name, S("a")) && rows->items[1].null.name);
}

static void test_long_arrays_go_through_whole(void **state) {
    (void)state;
    enum { COUNT = 200000 };
    i64 *ids = malloc(COUNT * sizeof *ids);
    str *names = malloc(COUNT * sizeof *names);
    for (i64 i = 0; i < COUNT; i++) {
        ids[i] = i;
        names[i] = i % 2 ? S("odd") : (str){0};
    }
    i64 touched = db_exec(&world.shared, "INSERT INTO pairs (id, name) SELECT * FROM unnest($1::int8[], $2::text[])",
                          ((i64_list){ids, COUNT}), ((str_list){names, COUNT}));
    world_expect_ok();
    assert_int_equal(touched, COUNT);
    assert_string_equal(pg_exec("SELECT count(*) || ' ' || sum(id) || ' ' || count(name) FROM pairs"), "200000 19999900000 100000");
    i64_list all = db_value(&world.shared, i64_list, "SELECT array_agg(id ORDER BY id) FROM pairs");
    world_expect_ok();
    assert_int_equal(all.n, COUNT);
    assert_memory_equal(all.items, ids, COUNT * sizeof *ids);
    free(ids);
    free(names);
}

static void test_the_list_may_change_once_the_statement_is_on_its_way(void **state) {
    (void)state;
    char text[] = "kept";
    str items[] = {{text, 4}};
    struct leat_future *future = start_value(&world.shared, bool, "SELECT $1::text[] = ARRAY['kept']", ((str_list){items, 1}));
    memset(text, 'x', 4);
    items[0] = S("gone");
    world_wait(future);
    world_expect_ok();
    assert_true(*(bool *)future->query.result);
}

static void test_a_column_that_is_an_array_is_read_and_set(void **state) {
    (void)state;
    pg_exec("INSERT INTO tagged VALUES (1, '{new,\"a b\"}', '{7}'), (2, NULL, '{}')");
    Tagged_list *rows = db_list(&world.shared, Tagged, "SELECT {*} FROM tagged ORDER BY id");
    world_expect_ok();
    assert_int_equal(rows->items[0].tags.n, 2);
    assert_true(str_eq(rows->items[0].tags.items[1], S("a b")));
    assert_int_equal(rows->items[0].marks.items[0], 7);
    assert_true(rows->items[1].null.tags && rows->items[1].tags.n == 0 && rows->items[1].marks.n == 0);
    TaggedChange change = {.tags = LIST(str, S("x")), .set = {.tags = 1}};
    Tagged *row = db_one(&world.shared, Tagged, "UPDATE tagged SET {set} WHERE id = $2 RETURNING {*}", SET(TaggedChange, &change), 1);
    world_expect_ok();
    assert_true(row->tags.n == 1 && str_eq(row->tags.items[0], S("x")) && row->marks.n == 1);
    change = (TaggedChange){.set = {.tags = 1, .marks = 1}, .null = {.tags = 1}};
    row = db_one(&world.shared, Tagged, "UPDATE tagged SET {set} WHERE id = $2 RETURNING {*}", SET(TaggedChange, &change), 1);
    world_expect_ok();
    assert_true(row->null.tags && row->marks.n == 0 && !row->null.marks);
}

static void expect_message(const char *part) {
    const struct db_failure *failure = world_failure();
    assert_int_equal(failure->error, -EBADMSG);
    if (!memmem(failure->message.ptr, failure->message.len, part, strlen(part)))
        fail_msg("%.*s", (int)failure->message.len, failure->message.ptr);
}

static void test_an_array_that_no_list_can_hold_is_a_failure_that_says_so(void **state) {
    (void)state;
    db_value(&world.shared, i64_list, "SELECT ARRAY[1, NULL]::int8[]");
    expect_message("holds NULL");
    db_value(&world.shared, i64_list, "SELECT ARRAY[[1, 2], [3, 4]]::int8[]");
    expect_message("more than one dimension");
    i64_list moved = db_value(&world.shared, i64_list, "SELECT '[5:6]={1,2}'::int8[]"); // numbered from 5: a list all the same
    world_expect_ok();
    assert_int_equal(moved.n, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_array_of_every_type_goes_there_and_comes_back),
        TEST(test_array_without_items_is_empty_and_not_null),
        TEST(test_array_item_without_a_string_is_null),
        TEST(test_array_is_written_out_where_postgres_has_no_binary_for_its_items),
        TEST(test_array_of_another_width_is_checked_item_by_item),
        TEST(test_array_of_what_is_no_text_is_refused_by_postgres),
        TEST(test_rows_are_inserted_in_one_statement),
        TEST(test_long_arrays_go_through_whole),
        TEST(test_the_list_may_change_once_the_statement_is_on_its_way),
        TEST(test_a_column_that_is_an_array_is_read_and_set),
        TEST(test_an_array_that_no_list_can_hold_is_a_failure_that_says_so),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
