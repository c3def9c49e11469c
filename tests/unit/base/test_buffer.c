// test_buffer.c — tests of base/buffer.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"

static void test_buffer_gives_back_what_was_appended_in_pieces(void **state) {
    (void)state;
    struct buffer buffer = {0};
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buffer_append(&buffer, "abc", 3), 0);
    assert_int_equal(buffer_bytes(&buffer), 15000);
    for (int i = 0; i < 5000; i++) {
        assert_memory_equal(buffer_head(&buffer), "abc", 3);
        buffer_consume(&buffer, 3);
    }
    assert_int_equal(buffer_bytes(&buffer), 0);
    buffer_finish(&buffer);
}

static void test_buffer_moves_rather_than_grows_when_its_front_is_free(void **state) {
    (void)state;
    struct buffer buffer = {0};
    static const char block[4000];
    assert_int_equal(buffer_append(&buffer, block, sizeof block), 0);
    size_t capacity = buffer.capacity;
    buffer_consume(&buffer, 3900);
    assert_int_equal(buffer_append(&buffer, block, 3000), 0);
    assert_int_equal(buffer.capacity, capacity);
    assert_int_equal(buffer_bytes(&buffer), 3100);
    buffer_finish(&buffer);
}

static void test_buffer_claims_only_what_is_committed(void **state) {
    (void)state;
    struct buffer buffer = {0};
    memcpy(buffer_reserve(&buffer, 100), "hello", 5);
    assert_int_equal(buffer_bytes(&buffer), 0);
    buffer_commit(&buffer, 5);
    assert_int_equal(buffer_bytes(&buffer), 5);
    assert_memory_equal(buffer_head(&buffer), "hello", 5);
    buffer_finish(&buffer);
    assert_null(buffer.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_gives_back_what_was_appended_in_pieces),
        cmocka_unit_test(test_buffer_moves_rather_than_grows_when_its_front_is_free),
        cmocka_unit_test(test_buffer_claims_only_what_is_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
