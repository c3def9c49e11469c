// test_session_read.c — requests through a socket: the same answers whole, cut at every byte, and byte by byte.
#include "base/str.h"
#include "service.h"

#include "cases.h"

#include "http/parser.h"

static struct service service;
static unsigned parse_calls;
static size_t parsed_bytes;

int64_t __real_http_head_parse(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *scratch,
                               struct http_refusal *ret_refusal);
int64_t __wrap_http_head_parse(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *scratch,
                               struct http_refusal *ret_refusal);

int64_t __wrap_http_head_parse(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *scratch,
                               struct http_refusal *ret_refusal) {
    parse_calls++;
    parsed_bytes += bytes;
    return __real_http_head_parse(data, bytes, limits, scratch, ret_refusal);
}

#define HOST "Host: a\r\n"
/** Whole conversations, each with the statuses of its answers. */
static const struct {
    const char *text, *statuses;
} conversations[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", "200"},
    {"GET / HTTP/1.1\r\n" HOST "\r\nGET /x HTTP/1.1\r\n" HOST "\r\nGET /soon HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
     "200 404 200 200"},
    {"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "200 200"},
    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n" HOST "\r\n", "200 200"},
    {"POST /soon?a HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloPOST /soon?b HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
     "200 200 200"},
    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "200 200"},
    {"POST /refuse HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n" HOST "\r\n", "401 200"},
    {"POST /refuse HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "401 200"},
    {"POST /small HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n",
     "200 413"},
    {"POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n2\r\nab\r\n0\r\n\r\n", "413"},
    {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX", "400"},
    {"GET / HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "200 400"},
    {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "200"},
    {"GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n", "200"},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n", "200 200"},
    {"GET /nothing HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "204 200"},
    {"GET / HTTP/1.1\r\n" HOST, ""},
    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhell", ""},
};
enum { CONVERSATIONS = sizeof conversations / sizeof *conversations };

static void expect_same(const struct received *received, const struct received *whole, str text, size_t cut) {
    if (received->bytes != whole->bytes || memcmp(received->text, whole->text, whole->bytes) != 0)
        fail_msg("cut at %zu, %.*s\nwas answered\n%s\ninstead of\n%s", cut, (int)text.len, text.ptr, received->text, whole->text);
}

static void expect_same_at_every_cut(str text) {
    struct received whole = client_exchange(&service, text);
    for (size_t cut = 1; cut < text.len; cut++) {
        str pieces[] = {{text.ptr, cut}, {text.ptr + cut, text.len - cut}};
        struct received received = client_exchange_pieces(&service, pieces, 2);
        expect_same(&received, &whole, text, cut);
        free(received.text);
    }
    free(whole.text);
}

static void expect_same_byte_by_byte(str text) {
    struct received whole = client_exchange(&service, text);
    str *bytes = calloc(text.len, sizeof *bytes);
    for (size_t i = 0; i < text.len; i++)
        bytes[i] = (str){text.ptr + i, 1};
    struct received received = client_exchange_pieces(&service, bytes, text.len);
    expect_same(&received, &whole, text, 0);
    free(received.text);
    free(bytes);
    free(whole.text);
}

static void test_conversations_are_answered_in_their_order(void **state) {
    (void)state;
    for (unsigned i = 0; i < CONVERSATIONS; i++) {
        struct received received = client_exchange(&service, str_of(conversations[i].text));
        if (strcmp(received_statuses(&received), conversations[i].statuses) != 0)
            fail_msg("%s\nwas answered\n%s", conversations[i].text, received.text);
        free(received.text);
    }
}

static void test_conversations_are_answered_alike_cut_at_every_byte(void **state) {
    (void)state;
    for (unsigned i = 0; i < CONVERSATIONS; i++)
        expect_same_at_every_cut(str_of(conversations[i].text));
}

static void test_conversations_are_answered_alike_byte_by_byte(void **state) {
    (void)state;
    for (unsigned i = 0; i < CONVERSATIONS; i++)
        expect_same_byte_by_byte(str_of(conversations[i].text));
}

/** Refused heads are answered with their status and Connection: close. */
static void test_refused_heads_are_answered_and_the_connection_closed(void **state) {
    (void)state;
    for (unsigned i = 0; i < HEAD_CASES; i++) {
        if (!head_cases[i].status)
            continue;
        struct received received = client_exchange(&service, head_cases[i].head);
        const char *rest = received.text, *end = rest + received.bytes;
        struct seen seen = {0};
        assert_true(seen_take(&rest, end, false, &seen));
        if (seen.status != head_cases[i].status || !seen.closes || rest != end)
            fail_msg("%.*s\nwas answered\n%s", (int)head_cases[i].head.len, head_cases[i].head.ptr, received.text);
        assert_string_equal(seen_field(&seen, "Content-Type"), "application/json");
        assert_memory_equal(seen.body, "{\"detail\":\"", 11);
        free(received.text);
    }
}

static void test_heads_are_answered_alike_cut_at_every_byte(void **state) {
    (void)state;
    for (unsigned i = 0; i < HEAD_CASES; i++)
        expect_same_at_every_cut(head_cases[i].head);
}

static void test_heads_are_answered_alike_byte_by_byte(void **state) {
    (void)state;
    for (unsigned i = 0; i < HEAD_CASES; i++)
        expect_same_byte_by_byte(head_cases[i].head);
}

static void test_a_head_byte_by_byte_is_parsed_once_a_line(void **state) {
    (void)state;
    enum { VALUE_BYTES = 20000 };
    char *text = malloc(VALUE_BYTES + 1024), *end = stpcpy(text, "GET / HTTP/1.1\r\n" HOST "X: ");
    memset(end, 'x', VALUE_BYTES);
    end = stpcpy(end + VALUE_BYTES, "\r\nY: z\r\n\r\n");
    size_t bytes = (size_t)(end - text);
    str *pieces = calloc(bytes, sizeof *pieces);
    for (size_t i = 0; i < bytes; i++)
        pieces[i] = (str){text + i, 1};
    parse_calls = 0;
    parsed_bytes = 0;

    struct received received = client_exchange_pieces(&service, pieces, bytes);

    assert_string_equal(received_statuses(&received), "200");
    assert_true(parse_calls <= 6 + VALUE_BYTES / 4096 + 1); // the first byte, five lines, and each 4 KiB of the long one
    assert_true(parsed_bytes < 8 * bytes);
    free(received.text);
    free(pieces);
    free(text);
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
        cmocka_unit_test(test_conversations_are_answered_in_their_order),
        cmocka_unit_test(test_conversations_are_answered_alike_cut_at_every_byte),
        cmocka_unit_test(test_conversations_are_answered_alike_byte_by_byte),
        cmocka_unit_test(test_refused_heads_are_answered_and_the_connection_closed),
        cmocka_unit_test(test_heads_are_answered_alike_cut_at_every_byte),
        cmocka_unit_test(test_heads_are_answered_alike_byte_by_byte),
        cmocka_unit_test(test_a_head_byte_by_byte_is_parsed_once_a_line),
    };
    return cmocka_run_group_tests(tests, open_service, close_service);
}
