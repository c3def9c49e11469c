// test_flags.c — the command line: flags that set variables, and the arguments that are left.
#include "../host/world.h"

#include "cli/flags.h"

static const struct flag flags[] = {
    {"port", "N", "PORT", NULL, false, "a number"},
    {"plugins", "DIR", "LEAT_PLUGINS", NULL, true, "a folder"},
    {"no-pin", NULL, "LEAT_PIN", "false", false, "a switch"},
    {0},
};

static struct environment environment;

static int take(struct world *world, char **arguments) {
    environment_init(&environment, &world->arena);
    environment_put(&environment, FROM_PROCESS, S("LEAT_PLUGINS"), S("from-the-environment"));
    return flags_take(flags, arguments, &environment, &world->messages);
}

static void expect_variable(const char *name, const char *value) {
    str found = environment_value(&environment, name);
    assert_non_null(found.ptr);
    assert_int_equal(found.len, strlen(value));
    assert_memory_equal(found.ptr, value, found.len);
}

static void test_flags_set_variables_in_both_spellings_and_arguments_are_left(void **state) {
    char *arguments[] = {"one", "--port", "80", "two", "--no-pin", "--plugins=a", "--plugins", "b", "-", NULL};

    assert_int_equal(take(*state, arguments), 0);

    expect_variable("PORT", "80");
    expect_variable("LEAT_PIN", "false");
    expect_variable("LEAT_PLUGINS", "a,b");
    assert_string_equal(arguments[0], "one");
    assert_string_equal(arguments[1], "two");
    assert_string_equal(arguments[2], "-");
    assert_null(arguments[3]);
}

static void test_two_dashes_end_the_flags(void **state) {
    char *arguments[] = {"--port", "80", "--", "--port", "90", NULL};

    assert_int_equal(take(*state, arguments), 0);

    expect_variable("PORT", "80");
    assert_string_equal(arguments[0], "--port");
    assert_string_equal(arguments[1], "90");
    assert_null(arguments[2]);
}

static void test_help_is_asked_for_in_two_ways(void **state) {
    assert_int_equal(take(*state, (char *[]){"x", "--help", NULL}), 1);
    assert_int_equal(take(*state, (char *[]){"-h", NULL}), 1);
}

static void test_every_flag_that_is_wrong_is_named(void **state) {
    struct world *world = *state;

    assert_int_equal(take(world, (char *[]){"--prot", "80", "-x", "--no-pin=1", "--plugins=", "--port", NULL}), -EINVAL);

    expect_said(world, "there is no flag --prot; did you mean --port");
    expect_said(world, "there is no flag -x; --help shows those there are");
    expect_said(world, "--no-pin takes no value");
    expect_said(world, "--plugins wants a value");
    expect_said(world, "--port wants a value");
    assert_int_equal(world->messages.count, 5);
}

static void test_a_near_word_is_found_and_a_far_one_is_not(void **state) {
    (void)state;
    static const char *const names[] = {"run", "routes", "version", NULL};

    assert_string_equal(nearest("rn", names), "run");
    assert_string_equal(nearest("route", names), "routes");
    assert_string_equal(nearest("verison", names), "version");
    assert_null(nearest("deploy", names));
    assert_null(nearest("a-word-that-is-much-longer-than-anything-that-anybody-would-call-a-verb-of-a-program", names));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_flags_set_variables_in_both_spellings_and_arguments_are_left),
        TEST(test_two_dashes_end_the_flags),
        TEST(test_help_is_asked_for_in_two_ways),
        TEST(test_every_flag_that_is_wrong_is_named),
        TEST(test_a_near_word_is_found_and_a_far_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
