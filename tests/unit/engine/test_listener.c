// test_listener.c — clients come, are counted, and go; a server that is out of something says so and lives.
//
// The heap is wrapped (see meson.build): an allocation may be made to fail, and all are counted.
#include "world.h"

#include <sys/resource.h>

#include "base/clock.h"

static unsigned allocation_count, fail_allocation_at;

static bool allocation_fails(void) {
    allocation_count++;
    return fail_allocation_at && --fail_allocation_at == 0;
}

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes) {
    return allocation_fails() ? NULL : __real_malloc(bytes);
}
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes) {
    return allocation_fails() ? NULL : __real_calloc(count, bytes);
}
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
    return allocation_fails() ? NULL : __real_aligned_alloc(alignment, bytes);
}

static void test_a_client_reads_back_what_it_has_sent(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &echo);
    int client = client_connect(world.port);

    client_send(client, "hello");
    client_expect(&world.core, client, "hello");
    client_send(client, "again");
    client_expect(&world.core, client, "again");

    assert_int_equal(listener_conn_count(world.listener), 1);
    close(client);
    turn_until(&world.core, listener_conn_count(world.listener) == 0);
    assert_int_equal(world.ended, 1);
    world_close(&world);
}

static void test_a_port_in_use_is_said_when_binding(void **state) {
    (void)state;
    int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd = -1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(plain, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(plain, 1), 0);
    struct listener_options options = world_listener(&echo);
    options.port = listener_port(plain);

    assert_int_equal(listener_bind(&options, &fd), -EADDRINUSE);

    assert_int_equal(fd, -1);
    close(plain);
}

static void test_several_cores_share_a_port(void **state) {
    (void)state;
    struct listener_options options = world_listener(&echo);
    int first, second;
    assert_int_equal(listener_bind(&options, &first), 0);
    options.port = listener_port(first);

    assert_int_equal(listener_bind(&options, &second), 0);

    assert_int_equal(listener_port(second), options.port);
    close(first);
    close(second);
}

static void test_a_host_that_is_no_address_is_refused(void **state) {
    (void)state;
    struct listener_options options = world_listener(&echo);
    int fd;
    options.host = "localhost";

    assert_int_equal(listener_bind(&options, &fd), -EINVAL);
}

static void test_the_unspecified_v6_address_serves_v4_as_well(void **state) {
    (void)state;
    struct world world;
    struct listener_options options = world_listener(&echo);
    options.host = "::";
    world_open_with(&world, world_core(), options);
    int client = client_connect(world.port);

    client_send(client, "hello");
    client_expect(&world.core, client, "hello");

    close(client);
    world_close(&world);
}

static int refuse_to_open(struct conn *conn) {
    return world_of(conn)->opened++ == 0 ? -EPERM : 0;
}

static void test_a_refused_client_is_closed_and_heard_of_no_more(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = echo;
    protocol.on_open = refuse_to_open;
    world_open(&world, &protocol);
    int first = client_connect(world.port);

    client_expect_end(&world.core, first);
    assert_int_equal(world.closed, 0);
    assert_int_equal(listener_conn_count(world.listener), 0);

    int second = client_connect(world.port);
    client_send(second, "hello");
    client_expect(&world.core, second, "hello");
    close(first);
    close(second);
    world.opened--; // the refused one owes no on_closed
    world_close(&world);
}

static void test_above_the_limit_clients_wait_until_one_is_gone(void **state) {
    (void)state;
    enum { COUNT = 40 };
    struct world world;
    struct listener_options options = world_listener(&echo);
    int clients[COUNT];
    options.conn_count_max = 4;
    world_open_with(&world, world_core(), options);
    for (int i = 0; i < COUNT; i++) {
        clients[i] = client_connect(world.port);
        client_send(clients[i], "hello");
    }

    turns(&world.core, 20);
    assert_int_equal(world.opened, 4);
    for (int i = 0; i < COUNT; i++) {
        client_expect(&world.core, clients[i], "hello");
        assert_true(listener_conn_count(world.listener) <= 4);
        close(clients[i]);
    }

    turn_until(&world.core, world.closed == COUNT);
    world_close(&world);
}

static void test_a_client_above_the_limit_may_give_up(void **state) {
    (void)state;
    struct world world;
    struct listener_options options = world_listener(&echo);
    options.conn_count_max = 1;
    world_open_with(&world, world_core(), options);
    int first = client_connect(world.port), second = client_connect(world.port), third = client_connect(world.port);
    turns(&world.core, 5);

    client_reset(second);
    client_send(third, "third");
    close(first);

    client_expect(&world.core, third, "third");
    close(third);
    world_close(&world);
}

/** Lets the accept end and be asked for again, with what ring_inject() has prepared. */
static void ask_for_accept_again(struct world *world) {
    int client = client_connect(world->port);
    turn_until(&world->core, world->opened == world->closed + 1); // the limit of one is reached
    close(client);
    turn_until(&world->core, world->opened == world->closed);
    turns(&world->core, 2);
}

static void test_an_accept_that_fails_for_the_clients_sake_is_asked_for_at_once(void **state) {
    (void)state;
    static const int errors[] = {-ECONNABORTED, -EPROTO, -ENETDOWN, -EINTR, -ECANCELED};
    struct world world;
    struct listener_options options = world_listener(&echo);
    options.conn_count_max = 1;
    clock_freeze(1000000000, 0); // no pause could ever end
    world_open_with(&world, world_core(), options);
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        turns(&world.core, 2);
        ring_inject(world.core.ring, RING_ACCEPT, 1, errors[i]);
        ask_for_accept_again(&world);
    }

    int client = client_connect(world.port);
    client_send(client, "hello");
    client_expect(&world.core, client, "hello");
    close(client);
    clock_freeze(-1, -1);
    world_close(&world);
}

static void test_an_accept_that_fails_for_our_sake_is_asked_for_after_a_tenth_of_a_second(void **state) {
    (void)state;
    static const int errors[] = {-EMFILE, -ENFILE, -ENOMEM, -ENOBUFS};
    struct world world;
    struct listener_options options = world_listener(&echo);
    int64_t now_ms = 1000;
    options.conn_count_max = 1;
    clock_freeze(now_ms * 1000000, 0);
    world_open_with(&world, world_core(), options);
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        turns(&world.core, 2);
        ring_inject(world.core.ring, RING_ACCEPT, 1, errors[i]);
        ask_for_accept_again(&world);
        unsigned before = world.opened;
        int client = client_connect(world.port);
        turns(&world.core, 20);
        assert_int_equal(world.opened, before); // it pauses
        clock_freeze((now_ms += 120) * 1000000, 0);
        turn_until(&world.core, world.opened == before + 1);
        close(client);
        turn_until(&world.core, world.closed == world.opened);
    }
    clock_freeze(-1, -1);
    world_close(&world);
}

static void test_a_process_without_descriptors_serves_the_clients_it_has(void **state) {
    (void)state;
    enum { LIMIT = 64 };
    struct world world;
    struct rlimit before;
    int taken[LIMIT], count = 0;
    getrlimit(RLIMIT_NOFILE, &before);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = LIMIT, .rlim_max = before.rlim_max});
    world_open(&world, &echo);
    int served = client_connect(world.port), waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    client_send(served, "hello");
    client_expect(&world.core, served, "hello");
    while ((taken[count] = dup(served)) >= 0)
        count++;

    client_reach(waiting, world.port);
    client_send(waiting, "me too");
    uint64_t turns_before = world.core.turn_count;
    for (int i = 0; i < 10; i++)
        assert_int_equal(core_turn(&world.core, 20), 0);
    assert_int_equal(world.opened, 1);
    assert_true(world.core.turn_count - turns_before <= 10);
    client_send(served, "again");
    client_expect(&world.core, served, "again");

    while (count > 0)
        close(taken[--count]);
    client_expect(&world.core, waiting, "me too");
    close(served);
    close(waiting);
    world_close(&world);
    setrlimit(RLIMIT_NOFILE, &before);
}

static void test_a_client_for_whom_there_is_no_memory_is_closed_and_the_others_are_not(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &echo);
    int first = client_connect(world.port);
    client_send(first, "hello");
    client_expect(&world.core, first, "hello");

    fail_allocation_at = 1;
    int second = client_connect(world.port);
    client_expect_end(&world.core, second);
    assert_int_equal(fail_allocation_at, 0);

    int third = client_connect(world.port);
    client_send(third, "me");
    client_expect(&world.core, third, "me");
    client_send(first, "again");
    client_expect(&world.core, first, "again");
    close(first);
    close(second);
    close(third);
    world_close(&world);
}

static void test_a_core_or_listener_for_which_there_is_no_memory_is_refused(void **state) {
    (void)state;
    unsigned failures = 0;
    for (unsigned nth = 1;; nth++) {
        struct core core;
        struct core_options core_options = world_core();
        struct listener_options options = world_listener(&echo);
        struct listener *listener = NULL;
        int fd;
        assert_int_equal(listener_bind(&options, &fd), 0);
        fail_allocation_at = nth;
        int error = core_init(&core, &core_options);
        bool has_core = error == 0;
        if (has_core)
            error = listener_start(&core, fd, &options, &listener);
        bool has_failed = fail_allocation_at == 0;
        fail_allocation_at = 0;
        assert_int_equal(error, has_failed ? -ENOMEM : 0);
        failures += has_failed;
        if (listener) {
            bool is_over = false;
            listener_drain(listener, world_farewell, &is_over);
            turn_until(&core, is_over);
            listener_destroy(listener);
        } else {
            close(fd);
        }
        if (has_core)
            core_finish(&core);
        if (!has_failed)
            break;
    }
    assert_true(failures >= 3); // the ring, the coroutines, the listener
}

static void one_exchange(struct world *world) {
    int client = client_connect(world->port);
    unsigned before = world->closed;
    client_send(client, "hello");
    client_expect(&world->core, client, "hello");
    close(client);
    turn_until(&world->core, world->closed == before + 1);
}

static void test_a_connection_in_steady_state_asks_the_heap_for_nothing(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &echo);
    one_exchange(&world);

    unsigned before = allocation_count;
    for (int i = 0; i < 100; i++)
        one_exchange(&world);

    assert_int_equal(allocation_count, before);
    world_close(&world);
}

static void test_a_thousand_clients_are_served_through_sixteen_buffers(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    static int clients[COUNT];
    struct world world;
    struct core_options core = world_core();
    core.ring.buffer_count = 16;
    world_open_with(&world, core, world_listener(&echo));
    for (int i = 0; i < COUNT; i++)
        clients[i] = client_connect(world.port);
    turn_until(&world.core, world.opened == COUNT);

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++)
            client_send(clients[i], "a request of some bytes");
        uint64_t enters = ring_enter_count(world.core.ring);
        for (int i = 0; i < COUNT; i++)
            client_expect(&world.core, clients[i], "a request of some bytes");
        assert_true(ring_enter_count(world.core.ring) - enters < 3 * COUNT); // no spinning
    }

    assert_int_equal(world.closed, 0);
    assert_int_equal(ring_buffers_free(world.core.ring), 16);
    for (int i = 0; i < COUNT; i++)
        close(clients[i]);
    turn_until(&world.core, world.closed == COUNT);
    world_close(&world);
}

/** Takes every buffer of a ring and keeps it. */
struct hoarder {
    struct op op;
    unsigned count;
    uint16_t buffers[16];
};

static void hoard(struct op *op, int result) {
    struct hoarder *hoarder = container_of(op, struct hoarder, op);
    if (result > 0)
        hoarder->buffers[hoarder->count++] = op->buffer;
}

static void hoarder_give_back(struct hoarder *hoarder, struct ring *ring) {
    while (hoarder->count > 0) {
        hoarder->op.has_buffer = true;
        hoarder->op.buffer = hoarder->buffers[--hoarder->count];
        ring_give_back(ring, &hoarder->op);
    }
}

static void test_without_any_buffer_clients_wait_and_the_core_does_not_spin(void **state) {
    (void)state;
    struct world world;
    struct core_options core = world_core();
    struct hoarder hoarder = {.op.done = hoard};
    int ends[2];
    core.ring.buffer_count = 16;
    clock_freeze(1000000000, 0);
    world_open_with(&world, core, world_listener(&echo));
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    for (int i = 0; i < 16; i++)
        client_send(ends[1], "mine");
    ring_recv(world.core.ring, &hoarder.op, ends[0]);
    turn_until(&world.core, hoarder.count == 16);
    int first = client_connect(world.port);
    turn_until(&world.core, world.opened == 1);
    struct conn *first_conn = world.last;
    int second = client_connect(world.port);
    turn_until(&world.core, world.opened == 2);
    client_send(first, "hello");
    client_send(second, "hello");
    turns(&world.core, 3);

    ring_inject(world.core.ring, RING_RECV, 1, -ECONNRESET); // who asks again is closed
    turns(&world.core, 20);
    ring_inject(world.core.ring, RING_RECV, 0, 0);
    assert_int_equal(world.received, 0);
    assert_int_equal(world.closed, 0);

    conn_abort(first_conn); // while it starves; its memory is the third's
    turn_until(&world.core, world.closed == 1);
    int third = client_connect(world.port);
    turn_until(&world.core, world.opened == 3);
    client_send(third, "hello");
    turns(&world.core, 3);
    clock_freeze(INT64_C(1100000000), 0);
    hoarder_give_back(&hoarder, world.core.ring);
    client_expect(&world.core, second, "hello");
    client_expect(&world.core, third, "hello");

    clock_freeze(-1, -1);
    close(ends[1]);
    turn_until(&world.core, !op_is_in_flight(&hoarder.op));
    close(ends[0]);
    close(first);
    close(second);
    close(third);
    world_close(&world);
}

static void finish_later(struct conn *conn) {
    world_of(conn)->drains++;
}

static void echo_and_close(struct conn *conn, const char *data, size_t bytes) {
    world_echo(conn, data, bytes);
    if (world_of(conn)->drains > 0)
        conn_close(conn);
}

static void test_a_drain_waits_for_what_is_begun(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = echo;
    protocol.on_drain = finish_later;
    protocol.on_data = echo_and_close;
    world_open(&world, &protocol);
    int client = client_connect(world.port);
    turn_until(&world.core, world.opened == 1);

    listener_drain(world.listener, world_farewell, &world.is_farewell);
    turns(&world.core, 10);
    assert_int_equal(world.drains, 1);
    assert_false(world.is_farewell);
    client_send(client, "the last one");
    client_expect(&world.core, client, "the last one");
    client_expect_end(&world.core, client);
    close(client);

    turn_until(&world.core, world.is_farewell);
    assert_int_equal(world.closed, 1);
    listener_destroy(world.listener);
    core_finish(&world.core);
}

static void test_a_drain_serves_who_came_at_the_last_moment_and_nobody_after(void **state) {
    (void)state;
    struct world world;
    struct protocol protocol = echo;
    protocol.on_drain = finish_later;
    protocol.on_data = echo_and_close;
    world_open(&world, &protocol);
    turns(&world.core, 2);
    int client = client_connect(world.port); // in the backlog: the core has not turned since
    client_send(client, "wait for me");

    listener_drain(world.listener, world_farewell, &world.is_farewell);
    client_expect(&world.core, client, "wait for me");
    client_expect_end(&world.core, client);
    close(client);
    turn_until(&world.core, world.is_farewell);

    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(world.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(late, (struct sockaddr *)&address, sizeof address), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(late);
    listener_destroy(world.listener);
    core_finish(&world.core);
}

static void destroy_listener(void *arg) {
    struct world *world = arg;
    listener_destroy(world->listener);
    world->is_farewell = true;
}

static void test_a_drained_listener_may_be_destroyed_by_its_farewell(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &echo);
    int client = client_connect(world.port);
    turn_until(&world.core, world.opened == 1);

    listener_drain(world.listener, destroy_listener, &world);
    client_expect_end(&world.core, client);
    close(client);
    turn_until(&world.core, world.is_farewell);

    core_finish(&world.core);
}

static void test_what_does_not_end_by_itself_is_aborted(void **state) {
    (void)state;
    enum { COUNT = 50 };
    struct world world;
    struct listener_options options = world_listener(&echo);
    struct protocol protocol = echo;
    int clients[COUNT];
    protocol.on_drain = finish_later;
    options.protocol = &protocol;
    options.conn_count_max = 20; // thirty wait
    world_open_with(&world, world_core(), options);
    for (int i = 0; i < COUNT; i++)
        clients[i] = client_connect(world.port);
    turn_until(&world.core, world.opened == 20);
    listener_drain(world.listener, world_farewell, &world.is_farewell);
    turns(&world.core, 10);
    assert_false(world.is_farewell);

    listener_abort_all(world.listener);
    turn_until(&world.core, world.is_farewell);

    assert_int_equal(world.closed, world.opened);
    for (int i = 0; i < COUNT; i++)
        close(clients[i]);
    listener_destroy(world.listener);
    core_finish(&world.core);
}

enum { CROWD = 40 };

static void one_step_of_the_crowd(struct world *world, int clients[CROWD]) {
    static char piece[30000];
    static const enum ring_operation kinds[] = {RING_ACCEPT, RING_RECV, RING_SEND};
    static const int results[] = {-ENOBUFS, -ECONNRESET, -ECANCELED, -ENOMEM, -EAGAIN, -EMFILE, -ECONNABORTED};
    int *client = &clients[rand() % CROWD];
    if (*client < 0)
        *client = client_connect(world->port);
    switch (rand() % 12) {
    case 0:
        client_reset(*client);
        *client = -1;
        break;
    case 1:
        close(*client);
        *client = -1;
        break;
    case 2:
        shutdown(*client, SHUT_WR);
        break;
    case 3:
    case 4:
        client_recv(*client, piece, sizeof piece);
        break;
    case 5:
        ring_inject(world->core.ring, kinds[rand() % 3], 1 + (unsigned)rand() % 5, results[rand() % 7]);
        break;
    case 6:
        turns(&world->core, 1);
        break;
    default:
        send(*client, piece, (size_t)rand() % sizeof piece, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

/** What a protocol may do at any time, it does at random. */
static void moody_data(struct conn *conn, const char *data, size_t bytes) {
    switch (rand() % 16) {
    case 0:
        conn_abort(conn);
        break;
    case 1:
        conn_close(conn);
        break;
    case 2:
        conn_pause(conn);
        conn_set_deadline(conn, core_now_ms(conn_core(conn)) + 20);
        break;
    default:
        world_echo(conn, data, bytes);
    }
}

static void test_a_crowd_that_does_anything_leaves_nothing_behind(void **state) {
    (void)state;
    struct protocol protocol = echo;
    protocol.on_data = moody_data;
    protocol.on_deadline = conn_resume;
    const char *seeds = getenv("LEAT_TEST_SEEDS");
    for (int seed = 1, count = seeds ? atoi(seeds) : 10; seed <= count; seed++) {
        struct world world;
        struct core_options core = world_core();
        struct listener_options options = world_listener(&protocol);
        int clients[CROWD];
        core.ring = (struct ring_options){.sq_entries = 8, .cq_entries = 16, .buffer_count = 8, .buffer_bytes = 512};
        options.conn_count_max = CROWD / 2;
        options.output_bytes_max = 4096;
        world_open_with(&world, core, options);
        for (int i = 0; i < CROWD; i++)
            clients[i] = -1;
        srand((unsigned)seed);

        for (int step = 0; step < 2000; step++)
            one_step_of_the_crowd(&world, clients);

        for (unsigned kind = 0; kind < RING_OPERATIONS; kind++)
            ring_inject(world.core.ring, kind, 0, 0);
        for (int i = 0; i < CROWD; i++)
            if (clients[i] >= 0)
                close(clients[i]);
        turns(&world.core, 20);
        assert_int_equal(ring_buffers_free(world.core.ring), 8);
        world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_reads_back_what_it_has_sent),
        cmocka_unit_test(test_a_port_in_use_is_said_when_binding),
        cmocka_unit_test(test_several_cores_share_a_port),
        cmocka_unit_test(test_a_host_that_is_no_address_is_refused),
        cmocka_unit_test(test_the_unspecified_v6_address_serves_v4_as_well),
        cmocka_unit_test(test_a_refused_client_is_closed_and_heard_of_no_more),
        cmocka_unit_test(test_above_the_limit_clients_wait_until_one_is_gone),
        cmocka_unit_test(test_a_client_above_the_limit_may_give_up),
        cmocka_unit_test(test_an_accept_that_fails_for_the_clients_sake_is_asked_for_at_once),
        cmocka_unit_test(test_an_accept_that_fails_for_our_sake_is_asked_for_after_a_tenth_of_a_second),
        cmocka_unit_test(test_a_process_without_descriptors_serves_the_clients_it_has),
        cmocka_unit_test(test_a_client_for_whom_there_is_no_memory_is_closed_and_the_others_are_not),
        cmocka_unit_test(test_a_core_or_listener_for_which_there_is_no_memory_is_refused),
        cmocka_unit_test(test_a_connection_in_steady_state_asks_the_heap_for_nothing),
        cmocka_unit_test(test_a_thousand_clients_are_served_through_sixteen_buffers),
        cmocka_unit_test(test_without_any_buffer_clients_wait_and_the_core_does_not_spin),
        cmocka_unit_test(test_a_drain_waits_for_what_is_begun),
        cmocka_unit_test(test_a_drain_serves_who_came_at_the_last_moment_and_nobody_after),
        cmocka_unit_test(test_a_drained_listener_may_be_destroyed_by_its_farewell),
        cmocka_unit_test(test_what_does_not_end_by_itself_is_aborted),
        cmocka_unit_test(test_a_crowd_that_does_anything_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
