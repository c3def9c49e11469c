// test_log_level.c — LOG_LEVEL_USERS.
#include "base/str.h"
#include "world.h"

#include "base/log.h"
#include "host/log_level.h"

static struct environment environment;

static void put(const char *name, const char *value) {
    assert_int_equal(environment_put(&environment, FROM_PROCESS, str_of(name), str_of(value)), 0);
}

static void test_a_plugins_level_is_found_in_any_case_and_is_its_own(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put("LOG_LEVEL_USERS", "Debug");
    put("log_level_posts", "error");

    assert_int_equal(log_level_bind("users", &environment, &world->messages), 0);
    assert_int_equal(log_level_bind("posts", &environment, &world->messages), 0);
    assert_int_equal(log_level_bind("mail", &environment, &world->messages), 0);

    assert_int_equal(log_level_of("users"), LOG_DEBUG);
    assert_int_equal(log_level_of("posts"), LOG_ERROR);
    assert_int_equal(log_level_of("mail"), LOG_INFO);
}

static void test_a_level_that_is_none_is_refused_by_its_name(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put("LOG_LEVEL_USERS", "loud");

    assert_int_equal(log_level_bind("users", &environment, &world->messages), -EINVAL);

    expect_said(world, "LOG_LEVEL_USERS in the environment: Input should be 'debug', 'info', 'warning' or 'error'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_plugins_level_is_found_in_any_case_and_is_its_own),
        TEST(test_a_level_that_is_none_is_refused_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
