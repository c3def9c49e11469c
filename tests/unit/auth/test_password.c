// test_password.c — passwords: every byte counts, and a hash that is hostile costs no more than a good one.
#include "auth/password.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <argon2.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"

static const struct password_cost cheap = {.memory_kib = 64, .passes = 1, .lanes = 1};

static int matches(str plain, const char *hash) {
    return password_matches(plain, str_of(hash), &cheap);
}

static void test_a_password_matches_its_hash_and_no_other(void **state) {
    (void)state;
    char hash[PASSWORD_HASH_BYTES];
    assert_int_equal(password_make(S("Correct horse 1"), &cheap, hash), 0);
    assert_int_equal(matches(S("Correct horse 1"), hash), 1);
    assert_int_equal(matches(S("Correct horse 2"), hash), 0);
    assert_int_equal(matches(S("correct horse 1"), hash), 0);
    assert_int_equal(matches(S(""), hash), 0);
}

static void test_every_byte_counts_the_nul_and_what_follows_it_too(void **state) {
    (void)state;
    char hash[PASSWORD_HASH_BYTES], longest[PASSWORD_BYTES_MAX];
    assert_int_equal(password_make(S("abc\0def"), &cheap, hash), 0);
    assert_int_equal(matches(S("abc\0def"), hash), 1);
    assert_int_equal(matches(S("abc\0deg"), hash), 0);
    assert_int_equal(matches(S("abc"), hash), 0);
    memset(longest, 'x', sizeof longest);
    assert_int_equal(password_make((str){longest, sizeof longest}, &cheap, hash), 0);
    assert_int_equal(matches((str){longest, sizeof longest}, hash), 1);
    longest[sizeof longest - 1] = 'y';
    assert_int_equal(matches((str){longest, sizeof longest}, hash), 0);
}

static void test_two_hashes_of_one_password_differ(void **state) {
    (void)state;
    char one[PASSWORD_HASH_BYTES], other[PASSWORD_HASH_BYTES];
    password_make(S("same"), &cheap, one);
    password_make(S("same"), &cheap, other);
    assert_string_not_equal(one, other);
}

static void test_libargon2_agrees_in_both_directions(void **state) {
    (void)state;
    char ours[PASSWORD_HASH_BYTES], theirs[128];
    assert_int_equal(password_make(S("pass"), &cheap, ours), 0);
    assert_int_equal(argon2id_verify(ours, "pass", 4), ARGON2_OK);
    assert_int_equal(argon2id_hash_encoded(2, 128, 4, "pass", 4, "saltsalt", 8, 24, theirs, sizeof theirs), ARGON2_OK);
    assert_int_equal(matches(S("pass"), theirs), 1);
    assert_int_equal(matches(S("past"), theirs), 0);
}

static void test_a_password_that_is_too_long_is_refused(void **state) {
    (void)state;
    char *plain = calloc(1, PASSWORD_BYTES_MAX + 1), hash[PASSWORD_HASH_BYTES] = "untouched";
    assert_int_equal(password_make((str){plain, PASSWORD_BYTES_MAX + 1}, &cheap, hash), -EINVAL);
    assert_string_equal(hash, "untouched");
    password_make((str){plain, PASSWORD_BYTES_MAX}, &cheap, hash);
    assert_int_equal(matches((str){plain, PASSWORD_BYTES_MAX + 1}, hash), 0);
    free(plain);
}

static void test_a_hash_that_is_none_matches_nothing(void **state) {
    (void)state;
    static const char *const bad[] = {"", "x", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$", "$2b$12$abcdefghijklmnopqrstuu", "password"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(matches(S("password"), bad[i]), 0);
    assert_int_equal(password_matches(S("password"), (str){0}, &cheap), 0);
    assert_int_equal(password_matches((str){0}, (str){0}, &cheap), 0);
}

static void test_a_hash_that_asks_for_gigabytes_or_hours_gets_neither(void **state) {
    (void)state;
    static const char *const hostile[] = {
        "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=1000,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=1025,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    int64_t begun_ns = clock_monotonic_ns();
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        assert_int_equal(matches(S("password"), hostile[i]), 0);
    getrusage(RUSAGE_SELF, &after);
    assert_true(clock_monotonic_ns() - begun_ns < 500000000);
    assert_true(after.ru_maxrss - before.ru_maxrss < 4096); // KiB
}

static void test_a_hash_that_was_made_dearer_still_matches(void **state) {
    (void)state;
    struct password_cost dear = {.memory_kib = 256, .passes = 4, .lanes = 1}; // 16 times `cheap`
    char hash[PASSWORD_HASH_BYTES];
    assert_int_equal(password_make(S("pass"), &dear, hash), 0);
    assert_int_equal(matches(S("pass"), hash), 1);
    assert_false(password_is_weaker(str_of(hash), &cheap));
}

// promise 32
static void test_weaker_hashes_are_told(void **state) {
    (void)state;
    char hash[PASSWORD_HASH_BYTES];
    password_make(S("pass"), &cheap, hash);
    assert_false(password_is_weaker(str_of(hash), &cheap));
    assert_true(password_is_weaker(str_of(hash), &(struct password_cost){.memory_kib = 65, .passes = 1, .lanes = 1}));
    assert_true(password_is_weaker(str_of(hash), &(struct password_cost){.memory_kib = 64, .passes = 2, .lanes = 1}));
    assert_true(password_is_weaker(S(""), &cheap));
    assert_true(password_is_weaker(S("$2b$12$abcdefghijklmnopqrstuu"), &cheap));
}

static void test_costs_that_argon2_cannot_run_are_told(void **state) {
    (void)state;
    assert_null(password_cost_problem(&password_cost_default));
    assert_non_null(password_cost_problem(&(struct password_cost){.memory_kib = 7, .passes = 1, .lanes = 1}));
    assert_non_null(password_cost_problem(&(struct password_cost){.memory_kib = 64, .passes = 0, .lanes = 1}));
    assert_non_null(password_cost_problem(&(struct password_cost){.memory_kib = 64, .passes = 1, .lanes = 0}));
    assert_non_null(password_cost_problem(&(struct password_cost){.memory_kib = 5 << 20, .passes = 1, .lanes = 1}));
}

static void *hash_in_thread(void *arg) {
    char hash[PASSWORD_HASH_BYTES];
    (void)arg;
    for (int i = 0; i < 20; i++)
        if (password_make(S("thread"), &cheap, hash) != 0 || password_matches(S("thread"), str_of(hash), &cheap) != 1)
            return "failed";
    return NULL;
}

static void test_threads_hash_at_once_and_leave_no_memory_behind(void **state) {
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_in_thread, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *failure;
        pthread_join(threads[i], &failure);
        assert_null(failure);
    }
}

// ---- time

static int by_value(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

enum { ROUNDS = 41 };

static int64_t median_of(int64_t *ns) {
    qsort(ns, ROUNDS, sizeof *ns, by_value);
    return ns[ROUNDS / 2];
}

static int64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); // of this thread, so that a neighbour's load is no difference
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t ns_to_match(const char *hash) {
    int64_t begun_ns = cpu_ns();
    assert_int_equal(password_matches(S("wrong password"), str_of(hash), &password_cost_default), 0);
    return cpu_ns() - begun_ns;
}

static double difference_of_medians(const char *hash, int64_t *ret_known_ns) {
    static int64_t known[ROUNDS], unknown[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) { // in turns: what changes with time changes both
        known[i] = ns_to_match(hash);
        unknown[i] = ns_to_match("");
    }
    *ret_known_ns = median_of(known);
    double ratio = (double)median_of(unknown) / (double)*ret_known_ns;
    return ratio > 1 ? ratio - 1 : 1 - ratio;
}

static void test_an_unknown_user_takes_as_long_as_a_wrong_password(void **state) {
    (void)state;
    char hash[PASSWORD_HASH_BYTES];
    assert_int_equal(password_make(S("right password"), &password_cost_default, hash), 0);
    int64_t known_ns;
    double difference = 1;
    for (int i = 0; i < 3 && difference >= 0.05; i++) // a machine under load may need a second look
        difference = difference_of_medians(hash, &known_ns);
    print_message("# one hash: %.1f ms; unknown users differ by %.2f %%\n", (double)known_ns / 1e6, difference * 100);
    assert_true(difference < 0.05);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hash_that_asks_for_gigabytes_or_hours_gets_neither),
        cmocka_unit_test(test_a_password_matches_its_hash_and_no_other),
        cmocka_unit_test(test_every_byte_counts_the_nul_and_what_follows_it_too),
        cmocka_unit_test(test_two_hashes_of_one_password_differ),
        cmocka_unit_test(test_libargon2_agrees_in_both_directions),
        cmocka_unit_test(test_a_password_that_is_too_long_is_refused),
        cmocka_unit_test(test_a_hash_that_is_none_matches_nothing),
        cmocka_unit_test(test_a_hash_that_was_made_dearer_still_matches),
        cmocka_unit_test(test_weaker_hashes_are_told),
        cmocka_unit_test(test_costs_that_argon2_cannot_run_are_told),
        cmocka_unit_test(test_threads_hash_at_once_and_leave_no_memory_behind),
        cmocka_unit_test(test_an_unknown_user_takes_as_long_as_a_wrong_password),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
