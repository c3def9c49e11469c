// test_environment.c — variables by name, any case, the strongest source first.
#include "base/str.h"
#include "world.h"

#include "host/environment.h"

static struct environment environment;

static void put(enum environment_source source, const char *name, const char *value) {
    assert_int_equal(environment_put(&environment, source, str_of(name), str_of(value)), 0);
}

static void expect_variable(const char *name, const char *value) {
    str found = environment_value(&environment, name);
    if (!value) {
        assert_null(found.ptr);
        return;
    }
    assert_non_null(found.ptr);
    assert_int_equal(found.len, strlen(value));
    assert_memory_equal(found.ptr, value, found.len);
}

static void test_a_flag_is_stronger_than_the_process_than_the_file(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put(FROM_SERVER, "PORT", "4");
    put(FROM_FILE, "PORT", "3");
    put(FROM_PROCESS, "PORT", "2");
    expect_variable("PORT", "2");

    put(FROM_FLAG, "PORT", "1");

    expect_variable("PORT", "1");
}

static void test_a_variable_is_spoken_of_by_where_it_came_from(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put(FROM_FILE, "Port", "3");
    assert_string_equal(variable_words(environment_find(&environment, "PORT"), &world->arena).ptr, "Port in .env");
    put(FROM_PROCESS, "PORT", "2");
    assert_string_equal(variable_words(environment_find(&environment, "PORT"), &world->arena).ptr, "PORT in the environment");

    environment_put_flag(&environment, "PORT", S("1"), "--port");

    assert_string_equal(variable_words(environment_find(&environment, "PORT"), &world->arena).ptr, "--port");
}

static void test_names_are_found_in_any_case_the_very_case_first(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put(FROM_PROCESS, "Port", "1");
    expect_variable("PORT", "1");

    put(FROM_PROCESS, "PORT", "2");
    put(FROM_PROCESS, "port", "3");

    expect_variable("PORT", "2");
    expect_variable("POR", NULL);
    expect_variable("PORTS", NULL);
}

static void test_an_empty_value_counts_as_none(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put(FROM_PROCESS, "PORT", "");
    expect_variable("PORT", NULL);

    put(FROM_FILE, "PORT", "8000");

    expect_variable("PORT", "8000");
}

static void test_the_variables_of_a_process_are_taken_apart_at_their_first_equals_sign(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    char *variables[] = {"A=b=c", "not a variable", "D=", NULL};

    assert_int_equal(environment_import(&environment, variables), 0);

    expect_variable("A", "b=c");
    expect_variable("not a variable", NULL);
    expect_variable("D", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_flag_is_stronger_than_the_process_than_the_file),
        TEST(test_a_variable_is_spoken_of_by_where_it_came_from),
        TEST(test_names_are_found_in_any_case_the_very_case_first),
        TEST(test_an_empty_value_counts_as_none),
        TEST(test_the_variables_of_a_process_are_taken_apart_at_their_first_equals_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
