// test_answer.c — answers of every size and kind, as a client reads them.
#include "service.h"

static struct service service;

static struct seen ask(const char *request_line, struct received *received) {
    char text[512];
    snprintf(text, sizeof text, "%s\r\nHost: a\r\n\r\n", request_line);
    return client_ask(&service, text, received);
}

static void test_an_answer_is_status_date_fields_length_and_body(void **state) {
    (void)state;
    struct received received;
    ask("GET / HTTP/1.1", &received);
    assert_string_equal(received.text, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
                                       "Content-Length: 5\r\n\r\nhello");
    free(received.text);
}

static void test_bodies_of_every_size_arrive_as_long_as_announced(void **state) {
    static const size_t sizes[] = {0, 1, 9, 10, 99, 100, 999, 1000, 4095, 4096, 4097, 10000, 65536, 999999, 1000000, 5000000};
    (void)state;
    char line[64];
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct received received;
        snprintf(line, sizeof line, "GET /bytes?%zu HTTP/1.1", sizes[i]);
        struct seen seen = ask(line, &received);
        assert_int_equal(seen.status, 200);
        assert_int_equal(seen.body_bytes, sizes[i]);
        for (size_t at = 0; at < seen.body_bytes; at++)
            assert_int_equal(seen.body[at], 'x');
        free(received.text);
    }
}

static void test_head_is_answered_by_the_length_without_the_body(void **state) {
    static const size_t sizes[] = {0, 5, 4096, 5000, 1000000};
    (void)state;
    char line[64], length[32];
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct received received;
        snprintf(line, sizeof line, "HEAD /bytes?%zu HTTP/1.1", sizes[i]);
        struct seen seen = ask(line, &received);
        snprintf(length, sizeof length, "%zu", sizes[i]);
        assert_string_equal(seen_field(&seen, "Content-Length"), length);
        assert_int_equal(received.bytes, seen.head_bytes + 2);
        free(received.text);
    }
}

static void test_fields_may_be_longer_than_the_room_a_head_begins_with(void **state) {
    static const size_t sizes[] = {0, 100, 400, 500, 512, 5000, 100000};
    (void)state;
    char line[64];
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct received received;
        snprintf(line, sizeof line, "GET /field?%zu HTTP/1.1", sizes[i]);
        struct seen seen = ask(line, &received);
        assert_string_equal(seen_field(&seen, "Z"), "2");
        assert_true(seen.head_bytes > sizes[i]);
        expect_body(&seen, "after");
        free(received.text);
    }
}

static void test_a_status_without_a_body_announces_none(void **state) {
    (void)state;
    struct received received;
    struct seen seen = ask("GET /nothing HTTP/1.1", &received);
    assert_int_equal(seen.status, 204);
    assert_string_equal(seen_field(&seen, "X"), "y");
    assert_int_equal(received.bytes, seen.head_bytes + 2);
    free(received.text);

    seen = ask("GET /status?304 HTTP/1.1", &received);
    assert_int_equal(received.bytes, seen.head_bytes + 2);
    assert_null(seen_field(&seen, "Content-Length"));
    free(received.text);
}

static void test_details_are_json_texts(void **state) {
    (void)state;
    struct received received;
    struct seen seen = ask("GET /none HTTP/1.1", &received);
    assert_int_equal(seen.status, 404);
    assert_string_equal(seen_field(&seen, "Content-Type"), "application/json");
    expect_body(&seen, "{\"detail\":\"Not Found\"}");
    free(received.text);

    seen = client_ask(&service, "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", &received);
    assert_int_equal(seen.status, 401);
    assert_string_equal(seen_field(&seen, "WWW-Authenticate"), "Bearer");
    expect_body(&seen, "{\"detail\":\"Not \\\"you\\\"\\u000a\"}");
    free(received.text);
}

static void test_an_unnamed_status_is_answered_without_a_reason(void **state) {
    (void)state;
    struct received received;
    struct seen seen = ask("GET /status?299 HTTP/1.1", &received);
    assert_memory_equal(received.text, "HTTP/1.1 299 \r\n", 15);
    expect_body(&seen, "body");
    free(received.text);
}

static void test_the_target_reaches_the_app(void **state) {
    (void)state;
    struct received received;
    struct seen seen = ask("DELETE http://b:81/target?q HTTP/1.1", &received);
    expect_body(&seen, "DELETE|/target|q|b:81");
    free(received.text);
    seen = ask("PUT /target HTTP/1.1", &received);
    expect_body(&seen, "PUT|/target||a");
    free(received.text);
}

static int open_service(void **state) {
    (void)state;
    service_open(&service, &http_limits_default, 0);
    return 0;
}

static int close_service(void **state) {
    (void)state;
    service_close(&service);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_is_status_date_fields_length_and_body),
        cmocka_unit_test(test_bodies_of_every_size_arrive_as_long_as_announced),
        cmocka_unit_test(test_head_is_answered_by_the_length_without_the_body),
        cmocka_unit_test(test_fields_may_be_longer_than_the_room_a_head_begins_with),
        cmocka_unit_test(test_a_status_without_a_body_announces_none),
        cmocka_unit_test(test_details_are_json_texts),
        cmocka_unit_test(test_an_unnamed_status_is_answered_without_a_reason),
        cmocka_unit_test(test_the_target_reaches_the_app),
    };
    return cmocka_run_group_tests(tests, open_service, close_service);
}
