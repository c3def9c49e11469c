// test_json_scan.c — broken JSON: where it breaks, in code points, and what CPython 3.13 calls it.
#include "subject.h"

static void expect_break(const char *json, int position, const char *error) {
    char expected[300];
    snprintf(expected, sizeof expected,
             "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\",%d],\"msg\":\"JSON decode "
             "error\",\"input\":{},\"ctx\":{\"error\":\"%s\"}}]}",
             position, error);
    expect_answer(json, READ(json_value, json), expected);
}

#define NAME "Expecting property name enclosed in double quotes"
#define COLON "Expecting ':' delimiter"
#define COMMA "Expecting ',' delimiter"
#define VALUE "Expecting value"
#define UNTERMINATED "Unterminated string starting at"
#define ESCAPE "Invalid \\\\escape"
#define HEX "Invalid \\\\uXXXX escape"
#define CONTROL "Invalid control character at"
#define EXTRA "Extra data"

static const struct {
    const char *json;
    int position;
    const char *error;
} breaks[] = {
    {"{", 1, NAME},
    {"{title:1}", 1, NAME},
    {"{'a':1}", 1, NAME},
    {"{ ", 2, NAME},
    {"{\"title\":\"x\",", 13, NAME},
    {"{\"title\":\"x\", 1}", 14, NAME},
    {"{\"title\":\"x\",}", 12, "Illegal trailing comma before end of object"},
    {"{\"title\":\"x\" , }", 13, "Illegal trailing comma before end of object"},
    {"[1,]", 2, "Illegal trailing comma before end of array"},
    {"[1, ]", 2, "Illegal trailing comma before end of array"},
    {"{\"", 1, UNTERMINATED},
    {"{\"title", 1, UNTERMINATED},
    {"\"", 0, UNTERMINATED},
    {"\"a\\", 0, UNTERMINATED},
    {"{\"title\"", 8, COLON},
    {"{\"title\" x", 9, COLON},
    {"{\"title\":", 9, VALUE},
    {"{\"title\":tru}", 9, VALUE},
    {"{\"title\":.5}", 9, VALUE},
    {"{\"title\":+1}", 9, VALUE},
    {"{\"title\":}", 9, VALUE},
    {"{\"title\": }", 10, VALUE},
    {"{\"title\":\"x\"", 12, COMMA},
    {"{\"title\":\"x\" \"y\":1}", 13, COMMA},
    {"{\"title\":01}", 10, COMMA},
    {"{\"title\":1.}", 10, COMMA},
    {"{\"title\":1e}", 10, COMMA},
    {"{\"title\":1e+}", 10, COMMA},
    {"{\"title\":-01}", 11, COMMA},
    {"{\"title\":0x1}", 10, COMMA},
    {"{\"title\":\"\\x\"}", 10, ESCAPE},
    {"{\"title\":\"\\u12\"}", 11, HEX},
    {"{\"title\":\"\\u12g4\"}", 11, HEX},
    {"\"\\u1234", 2, HEX},
    {"\"\\ud800\\u12\"", 8, HEX},
    {"{\"title\":\"a\tb\"}", 11, CONTROL},
    {"\"\x01\"", 1, CONTROL},
    {"\"a\n", 2, CONTROL},
    {"{} x", 3, EXTRA},
    {"1 2", 2, EXTRA},
    {"1.", 1, EXTRA},
    {"[]]", 2, EXTRA},
    {"nul", 0, VALUE},
    {"-", 0, VALUE},
    {"-x", 0, VALUE},
    {"// x", 0, VALUE},
    {"word", 0, VALUE},
    {"True", 0, VALUE},
    {"NaN", 0, VALUE}, // Python's parser takes these three; RFC 8259 does not
    {"[Infinity]", 1, VALUE},
    {"[-Infinity]", 1, VALUE},
    {" ", 1, VALUE},
    {"\n\t ", 3, VALUE},
    {"[", 1, VALUE},
    {"[1", 2, COMMA},
    {"[1,", 3, VALUE},
    {"[1 2]", 3, COMMA},
    {"[,1]", 1, VALUE},
    {"{\"a\":[1,{\"b\":}]}", 13, VALUE},
    {"\xC3\xA9", 0, VALUE},
    {"{\"\xC3\xA9\xF0\x9F\x98\x80\": x}", 7, VALUE}, // code points, not bytes
    {"\"\xE2\x82\xAC\" x", 4, EXTRA},
    {"\xEF\xBB\xBF{", 1, NAME}, // a byte order mark does not count
};

static void test_every_break_is_told_as_cpython_tells_it(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++)
        expect_break(breaks[i].json, breaks[i].position, breaks[i].error);
}

static void test_whatever_is_json_passes_as_it_is(void **state) {
    (void)state;
    static const char *const texts[] = {
        "1",
        "-0",
        "0.5e-7",
        "1E+2",
        "true",
        "false",
        "\"\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"",
        "[]",
        "{}",
        "[[],{}]",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]}}",
        "\"\xC3\xA9\xF0\x9F\x98\x80\"",
        "[ 1 , 2 ]",
        "{ \"a\" : 1 , \"b\" : 2 }",
        "\"\x7f\"",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char expected[200];
        snprintf(expected, sizeof expected, "ok %s", texts[i]);
        expect_answer(texts[i], READ(json_value, texts[i]), expected);
    }
    expect_answer("blanks around", READ(json_value, " \r\n\t[1] \n"), "ok [1]");
    expect_answer("a byte order mark", READ(json_value, "\xEF\xBB\xBF[1]"), "ok [1]");
}

static void test_bytes_that_are_no_utf8_are_no_text(void **state) {
    (void)state;
    static const char *const texts[] = {
        "\"\xFF\"", "\"\xC3\"",         "\"\xC3(\"", "\"\xED\xA0\x80\"", "\"\xC0\x80\"", "\"\xF5\x80\x80\x80\"",
        "\xFF",     "{\"\xE2\x82\":1}", "{x\xFF",    "[1,]\xC3",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_answer(texts[i], READ(json_value, texts[i]), "400");
}

static const char *nested(int depth, const char *open, const char *inner, const char *close) {
    static char text[100000];
    char *end = text;
    for (int i = 0; i < depth; i++)
        end = stpcpy(end, open);
    end = stpcpy(end, inner);
    for (int i = 0; i < depth; i++)
        end = stpcpy(end, close);
    return text;
}

static void test_64_levels_are_read_and_65_are_not(void **state) {
    (void)state;
    assert_int_equal(strncmp(READ(json_value, nested(64, "[", "", "]")), "ok ", 3), 0);
    assert_int_equal(strncmp(READ(json_value, nested(64, "{\"a\":", "1", "}")), "ok ", 3), 0);
    expect_answer("65 arrays", READ(json_value, nested(65, "[", "", "]")), "400");
    expect_answer("65 objects", READ(json_value, nested(65, "{\"a\":", "1", "}")), "400");
    expect_answer("20000 arrays", READ(json_value, nested(20000, "[", "", "")), "400");
}

static void test_utf16_and_utf32_are_taken_as_python_takes_them(void **state) {
    (void)state;
    static const struct {
        str body;
        const char *answer;
    } cases[] = {
        {S("\xFF\xFE[\0001\0]\0"), "ok [1]"},
        {S("\xFE\xFF\0[\0001\0]"), "ok [1]"},
        {S("[\0001\0]\0"), "ok [1]"},
        {S("\0[\0001\0]"), "ok [1]"},
        {S("1\0"), "ok 1"},
        {S("\0001"), "ok 1"},
        {S("\xFF\xFE\0\0[\0\0\0]\0\0\0"), "ok []"},
        {S("\0\0\xFE\xFF\0\0\0[\0\0\0]"), "ok []"},
        {S("\0\0\0[\0\0\0]"), "ok []"},
        {S("[\0\0\0]\0\0\0"), "ok []"},
        {S("\"\0\xAC\x20=\xD8\0\xDE\"\0"), "ok \"\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {S("\"\0=\xD8\"\0"), "400"},
        {S("[\0]\0x"), "400"},
        {S("\0\0\0[\0\x11\0\0"), "400"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_answer("encoded", subject_read(&json_value__schema, NULL, cases[i].body), cases[i].answer);
}

static void test_a_text_cut_at_any_byte_is_refused_and_read_past_by_none(void **state) {
    (void)state;
    static const char whole[] = "{\"a\":[1,-2.5e3,true,null,\"x\\u00e9\\n\xC3\xA9\"],\"b\":{\"c\":\"\\ud83d\\ude00\"},\"d\":false}";
    for (size_t cut = 0; cut < sizeof whole - 1; cut++) {
        const char *answer = subject_read(&json_value__schema, NULL, (str){whole, cut});
        assert_int_not_equal(strncmp(answer, "ok ", 3), 0);
    }
    assert_int_equal(strncmp(READ(json_value, whole), "ok ", 3), 0);
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_break_is_told_as_cpython_tells_it),
        cmocka_unit_test(test_whatever_is_json_passes_as_it_is),
        cmocka_unit_test(test_bytes_that_are_no_utf8_are_no_text),
        cmocka_unit_test(test_64_levels_are_read_and_65_are_not),
        cmocka_unit_test(test_utf16_and_utf32_are_taken_as_python_takes_them),
        cmocka_unit_test(test_a_text_cut_at_any_byte_is_refused_and_read_past_by_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
