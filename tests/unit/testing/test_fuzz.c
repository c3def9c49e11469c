// test_fuzz.c — values made from schemas are what they are meant to be, and the same seed makes the same ones.
#include <string.h>

#include "testing/fuzz_value.h"
#include "testing/json_view.h"

TEST_PLUGINS();

enum { ROUNDS = 500 };

static const char *const schemas[] = {
    J({"type": "string", "minLength": 2, "maxLength": 5}),
      J({"type": "string", "format": "uuid"}),
        J({"type": "string", "format": "date-time"}),
          J({"type": "string", "format": "email"}),
            J({"type": "string", "enum": ["a", "b"]}),
               J({"type": "string", "pattern": "^password$"}),
                 J({"type": "integer", "minimum": 1, "maximum": 3}),
                   J({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 4}),
                     J({"type": "integer", "format": "int32"}),
                       J({"type": "boolean"}),
                         J({"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 3}),
                            J({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "minLength": 1}, "b": {"type": "boolean"}}}),
};

static json_t *rule(size_t i) {
    json_t *schema = json_view((str){schemas[i], strlen(schemas[i])});
    assert_non_null(schema);
    return schema;
}

static unsigned count_misfits(app *a, json_t *schema, enum fuzz_quality quality) {
    struct document document = {.a = a};
    struct fuzz_maker maker = {.document = &document, .random = 1};
    unsigned misfits = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        json_t *value = fuzz_value(&maker, schema, "x", quality);
        misfits += document_misfit(&document, schema, value) != NULL;
        json_decref(value);
    }
    return misfits;
}

TEST(test_fuzz_makes_values_that_fit) {
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        json_t *schema = rule(i);
        unsigned right = count_misfits(a, schema, FUZZ_RIGHT), at_bounds = count_misfits(a, schema, FUZZ_AT_BOUNDS);
        json_decref(schema);
        if (right || at_bounds)
            fail_msg("%s: %u and %u of %d do not fit", schemas[i], right, at_bounds, ROUNDS);
    }
}

TEST(test_fuzz_makes_values_that_do_not_fit) {
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        json_t *schema = rule(i);
        unsigned wrong = count_misfits(a, schema, FUZZ_WRONG);
        json_decref(schema);
        if (wrong < ROUNDS / 2)
            fail_msg("%s: only %u of %d do not fit", schemas[i], wrong, ROUNDS);
    }
}

TEST(test_fuzz_uses_what_is_known) {
    struct document document = {.a = a};
    struct fuzz_maker maker = {.document = &document, .random = 1, .known = (const char *const[]){"id", "7", "name", "Ada", NULL}};
    json_t *schema = json_view(
        S(J({"type": "object", "required": ["id", "name"], "properties": {
        "id": {"type": "integer"}, "name": {"type": "string"}}})));
    unsigned known = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        json_t *value = fuzz_value(&maker, schema, NULL, FUZZ_RIGHT);
        known +=
            json_integer_value(json_object_get(value, "id")) == 7 && strcmp(json_string_value(json_object_get(value, "name")), "Ada") == 0;
        json_decref(value);
    }
    json_decref(schema);
    assert_in_range(known, ROUNDS / 3, ROUNDS - 1);
}

TEST(test_fuzz_makes_the_same_of_the_same_seed) {
    struct document document = {.a = a};
    struct fuzz_maker one = {.document = &document, .random = 42}, other = one;
    json_t *schema = rule(11);
    for (unsigned i = 0; i < ROUNDS; i++) {
        json_t *left = fuzz_value(&one, schema, "x", FUZZ_AT_BOUNDS), *right = fuzz_value(&other, schema, "x", FUZZ_AT_BOUNDS);
        bool is_same = json_equal(left, right);
        json_decref(left);
        json_decref(right);
        assert_true(is_same);
    }
    json_decref(schema);
}
