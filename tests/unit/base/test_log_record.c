// test_log_record.c — a record read out, as JSON and as text.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/log_record.h"
#include "base/utf8.h"

static char out[LOG_RENDERED_BYTES_MAX + 1];

static const char *render(struct log_record head, const str parts[LOG_PARTS], enum log_format format) {
    head.bytes = log_record_measure(parts, head.part_bytes);
    struct log_record *record = malloc(head.bytes);
    *record = head;
    log_record_fill(record, parts);
    out[log_record_render(record, format, out)] = '\0';
    free(record);
    return out;
}

static const char *json_of(const char *text) {
    str parts[LOG_PARTS] = {[LOG_EVENT] = S("x"), [LOG_TEXT] = {text, strlen(text)}};
    return strstr(render((struct log_record){.level = LOG_INFO}, parts, LOG_JSON), "\"event\":\"x\"") + strlen("\"event\":\"x\"");
}

static void test_the_time_is_rfc_3339_in_utc(void **state) {
    (void)state;
    static const struct {
        int64_t wall_us;
        const char *text;
    } times[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782400000000, "2000-02-29T00:00:00.000Z"},
        {1709251199999999, "2024-02-29T23:59:59.999Z"},
        {1763632363043073, "2025-11-20T09:52:43.043Z"},
        {4102444800000000, "2100-01-01T00:00:00.000Z"},
        {-5, "1970-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        str parts[LOG_PARTS] = {[LOG_EVENT] = S("x")};
        render((struct log_record){.level = LOG_INFO, .wall_us = times[i].wall_us}, parts, LOG_PLAIN);
        assert_memory_equal(out, times[i].text, 24);
    }
}

static void test_pairs_become_members_and_words_the_message(void **state) {
    (void)state;
    assert_string_equal(json_of("core=3 name=ada"), ",\"core\":3,\"name\":\"ada\"}\n");
    assert_string_equal(json_of("error=\"no \\\"way\\\"\" routes without it are served"),
                        ",\"error\":\"no \\\"way\\\"\",\"message\":\"routes without it are served\"}\n");
    assert_string_equal(json_of("users.c:83: error: column 'id'"), ",\"message\":\"users.c:83: error: column 'id'\"}\n");
    assert_string_equal(json_of(""), "}\n");
}

static void test_only_bare_digits_are_numbers(void **state) {
    (void)state;
    assert_string_equal(
        json_of("a=-7 b=0 c=\"23505\" d=007 e=1.5 f=1234567890123456 g= h=-"),
        ",\"a\":-7,\"b\":0,\"c\":\"23505\",\"d\":\"007\",\"e\":\"1.5\",\"f\":\"1234567890123456\",\"g\":\"\",\"h\":\"-\"}\n");
}

static void test_a_text_cannot_speak_for_the_line(void **state) {
    (void)state;
    assert_string_equal(json_of("level=error request_id=forged time=never"),
                        ",\"level_\":\"error\",\"request_id_\":\"forged\",\"time_\":\"never\"}\n");
}

static void test_what_is_no_utf8_and_controls_are_made_harmless(void **state) {
    (void)state;
    assert_string_equal(json_of("a=\xff\x01\x7f\\b"), ",\"a\":\"\xef\xbf\xbd\\u0001\\u007f\\\\b\"}\n");
    assert_string_equal(json_of("open=\"never closed \\"), ",\"open\":\"never closed \\\\\"}\n");
}

static const struct log_record answer = {
    .kind = LOG_KIND_REQUEST, .level = LOG_INFO, .status = 200, .query_count = 2, .duration_us = 812, .bytes_in = 77, .bytes_out = 301};
static const str answer_parts[LOG_PARTS] = {
    [LOG_EVENT] = S("request"),     [LOG_PLUGIN] = S("users"), [LOG_ROUTE] = S("/v1/users/{id}"),
    [LOG_REQUEST_ID] = S("a\"b=c"), [LOG_METHOD] = S("GET"),   [LOG_TEXT] = S("/v1/users/7"),
};

static void test_a_request_is_a_line_of_figures(void **state) {
    (void)state;
    assert_non_null(
        strstr(render(answer, answer_parts, LOG_JSON),
               "\"level\":\"info\",\"event\":\"request\",\"plugin\":\"users\",\"route\":\"/v1/users/{id}\",\"request_id\":\"a\\\"b=c\","
               "\"method\":\"GET\",\"path\":\"/v1/users/7\",\"status\":200,\"us\":812,\"bytes_in\":77,\"bytes_out\":301,"
               "\"queries\":2}\n"));
    assert_non_null(strstr(render(answer, answer_parts, LOG_PLAIN),
                           "Z info request method=GET path=/v1/users/7 status=200 us=812 bytes_in=77 bytes_out=301 queries=2 plugin=users "
                           "route=/v1/users/{id} request_id=\"a\\\"b=c\"\n"));
}

static void test_colours_are_only_where_they_are_asked_for(void **state) {
    (void)state;
    assert_null(strchr(render(answer, answer_parts, LOG_PLAIN), '\x1b'));
    assert_non_null(strstr(render(answer, answer_parts, LOG_COLOURED), "\x1b[32minfo\x1b[0m"));
}

// Every length of a text that grows sixfold when it is escaped: the line ends as JSON does.
static void test_a_line_that_is_cut_is_json_all_the_same(void **state) {
    (void)state;
    char text[LOG_TEXT_BYTES_MAX];
    memset(text, 1, sizeof text);
    memcpy(text, "a=\"", 3);
    for (size_t i = 40; i + 8 < sizeof text; i += 97)
        memcpy(text + i, "\" bb=\"", 6);
    for (size_t bytes = 1200; bytes <= sizeof text; bytes++) {
        str parts[LOG_PARTS] = {[LOG_EVENT] = S("x"), [LOG_REQUEST_ID] = {text + 1000, 200}, [LOG_TEXT] = {text, bytes}};
        render((struct log_record){.level = LOG_ERROR}, parts, LOG_JSON);
        size_t length = strlen(out);
        assert_true(length <= LOG_RENDERED_BYTES_MAX);
        assert_string_equal(out + length - 3, "\"}\n");
        size_t quotes = 0;
        for (size_t i = 0; i < length; i++)
            quotes += out[i] == '"' && out[i - 1] != '\\';
        assert_int_equal(quotes % 2, 0);
    }
}

static void test_parts_that_are_too_long_are_cut(void **state) {
    (void)state;
    static char text[70000];
    memset(text, 'x', sizeof text);
    str parts[LOG_PARTS];
    for (size_t i = 0; i < LOG_PARTS; i++)
        parts[i] = (str){text, sizeof text};
    uint16_t bytes[LOG_PARTS];
    assert_true(log_record_measure(parts, bytes) <= LOG_RECORD_BYTES_MAX);
    assert_int_equal(bytes[LOG_TEXT], LOG_TEXT_BYTES_MAX);
    assert_true(strlen(render((struct log_record){.level = LOG_DEBUG}, parts, LOG_JSON)) < LOG_RENDERED_BYTES_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_time_is_rfc_3339_in_utc),
        cmocka_unit_test(test_pairs_become_members_and_words_the_message),
        cmocka_unit_test(test_only_bare_digits_are_numbers),
        cmocka_unit_test(test_a_text_cannot_speak_for_the_line),
        cmocka_unit_test(test_what_is_no_utf8_and_controls_are_made_harmless),
        cmocka_unit_test(test_a_request_is_a_line_of_figures),
        cmocka_unit_test(test_colours_are_only_where_they_are_asked_for),
        cmocka_unit_test(test_a_line_that_is_cut_is_json_all_the_same),
        cmocka_unit_test(test_parts_that_are_too_long_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
