// test_form.c — tests of http/form.c.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "base/str.h"
#include "http/form.h"

enum { FORM_FIELDS_MAX = 1000 };

static struct form form;
static const struct form_limits *const limits = &http_limits_default.form;

static int read_form(const char *type, const char *body) {
    return form_read(&form, str_of(type), str_of(body), limits, &arena);
}

static void expect_field(size_t index, const char *name, const char *value) {
    assert_true(index < form.count);
    assert_true(str_eq(form.fields[index].name, str_of(name)));
    assert_true(str_eq(form.fields[index].value, str_of(value)));
}

#define MULTIPART "multipart/form-data; boundary=xyz"

static void test_form_decodes_urlencoded_fields_in_their_order(void **state) {
    (void)state;
    assert_int_equal(read_form("application/x-www-form-urlencoded; charset=utf-8", "username=a%40b.org&password=p+w%26&username=c&empty="),
                     0);
    assert_int_equal(form.count, 4);
    expect_field(0, "username", "a@b.org");
    expect_field(1, "password", "p w&");
    expect_field(2, "username", "c");
    expect_field(3, "empty", "");
}

static void test_form_has_no_fields_for_other_types(void **state) {
    (void)state;
    assert_int_equal(read_form("application/json", "{\"username\":\"a\"}"), 0);
    assert_int_equal(form.count, 0);
    assert_int_equal(read_form("", "username=a"), 0);
    assert_int_equal(form.count, 0);
    assert_int_equal(read_form("application/x-www-form-urlencodedx", "username=a"), 0);
    assert_int_equal(form.count, 0);
}

static void test_form_reads_parts_with_quoted_and_bare_names(void **state) {
    (void)state;
    assert_int_equal(
        read_form("Multipart/Form-Data; charset=x; boundary=\"xyz\"",
                  "--xyz\r\nContent-Disposition: form-data; name=\"user\\\"name\"\r\n\r\na\r\nb--xyz\r\n--xyz\r\n"
                  "content-disposition: form-data; name=password; filename=\"f.txt\"\r\nContent-Type: text/plain\r\n\r\n\r\n--xyz--\r\n"),
        0);
    assert_int_equal(form.count, 2);
    expect_field(0, "user\"name", "a\r\nb--xyz");
    expect_field(1, "password", "");
    assert_true(str_eq(form.fields[1].filename, S("f.txt")));
    assert_true(str_eq(form.fields[1].part_type, S("text/plain")));
    assert_null(form.fields[0].filename.ptr);
}

static void test_form_refuses_a_multipart_without_a_boundary(void **state) {
    (void)state;
    static const char *const types[] = {
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789x"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        assert_int_equal(read_form(types[i], "--xyz--\r\n"), -EINVAL);
        assert_string_equal(form.problem, "Missing boundary in multipart.");
    }
}

static void test_form_refuses_a_multipart_cut_anywhere(void **state) {
    (void)state;
    static const char whole[] = "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n--xyz--\r\n";
    size_t end = strstr(whole, "--xyz--") + strlen("--xyz--") - whole;
    for (size_t cut = 0; cut < end; cut++)
        assert_int_equal(form_read(&form, S(MULTIPART), (str){whole, cut}, limits, &arena), -EINVAL);
    assert_int_equal(form_read(&form, S(MULTIPART), (str){whole, end}, limits, &arena), 0);
}

static void test_form_refuses_a_part_without_a_name(void **state) {
    (void)state;
    assert_int_equal(read_form(MULTIPART, "--xyz\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--xyz--\r\n"), -EINVAL);
    assert_int_equal(read_form(MULTIPART, "--xyz\r\nX-Other: 1\r\n\r\nvalue\r\n--xyz--\r\n"), -EINVAL);
}

static void test_form_bounds_the_number_of_fields(void **state) {
    (void)state;
    static char body[FORM_FIELDS_MAX * 2 + 4];
    for (size_t i = 0; i < FORM_FIELDS_MAX + 1; i++)
        memcpy(body + i * 2, "a&", 2);
    assert_int_equal(form_read(&form, S("application/x-www-form-urlencoded"), (str){body, FORM_FIELDS_MAX * 2}, limits, &arena), 0);
    assert_int_equal(form.count, FORM_FIELDS_MAX);
    assert_int_equal(form_read(&form, S("application/x-www-form-urlencoded"), (str){body, FORM_FIELDS_MAX * 2 + 2}, limits, &arena),
                     -EINVAL);
}

static void test_form_says_when_memory_is_out(void **state) {
    (void)state;
    struct arena small;
    arena_init(&small, &pool, 0);
    assert_int_equal(form_read(&form, S("application/x-www-form-urlencoded"), S("a=b%20c"), limits, &small), -ENOMEM);
    assert_int_equal(form_read(&form, S(MULTIPART), S("--xyz--"), limits, &small), -ENOMEM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_form_decodes_urlencoded_fields_in_their_order, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_form_has_no_fields_for_other_types, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_form_reads_parts_with_quoted_and_bare_names, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_form_refuses_a_multipart_without_a_boundary, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_form_refuses_a_multipart_cut_anywhere, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_form_refuses_a_part_without_a_name, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_form_bounds_the_number_of_fields, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_form_says_when_memory_is_out, arena_set_up, arena_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
