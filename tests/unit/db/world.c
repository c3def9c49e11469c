// world.c — a core with a db on a real Postgres, and the author's own macros on top of it.
#include "world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cluster_for_tests.h"
#include "engine/offload.h"

struct world world;

struct db_options world_options(void) {
    struct db_options options = db_options_default;
    options.conninfo = pg_conninfo();
    options.backoff_ms_min = 5;
    options.backoff_ms_max = 50;
    return options;
}

static int by_line(const void *a, const void *b) {
    const leat_item *const *left = a, *const *right = b;
    return (int)(*left)->line - (int)(*right)->line;
}

// The section may be empty: these are weak. Its order is the linker's.
static void add_statements(void) {
    size_t count = (size_t)(__stop_leat_items - __start_leat_items);
    const leat_item **items = arena_alloc(&world.arena, count * sizeof *items);
    for (size_t i = 0; i < count; i++)
        items[i] = __start_leat_items[i];
    qsort(items, count, sizeof *items, by_line);
    for (size_t i = 0; i < count; i++) {
        if (items[i]->kind != LEAT_ITEM_QUERY)
            continue;
        str message = {0};
        if (statement_set_add(world.set, (const leat_query *)(const void *)items[i], &world.arena, &message))
            fail_msg("%.*s", (int)message.len, message.ptr);
    }
}

void world_begin_without_waiting(const struct db_options *options) {
    memset(&world, 0, sizeof world);
    struct core_options core_options = core_options_default;
    core_options.ring = (struct ring_options){.sq_entries = 128, .cq_entries = 1024, .buffer_count = 64, .buffer_bytes = 4096};
    assert_int_equal(core_init(&world.core, &core_options), 0);
    arena_init(&world.arena, &world.core.arenas, 256 << 20);
    assert_int_equal(offload_create(2, 64, &world.connector), 0);
    assert_int_equal(statement_set_create(&world.set), 0);
    world.due_in_ms = 10000;
    add_statements();
    assert_int_equal(db_create(&world.core, world.connector, options, world.set, &world.db), 0);
    lane_init(&world.shared.lane, world.db, false);
}

void world_begin(const struct db_options *options) {
    world_begin_without_waiting(options);
    if (options->conninfo)
        world_until_ready();
}

static void on_stopped(void *arg) {
    *(bool *)arg = true;
}

void world_end(void) {
    if (!world.db->is_stopping) {
        db_stop(world.db, on_stopped, &world.is_stopped);
        world_until(&world.is_stopped);
    }
    db_destroy(world.db);
    offload_destroy(world.connector);
    statement_set_destroy(world.set);
    arena_reset(&world.arena);
    core_finish(&world.core);
}

void world_turn(void) {
    assert_int_equal(core_turn(&world.core, 20), 0);
}

void world_until(const bool *flag) {
    int64_t end_ns = clock_monotonic_ns() + INT64_C(20000000000);
    while (!*flag) {
        world_turn();
        if (clock_monotonic_ns() > end_ns)
            fail_msg("nothing happened for 20 s");
    }
}

void world_run_ms(int64_t ms) {
    int64_t end_ns = clock_monotonic_ns() + ms * 1000000;
    while (clock_monotonic_ns() < end_ns)
        world_turn();
}

void world_until_ready(void) {
    int64_t end_ns = clock_monotonic_ns() + INT64_C(20000000000);
    for (;;) {
        unsigned ready = 0;
        for (unsigned i = 0; i < world.db->options.link_count; i++)
            ready += world.db->links[i].state == LINK_READY;
        if (ready == world.db->options.link_count)
            return;
        world_turn();
        if (clock_monotonic_ns() > end_ns)
            fail_msg("not ready after 20 s");
    }
}

static void on_answer(struct db_query *query) {
    struct leat_future *future = container_of(query, struct leat_future, query);
    assert_false(future->is_done);
    future->is_done = true;
    future->order = ++world.done_count;
}

static struct leat_future *new_future(const leat_query *query, const leat_arg *args) {
    struct leat_future *future = arena_alloc(&world.arena, sizeof *future);
    assert_non_null(future);
    future->descriptor = query;
    future->query = (struct db_query){.statement = query ? statement_of(world.set, query) : NULL,
                                      .args = args,
                                      .arena = &world.arena,
                                      .due_ms = core_now_ms(&world.core) + world.due_in_ms,
                                      .done = on_answer};
    return future;
}

static struct leat_future *refused(struct leat_future *future, int error) {
    struct db_failure *failure = arena_alloc(&world.arena, sizeof *failure);
    failure->error = error;
    future->query.failure = failure;
    future->is_done = true;
    return future;
}

struct leat_future *world_start(db_conn *conn, const leat_query *query, const leat_arg *args) {
    struct leat_future *future = new_future(query, args);
    unsigned before = world.done_count;
    int error = lane_submit(&conn->lane, &future->query);
    assert_int_equal(world.done_count, before);
    return error ? refused(future, error) : future;
}

struct leat_future *world_commit(db_conn *conn) {
    struct leat_future *future = new_future(NULL, NULL);
    int error = lane_commit(&conn->lane, &future->query);
    return error ? refused(future, error) : future;
}

void world_wait(struct leat_future *future) {
    world_until(&future->is_done);
    world.failure = future->query.failure;
}

struct leat_future *leat_db_start(db_conn *conn, const leat_query *query, const leat_arg *args) {
    return world_start(conn, query, args);
}

void *leat_await(struct leat_future *future) {
    static char nothing[512] __attribute__((aligned(16)));
    world_wait(future);
    bool is_value = future->descriptor->shape != LEAT_ONE;
    memset(nothing, 0, sizeof nothing);
    return future->query.failure && is_value ? nothing : future->query.failure ? NULL : future->query.result;
}

void *leat_db_run(db_conn *conn, const leat_query *query, const leat_arg *args) {
    return leat_await(world_start(conn, query, args));
}

const struct db_failure *world_failure(void) {
    const struct db_failure *failure = world.failure;
    assert_non_null(failure);
    world.failure = NULL;
    return failure;
}

void world_expect_state(const char *sqlstate) {
    const struct db_failure *failure = world_failure();
    if (strcmp(failure->sqlstate, sqlstate) != 0)
        fail_msg("%s, not %s: %d %.*s", failure->sqlstate, sqlstate, failure->error, (int)failure->message.len, failure->message.ptr);
}

void world_expect_error(int error) {
    const struct db_failure *failure = world_failure();
    if (failure->error != error)
        fail_msg("%d, not %d: %s %.*s", failure->error, error, failure->sqlstate, (int)failure->message.len, failure->message.ptr);
}

void world_expect_ok(void) {
    if (world.failure)
        fail_msg("%d %s %.*s", world.failure->error, world.failure->sqlstate, (int)world.failure->message.len, world.failure->message.ptr);
}
