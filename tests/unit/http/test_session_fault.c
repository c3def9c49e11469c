// test_session_fault.c — the heap fails at every place it is asked, and reads are cut by the kernel: clients are told, and nothing is lost.
#include "base/str.h"
#include "service.h"

#include "http/session_state.h"

/** Only what a turn of the core asks for is counted: from 1, and 0 lets all pass. */
static unsigned failing, asked;

static bool must_fail(void) {
    return service_is_turning && failing && ++asked == failing;
}

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_realloc(void *data, size_t bytes);
void *__wrap_realloc(void *data, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);

void *__wrap_malloc(size_t bytes) {
    return must_fail() ? NULL : __real_malloc(bytes);
}

void *__wrap_realloc(void *data, size_t bytes) {
    return must_fail() ? NULL : __real_realloc(data, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
    return must_fail() ? NULL : __real_aligned_alloc(alignment, bytes);
}

#define HOST "Host: a\r\n"

/** Answers, then possibly the beginning of one that was broken off. */
static void expect_answers(const struct received *received) {
    const char *rest = received->text, *end = rest + received->bytes;
    struct seen seen = {0};
    while (rest < end) {
        const char *head_end = memmem(rest, (size_t)(end - rest), "\r\n\r\n", 4);
        const char *length = head_end ? memmem(rest, (size_t)(head_end - rest), "Content-Length: ", 16) : NULL;
        bool is_whole = head_end && (!length || strtoul(length + 16, NULL, 10) <= (size_t)(end - head_end - 4));
        if (!is_whole)
            return;
        assert_true(seen_take(&rest, end, false, &seen));
        assert_true(seen.status == 200 || seen.status == 503 || seen.status == 100);
    }
}

static void test_any_allocation_may_fail(void **state) {
    (void)state;
    char big[8192];
    memset(big, 'x', sizeof big);
    str pieces[] = {
        str_of("GET / HTTP/1.1\r\n" HOST "\r\nGET / HT"),
        str_of("TP/1.1\r\n" HOST "\r\nPOST /soon HTTP/1.1\r\n" HOST "Content-Length: 8192\r\nExpect: 100-continue\r\n\r\n"),
        {big, sizeof big},
        str_of("GET /bytes?20000 HTTP/1.1\r\n" HOST "\r\nGET /field?3000 HTTP/1.1\r\n" HOST "\r\nGET /soon HTTP/1.1\r\n" HOST "\r\n"),
    };
    unsigned failures = 0;
    for (unsigned nth = 1; nth < 200; nth++) {
        struct service service;
        service_open(&service, &http_limits_default, 0); // with empty pools
        service.idle_ms = 50;
        asked = 0;
        failing = nth;
        struct received received = client_exchange_pieces(&service, pieces, 4);
        failing = 0;
        expect_answers(&received);
        free(received.text);
        received = client_exchange(&service, str_of("GET / HTTP/1.1\r\n" HOST "\r\n"));
        assert_non_null(strstr(received.text, "hello"));
        free(received.text);
        service_until(&service, listener_conn_count(service.listener) == 0);
        assert_int_equal(((struct session_core *)service.core.http)->body_memory, 0);
        service_close(&service);
        failures = nth;
        if (asked < nth)
            break;
    }
    print_message("# the heap was asked %u times\n", failures - 1);
    assert_true(failures > 5 && failures < 200);
}

static void test_reads_that_fail_end_the_connection_or_are_tried_again(void **state) {
    static const int results[] = {-ENOBUFS, -ECONNRESET, -EINTR, -ETIMEDOUT, -ECANCELED};
    (void)state;
    for (unsigned i = 0; i < sizeof results / sizeof *results; i++) {
        struct service service;
        service_open(&service, &http_limits_default, 0);
        service.idle_ms = 50;
        ring_inject(service.core.ring, RING_RECV, 1, results[i]);
        struct received received = client_exchange(&service, str_of("GET / HTTP/1.1\r\n" HOST "\r\n"));
        if (received.bytes)
            assert_non_null(strstr(received.text, "hello"));
        free(received.text);
        received = client_exchange(&service, str_of("GET / HTTP/1.1\r\n" HOST "\r\n"));
        assert_non_null(strstr(received.text, "hello"));
        free(received.text);
        service_close(&service);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_allocation_may_fail),
        cmocka_unit_test(test_reads_that_fail_end_the_connection_or_are_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
