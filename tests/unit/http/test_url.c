// test_url.c — percent-encoding, pairs of queries, and cookies.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "base/str.h"
#include "http/url.h"

static void expect(str s, const char *text) {
    assert_int_equal(s.len, strlen(text));
    if (s.len)
        assert_memory_equal(s.ptr, text, s.len);
}

static void test_escapes_are_decoded_and_broken_ones_stay(void **state) {
    (void)state;
    expect(url_decode(&arena, str_of("a%20b%2Fc%c3%A9"), false), "a b/c\xc3\xa9");
    expect(url_decode(&arena, str_of("%zz%4%"), false), "%zz%4%");
    expect(url_decode(&arena, str_of("%%41"), false), "%A");
    expect(url_decode(&arena, str_of("%2541"), false), "%41"); // once only
    expect(url_decode(&arena, str_of("a+b%2B"), true), "a b+");
    expect(url_decode(&arena, str_of("a+b"), false), "a+b");
    str nul = url_decode(&arena, str_of("a%00b"), false);
    assert_int_equal(nul.len, 3);
    assert_memory_equal(nul.ptr, "a\0b", 3);
}

static void test_plain_text_is_not_copied(void **state) {
    (void)state;
    str plain = str_of("plain");
    assert_ptr_equal(url_decode(&arena, plain, true).ptr, plain.ptr);
    assert_int_equal(url_decode(&arena, (str){0}, true).len, 0);
}

static void test_decoding_without_memory_has_no_pointer(void **state) {
    (void)state;
    struct arena none;
    arena_init(&none, &pool, 0);
    assert_null(url_decode(&none, str_of("%41"), false).ptr);
}

static void test_a_path_is_utf8_without_nul(void **state) {
    (void)state;
    assert_true(url_path_is_text(str_of("/a/\xc3\xa9")));
    assert_true(url_path_is_text((str){0}));
    assert_false(url_path_is_text((str){"/a\0", 3}));
    assert_false(url_path_is_text(str_of("/\xff")));
    assert_false(url_path_is_text(str_of("/\xed\xa0\x80")));
}

static void test_pairs_are_taken_off_a_query(void **state) {
    (void)state;
    str rest = str_of("&&a=b&c&=d&e==f;g&&"), name, value;
    static const char *const pairs[][2] = {{"a", "b"}, {"c", ""}, {"", "d"}, {"e", "=f;g"}};
    for (unsigned i = 0; i < 4; i++) {
        assert_true(url_next_pair(&rest, &name, &value));
        expect(name, pairs[i][0]);
        expect(value, pairs[i][1]);
    }
    assert_false(url_next_pair(&rest, &name, &value));
    assert_false(url_next_pair(&rest, &name, &value));
}

static void test_pairs_are_taken_off_a_cookie_field(void **state) {
    (void)state;
    str rest = str_of("a=b; c = d ;e=\"f g\";; h ; =i; j=k=l; m=\""), name, value;
    static const char *const pairs[][2] = {{"a", "b"}, {"c", "d"}, {"e", "f g"}, {"", "h"}, {"", "i"}, {"j", "k=l"}, {"m", "\""}};
    for (unsigned i = 0; i < 7; i++) {
        assert_true(cookie_next_pair(&rest, &name, &value));
        expect(name, pairs[i][0]);
        expect(value, pairs[i][1]);
    }
    assert_false(cookie_next_pair(&rest, &name, &value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes_are_decoded_and_broken_ones_stay),
        cmocka_unit_test(test_plain_text_is_not_copied),
        cmocka_unit_test(test_decoding_without_memory_has_no_pointer),
        cmocka_unit_test(test_a_path_is_utf8_without_nul),
        cmocka_unit_test(test_pairs_are_taken_off_a_query),
        cmocka_unit_test(test_pairs_are_taken_off_a_cookie_field),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
