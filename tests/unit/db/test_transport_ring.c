// test_transport_ring.c — the kernel's less friendly answers to a link's operations.
#include <errno.h>
#include <string.h>

#include "cluster_for_tests.h"
#include "world.h"

static int set_up(void **state) {
    (void)state;
    struct db_options options = world_options();
    options.link_count = 1;
    pg_exec("DROP TABLE IF EXISTS t; CREATE TABLE t (id int8)");
    world_begin(&options);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    world_end();
    return 0;
}

static i64 echo(i64 value) {
    return db_value(&world.shared, i64, "SELECT $1::int8", value);
}

static struct leat_future *start_insert(void) {
    return start_exec(&world.shared, "INSERT INTO t VALUES (1)");
}

// The multishot recv is armed while the link comes up: the injected one is the next link's.
static void meet_on_the_next_link(enum ring_operation operation, unsigned nth, int result) {
    link_close(&world.db->links[0], -ECONNRESET);
    ring_inject(world.core.ring, operation, nth, result);
}

static void test_recv_without_buffers_is_armed_again(void **state) {
    (void)state;
    meet_on_the_next_link(RING_RECV, 1, -ENOBUFS);
    assert_int_equal(echo(5), 5);
    world_expect_ok();
    assert_int_equal(world.db->reconnect_count, 1);
}

static void test_recv_that_fails_makes_a_new_link(void **state) {
    (void)state;
    static const int results[] = {-ECONNRESET, -EIO, 0, -ECANCELED};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        meet_on_the_next_link(RING_RECV, 1, results[i]);
        assert_int_equal(echo((i64)i), i);
        world_expect_ok();
    }
    assert_int_equal(world.db->reconnect_count, 8);
}

static void test_send_that_fails_has_an_unknown_outcome_for_a_write(void **state) {
    (void)state;
    static const int results[] = {-EPIPE, -ECONNRESET, 0};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        world_until_ready();
        ring_inject(world.core.ring, RING_SEND, 1, results[i]);
        struct leat_future *write = start_insert(), *read = start_value(&world.shared, i64, "SELECT 4::int8");
        world_wait(write);
        assert_true(write->query.failure->outcome_unknown);
        world_expect_error(-ECONNRESET);
        world_wait(read);
        world_expect_ok();
    }
}

// What the kernel took is not sent twice: here it says 3 bytes, sent none of them, and the server hangs up on the rest.
static void test_short_send_goes_on_where_it_stopped(void **state) {
    (void)state;
    ring_inject(world.core.ring, RING_SEND, 1, 3);
    assert_int_equal(echo(5), 5);
    world_expect_ok();
    assert_true(world.db->reconnect_count <= 1);
}

static void test_stopping_while_operations_are_in_flight_waits_for_them(void **state) {
    (void)state;
    start_insert();
    assert_int_equal(world.done_count, 0);
    world_end();
    assert_int_equal(world.done_count, 1);
    set_up(NULL);
}

static void test_stopping_while_a_link_connects_waits_for_it(void **state) {
    (void)state;
    link_close(&world.db->links[0], -ECONNRESET);
    while (world.db->links[0].state != LINK_CONNECTING)
        world_turn();
    world_end();
    set_up(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_recv_without_buffers_is_armed_again),
        TEST(test_recv_that_fails_makes_a_new_link),
        TEST(test_send_that_fails_has_an_unknown_outcome_for_a_write),
        TEST(test_short_send_goes_on_where_it_stopped),
        TEST(test_stopping_while_operations_are_in_flight_waits_for_them),
        TEST(test_stopping_while_a_link_connects_waits_for_it),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
