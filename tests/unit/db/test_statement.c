// test_statement.c — texts expanded, refused and found.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arena_fixture.h"
#include "base/str.h"
#include "db/sql.h"
#include "db/statement_impl.h"
#include "world.h"

ENUM(Role, admin, user);
SCHEMA(Row, (i64, id), (str, name, .column = "full name"));
SCHEMA(Nested, (i64, id), (Row, row));
PARTIAL(Change, (str, name), (Role, role, .column = "kind"));
TABLE(Touched, "touched", (str, name), (i64, at, .column = "changed at", .on_update = "now()"), (i64, by, .on_update = "current_user"),
      (Role, role, .column = "kind", .on_update = "'user'"));
SCHEMA(Wide, (i64, id), (Row_list, list));

static struct statement_set *set;

static int set_up(void **state) {
    arena_set_up(state);
    return statement_set_create(&set);
}

static int tear_down(void **state) {
    statement_set_destroy(set);
    return arena_tear_down(state);
}

struct given {
    const char *sql;
    const leat_schema *row;
    uint16_t shape, nargs;
    uint8_t types[4];
    const leat_schema *sets[4];
};

static leat_query *query_of(const struct given *given) {
    leat_query *query = arena_alloc(&arena, sizeof *query);
    const leat_schema **sets = arena_alloc(&arena, sizeof given->sets);
    memcpy(sets, given->sets, sizeof given->sets);
    *query = (leat_query){.base = {LEAT_ITEM_QUERY, sizeof *query, 42, "users.c"},
                          .sql = given->sql,
                          .func = "f",
                          .row = given->row,
                          .shape = given->shape ? given->shape : LEAT_EXEC,
                          .nargs = given->nargs,
                          .sets = sets};
    memcpy(query->types, given->types, sizeof given->types);
    return query;
}

static void expect_text(const struct given *given, const char *expected) {
    const leat_query *query = query_of(given);
    str message = {0};
    if (statement_set_add(set, query, &arena, &message))
        fail_msg("%s: %.*s", given->sql, (int)message.len, message.ptr);
    str sql = statement_of(set, query)->sql;
    if (sql.len != strlen(expected) || memcmp(sql.ptr, expected, sql.len) != 0)
        fail_msg("%.*s\nis not\n%s", (int)sql.len, sql.ptr, expected);
}

static void expect_refusal(const struct given *given, const char *expected) {
    str message = {0};
    assert_int_equal(statement_set_add(set, query_of(given), &arena, &message), -EINVAL);
    char text[512];
    snprintf(text, sizeof text, "users.c:42: error: %s", expected);
    assert_string_equal(message.ptr, text);
}

static void test_columns_are_named_and_quoted(void **state) {
    (void)state;
    expect_text(&(struct given){"SELECT {*} FROM t", &Row__schema, LEAT_ONE}, "SELECT \"id\", \"full name\" FROM t");
    expect_text(&(struct given){"SELECT p.{*} FROM t p", &Row__schema, LEAT_MANY}, "SELECT p.\"id\", p.\"full name\" FROM t p");
    expect_text(&(struct given){"SELECT \"a b\".{*} FROM t \"a b\"", &Row__schema, LEAT_MANY},
                "SELECT \"a b\".\"id\", \"a b\".\"full name\" FROM t \"a b\"");
    expect_text(&(struct given){"UPDATE t SET a = 1.5 RETURNING s.t.{*}", &Row__schema, LEAT_MANY},
                "UPDATE t SET a = 1.5 RETURNING s.t.\"id\", s.t.\"full name\"");
}

static void test_what_is_quoted_or_commented_is_left_alone(void **state) {
    (void)state;
    static const char *const texts[] = {
        "SELECT '{*} $9 {set}'", "SELECT 'it''s $9'",       "SELECT E'\\' $9'",       "SELECT \"$9 \"\" {*}\"",
        "SELECT $$ $9 {set} $$", "SELECT $q$ $9 $$ $9 $q$", "SELECT 1 -- $9 {set}\n", "SELECT /* $9 /* {*} */ {set} */ 1",
        "SELECT a$9 FROM t",     "SELECT '{}'::jsonb",      "  \n SELECT 1  ",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_text(&(struct given){.sql = texts[i]}, texts[i]);
}

static void test_set_becomes_a_case_for_each_field_and_others_keep_their_numbers(void **state) {
    (void)state;
    expect_text(
        &(struct given){
            "UPDATE users SET {set}, updated_at = now() WHERE id = $2", NULL, 0, 2, {LEAT_A_SET, LEAT_A_UUID}, {&Change__schema}},
        "UPDATE users SET \"name\" = CASE WHEN ($1::int8 & 1) <> 0 THEN $2 ELSE users.\"name\" END, "
        "\"kind\" = CASE WHEN ($1::int8 & 2) <> 0 THEN $3 ELSE users.\"kind\" END, updated_at = now() WHERE id = $4");
    expect_text(&(struct given){"UPDATE ONLY s.t AS \"x\" SET {set} WHERE a = $1 AND b = $3",
                                NULL,
                                0,
                                3,
                                {LEAT_A_I64, LEAT_A_SET, LEAT_A_I64},
                                {NULL, &Change__schema}},
                "UPDATE ONLY s.t AS \"x\" SET \"name\" = CASE WHEN ($2::int8 & 1) <> 0 THEN $3 ELSE \"x\".\"name\" END, "
                "\"kind\" = CASE WHEN ($2::int8 & 2) <> 0 THEN $4 ELSE \"x\".\"kind\" END WHERE a = $1 AND b = $5");
}

static void test_set_of_sixty_four_fields_has_a_bit_for_each(void **state) {
    (void)state;
    leat_field fields[64];
    static char names[64][4];
    for (int i = 0; i < 64; i++) {
        snprintf(names[i], sizeof names[i], "f%d", i);
        fields[i] = (leat_field){.size = sizeof(leat_field), .name = names[i], .type = &i64__schema};
    }
    leat_schema schema = {.size = sizeof schema, .kind = LEAT_OBJECT, .nfields = 64, .fields = fields, .name = "Wide"};
    const leat_query *query = query_of(&(struct given){"UPDATE t SET {set}", NULL, 0, 1, {LEAT_A_SET}, {&schema}});
    str message;
    assert_int_equal(statement_set_add(set, query, &arena, &message), 0);
    str sql = statement_of(set, query)->sql;
    assert_non_null(memmem(sql.ptr, sql.len, "($1::int8 & 4611686018427387904) <> 0 THEN $64", 46));
    assert_non_null(memmem(sql.ptr, sql.len, "($1::int8 & '-9223372036854775808'::int8) <> 0 THEN $65 ELSE t.\"f63\" END", 71));
    assert_int_equal(statement_of(set, query)->parameter_count, 65);
}

static void test_set_writes_what_the_table_says_of_every_update(void **state) {
    (void)state;
    assert_int_equal(statement_set_know_table(set, &Touched__schema), 0);

    expect_text(&(struct given){"UPDATE \"touched\" AS t SET {set}, by = 'me, at = x' WHERE name = $2",
                                NULL,
                                0,
                                2,
                                {LEAT_A_SET, LEAT_A_STR},
                                {&Change__schema}},
                "UPDATE \"touched\" AS t SET \"name\" = CASE WHEN ($1::int8 & 1) <> 0 THEN $2 ELSE t.\"name\" END, "
                "\"kind\" = CASE WHEN ($1::int8 & 2) <> 0 THEN $3 ELSE t.\"kind\" END, "
                "\"changed at\" = CASE WHEN $1::int8 <> 0 THEN now() ELSE t.\"changed at\" END, by = 'me, at = x' WHERE name = $4");
    expect_text(&(struct given){"UPDATE untouched SET {set}", NULL, 0, 1, {LEAT_A_SET}, {&Change__schema}},
                "UPDATE untouched SET \"name\" = CASE WHEN ($1::int8 & 1) <> 0 THEN $2 ELSE untouched.\"name\" END, "
                "\"kind\" = CASE WHEN ($1::int8 & 2) <> 0 THEN $3 ELSE untouched.\"kind\" END");
}

static void test_row_that_set_writes_is_called_as_the_statement_calls_it(void **state) {
    (void)state;
    static const struct {
        const char *sql, *target;
    } cases[] = {
        {"UPDATE users SET ", "users"},
        {"update Only public.users * SET ", "public.users"},
        {"UPDATE users u SET ", "u"},
        {"UPDATE users AS u SET ", "u"},
        {"WITH x AS (SELECT 1 FROM y FOR UPDATE) UPDATE users SET ", "users"},
        {"INSERT INTO users (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET ", "users"},
        {"INSERT INTO users AS u VALUES ($1) ON CONFLICT (a) DO UPDATE SET ", "u"},
        {"INSERT INTO a.b SELECT 1 ON CONFLICT (a) DO UPDATE SET ", "a.b"},
        {"MERGE INTO x ", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        str target = sql_update_target(str_of(cases[i].sql), strlen(cases[i].sql), NULL);
        if (target.len != strlen(cases[i].target) || memcmp(target.ptr ? target.ptr : "", cases[i].target, target.len) != 0)
            fail_msg("%s: %.*s", cases[i].sql, (int)target.len, target.ptr);
    }
}

static void test_mistakes_are_named_in_the_shape_of_a_compiler(void **state) {
    (void)state;
    expect_refusal(&(struct given){"SELECT $2", NULL, 0, 1, {LEAT_A_I64}, {0}}, "$2, but there are 1 arguments");
    expect_refusal(&(struct given){"SELECT $0", NULL, 0, 1, {LEAT_A_I64}, {0}}, "$0, but there are 1 arguments");
    expect_refusal(&(struct given){"SELECT 1", NULL, 0, 1, {LEAT_A_I64}, {0}}, "argument $1 is not used");
    expect_refusal(&(struct given){.sql = "UPDATE t SET {set}"}, "{set} without a SET among the arguments");
    expect_refusal(&(struct given){"UPDATE t SET a = 1", NULL, 0, 1, {LEAT_A_SET}, {&Change__schema}},
                   "a SET among the arguments, but no {set} in the text");
    expect_refusal(&(struct given){"UPDATE t SET {set} WHERE $1", NULL, 0, 1, {LEAT_A_SET}, {&Change__schema}},
                   "$1 is the SET: it is written as {set}");
    expect_refusal(&(struct given){"UPDATE t SET {set}, {set}", NULL, 0, 1, {LEAT_A_SET}, {&Change__schema}},
                   "a second {set}: one statement takes one");
    expect_refusal(&(struct given){"UPDATE t SET {set}", NULL, 0, 2, {LEAT_A_SET, LEAT_A_SET}, {&Change__schema, &Change__schema}},
                   "a second SET: one statement takes one");
    expect_refusal(&(struct given){"UPDATE t SET {set}", NULL, 0, 1, {LEAT_A_SET}, {&Wide__schema}},
                   "field 'list' of Wide is no value of one column: SET cannot set it");
    expect_refusal(&(struct given){.sql = "SELECT {*}"}, "{*} needs the schema of a row: db_one or db_list with one");
    expect_refusal(&(struct given){"SELECT {*}", &Nested__schema, LEAT_ONE},
                   "field 'row' of Nested cannot be a column of {*}: it is no value of one column");
    expect_refusal(&(struct given){"SELECT 1", &Row__schema, LEAT_SCALAR},
                   "db_value of Row: it takes the first column alone; db_one takes a row");
    expect_refusal(&(struct given){.sql = "SELECT 'open"}, "a quote or comment in this SQL never ends");
    expect_refusal(&(struct given){.sql = "SELECT 1 /* open"}, "a quote or comment in this SQL never ends");
    expect_refusal(&(struct given){.sql = "SELECT $x$ open"}, "a quote or comment in this SQL never ends");
}

static void test_statements_that_would_touch_others_are_refused(void **state) {
    (void)state;
    static const char *const refused[] = {"COPY t TO STDOUT",
                                          " -- why\ncopy t from stdin",
                                          "BEGIN",
                                          "start transaction",
                                          "Commit",
                                          "ROLLBACK",
                                          "END",
                                          "ABORT",
                                          "PREPARE x AS SELECT 1",
                                          "DEALLOCATE ALL",
                                          "DISCARD ALL",
                                          "SET search_path = x",
                                          "RESET ALL",
                                          "LISTEN x",
                                          "UNLISTEN *",
                                          "EXECUTE x"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        str message = {0};
        if (statement_set_add(set, query_of(&(struct given){.sql = refused[i]}), &arena, &message) != -EINVAL)
            fail_msg("%s is taken", refused[i]);
        assert_non_null(strstr(message.ptr, "this statement is refused: "));
    }
    expect_text(&(struct given){.sql = "SET LOCAL statement_timeout = 5"}, "SET LOCAL statement_timeout = 5");
}

static void test_statements_are_found_by_their_address(void **state) {
    (void)state;
    enum { COUNT = 500 };
    const leat_query *queries[COUNT];
    static char texts[COUNT][32];
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "SELECT %d", i);
        queries[i] = query_of(&(struct given){.sql = texts[i]});
        assert_null(statement_of(set, queries[i]));
        str message;
        assert_int_equal(statement_set_add(set, queries[i], &arena, &message), 0);
        assert_int_equal(statement_set_add(set, queries[i], &arena, &message), 0); // twice is once
    }
    assert_int_equal(statement_count(set), COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_ptr_equal(statement_of(set, queries[i])->query, queries[i]);
        assert_int_equal(statement_of(set, queries[i])->index, i);
    }
    assert_null(statement_of(set, (const leat_query *)&arena));
}

static void test_only_a_select_is_a_read(void **state) {
    (void)state;
    const leat_query *read = query_of(&(struct given){.sql = " /* x */ select 1"}),
                     *write = query_of(&(struct given){.sql = "WITH x AS (DELETE FROM t RETURNING 1) SELECT 1"});
    str message;
    assert_int_equal(statement_set_add(set, read, &arena, &message), 0);
    assert_int_equal(statement_set_add(set, write, &arena, &message), 0);
    assert_true(statement_of(set, read)->is_read);
    assert_false(statement_of(set, write)->is_read);
}

static void test_a_select_behind_with_is_a_read_unless_something_writes_in_it(void **state) {
    (void)state;
    static const char *const reads[] = {"SELECT 1", "with x as (select 1) select * from x",
                                        "WITH x AS (SELECT 'DELETE' AS \"update\" /* insert into */) SELECT * FROM x"};
    static const char *const writes[] = {"WITH x AS (SELECT 1) UPDATE t SET a = 1",
                                         "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
                                         "WITH RECURSIVE x(n) AS (SELECT 1) CYCLE n SET c USING p MERGE INTO t USING x ON true",
                                         "WITH x AS (SELECT 1 AS n) SELECT n INTO t FROM x",
                                         "SELECT 1 AS n INTO t",
                                         "INSERT INTO t VALUES (1)"};
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        assert_true(sql_is_read(str_of(reads[i])));
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
        assert_false(sql_is_read(str_of(writes[i])));
}

static void test_a_plugin_from_before_sets_were_told_is_refused_only_where_it_matters(void **state) {
    (void)state;
    leat_query *query = query_of(&(struct given){"UPDATE t SET {set}", NULL, 0, 1, {LEAT_A_SET}, {&Change__schema}});
    query->base.size = offsetof(leat_query, sets);
    str message = {0};
    assert_int_equal(statement_set_add(set, query, &arena, &message), -EINVAL);
    assert_non_null(strstr(message.ptr, "rebuild the plugin"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_columns_are_named_and_quoted),
        TEST(test_what_is_quoted_or_commented_is_left_alone),
        TEST(test_set_becomes_a_case_for_each_field_and_others_keep_their_numbers),
        TEST(test_set_of_sixty_four_fields_has_a_bit_for_each),
        TEST(test_set_writes_what_the_table_says_of_every_update),
        TEST(test_row_that_set_writes_is_called_as_the_statement_calls_it),
        TEST(test_mistakes_are_named_in_the_shape_of_a_compiler),
        TEST(test_statements_that_would_touch_others_are_refused),
        TEST(test_statements_are_found_by_their_address),
        TEST(test_only_a_select_is_a_read),
        TEST(test_a_select_behind_with_is_a_read_unless_something_writes_in_it),
        TEST(test_a_plugin_from_before_sets_were_told_is_refused_only_where_it_matters),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
