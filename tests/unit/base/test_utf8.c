// test_utf8.c — tests of base/utf8.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static void test_utf8_accepts_every_code_point_and_reads_it_back(void **state) {
    (void)state;
    for (uint32_t point = 0; point <= 0x10FFFF; point++) {
        if (point >= 0xD800 && point < 0xE000)
            continue;
        char bytes[4];
        str text = {bytes, utf8_put(bytes, point)};
        uint32_t read = 0;
        assert_true(utf8_is_valid(text));
        assert_int_equal(utf8_count(text), 1);
        assert_true(utf8_next(&text, &read));
        assert_int_equal(read, point);
        assert_int_equal(text.len, 0);
    }
}

// The table of RFC 3629, section 4, from its wrong side.
static void test_utf8_refuses_what_is_malformed(void **state) {
    (void)state;
    static const char *const wrong[] = {"\x80",
                                        "\xBF",
                                        "\xC0\x80",
                                        "\xC1\xBF",
                                        "\xC2",
                                        "\xC2 ",
                                        "\xE0\x80\x80",
                                        "\xE0\x9F\xBF",
                                        "\xE1\x80",
                                        "\xED\xA0\x80",
                                        "\xED\xBF\xBF",
                                        "\xEF\xBF",
                                        "\xF0\x80\x80\x80",
                                        "\xF0\x8F\xBF\xBF",
                                        "\xF4\x90\x80\x80",
                                        "\xF5\x80\x80",
                                        "\xF8\x88\x80",
                                        "\xFE",
                                        "\xFF",
                                        "\xF0\x90\x80"};
    char text[64];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (size_t before = 0; before < 20; before++) { // wherever it stands against the words that are looked at together
            memset(text, 'a', sizeof text);
            memcpy(text + before, wrong[i], strlen(wrong[i]));
            assert_false(utf8_is_valid((str){text, before + strlen(wrong[i])}));
            assert_false(utf8_is_valid((str){text, before + strlen(wrong[i]) + 9}));
        }
}

static void test_utf8_next_replaces_a_malformed_byte_and_goes_on(void **state) {
    (void)state;
    str text = {"\xFFz", 2};
    uint32_t point;
    assert_true(utf8_next(&text, &point));
    assert_int_equal(point, 0xFFFD);
    assert_true(utf8_next(&text, &point));
    assert_int_equal(point, 'z');
    assert_false(utf8_next(&text, &point));
}

static void test_utf8_counts_code_points(void **state) {
    (void)state;
    assert_int_equal(utf8_count(S("")), 0);
    assert_int_equal(utf8_count(S("a\u00e9\u4e16\U0001F600")), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_accepts_every_code_point_and_reads_it_back),
        cmocka_unit_test(test_utf8_refuses_what_is_malformed),
        cmocka_unit_test(test_utf8_next_replaces_a_malformed_byte_and_goes_on),
        cmocka_unit_test(test_utf8_counts_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
