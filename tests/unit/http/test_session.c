// test_session.c — the life of a connection: what is answered when, what is dropped, what waits, and when it ends.
#include "base/str.h"
#include "service.h"

#include "http/session_state.h"

static struct service service;

#define HOST "Host: a\r\n"

static uint64_t body_memory(void) {
    return ((struct session_core *)service.core.http)->body_memory;
}

static int client_say(const char *text) {
    struct received received = {0};
    int fd = client_open(&service);
    client_send(&service, fd, str_of(text), &received);
    free(received.text);
    return fd;
}

static void say_more(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    service_turns(&service, 3);
}

/** Turns until the client has read `text`, which may be the beginning of an answer, and returns all it has read. */
static struct received read_until(int fd, const char *text) {
    struct received received = {0};
    client_read(fd, &received);
    for (int turn = 0; turn < TURNS_MAX && !strstr(received.text, text) && !received.is_end; turn++) {
        service_turn(&service, turn);
        client_read(fd, &received);
    }
    if (!strstr(received.text, text))
        fail_msg("%s instead of %s", received.text, text);
    return received;
}

static void expect_read(int fd, const char *text) {
    struct received received = read_until(fd, text);
    free(received.text);
}

/** Nothing has come, and the connection is open. */
static void expect_silence(int fd) {
    struct received received = {0};
    service_turns(&service, 5);
    client_read(fd, &received);
    assert_int_equal(received.bytes, 0);
    assert_false(received.is_end);
    free(received.text);
}

/** The server closes, and `text` is the end of what it sent; empty: without a byte. */
static void expect_end(int fd, const char *text) {
    struct received received = {0};
    client_read_to_end(&service, fd, &received);
    if (!*text ? received.bytes : !strstr(received.text, text))
        fail_msg("'%s' instead of '%s'", received.text, text);
    free(received.text);
    close(fd);
}

static char *repeated(const char *piece, size_t times) {
    size_t bytes = strlen(piece);
    char *text = malloc(bytes * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * bytes, piece, bytes);
    text[bytes * times] = '\0';
    return text;
}

// ---- keeping and closing

static void test_a_connection_stays_for_the_next_request(void **state) {
    (void)state;
    int fd = client_say("GET / HTTP/1.1\r\n" HOST "\r\n");
    struct received received = read_until(fd, "hello");
    assert_null(strstr(received.text, "Connection:"));
    free(received.text);
    say_more(fd, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    expect_end(fd, "Connection: close\r\n");
}

static void test_http10_is_told_whether_its_connection_stays(void **state) {
    (void)state;
    int fd = client_say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect_read(fd, "Connection: keep-alive\r\n");
    say_more(fd, "GET / HTTP/1.0\r\n\r\n");
    expect_end(fd, "Connection: close\r\n");
}

static void test_an_idle_connection_holds_no_buffer(void **state) {
    (void)state;
    int fd = client_say("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n");
    service_turns(&service, 3);
    say_more(fd, "bodyGET / HT");
    expect_read(fd, "body");
    assert_non_null(service.last->input.data);
    say_more(fd, "TP/1.1\r\n" HOST "\r\n");
    expect_read(fd, "hello");

    assert_null(service.last->input.data);
    assert_null(service.last->kept.data);
    assert_int_equal(body_memory(), 0);
    assert_true(sizeof(struct session) <= 512);
    close(fd);
}

static void test_pipelined_answers_leave_together(void **state) {
    (void)state;
    char *text = repeated("GET / HTTP/1.1\r\n" HOST "\r\n", 16);
    int fd = client_say(text);
    char buffer[8192];
    ssize_t got = -1;
    for (int turn = 0; turn < TURNS_MAX && got < 0; turn++) {
        service_turn(&service, turn);
        got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    }
    assert_int_equal(got % 16, 0);
    assert_int_equal(got / 16, strlen("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
                                      "Content-Length: 5\r\n\r\nhello"));
    free(text);
    close(fd);
}

static void test_a_late_answer_keeps_its_place(void **state) {
    (void)state;
    int fd = client_say("GET /hold?1 HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
    service_until(&service, service.held);
    unsigned requests = service.requests;
    expect_silence(fd);
    assert_int_equal(service.requests, requests);

    app_answer_pending(service.held);

    struct received received = read_until(fd, "hello");
    assert_true(strstr(received.text, "/hold?1:") < strstr(received.text, "hello"));
    free(received.text);
    close(fd);
}

// ---- 100-continue

static void test_the_body_is_asked_for_once_the_app_agrees(void **state) {
    (void)state;
    int fd = client_say("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    struct received received = read_until(fd, "\r\n\r\n");
    assert_string_equal(received.text, "HTTP/1.1 100 Continue\r\n\r\n");
    free(received.text);
    say_more(fd, "body");
    received = read_until(fd, "body");
    assert_memory_equal(received.text, "HTTP/1.1 200 OK\r\n", 17);
    free(received.text);
    close(fd);
}

static void test_a_body_that_is_here_is_not_asked_for(void **state) {
    (void)state;
    int fd = client_say("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\nbo");
    expect_silence(fd);
    say_more(fd, "dy");
    struct received received = read_until(fd, "body");
    assert_memory_equal(received.text, "HTTP/1.1 200 OK\r\n", 17);
    free(received.text);
    close(fd);
}

static void test_a_body_that_is_not_wanted_is_not_asked_for(void **state) {
    (void)state;
    int fd = client_say("POST /refuse HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    expect_end(fd, "HTTP/1.1 401 Unauthorized\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n");
    fd = client_say("POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n");
    expect_end(fd, "HTTP/1.1 413 ");
}

static void test_http10_is_not_sent_a_100(void **state) {
    (void)state;
    int fd = client_say("POST /echo HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    expect_silence(fd);
    close(fd);
}

// ---- bodies that nobody wants

static void test_a_refused_body_of_64_kib_is_dropped(void **state) {
    (void)state;
    char *body = repeated("x", 65536);
    int fd = client_say("POST /refuse HTTP/1.1\r\n" HOST "Content-Length: 65536\r\n\r\n");
    struct received received = read_until(fd, "Not \\\"you");
    assert_null(strstr(received.text, "Connection: close"));
    free(received.text);
    received = (struct received){0};
    client_send(&service, fd, str_of(body), &received);
    free(received.text);
    say_more(fd, "GET / HTTP/1.1\r\n" HOST "\r\n");
    expect_read(fd, "hello");
    free(body);
    close(fd);
}

static void test_a_longer_refused_body_ends_the_connection(void **state) {
    (void)state;
    int fd = client_say("POST /refuse HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n");
    expect_end(fd, "Connection: close\r\n");
}

static void test_refused_chunks_are_dropped_up_to_what_a_body_may_be(void **state) {
    (void)state;
    char *chunks = repeated("8\r\nxxxxxxxx\r\n", 8192);
    struct received received = {0};
    service.limits.body_bytes_max = 2 * 65536;
    int fd = client_say("POST /refuse HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    expect_read(fd, "Not \\\"you");
    client_send(&service, fd, str_of(chunks), &received);
    client_send(&service, fd, str_of(chunks), &received);
    say_more(fd, "0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
    expect_read(fd, "hello");

    say_more(fd, "POST /refuse HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    expect_read(fd, "Not \\\"you");
    for (int i = 0; i < 3; i++)
        client_send(&service, fd, str_of(chunks), &received);
    expect_end(fd, "");
    service.limits.body_bytes_max = http_limits_default.body_bytes_max;
    free(received.text);
    free(chunks);
}

static void test_a_client_that_still_sends_reads_its_413(void **state) {
    (void)state;
    char *body = repeated("x", 8 << 20);
    struct received received = {0};
    int fd = client_say("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 8388608\r\n\r\n");
    client_send(&service, fd, str_of(body), &received);
    shutdown(fd, SHUT_WR);
    client_read_to_end(&service, fd, &received);
    assert_non_null(strstr(received.text, "HTTP/1.1 413 "));
    assert_non_null(strstr(received.text, "Connection: close\r\n"));
    free(received.text);
    free(body);
    close(fd);
}

// ---- time

static void test_a_head_has_ten_seconds_from_its_first_byte(void **state) {
    (void)state;
    int fd = client_say("G");
    service_turns(&service, 3);
    for (int second = 0; second < 9; second++) {
        service_pass(&service, 1000);
        say_more(fd, &"ET / HTTP"[second]);
    }
    expect_silence(fd);
    service_pass(&service, 1100);
    expect_end(fd, "HTTP/1.1 408 Request Timeout\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n");
}

static void test_a_body_has_thirty_seconds_from_its_last_byte(void **state) {
    (void)state;
    unsigned gones = service.gones;
    int fd = client_say("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
    service_turns(&service, 3);
    char *piece = repeated("x", 20000);
    for (int i = 0; i < 3; i++) {
        service_pass(&service, 29000);
        say_more(fd, piece);
    }
    free(piece);
    expect_silence(fd);
    assert_int_equal(service.gones, gones);
    service_pass(&service, 30100);
    expect_end(fd, "HTTP/1.1 408 Request Timeout\r\n");
    assert_int_equal(service.gones, gones + 1);
    assert_int_equal(body_memory(), 0);
}

static void test_a_body_must_come_at_500_bytes_a_second(void **state) {
    (void)state;
    int fd = client_say("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
    service_turns(&service, 3);
    for (int i = 0; i < 29; i++) {
        service_pass(&service, 1000);
        say_more(fd, "x");
    }
    expect_silence(fd);
    service_pass(&service, 1300);
    expect_end(fd, "HTTP/1.1 408 ");
}

static void test_a_body_that_is_dropped_has_thirty_seconds_too(void **state) {
    (void)state;
    int fd = client_say("POST /refuse HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n");
    expect_read(fd, "Not \\\"you");
    service_pass(&service, 30100);
    expect_end(fd, "");
}

static void test_an_idle_connection_is_closed_without_a_word(void **state) {
    (void)state;
    int silent = client_open(&service);
    int fd = client_say("GET / HTTP/1.1\r\n" HOST "\r\n");
    expect_read(fd, "hello");
    service_pass(&service, 59000);
    expect_silence(fd);
    expect_silence(silent);
    service_pass(&service, 1100);
    expect_end(fd, "");
    expect_end(silent, "");
}

static void test_a_request_that_is_handled_has_no_deadline_of_ours(void **state) {
    (void)state;
    int fd = client_say("GET /hold HTTP/1.1\r\n" HOST "\r\nGET / HT");
    service_until(&service, service.held);
    service_pass(&service, 600000);
    expect_silence(fd);
    app_answer_pending(service.held);
    expect_read(fd, "/hold:");
    service_pass(&service, 9000); // what waited has its ten seconds now
    expect_silence(fd);
    service_pass(&service, 1100);
    expect_end(fd, "HTTP/1.1 408 ");
}

static void test_the_408_to_a_head_has_a_body_whatever_came_before(void **state) {
    (void)state;
    int fd = client_say("HEAD / HTTP/1.1\r\n" HOST "\r\n");
    expect_read(fd, "\r\n\r\n");
    say_more(fd, "GET");
    service_pass(&service, 10100);
    expect_end(fd, "{\"detail\":\"Request Timeout\"}");
}

// ---- fairness and limits

static void test_one_turn_makes_a_limited_number_of_answers(void **state) {
    (void)state;
    char *text = repeated("GET / HTTP/1.1\r\n" HOST "\r\n", 110); // less than a buffer of the ring
    int fd = client_say(text);
    unsigned before = service.requests;
    uint64_t first_turn = 0;
    for (int turn = 0; turn < 100 && service.requests - before < 110; turn++) {
        unsigned requests = service.requests;
        service_turns(&service, 1);
        assert_true(service.requests - requests <= 32);
        if (!first_turn && service.requests > before)
            first_turn = service.core.turn_count;
    }
    assert_int_equal(service.requests - before, 110);
    assert_int_equal(service.core.turn_count - first_turn, 3); // and none was idle
    free(text);
    close(fd);
}

static void test_a_polite_client_is_served_between_the_turns_of_a_greedy_one(void **state) {
    (void)state;
    char *text = repeated("GET / HTTP/1.1\r\n" HOST "\r\n", 2000);
    int greedy = client_say(text), polite = client_say("GET /target HTTP/1.1\r\n" HOST "\r\n");
    unsigned before = service.requests;
    expect_read(polite, "GET|/target");
    assert_true(service.requests - before < 500);
    free(text);
    close(greedy);
    close(polite);
}

static void test_no_answers_are_made_for_a_client_that_does_not_read(void **state) {
    (void)state;
    char *text = repeated("GET /bytes?100000 HTTP/1.1\r\n" HOST "\r\n", 1000);
    unsigned before = service.requests;
    int fd = client_say(text);
    service_turns(&service, 200);
    unsigned made = service.requests - before;
    assert_true(made > 0 && made < 500); // the kernel's buffers hold some megabytes
    assert_true(conn_output_bytes(session_conn(service.last)) < 200000);

    struct received received = {0};
    shutdown(fd, SHUT_WR);
    client_read_to_end(&service, fd, &received);
    assert_int_equal(service.requests - before, 1000);
    assert_int_equal(received.bytes / 1000, 100000 + strlen("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                                            "Content-Length:     100000\r\n\r\n"));
    free(received.text);
    free(text);
    close(fd);
}

static void test_input_waits_in_the_kernel_while_a_request_is_handled(void **state) {
    (void)state;
    int fd = client_say("GET /hold HTTP/1.1\r\n" HOST "\r\n");
    service_until(&service, service.held);
    char *body = repeated("x", 1 << 20);
    size_t sent = 0;
    for (int turn = 0; turn < 300; turn++) { // a bad request of endless bytes
        ssize_t got = send(fd, body, 1 << 20, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += got > 0 ? (size_t)got : 0;
        service_turns(&service, 1);
    }
    assert_true(sent > WAITING_BYTES_MAX);
    size_t waiting = buffer_bytes(&service.last->input);
    assert_true(waiting > WAITING_BYTES_MAX && waiting < WAITING_BYTES_MAX + (256 << 10));

    app_answer_pending(service.held);
    struct received received = {0};
    client_read_to_end(&service, fd, &received);
    assert_non_null(strstr(received.text, "/hold:"));
    assert_non_null(strstr(received.text, "HTTP/1.1 414 "));
    free(received.text);
    free(body);
    close(fd);
}

static void test_input_that_waited_is_used_when_there_is_more_than_the_limit(void **state) {
    (void)state;
    int fd = client_say("GET /hold HTTP/1.1\r\n" HOST "\r\n");
    service_until(&service, service.held);
    char *text = repeated("GET / HTTP/1.1\r\n" HOST "\r\n", 10000);
    size_t bytes = strlen(text), sent = 0;
    struct received received = {0};
    unsigned before = service.requests;
    bool is_answered = false;
    for (int turn = 0; turn < TURNS_MAX && service.requests - before < 10000; turn++) {
        ssize_t got = sent < bytes ? send(fd, text + sent, bytes - sent, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
        sent += got > 0 ? (size_t)got : 0;
        service_turns(&service, 1);
        client_read(fd, &received);
        if (!is_answered && turn == 50) {
            is_answered = true;
            app_answer_pending(service.held);
        }
    }
    assert_int_equal(service.requests - before, 10000);
    free(received.text);
    free(text);
    close(fd);
}

static void test_a_head_may_be_longer_than_what_may_wait(void **state) {
    (void)state;
    char *value = repeated("x", 3 * WAITING_BYTES_MAX);
    struct received received = {0};
    service.limits.field_bytes_max = 1 << 20;
    int fd = client_say("GET / HTTP/1.1\r\n" HOST "X: ");
    client_send(&service, fd, str_of(value), &received);
    service_turns(&service, 100);
    say_more(fd, "\r\n\r\n");
    expect_read(fd, "hello");
    free(received.text);
    free(value);
    close(fd);
}

static void test_bodies_of_a_core_share_a_limit(void **state) {
    (void)state;
    char *half = repeated("x", 40000);
    struct received received = {0};
    service.limits.body_memory_max = 100000;
    int first = client_say("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 80000\r\n\r\n");
    client_send(&service, first, str_of(half), &received);
    service_turns(&service, 20);
    int second = client_say("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 80000\r\n\r\n");
    client_send(&service, second, str_of(half), &received);
    expect_end(second, "HTTP/1.1 503 Service Unavailable\r\n");

    service.limits.body_memory_max = http_limits_default.body_memory_max;
    client_send(&service, first, str_of(half), &received);
    expect_read(first, "xxx");
    assert_int_equal(body_memory(), 0);
    free(received.text);
    free(half);
    close(first);
}

static void test_a_megabyte_comes_back_as_it_went(void **state) {
    (void)state;
    char *text = malloc((1 << 20) + 128);
    int head_bytes = sprintf(text, "POST /soon?m HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", 1 << 20);
    for (int i = 0; i < 1 << 20; i++)
        text[head_bytes + i] = (char)(i * 7 % 251);
    struct received received = client_exchange(&service, (str){text, (size_t)head_bytes + (1 << 20)});
    const char *body = memmem(received.text, received.bytes, "/soon?m:", 8);
    assert_non_null(body);
    assert_int_equal(received.text + received.bytes - body, 8 + (1 << 20));
    assert_memory_equal(body + 8, text + head_bytes, 1 << 20);
    free(received.text);
    free(text);
}

// ---- the end

static void test_the_app_is_told_when_a_client_has_gone(void **state) {
    (void)state;
    unsigned gones = service.gones;
    int fd = client_say("GET /hold HTTP/1.1\r\n" HOST "\r\n");
    service_until(&service, service.held);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
    service_until(&service, service.gones == gones + 1);
    assert_null(service.held);

    fd = client_say("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nx"); // taken by on_head
    service_turns(&service, 3);
    close(fd);
    service_until(&service, service.gones == gones + 2);

    fd = client_say("GET / HTTP/1.1\r\n" HOST "\r\n"); // answered
    expect_read(fd, "hello");
    close(fd);
    service_until(&service, listener_conn_count(service.listener) == 0);
    assert_int_equal(service.gones, gones + 2);
}

// A clock that passes when nothing happens: the client is looked for a few times.
static void answer_held(void) {
    service.idle_ms = 300;
    service_turns(&service, 5);
    service_pass(&service, 300);
    service_pass(&service, 300);
    assert_non_null(service.held);
    app_answer_pending(service.held);
    service.held = NULL;
}

static void test_a_client_that_ends_its_side_gets_its_answers(void **state) {
    (void)state;
    int fd = client_say("GET /hold HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
    service_until(&service, service.held);
    shutdown(fd, SHUT_WR);
    service_turns(&service, 5);
    expect_silence(fd); // what is answered soon is answered alone
    answer_held();
    struct received received = {0};
    client_read_to_end(&service, fd, &received);
    assert_memory_equal(received.text, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", 41);
    assert_null(strstr(received.text + 8, "HTTP/1.1 100")); // once
    assert_non_null(strstr(received.text, "/hold:"));
    assert_non_null(strstr(received.text, "hello"));
    free(received.text);
    close(fd);
}

static void test_a_client_of_http10_that_ends_its_side_is_told_nothing_but_its_answer(void **state) {
    (void)state;
    int fd = client_say("GET /hold HTTP/1.0\r\n\r\n");
    service_until(&service, service.held);
    shutdown(fd, SHUT_WR);
    answer_held();
    struct received received = {0};
    client_read_to_end(&service, fd, &received);
    assert_memory_equal(received.text, "HTTP/1.1 200 OK\r\n", 17);
    free(received.text);
    close(fd);
}

static void test_a_client_that_closes_while_its_answer_is_made_is_found_to_have_gone(void **state) {
    (void)state;
    unsigned gones = service.gones;
    int fd = client_say("GET /hold HTTP/1.1\r\n" HOST "\r\n");
    service_until(&service, service.held);
    close(fd); // an end, not a reset
    service_turns(&service, 5);
    assert_int_equal(service.gones, gones);
    service.idle_ms = 300;
    service_until(&service, service.gones == gones + 1);
    assert_null(service.held);
}

static void test_a_kept_body_outlives_its_connection(void **state) {
    (void)state;
    service.outlives_gone = true;
    int fd = client_say("POST /hold HTTP/1.1\r\n" HOST "Content-Length: 20000\r\n\r\n");
    service_turns(&service, 3);
    char *body = repeated("0123456789", 2000);
    say_more(fd, body);
    service_until(&service, service.held);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
    service_until(&service, listener_conn_count(service.listener) == 0);

    assert_int_equal(service.held->body.len, 20000);
    assert_memory_equal(service.held->body.ptr, body, 20000);
    assert_int_equal(service.held->head->content_length, 20000);
    assert_true(body_memory() >= 20000);
    app_drop(service.held);
    assert_int_equal(body_memory(), 0);
    service.held = NULL;
    service.outlives_gone = false;
    free(body);
}

static void test_a_client_that_ends_its_side_is_answered_first(void **state) {
    (void)state;
    int fd = client_say("GET /hold HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
    shutdown(fd, SHUT_WR);
    service_until(&service, service.held);
    expect_silence(fd);
    app_answer_pending(service.held);
    expect_end(fd, "hello");
}

static void test_a_draining_server_finishes_what_is_begun(void **state) {
    (void)state;
    struct service draining;
    service_open(&draining, &http_limits_default, 0);
    struct received held = {0}, idle = {0}, partial = {0}, new = {0}, silent = {0};
    int new_fd = client_open(&draining), silent_fd = client_open(&draining);
    int idle_fd = client_open(&draining), held_fd = client_open(&draining), partial_fd = client_open(&draining);
    client_send(&draining, idle_fd, str_of("GET / HTTP/1.1\r\n" HOST "\r\n"), &idle);
    client_send(&draining, held_fd, str_of("GET /hold HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), &held);
    client_send(&draining, partial_fd, str_of("GET / HT"), &partial);
    service_until(&draining, draining.held);
    service_turns(&draining, 5);

    listener_drain(draining.listener, service_on_empty, &draining.is_empty);
    client_read_to_end(&draining, idle_fd, &idle);
    client_send(&draining, new_fd, str_of("GET / HTTP/1.1\r\n" HOST "\r\n"), &new);
    client_read_to_end(&draining, new_fd, &new);
    assert_non_null(strstr(new.text, "Connection: close\r\n"));
    service_pass(&draining, 1100);
    client_read_to_end(&draining, silent_fd, &silent);
    assert_int_equal(silent.bytes, 0);
    client_send(&draining, partial_fd, str_of("TP/1.1\r\n" HOST "\r\n"), &partial);
    client_read_to_end(&draining, partial_fd, &partial);
    assert_non_null(strstr(partial.text, "Connection: close\r\n"));
    app_answer_pending(draining.held);
    client_read_to_end(&draining, held_fd, &held);

    assert_non_null(strstr(held.text, "Connection: close\r\n"));
    assert_null(strstr(held.text, "hello"));
    close(new_fd);
    close(silent_fd);
    close(idle_fd);
    close(held_fd);
    close(partial_fd);
    service_until(&draining, draining.is_empty);
    listener_destroy(draining.listener);
    service_turns(&draining, 2);
    session_core_destroy(&draining.core);
    core_finish(&draining.core);
    clock_freeze(-1, -1);
    free(held.text);
    free(idle.text);
    free(partial.text);
    free(new.text);
    free(silent.text);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_service, close_service)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_connection_stays_for_the_next_request),
        TEST(test_http10_is_told_whether_its_connection_stays),
        TEST(test_an_idle_connection_holds_no_buffer),
        TEST(test_pipelined_answers_leave_together),
        TEST(test_a_late_answer_keeps_its_place),
        TEST(test_the_body_is_asked_for_once_the_app_agrees),
        TEST(test_a_body_that_is_here_is_not_asked_for),
        TEST(test_a_body_that_is_not_wanted_is_not_asked_for),
        TEST(test_http10_is_not_sent_a_100),
        TEST(test_a_refused_body_of_64_kib_is_dropped),
        TEST(test_a_longer_refused_body_ends_the_connection),
        TEST(test_refused_chunks_are_dropped_up_to_what_a_body_may_be),
        TEST(test_a_client_that_still_sends_reads_its_413),
        TEST(test_a_head_has_ten_seconds_from_its_first_byte),
        TEST(test_a_body_has_thirty_seconds_from_its_last_byte),
        TEST(test_a_body_must_come_at_500_bytes_a_second),
        TEST(test_a_body_that_is_dropped_has_thirty_seconds_too),
        TEST(test_an_idle_connection_is_closed_without_a_word),
        TEST(test_a_request_that_is_handled_has_no_deadline_of_ours),
        TEST(test_the_408_to_a_head_has_a_body_whatever_came_before),
        TEST(test_one_turn_makes_a_limited_number_of_answers),
        TEST(test_a_polite_client_is_served_between_the_turns_of_a_greedy_one),
        TEST(test_no_answers_are_made_for_a_client_that_does_not_read),
        TEST(test_input_waits_in_the_kernel_while_a_request_is_handled),
        TEST(test_input_that_waited_is_used_when_there_is_more_than_the_limit),
        TEST(test_a_head_may_be_longer_than_what_may_wait),
        TEST(test_bodies_of_a_core_share_a_limit),
        TEST(test_a_megabyte_comes_back_as_it_went),
        TEST(test_the_app_is_told_when_a_client_has_gone),
        TEST(test_a_client_that_ends_its_side_gets_its_answers),
        TEST(test_a_client_of_http10_that_ends_its_side_is_told_nothing_but_its_answer),
        TEST(test_a_client_that_closes_while_its_answer_is_made_is_found_to_have_gone),
        TEST(test_a_kept_body_outlives_its_connection),
        TEST(test_a_client_that_ends_its_side_is_answered_first),
        cmocka_unit_test(test_a_draining_server_finishes_what_is_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
