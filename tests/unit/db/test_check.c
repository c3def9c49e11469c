// test_check.c — statements compared with a real database before anything is served.
#include <errno.h>
#include <string.h>

#include "arena_fixture.h"
#include "cluster_for_tests.h"
#include "db/plan.h"
#include "world.h"

SCHEMA(Row, (i64, id), (str, name));
PARTIAL(Change, (str, name), (i64, age));

static struct statement_set *set;

static int set_up(void **state) {
    arena_set_up(state);
    pg_exec("DROP TABLE IF EXISTS rows; DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('good');"
            "CREATE TABLE rows (id int8, name text, at timestamptz, mood mood, numbers int4[])");
    return statement_set_create(&set);
}

static int tear_down(void **state) {
    statement_set_destroy(set);
    return arena_tear_down(state);
}

static leat_query *add(unsigned line, const leat_schema *row, unsigned shape, const char *sql) {
    leat_query *query = arena_alloc(&arena, sizeof *query);
    *query = (leat_query){.base = {LEAT_ITEM_QUERY, sizeof *query, line, "users.c"}, .sql = sql, .row = row, .shape = (uint16_t)shape};
    str message;
    assert_int_equal(statement_set_add(set, query, &arena, &message), 0);
    return query;
}

static void test_statements_that_fit_are_planned(void **state) {
    (void)state;
    leat_query *query = add(1, &Row__schema, LEAT_ONE, "SELECT {*} FROM rows");
    add(2, NULL, LEAT_EXEC, "DELETE FROM rows");
    add(3, &str__schema, LEAT_SCALAR, "SELECT mood FROM rows");
    str messages = {"x", 1};
    assert_int_equal(statement_set_check(set, pg_conninfo(), &arena, &messages), 0);
    assert_int_equal(messages.len, 0);
    assert_non_null(statement_of(set, query)->plans);
}

static void test_each_statement_that_does_not_fit_has_its_line(void **state) {
    (void)state;
    add(10, &Row__schema, LEAT_ONE, "SELECT {*} FROM rows");
    add(11, &Row__schema, LEAT_ONE, "SELECT {*} FROM rowz");
    add(12, &i64__schema, LEAT_SCALAR, "SELECT name FROM rows");
    add(13, &i64__schema, LEAT_SCALAR, "SELECT numbers FROM rows");
    add(14, &Row__schema, LEAT_MANY, "SELECT id, name, at FROM rows");
    add(15, NULL, LEAT_EXEC, "SELECT nam FROM rows");
    str messages;
    assert_int_equal(statement_set_check(set, pg_conninfo(), &arena, &messages), 5);
    char text[4096];
    snprintf(text, sizeof text, "%.*s", (int)messages.len, messages.ptr);
    assert_string_equal(
        text, "users.c:11: error: relation \"rowz\" does not exist (42P01)\n"
              "users.c:12: error: column 'name' is text in Postgres but i64 here\n"
              "users.c:13: error: column 'numbers' is int4[] in Postgres but i64 here\n"
              "users.c:14: error: column 'at' of the result is no field of Row\n"
              "users.c:15: error: column \"nam\" does not exist (42703): Perhaps you meant to reference the column \"rows.name\".");
}

static void test_set_is_checked_field_by_field(void **state) {
    (void)state;
    leat_query *query = arena_alloc(&arena, sizeof *query);
    static const leat_schema *const sets[] = {&Change__schema};
    *query = (leat_query){.base = {LEAT_ITEM_QUERY, sizeof *query, 20, "users.c"},
                          .sql = "UPDATE rows SET {set}",
                          .shape = LEAT_EXEC,
                          .nargs = 1,
                          .types = {LEAT_A_SET},
                          .sets = sets};
    str messages;
    assert_int_equal(statement_set_add(set, query, &arena, &messages), 0);
    assert_int_equal(statement_set_check(set, pg_conninfo(), &arena, &messages), 1);
    assert_non_null(memmem(messages.ptr, messages.len, "rows.age", 8));
    pg_exec("ALTER TABLE rows ADD age text");
    assert_int_equal(statement_set_check(set, pg_conninfo(), &arena, &messages), 1);
    assert_true(str_eq(messages, S("users.c:20: error: field 'age' of the SET is i64 but Postgres wants text")));
    pg_exec("ALTER TABLE rows ALTER age TYPE int4 USING 0");
    assert_int_equal(statement_set_check(set, pg_conninfo(), &arena, &messages), 0);
}

static void test_a_statement_among_very_many_has_its_own_line(void **state) {
    (void)state;
    str messages;
    for (unsigned i = 0; i < 200; i++) {
        leat_query *query = arena_alloc(&arena, sizeof *query);
        *query = (leat_query){.base = {LEAT_ITEM_QUERY, sizeof *query, 100 + i, "users.c"},
                              .sql = i % 70 == 69 ? "SELECT nothing" : "SELECT 1",
                              .row = &i32__schema,
                              .shape = LEAT_SCALAR};
        assert_int_equal(statement_set_add(set, query, &arena, &messages), 0);
    }
    assert_int_equal(statement_set_check(set, pg_conninfo(), &arena, &messages), 2);
    assert_true(str_eq(messages, S("users.c:169: error: column \"nothing\" does not exist (42703)\n"
                                   "users.c:239: error: column \"nothing\" does not exist (42703)")));
}

static void test_without_a_database_it_says_why(void **state) {
    (void)state;
    str messages = {0};
    assert_int_equal(statement_set_check(set, "host=/nowhere dbname=x", &arena, &messages), -ECONNREFUSED);
    assert_non_null(memmem(messages.ptr, messages.len, "/nowhere", 8));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_statements_that_fit_are_planned), TEST(test_each_statement_that_does_not_fit_has_its_line),
        TEST(test_set_is_checked_field_by_field),   TEST(test_a_statement_among_very_many_has_its_own_line),
        TEST(test_without_a_database_it_says_why),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
