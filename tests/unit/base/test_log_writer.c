// test_log_writer.c — records through rings to a pipe: nothing waits, what is lost is counted, what is left is flushed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_ring.h"
#include "base/log_writer.h"

static int saved_stderr, ends[2];
static char *text;
static size_t text_bytes;
enum { TEXT_BYTES = 64 << 20 };

static int set_up(void **state) {
    (void)state;
    saved_stderr = dup(STDERR_FILENO);
    text = malloc(TEXT_BYTES);
    text_bytes = 0;
    return pipe(ends) || dup2(ends[1], STDERR_FILENO) < 0;
}

static int tear_down(void **state) {
    (void)state;
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
    free(text);
    return 0;
}

// All that comes until nothing more does for `ms`.
static void read_on(int ms) {
    struct pollfd pipe_end = {.fd = ends[0], .events = POLLIN};
    while (text_bytes < TEXT_BYTES - 1 && poll(&pipe_end, 1, ms) == 1) {
        ssize_t bytes = read(ends[0], text + text_bytes, TEXT_BYTES - 1 - text_bytes);
        if (bytes <= 0)
            break;
        text_bytes += (size_t)bytes;
    }
    text[text_bytes] = '\0';
}

static unsigned lines_with(const char *event) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, " info %s ", event);
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, wanted)); at++)
        count++;
    return count;
}

static void *log_many(void *arg) {
    if (arg)
        log_attach();
    for (unsigned i = 0; i < 2000; i++)
        log_line(LOG_INFO, "line", "i=%u end", i);
    return NULL;
}

static void test_lines_of_many_threads_all_arrive_whole(void **state) {
    (void)state;
    pthread_t threads[6];
    assert_int_equal(log_start(), 0);
    for (uintptr_t i = 0; i < 6; i++) // half of them with a ring of their own
        pthread_create(&threads[i], NULL, log_many, (void *)(i % 2));
    for (unsigned i = 0; i < 20; i++)
        read_on(50);
    for (unsigned i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    read_on(50);
    log_stop();
    read_on(0);
    assert_int_equal(lines_with("line"), 12000);
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
        assert_memory_equal(end - 4, " end", 4);
}

static void test_what_was_logged_is_written_before_the_end(void **state) {
    (void)state;
    assert_int_equal(log_start(), 0);
    for (unsigned i = 0; i < 500; i++)
        log_line(LOG_INFO, "last", "i=%u", i);
    log_stop();
    log_line(LOG_INFO, "after", "it writes itself");
    read_on(0);
    assert_int_equal(lines_with("last"), 500);
    assert_int_equal(lines_with("after"), 1);
}

static void test_a_sink_that_blocks_costs_lines_and_nobody_time(void **state) {
    (void)state;
    assert_int_equal(log_start(), 0);
    log_attach();
    static char long_text[1500];
    memset(long_text, 'x', sizeof long_text - 1);
    int64_t began_ns = clock_monotonic_ns();
    for (unsigned i = 0; i < 4000; i++) // 6 MB: beyond the pipe's 64 KiB and the ring's 1 MiB
        log_line(LOG_INFO, "long", "%s", long_text);
    assert_true(clock_monotonic_ns() - began_ns < 2000000000);
    uint64_t drop_count = log_drop_count();
    assert_true(drop_count > 2000);

    read_on(100); // somebody reads on
    log_line(LOG_INFO, "again", NULL);
    read_on(100);
    log_stop();
    read_on(0);

    assert_int_equal(lines_with("long") + drop_count, 4000);
    assert_int_equal(lines_with("again"), 1);
    uint64_t said = 0;
    for (const char *at = text; (at = strstr(at, " warning log_dropped lines=")); at++)
        said += strtoull(strchr(at, '=') + 1, NULL, 10);
    assert_int_equal(said, drop_count);
}

static void test_the_end_does_not_wait_for_a_sink_that_blocks(void **state) {
    (void)state;
    pid_t child = fork(); // its writer is left stuck
    if (child == 0) {
        static char long_text[1500];
        memset(long_text, 'x', sizeof long_text - 1);
        log_start();
        for (unsigned i = 0; i < 200; i++)
            log_line(LOG_INFO, "long", "%s", long_text);
        log_stop();
        _exit(7);
    }
    int64_t began_ns = clock_monotonic_ns();
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    assert_true(clock_monotonic_ns() - began_ns < 2 * LOG_FLUSH_MS * 1000000LL);
}

static void test_a_sink_that_is_gone_is_no_end(void **state) {
    (void)state;
    void (*handler)(int) = signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    assert_int_equal(log_start(), 0);
    uint64_t before = log_drop_count();
    log_line(LOG_INFO, "lost", NULL);
    for (unsigned i = 0; i < 200 && log_drop_count() == before; i++)
        poll(NULL, 0, 10);
    assert_int_equal(log_drop_count(), before + 1);
    log_stop();
    signal(SIGPIPE, handler);
    ends[0] = open("/dev/null", O_RDONLY);
}

static void test_lines_before_a_crash_are_written(void **state) {
    (void)state;
    static const int signals[] = {SIGABRT, SIGSEGV, SIGFPE};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        pid_t child = fork();
        if (child == 0) {
            signal(signals[i], SIG_DFL); // a sanitizer's own handler is not what is tested
            log_start();
            log_attach();
            log_line(LOG_INFO, "before", "n=%zu", i);
            raise(signals[i]);
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signals[i]);
    }
    read_on(0);
    assert_int_equal(lines_with("before"), sizeof signals / sizeof *signals);
    assert_non_null(strstr(text, " error crashed signal=SIGABRT\n"));
    assert_non_null(strstr(text, " error crashed signal=SIGSEGV\n"));
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
static void *overflow(void *arg) {
    volatile char page[4096];
    page[0] = *(volatile char *)arg;
    char *next = (char *)overflow((void *)page);
    return next + page[0];
}
#pragma GCC diagnostic pop

static void test_a_stack_that_is_used_up_can_still_be_told_of(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        log_start();
        log_attach();
        log_line(LOG_INFO, "deep", NULL);
        overflow((char[]){1});
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    read_on(0);
    assert_int_equal(lines_with("deep"), 1);
    assert_non_null(strstr(text, " error crashed signal=SIGSEGV\n"));
}

// ---- the ring by itself

static void test_a_ring_keeps_order_over_its_end(void **state) {
    (void)state;
    struct log_ring *ring = aligned_alloc(64, sizeof *ring);
    memset(ring, 0, offsetof(struct log_ring, bytes));
    uint64_t put = 0, taken = 0;
    for (unsigned i = 0; i < 100000; i++) {
        uint32_t bytes = (uint32_t)(sizeof(struct log_record) + (i * 40503u >> 4) % 2000) / 8 * 8;
        struct log_record *record = log_ring_reserve(ring, bytes);
        if (record) {
            *record = (struct log_record){.bytes = bytes, .duration_us = put++};
            log_ring_commit(ring, record);
        }
        const struct log_record *oldest;
        while ((!record || i % 7 == 0) && (oldest = log_ring_peek(ring))) {
            assert_int_equal(oldest->duration_us, taken++);
            log_ring_take(ring, oldest);
        }
    }
    assert_true(put > 90000);
    free(ring);
}

static void test_a_full_ring_refuses_and_counts(void **state) {
    (void)state;
    struct log_ring *ring = aligned_alloc(64, sizeof *ring);
    memset(ring, 0, offsetof(struct log_ring, bytes));
    unsigned count = 0;
    struct log_record *record;
    while ((record = log_ring_reserve(ring, 4096))) {
        record->bytes = 4096;
        record->kind = LOG_KIND_LINE;
        log_ring_commit(ring, record);
        count++;
    }
    assert_int_equal(count, LOG_RING_BYTES / 4096);
    assert_int_equal(ring->drop_count, 1);
    log_ring_take(ring, log_ring_peek(ring));
    assert_non_null(log_ring_reserve(ring, 4096));
    free(ring);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_of_many_threads_all_arrive_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_logged_is_written_before_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_sink_that_blocks_costs_lines_and_nobody_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_end_does_not_wait_for_a_sink_that_blocks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_sink_that_is_gone_is_no_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines_before_a_crash_are_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_stack_that_is_used_up_can_still_be_told_of, set_up, tear_down),
        cmocka_unit_test(test_a_ring_keeps_order_over_its_end),
        cmocka_unit_test(test_a_full_ring_refuses_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
