// test_file.c — files beneath a folder, and nothing else; and that one may be let go at any time.
#include "world.h"

#include <stdio.h>
#include <sys/stat.h>

#include "engine/file.h"

struct fixture {
    struct core core;
    char folder[64];
    unsigned done_count;
    struct file *file;
};

static void on_done(void *arg) {
    ((struct fixture *)arg)->done_count++;
}

static const char *in(const struct fixture *fixture, const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    return path;
}

static void write_file(const struct fixture *fixture, const char *name, size_t bytes) {
    FILE *file = fopen(in(fixture, name), "w");
    assert_non_null(file);
    for (size_t i = 0; i < bytes; i++)
        fputc("0123456789"[i % 10], file);
    fclose(file);
}

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct core_options options = world_core();
    strcpy(fixture->folder, "/tmp/leat-test-file-XXXXXX");
    if (!fixture || core_init(&fixture->core, &options) < 0 || !mkdtemp(fixture->folder))
        return -1;
    mkdir(in(fixture, "sub"), 0755);
    write_file(fixture, "plain", 100);
    write_file(fixture, "sub/deep", 10);
    fixture->file = file_take(&fixture->core.files, on_done, fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    static const char *const names[] = {"sub/deep", "plain", "large", "inside", "outside", "fifo"};
    struct fixture *fixture = *state;
    file_release(fixture->file);
    turns(&fixture->core, 3);
    core_finish(&fixture->core);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in(fixture, names[i]));
    rmdir(in(fixture, "sub"));
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

static int opened(struct fixture *fixture, const char *path) {
    unsigned before = fixture->done_count;
    file_open(fixture->file, fixture->folder, path);
    turn_until(&fixture->core, fixture->done_count > before);
    assert_false(file_is_busy(fixture->file));
    return file_result(fixture->file);
}

static int read_at(struct fixture *fixture, uint64_t offset, size_t bytes) {
    unsigned before = fixture->done_count;
    file_read(fixture->file, offset, bytes);
    turn_until(&fixture->core, fixture->done_count > before);
    return file_result(fixture->file);
}

static void test_a_file_is_read_in_pieces_from_anywhere(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(opened(fixture, "plain"), 0);
    assert_int_equal(file_stat(fixture->file)->st_size, 100);
    assert_int_equal(read_at(fixture, 0, 4), 4);
    assert_memory_equal(file_piece(fixture->file), "0123", 4);
    assert_int_equal(read_at(fixture, 98, 10), 2);
    assert_memory_equal(file_piece(fixture->file), "89", 2);
    assert_int_equal(read_at(fixture, 100, 10), 0);

    write_file(fixture, "large", FILE_PIECE_BYTES + 1);
    assert_int_equal(opened(fixture, "large"), 0);
    assert_int_equal(read_at(fixture, 0, FILE_PIECE_BYTES + 1), FILE_PIECE_BYTES);
    assert_int_equal(read_at(fixture, FILE_PIECE_BYTES, 10), 1);
    assert_int_equal(opened(fixture, "sub/deep"), 0);
}

static void test_nothing_leads_out_of_the_folder(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(symlink("/etc/passwd", in(fixture, "outside")), 0);
    assert_int_equal(symlink("sub/deep", in(fixture, "inside")), 0);
    static const char *const ways[] = {"/etc/passwd", "../../etc/passwd", "sub/../../../etc/passwd", "outside", "/proc/self/exe"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        assert_int_equal(opened(fixture, ways[i]), -ENOENT);
    assert_int_equal(opened(fixture, "inside"), 0);
}

static void test_what_is_no_regular_file_is_not_there(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(mkfifo(in(fixture, "fifo"), 0600), 0);
    static const char *const names[] = {"fifo", "sub", "", "absent", "plain/x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(opened(fixture, names[i]), -ENOENT);
    char long_name[5000];
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(opened(fixture, long_name), -ENOENT);
}

static void test_a_folder_that_is_missing_is_told_apart(void **state) {
    struct fixture *fixture = *state;
    file_open(fixture->file, "/nowhere/at/all", "plain");
    turn_until(&fixture->core, fixture->done_count == 1);
    assert_int_equal(file_result(fixture->file), -ENOTDIR);
}

static void test_one_that_is_let_go_while_the_kernel_works_for_it_is_told_nothing(void **state) {
    struct fixture *fixture = *state;
    struct file *file = file_take(&fixture->core.files, on_done, fixture);
    file_open(file, fixture->folder, "plain");
    file_release(file);
    turns(&fixture->core, 1);
    file = file_take(&fixture->core.files, on_done, fixture);
    file_open(file, fixture->folder, "plain");
    turns(&fixture->core, 1); // the folder is open by now
    file_release(file);
    turn_until(&fixture->core, ring_in_flight(fixture->core.ring) == 0);
    assert_int_equal(fixture->done_count, 0);

    assert_int_equal(opened(fixture, "plain"), 0);
    unsigned before = fixture->done_count;
    file_read(fixture->file, 0, 10);
    file_release(fixture->file);
    turn_until(&fixture->core, ring_in_flight(fixture->core.ring) == 0);
    assert_int_equal(fixture->done_count, before);
    fixture->file = NULL;
    assert_true(list_is_empty(&fixture->core.files.live));
}

static void test_the_memory_of_some_is_kept(void **state) {
    struct fixture *fixture = *state;
    struct file *files[FILE_SPARES_MAX + 4];
    for (size_t i = 0; i < FILE_SPARES_MAX + 4; i++)
        files[i] = file_take(&fixture->core.files, on_done, fixture);
    for (size_t i = 0; i < FILE_SPARES_MAX + 4; i++)
        file_release(files[i]);
    assert_int_equal(fixture->core.files.spare_count, FILE_SPARES_MAX);
}

static void test_an_error_of_the_disk_is_the_result(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(opened(fixture, "plain"), 0);
    ring_inject(fixture->core.ring, RING_READ, 1, -EIO);
    assert_int_equal(read_at(fixture, 0, 10), -EIO);
    ring_inject(fixture->core.ring, RING_OPEN, 2, -EMFILE);
    assert_int_equal(opened(fixture, "plain"), -EMFILE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_is_read_in_pieces_from_anywhere),
        TEST(test_nothing_leads_out_of_the_folder),
        TEST(test_what_is_no_regular_file_is_not_there),
        TEST(test_a_folder_that_is_missing_is_told_apart),
        TEST(test_one_that_is_let_go_while_the_kernel_works_for_it_is_told_nothing),
        TEST(test_the_memory_of_some_is_kept),
        TEST(test_an_error_of_the_disk_is_the_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
