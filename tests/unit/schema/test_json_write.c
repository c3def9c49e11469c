// test_json_write.c — JSON out: by the straight-line serializers, by table, and with too little room.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <leat/leat.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "schema/json_write.h"

ENUM(Colour, red, green, blue);
SCHEMA(Point, (f64, x), (f64, y));
SCHEMA(Everything, (str, s), (i32, small), (i64, big), (f64, real), (bool, yes), (uuid, id), (timestamp, at), (json_value, any),
       (Colour, colour), (Point, point), (str_list, words), (Point_list, points));
SCHEMA(Renamed, (str, first_name, .alias = "firstName"), (str, password, .write_only = true), (Point, at));
SCHEMA(Outer, (Renamed_list, items), (i64, n));
PAGE_OF(Point);

static char memory[1 << 16];

static const char *written(leat_json *writer) {
    assert_false(writer->out_of_memory);
    str text = json_written(writer);
    assert_true(text.len < sizeof memory);
    memory[text.len] = 0;
    return memory;
}

static const char *json_of(const leat_schema *schema, const void *value) {
    leat_json writer;
    json_write_to(&writer, memory, sizeof memory - 1);
    json_write(&writer, schema, value);
    return written(&writer);
}
#define JSON_OF(T, ...) json_of(&T##__schema, &(T)__VA_ARGS__)

static void test_an_object_of_every_kind_is_written_in_the_order_of_its_fields(void **state) {
    (void)state;
    str words[] = {S("a"), S("b")};
    Point points[] = {{1, 2}, {3.5, -4}};
    Everything e = {.s = S("x"),
                    .small = -7,
                    .big = INT64_MIN,
                    .real = 0.1,
                    .yes = true,
                    .at = {1763627563012073},
                    .any = {S("{\"a\": [1]}")},
                    .colour = Colour_green,
                    .point = {1, 2},
                    .words = {words, 2},
                    .points = {points, 2}};
    memcpy(e.id.b, "\x12\x34\x56\x78\x12\x34\x56\x78\x12\x34\x56\x78\x12\x34\x56\x78", 16);

    assert_string_equal(json_of(&Everything__schema, &e),
                        "{\"s\":\"x\",\"small\":-7,\"big\":-9223372036854775808,\"real\":0.1,\"yes\":true,"
                        "\"id\":\"12345678-1234-5678-1234-567812345678\",\"at\":\"2025-11-20T08:32:43.012073Z\",\"any\":{\"a\": [1]},"
                        "\"colour\":\"green\",\"point\":{\"x\":1.0,\"y\":2.0},\"words\":[\"a\",\"b\"],"
                        "\"points\":[{\"x\":1.0,\"y\":2.0},{\"x\":3.5,\"y\":-4.0}]}");
}

static void test_a_null_bit_writes_null(void **state) {
    (void)state;
    Point p = {1, 2};
    p.null.y = 1;
    assert_string_equal(json_of(&Point__schema, &p), "{\"x\":1.0,\"y\":null}");
}

static void test_what_is_no_value_is_null(void **state) {
    (void)state;
    assert_string_equal(JSON_OF(str, {0}), "null");
    assert_string_equal(JSON_OF(f64, {NAN}), "null");
    assert_string_equal(JSON_OF(f64, {-INFINITY}), "null");
    assert_string_equal(JSON_OF(Colour, {0}), "null");
    assert_string_equal(JSON_OF(Colour, {4}), "null");
    assert_string_equal(JSON_OF(json_value, {0}), "null");
}

static void test_an_alias_and_write_only_take_the_way_by_table(void **state) {
    (void)state;
    Renamed items[] = {{.first_name = S("Ada"), .password = S("x")}, {.first_name = S("Bob")}};
    Outer outer = {.items = {items, 2}, .n = 2};
    outer.items.items[1].null.first_name = 1;

    assert_false(json_is_straight(&Outer__schema));
    assert_true(json_is_straight(&Everything__schema));
    assert_string_equal(json_of(&Outer__schema, &outer), "{\"items\":[{\"firstName\":\"Ada\",\"at\":{\"x\":0.0,\"y\":0.0}},"
                                                         "{\"firstName\":null,\"at\":{\"x\":0.0,\"y\":0.0}}],\"n\":2}");
}

static void test_lists_and_pages_are_written(void **state) {
    (void)state;
    Point points[] = {{1, 2}};
    assert_string_equal(JSON_OF(Point_list, {points, 1}), "[{\"x\":1.0,\"y\":2.0}]");
    assert_string_equal(JSON_OF(Point_list, {0}), "[]");
    assert_string_equal(JSON_OF(Point_page, {.data = {points, 1}, .pagination = {1, 20, 1, 1}}),
                        "{\"data\":[{\"x\":1.0,\"y\":2.0}],\"pagination\":{\"page\":1,\"limit\":20,\"total\":1,\"pages\":1}}");
    _Bool bits[] = {true, false};
    assert_string_equal(JSON_OF(_Bool_list, {bits, 2}), "[true,false]");
}

static void test_strings_are_escaped_as_python_does(void **state) {
    (void)state;
    static const struct {
        str text;
        const char *json;
    } cases[] = {
        {S(""), "\"\""},
        {S("plain text of more than sixteen bytes"), "\"plain text of more than sixteen bytes\""},
        {S("a\"b\\c/d"), "\"a\\\"b\\\\c/d\""},
        {S("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
        {S("\0\x1f\x7f"), "\"\\u0000\\u001f\x7f\""},
        {S("1234567\"1234567\\12345678\n"), "\"1234567\\\"1234567\\\\12345678\\n\""},
        {S("h\xC3\xA9llo \xF0\x9F\x98\x80"), "\"h\xC3\xA9llo \xF0\x9F\x98\x80\""},
        {S("\xFF\xC3(\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(json_of(&str__schema, &cases[i].text), cases[i].json);
}

static void test_every_special_byte_is_found_at_every_offset(void **state) {
    (void)state;
    for (int special = 0; special < 256; special++)
        for (size_t at = 0; at < 20; at++) {
            char text[20];
            memset(text, 'x', sizeof text);
            text[at] = (char)special;
            const char *json = json_of(&str__schema, &(str){text, sizeof text});
            bool is_plain = special >= 0x20 && special < 0x80 && special != '"' && special != '\\';
            assert_int_equal(strlen(json) == 22, is_plain);
        }
}

static void test_integers_are_written_exactly(void **state) {
    (void)state;
    for (int shift = 0; shift < 63; shift++)
        for (int64_t near = -2; near <= 2; near++) {
            int64_t value = (INT64_C(1) << shift) + near, negative = -value;
            assert_int_equal(strtoll(json_of(&i64__schema, &value), NULL, 10), value);
            assert_int_equal(strtoll(json_of(&i64__schema, &negative), NULL, 10), negative);
        }
    assert_string_equal(JSON_OF(i64, {INT64_MAX}), "9223372036854775807");
    assert_string_equal(JSON_OF(i32, {INT32_MIN}), "-2147483648");
    assert_string_equal(JSON_OF(i64, {0}), "0");
}

static void test_pieces_put_the_commas_themselves(void **state) {
    (void)state;
    leat_json writer;
    json_write_to(&writer, memory, sizeof memory - 1);
    leat_put_open(&writer);
    leat_put_key(&writer, "\"a\":", 4);
    json_write_string(&writer, S("x"));
    leat_put_key(&writer, "\"b\":", 4);
    timestamp__put(&writer, &(timestamp){0});
    leat_put_key(&writer, "\"c\":", 4);
    leat_put_open(&writer);
    leat_put_close(&writer);
    leat_put_key(&writer, "\"d\":", 4);
    json_write_raw(&writer, S("[1"));
    json_write_raw(&writer, S("2]"));
    leat_put_close(&writer);
    assert_string_equal(written(&writer), "{\"a\":\"x\",\"b\":\"1970-01-01T00:00:00Z\",\"c\":{},\"d\":[1,2]}");
}

static void test_a_writer_without_room_swallows_the_rest_and_says_so(void **state) {
    (void)state;
    Everything e = {.s = S("h\"llo"), .colour = Colour_red};
    size_t whole = strlen(json_of(&Everything__schema, &e));
    for (size_t room = 0; room <= whole + 64; room++) {
        char *exact = malloc(room + 1); // the sanitizer guards what is behind it
        exact[room] = '!';
        leat_json writer;
        json_write_to(&writer, exact, room);
        json_write(&writer, &Everything__schema, &e);
        assert_int_equal(exact[room], '!');
        assert_true(writer.out_of_memory || json_written(&writer).len == whole);
        assert_true(room < whole ? writer.out_of_memory : room < whole + 64 || !writer.out_of_memory);
        free(exact);
    }
}

static void test_a_writer_in_an_arena_grows_until_the_allowance_is_used(void **state) {
    (void)state;
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 4);
    arena_init(&arena, &pool, 1 << 20);
    Point points[500] = {0};
    leat_json writer;
    json_write_to_arena(&writer, &arena);
    json_write(&writer, &Point_list__schema, &(Point_list){points, 500});
    assert_false(writer.out_of_memory);
    assert_int_equal(json_written(&writer).len, 500 * strlen("{\"x\":0.0,\"y\":0.0},") + 1);
    arena_reset(&arena);

    arena_init(&arena, &pool, 10000);
    json_write_to_arena(&writer, &arena);
    json_write(&writer, &Point_list__schema, &(Point_list){points, 500});
    assert_true(writer.out_of_memory);
    arena_reset(&arena);
    arena_pool_finish(&pool);
}

static void test_labels_are_told(void **state) {
    (void)state;
    str label = LABEL(Colour, Colour_blue);
    assert_int_equal(label.len, 4);
    assert_memory_equal(label.ptr, "blue", 4);
    assert_null(leat_label(&Colour__schema, 0).ptr);
    assert_null(leat_label(&Colour__schema, 4).ptr);
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_object_of_every_kind_is_written_in_the_order_of_its_fields),
        cmocka_unit_test(test_a_null_bit_writes_null),
        cmocka_unit_test(test_what_is_no_value_is_null),
        cmocka_unit_test(test_an_alias_and_write_only_take_the_way_by_table),
        cmocka_unit_test(test_lists_and_pages_are_written),
        cmocka_unit_test(test_strings_are_escaped_as_python_does),
        cmocka_unit_test(test_every_special_byte_is_found_at_every_offset),
        cmocka_unit_test(test_integers_are_written_exactly),
        cmocka_unit_test(test_pieces_put_the_commas_themselves),
        cmocka_unit_test(test_a_writer_without_room_swallows_the_rest_and_says_so),
        cmocka_unit_test(test_a_writer_in_an_arena_grows_until_the_allowance_is_used),
        cmocka_unit_test(test_labels_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
