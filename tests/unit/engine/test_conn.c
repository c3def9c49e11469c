// test_conn.c — one client's connection: what it writes leaves, what it reads arrives, and it goes when it should.
#include "world.h"

#include "base/clock.h"
#include "engine/conn_state.h"

enum { HUGE_BYTES = 16 << 20 }; // more than a loopback socket takes without a reader

/** A connected client, and the server's side of it. */
static int client_of(struct world *world) {
    unsigned before = world->opened;
    int client = client_connect(world->port);
    turn_until(&world->core, world->opened == before + 1);
    return client;
}

static void on_data_ignore(struct conn *conn, const char *data, size_t bytes) {
    (void)data;
    world_of(conn)->received += bytes;
}

static void on_data_two_writes(struct conn *conn, const char *data, size_t bytes) {
    (void)data;
    (void)bytes;
    assert_int_equal(conn_write(conn, "one ", 4), 0);
    assert_int_equal(conn_write(conn, "two", 3), 0);
}

static void on_data_answer_and_close(struct conn *conn, const char *data, size_t bytes) {
    (void)data;
    world_of(conn)->received += bytes;
    assert_int_equal(conn_write(conn, "no, thanks", 10), 0);
    conn_close(conn);
}

static void on_data_abort(struct conn *conn, const char *data, size_t bytes) {
    (void)data;
    (void)bytes;
    unsigned before = world_of(conn)->closed;
    conn_abort(conn);
    conn_abort(conn);
    conn_close(conn);
    assert_int_equal(world_of(conn)->closed, before); // never during the call
}

static void on_end_answer_and_close(struct conn *conn) {
    world_of(conn)->ended++;
    assert_int_equal(conn_write(conn, "goodbye", 7), 0);
    conn_close(conn);
}

static struct protocol with_data(void (*on_data)(struct conn *conn, const char *data, size_t bytes)) {
    struct protocol protocol = echo;
    protocol.on_data = on_data;
    return protocol;
}

static void write_huge(struct conn *conn) {
    char *room = conn_reserve(conn, HUGE_BYTES);
    assert_non_null(room);
    for (size_t i = 0; i < HUGE_BYTES; i++)
        room[i] = (char)(i % 251);
    conn_commit(conn, HUGE_BYTES);
}

/** Reads on until the end of the stream; true when it was what write_huge() wrote. */
static bool read_huge(struct core *core, int client) {
    static char piece[1 << 20];
    size_t have = 0;
    for (int turn = 0; turn < 100000; turn++) {
        ssize_t got = recv(client, piece, sizeof piece, MSG_DONTWAIT);
        if (got == 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            if (piece[i] != (char)((have + (size_t)i) % 251))
                return false;
        have += got > 0 ? (size_t)got : 0;
        assert_int_equal(core_turn(core, 0), 0);
    }
    return have == HUGE_BYTES;
}

static void test_two_writes_in_a_turn_are_one_send(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = with_data(on_data_two_writes);
    world_open(&world, &protocol);
    int client = client_of(&world);

    ring_inject(world.core.ring, RING_SEND, 2, -ECONNRESET); // a second send would be noticed
    client_send(client, "x");
    client_expect(&world.core, client, "one two");
    turns(&world.core, 3);
    assert_int_equal(world.closed, 0);
    assert_int_equal(world.drained, 1);

    client_send(client, "x"); // ... as it is now
    turn_until(&world.core, world.closed == 1);
    close(client);
    world_close(&world);
}

static void test_what_is_written_while_a_send_is_in_flight_leaves_with_the_next(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = with_data(on_data_ignore);
    world_open(&world, &protocol);
    int client = client_of(&world);

    conn_write(world.last, "a", 1);
    for (int i = 0; i < 100; i++) {
        conn_write(world.last, "b", 1);
        if (i % 10 == 0)
            turns(&world.core, 1);
    }
    char want[102] = "a";
    memset(want + 1, 'b', 100);
    want[101] = 0;
    client_expect(&world.core, client, want);
    turn_until(&world.core, conn_output_bytes(world.last) == 0);
    close(client);
    world_close(&world);
}

static void test_reading_stops_while_the_output_is_full_and_goes_on(void **state) {
    (void)state;
    static char piece[65536];
    struct world world;
    struct listener_options options = world_listener(&echo);
    options.output_bytes_max = 8192;
    world_open_with(&world, world_core(), options);
    int client = client_of(&world);
    size_t sent = 0, got = 0;

    for (int idle = 0; idle < 50; idle++) { // the client only sends, until nobody takes any more
        ssize_t bytes = send(client, piece, sizeof piece, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (bytes > 0) {
            sent += (size_t)bytes;
            idle = 0;
        }
        turns(&world.core, 1);
        assert_true(conn_output_bytes(world.last) <= 8192 + 32 * 4096);
        assert_true(sent < (size_t)256 << 20);
    }
    assert_true(conn_output_is_full(world.last));
    size_t received = world.received;
    turns(&world.core, 20);
    assert_int_equal(world.received, received); // it has stopped
    assert_true(received < sent);

    for (int turn = 0; turn < 100000 && got < sent; turn++) {
        ssize_t bytes = recv(client, piece, sizeof piece, MSG_DONTWAIT);
        got += bytes > 0 ? (size_t)bytes : 0;
        turns(&world.core, 1);
    }
    assert_int_equal(got, sent);
    turn_until(&world.core, conn_output_bytes(world.last) == 0);
    assert_true(world.drained > 0);
    close(client);
    world_close(&world);
}

static void test_reading_stops_for_output_that_was_not_made_of_input(void **state) {
    (void)state;
    static char piece[1 << 20];
    struct world world;
    struct protocol protocol = with_data(on_data_ignore);
    world_open(&world, &protocol);
    int client = client_of(&world);

    write_huge(world.last);
    turns(&world.core, 3);
    client_send(client, "hello");
    turns(&world.core, 5);
    assert_int_equal(world.received, 0);

    for (int turn = 0; turn < 100000 && conn_output_bytes(world.last) > 0; turn++) {
        client_recv(client, piece, sizeof piece);
        turns(&world.core, 1);
    }
    turn_until(&world.core, world.received == 5);
    close(client);
    world_close(&world);
}

static void test_a_conn_is_not_released_while_the_kernel_holds_its_buffer(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = with_data(on_data_ignore);
    world_open(&world, &protocol);
    int client = client_of(&world);
    struct conn *conn = world.last;
    write_huge(conn);
    turns(&world.core, 3);
    assert_true(op_is_in_flight(&conn->send));

    conn_abort(conn);

    while (op_is_in_flight(&conn->send) || op_is_in_flight(&conn->recv)) {
        assert_int_equal(world.closed, 0);
        assert_non_null(conn->flying);
        turns(&world.core, 1);
    }
    turn_until(&world.core, world.closed == 1);
    close(client);
    world_close(&world);
}

static void test_an_aborted_connection_with_unsent_output_is_reset(void **state) {
    (void)state;
    static char piece[1 << 20];
    struct world world;
    struct protocol protocol = with_data(on_data_ignore);
    world_open(&world, &protocol);
    int client = client_of(&world);
    write_huge(world.last);
    turns(&world.core, 3);

    conn_abort(world.last);
    turn_until(&world.core, world.closed == 1);

    ssize_t got;
    while ((got = recv(client, piece, sizeof piece, MSG_DONTWAIT)) > 0)
        continue;
    assert_int_equal(got, -1);
    assert_int_equal(errno, ECONNRESET);
    close(client);
    world_close(&world);
}

static void test_all_that_was_written_arrives_before_the_close(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = with_data(on_data_ignore);
    world_open(&world, &protocol);
    int client = client_of(&world);

    write_huge(world.last);
    conn_close(world.last);

    assert_true(read_huge(&world.core, client));
    close(client);
    turn_until(&world.core, world.closed == 1);
    world_close(&world);
}

static void test_a_client_that_keeps_sending_reads_the_answer(void **state) {
    (void)state;
    static char piece[65536];
    struct world world;
    struct protocol protocol = with_data(on_data_answer_and_close);
    world_open(&world, &protocol);
    int client = client_of(&world);
    size_t sent = 0;

    for (int turn = 0; turn < 10000 && sent < 4 << 20; turn++) { // far more than the answer waits for
        ssize_t bytes = send(client, piece, sizeof piece, MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_true(bytes > 0 || errno == EAGAIN); // no reset
        sent += bytes > 0 ? (size_t)bytes : 0;
        turns(&world.core, 1);
    }
    assert_int_equal(world.closed, 0);

    client_expect(&world.core, client, "no, thanks");
    client_expect_end(&world.core, client);
    close(client);
    turn_until(&world.core, world.closed == 1);
    world_close(&world);
}

static void test_lingering_ends_after_five_seconds(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = with_data(on_data_answer_and_close);
    clock_freeze(1000000000, 0);
    world_open(&world, &protocol);
    int client = client_of(&world);
    client_send(client, "x");
    client_expect(&world.core, client, "no, thanks"); // and never ends

    turns(&world.core, 10);
    clock_freeze(INT64_C(5900000000), 0);
    turns(&world.core, 10);
    assert_int_equal(world.closed, 0);
    clock_freeze(INT64_C(6100000000), 0);
    turns(&world.core, 10);

    assert_int_equal(world.closed, 1);
    close(client);
    clock_freeze(-1, -1);
    world_close(&world);
}

static void test_lingering_ends_after_sixteen_mebibytes(void **state) {
    (void)state;
    static char piece[65536];
    struct world world;
    struct protocol protocol = with_data(on_data_answer_and_close);
    clock_freeze(1000000000, 0); // its time never ends
    world_open(&world, &protocol);
    int client = client_of(&world);
    size_t sent = 0;

    for (int turn = 0; turn < 100000 && world.closed == 0; turn++) {
        ssize_t bytes = send(client, piece, sizeof piece, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += bytes > 0 ? (size_t)bytes : 0;
        turns(&world.core, 1);
    }

    assert_int_equal(world.closed, 1);
    assert_in_range(sent, 16 << 20, 64 << 20);
    close(client);
    clock_freeze(-1, -1);
    world_close(&world);
}

static void test_a_client_that_has_ended_is_still_answered(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = echo;
    protocol.on_end = on_end_answer_and_close;
    world_open(&world, &protocol);
    int client = client_of(&world);

    client_send(client, "hello ");
    shutdown(client, SHUT_WR);

    client_expect(&world.core, client, "hello goodbye");
    client_expect_end(&world.core, client);
    turn_until(&world.core, world.closed == 1);
    assert_int_equal(world.ended, 1);
    close(client);
    world_close(&world);
}

static void test_a_client_that_vanishes_is_noticed(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &echo);
    int client = client_of(&world);

    client_reset(client);
    turn_until(&world.core, world.closed == 1);

    assert_int_equal(world.ended, 0);
    world_close(&world);
}

static void test_a_client_that_vanishes_during_a_send_is_noticed(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = with_data(on_data_ignore);
    world_open(&world, &protocol);
    int client = client_of(&world);
    write_huge(world.last);
    turns(&world.core, 2);

    client_reset(client);
    turn_until(&world.core, world.closed == 1);

    world_close(&world);
}

static void test_a_failed_send_closes_the_connection(void **state) {
    (void)state;
    static const int errors[] = {-ECONNRESET, -EPIPE, -ETIMEDOUT, -ENOMEM, 0};
    struct world world;
    world_open(&world, &echo);
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        int client = client_of(&world);
        ring_inject(world.core.ring, RING_SEND, 1, errors[i]);
        client_send(client, "hello");
        turn_until(&world.core, world.closed == i + 1);
        close(client);
    }
    world_close(&world);
}

static void test_a_short_send_is_followed_by_the_rest(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &echo);
    int client = client_of(&world);

    ring_inject(world.core.ring, RING_SEND, 1, 3); // "hel" is said to have left
    client_send(client, "hello");

    client_expect(&world.core, client, "lo");
    assert_int_equal(world.closed, 0);
    close(client);
    world_close(&world);
}

static void test_a_recv_that_finds_no_buffer_or_no_memory_is_asked_again(void **state) {
    (void)state;
    static const int errors[] = {-ENOBUFS, -ENOMEM, -EAGAIN, -EINTR, -ECANCELED};
    struct world world;
    world_open(&world, &echo);
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        ring_inject(world.core.ring, RING_RECV, 1, errors[i]);
        int client = client_of(&world);
        client_send(client, "hello");
        client_expect(&world.core, client, "hello");
        close(client);
        turn_until(&world.core, world.closed == i + 1);
    }
    world_close(&world);
}

static void test_a_failed_recv_closes_the_connection(void **state) {
    (void)state;
    static const int errors[] = {-ECONNRESET, -ETIMEDOUT, -EIO};
    struct world world;
    world_open(&world, &echo);
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        ring_inject(world.core.ring, RING_RECV, 1, errors[i]);
        int client = client_connect(world.port);
        turn_until(&world.core, world.closed == i + 1);
        close(client);
    }
    world_close(&world);
}

static void test_a_client_that_takes_nothing_is_aborted_when_the_write_has_stalled(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = with_data(on_data_ignore);
    int64_t second = 1;
    clock_freeze(second * 1000000000, 0);
    world_open(&world, &protocol);
    int client = client_of(&world);
    conn_set_deadline(world.last, 3600000); // the protocol's own is far away
    write_huge(world.last);

    for (; second < 30; second++) {
        clock_freeze(second * 1000000000, 0);
        turns(&world.core, 3);
        assert_int_equal(world.closed, 0);
    }
    for (; second < 42 && world.closed == 0; second++) {
        clock_freeze(second * 1000000000, 0);
        turns(&world.core, 3);
    }

    assert_int_equal(world.closed, 1);
    close(client);
    clock_freeze(-1, -1);
    world_close(&world);
}

static void test_a_client_that_takes_little_by_little_is_not_stalled(void **state) {
    (void)state;
    static char piece[1 << 18];
    struct world world;
    struct protocol protocol = with_data(on_data_ignore);
    clock_freeze(1000000000, 0);
    world_open(&world, &protocol);
    int client = client_of(&world);
    write_huge(world.last);

    for (int64_t second = 1; second < 80; second += 5) { // four mebibytes in all, of sixteen
        clock_freeze(second * 1000000000, 0);
        turns(&world.core, 3);
        assert_true(recv(client, piece, sizeof piece, MSG_DONTWAIT) > 0);
        turns(&world.core, 3);
        assert_int_equal(world.closed, 0);
    }

    assert_true(conn_output_bytes(world.last) > 0);
    for (int64_t second = 80; second < 100; second += 4) { // the thirty seconds begin anew with each piece
        clock_freeze(second * 1000000000, 0);
        turns(&world.core, 3);
        assert_int_equal(world.closed, 0);
    }
    close(client);
    clock_freeze(-1, -1);
    turn_until(&world.core, world.closed == 1);
    world_close(&world);
}

static void test_a_deadline_is_the_last_one_that_was_set(void **state) {
    (void)state;
    struct world world;
    clock_freeze(1000000000, 0);
    world_open(&world, &echo);
    int client = client_of(&world);

    conn_set_deadline(world.last, 5000);
    conn_set_deadline(world.last, 9000); // later
    clock_freeze(INT64_C(6000000000), 0);
    turns(&world.core, 2);
    assert_int_equal(world.deadlines, 0);
    conn_set_deadline(world.last, 7000); // earlier
    clock_freeze(INT64_C(7100000000), 0);
    turns(&world.core, 2);
    assert_int_equal(world.deadlines, 1);
    clock_freeze(INT64_C(7400000000), 0);
    turns(&world.core, 2);
    assert_int_equal(world.deadlines, 1); // once

    conn_set_deadline(world.last, 8000);
    conn_set_deadline(world.last, 0); // taken away
    clock_freeze(INT64_C(60000000000), 0);
    turns(&world.core, 2);
    assert_int_equal(world.deadlines, 1);
    close(client);
    clock_freeze(-1, -1);
    world_close(&world);
}

static void test_a_deadline_may_abort_its_connection(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = echo;
    protocol.on_deadline = conn_abort;
    clock_freeze(1000000000, 0);
    world_open(&world, &protocol);
    int client = client_of(&world);
    conn_set_deadline(world.last, 5000);

    clock_freeze(INT64_C(6000000000), 0);
    turns(&world.core, 4);

    assert_int_equal(world.closed, 1);
    close(client);
    clock_freeze(-1, -1);
    world_close(&world);
}

static void test_a_paused_connection_leaves_its_bytes_in_the_kernel(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &echo);
    int client = client_of(&world);

    conn_pause(world.last);
    turns(&world.core, 2);
    client_send(client, "hello");
    turns(&world.core, 5);
    assert_int_equal(world.received, 0);
    conn_resume(world.last);
    conn_pause(world.last); // a change of mind before the kernel knows
    conn_resume(world.last);

    client_expect(&world.core, client, "hello");
    close(client);
    world_close(&world);
}

static void test_a_connection_may_be_aborted_from_its_own_data(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = with_data(on_data_abort);
    world_open(&world, &protocol);
    int client = client_of(&world);

    client_send(client, "x");
    turn_until(&world.core, world.closed == 1);

    close(client);
    world_close(&world);
}

static void test_room_may_be_extended_before_it_is_claimed(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &echo);
    int client = client_of(&world);
    conn_write(world.last, "<", 1);

    char *room = conn_reserve(world.last, 5);
    memcpy(room, "12345", 5);
    room = conn_extend(world.last, 5, 20000);
    memset(room, 'x', 3);
    conn_commit(world.last, 8);
    conn_write(world.last, ">", 1);

    client_expect(&world.core, client, "<12345xxx>");
    close(client);
    world_close(&world);
}

static void test_room_beyond_every_limit_is_refused(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &echo);
    int client = client_of(&world);

    assert_null(conn_reserve(world.last, OUTPUT_BYTES_MAX + 1));
    assert_int_equal(conn_write(world.last, "x", (size_t)-1), -ENOMEM);
    conn_write(world.last, "still alive", 11);

    client_expect(&world.core, client, "still alive");
    close(client);
    world_close(&world);
}

static void test_an_idle_connection_holds_no_buffer_and_little_memory(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &echo);
    int client = client_of(&world);
    client_send(client, "hello");
    client_expect(&world.core, client, "hello");
    conn_reserve(world.last, 10); // and never claimed
    turns(&world.core, 3);

    assert_null(world.last->filling);
    assert_null(world.last->flying);
    assert_true(sizeof(struct conn) <= 320);
    close(client);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_writes_in_a_turn_are_one_send),
        cmocka_unit_test(test_what_is_written_while_a_send_is_in_flight_leaves_with_the_next),
        cmocka_unit_test(test_reading_stops_while_the_output_is_full_and_goes_on),
        cmocka_unit_test(test_reading_stops_for_output_that_was_not_made_of_input),
        cmocka_unit_test(test_a_conn_is_not_released_while_the_kernel_holds_its_buffer),
        cmocka_unit_test(test_an_aborted_connection_with_unsent_output_is_reset),
        cmocka_unit_test(test_all_that_was_written_arrives_before_the_close),
        cmocka_unit_test(test_a_client_that_keeps_sending_reads_the_answer),
        cmocka_unit_test(test_lingering_ends_after_five_seconds),
        cmocka_unit_test(test_lingering_ends_after_sixteen_mebibytes),
        cmocka_unit_test(test_a_client_that_has_ended_is_still_answered),
        cmocka_unit_test(test_a_client_that_vanishes_is_noticed),
        cmocka_unit_test(test_a_client_that_vanishes_during_a_send_is_noticed),
        cmocka_unit_test(test_a_failed_send_closes_the_connection),
        cmocka_unit_test(test_a_short_send_is_followed_by_the_rest),
        cmocka_unit_test(test_a_recv_that_finds_no_buffer_or_no_memory_is_asked_again),
        cmocka_unit_test(test_a_failed_recv_closes_the_connection),
        cmocka_unit_test(test_a_client_that_takes_nothing_is_aborted_when_the_write_has_stalled),
        cmocka_unit_test(test_a_client_that_takes_little_by_little_is_not_stalled),
        cmocka_unit_test(test_a_deadline_is_the_last_one_that_was_set),
        cmocka_unit_test(test_a_deadline_may_abort_its_connection),
        cmocka_unit_test(test_a_paused_connection_leaves_its_bytes_in_the_kernel),
        cmocka_unit_test(test_a_connection_may_be_aborted_from_its_own_data),
        cmocka_unit_test(test_room_may_be_extended_before_it_is_claimed),
        cmocka_unit_test(test_room_beyond_every_limit_is_refused),
        cmocka_unit_test(test_an_idle_connection_holds_no_buffer_and_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
