// test_work.c — tests of app/work.c, app/worker_value.c, app/periodic.c and app/task.c: what runs without a client, on one core.
#include <string.h>

#include <leat/test.h>

#include "app/app_internal.h"
#include "app/periodic.h"
#include "base/clock.h"
#include "testing/test_app.h"

TEST_PLUGINS("users");

SCHEMA(Seen, (str, seen), (i64, count));

// ---- values per core

static int base_count, model_count, ended_count;

typedef struct model {
    int number;
    str text;
} model;

static void model_ends(void *arg, enum outcome outcome) {
    model *m = arg;
    ended_count += outcome == OK && m->number == 1;
}

PROVIDE(get_base, i64, (), .per_worker = true) {
    base_count++;
    return 40;
}
PROVIDE(get_model, model *, (depends(get_base, base)), .per_worker = true) {
    model *m = new (r, model);
    m->number = ++model_count;
    m->text = format(r, "model %d on %d", m->number, (int)base);
    on_done(r, model_ends, m);
    return m;
}
PROVIDE(get_nested, str, (depends(get_model, m))) {
    return m->text;
}
GET("/w/model", use_model, Seen, (depends(get_model, m), depends(get_nested, nested), depends(get_base, base))) {
    Seen *seen = new (r, Seen);
    seen->seen = str_eq(nested, m->text) ? m->text : S("another");
    seen->count = base;
    return seen;
}

TEST(a_value_per_core_is_made_once_before_the_first_request_and_after_what_it_depends_on) {
    assert_int_equal(model_count, 1);
    for (int i = 0; i < 3; i++) {
        answer *x = get(a, "/w/model");
        expect_status(x, 200);
        expect_json(x, "seen", J("model 1 on 40"));
        expect_json(x, "count", "40");
    }
    assert_int_equal(model_count, 1);
    assert_int_equal(base_count, 1);
    assert_int_equal(ended_count, 0);
}
TEST(a_value_per_core_can_be_replaced_by_a_test) {
    override(a, get_base, (i64)7);
    expect_json(get(a, "/w/model"), "count", "7");
}

// ---- beginnings

static i64 user_count = -1;

ON_START(look_around, (depends(get_db, db), depends(get_model, m))) {
    user_count = db_value(db, i64, "SELECT count(*) FROM users") + m->number;
}

TEST(what_is_to_happen_at_the_start_has_happened_with_database_and_dependencies) {
    assert_int_equal(user_count, 1);
}

// ---- what comes again

static int quick_count, slow_count, failing_count;

EVERY(quick, 0.1, ()) {
    quick_count++;
}
EVERY(slow, 0.1, (depends(get_db, db)), .at_start = true) {
    slow_count++;
    db_exec(db, "SELECT pg_sleep(0.45)");
}
EVERY(failing, 0.1, ()) {
    failing_count++;
    http_fail(r, 500, "it cannot");
}

static void turn_for(app *a, int ms) {
    int64_t end_ns = clock_monotonic_ns() + ms * INT64_C(1000000);
    while (clock_monotonic_ns() < end_ns)
        test_app_turn(a, 10);
}

TEST(periodic_work_comes_again_and_never_beside_itself) {
    int before = quick_count, slow_before = slow_count;
    uint64_t skipped = a->app->work_skip_count, failed = a->app->work_failure_count;
    turn_for(a, 1050);
    assert_in_range(quick_count - before, 3, 11);
    assert_in_range(slow_count - slow_before, 1, 3);
    assert_true(a->app->work_skip_count - skipped >= 3);
    assert_true(a->app->work_failure_count - failed >= 3);
    assert_true(failing_count >= 3);
}
TEST(the_grid_is_the_wall_clocks_and_never_now) {
    assert_int_equal(periodic_delay_ms(120000, 60000), 60000);
    assert_int_equal(periodic_delay_ms(120001, 60000), 59999);
    assert_int_equal(periodic_delay_ms(179999, 60000), 1);
}

// ---- tasks

static int told_count;

TASK(tell, (i64, number)) {
    told_count++;
    if (a->number == 3)
        http_fail(r, 500, "three");
}
POST("/w/tell", tell_all, Empty, (query(i64, count))) {
    for (i64 i = 0; i < count; i++)
        spawn(r, tell, .number = i);
    return NULL;
}

TEST(tasks_run_all_of_them_and_their_failures_are_counted) {
    uint64_t failed = a->app->work_failure_count, ended = a->app->work_count;
    told_count = 0;
    expect_status(post(a, "/w/tell?count=2000", NULL), 204);
    turn_for(a, 50);
    assert_int_equal(told_count, 2000);
    assert_true(a->app->work_count - ended >= 2000);
    assert_true(a->app->work_failure_count > failed);
    assert_int_equal(a->app->running_task_count, 0);
    assert_int_equal(a->app->waiting_task_count, 0);
}
TEST(more_tasks_than_may_wait_refuse_the_request_and_none_of_it_runs) {
    told_count = 0;
    a->options.task_queue_max = 10;
    answer *x = post(a, "/w/tell?count=11", NULL);
    expect_status(x, 503);
    expect_header(x, "Retry-After", "1");
    expect_status(post(a, "/w/tell?count=10", NULL), 204);
    turn_for(a, 20);
    assert_int_equal(told_count, 10);
    a->options.task_queue_max = 100000;
}
