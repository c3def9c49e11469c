// test_redis_link.c — one connection to Redis on the ring: against a real one that lives and dies, and one that says nonsense.
#include "cache/redis_for_tests.h"

#include <hiredis/hiredis.h>

#include "base/str.h"
#include "cache/redis_link.h"

enum { REPLY_BYTES_MAX = 1 << 20, COMMANDS = 500 };

/** A command, and the reply that came. */
struct question {
    struct redis_command command;
    unsigned told_count;
    int type; // 0: none
    long long number;
    size_t bytes;
    char text[128];
};

static struct core core;
static struct offload *connector;
static struct redis_server server;
static struct fake_redis fake;
static struct redis_address address;
static struct redis_link link_;
static unsigned up_count, down_count, pushed_count, stopped_count;
static char why[REDIS_FAILURE_BYTES];

static void up(struct redis_link *link) {
    assert_ptr_equal(link, &link_);
    up_count++;
}

static void down(struct redis_link *link, const char *failure) {
    (void)link;
    down_count++;
    snprintf(why, sizeof why, "%s", failure);
}

static void pushed(struct redis_link *link, const redisReply *reply) {
    (void)link;
    assert_string_equal(reply->element[2]->str, "news");
    pushed_count++;
}

static void stopped(struct redis_link *link) {
    (void)link;
    stopped_count++;
}

static const struct redis_link_events events = {up, down, NULL}, listening = {up, down, pushed};

static void answered(struct redis_command *command, const redisReply *reply) {
    struct question *question = container_of(command, struct question, command);
    question->told_count++;
    question->type = reply ? reply->type : 0;
    if (!reply)
        return;
    question->number = reply->integer;
    question->bytes = reply->len;
    if (reply->str)
        memcpy(question->text, reply->str, reply->len < 127 ? reply->len + 1 : 127);
}

// ---- a link of its own for each test

static void start_link(const char *path, const struct redis_link_events *own) {
    address = address_of_path(path);
    link_ =
        (struct redis_link){.core = &core, .connector = connector, .address = &address, .events = own, .reply_bytes_max = REPLY_BYTES_MAX};
    redis_link_start(&link_);
}

static int set_up(void **state) {
    (void)state;
    struct core_options options = world_core();
    up_count = down_count = pushed_count = stopped_count = 0;
    why[0] = '\0';
    if (core_init(&core, &options) < 0)
        return -1;
    return offload_create(1, 16, &connector);
}

static void stop_link(void) {
    redis_link_stop(&link_, stopped);
    turn_until(&core, stopped_count == 1);
}

static int tear_down(void **state) {
    (void)state;
    if (!stopped_count)
        stop_link();
    offload_destroy(connector);
    turns(&core, 2);
    assert_int_equal(ring_in_flight(core.ring), 0);
    core_finish(&core);
    clock_freeze(-1, -1);
    return 0;
}

static int set_up_real(void **state) {
    set_up(state);
    server = (struct redis_server){0};
    server_begin(&server);
    start_link(server.path, &events);
    turn_until(&core, up_count == 1);
    return 0;
}

static int tear_down_real(void **state) {
    tear_down(state);
    server_end(&server);
    return 0;
}

#define fake_until(condition)                                                                                                              \
    do {                                                                                                                                   \
        for (int turn_ = 0; turn_ < TURNS_MAX && !(condition); turn_++) {                                                                  \
            fake_turn(&fake);                                                                                                              \
            assert_int_equal(core_turn(&core, 1), 0);                                                                                      \
        }                                                                                                                                  \
        assert_true(condition);                                                                                                            \
    } while (0)

static int set_up_fake(void **state) {
    set_up(state);
    fake_begin(&fake);
    start_link(fake.path, &events);
    fake_until(up_count == 1);
    return 0;
}

static int tear_down_fake(void **state) {
    fake.is_deaf = false;
    redis_link_stop(&link_, stopped);
    fake_until(stopped_count == 1);
    tear_down(state);
    fake_end(&fake);
    return 0;
}

// ---- what is said

static int send_words(struct question *question, int argc, const char *const *argv, const size_t *bytes) {
    if (question)
        question->command.done = answered;
    return redis_send(&link_, question ? &question->command : NULL, argc, argv, bytes);
}

static int ask(struct question *question, const char *one, const char *two, const char *three) {
    const char *words[] = {one, two, three};
    const size_t bytes[] = {strlen(one), two ? strlen(two) : 0, three ? strlen(three) : 0};
    return send_words(question, three ? 3 : two ? 2 : 1, words, bytes);
}

static void expect_text(struct question *question, const char *text) {
    turn_until(&core, question->told_count);
    assert_int_equal(question->told_count, 1);
    assert_string_equal(question->text, text);
}

// ---- against a real one

static void test_commands_are_answered_in_their_order(void **state) {
    (void)state;
    static struct question questions[COMMANDS];
    memset(questions, 0, sizeof questions);
    for (int i = 0; i < COMMANDS; i++)
        assert_int_equal(ask(&questions[i], "INCR", "count", NULL), 0);
    turn_until(&core, questions[COMMANDS - 1].told_count);
    for (int i = 0; i < COMMANDS; i++) {
        assert_int_equal(questions[i].told_count, 1);
        assert_int_equal(questions[i].number, i + 1);
    }
    assert_true(redis_link_is_ready(&link_));
}

static void test_what_is_said_in_a_turn_is_one_send(void **state) {
    (void)state;
    struct question one = {0}, other = {0};
    ring_inject(core.ring, RING_SEND, 2, -ECONNRESET); // a second would be noticed
    ask(&one, "ECHO", "1", NULL);
    ask(&other, "ECHO", "2", NULL);
    expect_text(&other, "2");
    ring_inject(core.ring, RING_SEND, 0, 0);
    assert_int_equal(down_count, 0);
}

static void test_a_command_that_nobody_waits_for_takes_its_turn(void **state) {
    (void)state;
    struct question question = {0};
    ask(NULL, "SET", "a", "quiet");
    ask(&question, "GET", "a", NULL);
    expect_text(&question, "quiet");
}

static void test_words_may_hold_any_byte(void **state) {
    (void)state;
    static const char value[] = "\0\r\n$-1\r\n\xff*3\r\n";
    struct question set = {0}, get = {0};
    const char *words[] = {"SET", "\0\r\nkey\xfe", value};
    const size_t bytes[] = {3, 7, sizeof value - 1};
    send_words(&set, 3, words, bytes);
    send_words(&get, 2, (const char *[]){"GET", "\0\r\nkey\xfe"}, bytes);
    turn_until(&core, get.told_count);
    assert_int_equal(get.bytes, sizeof value - 1);
    assert_memory_equal(get.text, value, sizeof value - 1);
}

static void test_an_error_is_a_reply(void **state) {
    (void)state;
    struct question question = {0};
    ask(&question, "NOSUCHCOMMAND", NULL, NULL);
    turn_until(&core, question.told_count);
    assert_int_equal(question.type, REDIS_REPLY_ERROR);
    assert_int_equal(down_count, 0);
}

static void test_a_value_of_many_pieces_comes_whole(void **state) {
    (void)state;
    static char large[900000];
    memset(large, 'x', sizeof large - 1);
    struct question set = {0}, get = {0};
    ask(&set, "SET", "large", large);
    ask(&get, "GET", "large", NULL);
    turn_until(&core, get.told_count);
    assert_int_equal(get.bytes, sizeof large - 1);
}

static void test_a_reply_that_is_too_long_ends_the_link_and_not_the_process(void **state) {
    (void)state;
    static char large[600000];
    memset(large, 'x', sizeof large - 1);
    struct question get = {0};
    ask(NULL, "SET", "large", large);
    ask(NULL, "APPEND", "large", large);
    ask(&get, "GET", "large", NULL);
    turn_until(&core, get.told_count);
    assert_int_equal(get.type, 0);
    assert_string_equal(why, "a reply that is too long");
    turn_until(&core, up_count == 2); // and goes on
}

static void test_a_full_queue_takes_no_more_until_it_has_been_answered(void **state) {
    (void)state;
    static struct question questions[REDIS_PENDING_MAX];
    memset(questions, 0, sizeof questions);
    struct question late = {0};
    for (unsigned i = 0; i < REDIS_PENDING_MAX; i++)
        assert_int_equal(ask(&questions[i], "PING", NULL, NULL), 0);
    assert_int_equal(ask(&late, "PING", NULL, NULL), -EAGAIN);
    turn_until(&core, questions[REDIS_PENDING_MAX - 1].told_count);
    assert_int_equal(late.told_count, 0);
    assert_int_equal(ask(&late, "ECHO", "late", NULL), 0);
    expect_text(&late, "late");
}

static void test_a_forgotten_command_is_not_told_and_those_behind_it_are(void **state) {
    (void)state;
    struct question forgotten = {0}, other = {0};
    ask(&forgotten, "ECHO", "1", NULL);
    ask(&other, "ECHO", "2", NULL);
    redis_command_forget(&forgotten.command);
    redis_command_forget(&forgotten.command); // harmless
    expect_text(&other, "2");
    assert_int_equal(forgotten.told_count, 0);
}

static void test_a_listener_is_told_what_it_did_not_ask_for(void **state) {
    (void)state;
    link_.events = &listening;
    struct question subscribed = {0};
    ask(&subscribed, "SUBSCRIBE", "channel", NULL);
    turn_until(&core, subscribed.told_count);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    strcpy(place.sun_path, server.path);
    assert_int_equal(connect(fd, (struct sockaddr *)&place, sizeof place), 0);
    client_send(fd, "PUBLISH channel news\r\n");
    turn_until(&core, pushed_count == 1);
    close(fd);
}

static void test_a_redis_that_dies_answers_all_with_nothing_and_is_found_again(void **state) {
    (void)state;
    static struct question questions[10];
    memset(questions, 0, sizeof questions);
    uint64_t epoch = link_.epoch;
    server_freeze(&server);
    for (int i = 0; i < 10; i++)
        ask(&questions[i], "PING", NULL, NULL);
    turns(&core, 3);
    server_kill(&server);
    turn_until(&core, down_count);
    for (int i = 0; i < 10; i++)
        assert_true(questions[i].told_count == 1 && questions[i].type == 0);
    assert_int_equal(ask(&questions[0], "PING", NULL, NULL), -ENOTCONN);
    assert_false(redis_link_is_ready(&link_));
    server_begin(&server);
    turn_until(&core, up_count == 2);
    assert_true(link_.epoch > epoch);
    struct question again = {0};
    ask(&again, "ECHO", "again", NULL);
    expect_text(&again, "again");
}

static void test_each_attempt_that_fails_is_told_with_its_reason_and_waits_longer(void **state) {
    (void)state;
    server_kill(&server);
    turn_until(&core, down_count == 1);
    turn_until(&core, down_count == 2);
    assert_non_null(strstr(why, "No such file or directory"));
    clock_freeze(clock_monotonic_ns(), clock_wall_us());
    uint32_t before_ms = link_.back_off_ms;
    for (unsigned attempt = 3; attempt < 12; attempt++) {
        let_pass_ms(REDIS_BACK_OFF_MS_MAX + TICK_MS);
        turn_until(&core, down_count == attempt);
        turn_until(&core, link_.state == REDIS_DOWN);
        assert_true(link_.back_off_ms >= before_ms && link_.back_off_ms <= REDIS_BACK_OFF_MS_MAX);
        before_ms = link_.back_off_ms;
    }
    assert_int_equal(link_.back_off_ms, REDIS_BACK_OFF_MS_MAX);
}

// ---- the kernel's less friendly answers

static void lose_with(enum ring_operation operation, int result) {
    struct question question = {0};
    unsigned before = up_count;
    if (operation == RING_RECV) { // it is armed as the link comes up
        server_kill(&server);
        turn_until(&core, down_count);
        server_begin(&server);
        ring_inject(core.ring, RING_RECV, 1, result);
        turn_until(&core, up_count > before && down_count >= 2);
        before++;
    } else {
        ring_inject(core.ring, operation, 1, result);
        ask(&question, "PING", NULL, NULL);
        turn_until(&core, question.told_count);
        assert_int_equal(question.type, 0);
    }
    turn_until(&core, up_count > before);
}

static void test_a_send_that_fails_makes_a_new_link(void **state) {
    (void)state;
    static const int results[] = {-EPIPE, -ECONNRESET, 0};
    for (unsigned i = 0; i < 3; i++) {
        lose_with(RING_SEND, results[i]);
        assert_int_equal(down_count, i + 1);
    }
}

static void test_a_receive_that_fails_makes_a_new_link(void **state) {
    (void)state;
    lose_with(RING_RECV, -ECONNRESET);
    struct question question = {0};
    ask(&question, "ECHO", "well", NULL);
    expect_text(&question, "well");
}

static void test_a_receive_without_buffers_is_asked_for_again(void **state) {
    (void)state;
    server_kill(&server);
    turn_until(&core, down_count);
    server_begin(&server);
    unsigned before = down_count;
    ring_inject(core.ring, RING_RECV, 1, -ENOBUFS);
    turn_until(&core, up_count == 2);
    before = down_count;
    struct question question = {0};
    ask(&question, "ECHO", "well", NULL);
    expect_text(&question, "well");
    assert_int_equal(down_count, before);
}

static void test_a_short_send_goes_on_where_it_stopped(void **state) {
    (void)state;
    struct question question = {0};
    ring_inject(core.ring, RING_SEND, 1, 3); // it says 3 bytes and sent none: Redis sees a protocol error in what follows
    ask(&question, "ECHO", "x", NULL);
    turn_until(&core, question.told_count);
    assert_true(question.type == REDIS_REPLY_ERROR || question.type == 0);
}

// ---- stopped

static void test_it_may_be_stopped_with_answers_under_way(void **state) {
    (void)state;
    struct question question = {0};
    ask(&question, "PING", NULL, NULL);
    unsigned files = open_files();
    stop_link();
    assert_true(question.told_count == 1 && question.type == 0);
    assert_int_equal(open_files(), files - 1);
}

static void test_it_may_be_stopped_while_it_connects(void **state) {
    (void)state;
    stop_link();
    unsigned files = open_files();
    up_count = stopped_count = 0;
    start_link(server.path, &events);
    stop_link();
    assert_int_equal(up_count, 0);
    turns(&core, 2);
    assert_int_equal(open_files(), files);
}

static void test_it_may_be_stopped_while_it_waits_for_its_next_attempt(void **state) {
    (void)state;
    server_kill(&server);
    turn_until(&core, down_count);
    turn_until(&core, link_.state == REDIS_DOWN);
    redis_link_stop(&link_, stopped);
    assert_int_equal(stopped_count, 1);
}

static void test_nothing_is_taken_before_it_is_up(void **state) {
    (void)state;
    stop_link();
    stopped_count = 0;
    struct question question = {0};
    start_link(server.path, &events);
    assert_false(redis_link_is_ready(&link_));
    assert_int_equal(ask(&question, "PING", NULL, NULL), -ENOTCONN);
    turn_until(&core, up_count == 2);
    assert_int_equal(question.told_count, 0);
}

// ---- one that is slow, or says nonsense

static void test_a_late_answer_is_none_and_is_not_taken_for_the_next(void **state) {
    (void)state;
    clock_freeze(clock_monotonic_ns(), clock_wall_us());
    struct question late = {.command.answer_ms = 20}, next = {0};
    ask(&late, "GET", "late", NULL);
    fake_until(strstr(fake.heard, "late"));
    assert_true(redis_link_is_ready(&link_));
    let_pass_ms(20 + TICK_MS);
    fake_until(late.told_count);
    assert_int_equal(late.type, 0);
    assert_false(redis_link_is_ready(&link_)); // one request has waited, and no other will
    ask(&next, "GET", "next", NULL);
    fake_until(strstr(fake.heard, "next"));
    fake_say(&fake, "$4\r\nlate\r\n");
    fake_until(redis_link_is_ready(&link_));
    assert_int_equal(next.told_count, 0);
    fake_say(&fake, "$4\r\nnext\r\n");
    fake_until(next.told_count);
    assert_string_equal(next.text, "next");
    assert_int_equal(late.told_count, 1);
}

static void test_one_that_says_nothing_at_all_is_given_up(void **state) {
    (void)state;
    clock_freeze(clock_monotonic_ns(), clock_wall_us());
    struct question question = {0};
    ask(&question, "PING", NULL, NULL);
    fake_until(fake.heard_bytes || fake.accepted_count); // it has left
    let_pass_ms(REDIS_SLOW_MS + 1);
    assert_int_equal(core_turn(&core, 0), 0);
    assert_false(redis_link_is_ready(&link_));
    assert_int_equal(question.told_count, 0);
    let_pass_ms(REDIS_HUNG_MS + TICK_MS);
    turn_until(&core, down_count == 1);
    assert_string_equal(why, "it does not answer");
    assert_true(question.told_count == 1 && question.type == 0);
}

static void test_more_than_may_wait_to_leave_is_refused(void **state) {
    (void)state;
    static char large[1 << 20];
    memset(large, 'x', sizeof large - 1);
    fake.is_deaf = true;
    int status = 0;
    unsigned taken = 0;
    while (!(status = ask(NULL, "SET", "large", large)) && taken < 100) {
        taken++;
        turns(&core, 1);
    }
    assert_int_equal(status, -EAGAIN);
    assert_true(taken >= REDIS_OUTPUT_BYTES_MAX / sizeof large && taken <= 2 + REDIS_OUTPUT_BYTES_MAX / sizeof large);
    assert_int_equal(down_count, 0);
}

static void test_nonsense_ends_the_link_and_is_no_answer(void **state) {
    (void)state;
    static const char *const nonsense[] = {"HTTP/1.1 400 Bad Request\r\n\r\n",
                                           "$99999999999999999999\r\n",
                                           "*-7\r\n",

                                           ":12x\r\n",
                                           "\r\n",
                                           "*257\r\n",
                                           "*2000000000\r\n",
                                           "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"};
    for (unsigned i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        struct question question = {0};
        link_.back_off_ms = REDIS_BACK_OFF_MS_MIN; // it has served
        assert_int_equal(ask(&question, "GET", "x", NULL), 0);
        fake_until(strstr(fake.heard, "GET"));
        fake_say(&fake, nonsense[i]);
        fake_until(question.told_count || down_count > i);
        if (!down_count || question.type)
            fail_msg("%s is an answer", nonsense[i]);
        assert_string_equal(why, "bytes that are not Redis'");
        fake_until(up_count == i + 2);
    }
}

static void test_a_reply_that_nobody_asked_for_ends_the_link(void **state) {
    (void)state;
    fake_say(&fake, "+OK\r\n");
    fake_until(down_count == 1);
    fake_until(up_count == 2);
}

static void test_an_end_in_the_middle_of_a_reply_is_no_answer(void **state) {
    (void)state;
    struct question question = {0};
    ask(&question, "GET", "x", NULL);
    fake_until(strstr(fake.heard, "GET"));
    fake_say(&fake, "$100\r\nhalf of it");
    turns(&core, 3);
    close(fake.fd);
    fake.fd = -1;
    fake_until(question.told_count);
    assert_int_equal(question.type, 0);
    assert_string_equal(why, "the connection has ended");
}

static void test_a_reply_in_single_bytes_is_the_same(void **state) {
    (void)state;
    struct question question = {0};
    ask(&question, "GET", "x", NULL);
    fake_until(strstr(fake.heard, "GET"));
    for (const char *at = "$5\r\nhello\r\n"; *at; at++) {
        fake_say(&fake, (char[]){*at, 0});
        assert_int_equal(core_turn(&core, TURN_MS), 0);
    }
    expect_text(&question, "hello");
}

#define REAL(name) cmocka_unit_test_setup_teardown(name, set_up_real, tear_down_real)
#define FAKE(name) cmocka_unit_test_setup_teardown(name, set_up_fake, tear_down_fake)

int main(void) {
    const struct CMUnitTest tests[] = {
        REAL(test_commands_are_answered_in_their_order),
        REAL(test_what_is_said_in_a_turn_is_one_send),
        REAL(test_a_command_that_nobody_waits_for_takes_its_turn),
        REAL(test_words_may_hold_any_byte),
        REAL(test_an_error_is_a_reply),
        REAL(test_a_value_of_many_pieces_comes_whole),
        REAL(test_a_reply_that_is_too_long_ends_the_link_and_not_the_process),
        REAL(test_a_full_queue_takes_no_more_until_it_has_been_answered),
        REAL(test_a_forgotten_command_is_not_told_and_those_behind_it_are),
        REAL(test_a_listener_is_told_what_it_did_not_ask_for),
        REAL(test_a_redis_that_dies_answers_all_with_nothing_and_is_found_again),
        REAL(test_each_attempt_that_fails_is_told_with_its_reason_and_waits_longer),
        REAL(test_a_send_that_fails_makes_a_new_link),
        REAL(test_a_receive_that_fails_makes_a_new_link),
        REAL(test_a_receive_without_buffers_is_asked_for_again),
        REAL(test_a_short_send_goes_on_where_it_stopped),
        REAL(test_it_may_be_stopped_with_answers_under_way),
        REAL(test_it_may_be_stopped_while_it_connects),
        REAL(test_it_may_be_stopped_while_it_waits_for_its_next_attempt),
        REAL(test_nothing_is_taken_before_it_is_up),
        FAKE(test_a_late_answer_is_none_and_is_not_taken_for_the_next),
        FAKE(test_one_that_says_nothing_at_all_is_given_up),
        FAKE(test_more_than_may_wait_to_leave_is_refused),
        FAKE(test_nonsense_ends_the_link_and_is_no_answer),
        FAKE(test_a_reply_that_nobody_asked_for_ends_the_link),
        FAKE(test_an_end_in_the_middle_of_a_reply_is_no_answer),
        FAKE(test_a_reply_in_single_bytes_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
