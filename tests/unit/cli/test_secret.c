// test_secret.c — the key of a development server.
#include "../host/world.h"

#include "cli/secret.h"

static int keep(struct world *world, str *ret_key, bool *ret_is_new) {
    return secret_key_keep(world->folder, &world->arena, &world->messages, ret_key, ret_is_new);
}

static void test_a_key_is_made_once_and_kept_for_its_owner(void **state) {
    struct world *world = *state;
    str first, second;
    bool is_new;

    assert_int_equal(keep(world, &first, &is_new), 0);
    assert_true(is_new);
    assert_int_equal(keep(world, &second, &is_new), 0);

    assert_false(is_new);
    assert_int_equal(first.len, SECRET_KEY_BYTES);
    assert_int_equal(second.len, SECRET_KEY_BYTES);
    assert_memory_equal(first.ptr, second.ptr, first.len);
    struct stat status;
    assert_int_equal(stat(path_in(world, "secret_key"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void test_two_servers_have_two_keys(void **state) {
    struct world *world = *state;
    str first, second;
    bool is_new;
    assert_int_equal(keep(world, &first, &is_new), 0);
    unlink(path_in(world, "secret_key"));

    assert_int_equal(keep(world, &second, &is_new), 0);

    assert_memory_not_equal(first.ptr, second.ptr, first.len);
}

static void test_a_key_that_others_may_read_is_refused(void **state) {
    struct world *world = *state;
    str key;
    bool is_new;
    assert_int_equal(keep(world, &key, &is_new), 0);
    chmod(path_in(world, "secret_key"), 0644);

    assert_int_equal(keep(world, &key, &is_new), -EINVAL);

    expect_said(world, "secret_key: error: others may read it; remove it");
}

static void test_a_file_that_is_no_key_is_refused_and_kept(void **state) {
    struct world *world = *state;
    str key;
    bool is_new;
    write_file(world, "secret_key", "short\n", 6);
    chmod(path_in(world, "secret_key"), 0600);

    assert_int_equal(keep(world, &key, &is_new), -EINVAL);

    expect_said(world, "secret_key: error: is no key that we made");
    assert_int_equal(access(path_in(world, "secret_key"), F_OK), 0);
}

static void test_a_folder_that_is_not_there_is_said(void **state) {
    struct world *world = *state;
    str key;
    bool is_new;

    assert_int_equal(secret_key_keep(path_in(world, "none"), &world->arena, &world->messages, &key, &is_new), -EINVAL);

    expect_said(world, "the key cannot be kept");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_key_is_made_once_and_kept_for_its_owner), TEST(test_two_servers_have_two_keys),
        TEST(test_a_key_that_others_may_read_is_refused),     TEST(test_a_file_that_is_no_key_is_refused_and_kept),
        TEST(test_a_folder_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
