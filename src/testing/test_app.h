// test_app.h — the inside of the app under test, for the files of this floor.
#ifndef TESTING_TEST_APP_H
#define TESTING_TEST_APP_H

#include "app/app.h"
#include "app/override.h"
#include "engine/conn.h"
#include "engine/offload.h"
#include "host/plugins.h"
#include "testing/test_database.h"

#include <leat/test.h>

enum {
    OVERRIDES_MAX = 64,
    ANSWER_MS_MAX = 30000,
    ANSWER_BYTES_MAX = 64 << 20,
    TEST_BYTES_MAX = 1 << 30, // what one test may be handed
};

struct test_app {
    struct arena_pool pool;
    struct arena arena;      // of the app
    struct arena test_arena; // of one test
    struct messages messages;
    struct environment environment;
    struct test_database database;
    const char *const *names; // of the plugins that were asked for; the caller's
    const char *folder;       // of links to them
    struct plugin_set *plugins;
    struct plugin_view *views;
    struct app_options options;
    struct core core;
    bool has_core, is_ready;
    struct app *app;
    struct listener *listener;
    uint16_t port;
    struct override overrides[OVERRIDES_MAX];
    size_t override_count;
    int client_fd; // a connection that is kept alive, or -1
    uint64_t last_query_count;
};

/** One turn of at most `wait_ms`; fails the test when the ring does. */
void test_app_turn(struct test_app *a, int64_t wait_ms);
/** Queries since the beginning. */
uint64_t test_app_query_count(const struct test_app *a);
/** Any SQL in the test's transaction; NULL and the first value in `*ret_value` (`ptr` NULL where there is none), or what was wrong. */
const char *test_app_sql(struct test_app *a, const char *sql, str *ret_value);

#endif
