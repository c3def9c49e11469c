// test_sql_split.c — where one statement ends and the next begins.
#include "db/sql_split.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"

static struct sql_split split;

static void given(const char *sql) {
    sql_split_init(&split, str_of(sql));
}

static void expect_statement(const char *text, unsigned line) {
    struct sql_statement statement;
    assert_int_equal(sql_split_next(&split, &statement), 1);
    assert_int_equal(statement.text.len, strlen(text));
    assert_memory_equal(statement.text.ptr, text, strlen(text));
    assert_int_equal(statement.line, line);
}

static void expect_end(void) {
    struct sql_statement statement;
    assert_int_equal(sql_split_next(&split, &statement), 0);
    assert_int_equal(sql_split_next(&split, &statement), 0);
}

static void test_statements_end_at_semicolons_and_know_their_lines(void **state) {
    (void)state;
    given("SELECT 1;\n\nSELECT\n 2 ;SELECT 3");
    expect_statement("SELECT 1", 1);
    expect_statement("SELECT\n 2", 3);
    expect_statement("SELECT 3", 4);
    expect_end();
}

static void test_nothing_but_blanks_comments_and_semicolons_is_no_statement(void **state) {
    (void)state;
    given("  ;; -- a comment; with one\n ; /* and ; /* nested; */ one; */ ;\n");
    expect_end();
    given("");
    expect_end();
}

static void test_a_semicolon_in_quotes_ends_nothing(void **state) {
    (void)state;
    given("SELECT 'a;''b;' ; SELECT \"c;\"\"d;\"; SELECT E'e\\';f'; SELECT 'g\\'; SELECT U&'h;'");
    expect_statement("SELECT 'a;''b;'", 1);
    expect_statement("SELECT \"c;\"\"d;\"", 1);
    expect_statement("SELECT E'e\\';f'", 1);
    expect_statement("SELECT 'g\\'", 1);
    expect_statement("SELECT U&'h;'", 1);
    expect_end();
}

static void test_an_escape_string_that_goes_on_in_the_next_line_keeps_its_escapes(void **state) {
    (void)state;
    given("SELECT E'a'\n  '\\';b' ; SELECT 'c'\n'\\'; SELECT E'd' '\\'");
    expect_statement("SELECT E'a'\n  '\\';b'", 1);
    expect_statement("SELECT 'c'\n'\\'", 2);
    expect_statement("SELECT E'd' '\\'", 3);
    expect_end();
}

static void test_a_semicolon_in_dollar_quotes_ends_nothing(void **state) {
    (void)state;
    given("DO $$ BEGIN; $a$ ; $$; SELECT $tag$ ; $$ ; $ta$ ; $tag$; SELECT a$b$c; SELECT $1; SELECT d$$;");
    expect_statement("DO $$ BEGIN; $a$ ; $$", 1);
    expect_statement("SELECT $tag$ ; $$ ; $ta$ ; $tag$", 1);
    expect_statement("SELECT a$b$c", 1); // a name with dollars
    expect_statement("SELECT $1", 1);
    expect_statement("SELECT d$$", 1);
    expect_end();
}

static void test_a_semicolon_in_comments_ends_nothing(void **state) {
    (void)state;
    given("SELECT 1 -- it's; not\n + 2; SELECT /* a ' ; /* b */ ; */ 3; SELECT 4 - -5");
    expect_statement("SELECT 1 -- it's; not\n + 2", 1);
    expect_statement("SELECT /* a ' ; /* b */ ; */ 3", 2);
    expect_statement("SELECT 4 - -5", 2);
    expect_end();
}

static void test_a_semicolon_in_parentheses_ends_nothing(void **state) {
    (void)state;
    given("CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b;); SELECT 1");
    expect_statement("CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b;)", 1);
    expect_statement("SELECT 1", 1);
    expect_end();
}

static void test_the_body_of_an_sql_function_is_part_of_its_statement(void **state) {
    (void)state;
    static const char function[] = "CREATE OR REPLACE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT 1; "
                                   "SELECT CASE WHEN a > 1 THEN 2 END; END";
    char text[300];
    strcat(strcpy(text, function), "; SELECT 2; BEGIN; SELECT 3; END; CREATE TABLE atomic (\"begin\" int); SELECT 4");
    given(text);
    expect_statement(function, 1);
    expect_statement("SELECT 2", 1);
    expect_statement("BEGIN", 1);
    expect_statement("SELECT 3", 1);
    expect_statement("END", 1);
    expect_statement("CREATE TABLE atomic (\"begin\" int)", 1);
    expect_statement("SELECT 4", 1);
    expect_end();
}

static void expect_broken(const char *sql, unsigned line) {
    struct sql_statement statement;
    int more;
    given(sql);
    while ((more = sql_split_next(&split, &statement)) == 1)
        ;
    assert_int_equal(more, -EINVAL);
    assert_int_equal(statement.line, line);
}

static void test_what_never_ends_is_refused_with_the_line_where_it_begins(void **state) {
    (void)state;
    expect_broken("SELECT 1;\nSELECT 'abc\n;\n", 2);
    expect_broken("SELECT \"abc\n;\n", 1);
    expect_broken("\n\nDO $x$ BEGIN; $$ ;\n", 3);
    expect_broken("SELECT 1;\n\n/* a /* b */ ;\n", 3);
    expect_broken("SELECT E'a\\'", 1);
}

static void test_the_line_of_a_position_counts_characters_as_postgres_does(void **state) {
    (void)state;
    struct sql_statement statement = {S("SELECT 'äöü',\n nonsense"), 10};
    assert_int_equal(sql_statement_line(&statement, 1), 10);
    assert_int_equal(sql_statement_line(&statement, 14), 10);
    assert_int_equal(sql_statement_line(&statement, 15), 11);
    assert_int_equal(sql_statement_line(&statement, 9999), 11);
}

// Every prefix of a file full of quotes, and a guard page behind it.
static void test_a_file_cut_anywhere_is_read_within_its_bytes(void **state) {
    (void)state;
    static const char sql[] =
        "SELECT E'a\\'b' || $t$ ; $t$ || \"q\"\"\"; -- c\n/* d /* e */ */ CREATE FUNCTION f() BEGIN ATOMIC SELECT (1); "
        "END; SELECT U&'\\0041', x'1f', $1, 1e5, '''';";
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    for (size_t bytes = 0; bytes < sizeof sql; bytes++) {
        char *at = pages + page - bytes;
        memcpy(at, sql, bytes);
        struct sql_statement statement;
        unsigned count = 0;
        sql_split_init(&split, (str){at, bytes});
        while (sql_split_next(&split, &statement) == 1)
            assert_true(++count < 10 && statement.text.ptr + statement.text.len <= at + bytes);
    }
    munmap(pages, 2 * page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements_end_at_semicolons_and_know_their_lines),
        cmocka_unit_test(test_nothing_but_blanks_comments_and_semicolons_is_no_statement),
        cmocka_unit_test(test_a_semicolon_in_quotes_ends_nothing),
        cmocka_unit_test(test_an_escape_string_that_goes_on_in_the_next_line_keeps_its_escapes),
        cmocka_unit_test(test_a_semicolon_in_dollar_quotes_ends_nothing),
        cmocka_unit_test(test_a_semicolon_in_comments_ends_nothing),
        cmocka_unit_test(test_a_semicolon_in_parentheses_ends_nothing),
        cmocka_unit_test(test_the_body_of_an_sql_function_is_part_of_its_statement),
        cmocka_unit_test(test_what_never_ends_is_refused_with_the_line_where_it_begins),
        cmocka_unit_test(test_the_line_of_a_position_counts_characters_as_postgres_does),
        cmocka_unit_test(test_a_file_cut_anywhere_is_read_within_its_bytes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
