// test_redis_transport.c — a link's bytes through TLS to a real Redis: much at once, both ways, and when it goes.
#include "cache/redis_for_tests.h"

#include <hiredis/hiredis.h>
#include <netinet/in.h>

#include "base/str.h"
#include "cache/redis_link.h"
#include "tls_peer.h"

enum { LARGE_BYTES = 700000, COMMANDS = 900 };

static struct core core;
static struct offload *connector;
static struct redis_server server;
static struct identity identity;
static struct redis_address address = {.is_tls = true, .host = "localhost"};
static struct redis_link link_;
static char folder[] = "/tmp/leat-redis-XXXXXX", key[64], certificate[64], port_text[8], large[LARGE_BYTES + 1];
static unsigned up_count, down_count, stopped_count, answer_count;
static long long last_number;
static size_t last_bytes;
static char why[REDIS_FAILURE_BYTES];

static void up(struct redis_link *link) {
    (void)link;
    up_count++;
}

static void down(struct redis_link *link, const char *failure) {
    (void)link;
    down_count++;
    snprintf(why, sizeof why, "%s", failure);
}

static void stopped(struct redis_link *link) {
    (void)link;
    stopped_count++;
}

static const struct redis_link_events events = {up, down, NULL};

static void answered(struct redis_command *command, const redisReply *reply) {
    (void)command;
    answer_count++;
    last_number = reply ? reply->integer : -1;
    last_bytes = reply ? reply->len : 0;
}

static int begin(void **state) {
    (void)state;
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof place;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&place, bytes) + getsockname(fd, (struct sockaddr *)&place, &bytes), 0);
    close(fd);
    address.port = ntohs(place.sin_port);
    snprintf(port_text, sizeof port_text, "%u", address.port);
    assert_non_null(mkdtemp(folder));
    snprintf(key, sizeof key, "%s/key", folder);
    snprintf(certificate, sizeof certificate, "%s/certificate", folder);
    identity = identity_make();
    identity_write(&identity, key, certificate);
    setenv("SSL_CERT_FILE", certificate, 1);
    signal(SIGPIPE, SIG_IGN);
    memset(large, 'x', LARGE_BYTES);
    memcpy(server.extra,
           (const char *[]){"--tls-port", port_text, "--tls-auth-clients", "no", "--tls-key-file", key, "--tls-cert-file", certificate},
           8 * sizeof(char *));
    server_begin(&server);
    return 0;
}

static int end(void **state) {
    (void)state;
    server_end(&server);
    unlink(key);
    unlink(certificate);
    rmdir(folder);
    identity_free(&identity);
    return 0;
}

static void start_link(void) {
    link_ = (struct redis_link){.core = &core, .connector = connector, .address = &address, .events = &events, .reply_bytes_max = 4 << 20};
    redis_link_start(&link_);
}

static int set_up(void **state) {
    (void)state;
    struct core_options options = world_core();
    up_count = down_count = stopped_count = answer_count = 0;
    if (core_init(&core, &options) < 0 || offload_create(1, 16, &connector) < 0)
        return -1;
    start_link();
    turn_until(&core, up_count == 1);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    redis_link_stop(&link_, stopped);
    turn_until(&core, stopped_count == 1);
    offload_destroy(connector);
    turns(&core, 2);
    assert_int_equal(ring_in_flight(core.ring), 0);
    core_finish(&core);
    return 0;
}

static int ask(struct redis_command *command, const char *one, const char *two, const char *three) {
    const char *words[] = {one, two, three};
    const size_t bytes[] = {strlen(one), two ? strlen(two) : 0, three ? strlen(three) : 0};
    if (command)
        command->done = answered;
    return redis_send(&link_, command, three ? 3 : two ? 2 : 1, words, bytes);
}

static void test_commands_are_answered_in_their_order(void **state) {
    (void)state;
    static struct redis_command commands[COMMANDS];
    ask(NULL, "DEL", "count", NULL);
    for (unsigned i = 0; i < COMMANDS; i++)
        assert_int_equal(ask(&commands[i], "INCR", "count", NULL), 0);
    turn_until(&core, answer_count == COMMANDS);
    assert_int_equal(last_number, COMMANDS);
    assert_int_equal(down_count, 0);
}

static void test_much_goes_both_ways_at_once(void **state) {
    (void)state;
    static struct redis_command commands[16];
    memset(commands, 0, sizeof commands);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(ask(&commands[2 * i], "SET", "large", large), 0);
        assert_int_equal(ask(&commands[2 * i + 1], "GET", "large", NULL), 0);
        turns(&core, 1);
    }
    turn_until(&core, answer_count == 16);
    assert_int_equal(last_bytes, LARGE_BYTES);
    assert_int_equal(down_count, 0);
}

static void test_a_redis_that_dies_is_found_again(void **state) {
    (void)state;
    struct redis_command command = {0};
    server_freeze(&server);
    ask(&command, "GET", "x", NULL);
    turns(&core, 3);
    server_kill(&server);
    turn_until(&core, down_count);
    assert_int_equal(answer_count, 1);
    assert_true(strstr(why, "was cut") || strstr(why, "reset")); // it said no goodbye
    server_begin(&server);
    turn_until(&core, up_count == 2);
    ask(&command, "PING", NULL, NULL);
    turn_until(&core, answer_count == 2);
}

static void test_a_redis_that_ends_the_connection_is_found_again(void **state) {
    (void)state;
    ask(NULL, "QUIT", NULL, NULL);
    turn_until(&core, down_count);
    turn_until(&core, up_count == 2);
}

static void test_it_may_be_stopped_with_much_under_way(void **state) {
    (void)state;
    struct redis_command command = {0};
    server_freeze(&server); // it reads nothing
    for (unsigned i = 0; i < 8; i++)
        ask(i ? NULL : &command, "SET", "large", large);
    turns(&core, 3);
    assert_int_equal(answer_count, 0);
    redis_link_stop(&link_, stopped);
    turn_until(&core, stopped_count == 1);
    assert_int_equal(answer_count, 1);
    server_thaw(&server);
    stopped_count = 0;
    start_link();
    turn_until(&core, up_count == 2);
}

static void test_a_poll_that_fails_makes_a_new_link(void **state) {
    (void)state;
    struct redis_command command = {0};
    ring_inject(core.ring, RING_POLL, 1, -ENOMEM); // the one after the next answer
    ask(&command, "PING", NULL, NULL);
    turn_until(&core, down_count == 1);
    turn_until(&core, up_count == 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_commands_are_answered_in_their_order),  TEST(test_much_goes_both_ways_at_once),
        TEST(test_a_redis_that_dies_is_found_again),      TEST(test_a_redis_that_ends_the_connection_is_found_again),
        TEST(test_it_may_be_stopped_with_much_under_way), TEST(test_a_poll_that_fails_makes_a_new_link),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
