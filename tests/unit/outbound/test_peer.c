// test_peer.c — whom a call may reach.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/str.h"
#include "outbound/peer.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union address address_of(const char *text) {
    union address address = {.v4 = {.sin_family = AF_INET}};
    if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1)
        return address;
    address = (union address){.v6 = {.sin6_family = AF_INET6}};
    assert_int_equal(inet_pton(AF_INET6, text, &address.v6.sin6_addr), 1);
    return address;
}

static bool is_public(const char *text) {
    union address address = address_of(text);
    return peer_is_public(&address.any);
}

struct world {
    struct arena_pool pool;
    struct arena arena;
};

static int set_up(void **state) {
    static struct world world;
    arena_pool_init(&world.pool, 8);
    arena_init(&world.arena, &world.pool, 1 << 20);
    *state = &world;
    return 0;
}

static int tear_down(void **state) {
    struct world *world = *state;
    arena_reset(&world->arena);
    arena_pool_finish(&world->pool);
    return 0;
}

static struct peer_rules rules_of(struct world *world, const char *text) {
    struct peer_rules rules;
    str message = {0};
    if (peer_rules_parse(str_of(text), &world->arena, &rules, &message))
        fail_msg("'%s' is refused: %.*s", text, (int)message.len, message.ptr);
    return rules;
}

static bool allows(struct world *world, const char *text, const char *host, const char *at) {
    struct peer_rules rules = rules_of(world, text);
    union address address = address_of(at);
    return peer_is_allowed(&rules, str_of(host), &address.any);
}

static void test_addresses_of_the_internet_are_public(void **state) {
    (void)state;
    static const char *const addresses[] = {"1.1.1.1",         "9.255.255.255",  "11.0.0.0",       "100.63.255.255",
                                            "100.128.0.0",     "126.255.0.1",    "172.15.255.1",   "172.32.0.0",
                                            "192.167.0.1",     "198.17.255.255", "198.20.0.0",     "223.255.255.1",
                                            "2606:4700::1111", "2a00::1",        "::ffff:8.8.8.8", "64:ff9b::808:808"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        if (!is_public(addresses[i]))
            fail_msg("%s is public", addresses[i]);
}

static void test_addresses_that_lead_inside_are_not_public(void **state) {
    (void)state;
    static const char *const addresses[] = {"0.0.0.0",
                                            "0.1.2.3",
                                            "10.0.0.1",
                                            "10.255.255.255",
                                            "100.64.0.1",
                                            "100.127.255.255",
                                            "127.0.0.1",
                                            "127.255.255.255",
                                            "169.254.169.254",
                                            "172.16.0.1",
                                            "172.31.255.255",
                                            "192.0.0.1",
                                            "192.0.2.1",
                                            "192.168.1.1",
                                            "198.18.0.1",
                                            "198.19.255.255",
                                            "198.51.100.7",
                                            "203.0.113.7",
                                            "224.0.0.1",
                                            "239.255.255.255",
                                            "240.0.0.1",
                                            "255.255.255.255",
                                            "::",
                                            "::1",
                                            "::127.0.0.1",
                                            "fc00::1",
                                            "fd00:ec2::254",
                                            "fe80::1",
                                            "febf::1",
                                            "fec0::1",
                                            "ff02::1",
                                            "100::1",
                                            "2001::1",
                                            "2001:db8::1",
                                            "2002:7f00:1::",
                                            "::ffff:127.0.0.1",
                                            "::ffff:10.0.0.1",
                                            "64:ff9b::7f00:1",
                                            "64:ff9b:1::1",
                                            "::ffff:169.254.169.254"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        if (is_public(addresses[i]))
            fail_msg("%s is not public", addresses[i]);
}

static void test_an_address_of_another_family_is_not_public(void **state) {
    (void)state;
    struct sockaddr address = {.sa_family = AF_UNIX};
    assert_false(peer_is_public(&address));
}

static void test_nothing_allowed_is_public_addresses_only(void **state) {
    assert_true(allows(*state, "", "example.org", "8.8.8.8"));
    assert_false(allows(*state, "", "example.org", "127.0.0.1"));
}

static void test_a_block_allows_what_is_in_it(void **state) {
    assert_true(allows(*state, "10.1.0.0/16", "x", "10.1.255.255"));
    assert_true(allows(*state, "10.1.0.0/16", "x", "::ffff:10.1.2.3"));
    assert_false(allows(*state, "10.1.0.0/16", "x", "10.2.0.0"));
    assert_true(allows(*state, " fd00::/9 , 127.0.0.1", "x", "fd7f::1"));
    assert_false(allows(*state, "fd00::/9", "x", "fd80::1"));
    assert_true(allows(*state, "127.0.0.1", "x", "127.0.0.1"));
    assert_false(allows(*state, "127.0.0.1", "x", "127.0.0.2"));
    assert_true(allows(*state, "0.0.0.0/0", "x", "169.254.169.254"));
}

static void test_private_is_the_network_of_the_house_and_not_the_metadata_of_clouds(void **state) {
    assert_true(allows(*state, "private", "x", "127.0.0.1"));
    assert_true(allows(*state, "PRIVATE", "x", "::1"));
    assert_true(allows(*state, "private", "x", "192.168.7.7"));
    assert_true(allows(*state, "private", "x", "fd12::7"));
    assert_false(allows(*state, "private", "x", "169.254.169.254"));
    assert_false(allows(*state, "private", "x", "fe80::1"));
    assert_false(allows(*state, "private", "x", "0.0.0.0"));
    assert_false(allows(*state, "private", "x", "224.0.0.1"));
}

static void test_a_host_is_allowed_by_its_name_wherever_it_is(void **state) {
    assert_true(allows(*state, "users.internal,.svc.local", "Users.INTERNAL", "10.0.0.1"));
    assert_true(allows(*state, "users.internal,.svc.local", "a.b.svc.local", "127.0.0.1"));
    assert_false(allows(*state, "users.internal,.svc.local", "svc.local", "127.0.0.1"));
    assert_false(allows(*state, "users.internal", "xusers.internal", "10.0.0.1"));
    assert_false(allows(*state, "users.internal", "users.internal.evil.example", "10.0.0.1"));
}

static void test_what_is_no_rule_is_refused_with_its_name(void **state) {
    static const char *const texts[] = {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "nonsense/8", "a b",
                                        "http://x",   "users.",      ".",         "fd00::/129",  "10.0.0.0/ 8"};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct peer_rules rules;
        str message = {0};
        assert_int_equal(peer_rules_parse(str_of(texts[i]), &world->arena, &rules, &message), -EINVAL);
        assert_non_null(memmem(message.ptr, message.len, texts[i], strlen(texts[i])));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_of_the_internet_are_public),
        cmocka_unit_test(test_addresses_that_lead_inside_are_not_public),
        cmocka_unit_test(test_an_address_of_another_family_is_not_public),
        cmocka_unit_test(test_nothing_allowed_is_public_addresses_only),
        cmocka_unit_test(test_a_block_allows_what_is_in_it),
        cmocka_unit_test(test_private_is_the_network_of_the_house_and_not_the_metadata_of_clouds),
        cmocka_unit_test(test_a_host_is_allowed_by_its_name_wherever_it_is),
        cmocka_unit_test(test_what_is_no_rule_is_refused_with_its_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
