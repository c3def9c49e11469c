// test_copy.c — files taken from folders that others must not be able to write, as private copies.
#include "world.h"

#include <sys/file.h>

#include "host/copy.h"

static int open_folder(struct world *world) {
    int fd;
    assert_int_equal(folder_open(world->folder, &world->messages, &fd), 0);
    return fd;
}

static int copy(struct world *world, int folder, const char *name, unsigned generation, char **ret_path, int *ret_fd) {
    struct copy_request request = {folder, name, path_in(world, name), world->copies, generation, 1 << 20, -1};
    return copy_make(&request, &world->messages, ret_path, ret_fd);
}

static void expect_refusal(struct world *world, int folder, const char *name, const char *words) {
    char *path;
    int fd;
    assert_int_equal(copy(world, folder, name, 1, &path, &fd), -EINVAL);
    expect_said(world, words);
}

static void test_a_copy_is_ours_alone_and_stays_when_the_file_changes(void **state) {
    struct world *world = *state;
    int folder = open_folder(world);
    write_file(world, "x.so", "before", 6);
    char *path;
    int fd;

    assert_int_equal(copy(world, folder, "x.so", 7, &path, &fd), 0);
    write_file(world, "x.so", "behind", 6);

    assert_string_equal(path, path_in(world, "var/plugins/x.7.so"));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(world->copies, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    size_t size;
    char *bytes = copy_map(fd, &size);
    assert_int_equal(size, 6);
    assert_memory_equal(bytes, "before", 6);
    copy_unmap(bytes, size);
    copy_remove(path, fd);
    assert_int_equal(access(path_in(world, "var/plugins/x.7.so"), F_OK), -1);
    close(folder);
}

static void test_a_copy_in_use_is_left_alone_and_a_stale_one_replaced(void **state) {
    struct world *world = *state;
    int folder = open_folder(world);
    write_file(world, "x.so", "bytes", 5);
    char *first, *second, *third;
    int first_fd, second_fd, third_fd;
    assert_int_equal(copy(world, folder, "x.so", 1, &first, &first_fd), 0);

    assert_int_equal(copy(world, folder, "x.so", 1, &second, &second_fd), 0);
    assert_string_equal(second, path_in(world, "var/plugins/x.2.so"));
    close(first_fd); // as if its server had been killed
    assert_int_equal(copy(world, folder, "x.so", 1, &third, &third_fd), 0);

    assert_string_equal(third, path_in(world, "var/plugins/x.1.so"));
    free(first);
    copy_remove(second, second_fd);
    copy_remove(third, third_fd);
    close(folder);
}

static void test_a_folder_that_others_may_write_is_refused(void **state) {
    struct world *world = *state;
    int fd;
    chmod(world->folder, 0777);
    assert_int_equal(folder_open(world->folder, &world->messages, &fd), -EINVAL);
    expect_said(world, "everybody may write it, and its code would run as the server; chmod o-w it");
    chmod(world->folder, 0700);

    assert_int_equal(folder_open(path_in(world, "missing"), &world->messages, &fd), -ENOENT);
    write_file(world, "file", "", 0);
    assert_int_equal(folder_open(path_in(world, "file"), &world->messages, &fd), -EINVAL);
}

static void test_a_file_that_others_may_write_is_refused(void **state) {
    struct world *world = *state;
    int folder = open_folder(world);
    write_file(world, "x.so", "bytes", 5);
    chmod(path_in(world, "x.so"), 0666);

    expect_refusal(world, folder, "x.so", "x.so: error: everybody may write it");
    close(folder);
}

static void test_files_and_folders_of_another_user_are_refused(void **state) {
    struct world *world = *state;
    if (geteuid() != 0)
        skip(); // only root can give them away
    int folder = open_folder(world);
    write_file(world, "x.so", "bytes", 5);
    assert_int_equal(chown(path_in(world, "x.so"), 12345, 12345), 0);

    expect_refusal(world, folder, "x.so", "x.so: error: belongs to user 12345");
    assert_int_equal(chown(world->folder, 12345, 12345), 0);
    int fd;
    assert_int_equal(folder_open(world->folder, &world->messages, &fd), -EINVAL);
    close(folder);
}

static void test_what_is_no_regular_file_is_refused_without_waiting_for_it(void **state) {
    struct world *world = *state;
    int folder = open_folder(world);
    assert_int_equal(mkfifo(path_in(world, "pipe.so"), 0600), 0);
    assert_int_equal(mkdir(path_in(world, "folder.so"), 0700), 0);
    assert_int_equal(symlink("nowhere", path_in(world, "link.so")), 0);

    expect_refusal(world, folder, "pipe.so", "pipe.so: error: is no regular file");
    expect_refusal(world, folder, "folder.so", "folder.so: error: is no regular file");
    expect_refusal(world, folder, "link.so", "link.so: error: cannot be opened: No such file");
    close(folder);
}

static void test_a_giant_is_refused(void **state) {
    struct world *world = *state;
    int folder = open_folder(world);
    write_file(world, "x.so", "", 0);
    assert_int_equal(truncate(path_in(world, "x.so"), (1 << 20) + 1), 0);

    expect_refusal(world, folder, "x.so", "x.so: error: is larger than 1 MiB");
    close(folder);
}

static void test_a_var_folder_that_cannot_be_made_is_refused(void **state) {
    struct world *world = *state;
    int folder = open_folder(world);
    write_file(world, "x.so", "bytes", 5);
    write_file(world, "var", "a file", 6);

    expect_refusal(world, folder, "x.so", "choose another folder with --var");
    close(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_copy_is_ours_alone_and_stays_when_the_file_changes),
        TEST(test_a_copy_in_use_is_left_alone_and_a_stale_one_replaced),
        TEST(test_a_folder_that_others_may_write_is_refused),
        TEST(test_a_file_that_others_may_write_is_refused),
        TEST(test_files_and_folders_of_another_user_are_refused),
        TEST(test_what_is_no_regular_file_is_refused_without_waiting_for_it),
        TEST(test_a_giant_is_refused),
        TEST(test_a_var_folder_that_cannot_be_made_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
