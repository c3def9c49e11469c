// test_listener.c — clients come, are counted, and go.
#include "world.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_reads_back_what_it_has_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
