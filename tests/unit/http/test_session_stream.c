// test_session_stream.c — bodies that the app pulls in pieces: in order, no faster than they are used, and none for who was answered early.
#include "base/str.h"
#include "http/session_state.h"
#include "service.h"

enum { TAKEN_MAX = 1 << 20 };

/** What the app does with the request in hand. */
static struct {
    struct session *session;
    char taken[TAKEN_MAX];
    size_t taken_bytes, taken_max; // answers when so much was taken
    bool is_held;                  // takes nothing before pull() is called
    unsigned gones, refused_status;
} puller;
static struct service service;

static void answer_taken(void) {
    struct session *session = puller.session;
    puller.session = NULL;
    session_answer(session, 200, S("text/plain"), (str){0}, (str){puller.taken, puller.taken_bytes});
}

static void pull(void) {
    struct http_refusal refusal;
    str piece;
    int status = 1;
    while (puller.taken_bytes < puller.taken_max && (status = session_body_next(puller.session, &piece, &refusal)) > 0) {
        assert_true(puller.taken_bytes + piece.len <= TAKEN_MAX);
        memcpy(puller.taken + puller.taken_bytes, piece.ptr, piece.len);
        puller.taken_bytes += piece.len;
    }
    if (status >= 0) {
        answer_taken();
    } else if (status == -EBADMSG) {
        puller.refused_status = refusal.status;
        session_answer_detail(puller.session, refusal.status, refusal.detail, (str){0});
        puller.session = NULL;
    }
}

static int64_t on_head(struct session *session, const struct http_head *head) {
    (void)head;
    session_take_in_pieces(session);
    return TAKEN_MAX;
}

static void on_request(struct session *session, const struct http_head *head, str body) {
    if (!head->has_body) {
        session_answer(session, 200, S("text/plain"), (str){0}, S("hello"));
        return;
    }
    assert_int_equal(body.len, 0);
    str query = http_text(head, head->query); // "?3": answers once so much is there
    puller.session = session;
    puller.taken_bytes = 0;
    puller.taken_max = query.len ? strtoul(query.ptr, NULL, 10) : TAKEN_MAX;
    if (!puller.is_held)
        pull();
}

static void on_gone(struct session *session) {
    if (puller.session) // else it was refused before it was handed over
        assert_ptr_equal(session, puller.session);
    puller.session = NULL;
    puller.gones++;
}

static void on_body(struct session *session) {
    assert_ptr_equal(session, puller.session);
    pull();
}

static const struct http_app pulling_app = {.on_head = on_head, .on_request = on_request, .on_gone = on_gone, .on_body = on_body};

static int set_up(void **state) {
    (void)state;
    memset(&puller, 0, offsetof(__typeof__(puller), taken));
    puller.is_held = false;
    puller.gones = puller.refused_status = 0;
    service_open(&service, &http_limits_default, 0);
    ((struct session_core *)service.core.http)->app = &pulling_app;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    service_close(&service);
    return 0;
}

#define HOST "Host: a\r\n"
static const struct {
    const char *text, *statuses, *last_body;
} conversations[] = {
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", "200", "hello"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloPOST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi", "200 200", "hi"},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\nGET / HTTP/1.1\r\n" HOST
     "\r\n",
     "200 200", "hello"},
    {"POST /?2 HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n" HOST "\r\n", "200 200", "hello"},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX", "400", "{\"detail\":\"Invalid chunk\"}"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n", "413", "{\"detail\":\"Request body too large\"}"},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n100001\r\n", "413", "{\"detail\":\"Request body too large\"}"},
};

static void expect_conversation(const struct received *received, unsigned index) {
    size_t bytes = strlen(conversations[index].last_body);
    if (strcmp(received_statuses(received), conversations[index].statuses) != 0 || received->bytes < bytes ||
        memcmp(received->text + received->bytes - bytes, conversations[index].last_body, bytes) != 0)
        fail_msg("%s\nwas answered\n%s", conversations[index].text, received->text);
}

static void test_bodies_in_pieces_are_answered_alike_cut_at_every_byte(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof conversations / sizeof *conversations; i++) {
        str text = str_of(conversations[i].text);
        for (size_t cut = 0; cut < text.len; cut++) {
            str pieces[] = {{text.ptr, cut}, {text.ptr + cut, text.len - cut}};
            struct received received = client_exchange_pieces(&service, cut ? pieces : pieces + 1, cut ? 2 : 1);
            expect_conversation(&received, i);
            free(received.text);
        }
    }
}

// ---- 100-continue

static int say(const char *text) {
    int fd = client_open(&service);
    struct received received = {0};
    client_send(&service, fd, str_of(text), &received);
    service_turns(&service, 5);
    free(received.text);
    return fd;
}

static void expect_heard(int fd, const char *beginning) {
    struct received received = {0};
    service_turns(&service, 5);
    client_read(fd, &received);
    if (strncmp(received.text, beginning, strlen(beginning)) != 0)
        fail_msg("%s instead of %s", received.text, beginning);
    free(received.text);
}

static void test_100_is_said_when_the_body_is_asked_for(void **state) {
    (void)state;
    struct received received = {0};
    puller.is_held = true;
    int fd = say("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    client_read(fd, &received);
    assert_int_equal(received.bytes, 0);
    pull();
    expect_heard(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(&service, fd, S("hello"), &received);
    expect_heard(fd, "HTTP/1.1 200 OK");
    free(received.text);
    close(fd);
}

static void test_an_answer_before_the_body_is_asked_for_ends_the_connection_without_a_100(void **state) {
    (void)state;
    struct received received = {0};
    puller.is_held = true;
    int fd = say("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    answer_taken();
    client_read_to_end(&service, fd, &received);
    assert_memory_equal(received.text, "HTTP/1.1 200", 12);
    assert_non_null(strstr(received.text, "Connection: close\r\n"));
    free(received.text);
    close(fd);
}

// ---- early answers

static void test_what_is_left_of_a_short_body_is_dropped_and_the_connection_goes_on(void **state) {
    (void)state;
    struct received received = {0};
    int fd = say("POST /?1 HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
    expect_heard(fd, "HTTP/1.1 200 OK");
    client_send(&service, fd, S("lloGET / HTTP/1.1\r\n" HOST "\r\n"), &received);
    expect_heard(fd, "HTTP/1.1 200 OK");
    free(received.text);
    close(fd);
}

static void test_a_long_body_is_not_read_for_who_is_answered_before_it(void **state) {
    (void)state;
    struct received received = {0};
    int fd = say("POST /?1 HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\nhe");
    client_read_to_end(&service, fd, &received);
    assert_non_null(strstr(received.text, "Connection: close\r\n"));
    assert_int_equal(puller.taken_bytes, 2);
    free(received.text);
    close(fd);
}

static void test_a_body_in_chunks_of_which_nobody_knows_the_end_is_not_read_on(void **state) {
    (void)state;
    struct received received = {0};
    int fd = say("POST /?1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    client_read_to_end(&service, fd, &received);
    assert_non_null(strstr(received.text, "Connection: close\r\n"));
    free(received.text);
    close(fd);
}

// ---- back-pressure, time and ends

static void test_reading_pauses_while_the_app_takes_nothing(void **state) {
    (void)state;
    enum { BODY = 900000, BLOCK = 50000 };
    puller.is_held = true;
    int fd = say("POST / HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
    char *block = calloc(1, BLOCK);
    size_t sent = 0;
    for (int turn = 0; turn < 400 && sent < BODY; turn++) {
        ssize_t n = send(fd, block, BLOCK, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        service_turns(&service, 1);
    }
    const struct session *session = puller.session;
    assert_true(session->is_paused);
    assert_in_range(buffer_bytes(&session->input), WAITING_BYTES_MAX, WAITING_BYTES_MAX + (256 << 10));
    pull(); // takes what is there and wants more: reading goes on
    assert_false(session->is_paused);
    free(block);
    close(fd);
    service_until(&service, puller.gones == 1);
}

static void test_a_client_that_is_waited_for_in_vain_is_answered_408(void **state) {
    (void)state;
    struct received received = {0};
    int fd = say("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
    service_pass(&service, http_limits_default.body_idle_ms - 1000);
    assert_int_equal(puller.gones, 0);
    service_pass(&service, 2000);
    assert_int_equal(puller.gones, 1);
    client_read_to_end(&service, fd, &received);
    assert_memory_equal(received.text, "HTTP/1.1 408", 12);
    free(received.text);
    close(fd);
}

static void test_a_client_is_not_timed_while_the_app_takes_its_time(void **state) {
    (void)state;
    puller.is_held = true;
    int fd = say("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
    service_pass(&service, 10 * http_limits_default.body_idle_ms);
    assert_int_equal(puller.gones, 0);
    pull();
    service_pass(&service, http_limits_default.body_idle_ms - 1000);
    assert_int_equal(puller.gones, 0);
    struct received received = {0};
    client_send(&service, fd, S("llo"), &received);
    expect_heard(fd, "HTTP/1.1 200 OK");
    free(received.text);
    close(fd);
}

static void test_a_body_that_its_client_has_ended_too_early_is_gone(void **state) {
    (void)state;
    puller.is_held = true;
    int fd = say("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
    shutdown(fd, SHUT_WR);
    service_turns(&service, 5);
    assert_int_equal(puller.gones, 0); // nobody waits for it yet
    pull();
    assert_int_equal(puller.taken_bytes, 2);
    service_until(&service, puller.gones == 1);
    close(fd);
}

static void test_a_client_that_leaves_is_gone_while_the_app_works(void **state) {
    (void)state;
    puller.is_held = true;
    int fd = say("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
    service_until(&service, puller.gones == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bodies_in_pieces_are_answered_alike_cut_at_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_100_is_said_when_the_body_is_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_answer_before_the_body_is_asked_for_ends_the_connection_without_a_100, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_left_of_a_short_body_is_dropped_and_the_connection_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_long_body_is_not_read_for_who_is_answered_before_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_body_in_chunks_of_which_nobody_knows_the_end_is_not_read_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading_pauses_while_the_app_takes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_client_that_is_waited_for_in_vain_is_answered_408, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_client_is_not_timed_while_the_app_takes_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_body_that_its_client_has_ended_too_early_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_client_that_leaves_is_gone_while_the_app_works, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
