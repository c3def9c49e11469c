// test_wire.c — messages of the protocol, cut at every byte and broken in every way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "db/wire.h"

// CommandComplete "SELECT 1", ReadyForQuery idle, as Postgres 15 sends them
static const char stream[] = "C\0\0\0\015SELECT 1\0Z\0\0\0\005I";
enum { STREAM_BYTES = sizeof stream - 1 };

static void test_wire_finds_messages_whole(void **state) {
    (void)state;
    struct wire_message message;
    assert_int_equal(wire_next(stream, STREAM_BYTES, &message), 14);
    assert_int_equal(message.type, 'C');
    assert_int_equal(message.bytes, 9);
    assert_string_equal(message.body, "SELECT 1");
    assert_int_equal(wire_next(stream + 14, STREAM_BYTES - 14, &message), 6);
    assert_int_equal(message.type, 'Z');
    assert_int_equal(message.body[0], 'I');
}

static void test_wire_wants_more_wherever_a_message_is_cut(void **state) {
    (void)state;
    for (size_t bytes = 0; bytes < 14; bytes++) {
        struct wire_message message = {.type = '?'};
        assert_int_equal(wire_next(stream, bytes, &message), 0);
        assert_int_equal(message.type, '?');
    }
}

static void test_wire_refuses_what_no_server_sends(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *why;
    } broken[] = {
        {"\0\0\0\0\4", "a type of nothing"},        {"B\0\0\0\4", "a type of the client's"},
        {"H\0\0\0\3", "a length without itself"},   {"C\200\0\0\0", "a negative length"},
        {"D\377\377\377\377", "a negative length"}, {"C\177\0\0\0", "a tag of two gigabytes"},
        {"E\0\20\0\1", "an error of a megabyte"},   {"Q\0\0\0\4", "a query"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct wire_message message;
        if (wire_next(broken[i].bytes, 5, &message) != -EPROTO)
            fail_msg("%s is taken", broken[i].why);
    }
    struct wire_message message;
    assert_int_equal(wire_next("D\0\40\0\0", 5, &message), 0); // a row may be long
    assert_int_equal(wire_next("x", 1, &message), -EPROTO);    // and a type is judged at once
}

static void test_wire_reader_stops_at_the_end(void **state) {
    (void)state;
    struct wire_message message = {'T', "\0\2ab\0cd", 7};
    struct wire_reader reader = wire_read(&message);
    assert_int_equal(wire_read_u16(&reader), 2);
    str text = wire_read_text(&reader);
    assert_int_equal(text.len, 2);
    assert_memory_equal(text.ptr, "ab", 2);
    assert_false(reader.is_short);
    assert_int_equal(wire_read_text(&reader).len, 0); // no NUL
    assert_true(reader.is_short);
    assert_int_equal(wire_read_u32(&reader), 0);
}

static void test_wire_makes_the_messages_of_a_preparation(void **state) {
    (void)state;
    struct buffer out = {0};
    assert_int_equal(wire_put_prepare(&out, "s1", (str){"SELECT 1", 8}), 0);
    static const char expected[] = "P\0\0\0\022s1\0SELECT 1\0\0\0D\0\0\0\010Ss1\0S\0\0\0\4";
    assert_int_equal(buffer_bytes(&out), sizeof expected - 1);
    assert_memory_equal(buffer_head(&out), expected, sizeof expected - 1);
    buffer_consume(&out, buffer_bytes(&out));
    assert_int_equal(wire_put_close(&out, "s1"), 0);
    assert_memory_equal(buffer_head(&out), "C\0\0\0\010Ss1\0S\0\0\0\4", 14);
    buffer_consume(&out, buffer_bytes(&out));
    assert_int_equal(wire_put_query(&out, "BEGIN"), 0);
    assert_int_equal(buffer_bytes(&out), 11);
    assert_memory_equal(buffer_head(&out), "Q\0\0\0\012BEGIN\0", 11);
    buffer_finish(&out);
}

static void test_wire_makes_execute_and_sync(void **state) {
    (void)state;
    char out[WIRE_EXECUTE_BYTES + WIRE_HEAD_BYTES];
    assert_ptr_equal(wire_put_sync(wire_put_execute(out)), out + sizeof out);
    assert_memory_equal(out, "E\0\0\0\011\0\0\0\0\0S\0\0\0\4", sizeof out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_finds_messages_whole),
        cmocka_unit_test(test_wire_wants_more_wherever_a_message_is_cut),
        cmocka_unit_test(test_wire_refuses_what_no_server_sends),
        cmocka_unit_test(test_wire_reader_stops_at_the_end),
        cmocka_unit_test(test_wire_makes_the_messages_of_a_preparation),
        cmocka_unit_test(test_wire_makes_execute_and_sync),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
