// test_config.c — the server's own settings.
#include "../host/world.h"
#include "base/str.h"

#include "cli/config.h"

static struct environment environment;
static struct config config;

static void put(const char *name, const char *value) {
    assert_int_equal(environment_put(&environment, FROM_FILE, str_of(name), str_of(value)), 0);
}

static int read_all(struct world *world) {
    return config_read(&environment, true, &world->arena, &world->messages, &config);
}

static void test_without_settings_the_defaults_hold(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);

    if (read_all(world) != 0)
        complain("%s", said(world));

    assert_int_equal(config.server.port, 8000);
    assert_string_equal(config.server.host, "127.0.0.1");
    assert_true(config.server.worker_count >= 1);
    assert_int_equal(config.app.http.body_bytes_max, 1 << 20);
    assert_int_equal(config.app.request_ms, 30000);
    assert_null(config.database_url);
    assert_string_equal(config.var, "var");
    assert_false(config.is_production);
}

static void test_every_part_takes_its_settings(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put("PORT", "0");
    put("host", "localhost");
    put("WORKERS", "3");
    put("LEAT_PIN", "no");
    put("BODY_BYTES_MAX", "5000000000");
    put("REQUEST_MS", "250");
    put("DB_QUEUE_MAX", "7");
    put("HASHING_QUEUE_MAX", "8");
    put("PASSWORD_PASSES", "4");
    put("CONNECTIONS_MAX", "100");
    put("COROUTINES_MAX", "50");
    put("SECRET_KEY", "0123456789abcdef0123456789abcdef");
    put("DATABASE_URL", "postgresql://app:secret@db/app");
    put("LEAT_PLUGINS", "/a, /b");
    put("LOG_LEVEL", "error");
    put("API_TITLE", "Orders");

    if (read_all(world) != 0)
        complain("%s", said(world));

    assert_int_equal(config.server.port, 0);
    assert_string_equal(config.server.host, "127.0.0.1");
    assert_int_equal(config.server.worker_count, 3);
    assert_false(config.server.pinned);
    assert_int_equal(config.app.http.body_bytes_max, 5000000000);
    assert_int_equal(config.app.request_ms, 250);
    assert_int_equal(config.app.db.queue_max, 7);
    assert_int_equal(config.server.hashing_queue_max, 8);
    assert_int_equal(config.app.password_cost.passes, 4);
    assert_int_equal(config.server.conn_count_max, 100);
    assert_int_equal(config.server.coro.count_max, 50);
    assert_int_equal(config.app.jwt.secret.len, 32);
    assert_string_equal(config.database_url, "postgresql://app:secret@db/app");
    assert_int_equal(config.folder_count, 2);
    assert_string_equal(config.folders[1], "/b");
    assert_int_equal(config.log_level, LOG_ERROR);
    assert_string_equal(config.api.title, "Orders");
}

static void test_all_that_is_wrong_is_said_at_once_and_nothing_secret(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put("HOST", "example.org");
    put("SECRET_KEY", "hunter2");
    put("DATABASE_URL", "mysql://root:hunter3@db");
    put("BACKEND_CORS_ORIGINS", "no-scheme.example");
    put("PASSWORD_MEMORY_KIB", "16");
    put("PASSWORD_LANES", "4");

    assert_int_equal(read_all(world), -EINVAL);

    expect_said(world, "leat: error: HOST: 'example.org' is no numeric address");
    expect_said(world, "leat: error: SECRET_KEY: ");
    expect_said(world, "leat: error: DATABASE_URL: this is no connection string of Postgres");
    expect_said(world, "leat: error: BACKEND_CORS_ORIGINS: 'no-scheme.example' is no origin");
    expect_said(world, "leat: error: PASSWORD_MEMORY_KIB, PASSWORD_PASSES and PASSWORD_LANES: argon2id takes 8 KiB for each lane");
    expect_unsaid(world, "hunter");
    assert_true(config.has_places);
}

static void test_numbers_out_of_bounds_are_refused_by_the_name_of_their_variable(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put("PORT", "65536");
    put("WORKERS", "0");
    put("HEAD_MS", "soon");

    assert_int_equal(read_all(world), -EINVAL);

    expect_said(world, "leat: error: PORT in .env: Input should be less than or equal to 65535");
    expect_said(world, "leat: error: WORKERS in .env: Input should be greater than or equal to 1");
    expect_said(world, "leat: error: HEAD_MS in .env: Input should be a valid integer");
}

static void test_a_key_is_judged_only_by_a_server(void **state) {
    struct world *world = *state;
    environment_init(&environment, &world->arena);
    put("SECRET_KEY", "short");

    assert_int_equal(config_read(&environment, false, &world->arena, &world->messages, &config), 0);
    assert_int_equal(read_all(world), -EINVAL);
}

static unsigned described;

static void describe(const char *variable, const char *description) {
    assert_non_null(variable);
    if (!description)
        complain("%s has no description", variable);
    described++;
}

static void test_every_setting_is_described(void **state) {
    (void)state;

    config_describe(describe);

    assert_true(described > 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_without_settings_the_defaults_hold),
        TEST(test_every_part_takes_its_settings),
        TEST(test_all_that_is_wrong_is_said_at_once_and_nothing_secret),
        TEST(test_numbers_out_of_bounds_are_refused_by_the_name_of_their_variable),
        TEST(test_a_key_is_judged_only_by_a_server),
        TEST(test_every_setting_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
