// test_uuid.c — tests of base/uuid.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/uuid.h"

static void test_uuid_reads_the_canonical_form_and_writes_it_lower_case(void **state) {
    (void)state;
    uuid id;
    char text[UUID_TEXT_BYTES];
    assert_true(uuid_parse(S("0123ABCD-4567-89ab-CDEF-001122334455"), &id));
    uuid_format(text, id);
    assert_memory_equal(text, "0123abcd-4567-89ab-cdef-001122334455", UUID_TEXT_BYTES);
    assert_int_equal(id.b[0], 0x01);
    assert_int_equal(id.b[15], 0x55);
}

static void test_uuid_refuses_any_other_form_and_leaves_the_result_alone(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        "0123abcd456789abcdef001122334455",
                                        "{0123abcd-4567-89ab-cdef-001122334455}",
                                        "0123abcd-4567-89ab-cdef-00112233445",
                                        "0123abcd-4567-89ab-cdef-0011223344555",
                                        "0123abcd-4567-89ab-cdef-00112233445g",
                                        "0123abcd-4567-89ab-cdef+001122334455",
                                        "-123abcd04567-89ab-cdef-001122334455"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uuid id = {{7}};
        assert_false(uuid_parse(str_of(wrong[i]), &id));
        assert_int_equal(id.b[0], 7);
    }
}

static void test_uuid_eq_sees_every_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < 16; i++) {
        uuid a = {{0}}, b = {{0}};
        assert_true(uuid_eq(a, b));
        b.b[i] = 1;
        assert_false(uuid_eq(a, b));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuid_reads_the_canonical_form_and_writes_it_lower_case),
        cmocka_unit_test(test_uuid_refuses_any_other_form_and_leaves_the_result_alone),
        cmocka_unit_test(test_uuid_eq_sees_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
