// test_opening.c — status line, Date and fixed fields, made anew for another status and another second.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/opening.h"

static struct http_opening opening;

static void expect(unsigned status, int64_t wall_us, const char *text) {
    http_opening_update(&opening, status, wall_us, (str){0});
    assert_int_equal(opening.bytes, strlen(text));
    assert_memory_equal(opening.text, text, opening.bytes);
}

static void test_an_opening_tells_the_status_and_the_second(void **state) {
    (void)state;
    opening = (struct http_opening){0};
    expect(200, 0, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    expect(404, 0, "HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    expect(404, 999999, "HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    expect(404, 1000000, "HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:00:01 GMT\r\n");
    expect(200, 1500000, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:01 GMT\r\n");
    expect(200, 500000, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"); // a clock that was set back
}

static void test_an_opening_is_made_once_a_second(void **state) {
    (void)state;
    opening = (struct http_opening){0};
    http_opening_update(&opening, 200, 5000000, (str){0});
    opening.text[0] = '!';
    http_opening_update(&opening, 200, 5999999, (str){0});
    assert_int_equal(opening.text[0], '!');
    http_opening_update(&opening, 200, 6000000, (str){0});
    assert_int_equal(opening.text[0], 'H');
}

static void test_every_status_has_room(void **state) {
    (void)state;
    opening = (struct http_opening){0};
    for (unsigned status = 100; status < 600; status++) {
        http_opening_update(&opening, status, 0, (str){0});
        assert_true(opening.bytes <= HTTP_OPENING_BYTES_MAX - HTTP_FIXED_FIELDS_BYTES_MAX);
        assert_memory_equal(opening.text + opening.bytes - 6, " GMT\r\n", 6);
    }
}

static void test_fixed_fields_end_an_opening_whole_also_where_they_are_long(void **state) {
    (void)state;
    char fields[HTTP_FIXED_FIELDS_BYTES_MAX], room[HTTP_OPENING_BYTES_MAX], whole[HTTP_OPENING_BYTES_MAX];
    memset(fields, 'x', sizeof fields);
    for (size_t bytes = 0; bytes <= sizeof fields; bytes++) {
        opening = (struct http_opening){0};
        http_opening_update(&opening, 200, 0, (str){0});
        size_t begins_at = opening.bytes;
        opening = (struct http_opening){0};
        http_opening_update(&opening, 200, 0, (str){fields, bytes});
        memcpy(whole, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n", begins_at);
        memcpy(whole + begins_at, fields, bytes);
        char *end = http_opening_put(&opening, room);
        assert_int_equal(end - room, begins_at + bytes);
        assert_memory_equal(room, whole, begins_at + bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_opening_tells_the_status_and_the_second),
        cmocka_unit_test(test_an_opening_is_made_once_a_second),
        cmocka_unit_test(test_every_status_has_room),
        cmocka_unit_test(test_fixed_fields_end_an_opening_whole_also_where_they_are_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
