// test_router.c — which route a path means, and what is said of the others.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <time.h>

#include "base/str.h"
#include "http/router.h"

/** Which calloc fails, from 1; 0 lets all pass. */
static unsigned failing, asked;

void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);

void *__wrap_calloc(size_t count, size_t bytes) {
    return failing && ++asked == failing ? NULL : __real_calloc(count, bytes);
}

static struct router *router;
static struct router_match match;
static int routes[2048];

static void add(enum http_method method, const char *path, int route) {
    void *other;
    assert_int_equal(router_add(router, method, path, &routes[route], &other), 0);
}

static void find(enum http_method method, const char *path) {
    router_match(router, method, str_of(path), &match);
}

static void expect_route(enum http_method method, const char *path, int route) {
    find(method, path);
    assert_ptr_equal(match.target, &routes[route]);
    assert_false(match.is_redirect);
}

static void expect_param(unsigned index, const char *text) {
    assert_true(index < match.param_count);
    assert_int_equal(match.params[index].len, strlen(text));
    if (*text)
        assert_memory_equal(match.params[index].ptr, text, strlen(text));
}

static void expect_none(enum http_method method, const char *path, const char *allow, bool is_redirect) {
    char text[64];
    find(method, path);
    assert_null(match.target);
    assert_string_equal(router_allow(match.allowed, text), allow);
    assert_int_equal(match.is_redirect, is_redirect);
}

static void test_literals_and_parameters_are_found(void **state) {
    (void)state;
    add(HTTP_GET, "/", 1);
    add(HTTP_GET, "/users", 2);
    add(HTTP_GET, "/users/me", 3);
    add(HTTP_GET, "/users/{user_id}", 4);
    add(HTTP_GET, "/users/{user_id}/posts/{post_id}", 5);
    add(HTTP_GET, "/files/{name:path}", 6);

    expect_route(HTTP_GET, "/", 1);
    assert_int_equal(match.param_count, 0);
    expect_route(HTTP_GET, "/users", 2);
    expect_route(HTTP_GET, "/users/me", 3);
    expect_route(HTTP_GET, "/users/mee", 4);
    expect_param(0, "mee");
    expect_route(HTTP_GET, "/users/7/posts/8", 5);
    assert_int_equal(match.param_count, 2);
    expect_param(0, "7");
    expect_param(1, "8");
    expect_route(HTTP_GET, "/users/me/posts/8", 5); // back from the literal
    expect_param(0, "me");
    expect_route(HTTP_GET, "/files/a", 6);
    expect_param(0, "a");
    expect_route(HTTP_GET, "/files/a/b//c/", 6);
    expect_param(0, "a/b//c/");
    expect_route(HTTP_GET, "/files/", 6);
    expect_param(0, "");
}

static void test_what_has_no_route_is_not_found(void **state) {
    (void)state;
    add(HTTP_GET, "/users/{id}", 1);
    add(HTTP_GET, "/a/b", 2);

    expect_none(HTTP_GET, "/", "", false);
    expect_none(HTTP_GET, "/user/1", "", false);
    expect_none(HTTP_GET, "/users//", "", false);
    expect_none(HTTP_GET, "//users/1", "", false);
    expect_none(HTTP_GET, "/a/b/c", "", false);
    expect_none(HTTP_GET, "/a", "", false);
    expect_none(HTTP_GET, "*", "", false);
    expect_none(HTTP_GET, "", "", false);
}

static void test_a_literal_without_the_method_leaves_it_to_the_parameter(void **state) {
    (void)state;
    add(HTTP_GET, "/users/me", 1);
    add(HTTP_PATCH, "/users/{id}", 2);
    add(HTTP_DELETE, "/users/{rest:path}", 3);

    expect_route(HTTP_PATCH, "/users/me", 2);
    expect_param(0, "me");
    expect_route(HTTP_DELETE, "/users/me", 3);
    expect_param(0, "me");
    expect_none(HTTP_PUT, "/users/me", "DELETE, GET, HEAD, OPTIONS, PATCH", false);
    expect_none(HTTP_GET, "/users/you", "DELETE, OPTIONS, PATCH", false);
    expect_none(HTTP_UNKNOWN, "/users/me", "DELETE, GET, HEAD, OPTIONS, PATCH", false);
}

static void test_head_finds_the_route_of_get_unless_it_has_its_own(void **state) {
    (void)state;
    add(HTTP_GET, "/a", 1);
    add(HTTP_GET, "/b", 2);
    add(HTTP_HEAD, "/b", 3);
    add(HTTP_POST, "/c", 4);

    expect_route(HTTP_HEAD, "/a", 1);
    expect_route(HTTP_HEAD, "/b", 3);
    expect_none(HTTP_HEAD, "/c", "OPTIONS, POST", false);
}

static void test_a_slash_too_many_or_too_few_is_a_redirect(void **state) {
    (void)state;
    add(HTTP_GET, "/users", 1);
    add(HTTP_GET, "/users/{id}", 2);
    add(HTTP_GET, "/items/", 3);
    add(HTTP_GET, "/tags/{tag}/", 4);
    add(HTTP_GET, "/files/{name:path}", 5);

    expect_none(HTTP_GET, "/users/", "", true);
    expect_none(HTTP_POST, "/users/", "", true);
    expect_none(HTTP_GET, "/users/7/", "", true);
    expect_none(HTTP_GET, "/items", "", true);
    expect_none(HTTP_GET, "/tags/x", "", true);
    expect_none(HTTP_GET, "/files", "", true);
    expect_none(HTTP_GET, "/other/", "", false);
    expect_none(HTTP_GET, "/tags", "", false);
    expect_none(HTTP_GET, "/", "", false);
}

static void test_the_same_shape_is_refused_and_names_the_other(void **state) {
    (void)state;
    void *other = NULL;
    add(HTTP_GET, "/users/{id}", 1);
    assert_int_equal(router_add(router, HTTP_GET, "/users/{name}", &routes[2], &other), -EEXIST);
    assert_ptr_equal(other, &routes[1]);
    assert_int_equal(router_add(router, HTTP_POST, "/users/{name}", &routes[2], &other), 0);
    assert_int_equal(router_add(router, HTTP_GET, "/users/{name:path}", &routes[3], &other), 0);
    assert_int_equal(router_add(router, HTTP_GET, "/users/{path:path}", &routes[3], &other), -EEXIST);
}

static void test_malformed_paths_are_refused(void **state) {
    static const char *const paths[] = {
        "",
        "users",
        "/{",
        "/{a",
        "/a}",
        "/{}",
        "/{:path}",
        "/{a}/{a}",
        "/{a}{b}",
        "/x{a}",
        "/{a}.json",
        "/{a:int}",
        "/{a:path}/b",
        "/{a:path}/",
        "/{1a}",
        "/{a b}",
        "/{a}/{b}}",
        "/{a}/{b}/{a:path}",
        "/{p0}/{p1}/{p2}/{p3}/{p4}/{p5}/{p6}/{p7}/{p8}/{p9}/{pa}/{pb}/{pc}/{pd}/{pe}/{pf}/{pg}",
    };
    (void)state;
    void *other;
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_int_equal(router_add(router, HTTP_GET, paths[i], &routes[0], &other), -EINVAL);
    expect_none(HTTP_GET, "/x", "", false);
    add(HTTP_GET, "/{p0}/{p1}/{p2}/{p3}/{p4}/{p5}/{p6}/{p7}/{p8}/{p9}/{pa}/{pb}/{pc}/{pd}/{pe}/{pf}", 1);
    expect_route(HTTP_GET, "/0/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f", 1);
    expect_param(15, "f");
}

static void test_a_thousand_routes_are_told_apart(void **state) {
    (void)state;
    char path[64];
    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "/v1/resource-%d-of-many-things-%d/{id}", i / 10, i % 10);
        add(HTTP_GET, path, i);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "/v1/resource-%d-of-many-things-%d/x%d", i / 10, i % 10, i);
        expect_route(HTTP_GET, path, i);
        expect_param(0, path + strlen(path) - strlen(strrchr(path, '/')) + 1);
    }
    expect_none(HTTP_GET, "/v1/resource-100-of-many-things-0/x", "", false);

    struct timespec from, to;
    str sought = {"/v1/resource-57-of-many-things-3/7a1d6c4e-3f0b-4a53-9d0b-1f6f5f7f2a10", 69};
    enum { ROUNDS = 1000000 };
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (int i = 0; i < ROUNDS; i++) {
        router_match(router, HTTP_GET, sought, &match);
        assert_non_null(match.target);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double ns = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / ROUNDS;
    print_message("# router_match, three segments among 1000 routes: %.1f ns\n", ns);
    assert_true(ns < 5000); // a search through the routes would be slower even on a loaded machine
}

static int build_some(struct router **ret_router) {
    static const char *const paths[] = {"/a", "/b", "/c", "/d", "/e/{x}/f", "/g/{y:path}"};
    struct router *some;
    void *other;
    int r = router_create(&some);
    if (r)
        return r;
    for (unsigned i = 0; i < sizeof paths / sizeof *paths && !r; i++)
        r = router_add(some, HTTP_GET, paths[i], &routes[i], &other);
    if (r)
        router_destroy(some);
    else
        *ret_router = some;
    return r;
}

static void test_building_without_memory_is_refused(void **state) {
    (void)state;
    struct router *some = NULL;
    int r = -ENOMEM;
    unsigned nth;
    for (nth = 1; r; nth++) {
        asked = 0;
        failing = nth;
        r = build_some(&some);
        failing = 0;
        assert_true(r == 0 || r == -ENOMEM);
    }
    assert_true(nth > 10);
    router_match(some, HTTP_GET, S("/e/1/f"), &match);
    assert_ptr_equal(match.target, &routes[4]);
    router_destroy(some);
}

static int open_router(void **state) {
    (void)state;
    return router_create(&router);
}

static int close_router(void **state) {
    (void)state;
    router_destroy(router);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_router, close_router)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_literals_and_parameters_are_found),
        TEST(test_what_has_no_route_is_not_found),
        TEST(test_a_literal_without_the_method_leaves_it_to_the_parameter),
        TEST(test_head_finds_the_route_of_get_unless_it_has_its_own),
        TEST(test_a_slash_too_many_or_too_few_is_a_redirect),
        TEST(test_the_same_shape_is_refused_and_names_the_other),
        TEST(test_malformed_paths_are_refused),
        TEST(test_building_without_memory_is_refused),
        TEST(test_a_thousand_routes_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
