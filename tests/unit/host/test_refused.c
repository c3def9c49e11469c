// test_refused.c — the files of a load that were not taken, each with the reason.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/refused.h"

static struct arena_pool pool;
static struct arena arena;
static struct refused_files files;

static int set_up(void **state) {
    (void)state;
    arena_pool_init(&pool, 0);
    arena_init(&arena, &pool, 8 << 20);
    refused_init(&files, &arena);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_reset(&arena);
    arena_pool_finish(&pool);
    return 0;
}

static struct refused_file file_of(const char *path, off_t bytes) {
    return (struct refused_file){.path = path, .why = S("it is wrong\n"), .mark = {.bytes = bytes}};
}

static void test_a_refused_file_is_found_as_long_as_it_is_the_same(void **state) {
    (void)state;
    struct refused_file file = file_of("/srv/users.so", 7);
    struct file_mark other = {.bytes = 8};
    assert_non_null(refused_add(&files, &file));

    assert_non_null(refused_of_file(&files, "/srv/users.so", &file.mark));
    assert_null(refused_of_file(&files, "/srv/users.so", &other));
    assert_null(refused_of_file(&files, "/srv/posts.so", &file.mark));
}

static void test_a_refused_file_is_named_by_its_plugin_or_by_itself(void **state) {
    (void)state;
    struct refused_file unnamed = file_of("/srv/users.so", 1), named = file_of("/srv/x.so", 2);
    named.name = "posts";
    refused_add(&files, &unnamed);
    refused_add(&files, &named);

    assert_string_equal(refused_of_name(&files, "users")->path, "/srv/users.so");
    assert_string_equal(refused_of_name(&files, "posts")->path, "/srv/x.so");
    assert_null(refused_of_name(&files, "x"));
}

static void test_one_that_serves_in_another_version_is_missed_by_nobody(void **state) {
    (void)state;
    struct refused_file file = file_of("/srv/users.so", 1);
    refused_add(&files, &file)->has_previous = true;

    assert_null(refused_of_name(&files, "users"));
}

static void test_a_path_is_refused_once_with_the_last_reason(void **state) {
    (void)state;
    struct refused_file file = file_of("/srv/users.so", 1);
    refused_add(&files, &file);
    file.why = S("it is wrong otherwise\n");
    refused_add(&files, &file);

    assert_int_equal(files.count, 1);
    assert_true(str_eq(files.items[0].why, S("it is wrong otherwise\n")));
}

static void test_files_beyond_the_bound_are_counted(void **state) {
    (void)state;
    for (unsigned i = 0; i < REFUSED_FILES_MAX + 3; i++) {
        struct refused_file file = file_of(arena_format(&arena, "/srv/%u.so", i).ptr, 1);
        refused_add(&files, &file);
    }

    assert_int_equal(files.count, REFUSED_FILES_MAX);
    assert_int_equal(files.uncounted, 3);
}

#define TEST(F_) cmocka_unit_test_setup_teardown(F_, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_refused_file_is_found_as_long_as_it_is_the_same),
        TEST(test_a_refused_file_is_named_by_its_plugin_or_by_itself),
        TEST(test_one_that_serves_in_another_version_is_missed_by_nobody),
        TEST(test_a_path_is_refused_once_with_the_last_reason),
        TEST(test_files_beyond_the_bound_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
