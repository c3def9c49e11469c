// test_figures.c — buckets, sums over cores, and series that outlive their plugins.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "app/app_internal.h"
#include "base/clock.h"

static struct figures *figures;
static struct core core_of_app;
static struct app app = {.core = &core_of_app};

static int set_up(void **state) {
    (void)state;
    return figures_create(&figures);
}

static int tear_down(void **state) {
    (void)state;
    figures_destroy(figures);
    return 0;
}

static struct core_figures *new_core(void) {
    struct core_figures *core = core_figures_create(figures, &app);
    assert_non_null(core);
    core_figures_publish(core);
    return core;
}

static void test_buckets_grow_with_the_duration_and_are_an_eighth_wide(void **state) {
    (void)state;
    unsigned before = 0;
    for (uint64_t us = 0; us < 1 << 20; us++) {
        unsigned bucket = latency_bucket(us);
        assert_true(bucket == before || bucket == before + 1);
        if (bucket != before && us >= 8) {
            uint64_t width = (1ull << (63 - __builtin_clzll(us))) / 8;
            assert_int_equal(latency_bucket(us + width - 1), bucket);
            assert_int_equal(latency_bucket(us + width), bucket + 1);
        }
        before = bucket;
    }
    assert_int_equal(latency_bucket((1ull << (LATENCY_POWER_MAX + 1)) - 1), LATENCY_BUCKETS - 2);
    assert_int_equal(latency_bucket(1ull << (LATENCY_POWER_MAX + 1)), LATENCY_BUCKETS - 1);
    assert_int_equal(latency_bucket(UINT64_MAX), LATENCY_BUCKETS - 1);
}

static void test_bounds_that_are_shown_are_bounds_of_buckets(void **state) {
    (void)state;
    for (unsigned power = 5; power <= LATENCY_POWER_MAX; power++) {
        assert_int_equal(latency_bucket((1ull << power) - 1) + 1, latency_bucket(1ull << power));
        assert_int_equal(latency_bucket((3ull << (power - 1)) - 1) + 1, latency_bucket(3ull << (power - 1)));
    }
}

static void test_cores_are_summed_by_series(void **state) {
    (void)state;
    struct core_figures *first = new_core(), *second = new_core();
    struct series route = {.plugin = "users", .name = "/users/{id}", .method = "GET"};
    struct route_figures *here = core_figures_route(first, &route), *there = core_figures_route(second, &route);
    assert_ptr_not_equal(here, there);
    counter_add(&here->by_class[2], 3);
    counter_add(&there->by_class[2], 4);
    counter_add(&there->by_class[5], 1);
    latency_add(&here->latency, 100, 1);
    latency_add(&there->latency, 300, 1);

    unsigned index = figures_route_count(figures) - 1;
    struct route_figures sum;
    figures_sum_route(figures, index, &sum);

    assert_string_equal(figures_route_series(figures, index)->name, "/users/{id}");
    assert_int_equal(sum.by_class[2], 7);
    assert_int_equal(sum.by_class[5], 1);
    assert_int_equal(sum.latency.sum_us, 400);
    assert_int_equal(sum.latency.buckets[latency_bucket(300)], 1);
}

static void test_requests_of_one_turn_have_one_duration(void **state) {
    (void)state;
    list_init(&core_of_app.turn_end);
    core_of_app.now_ns = 5000000;
    struct core_figures *core = new_core();
    struct route_figures *route = core_figures_route(core, &(struct series){.plugin = "a", .name = "/a", .method = "GET"});
    struct route_figures *other = core_figures_route(core, &(struct series){.plugin = "a", .name = "/b", .method = "GET"});
    for (int turn = 1; turn <= 2; turn++) {
        route->in_turn_count = 16;
        core_figures_time(core, route);
        other->in_turn_count = 1;
        core_figures_time(core, other);
        clock_freeze(core_of_app.now_ns + 300000, 0);
        struct deferred *deferred = container_of(list_pop(&core_of_app.turn_end), struct deferred, node);
        deferred->run(deferred);
        clock_freeze(-1, -1);

        assert_true(list_is_empty(&core_of_app.turn_end));
        assert_int_equal(route->in_turn_count, 0);
        assert_int_equal(route->latency.sum_us, 16 * 300 * turn);
        assert_int_equal(route->latency.buckets[latency_bucket(300)], 16 * turn);
        assert_int_equal(other->latency.buckets[latency_bucket(300)], turn);
    }
}

static void test_a_route_that_comes_again_goes_on_where_it_was(void **state) {
    (void)state;
    struct core_figures *core = new_core();
    char path[] = "/a";
    struct series route = {.plugin = "a", .name = path, .method = "GET"};
    struct route_figures *before = core_figures_route(core, &route);
    unsigned count = figures_route_count(figures);
    path[1] = 'x'; // its plugin is gone, and its strings with it

    assert_ptr_equal(core_figures_route(core, &(struct series){.plugin = "a", .name = "/a", .method = "GET"}), before);
    assert_int_equal(figures_route_count(figures), count);
    assert_ptr_not_equal(core_figures_route(core, &(struct series){.plugin = "a", .name = "/a", .method = "PUT"}), before);
}

static void test_what_finds_no_room_shares_one_series(void **state) {
    (void)state;
    struct core_figures *core = new_core();
    struct query_figures *last = NULL, *one_more = NULL;
    for (unsigned line = 0; line < FIGURES_SERIES_MAX + 2; line++) {
        last = one_more;
        one_more = core_figures_query(core, &(struct series){.plugin = "", .name = "x.c", .method = "", .line = line});
    }
    assert_ptr_equal(last, one_more);
    assert_int_equal(figures_query_count(figures), FIGURES_SERIES_MAX);
    assert_string_equal(figures_query_series(figures, 0)->name, "other");
}

static void test_failures_are_counted_by_class_and_the_rarest_together(void **state) {
    (void)state;
    struct core_figures *core = new_core();
    struct query_figures *query = core_figures_query(core, &(struct series){.plugin = "", .name = "x.c", .method = "", .line = 1});
    query_figures_fail(query, "23505");
    query_figures_fail(query, "23514");
    query_figures_fail(query, "57014");
    for (char c = 'A'; c <= 'Z'; c++)
        query_figures_fail(query, (char[]){'X', c, '\0'});

    struct query_figures sum;
    figures_sum_query(figures, figures_query_count(figures) - 1, &sum);

    uint64_t all = 0;
    for (unsigned i = 0; i < FAILURE_CLASSES; i++)
        all += sum.failures[i];
    assert_int_equal(all, 29);
    assert_int_equal(sum.classes[0], '2' << 8 | '3');
    assert_int_equal(sum.failures[0], 2);
    assert_int_equal(sum.failures[1], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets_grow_with_the_duration_and_are_an_eighth_wide),
        cmocka_unit_test(test_bounds_that_are_shown_are_bounds_of_buckets),
        cmocka_unit_test_setup_teardown(test_cores_are_summed_by_series, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_requests_of_one_turn_have_one_duration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_route_that_comes_again_goes_on_where_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_finds_no_room_shares_one_series, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures_are_counted_by_class_and_the_rarest_together, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
