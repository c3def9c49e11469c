// test_base64.c — bytes and text, one spelling each.
#include "auth/base64.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static void expect_text(const char *data, const char *text) {
    char out[64];
    char *end = base64_write(out, str_of(data), base64_url);
    assert_int_equal(end - out, strlen(text));
    assert_int_equal(end - out, base64_text_bytes(strlen(data)));
    assert_memory_equal(out, text, strlen(text));
}

// RFC 4648, section 10, without the padding.
static void test_the_vectors_of_the_rfc_are_written(void **state) {
    (void)state;
    expect_text("", "");
    expect_text("f", "Zg");
    expect_text("fo", "Zm8");
    expect_text("foo", "Zm9v");
    expect_text("foob", "Zm9vYg");
    expect_text("fooba", "Zm9vYmE");
    expect_text("foobar", "Zm9vYmFy");
}

static void test_every_byte_comes_back_in_every_position(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++)
        for (size_t bytes = 1; bytes <= 4; bytes++) {
            char data[4] = {(char)byte, (char)~byte, (char)(byte * 7), (char)(byte ^ 0x5a)}, text[8];
            unsigned char back[6];
            char *end = base64_write(text, (str){data, bytes}, base64_standard);
            assert_int_equal(base64_read(back, (str){text, (size_t)(end - text)}, base64_standard), bytes);
            assert_memory_equal(back, data, bytes);
        }
}

static ssize_t read_url(const char *text) {
    unsigned char out[64];
    return base64_read(out, str_of(text), base64_url);
}

static void test_another_spelling_of_the_same_bytes_is_refused(void **state) {
    (void)state;
    assert_int_equal(read_url("Zg"), 1);
    assert_int_equal(read_url("Zh"), -EINVAL); // the loose bits are not zero
    assert_int_equal(read_url("Zm9"), -EINVAL);
    assert_int_equal(read_url("Zg=="), -EINVAL);
    assert_int_equal(read_url("Zm8="), -EINVAL);
    assert_int_equal(read_url("Z"), -EINVAL);
    assert_int_equal(read_url("Zm9vZ"), -EINVAL);
    assert_int_equal(read_url("Zm 9"), -EINVAL);
    assert_int_equal(read_url("Zm9v\n"), -EINVAL);
}

static void test_each_alphabet_refuses_the_other(void **state) {
    (void)state;
    unsigned char out[4];
    assert_int_equal(base64_read(out, S("-_-_"), base64_url), 3);
    assert_int_equal(base64_read(out, S("-_-_"), base64_standard), -EINVAL);
    assert_int_equal(base64_read(out, S("+/+/"), base64_standard), 3);
    assert_int_equal(base64_read(out, S("+/+/"), base64_url), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vectors_of_the_rfc_are_written),
        cmocka_unit_test(test_every_byte_comes_back_in_every_position),
        cmocka_unit_test(test_another_spelling_of_the_same_bytes_is_refused),
        cmocka_unit_test(test_each_alphabet_refuses_the_other),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
