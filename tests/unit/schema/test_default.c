// test_default.c — the defaults of every kind, and of plugins that are older than an option.
#include "subject.h"

#include "schema/default.h"

ENUM(Colour, red, blue);
SCHEMA(Given, (str, s, .def = "x"), (i32, small, .def = 0), (i64, big, .def = -5), (f64, real, .def = 0.5), (bool, yes, .def = false),
       (Colour, colour, .def = Colour_blue));
SCHEMA(Bare, (str, s), (i32, small), (i64, big), (f64, real), (bool, yes), (Colour, colour), (uuid, id), (Given, all));

static void test_each_kind_has_the_default_that_its_options_give(void **state) {
    (void)state;
    Given out;
    memset(&out, 0xFF, sizeof out);
    for (unsigned i = 0; i < Given__schema.nfields; i++) {
        const leat_field *field = &Given__schema.fields[i];
        struct default_value value = default_of(field->type, field->opts);
        assert_true(value.is_given);
        default_store(&value, field->type, (char *)&out + field->off);
    }
    assert_true(str_eq(out.s, S("x")));
    assert_int_equal(out.small, 0);
    assert_int_equal(out.big, -5);
    assert_true(out.real == 0.5);
    assert_false(out.yes);
    assert_int_equal(out.colour, Colour_blue);
}

static void test_without_a_default_there_are_zeros(void **state) {
    (void)state;
    Bare out, zeros;
    memset(&out, 0xFF, sizeof out);
    memset(&zeros, 0, sizeof zeros);
    for (unsigned i = 0; i < Bare__schema.nfields; i++) {
        const leat_field *field = &Bare__schema.fields[i];
        struct default_value value = default_of(field->type, field->opts), without_options = default_of(field->type, NULL);
        assert_false(value.is_given);
        assert_false(without_options.is_given);
        default_store(&value, field->type, (char *)&out + field->off);
        assert_memory_equal((char *)&out + field->off, (char *)&zeros + field->off, field->type->bytes);
    }
}

static void test_options_that_end_before_the_default_give_none(void **state) {
    (void)state;
    i64__opts older = {.size = offsetof(i64__opts, def), .def = 7};

    assert_false(default_of(&i64__schema, &older).is_given);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_has_the_default_that_its_options_give),
        cmocka_unit_test(test_without_a_default_there_are_zeros),
        cmocka_unit_test(test_options_that_end_before_the_default_give_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
