// test_part_head.c — tests of http/part_head.c: what names may be, and what they are made into.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "http/part_head.h"

static char head[1024];
static struct part_head part;
static const char *problem;

static int read_disposition(const char *parameters) {
    int bytes = snprintf(head, sizeof head, "Content-Disposition: form-data; name=\"f\"; %s\r\n\r\n", parameters);
    part = (struct part_head){0};
    return part_head_read(head, (size_t)bytes, &part, &problem);
}

static void test_file_names_are_read_as_clients_write_them(void **state) {
    (void)state;
    static const struct {
        const char *parameters, *filename;
    } cases[] = {
        {"filename=\"a.txt\"", "a.txt"},
        {"filename=a.txt", "a.txt"},
        {"FILENAME = \"a b;c=d.txt\"", "a b;c=d.txt"},
        {"filename=\"a\\\"b.txt\"", "a\"b.txt"},
        {"filename=\"a%22b.txt\"", "a%22b.txt"},
        {"filename=\"\xc3\xa4.txt\"", "\xc3\xa4.txt"},
        {"filename=\"no.txt\"; filename*=UTF-8''%c3%a4%20b.txt", "\xc3\xa4 b.txt"},
        {"filename*=iso-8859-1'en'%A3%20rates; filename=\"no.txt\"", "\xc2\xa3 rates"},
        // no paths
        {"filename=\"../../etc/passwd\"", "passwd"},
        {"filename=\"/etc/passwd\"", "passwd"},
        {"filename=\"C:\\Documents\\a.txt\"", "a.txt"},
        {"filename=\"\\\\\\\\server\\\\share\\\\a.txt\"", "a.txt"},
        {"filename*=utf-8''..%2f..%2fx", "x"},
        {"filename=\"..\"", ""},
        {"filename=\"a/.\"", ""},
        {"filename=\"a/\"", ""},
        {"filename=\"\"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_disposition(cases[i].parameters), 0);
        assert_true(part.is_file);
        if (!str_eq(part.filename, str_of(cases[i].filename)))
            fail_msg("%s became %.*s", cases[i].parameters, (int)part.filename.len, part.filename.ptr);
        assert_true(str_eq(part.name, S("f")));
    }
}

static void test_a_part_without_a_file_name_is_a_field(void **state) {
    (void)state;
    assert_int_equal(read_disposition("x=\"filename=a\""), 0);
    assert_false(part.is_file);
}

static void test_names_that_no_header_nor_path_may_hold_are_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "filename=\"a\tb\"",
        "filename=\"a\x7f\"",
        "filename=\"a\xff\"",
        "filename=\"\xc0\xaf\"",
        "filename*=utf-8''a%0d%0aSet-Cookie:%20x",
        "filename*=utf-8''a%00b",
        "filename*=utf-8''%ff",
        "filename*=latin-9''a",
        "filename*=utf-8",
        "filename=\"a",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (read_disposition(cases[i]) != -EINVAL)
            fail_msg("%s was let pass", cases[i]);
}

static void test_nul_and_line_breaks_are_no_part_of_a_head(void **state) {
    (void)state;
    static const char *const lines[] = {"Content-Disposition: form-data; name=\"a\0b\"\r\n\r\n", "X: a\rContent-Type: b\r\n\r\n",
                                        "X: a\nContent-Type: b\r\n\r\n", ": a\r\n\r\n", "X Y: a\r\n\r\n"};
    static const size_t bytes[] = {46, 24, 24, 7, 10};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        memcpy(head, lines[i], bytes[i]);
        assert_int_equal(part_head_read(head, bytes[i], &part, &problem), -EINVAL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_names_are_read_as_clients_write_them),
        cmocka_unit_test(test_a_part_without_a_file_name_is_a_field),
        cmocka_unit_test(test_names_that_no_header_nor_path_may_hold_are_refused),
        cmocka_unit_test(test_nul_and_line_breaks_are_no_part_of_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
