// test_quarantine.c — three crashes in a row keep a plugin out, until its file changes or somebody wants it again.
#include "base/str.h"
#include "world.h"

#include "host/crash.h"
#include "host/quarantine.h"

enum { NOW_S = 1000000 };

static const struct file_mark mark_of_file = {.device = 1, .inode = 7, .bytes = 100, .modified = {5, 6}, .changed = {7, 8}};

static void crash_of(struct world *world, const char *plugin, const struct file_mark *mark, int64_t time_s, int uptime_s) {
    char text[CRASH_MARK_BYTES_MAX];
    crash_mark_text(mark, text);
    str report = arena_format(&world->arena,
                              "time=%lld\nnanoseconds=1\nuptime_s=%d\nsignal=SIGSEGV\nplugin=%s\nmark=%s\nroute=GET /x\n\nplugin=forged\n",
                              (long long)time_s, uptime_s, plugin, text);
    str name = arena_format(&world->arena, "crash-%lld-1.txt", (long long)time_s);
    write_file(world, name.ptr, report.ptr, report.len);
}

static unsigned read_folder(struct world *world, struct choice_list *choices) {
    choices->count = 0;
    quarantine_read(world->folder, NOW_S, choices, &world->messages);
    return choices->count;
}

static void test_three_crashes_in_a_row_keep_a_plugin_out(void **state) {
    struct world *world = *state;
    struct choice_list choices;
    for (int i = 0; i < 2; i++)
        crash_of(world, "bad", &mark_of_file, NOW_S - 100 + i, 3);
    assert_int_equal(read_folder(world, &choices), 0);
    crash_of(world, "bad", &mark_of_file, NOW_S - 90, 3);

    assert_int_equal(read_folder(world, &choices), 1);

    assert_int_equal(choices.items[0].kind, CHOICE_QUARANTINED);
    assert_string_equal(choices.items[0].name, "bad");
    assert_non_null(choice_for(&choices, &mark_of_file));
    expect_said(world,
                "the plugin 'bad' is in quarantine and not loaded: it crashed 3 times in a row, the last time with SIGSEGV at GET /x");
    assert_int_equal(read_folder(world, &choices), 1); // and stays
    assert_int_equal(world->messages.count, 1);        // said once
}

static void test_good_service_between_begins_the_count_anew(void **state) {
    struct world *world = *state;
    struct choice_list choices;
    crash_of(world, "bad", &mark_of_file, NOW_S - 2000, 3);
    crash_of(world, "bad", &mark_of_file, NOW_S - 1999, 3);
    crash_of(world, "bad", &mark_of_file, NOW_S - 1000, QUARANTINE_GOOD_S);
    crash_of(world, "bad", &mark_of_file, NOW_S - 999, 3);

    assert_int_equal(read_folder(world, &choices), 0);
}

static void test_crashes_of_long_ago_of_others_and_of_another_file_do_not_count(void **state) {
    struct world *world = *state;
    struct choice_list choices;
    struct file_mark other = mark_of_file;
    other.inode = 8;
    crash_of(world, "bad", &mark_of_file, NOW_S - QUARANTINE_WINDOW_S - 10, 3);
    crash_of(world, "bad", &other, NOW_S - 100, 3);
    crash_of(world, "else", &mark_of_file, NOW_S - 99, 3);
    crash_of(world, "", &mark_of_file, NOW_S - 98, 3);
    crash_of(world, "bad", &mark_of_file, NOW_S - 97, 3);
    crash_of(world, "bad", &mark_of_file, NOW_S - 96, 3);

    assert_int_equal(read_folder(world, &choices), 0);
}

static void test_what_is_lifted_has_three_again(void **state) {
    struct world *world = *state;
    struct choice_list choices;
    for (int i = 0; i < 3; i++)
        crash_of(world, "bad", &mark_of_file, NOW_S - 100 + i, 3);
    assert_int_equal(read_folder(world, &choices), 1);

    quarantine_lift(world->folder, "bad");

    assert_int_equal(read_folder(world, &choices), 0);
    crash_of(world, "bad", &mark_of_file, NOW_S - 10, 3);
    crash_of(world, "bad", &mark_of_file, NOW_S - 9, 3);
    assert_int_equal(read_folder(world, &choices), 0);
}

static void test_garbage_in_the_folder_decides_nothing(void **state) {
    struct world *world = *state;
    struct choice_list choices;
    write_file(world, "crash-1-1.txt", "\0\0\0", 3);
    write_file(world, "crash-2-1.txt", "plugin=bad\nmark=x\n", 18);
    write_file(world, "bad.quarantined", "plugin=bad\nmark=x\n", 18);
    write_file(world, ".quarantined", "x", 1);
    mkdir(path_in(world, "crash-3-1.txt"), 0700);

    assert_int_equal(read_folder(world, &choices), 0);
}

static void test_only_so_many_reports_are_kept(void **state) {
    struct world *world = *state;
    struct choice_list choices;
    for (int i = 0; i < CRASH_REPORTS_KEPT + 5; i++)
        crash_of(world, "", &mark_of_file, NOW_S - 1000 + i, 3);
    read_folder(world, &choices);

    assert_int_equal(access(path_in(world, arena_format(&world->arena, "crash-%d-1.txt", NOW_S - 1000).ptr), F_OK), -1);
    assert_int_equal(access(path_in(world, arena_format(&world->arena, "crash-%d-1.txt", NOW_S - 1000 + 5).ptr), F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_three_crashes_in_a_row_keep_a_plugin_out),
        TEST(test_good_service_between_begins_the_count_anew),
        TEST(test_crashes_of_long_ago_of_others_and_of_another_file_do_not_count),
        TEST(test_what_is_lifted_has_three_again),
        TEST(test_garbage_in_the_folder_decides_nothing),
        TEST(test_only_so_many_reports_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
