// test_text.c — letters and digits of every script.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "schema/text.h"

static void expect_lower(str given, const char *lower) {
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 1);
    arena_init(&arena, &pool, 1 << 20);
    str text = text_lower(&arena, given);
    assert_int_equal(text.len, strlen(lower));
    assert_memory_equal(text.ptr, lower, text.len);
    arena_reset(&arena);
    arena_pool_finish(&pool);
}

static void test_letters_of_every_script_are_lowered_and_broken_bytes_kept(void **state) {
    (void)state;
    expect_lower(S(""), "");
    expect_lower(S("Ada@Example.ORG"), "ada@example.org");
    expect_lower(S("\xC3\x89\xD0\x96"), "\xC3\xA9\xD0\xB6");
    expect_lower(S("\xC8\xBA"), "\xE2\xB1\xA5"); // grows
    expect_lower(S("A\xFF\xC3Z"), "a\xFF\xC3z");
}

static void test_text_that_is_lower_already_is_not_copied(void **state) {
    (void)state;
    str given = S("ada 1 @");
    assert_ptr_equal(text_lower(NULL, given).ptr, given.ptr);
}

static void test_lowering_without_memory_is_no_string(void **state) {
    (void)state;
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 0);
    arena_init(&arena, &pool, 0);
    assert_null(text_lower(&arena, S("A")).ptr);
}

static void test_upper_case_and_digits_are_found_in_every_script(void **state) {
    (void)state;
    assert_true(text_has_upper(S("abC")));
    assert_true(text_has_upper(S("\xD0\x96")));        // Ж
    assert_true(text_has_upper(S("\xC7\x85")));        // ǅ, title case
    assert_false(text_has_upper(S("abc \xC3\xA9 1"))); // é
    assert_false(text_has_upper(S("")));
    assert_true(text_has_digit(S("a1")));
    assert_true(text_has_digit(S("\xD9\xA3")));      // Arabic three
    assert_false(text_has_digit(S("\xC2\xB2")));     // superscript two is No
    assert_false(text_has_digit(S("\xE2\x85\xA7"))); // Roman eight is Nl
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_of_every_script_are_lowered_and_broken_bytes_kept),
        cmocka_unit_test(test_text_that_is_lower_already_is_not_copied),
        cmocka_unit_test(test_lowering_without_memory_is_no_string),
        cmocka_unit_test(test_upper_case_and_digits_are_found_in_every_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
