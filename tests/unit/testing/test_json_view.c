// test_json_view.c — JSON found by a path, and compared as values.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "testing/json_view.h"

static bool is_same(const char *one, const char *other) {
    json_t *left = json_view((str){one, strlen(one)}), *right = json_view((str){other, strlen(other)});
    assert_true(left && right);
    bool result = json_view_is_same(left, right), turned = json_view_is_same(right, left);
    json_decref(left);
    json_decref(right);
    assert_true(result == turned);
    return result;
}

static void expect_at(const char *text, const char *path, const char *wanted) {
    json_t *root = json_view((str){text, strlen(text)}), *value = json_view_at(root, path);
    char *there = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (wanted)
        assert_string_equal(there, wanted);
    else
        assert_null(there);
    free(there);
    json_decref(value);
    json_decref(root);
}

static void test_json_view_finds_values_by_their_path(void **state) {
    (void)state;
    const char *text = "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"a\"]}],\"n\":{\"length\":7}}";
    expect_at(text, "detail[0].type", "\"missing\"");
    expect_at(text, "detail[0].loc[1]", "\"a\"");
    expect_at(text, "detail.length", "1");
    expect_at(text, "detail[0].loc.length", "2");
    expect_at(text, "n.length", "7");
    expect_at("[[1,2],[3]]", "[1][0]", "3");
    expect_at("5", "", "5");
}

static void test_json_view_finds_nothing_where_nothing_is(void **state) {
    (void)state;
    const char *text = "{\"detail\":[1],\"null\":null}";
    expect_at(text, "detail[1]", NULL);
    expect_at(text, "detail[0].type", NULL);
    expect_at(text, "detail[0", NULL);
    expect_at(text, "other.deeper", NULL);
    expect_at(text, "length", NULL);
    expect_at(text, "null", "null");
    expect_at("no JSON", "", NULL);
}

static void test_json_view_compares_values(void **state) {
    (void)state;
    assert_true(is_same("{\"a\":1,\"b\":[1.5,null]}", "{\"b\":[1.5,null],\"a\":1}"));
    assert_true(is_same("1", "1.0"));
    assert_true(is_same("\"\\u00e9\"", "\"é\""));
    assert_false(is_same("{\"a\":1}", "{\"a\":1,\"b\":2}"));
    assert_false(is_same("[1,2]", "[2,1]"));
    assert_false(is_same("[1]", "[1,1]"));
    assert_false(is_same("1", "\"1\""));
    assert_false(is_same("null", "false"));
    assert_false(is_same("{}", "[]"));
}

static void test_json_view_takes_no_member_twice(void **state) {
    (void)state;
    assert_null(json_view((str){"{\"a\":1,\"a\":1}", 13}));
    assert_null(json_view((str){NULL, 0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_view_finds_values_by_their_path),
        cmocka_unit_test(test_json_view_finds_nothing_where_nothing_is),
        cmocka_unit_test(test_json_view_compares_values),
        cmocka_unit_test(test_json_view_takes_no_member_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
