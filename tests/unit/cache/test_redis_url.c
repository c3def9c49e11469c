// test_redis_url.c — where Redis is, as REDIS_URL says, and what is said of a URL that is none.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "cache/redis_url.h"

static void test_what_a_url_says_is_taken(void **state) {
    (void)state;
    static const struct {
        const char *url, *host, *user, *password;
        bool is_tls, is_unix;
        unsigned port, database;
    } cases[] = {
        {"redis://localhost", "localhost", "", "", false, false, 6379, 0},
        {"redis://localhost/", "localhost", "", "", false, false, 6379, 0},
        {"redis://h:7000/15", "h", "", "", false, false, 7000, 15},
        {"redis://:word@h:7000", "h", "", "word", false, false, 7000, 0},
        {"redis://user:word@h/2", "h", "user", "word", false, false, 6379, 2},
        {"redis://u%40x:a%3Ab%2Fc@h", "h", "u@x", "a:b/c", false, false, 6379, 0},
        {"redis://:p/q@h:1/3", "h", "", "p/q", false, false, 1, 3},
        {"redis://:p@q@h", "h", "", "p@q", false, false, 6379, 0},
        {"rediss://cache.example.org:6380/1", "cache.example.org", "", "", true, false, 6380, 1},
        {"redis://[::1]", "::1", "", "", false, false, 6379, 0},
        {"redis://[fe80::1]:99/4", "fe80::1", "", "", false, false, 99, 4},
        {"unix:///run/redis/socket", "/run/redis/socket", "", "", false, true, 0, 0},
        {"redis+unix:///s", "/s", "", "", false, true, 0, 0},
        {"unix://:word@/run/s?db=7", "/run/s", "", "word", false, true, 0, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct redis_address address;
        assert_null(redis_url_read(str_of(cases[i].url), &address));
        assert_string_equal(address.host, cases[i].host);
        assert_string_equal(address.user, cases[i].user);
        assert_string_equal(address.password, cases[i].password);
        assert_int_equal(address.is_tls, cases[i].is_tls);
        assert_int_equal(address.is_unix, cases[i].is_unix);
        assert_int_equal(address.port, cases[i].port);
        assert_int_equal(address.database, cases[i].database);
    }
}

static void test_what_is_no_url_is_said_without_showing_it(void **state) {
    (void)state;
    static const char *const urls[] = {
        "",
        "redis",
        "http://hidden",
        "redis://",
        "redis://:hidden@",
        "redis://:6379",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:hidden",
        "redis://h/hidden",
        "redis://h/1/2",
        "redis://h/65536",
        "redis://h/99999999999999999999",
        "redis://h?hidden=1",
        "redis://h#hidden",
        "redis://[::1",
        "redis://[::1]hidden",
        "redis://:hidden%2@h",
        "redis://:hidden%zz@h",
        "redis://:hidden%00@h",
        "unix://",
        "unix://hidden/path",
        "unix:///s?hidden=1",
        "unix:///s?db=hidden",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct redis_address address;
        memset(&address, 7, sizeof address);
        const char *problem = redis_url_read(str_of(urls[i]), &address);
        if (!problem)
            fail_msg("was taken: %s", urls[i]);
        assert_null(strstr(problem, "hidden"));
        assert_int_equal(address.host[0], 7);
    }
}

static void test_a_word_that_is_too_long_is_refused(void **state) {
    (void)state;
    char url[2048] = "redis://:";
    struct redis_address address;
    memset(url + 9, 'x', REDIS_WORD_BYTES_MAX);
    strcat(url, "@h");
    assert_non_null(redis_url_read(str_of(url), &address));
    strcpy(url, "redis://");
    memset(url + strlen(url), 'x', REDIS_HOST_BYTES_MAX);
    assert_non_null(redis_url_read(str_of(url), &address));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_url_says_is_taken),
        cmocka_unit_test(test_what_is_no_url_is_said_without_showing_it),
        cmocka_unit_test(test_a_word_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
