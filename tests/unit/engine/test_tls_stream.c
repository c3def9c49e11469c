// test_tls_stream.c — a TLS session on the ring against OpenSSL's own other side: what comes, what goes, and how it ends.
#include "world.h"

#include <signal.h>

#include "engine/tls_stream.h"
#include "tls_peer.h"

enum { HUGE_BYTES = 6 << 20, PIECE_BYTES = 100000 };

static struct identity identity;

/** A session on a socketpair: ours on a core, the other side's beside it, both on the test's thread. */
static struct pair {
    struct core core;
    SSL_CTX *client_context, *server_context;
    SSL *ours, *theirs;
    int fd, their_fd;
    struct tls_stream stream;
    struct buffer in, out;
    unsigned sent_count, lost_count, idle_count;
    int error;
    bool stops_when_received;
} pair;

static void received(struct tls_stream *stream, const char *data, size_t bytes) {
    assert_int_equal(buffer_append(&pair.in, data, bytes), 0);
    if (pair.stops_when_received)
        tls_stream_stop(stream);
}

static void sent(struct tls_stream *stream) {
    (void)stream;
    pair.sent_count++;
}

static void lost(struct tls_stream *stream, int error) {
    assert_false(stream->is_open);
    pair.lost_count++;
    pair.error = error;
}

static void idle(struct tls_stream *stream) {
    assert_false(stream->is_open);
    pair.idle_count++;
}

static const struct tls_stream_events events = {received, sent, lost, idle};

// ---- the two sides

static bool wants_more(SSL *session, int result) {
    int error = SSL_get_error(session, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

// True when both have shaken hands.
static bool shake_hands(void) {
    for (int i = 0; i < 100; i++) {
        int ours = SSL_connect(pair.ours), theirs = SSL_accept(pair.theirs);
        if (ours == 1 && theirs == 1)
            return true;
        if ((ours != 1 && !wants_more(pair.ours, ours)) || (theirs != 1 && !wants_more(pair.theirs, theirs)))
            return false;
    }
    return false;
}

static void open_sessions(void) {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    pair.fd = fds[0];
    pair.their_fd = fds[1];
    pair.ours = SSL_new(pair.client_context);
    pair.theirs = SSL_new(pair.server_context);
    SSL_set_fd(pair.ours, pair.fd);
    SSL_set_fd(pair.theirs, pair.their_fd);
    SSL_set_mode(pair.theirs, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static int start(void) {
    return tls_stream_start(&pair.stream, pair.core.ring, pair.fd, pair.ours, &events);
}

static void open_pair(void) {
    open_sessions();
    assert_true(shake_hands());
    assert_int_equal(start(), 0);
}

static int set_up(void **state) {
    (void)state;
    struct core_options options = world_core();
    pair = (struct pair){.fd = -1, .their_fd = -1};
    pair.client_context = tls_client_context(&identity);
    pair.server_context = tls_server_context(&identity);
    return core_init(&pair.core, &options);
}

static int tear_down(void **state) {
    (void)state;
    tls_stream_stop(&pair.stream);
    if (pair.fd >= 0)
        shutdown(pair.fd, SHUT_RDWR);
    turn_until(&pair.core, !tls_stream_is_busy(&pair.stream));
    assert_int_equal(ring_in_flight(pair.core.ring), 0);
    SSL_free(pair.ours);
    SSL_free(pair.theirs);
    close(pair.fd);
    close(pair.their_fd);
    SSL_CTX_free(pair.client_context);
    SSL_CTX_free(pair.server_context);
    buffer_finish(&pair.in);
    buffer_finish(&pair.out);
    core_finish(&pair.core);
    return 0;
}

// What the other side has for us right now, and how much of it is as send_huge() made it.
static size_t their_read(size_t so_far, size_t bytes_max) {
    static char piece[PIECE_BYTES];
    int bytes = SSL_read(pair.theirs, piece, (int)(bytes_max < sizeof piece ? bytes_max : sizeof piece));
    for (int i = 0; i < bytes; i++)
        assert_int_equal((unsigned char)piece[i], (so_far + (size_t)i) % 251);
    return bytes > 0 ? (size_t)bytes : 0;
}

static size_t their_write(size_t so_far) {
    static char piece[PIECE_BYTES];
    for (size_t i = 0; i < sizeof piece; i++)
        piece[i] = (char)((so_far + i) % 251);
    int bytes = SSL_write(pair.theirs, piece, sizeof piece);
    return bytes > 0 ? (size_t)bytes : 0;
}

static void send_huge(void) {
    char *room = buffer_reserve(&pair.out, HUGE_BYTES);
    for (size_t i = 0; i < HUGE_BYTES; i++)
        room[i] = (char)(i % 251);
    buffer_commit(&pair.out, HUGE_BYTES);
    tls_stream_send(&pair.stream, &pair.out);
}

static void expect_received(size_t bytes) {
    assert_int_equal(buffer_bytes(&pair.in), bytes);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal((unsigned char)buffer_head(&pair.in)[i], i % 251);
}

static void expect_lost(int error, const char *words) {
    turn_until(&pair.core, pair.lost_count == 1);
    assert_int_equal(pair.error, error);
    if (!strstr(tls_stream_why(&pair.stream), words))
        fail_msg("\"%s\" does not say \"%s\"", tls_stream_why(&pair.stream), words);
    turns(&pair.core, 3);
    assert_int_equal(pair.lost_count, 1);
}

// ---- bytes

static void test_bytes_go_both_ways(void **state) {
    (void)state;
    open_pair();
    buffer_append(&pair.out, "to them", 7);
    tls_stream_send(&pair.stream, &pair.out);
    assert_int_equal(pair.sent_count, 1);
    char text[16];
    assert_int_equal(SSL_read(pair.theirs, text, sizeof text), 7);
    assert_memory_equal(text, "to them", 7);
    assert_int_equal(SSL_write(pair.theirs, "to us", 5), 5);
    turn_until(&pair.core, buffer_bytes(&pair.in) == 5);
    assert_memory_equal(buffer_head(&pair.in), "to us", 5);
}

static void test_what_the_session_has_read_ahead_is_received(void **state) {
    (void)state;
    char byte;
    open_sessions();
    assert_true(shake_hands());
    assert_int_equal(SSL_write(pair.theirs, "ahead", 5), 5);
    assert_int_equal(SSL_peek(pair.ours, &byte, 1), 1); // the socket has nothing any more
    assert_int_equal(start(), 0);
    assert_int_equal(buffer_bytes(&pair.in), 5);
}

static void test_both_directions_may_be_full_at_once(void **state) {
    (void)state;
    open_pair();
    size_t theirs = 0, written = 0;
    send_huge();
    assert_int_equal(pair.sent_count, 0);
    while (theirs < HUGE_BYTES || written < HUGE_BYTES || buffer_bytes(&pair.in) < written) {
        written += written < HUGE_BYTES ? their_write(written) : 0;
        theirs += their_read(theirs, PIECE_BYTES);
        turns(&pair.core, 1);
        assert_int_equal(pair.lost_count, 0);
    }
    turn_until(&pair.core, pair.sent_count == 1);
    expect_received(written);
}

static void test_a_flood_leaves_turns_to_others(void **state) {
    (void)state;
    open_pair();
    size_t written = 0, before = 0, most = 0;
    for (int idle_turns = 0; idle_turns < 5;) {
        size_t more = 1;
        while (written < HUGE_BYTES && more)
            written += more = their_write(written);
        turns(&pair.core, 1);
        size_t now = buffer_bytes(&pair.in);
        most = now - before > most ? now - before : most;
        idle_turns = now == before ? idle_turns + 1 : 0;
        before = now;
    }
    assert_true(written >= HUGE_BYTES);
    assert_true(most <= 64 * 16384);
    expect_received(written);
}

// ---- what one direction wants and the other brings

// One at a time: OpenSSL 3.0 takes no second one before it could answer the first.
static void test_new_keys_are_answered_while_much_is_under_way(void **state) {
    (void)state;
    open_pair();
    size_t theirs = 0, next = 0;
    send_huge();
    for (int turn = 0; turn < 100000 && theirs < HUGE_BYTES; turn++) {
        if (theirs >= next) { // ours has to say its own new keys, and the socket is full
            assert_int_equal(SSL_key_update(pair.theirs, SSL_KEY_UPDATE_REQUESTED), 1);
            SSL_do_handshake(pair.theirs);
            next += HUGE_BYTES / 8;
        }
        turns(&pair.core, 1);
        theirs += their_read(theirs, PIECE_BYTES);
    }
    assert_int_equal(theirs, HUGE_BYTES);
    turn_until(&pair.core, pair.sent_count == 1);
    assert_int_equal(pair.lost_count, 0);
}

static void test_writing_goes_on_after_a_renegotiation(void **state) {
    (void)state;
    SSL_CTX_set_max_proto_version(pair.server_context, TLS1_2_VERSION);
    open_pair();
    size_t theirs = 0;
    for (int round = 0; round < 5; round++) {
        unsigned sent_before = pair.sent_count;
        theirs = 0;
        assert_int_equal(SSL_renegotiate(pair.theirs), 1);
        SSL_do_handshake(pair.theirs);
        send_huge(); // a session in the middle of a handshake reads before it writes
        for (int turn = 0; turn < 100000 && theirs < HUGE_BYTES; turn++) {
            turns(&pair.core, 1);
            theirs += their_read(theirs, PIECE_BYTES);
        }
        assert_int_equal(theirs, HUGE_BYTES);
        turn_until(&pair.core, pair.sent_count == sent_before + 1);
    }
    assert_int_equal(pair.lost_count, 0);
}

// ---- ends

static void test_an_end_that_was_said_is_no_error(void **state) {
    (void)state;
    open_pair();
    SSL_write(pair.theirs, "last", 4);
    SSL_shutdown(pair.theirs);
    expect_lost(0, "has ended the session");
    assert_int_equal(buffer_bytes(&pair.in), 4);
}

static void test_an_end_that_was_not_said_is_an_error(void **state) {
    (void)state;
    open_pair();
    SSL_write(pair.theirs, "last", 4);
    shutdown(pair.their_fd, SHUT_RDWR);
    expect_lost(-ECONNRESET, "was cut");
    assert_int_equal(buffer_bytes(&pair.in), 4);
}

static void test_bytes_that_are_no_tls_end_it(void **state) {
    (void)state;
    open_pair();
    client_send(pair.their_fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
    expect_lost(-EPROTO, "wrong version number");
    assert_int_equal(buffer_bytes(&pair.in), 0);
}

static void test_a_record_that_was_changed_on_its_way_ends_it(void **state) {
    (void)state;
    open_pair();
    char record[] = "\x17\x03\x03\x00\x20 0123456789012345678901234567890";
    assert_int_equal(send(pair.their_fd, record, 37, 0), 37);
    expect_lost(-EPROTO, "decryption failed or bad record mac");
}

static void test_a_certificate_that_is_asked_for_and_missing_is_said(void **state) {
    (void)state;
    SSL_CTX_set_verify(pair.server_context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    open_sessions();
    for (int i = 0; i < 10 && SSL_connect(pair.ours) != 1; i++)
        SSL_accept(pair.theirs);
    SSL_accept(pair.theirs); // in TLS 1.3 ours believes itself connected by now
    int error = start();
    if (!error)
        expect_lost(-EPROTO, "certificate required");
    else
        assert_non_null(strstr(tls_stream_why(&pair.stream), "certificate required"));
}

static void test_a_stranger_is_told_by_the_words_of_the_verification(void **state) {
    (void)state;
    SSL_CTX_free(pair.client_context);
    pair.client_context = tls_client_context(NULL);
    open_sessions();
    assert_false(shake_hands());
    assert_string_equal(tls_failure(pair.ours), "self-signed certificate");
}

static void test_a_socket_that_fails_ends_it(void **state) {
    (void)state;
    ring_inject(pair.core.ring, RING_POLL, 1, -EIO);
    open_pair();
    expect_lost(-EIO, strerror(EIO));
}

static void test_a_socket_that_fails_while_writing_ends_it(void **state) {
    (void)state;
    open_pair();
    ring_inject(pair.core.ring, RING_POLL, 1, -ENOMEM); // that of writing: reading has its own already
    send_huge();
    expect_lost(-ENOMEM, strerror(ENOMEM));
    assert_int_equal(pair.sent_count, 0);
}

static void test_writing_to_one_that_is_gone_ends_it(void **state) {
    (void)state;
    open_pair();
    shutdown(pair.their_fd, SHUT_RDWR);
    buffer_append(&pair.out, "too late", 8);
    tls_stream_send(&pair.stream, &pair.out);
    expect_lost(-EPIPE, strerror(EPIPE));
    assert_int_equal(pair.sent_count, 0);
}

static void test_nothing_is_received_after_it_was_stopped(void **state) {
    (void)state;
    open_pair();
    pair.stops_when_received = true;
    for (int i = 0; i < 3; i++)
        assert_int_equal(SSL_write(pair.theirs, "one", 3), 3);
    turn_until(&pair.core, buffer_bytes(&pair.in));
    turns(&pair.core, 3);
    assert_int_equal(buffer_bytes(&pair.in), 3);
    assert_int_equal(pair.lost_count, 0);
}

static void test_what_was_in_flight_comes_back_to_a_stopped_one(void **state) {
    (void)state;
    open_pair();
    send_huge();
    assert_true(tls_stream_is_busy(&pair.stream));
    tls_stream_stop(&pair.stream);
    shutdown(pair.fd, SHUT_RDWR);
    turn_until(&pair.core, !tls_stream_is_busy(&pair.stream));
    assert_true(pair.idle_count >= 1);
    assert_int_equal(pair.sent_count + pair.lost_count, 0);
    tls_stream_send(&pair.stream, &pair.out); // harmless
    assert_false(tls_stream_is_busy(&pair.stream));
}

static void test_our_end_is_said(void **state) {
    (void)state;
    open_pair();
    char byte;
    tls_stream_say_end(&pair.stream);
    assert_int_equal(SSL_read(pair.theirs, &byte, 1), 0);
    assert_int_equal(SSL_get_shutdown(pair.theirs) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}

static void test_our_end_is_not_said_in_the_middle_of_a_record(void **state) {
    (void)state;
    open_pair();
    send_huge();
    tls_stream_say_end(&pair.stream);
    assert_int_equal(SSL_get_shutdown(pair.ours), 0);
}

static int make_identity(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN); // as the server does: OpenSSL writes to sockets whose other side is gone
    identity = identity_make();
    return 0;
}

static int free_identity(void **state) {
    (void)state;
    identity_free(&identity);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_go_both_ways),
        TEST(test_what_the_session_has_read_ahead_is_received),
        TEST(test_both_directions_may_be_full_at_once),
        TEST(test_a_flood_leaves_turns_to_others),
        TEST(test_new_keys_are_answered_while_much_is_under_way),
        TEST(test_writing_goes_on_after_a_renegotiation),
        TEST(test_an_end_that_was_said_is_no_error),
        TEST(test_an_end_that_was_not_said_is_an_error),
        TEST(test_bytes_that_are_no_tls_end_it),
        TEST(test_a_record_that_was_changed_on_its_way_ends_it),
        TEST(test_a_certificate_that_is_asked_for_and_missing_is_said),
        TEST(test_a_stranger_is_told_by_the_words_of_the_verification),
        TEST(test_a_socket_that_fails_ends_it),
        TEST(test_a_socket_that_fails_while_writing_ends_it),
        TEST(test_writing_to_one_that_is_gone_ends_it),
        TEST(test_nothing_is_received_after_it_was_stopped),
        TEST(test_what_was_in_flight_comes_back_to_a_stopped_one),
        TEST(test_our_end_is_said),
        TEST(test_our_end_is_not_said_in_the_middle_of_a_record),
    };
    return cmocka_run_group_tests(tests, make_identity, free_identity);
}
