// test_numeral.c — numbers read: the same double as strtod(3), whatever their length, and integers exactly.
#include "subject.h"

#include <locale.h>
#include <math.h>

#include "schema/numeral.h"

static uint64_t random_state = 88172645463325252u;

static uint64_t random_bits(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static double read_number(const char *text) {
    double value;
    assert_int_equal(f64_of_number(str_of(text), &subject_arena, &value), 0);
    return value;
}

static void expect_same(const char *text) {
    double value = read_number(text), expected = strtod(text, NULL);
    if (memcmp(&value, &expected, sizeof value) != 0)
        fail_msg("%s: %.17g, not %.17g", text, value, expected);
}

static void test_doubles_are_the_nearest_ones(void **state) {
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "0.0",
        "1",
        "-1.5",
        "1e22",
        "1e23",
        "9007199254740993",
        "9007199254740993.0",
        "123456789012345678",
        "1234567890123456789",
        "0.1",
        "0.30000000000000004",
        "2.2250738585072011e-308",
        "5e-324",
        "2e-324",
        "1.7976931348623157e308",
        "1.8e308",
        "1e-400",
        "1e99999",
        "1e-99999",
        "1e999999999999",
        "0.000000000000000000000000000001",
        "00000000000000000000001",
        "1.00000000000000000000000000000000001",
    };
    subject_reset();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_same(texts[i]);
    for (int i = 0; i < 50000; i++) {
        char text[64];
        snprintf(text, sizeof text, "%lld.%llue%d", (long long)(random_bits() >> random_bits() % 64) >> 1,
                 (unsigned long long)(random_bits() >> random_bits() % 64), (int)(random_bits() % 60) - 30);
        expect_same(text);
    }
}

static void test_the_decimal_point_of_a_locale_does_not_matter(void **state) {
    (void)state;
    subject_reset();
    const char *locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8"};
    for (size_t i = 0; i < 2; i++)
        setlocale(LC_ALL, locales[i]); // where it is installed
    assert_true(read_number("1.2345678901234567890") > 1.2);
    setlocale(LC_ALL, "C");
}

static void test_integers_are_exact_to_the_last_bit(void **state) {
    (void)state;
    for (int i = 0; i < 10000; i++) {
        char text[32];
        int64_t value = (int64_t)random_bits() >> random_bits() % 64;
        snprintf(text, sizeof text, "%lld", (long long)value);
        struct numeral json = numeral_of_json(str_of(text)), lax;
        assert_true(json.fits);
        assert_int_equal(json.value, value);
        assert_int_equal(numeral_of_text(str_of(text), &lax), NUMERAL_OK);
        assert_true(lax.fits);
        assert_int_equal(lax.value, value);
    }
    assert_true(numeral_of_json(S("-9223372036854775808")).fits);
    assert_false(numeral_of_json(S("9223372036854775808")).fits);
    assert_false(numeral_of_json(S("99999999999999999999")).fits);
    assert_false(numeral_of_json(S("18446744073709551617")).fits);
}

static void test_remainders_of_what_does_not_fit_are_exact(void **state) {
    (void)state;
    struct numeral numeral = numeral_of_json(S("-1000000000000000000000000000007"));
    assert_true(numeral_is_multiple(&numeral, 1));
    assert_false(numeral_is_multiple(&numeral, 2));
    assert_true(numeral_is_multiple(&(struct numeral){.digits = S("30_000000000000000000000000000021")}, 21) ==
                numeral_is_multiple(&(struct numeral){.digits = S("30000000000000000000000000000021")}, 21));
    numeral = numeral_of_json(S("9223372036854775807000000000000000000000"));
    assert_true(numeral_is_multiple(&numeral, INT64_MAX));
}

static void test_blanks_of_every_kind_are_trimmed(void **state) {
    (void)state;
    assert_int_equal(trimmed(S(" \t\n\v\f\r\xC2\x85\xC2\xA0\xE2\x80\x83x\xE3\x80\x80\xE2\x80\xA8 ")).len, 1);
    assert_int_equal(trimmed(S(" \t ")).len, 0);
    assert_int_equal(trimmed(S("")).len, 0);
    assert_int_equal(trimmed(S("\xE2\x80\x8B")).len, 3); // a zero width space is none
    assert_int_equal(trimmed(S("\x80\x80\x80\x80\x80")).len, 5);
    assert_int_equal(trimmed(S("a\xA0")).len, 2); // no UTF-8: not ours to trim
}

static void test_a_long_number_without_memory_is_no_number(void **state) {
    (void)state;
    struct arena_pool pool;
    struct arena arena;
    static char digits[1000];
    double value = 42;
    memset(digits, '1', sizeof digits);
    arena_pool_init(&pool, 0);
    arena_init(&arena, &pool, 0);
    assert_int_equal(f64_of_number((str){digits, sizeof digits}, &arena, &value), -ENOMEM);
    assert_true(value == 42);
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_are_the_nearest_ones),       cmocka_unit_test(test_the_decimal_point_of_a_locale_does_not_matter),
        cmocka_unit_test(test_integers_are_exact_to_the_last_bit), cmocka_unit_test(test_remainders_of_what_does_not_fit_are_exact),
        cmocka_unit_test(test_blanks_of_every_kind_are_trimmed),   cmocka_unit_test(test_a_long_number_without_memory_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
