// test_charset.c — each set holds what the standards say, and a run ends at the first stranger, wherever that is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guarded.h"
#include "http/characters.h"
#include "http/charset.h"

static bool is_visible(char c) {
    return c > ' ' && c < 0x7f;
}

static bool is_path_char(char c) {
    return is_visible(c) && c != '?' && c != '#';
}

static bool is_query_char(char c) {
    return is_visible(c) && c != '#';
}

static bool is_unescaped_char(char c) {
    return is_visible(c) && c != '%';
}

static bool is_ascii_text(char c) {
    return is_visible(c) || c == ' ';
}

static bool is_host_char(char c) {
    return is_letter(c) || is_digit(c) || (c && strchr("-._~!$&'()*+;=", c));
}

static const struct {
    const char *name;
    const struct charset *set;
    bool (*has)(char c);
} sets[] = {
    {"token", &charset_token, is_token_char},
    {"text", &charset_text, is_ascii_text},
    {"path", &charset_path, is_path_char},
    {"query", &charset_query, is_query_char},
    {"unescaped", &charset_unescaped, is_unescaped_char},
    {"host", &charset_host, is_host_char},
};
enum { SETS = sizeof sets / sizeof *sets };

static void test_each_set_holds_its_characters_and_no_other(void **state) {
    (void)state;
    for (unsigned i = 0; i < SETS; i++) {
        for (int c = 0; c < 256; c++) {
            if (charset_has(sets[i].set, (char)c) != sets[i].has((char)c))
                fail_msg("%s: character %d", sets[i].name, c);
        }
    }
}

static void test_a_run_ends_at_every_character_that_does_not_belong(void **state) {
    (void)state;
    char text[24];
    for (unsigned i = 0; i < SETS; i++) {
        for (int c = 0; c < 256; c++) {
            memset(text, 'a', sizeof text);
            text[5] = text[20] = (char)c;
            size_t expected = sets[i].has((char)c) ? sizeof text : 5;
            if (charset_run(sets[i].set, text, text + sizeof text) != expected)
                fail_msg("%s: character %d", sets[i].name, c);
        }
    }
}

static void test_a_run_is_found_in_every_length_and_reads_no_further(void **state) {
    (void)state;
    struct guarded page = guarded_create(4096);
    char text[70];
    for (size_t bytes = 0; bytes <= sizeof text; bytes++) {
        for (size_t stranger = 0; stranger <= bytes; stranger++) {
            memset(text, 'x', sizeof text);
            if (stranger < bytes)
                text[stranger] = ' ';
            const char *at = guarded_copy(&page, text, bytes);
            if (charset_run(&charset_token, at, at + bytes) != stranger)
                fail_msg("%zu bytes, a stranger at %zu", bytes, stranger);
        }
    }
    guarded_destroy(&page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_set_holds_its_characters_and_no_other),
        cmocka_unit_test(test_a_run_ends_at_every_character_that_does_not_belong),
        cmocka_unit_test(test_a_run_is_found_in_every_length_and_reads_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
