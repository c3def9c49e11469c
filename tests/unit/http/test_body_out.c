// test_body_out.c — bodies in pieces: in chunks, counted, up to the connection's end; cut, left, held back, and put in another's place.
#include "http/session_state.h"
#include "service.h"

static struct service service;

// ---- an app that opens its answer and leaves the pieces to the test

static struct {
    struct session *session; // its answer is open
    int opened;              // what answer_open() said
    unsigned rooms, gones, ends, drains;
} app;

static int64_t of_query(const struct http_head *head) {
    str query = http_text(head, head->query);
    return query.len ? strtoll(query.ptr, NULL, 10) : BODY_BYTES_UNKNOWN;
}

static void answer_recoded(struct session *session, bool is_shorter) {
    struct answer answer;
    answer_begin(&answer, session, 200);
    answer_field(&answer, S("ETag"), S("\"v1\""));
    answer_field(&answer, S("X"), S("y"));
    answer_write(&answer, S("a longer body"));
    assert_true(answer_recode(&answer, S("Vary: z\r\n"), is_shorter ? S("short") : (str){0}, is_shorter ? S("-gz") : (str){0}));
    answer_end(&answer);
}

static void on_request(struct session *session, const struct http_head *head, str body) {
    (void)body;
    struct answer answer;
    if (is_path(head, "/whole"))
        session_answer(session, 200, S("text/plain"), (str){0}, S("whole"));
    else if (is_path(head, "/recoded") || is_path(head, "/varies"))
        answer_recoded(session, is_path(head, "/recoded"));
    else {
        answer_begin_open(&answer, session, is_path(head, "/304") ? 304 : 200, of_query(head));
        app.opened = answer_open(&answer);
        app.session = app.opened > 0 ? session : NULL;
    }
}

static void on_gone(struct session *session) {
    assert_ptr_equal(session, app.session);
    app.session = NULL;
    app.gones++;
}

static void on_room(struct session *session) {
    assert_ptr_equal(session, app.session);
    app.rooms++;
}

static void on_ended(struct session *session) {
    assert_ptr_equal(session, app.session);
    app.ends++;
}

static void on_drain(struct session *session) {
    (void)session;
    app.drains++;
}

static const struct http_app pieces_app = {
    .on_request = on_request, .on_gone = on_gone, .on_room = on_room, .on_ended = on_ended, .on_drain = on_drain};

static int set_up(void **state) {
    (void)state;
    memset(&app, 0, sizeof app);
    service_open(&service, &http_limits_default, 0);
    ((struct session_core *)service.core.http)->app = &pieces_app;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    service_close(&service);
    return 0;
}

// ---- a client of it

struct visit {
    int fd;
    struct received received;
};

static struct visit ask(const char *request_line) {
    char text[256];
    struct visit visit = {.fd = client_open(&service)};
    snprintf(text, sizeof text, "%s\r\nHost: a\r\n\r\n", request_line);
    app.opened = -1;
    client_send(&service, visit.fd, str_of(text), &visit.received);
    service_until(&service, app.opened >= 0);
    return visit;
}

static void leave(struct visit *visit) {
    if (visit->fd >= 0)
        close(visit->fd);
    free(visit->received.text);
}

static const char *body_of(struct visit *visit) {
    service_turns(&service, 3);
    client_read(visit->fd, &visit->received);
    const char *end = strstr(visit->received.text, "\r\n\r\n");
    return end ? end + 4 : "no head";
}

static void expect_head(struct visit *visit, const char *field, bool is_there) {
    body_of(visit);
    if (!strstr(visit->received.text, field) == is_there)
        fail_msg("%s: %s", field, visit->received.text);
}

static void test_pieces_are_chunks_and_the_connection_goes_on(void **state) {
    (void)state;
    struct visit visit = ask("GET /open HTTP/1.1");
    assert_int_equal(session_write(app.session, S("a")), 0);
    assert_int_equal(session_write(app.session, (str){0}), 0); // would be the end
    struct piece piece;
    piece_begin(&piece, app.session);
    for (int i = 0; i < 400; i++) {
        memcpy(piece_reserve(&piece, 2), "bc", 2);
        piece_commit(&piece, 2);
    }
    assert_int_equal(piece_end(&piece), 800);
    session_end_body(app.session);
    const char *body = body_of(&visit);
    expect_head(&visit, "Transfer-Encoding: chunked\r\n", true);
    expect_head(&visit, "Content-Length", false);
    assert_memory_equal(body, "00000001\r\na\r\n00000320\r\nbcbc", 27);
    assert_string_equal(body + strlen(body) - 9, "bc\r\n0\r\n\r\n");

    visit.received.bytes = 0;
    client_send(&service, visit.fd, S("GET /whole HTTP/1.1\r\nHost: a\r\n\r\n"), &visit.received);
    assert_string_equal(body_of(&visit), "whole");
    leave(&visit);
}

static void test_a_counted_body_is_as_long_as_was_announced(void **state) {
    (void)state;
    struct visit visit = ask("GET /open?5 HTTP/1.1");
    assert_int_equal(session_write(app.session, S("abc")), 0);
    assert_int_equal(session_write(app.session, S("def")), -EMSGSIZE);
    assert_int_equal(session_write(app.session, S("de")), 0);
    session_end_body(app.session);
    expect_head(&visit, "Content-Length: 5\r\n", true);
    assert_string_equal(body_of(&visit), "abcde");
    assert_false(visit.received.is_end);
    leave(&visit);
}

static void test_a_counted_body_that_ends_early_is_cut(void **state) {
    (void)state;
    struct visit visit = ask("GET /open?5 HTTP/1.1");
    session_write(app.session, S("abc"));
    session_end_body(app.session);
    assert_string_equal(body_of(&visit), "abc");
    client_read_to_end(&service, visit.fd, &visit.received);
    leave(&visit);
}

static void test_http_1_0_gets_bytes_up_to_the_end(void **state) {
    (void)state;
    struct visit visit = ask("GET /open HTTP/1.0\r\nConnection: keep-alive");
    session_write(app.session, S("abc"));
    session_write(app.session, S("def"));
    session_end_body(app.session);
    assert_string_equal(body_of(&visit), "abcdef");
    expect_head(&visit, "Connection: close\r\n", true);
    expect_head(&visit, "Transfer-Encoding", false);
    client_read_to_end(&service, visit.fd, &visit.received);
    leave(&visit);
}

static void test_what_has_no_body_is_over_with_its_head(void **state) {
    (void)state;
    static const char *const lines[] = {"HEAD /open HTTP/1.1", "GET /304 HTTP/1.1", "HEAD /open?7 HTTP/1.1", "HEAD /open HTTP/1.0"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct visit visit = ask(lines[i]);
        assert_int_equal(app.opened, 0);
        assert_string_equal(body_of(&visit), "");
        expect_head(&visit, "Transfer-Encoding: chunked\r\n", i == 0);
        expect_head(&visit, "Content-Length: 7\r\n", i == 2);
        leave(&visit);
    }
}

static void test_a_body_that_is_cut_has_no_end(void **state) {
    (void)state;
    struct visit visit = ask("GET /open HTTP/1.1");
    session_write(app.session, S("abc"));
    session_cut_body(app.session);
    app.session = NULL;
    client_read_to_end(&service, visit.fd, &visit.received);
    assert_string_equal(strstr(visit.received.text, "\r\n\r\n") + 4, "00000003\r\nabc\r\n");
    assert_int_equal(app.gones, 0); // the app knows
    leave(&visit);
}

static void test_the_end_of_a_connection_that_is_cut_is_a_reset(void **state) {
    (void)state;
    struct visit visit = ask("GET /open HTTP/1.0");
    session_write(app.session, S("abc"));
    session_cut_body(app.session);
    app.session = NULL;
    char byte;
    ssize_t got = -1;
    for (int turn = 0; turn < 100 && !(got < 0 && errno == ECONNRESET); turn++) {
        service_turn(&service, turn);
        got = recv(visit.fd, &byte, 1, MSG_DONTWAIT);
        assert_int_not_equal(got, 0);
    }
    assert_int_equal(errno, ECONNRESET);
    leave(&visit);
}

static void test_a_client_that_ends_its_side_reads_on(void **state) {
    static const char *const asked[] = {"GET /open HTTP/1.1", "GET /open?3 HTTP/1.1", "GET /open HTTP/1.0"};
    static const char *const sent[] = {"00000003\r\nabc\r\n0\r\n\r\n", "abc", "abc"};
    (void)state;
    for (unsigned i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct visit visit = ask(asked[i]);
        shutdown(visit.fd, SHUT_WR);
        service_until(&service, app.ends == i + 1);
        service_pass(&service, 300);
        service_pass(&service, 300);
        assert_int_equal(app.gones, 0);
        session_write(app.session, S("abc"));
        session_end_body(app.session);
        client_read_to_end(&service, visit.fd, &visit.received);
        assert_string_equal(strstr(visit.received.text, "\r\n\r\n") + 4, sent[i]);
        leave(&visit);
    }
}

static void test_a_client_that_is_gone_is_noticed_by_the_next_piece(void **state) {
    (void)state;
    struct visit visit = ask("GET /open HTTP/1.1");
    service_turns(&service, 3);
    client_read(visit.fd, &visit.received); // what is unread would make it a reset
    close(visit.fd);
    visit.fd = -1;
    service_until(&service, app.ends == 1);
    service_pass(&service, 300);
    assert_int_equal(app.gones, 0);
    session_write(app.session, S("abc"));
    service.idle_ms = 300;
    service_until(&service, app.gones == 1);
    leave(&visit);
}

static void test_a_writer_is_told_when_there_is_room_again(void **state) {
    (void)state;
    struct visit visit = ask("GET /open HTTP/1.1");
    static char data[32 << 10];
    unsigned writes = 0;
    for (; session_has_room(app.session); writes++)
        assert_int_equal(session_write(app.session, (str){data, sizeof data}), 0);
    assert_int_equal(writes, 2);
    unsigned before = app.rooms;
    service_until(&service, app.rooms > before);
    assert_true(session_has_room(app.session));
    session_end_body(app.session);
    leave(&visit);
}

static void test_an_app_is_told_that_the_server_drains(void **state) {
    (void)state;
    struct visit visit = ask("GET /open HTTP/1.1");
    session_protocol.on_drain(session_conn(app.session));
    assert_int_equal(app.drains, 1);
    session_write(app.session, S("abc"));
    session_end_body(app.session);
    client_read_to_end(&service, visit.fd, &visit.received);
    assert_string_equal(strstr(visit.received.text, "\r\n\r\n") + 4, "00000003\r\nabc\r\n0\r\n\r\n");
    leave(&visit);
}

static void test_another_body_takes_the_place_of_one_that_was_written(void **state) {
    (void)state;
    struct received received = client_exchange(&service, S("GET /recoded HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_string_equal(received.text, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"v1-gz\"\r\nX: y\r\nVary: z\r\n"
                                       "Content-Length: 5\r\n\r\nshort");
    free(received.text);
    received = client_exchange(&service, S("GET /varies HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_string_equal(received.text, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"v1\"\r\nX: y\r\nVary: z\r\n"
                                       "Content-Length: 13\r\n\r\na longer body");
    free(received.text);
    received = client_exchange(&service, S("HEAD /recoded HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_non_null(strstr(received.text, "Content-Length: 5\r\n\r\n"));
    assert_string_equal(strstr(received.text, "\r\n\r\n") + 4, "");
    free(received.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_pieces_are_chunks_and_the_connection_goes_on),
        TEST(test_a_counted_body_is_as_long_as_was_announced),
        TEST(test_a_counted_body_that_ends_early_is_cut),
        TEST(test_http_1_0_gets_bytes_up_to_the_end),
        TEST(test_what_has_no_body_is_over_with_its_head),
        TEST(test_a_body_that_is_cut_has_no_end),
        TEST(test_the_end_of_a_connection_that_is_cut_is_a_reset),
        TEST(test_a_client_that_ends_its_side_reads_on),
        TEST(test_a_client_that_is_gone_is_noticed_by_the_next_piece),
        TEST(test_a_writer_is_told_when_there_is_room_again),
        TEST(test_an_app_is_told_that_the_server_drains),
        TEST(test_another_body_takes_the_place_of_one_that_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
