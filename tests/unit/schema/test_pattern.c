// test_pattern.c — regular expressions: found anywhere, in every script, and never for long.
#include "subject.h"

#include <pthread.h>
#include <time.h>

#include "schema/pattern.h"

static struct pattern *compiled(const char *text) {
    struct pattern *pattern;
    char problem[PATTERN_PROBLEM_BYTES];
    if (pattern_create(text, &pattern, problem) != 0)
        fail_msg("%s: %s", text, problem);
    return pattern;
}

static bool matches(const char *pattern_source, str text) {
    struct pattern *pattern = compiled(pattern_source);
    bool is_match = pattern_matches(pattern, text);
    pattern_destroy(pattern);
    return is_match;
}

static void test_a_pattern_matches_anywhere_unless_anchored(void **state) {
    (void)state;
    assert_true(matches("b+", S("abbc")));
    assert_false(matches("^b+$", S("abbc")));
    assert_true(matches("", S("")));
    assert_true(matches("^$", S("")));
    assert_true(matches("^$", (str){NULL, 0}));
    assert_false(matches("^a$", S("a\n"))); // Rust's $ is the very end
    assert_true(matches("a\\x00b", S("a\0b")));
}

static void test_characters_are_those_of_unicode(void **state) {
    (void)state;
    assert_true(matches("^.$", S("\xF0\x9F\x98\x80")));
    assert_true(matches("^\\w+$", S("\xC3\xA9\xD0\xB6")));
    assert_true(matches("^\\d$", S("\xD9\xA3")));
    assert_true(matches("^\\p{Lu}$", S("\xC3\x89")));
}

static void test_what_does_not_compile_says_where(void **state) {
    (void)state;
    struct pattern *pattern;
    char problem[PATTERN_PROBLEM_BYTES];
    assert_int_equal(pattern_create("a(b", &pattern, problem), -EINVAL);
    assert_string_equal(problem, "missing closing parenthesis at offset 3");
}

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void test_no_text_keeps_a_pattern_busy_for_long(void **state) {
    (void)state;
    static const char *const patterns[] = {"^(a+)+$", "^(a|aa)+$", "(.*)(.*)(.*)(.*)(.*)x", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a*)*b"};
    static char text[20000];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '!';
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        double start = seconds();
        assert_false(matches(patterns[i], (str){text, sizeof text}));
        assert_true(seconds() - start < 1);
    }
}

static void test_a_long_text_matches_a_plain_pattern(void **state) {
    (void)state;
    static char text[1 << 20];
    memset(text, 'a', sizeof text);
    assert_true(matches("^[a-z]+$", (str){text, sizeof text}));
    assert_true(matches("^(?:[a-z]|-)+$", (str){text, sizeof text / 8})); // one that keeps a way back for every step
}

static void *match_in_a_thread(void *pattern) {
    for (int i = 0; i < 1000; i++)
        if (!pattern_matches(pattern, S("abc")) || pattern_matches(pattern, S("ABC")))
            return NULL;
    return pattern;
}

static void test_threads_share_a_pattern(void **state) {
    (void)state;
    struct pattern *pattern = compiled("^[a-z]+$");
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_in_a_thread, pattern), 0);
    for (size_t i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, pattern);
    }
    pattern_destroy(pattern);
    pattern_destroy(NULL);
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pattern_matches_anywhere_unless_anchored), cmocka_unit_test(test_characters_are_those_of_unicode),
        cmocka_unit_test(test_what_does_not_compile_says_where),           cmocka_unit_test(test_no_text_keeps_a_pattern_busy_for_long),
        cmocka_unit_test(test_a_long_text_matches_a_plain_pattern),        cmocka_unit_test(test_threads_share_a_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
