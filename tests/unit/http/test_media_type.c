// test_media_type.c — types by name, and which of them are worth compressing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "http/media_type.h"

static void expect(const char *name, const char *type) {
    str got = media_type_of_name(str_of(name));
    if (!str_eq(got, str_of(type)))
        fail_msg("%s is %.*s", name, (int)got.len, got.ptr);
}

static void test_a_type_is_found_by_what_follows_the_last_dot(void **state) {
    (void)state;
    expect("a.html", "text/html; charset=utf-8");
    expect("dir.d/archive.tar.GZ", "application/gzip");
    expect("7z.7z", "application/x-7z-compressed");
    expect("a.zst", "application/zstd");
    expect("logo.SVG", "image/svg+xml");
    expect("app.mjs", "text/javascript; charset=utf-8");
    expect("f.woff2", "font/woff2");
}

static void test_a_list_of_types_is_taken_apart_and_judged(void **state) {
    static const char *const bad[] = {"", "html", "text/", "/html", "text/html/x", "Text/html", "text/html; charset=utf-8", "text html"};
    str rest = S(" text/html ,image/*,"), type;
    (void)state;
    assert_true(media_type_next(&rest, &type) && str_eq(type, S("text/html")) && media_type_is_one(type));
    assert_true(media_type_next(&rest, &type) && str_eq(type, S("image/*")) && media_type_is_one(type));
    assert_true(media_type_next(&rest, &type) && !type.len && !media_type_next(&rest, &type));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (media_type_is_one(str_of(bad[i])))
            fail_msg("'%s' was taken for a media type", bad[i]);
}

static void test_what_is_not_known_is_bytes(void **state) {
    (void)state;
    expect("", "application/octet-stream");
    expect("README", "application/octet-stream");
    expect("a.", "application/octet-stream");
    expect("a.html ", "application/octet-stream");
    expect("a.averyveryverylongextension", "application/octet-stream");
}

static void test_text_is_worth_compressing_and_what_is_packed_is_not(void **state) {
    (void)state;
    static const char *const yes[] = {
        "text/html; charset=utf-8", "application/json", "Application/JSON ; x=y", "image/svg+xml", "application/problem+json",
        "application/wasm",         "text/csv"};
    static const char *const no[] = {
        "",           "image/png",         "application/zip",   "application/octet-stream",           "video/mp4",
        "font/woff2", "text/event-stream", "application/jsonx", "multipart/byteranges; boundary=json"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(media_type_is_compressible(str_of(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(media_type_is_compressible(str_of(no[i])));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_type_is_found_by_what_follows_the_last_dot),
        cmocka_unit_test(test_a_list_of_types_is_taken_apart_and_judged),
        cmocka_unit_test(test_what_is_not_known_is_bytes),
        cmocka_unit_test(test_text_is_worth_compressing_and_what_is_packed_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
