// test_text_read.c — parameters, forms, queries and settings: texts read as Pydantic's lax mode reads them.
#include "subject.h"

ENUM(Order, asc, desc);
SCHEMA(Login, (str, username), (str, password, .secret = true), (str, grant_type, .pattern = "^password$", .optional = true));
SCHEMA(Filter, (i64, limit, .def = 20, .ge = 1, .le = 100), (str, q, .min_length = 2), (str_list, tags, .optional = true), (bool, open));
SCHEMA(Settings, (str, secret_key, .min_length = 32, .secret = true), (i64, minutes, .def = 30), (str_list, origins, .optional = true),
       (json_value, extra, .optional = true));

POST("/{id}/{number}", handler, Empty,
     (path(uuid, id), path(i64, number), query(i64, limit, .def = 20, .ge = 1, .le = 100), query(i64, skip, .def = 0, .ge = 0),
      query(i64, page), query(i32, small, .optional = true), query(str, q, .min_length = 2, .optional = true), query(bool, open),
      query(f64, ratio), query(Order, order, .def = Order_asc), query(i64_list, ids, .max_items = 3, .min_items = 2),
      query(timestamp, since), header(str, x_token), cookie(str, session), query(json_value, any),
      query(str, secret, .secret = true, .max_length = 3)),
     .status = 204) {
    (void)id, (void)number, (void)limit, (void)skip, (void)page, (void)small, (void)q, (void)open, (void)ratio, (void)order, (void)ids,
        (void)since, (void)x_token, (void)session, (void)any, (void)secret;
    return NULL;
}

enum { ID, NUMBER, LIMIT, SKIP, PAGE, SMALL, Q, OPEN, RATIO, ORDER, IDS, SINCE, TOKEN, SESSION, ANY, SECRET };

static const char *read_parameter(int index, const str *values, size_t count) {
    const leat_param *param = &handler__params[index];
    struct model_set *set;
    const struct parameter *parameter;
    struct problems problems;
    str message = S("");
    subject_reset();
    assert_int_equal(model_set_create(&set), 0);
    if (parameter_compile(set, param, __FILE__, __LINE__, &subject_arena, &parameter, &message) != 0)
        fail_msg("%.*s", (int)message.len, message.ptr);
    problems_init(&problems, &subject_arena);
    void *out = arena_alloc(&subject_arena, param->bytes);
    int result = parameter_read(parameter, &(struct reading){NULL, &subject_arena, &problems}, values, count, out);
    const char *answer = subject_answer(result, &problems, param->type, out);
    model_set_destroy(set);
    return answer;
}

#define ONE(in, name, type, msg, input, ctx)                                                                                               \
    "{\"detail\":[{\"type\":\"" type "\",\"loc\":[\"" in "\",\"" name "\"],\"msg\":\"" msg "\"" input ctx "}]}"
#define INPUT(json) ",\"input\":" json
#define CTX(json) ",\"ctx\":{" json "}"
#define INT_BAD(name, input)                                                                                                               \
    ONE("query", name, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", INPUT(input), "")
#define INT_SIZE(name, input)                                                                                                              \
    ONE("query", name, "int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size", INPUT(input), "")
#define LE_100(input) ONE("query", "limit", "less_than_equal", "Input should be less than or equal to 100", INPUT(input), CTX("\"le\":100"))
#define GE_1(input) ONE("query", "limit", "greater_than_equal", "Input should be greater than or equal to 1", INPUT(input), CTX("\"ge\":1"))

static const struct {
    int index;
    const char *value, *answer;
} values[] = {
    {LIMIT, "5", "ok 5"},
    {LIMIT, " +5 ", "ok 5"},
    {LIMIT, "005", "ok 5"},
    {LIMIT, "1_0", "ok 10"},
    {LIMIT, "10.00", "ok 10"},
    {LIMIT, "0", GE_1("\"0\"")},
    {LIMIT, "-1", GE_1("\"-1\"")},
    {LIMIT, "101", LE_100("\"101\"")},
    {LIMIT, "18446744073709551617", LE_100("\"18446744073709551617\"")},
    {LIMIT, "-18446744073709551617", GE_1("\"-18446744073709551617\"")},
    {LIMIT, "", INT_BAD("limit", "\"\"")},
    {LIMIT, "1.5", INT_BAD("limit", "\"1.5\"")},
    {LIMIT, "1e1", INT_BAD("limit", "\"1e1\"")},
    {LIMIT, "0x1", INT_BAD("limit", "\"0x1\"")},
    {LIMIT, "\xD9\xA5", INT_BAD("limit", "\"\xD9\xA5\"")},
    {LIMIT, "a\"b", INT_BAD("limit", "\"a\\\"b\"")},
    {PAGE, "9223372036854775807", "ok 9223372036854775807"},
    {PAGE, "9223372036854775808", INT_SIZE("page", "\"9223372036854775808\"")},
    {SMALL, "2147483648", INT_SIZE("small", "\"2147483648\"")},
    {Q, "ab", "ok \"ab\""},
    {Q, "\xC3\xA9",
     ONE("query", "q", "string_too_short", "String should have at least 2 characters", INPUT("\"\xC3\xA9\""), CTX("\"min_length\":2"))},
    {Q, "ab\xFF",
     ONE("query", "q", "string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string",
         INPUT("\"ab\xEF\xBF\xBD\""), "")},
    {OPEN, "yes", "ok true"},
    {OPEN, "Off", "ok false"},
    {OPEN, "2", ONE("query", "open", "bool_parsing", "Input should be a valid boolean, unable to interpret input", INPUT("\"2\""), "")},
    {RATIO, "1e3", "ok 1000.0"},
    {RATIO, "x",
     ONE("query", "ratio", "float_parsing", "Input should be a valid number, unable to parse string as a number", INPUT("\"x\""), "")},
    {ORDER, "desc", "ok \"desc\""},
    {ORDER, "DESC",
     ONE("query", "order", "enum", "Input should be 'asc' or 'desc'", INPUT("\"DESC\""), CTX("\"expected\":\"'asc' or 'desc'\""))},
    {SINCE, "2024-01-02T03:04:05Z", "ok \"2024-01-02T03:04:05Z\""},
    {ID, "12345678-1234-5678-1234-567812345678", "ok \"12345678-1234-5678-1234-567812345678\""},
    {ID, "x",
     ONE("path", "id", "uuid_parsing",
         "Input should be a valid UUID, invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `x` "
         "at 1",
         INPUT("\"x\""),
         CTX("\"error\":\"invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `x` at 1\""))},
    {NUMBER, "x",
     ONE("path", "number", "int_parsing", "Input should be a valid integer, unable to parse string as an integer", INPUT("\"x\""), "")},
    {ANY, "[1, 2]", "ok [1, 2]"},
    {ANY, "[1,",
     "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"query\",\"any\",3],\"msg\":\"JSON decode error\",\"input\":{},\"ctx\":{\"error\":"
     "\"Expecting value\"}}]}"},
    {SECRET, "hunter2", ONE("query", "secret", "string_too_long", "String should have at most 3 characters", "", CTX("\"max_length\":3"))},
};

static void test_each_text_is_taken_or_refused_as_pydantic_does(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        str value = str_of(values[i].value);
        expect_answer(values[i].value, read_parameter(values[i].index, &value, 1), values[i].answer);
    }
}

static void test_the_last_of_several_values_wins_and_a_list_takes_all(void **state) {
    (void)state;
    const str given[] = {S("x"), S("5"), S("7"), S("8")};
    expect_answer("last", read_parameter(LIMIT, given, 3), "ok 7");
    expect_answer("all", read_parameter(IDS, given + 1, 3), "ok [5,7,8]");
    expect_answer(
        "one wrong", read_parameter(IDS, given, 2),
        "{\"detail\":[{\"type\":\"int_parsing\",\"loc\":[\"query\",\"ids\",0],\"msg\":\"Input should be a valid integer, unable to parse "
        "string as an integer\",\"input\":\"x\"}]}");
    expect_answer("too many", read_parameter(IDS, given, 4),
                  ONE("query", "ids", "too_long", "List should have at most 3 items after validation, not 4",
                      INPUT("[\"x\",\"5\",\"7\",\"8\"]"), CTX("\"field_type\":\"List\",\"max_length\":3,\"actual_length\":4")));
    expect_answer("too few", read_parameter(IDS, given + 1, 1),
                  ONE("query", "ids", "too_short", "List should have at least 2 items after validation, not 1", INPUT("[\"5\"]"),
                      CTX("\"field_type\":\"List\",\"min_length\":2,\"actual_length\":1")));
}

static void test_an_absent_parameter_has_its_default_or_is_missing(void **state) {
    (void)state;
    expect_answer("default", read_parameter(LIMIT, NULL, 0), "ok 20");
    expect_answer("default", read_parameter(ORDER, NULL, 0), "ok \"asc\"");
    expect_answer("optional", read_parameter(Q, NULL, 0), "ok null");
    expect_answer("optional", read_parameter(SMALL, NULL, 0), "ok 0");
    expect_answer("missing", read_parameter(PAGE, NULL, 0), ONE("query", "page", "missing", "Field required", INPUT("null"), ""));
    expect_answer("missing", read_parameter(IDS, NULL, 0), ONE("query", "ids", "missing", "Field required", INPUT("null"), ""));
    expect_answer("header", read_parameter(TOKEN, NULL, 0), ONE("header", "x-token", "missing", "Field required", INPUT("null"), ""));
    expect_answer("cookie", read_parameter(SESSION, NULL, 0), ONE("cookie", "session", "missing", "Field required", INPUT("null"), ""));
}

static void test_over_4300_digits_are_too_many(void **state) {
    (void)state;
    static char digits[6000];
    memset(digits, '1', sizeof digits);
    str just = {digits, 4300}, more = {digits, 4301};
    assert_non_null(strstr(read_parameter(LIMIT, &just, 1), "less_than_equal"));
    assert_non_null(strstr(read_parameter(LIMIT, &more, 1), "int_parsing_size"));
    memset(digits, '0', 5000);
    str zeros = {digits, 5000};
    assert_non_null(strstr(read_parameter(SKIP, &zeros, 1), "ok 0"));
}

// ---- forms, queries, settings

static const char *read_pairs(const leat_schema *schema, const char *root_name, const struct text_pair *pairs, size_t count) {
    struct model_set *set;
    struct problems problems;
    const struct location root = {.name = str_of(root_name)};
    subject_reset();
    assert_int_equal(model_set_create(&set), 0);
    const struct model *model = subject_model(set, schema);
    void *out = arena_alloc(&subject_arena, schema->bytes);
    problems_init(&problems, &subject_arena);
    int result = model_read_pairs(model, &(struct reading){NULL, &subject_arena, &problems}, &root, pairs, count, out);
    const char *answer = subject_answer(result, &problems, schema, out);
    model_set_destroy(set);
    return answer;
}

#define PAIRS(...) ((const struct text_pair[]){__VA_ARGS__}), sizeof((const struct text_pair[]){__VA_ARGS__}) / sizeof(struct text_pair)
#define P(name, value)                                                                                                                     \
    { S(name), S(value) }

static void test_a_form_is_read_by_its_names(void **state) {
    (void)state;
    expect_answer("good", read_pairs(&Login__schema, "body", PAIRS(P("username", "a"), P("password", "b"), P("scope", ""))),
                  "ok {\"username\":\"a\",\"password\":\"b\",\"grant_type\":null}");
    expect_answer("the last wins, empty is a value",
                  read_pairs(&Login__schema, "body", PAIRS(P("username", "a"), P("password", "b"), P("username", ""))),
                  "ok {\"username\":\"\",\"password\":\"b\",\"grant_type\":null}");
    expect_answer("nothing", read_pairs(&Login__schema, "body", NULL, 0),
                  "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"username\"],\"msg\":\"Field required\",\"input\":null},"
                  "{\"type\":\"missing\",\"loc\":[\"body\",\"password\"],\"msg\":\"Field required\",\"input\":null}]}");
    expect_answer("grant_type", read_pairs(&Login__schema, "body", PAIRS(P("username", "a"), P("password", "b"), P("grant_type", ""))),
                  ONE("body", "grant_type", "string_pattern_mismatch", "String should match pattern '^password$'", INPUT("\"\""),
                      CTX("\"pattern\":\"^password$\"")));
}

static void test_a_field_that_a_form_lacks_has_null_for_its_input(void **state) {
    (void)state;
    expect_answer("form", read_pairs(&Filter__schema, "body", PAIRS(P("q", "ab"))),
                  ONE("body", "open", "missing", "Field required", INPUT("null"), ""));
}

static void test_a_query_model_shows_the_query_where_something_is_missing(void **state) {
    (void)state;
    expect_answer("query",
                  read_pairs(&Filter__schema, "query", PAIRS(P("x", "1"), P("tags", "a"), P("limit", "5"), P("tags", "b"), P("x", "2"))),
                  "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"query\",\"q\"],\"msg\":\"Field "
                  "required\",\"input\":{\"limit\":\"5\",\"tags\":[\"a\",\"b\"],\"x\":\"2\"}},{\"type\":\"missing\",\"loc\":[\"query\","
                  "\"open\"],\"msg\":"
                  "\"Field required\",\"input\":{\"limit\":\"5\",\"tags\":[\"a\",\"b\"],\"x\":\"2\"}}]}");
    expect_answer("good", read_pairs(&Filter__schema, "query", PAIRS(P("tags", "a"), P("open", "on"), P("tags", "b"), P("q", "ab"))),
                  "ok {\"limit\":20,\"q\":\"ab\",\"tags\":[\"a\",\"b\"],\"open\":true}");
}

static void test_settings_hold_lists_as_json(void **state) {
    (void)state;
    expect_answer("list",
                  read_pairs(&Settings__schema, "settings",
                             PAIRS(P("secret_key", "0123456789abcdef0123456789abcdef"), P("origins", "[\"http://a\", \"http://b\"]"),
                                   P("extra", "{\"a\":1}"))),
                  "ok "
                  "{\"secret_key\":\"0123456789abcdef0123456789abcdef\",\"minutes\":30,\"origins\":[\"http://a\",\"http://"
                  "b\"],\"extra\":{\"a\":1}}");
    assert_non_null(
        strstr(read_pairs(&Settings__schema, "settings", PAIRS(P("secret_key", "0123456789abcdef0123456789abcdef"), P("origins", "[x"))),
               "\"type\":\"json_invalid\",\"loc\":[\"settings\",\"origins\",1]"));
}

static void test_what_is_wrong_with_settings_is_told_in_sentences(void **state) {
    (void)state;
    struct model_set *set;
    struct problems problems;
    const struct location root = {.name = S("settings")};
    subject_reset();
    assert_int_equal(model_set_create(&set), 0);
    const struct model *model = subject_model(set, &Settings__schema);
    const struct text_pair pairs[] = {P("secret_key", "hunter2"), P("minutes", "x"), P("origins", "[x")};
    Settings out = {0};
    problems_init(&problems, &subject_arena);
    assert_int_equal(model_read_pairs(model, &(struct reading){NULL, &subject_arena, &problems}, &root, pairs, 3, &out), -EINVAL);
    str text = problems_text(&problems, &subject_arena);
    static const char expected[] = "secret_key: String should have at least 32 characters\n"
                                   "minutes: Input should be a valid integer, unable to parse string as an integer\n"
                                   "origins.1: JSON decode error, Expecting value";
    assert_int_equal(text.len, sizeof expected - 1);
    assert_memory_equal(text.ptr, expected, text.len);
    model_set_destroy(set);
}

static void test_half_a_million_pairs_are_looked_at_once(void **state) {
    (void)state;
    enum { COUNT = 500000 };
    struct text_pair *pairs = calloc(COUNT, sizeof *pairs);
    for (size_t i = 0; i < COUNT; i++)
        pairs[i] = (struct text_pair)P("unknown", "x");
    pairs[COUNT - 1] = (struct text_pair)P("q", "ab");
    assert_non_null(strstr(read_pairs(&Filter__schema, "query", pairs, COUNT), "\"missing\",\"loc\":[\"query\",\"open\"]"));
    free(pairs);
}

static void test_without_memory_a_reading_says_so(void **state) {
    (void)state;
    struct model_set *set;
    const struct location root = {.name = S("query")};
    const struct text_pair pairs[] = {P("tags", "a"), P("tags", "b"), P("q", "a"), P("limit", "x")};
    subject_reset();
    assert_int_equal(model_set_create(&set), 0);
    const struct model *model = subject_model(set, &Filter__schema);
    int result = -ENOMEM;
    for (size_t bytes = 0; result == -ENOMEM; bytes += ARENA_BLOCK_BYTES / 2) {
        struct arena_pool pool;
        struct arena arena;
        struct problems problems;
        Filter out = {0};
        arena_pool_init(&pool, 0);
        arena_init(&arena, &pool, bytes);
        problems_init(&problems, &arena);
        result = model_read_pairs(model, &(struct reading){NULL, &arena, &problems}, &root, pairs, 4, &out);
        arena_reset(&arena);
    }
    assert_int_equal(result, -EINVAL);
    model_set_destroy(set);
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_text_is_taken_or_refused_as_pydantic_does),
        cmocka_unit_test(test_the_last_of_several_values_wins_and_a_list_takes_all),
        cmocka_unit_test(test_an_absent_parameter_has_its_default_or_is_missing),
        cmocka_unit_test(test_over_4300_digits_are_too_many),
        cmocka_unit_test(test_a_form_is_read_by_its_names),
        cmocka_unit_test(test_a_field_that_a_form_lacks_has_null_for_its_input),
        cmocka_unit_test(test_a_query_model_shows_the_query_where_something_is_missing),
        cmocka_unit_test(test_settings_hold_lists_as_json),
        cmocka_unit_test(test_what_is_wrong_with_settings_is_told_in_sentences),
        cmocka_unit_test(test_half_a_million_pairs_are_looked_at_once),
        cmocka_unit_test(test_without_memory_a_reading_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
