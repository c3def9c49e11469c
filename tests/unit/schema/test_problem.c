// test_problem.c — problems told: the order of keys, inputs of every kind, numbers in messages.
#include "subject.h"

static struct problems problems;
static const struct location body = {.name = S("body")};
static const struct location items = {.parent = &body, .name = S("it\"ems")};
static const struct location second = {.parent = &items, .index = 1};

static void begin(void) {
    subject_reset();
    problems_init(&problems, &subject_arena);
}

static const char *told(void) {
    return subject_answer(-EINVAL, &problems, NULL, NULL);
}

static void test_a_problem_has_its_keys_in_fastapis_order(void **state) {
    (void)state;
    begin();
    assert_int_equal(problems_add(&problems, PROBLEM_GREATER_THAN, &second, (struct input){INPUT_JSON, S("-1.50")}, &DETAIL_OF_FLOAT(0.0)),
                     -EINVAL);
    expect_answer("keys", told(),
                  "{\"detail\":[{\"type\":\"greater_than\",\"loc\":[\"body\",\"it\\\"ems\",1],\"msg\":\"Input should be greater than "
                  "0\",\"input\":-1.50,\"ctx\":{\"gt\":0.0}}]}");
}

static void test_inputs_are_told_as_what_they_were(void **state) {
    (void)state;
    static const struct {
        struct input input;
        const char *json;
    } cases[] = {
        {{INPUT_NULL, {0}}, ",\"input\":null"},
        {{INPUT_WITHHELD, S("hunter2")}, ""},
        {{INPUT_JSON, S("{ \"a\":1 }")}, ",\"input\":{ \"a\":1 }"},
        {{INPUT_TEXT, S("a\"\n\xFF")}, ",\"input\":\"a\\\"\\n\xEF\xBF\xBD\""},
        {{INPUT_EMPTY_OBJECT, {0}}, ",\"input\":{}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[200];
        begin();
        problems_add(&problems, PROBLEM_MISSING, &body, cases[i].input, NULL);
        snprintf(expected, sizeof expected, "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\"%s}]}",
                 cases[i].json);
        expect_answer("input", told(), expected);
    }
}

static void test_numbers_stand_in_messages_as_pydantic_writes_them(void **state) {
    (void)state;
    static const struct {
        struct detail detail;
        const char *message, *ctx;
    } cases[] = {
        {{.kind = DETAIL_INT, .integer = INT64_MIN}, "or equal to -9223372036854775808\"", "{\"le\":-9223372036854775808}"},
        {{.kind = DETAIL_FLOAT, .real = 1e20}, "or equal to 100000000000000000000\"", "{\"le\":1e+20}"},
        {{.kind = DETAIL_FLOAT, .real = 1e-7}, "or equal to 0.0000001\"", "{\"le\":1e-07}"},
        {{.kind = DETAIL_FLOAT, .real = 1234.5}, "or equal to 1234.5\"", "{\"le\":1234.5}"},
        {{.kind = DETAIL_FLOAT, .real = 10}, "or equal to 10\"", "{\"le\":10.0}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        problems_add(&problems, PROBLEM_LESS_THAN_EQUAL, &body, (struct input){0}, &cases[i].detail);
        assert_non_null(strstr(told(), cases[i].message));
        assert_non_null(strstr(told(), cases[i].ctx));
    }
}

static void test_a_pattern_is_escaped_in_message_and_ctx(void **state) {
    (void)state;
    begin();
    problems_add(&problems, PROBLEM_STRING_PATTERN_MISMATCH, &body, (struct input){0}, &DETAIL_OF_TEXT(S("^\\d\"{2}$")));
    assert_non_null(strstr(told(), "\"msg\":\"String should match pattern '^\\\\d\\\"{2}$'\""));
    assert_non_null(strstr(told(), "\"ctx\":{\"pattern\":\"^\\\\d\\\"{2}$\"}"));
}

static void test_no_problem_is_an_empty_detail(void **state) {
    (void)state;
    leat_json writer;
    begin();
    json_write_to_arena(&writer, &subject_arena);
    problems_write(&problems, &writer);
    assert_memory_equal(json_written(&writer).ptr, "{\"detail\":[]}", 13);
}

static void test_without_memory_a_problem_is_an_error(void **state) {
    (void)state;
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 0);
    arena_init(&arena, &pool, 0);
    problems_init(&problems, &arena);
    assert_int_equal(problems_add(&problems, PROBLEM_MISSING, &second, (struct input){0}, NULL), -ENOMEM);
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_problem_has_its_keys_in_fastapis_order),
        cmocka_unit_test(test_inputs_are_told_as_what_they_were),
        cmocka_unit_test(test_numbers_stand_in_messages_as_pydantic_writes_them),
        cmocka_unit_test(test_a_pattern_is_escaped_in_message_and_ctx),
        cmocka_unit_test(test_no_problem_is_an_empty_detail),
        cmocka_unit_test(test_without_memory_a_problem_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
