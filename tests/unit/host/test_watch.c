// test_watch.c — folders that are watched: nothing is loaded while a file is on its way.
#include "world.h"

#include "host/watch.h"

static void open_watch(struct world *world, struct watch *watch) {
    const char *folders[] = {world->folder};
    assert_int_equal(watch_open(watch, folders, 1), 0);
    assert_int_equal(watch_due_ms(watch), 0);
}

static void test_a_file_that_is_moved_in_is_looked_at_soon(void **state) {
    struct world *world = *state;
    struct watch watch;
    write_file(world, ".coming", "x", 1);
    open_watch(world, &watch);
    rename(path_in(world, ".coming"), path_in(world, "a.so"));

    watch_take(&watch, 1000);

    assert_int_equal(watch_due_ms(&watch), 1000 + WATCH_DEBOUNCE_MS);
    watch_settle(&watch);
    assert_int_equal(watch_due_ms(&watch), 0);
    watch_close(&watch);
}

static void test_other_files_are_nobodys_business(void **state) {
    struct world *world = *state;
    struct watch watch;
    open_watch(world, &watch);
    write_file(world, "README.txt", "x", 1);
    write_file(world, ".hidden.so", "x", 1);

    watch_take(&watch, 1000);

    assert_int_equal(watch_due_ms(&watch), 0);
    watch_close(&watch);
}

static void test_a_file_that_is_being_written_is_waited_for_until_it_is_closed(void **state) {
    struct world *world = *state;
    struct watch watch;
    open_watch(world, &watch);
    int fd = open(path_in(world, "a.so"), O_WRONLY | O_CREAT, 0644);
    watch_take(&watch, 1000);
    assert_int_equal(watch_due_ms(&watch), 1000 + WATCH_WRITTEN_MS);
    assert_int_equal(write(fd, "x", 1), 1);
    fchmod(fd, 0755); // as a linker does before its last bytes
    watch_take(&watch, 1500);
    assert_int_equal(watch_due_ms(&watch), 1500 + WATCH_WRITTEN_MS);
    close(fd);

    watch_take(&watch, 1700);

    assert_int_equal(watch_due_ms(&watch), 1700 + WATCH_DEBOUNCE_MS);
    watch_close(&watch);
}

static void test_one_that_is_whole_waits_for_one_that_is_not(void **state) {
    struct world *world = *state;
    struct watch watch;
    open_watch(world, &watch);
    int fd = open(path_in(world, "a.so"), O_WRONLY | O_CREAT, 0644);
    watch_take(&watch, 1000);
    write_file(world, "b.so", "x", 1);

    watch_take(&watch, 1100);

    assert_int_equal(watch_due_ms(&watch), 1000 + WATCH_WRITTEN_MS);
    close(fd);
    watch_close(&watch);
}

static void test_a_file_that_is_gone_may_be_about_to_come_back(void **state) {
    struct world *world = *state;
    struct watch watch;
    write_file(world, "a.so", "x", 1);
    open_watch(world, &watch);
    unlink(path_in(world, "a.so"));
    watch_take(&watch, 1000);
    assert_int_equal(watch_due_ms(&watch), 1000 + WATCH_GONE_MS);
    write_file(world, "a.so", "y", 1);

    watch_take(&watch, 1200);

    assert_int_equal(watch_due_ms(&watch), 1200 + WATCH_DEBOUNCE_MS);
    watch_close(&watch);
}

static void test_a_file_that_never_rests_is_waited_for_only_so_long(void **state) {
    struct world *world = *state;
    struct watch watch;
    open_watch(world, &watch);
    int fd = open(path_in(world, "a.so"), O_WRONLY | O_CREAT, 0644);
    for (int64_t now_ms = 1000; now_ms <= 1000 + WATCH_POSTPONED_MS_MAX; now_ms += 1000) {
        assert_int_equal(write(fd, "x", 1), 1);
        watch_take(&watch, now_ms);
    }

    assert_int_equal(watch_due_ms(&watch), 1000 + WATCH_POSTPONED_MS_MAX);
    close(fd);
    watch_close(&watch);
}

static void test_a_wish_to_look_is_due_at_once(void **state) {
    struct world *world = *state;
    struct watch watch;
    open_watch(world, &watch);

    watch_wake(&watch, 1000);

    assert_int_equal(watch_due_ms(&watch), 1000);
    watch_close(&watch);
}

static void test_a_folder_that_is_not_there_cannot_be_watched(void **state) {
    (void)state;
    struct watch watch;
    const char *folders[] = {"/nowhere/at/all"};
    assert_int_equal(watch_open(&watch, folders, 1), -ENOENT);
    assert_int_equal(watch.fd, -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_that_is_moved_in_is_looked_at_soon),
        TEST(test_other_files_are_nobodys_business),
        TEST(test_a_file_that_is_being_written_is_waited_for_until_it_is_closed),
        TEST(test_one_that_is_whole_waits_for_one_that_is_not),
        TEST(test_a_file_that_is_gone_may_be_about_to_come_back),
        TEST(test_a_file_that_never_rests_is_waited_for_only_so_long),
        TEST(test_a_wish_to_look_is_due_at_once),
        TEST(test_a_folder_that_is_not_there_cannot_be_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
