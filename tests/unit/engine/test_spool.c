// test_spool.c — temporary files: written and read beside the core, and gone however their owner ends.
#include "world.h"

#include <string.h>

#include "engine/spool.h"

enum { WAIT_NS = 5000000 };

static struct ring *ring;
static struct spool_pool pool;
static unsigned done_count, idle_count;

static void on_done(void *arg) {
    (void)arg;
    done_count++;
}

static void on_idle(void *arg) {
    (void)arg;
    idle_count++;
}

static int set_up(void **state) {
    (void)state;
    struct ring_options options = {.sq_entries = 16, .cq_entries = 32, .buffer_count = 4, .buffer_bytes = 64};
    done_count = idle_count = 0;
    assert_int_equal(ring_create(&options, &ring), 0);
    assert_int_equal(spool_pool_init(&pool, ring, "/tmp"), 0);
    pool.on_idle = on_idle;
    return 0;
}

static void turn_until_idle(void) {
    for (int turn = 0; turn < TURNS_MAX && (pool.live_count || ring_in_flight(ring)); turn++)
        assert_true(ring_turn(ring, WAIT_NS) >= 0);
    assert_int_equal(pool.live_count, 0);
}

static int tear_down(void **state) {
    (void)state;
    turn_until_idle();
    for (int turn = 0; turn < 3; turn++)
        ring_turn(ring, 0);
    spool_pool_finish(&pool);
    ring_destroy(ring);
    return 0;
}

static int result_of(struct spool *spool) {
    for (int turn = 0; turn < TURNS_MAX && spool->is_busy; turn++)
        assert_true(ring_turn(ring, WAIT_NS) >= 0);
    assert_false(spool->is_busy);
    return spool->result;
}

static struct spool_file new_file(struct spool *spool) {
    spool_create(spool);
    int fd = result_of(spool);
    assert_true(fd >= 0);
    return (struct spool_file){.fd = fd};
}

static int write_chunk(struct spool *spool, struct spool_file *file, char c, size_t bytes) {
    memset(spool->chunk, c, bytes);
    spool->filled = bytes;
    spool_write(spool, file);
    return result_of(spool);
}

static void test_what_is_written_is_read(void **state) {
    (void)state;
    struct spool *spool = spool_take(&pool, on_done, NULL);
    struct spool_file file = new_file(spool);
    assert_int_equal(write_chunk(spool, &file, 'a', SPOOL_CHUNK_BYTES), 0);
    assert_int_equal(write_chunk(spool, &file, 'b', 10), 0);
    assert_int_equal(file.bytes, SPOOL_CHUNK_BYTES + 10);
    assert_int_equal(pool.bytes, SPOOL_CHUNK_BYTES + 10);
    spool_read(spool, &file, SPOOL_CHUNK_BYTES - 1);
    assert_int_equal(result_of(spool), 11);
    assert_memory_equal(spool->chunk, "abbbbbbbbbb", 11);
    spool_read(spool, &file, file.bytes);
    assert_int_equal(result_of(spool), 0);
    spool_close(&pool, &file);
    spool_release(spool);
    assert_int_equal(pool.bytes, 0);
    assert_int_equal(pool.file_count, 0);
    assert_int_equal(idle_count, 1);
}

static void test_a_disk_that_fails_says_so(void **state) {
    (void)state;
    struct spool *spool = spool_take(&pool, on_done, NULL);
    struct spool_file file = new_file(spool);
    ring_inject(ring, RING_WRITE, 1, -ENOSPC);
    assert_int_equal(write_chunk(spool, &file, 'a', 100), -ENOSPC);
    ring_inject(ring, RING_READ, 1, -EIO);
    spool_read(spool, &file, 0);
    assert_int_equal(result_of(spool), -EIO);
    ring_inject(ring, RING_OPEN, 1, -EMFILE);
    spool_create(spool);
    assert_int_equal(result_of(spool), -EMFILE);
    assert_int_equal(pool.file_count, 1);
    spool_close(&pool, &file);
    spool_release(spool);
}

static void test_a_disk_that_takes_a_part_is_given_the_rest(void **state) {
    (void)state;
    struct spool *spool = spool_take(&pool, on_done, NULL);
    struct spool_file file = new_file(spool);
    ring_inject(ring, RING_WRITE, 1, 60); // it says so; the hole is what it did not write
    assert_int_equal(write_chunk(spool, &file, 'a', 100), 0);
    spool_read(spool, &file, 60);
    assert_int_equal(result_of(spool), 40);
    spool_close(&pool, &file);
    spool_release(spool);
}

static void test_bytes_and_files_have_a_bound(void **state) {
    (void)state;
    struct spool *spool = spool_take(&pool, on_done, NULL);
    struct spool_file file = new_file(spool);
    pool.file_count_max = 1;
    pool.bytes_max = 150;
    pool.live_count_max = 1;
    assert_null(spool_take(&pool, on_done, NULL));
    spool_create(spool);
    assert_int_equal(result_of(spool), -ENFILE);
    assert_int_equal(write_chunk(spool, &file, 'a', 100), 0);
    assert_int_equal(write_chunk(spool, &file, 'a', 51), -EDQUOT);
    assert_int_equal(write_chunk(spool, &file, 'a', 50), 0);
    spool_close(&pool, &file);
    spool_release(spool);
}

static void test_a_spool_that_is_released_busy_stays_until_the_kernel_is_done(void **state) {
    (void)state;
    struct spool *spool = spool_take(&pool, on_done, NULL);
    struct spool_file file = new_file(spool);
    unsigned before = done_count;
    spool->filled = SPOOL_CHUNK_BYTES;
    spool_write(spool, &file);
    spool_close(&pool, &file);
    spool_release(spool);
    assert_int_equal(pool.live_count, 1);
    turn_until_idle();
    assert_int_equal(done_count, before);
    assert_int_equal(idle_count, 1);
}

static void test_a_file_that_comes_too_late_is_closed(void **state) {
    (void)state;
    struct spool *spool = spool_take(&pool, on_done, NULL);
    spool_create(spool);
    spool_release(spool);
    assert_int_equal(pool.file_count, 1);
    turn_until_idle();
    assert_int_equal(pool.file_count, 0);
}

static void test_without_a_folder_no_file_is_made(void **state) {
    (void)state;
    struct spool_pool nowhere;
    assert_int_equal(spool_pool_init(&nowhere, ring, "/no/such/folder"), -ENOENT);
    struct spool *spool = spool_take(&nowhere, on_done, NULL);
    spool_create(spool);
    assert_int_equal(result_of(spool), -ENOENT);
    spool_release(spool);
    spool_pool_finish(&nowhere);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_disk_that_fails_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_disk_that_takes_a_part_is_given_the_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bytes_and_files_have_a_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_spool_that_is_released_busy_stays_until_the_kernel_is_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_comes_too_late_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_folder_no_file_is_made, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
