// test_log.c — tests of base/log.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/log_record.h"

static char written[4096];
static int saved_stderr, pipe_ends[2];

static int set_up(void **state) {
    (void)state;
    saved_stderr = dup(STDERR_FILENO);
    return pipe2(pipe_ends, O_NONBLOCK) || dup2(pipe_ends[1], STDERR_FILENO) < 0;
}

static int tear_down(void **state) {
    (void)state;
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    log_set_level(LOG_INFO);
    return 0;
}

static const char *read_log(void) {
    ssize_t bytes = read(pipe_ends[0], written, sizeof written - 1);
    written[bytes < 0 ? 0 : bytes] = '\0';
    return written;
}

static void test_log_writes_one_line_with_time_level_and_event(void **state) {
    (void)state;
    log_line(LOG_WARNING, "busy", "route=%s", "get_user");
    const char *line = read_log();
    assert_non_null(strstr(line, "Z warning busy route=get_user\n"));
    assert_int_equal(line[10], 'T');
}

static void test_log_drops_what_is_below_its_level(void **state) {
    (void)state;
    log_line(LOG_DEBUG, "detail", NULL);
    assert_string_equal(read_log(), "");
    log_set_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "detail", NULL);
    assert_non_null(strstr(read_log(), "debug detail"));
}

static void test_log_cannot_be_given_a_second_line(void **state) {
    (void)state;
    log_line(LOG_INFO, "name", "name=%s", "a\nerror forged\r\x1b[31m");
    const char *line = read_log();
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    assert_null(strchr(line, '\x1b'));
}

static void test_log_cuts_a_line_that_is_too_long(void **state) {
    (void)state;
    char text[4000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    log_line(LOG_INFO, "long", "%s", text);
    const char *line = read_log();
    assert_int_equal(strspn(strchr(line, 'x'), "x"), LOG_TEXT_BYTES_MAX);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

static void test_log_knows_a_level_for_each_plugin(void **state) {
    (void)state;
    assert_true(log_set_plugin_level("users", LOG_DEBUG));
    assert_int_equal(log_level_of("users"), LOG_DEBUG);
    assert_int_equal(log_level_of("posts"), LOG_INFO);
    assert_int_equal(log_level_of(NULL), LOG_INFO);
    assert_true(log_set_plugin_level("users", LOG_ERROR));
    assert_int_equal(log_level_of("users"), LOG_ERROR);
    assert_false(log_set_plugin_level("a-name-that-is-longer-than-any-plugin-is-allowed-to-have-here-64", LOG_DEBUG));
}

static void test_log_drops_a_line_below_its_plugins_level(void **state) {
    (void)state;
    struct log_context context = {.least = LOG_WARNING, .plugin = "users", .route = "/users/{id}", .request_id = S("abc")};
    log_line_of(&context, LOG_INFO, "quiet", NULL);
    assert_string_equal(read_log(), "");
    log_line_of(&context, LOG_WARNING, "loud", "n=%d", 1);
    assert_non_null(strstr(read_log(), "Z warning loud plugin=users route=/users/{id} request_id=abc n=1\n"));
}

static void test_words_are_told_as_they_are(void **state) {
    (void)state;
    log_words(LOG_INFO, "refused", S("x.so: error: a=b \"c\"\n  and more\n"));
    log_say(LOG_INFO, "database", "psql %s", "here");
    assert_string_equal(read_log(), "x.so: error: a=b \"c\"\n  and more\npsql here\n");
}

static void test_words_are_an_event_a_line_where_json_alone_is_wanted(void **state) {
    (void)state;
    log_set_format(LOG_JSON);
    log_set_only_json(true);
    log_set_level(LOG_ERROR);
    log_words(LOG_INFO, "refused", S("x.so: error: a=b \"c\"\n\nx.c:1: warning: w\nlast"));
    char out[LOG_RENDERED_BYTES_MAX];
    str rendered = log_words_render(LOG_ERROR, "crash", S("one\ntwo\n"), out);
    log_set_only_json(false);
    log_set_format(LOG_PLAIN);

    const char *line = read_log();
    assert_non_null(strstr(line, "Z\",\"level\":\"error\",\"event\":\"refused\",\"message\":\"x.so: error: a=b \\\"c\\\"\"}\n{\"time\""));
    assert_non_null(strstr(line, "\"level\":\"warning\",\"event\":\"refused\",\"message\":\"x.c:1: warning: w\"}\n{\"time\""));
    assert_non_null(strstr(line, "\"level\":\"info\",\"event\":\"refused\",\"message\":\"last\"}\n"));
    assert_non_null(memmem(rendered.ptr, rendered.len, "\"message\":\"one\\u000atwo\"}\n", 25));
}

static void test_log_value_quotes_and_bounds(void **state) {
    (void)state;
    char out[LOG_VALUE_BYTES], text[1000];
    assert_string_equal(log_value(out, S("a \"b\" \\ \n")), "\"a \\\"b\\\" \\\\ ?\"");
    memset(text, '"', sizeof text);
    assert_true(strlen(log_value(out, (str){text, sizeof text})) < LOG_VALUE_BYTES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_log_writes_one_line_with_time_level_and_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_log_drops_what_is_below_its_level, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_log_cannot_be_given_a_second_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_log_cuts_a_line_that_is_too_long, set_up, tear_down),
        cmocka_unit_test(test_log_knows_a_level_for_each_plugin),
        cmocka_unit_test_setup_teardown(test_log_drops_a_line_below_its_plugins_level, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_words_are_told_as_they_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_words_are_an_event_a_line_where_json_alone_is_wanted, set_up, tear_down),
        cmocka_unit_test(test_log_value_quotes_and_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
