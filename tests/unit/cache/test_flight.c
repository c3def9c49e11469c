// test_flight.c — one making for all who want it: it lands, fails, or is led by another.
#include "engine/world.h"

#include <stdio.h>

#include "base/str.h"
#include "cache/flight.h"

enum { WAITERS = 5 };

/** Somebody who waits, and what was told. */
struct person {
    struct flight_waiter waiter;
    unsigned told_count;
};

static struct core core;
static struct flights flights;
static struct person people[WAITERS];

static void told(struct flight_waiter *waiter) {
    container_of(waiter, struct person, waiter)->told_count++;
}

static int set_up(void **state) {
    (void)state;
    struct core_options options = world_core();
    memset(people, 0, sizeof people);
    for (unsigned i = 0; i < WAITERS; i++) {
        list_init(&people[i].waiter.node);
        people[i].waiter.ended = told;
    }
    int status = core_init(&core, &options);
    flights_init(&flights, &core);
    return status;
}

static int tear_down(void **state) {
    (void)state;
    for (unsigned i = 0; i < FLIGHT_BUCKETS; i++)
        assert_true(list_is_empty(&flights.buckets[i]));
    core_finish(&core);
    return 0;
}

static struct cache_key key_of(const char *text) {
    return (struct cache_key){str_of(text), 7}; // all meet in one bucket
}

static struct flight *begin(const char *text) {
    struct cache_key key = key_of(text);
    struct flight *flight = flight_begin(&flights, &key, 3);
    assert_non_null(flight);
    return flight;
}

static struct flight *find(const char *text) {
    struct cache_key key = key_of(text);
    return flight_find(&flights, &key);
}

static struct cache_entry *make(void) {
    return entry_create(&(struct entry_parts){.key = S("a"), .body = S("made")});
}

static void wait_all(struct flight *flight) {
    for (unsigned i = 0; i < WAITERS; i++)
        flight_wait(flight, &people[i].waiter);
}

// What a person was given.
static enum flight_end end_of(unsigned index, struct cache_entry **ret_entry, struct flight **ret_flight) {
    assert_int_equal(people[index].told_count, 1);
    return flight_take(&people[index].waiter, ret_entry, ret_flight);
}

static void expect_end(unsigned index, enum flight_end expected) {
    struct cache_entry *entry;
    struct flight *flight;
    assert_int_equal(end_of(index, &entry, &flight), expected);
    assert_null(entry);
    assert_null(flight);
}

static void test_a_flight_is_found_by_its_whole_key(void **state) {
    (void)state;
    assert_null(find("a"));
    struct flight *one = begin("a"), *other = begin("b");
    assert_ptr_equal(find("a"), one);
    assert_ptr_equal(find("b"), other);
    assert_null(find("ab"));
    flight_land(&flights, one, NULL);
    assert_null(find("a"));
    assert_ptr_equal(find("b"), other);
    flight_land(&flights, other, NULL);
}

static void test_the_key_of_a_flight_is_its_own(void **state) {
    (void)state;
    char text[] = "a\0b";
    struct cache_key key = {{text, 3}, 7};
    struct flight *flight = flight_begin(&flights, &key, 0);
    memset(text, 'x', 3);
    key.text.ptr = "a\0b";
    assert_ptr_equal(flight_find(&flights, &key), flight);
    flight_land(&flights, flight, NULL);
}

static void test_all_who_wait_get_what_has_landed(void **state) {
    (void)state;
    struct flight *flight = begin("a");
    wait_all(flight);
    struct cache_entry *entry = make();
    flight_land(&flights, flight, entry);
    for (unsigned i = 0; i < WAITERS; i++)
        assert_int_equal(people[i].told_count, 0); // never from within
    turns(&core, 1);
    entry_release(entry); // each has a hold of its own
    for (unsigned i = 0; i < WAITERS; i++) {
        struct cache_entry *given;
        struct flight *none;
        assert_int_equal(end_of(i, &given, &none), FLIGHT_LANDED);
        assert_true(str_eq(entry_body(given), S("made")));
        entry_release(given);
    }
}

static void test_a_failure_ends_the_waiting_of_all(void **state) {
    (void)state;
    struct flight *flight = begin("a");
    wait_all(flight);
    flight_land(&flights, flight, NULL);
    assert_null(find("a"));
    turns(&core, 1);
    for (unsigned i = 0; i < WAITERS; i++)
        expect_end(i, FLIGHT_FAILED);
}

static void test_when_the_leader_leaves_the_first_who_waits_leads_and_the_others_go_on_waiting(void **state) {
    (void)state;
    struct flight *flight = begin("a"), *given;
    struct cache_entry *none;
    wait_all(flight);
    flight_leave(&flights, flight);
    turns(&core, 1);
    assert_int_equal(end_of(0, &none, &given), FLIGHT_LED);
    assert_ptr_equal(given, flight);
    assert_ptr_equal(find("a"), flight); // whoever comes now waits as well
    for (unsigned i = 1; i < WAITERS; i++)
        assert_int_equal(people[i].told_count, 0);
    flight_land(&flights, given, NULL);
    turns(&core, 1);
    for (unsigned i = 1; i < WAITERS; i++)
        expect_end(i, FLIGHT_FAILED);
}

static void test_a_leader_without_anybody_behind_ends_it_by_leaving(void **state) {
    (void)state;
    flight_leave(&flights, begin("a"));
    assert_null(find("a"));
}

static void test_each_leader_may_leave_in_turn(void **state) {
    (void)state;
    struct flight *flight = begin("a");
    wait_all(flight);
    for (unsigned i = 0; i < WAITERS; i++) {
        struct cache_entry *none;
        struct flight *given;
        flight_leave(&flights, flight);
        turns(&core, 1);
        assert_int_equal(end_of(i, &none, &given), FLIGHT_LED);
    }
    flight_leave(&flights, flight);
    assert_null(find("a"));
}

static void test_who_leaves_before_it_took_the_lead_hands_it_on(void **state) {
    (void)state;
    struct flight *flight = begin("a");
    flight_wait(flight, &people[0].waiter);
    flight_wait(flight, &people[1].waiter);
    flight_leave(&flights, flight);
    flight_wait_no_more(&flights, &people[0].waiter); // given the lead in this turn, and gone in it
    turns(&core, 1);
    assert_int_equal(people[0].told_count, 0);
    struct cache_entry *none;
    struct flight *given;
    assert_int_equal(end_of(1, &none, &given), FLIGHT_LED);
    flight_leave(&flights, given);
    assert_null(find("a"));
}

static void test_who_leaves_before_it_took_its_entry_lets_it_go(void **state) {
    (void)state;
    struct flight *flight = begin("a");
    flight_wait(flight, &people[0].waiter);
    struct cache_entry *entry = make();
    flight_land(&flights, flight, entry);
    assert_int_equal(entry->holders, 2);
    flight_wait_no_more(&flights, &people[0].waiter);
    assert_int_equal(entry->holders, 1);
    turns(&core, 1);
    assert_int_equal(people[0].told_count, 0);
    entry_release(entry);
}

static void test_who_waits_no_more_is_not_told(void **state) {
    (void)state;
    struct flight *flight = begin("a");
    wait_all(flight);
    flight_wait_no_more(&flights, &people[2].waiter);
    flight_wait_no_more(&flights, &people[2].waiter); // harmless
    flight_land(&flights, flight, NULL);
    turns(&core, 1);
    for (unsigned i = 0; i < WAITERS; i++)
        assert_int_equal(people[i].told_count, i != 2);
}

static void test_one_may_leave_while_others_are_about_to_be_told(void **state) {
    (void)state;
    struct flight *one = begin("a"), *other = begin("b");
    flight_wait(one, &people[0].waiter);
    flight_wait(other, &people[1].waiter);
    flight_land(&flights, one, NULL);
    flight_land(&flights, other, NULL);
    flight_wait_no_more(&flights, &people[1].waiter);
    turns(&core, 1);
    assert_int_equal(people[0].told_count, 1);
    assert_int_equal(people[1].told_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_flight_is_found_by_its_whole_key),
        TEST(test_the_key_of_a_flight_is_its_own),
        TEST(test_all_who_wait_get_what_has_landed),
        TEST(test_a_failure_ends_the_waiting_of_all),
        TEST(test_when_the_leader_leaves_the_first_who_waits_leads_and_the_others_go_on_waiting),
        TEST(test_a_leader_without_anybody_behind_ends_it_by_leaving),
        TEST(test_each_leader_may_leave_in_turn),
        TEST(test_who_leaves_before_it_took_the_lead_hands_it_on),
        TEST(test_who_leaves_before_it_took_its_entry_lets_it_go),
        TEST(test_who_waits_no_more_is_not_told),
        TEST(test_one_may_leave_while_others_are_about_to_be_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
