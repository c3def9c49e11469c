// test_settings.c — SETTINGS filled from the environment, and what is said when they cannot be.
#include "world.h"

#include <leat/schema.h>

#include "base/str.h"
#include "host/settings.h"

// clang-format off
SCHEMA(Mail,
    (str, api_key, .min_length = 8, .secret = true, .env = "MAIL_PROVIDER_KEY"),
    (i32, retry_count, .def = 3, .ge = 0, .le = 10),
    (bool, dry_run, .def = false),
    (str_list, senders, .optional = true),
    (str, host));
// clang-format on

static struct environment environment;

static void put(enum environment_source source, const char *name, const char *value) {
    assert_int_equal(environment_put(&environment, source, str_of(name), str_of(value)), 0);
}

static int read_mail(struct world *world, Mail *out) {
    struct model_set *models;
    assert_int_equal(model_set_create(&models), 0);
    memset(out, 0, sizeof *out);
    int status = settings_read(models, &Mail__schema, "plugins/mail.so", "mail", &environment, &world->arena, &world->messages, out);
    model_set_destroy(models);
    return status;
}

static void expect_text(str found, const char *text) {
    assert_int_equal(found.len, strlen(text));
    assert_memory_equal(found.ptr, text, found.len);
}

static void test_values_are_found_by_env_by_prefix_and_by_bare_name(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put(FROM_FILE, "MAIL_PROVIDER_KEY", "0123456789");
    put(FROM_PROCESS, "RETRY_COUNT", "4");
    put(FROM_FILE, "mail_retry_count", "5");
    put(FROM_FLAG, "HOST", "smtp.example.com");
    Mail mail;

    if (read_mail(world, &mail) != 0)
        complain("%s", said(world));

    expect_text(mail.api_key, "0123456789");
    assert_int_equal(mail.retry_count, 5); // the more particular name, though from a weaker source
    assert_false(mail.dry_run);
    expect_text(mail.host, "smtp.example.com");
}

static void test_lists_are_written_with_commas(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put(FROM_FILE, "MAIL_PROVIDER_KEY", "0123456789");
    put(FROM_FILE, "HOST", "h");
    put(FROM_FILE, "SENDERS", "a@example.com, b@example.com");
    Mail mail;

    if (read_mail(world, &mail) != 0)
        complain("%s", said(world));

    assert_int_equal(mail.senders.n, 2);
    expect_text(mail.senders.items[1], "b@example.com");
}

// promise 55
static void test_all_that_is_wrong_is_said_at_once_by_variable_and_source_and_no_secret_is_shown(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put(FROM_PROCESS, "MAIL_PROVIDER_KEY", "hunter2");
    put(FROM_FILE, "MAIL_RETRY_COUNT", "eleven");
    environment_put_flag(&environment, "DRY_RUN", S("perhaps"), "--dry-run");
    Mail mail;

    assert_int_equal(read_mail(world, &mail), -EINVAL);

    expect_said(world, "plugins/mail.so: error: MAIL_PROVIDER_KEY in the environment: String should have at least 8 characters\n");
    expect_said(world, "plugins/mail.so: error: MAIL_RETRY_COUNT in .env: Input should be a valid integer");
    expect_said(world, "plugins/mail.so: error: --dry-run: Input should be a valid boolean");
    expect_said(world, "plugins/mail.so: error: MAIL_HOST: Field required; set it in the environment or in .env\n");
    expect_unsaid(world, "hunter2");
    assert_int_equal(world->messages.count, 4);
}

static void test_the_values_outlive_the_environment(void **state) {
    struct world *world = *state;
    struct arena *arena = &world->arena, other;
    arena_init(&other, &world->pool, 1 << 20);
    environment_init(&environment, &other);
    put(FROM_FILE, "MAIL_PROVIDER_KEY", "0123456789");
    put(FROM_FILE, "HOST", "host");
    Mail mail;
    assert_int_equal(read_mail(world, &mail), 0);

    arena_reset(&other);
    memset(arena_alloc(&other, 4096), 'x', 4096);

    expect_text(mail.api_key, "0123456789");
    expect_text(mail.host, "host");
    arena_reset(&other);
    (void)arena;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_values_are_found_by_env_by_prefix_and_by_bare_name),
        TEST(test_lists_are_written_with_commas),
        TEST(test_all_that_is_wrong_is_said_at_once_by_variable_and_source_and_no_secret_is_shown),
        TEST(test_the_values_outlive_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
