// test_place_file.c — files put beneath a folder: whole, on no way out of it, and nothing left of those that were not.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "engine/place_file.h"

static char root[64], folder[128];

static int set_up(void **state) {
    (void)state;
    strcpy(root, "/tmp/leat-place-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(folder, sizeof folder, "%s/kept", root);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static int save(const char *name, const char *content, bool replaces) {
    struct place_file file;
    int status = place_file_init(&file, folder, str_of(name));
    if (status)
        return status;
    file.replaces = replaces;
    assert_int_equal(place_file_take(&file, -1, str_of(content)), 0);
    status = place_file_save(&file);
    place_file_finish(&file);
    return status;
}

/** From a file without a name, in a folder. */
static int save_file(const char *where, const char *name, const char *content, bool is_cancelled) {
    struct place_file file;
    int fd = open(where, O_TMPFILE | O_RDWR, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    assert_int_equal(place_file_init(&file, folder, str_of(name)), 0);
    assert_int_equal(place_file_take(&file, fd, (str){0}), 0);
    close(fd);
    if (is_cancelled)
        place_file_cancel(&file);
    int status = place_file_save(&file);
    place_file_finish(&file);
    return status;
}

static int remove_file(const char *name) {
    struct place_file file;
    int status = place_file_init(&file, folder, str_of(name));
    if (status)
        return status;
    status = place_file_remove(&file);
    place_file_finish(&file);
    return status;
}

static void expect_content(const char *name, const char *content) {
    char path[256], text[64] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    assert_string_equal(text, content);
}

static unsigned entries(void) {
    unsigned count = 0;
    DIR *open_folder = opendir(folder);
    assert_non_null(open_folder);
    while (readdir(open_folder))
        count++;
    closedir(open_folder);
    return count - 2;
}

static void test_a_file_is_there_under_its_name_and_alone(void **state) {
    (void)state;
    assert_int_equal(save("a", "one", false), 0);
    assert_int_equal(save_file(root, "b", "two", false), 0);
    assert_int_equal(save_file("/dev/shm", "c", "three", false), 0); // another file system
    expect_content("a", "one");
    expect_content("b", "two");
    expect_content("c", "three");
    assert_int_equal(entries(), 3);
}

static void test_a_folder_that_is_not_there_is_made_with_all_above_it(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s/far/below//kept/", root);
    assert_int_equal(remove_file("a"), -ENOENT);
    assert_int_not_equal(access(folder, F_OK), 0); // who removes makes nothing
    assert_int_equal(save("a", "one", false), 0);
    expect_content("a", "one");
    assert_int_equal(entries(), 1);
}

static void test_a_name_that_is_taken_stays_unless_it_is_replaced(void **state) {
    (void)state;
    assert_int_equal(save("a", "one", false), 0);
    assert_int_equal(save("a", "two", false), -EEXIST);
    assert_int_equal(save_file(root, "a", "three", false), -EEXIST);
    expect_content("a", "one");
    assert_int_equal(save("a", "four", true), 0);
    expect_content("a", "four");
    assert_int_equal(entries(), 1);
}

static void test_no_way_leads_out_of_the_folder(void **state) {
    (void)state;
    char link[160];
    static const char *const names[] = {"",      "/",      "../x",      "a/../../x", "/etc/x", "..",        ".",
                                        "dir/.", "link/x", "nowhere/x", "a/",        "dir",    "link/../x", "dir/../../x"};
    assert_int_equal(save("first", "x", false), 0);
    snprintf(link, sizeof link, "%s/dir", folder);
    assert_int_equal(mkdir(link, 0700), 0);
    snprintf(link, sizeof link, "%s/link", folder);
    assert_int_equal(symlink("/tmp", link), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int status = save(names[i], "x", true), removed = remove_file(names[i]);
        if (status != -EINVAL || (removed != -EINVAL && removed != -ENOENT))
            fail_msg("%s: %d, removed %d", names[i], status, removed);
    }
    assert_int_equal(entries(), 3);
    assert_int_equal(save("dir/x", "deeper", false), 0);
    expect_content("dir/x", "deeper");
}

static void test_what_is_cancelled_is_not_there(void **state) {
    (void)state;
    assert_int_equal(save("first", "x", false), 0);
    assert_int_equal(save_file(root, "a", "one", true), -ECANCELED);
    assert_int_equal(entries(), 1);
}

static void test_a_removed_file_is_gone(void **state) {
    (void)state;
    assert_int_equal(remove_file("a"), -ENOENT); // not even the folder is there
    assert_int_equal(save("a", "one", false), 0);
    assert_int_equal(remove_file("a"), 0);
    assert_int_equal(remove_file("a"), -ENOENT);
    assert_int_equal(entries(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_is_there_under_its_name_and_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_folder_that_is_not_there_is_made_with_all_above_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_that_is_taken_stays_unless_it_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_way_leads_out_of_the_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_cancelled_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_removed_file_is_gone, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
