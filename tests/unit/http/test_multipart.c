// test_multipart.c — tests of http/multipart.c: whole, cut at every byte, byte by byte, and everything that is no form.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "guarded.h"
#include "http/multipart.h"

enum { TEXT_BYTES = 16384 };

static struct guarded guarded;
static char head[8192];

/** "[name|filename|type]content;" for each part; then "end", or "?problem". */
struct told {
    char text[TEXT_BYTES];
    size_t bytes;
};

static void tell(struct told *told, const char *ptr, size_t bytes) {
    assert_true(told->bytes + bytes < TEXT_BYTES);
    memcpy(told->text + told->bytes, ptr, bytes);
    told->bytes += bytes;
    told->text[told->bytes] = '\0';
}

static void tell_str(struct told *told, str s, const char *otherwise) {
    tell(told, s.ptr ? s.ptr : otherwise, s.ptr ? s.len : strlen(otherwise));
}

static void tell_part(struct told *told, const struct part_head *part) {
    tell(told, "[", 1);
    tell_str(told, part->name, "");
    tell(told, "|", 1);
    tell_str(told, part->is_file ? part->filename : (str){0}, "-");
    tell(told, "|", 1);
    tell_str(told, part->content_type, "-");
    tell(told, "]", 1);
}

/** True while there is nothing wrong. */
static bool feed(struct multipart *multipart, struct told *told, const char *data, size_t bytes) {
    str rest = {guarded_copy(&guarded, data, bytes), bytes}, content;
    int event;
    while ((event = multipart_next(multipart, &rest, &content)) > 0) {
        if (event == MULTIPART_PART)
            tell_part(told, &multipart->part);
        else if (event == MULTIPART_DATA)
            tell(told, content.ptr, content.len);
        else
            tell(told, ";", 1);
    }
    if (event == -EINVAL) {
        tell(told, "?", 1);
        tell(told, multipart->problem, strlen(multipart->problem));
    } else {
        assert_int_equal(event, -EAGAIN);
        assert_int_equal(rest.len, 0);
    }
    return event != -EINVAL;
}

static void finish(struct multipart *multipart, struct told *told) {
    int status = multipart_end(multipart);
    tell(told, status ? "?" : "", status ? 1 : 0);
    tell(told, status ? multipart->problem : "end", strlen(status ? multipart->problem : "end"));
}

#define TYPE S("multipart/form-data; boundary=xyz")
static const struct form_limits *limits = &http_limits_default.form;

static void read_cut(struct told *told, str body, size_t cut, bool is_bytewise) {
    struct multipart multipart;
    told->bytes = 0;
    assert_int_equal(multipart_begin(&multipart, TYPE, limits, head), 0);
    size_t at = 0;
    bool goes_on = true;
    while (goes_on && at < body.len) {
        size_t bytes = is_bytewise ? 1 : at < cut ? cut - at : body.len - at;
        goes_on = feed(&multipart, told, body.ptr + at, bytes);
        at += bytes;
    }
    if (goes_on)
        finish(&multipart, told);
}

#define FIELD "Content-Disposition: form-data; name=\"a\"\r\n"
#define BROKEN "?" BROKEN_FORM
#define NO_BOUNDARY BROKEN "the boundary that its Content-Type names does not come"
#define NO_END BROKEN "it ends before its last boundary"
#define NOT_ALONE BROKEN "a boundary must stand alone in its line"
static const struct {
    const char *body, *told;
} cases[] = {
    {"--xyz--", "end"},
    {"--xyz--\r\n", "end"},
    {"--xyz\r\n" FIELD "\r\n\r\n--xyz--\r\n", "[a|-|-];end"},
    {"--xyz\r\n" FIELD "\r\nvalue\r\n--xyz--\r\n", "[a|-|-]value;end"},
    {"\r\n--xyz\r\n" FIELD "\r\nvalue\r\n--xyz--\r\n", "[a|-|-]value;end"},
    {"a preamble\r\nof two lines\r\n--xyz\r\n" FIELD "\r\nvalue\r\n--xyz--\r\nand an epilogue", "[a|-|-]value;end"},
    {"--xyz \t \r\n" FIELD "\r\nvalue\r\n--xyz--", "[a|-|-]value;end"},
    {"--xyz\r\n" FIELD "\r\none\r\n--xyz\r\n" FIELD "\r\ntwo\r\n--xyz--", "[a|-|-]one;[a|-|-]two;end"},
    // what only looks like a delimiter
    {"--xyz\r\n" FIELD "\r\n\r\n--xy\r\n--xyz--", "[a|-|-]\r\n--xy;end"},
    {"--xyz\r\n" FIELD "\r\n\r\r\n\r\r\n-\r\n--\n--xyz\r\n--xyz--", "[a|-|-]\r\r\n\r\r\n-\r\n--\n--xyz;end"},
    {"--xyz\r\n" FIELD "\r\n--xyz--\r\n--xyz--", "[a|-|-]--xyz--;end"},
    {"--xyz\r\n" FIELD "\r\n\r\n\r\n\r\n--xyz--", "[a|-|-]\r\n\r\n;end"},
    // names
    {"--xyz\r\ncontent-disposition:form-data;name=a;filename=f.txt\r\nCONTENT-TYPE:  text/plain; charset=x \r\n\r\nv\r\n--xyz--",
     "[a|f.txt|text/plain; charset=x]v;end"},
    {"--xyz\r\nContent-Disposition: form-data; name=\"a\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--xyz--",
     "[a||application/octet-stream];end"},
    {"--xyz\r\n" FIELD "Content-Transfer-Encoding: base64\r\nX-Other: 1\r\n\r\nYQ==\r\n--xyz--", "[a|-|-]YQ==;end"},
    // no form
    {"", NO_BOUNDARY},
    {"{\"a\": 1}", NO_BOUNDARY},
    {"--xy", NO_BOUNDARY},
    {"--xyz\r\n" FIELD "\r\nvalue", NO_END},
    {"--xyz\n" FIELD "\r\nvalue\r\n--xyz--", NOT_ALONE},
    {"--xyzz\r\n" FIELD "\r\nvalue\r\n--xyz--", NOT_ALONE},
    {"--xyz-\r\n", NOT_ALONE},
    {"--xyz\r\rX", NOT_ALONE},
    {"--xyz\r\n" FIELD "no colon\r\n\r\nvalue\r\n--xyz--", BROKEN "a part's header is not 'Name: value'"},
    {"--xyz\r\n" FIELD " folded\r\n\r\nvalue\r\n--xyz--", BROKEN "a part's header is not 'Name: value'"},
    {"--xyz\r\n" FIELD FIELD "\r\nvalue\r\n--xyz--", BROKEN "a part has two Content-Disposition headers"},
    {"--xyz\r\n\r\nvalue\r\n--xyz--", "?The Content-Disposition header field \"name\" must be provided."},
    {"--xyz\r\nContent-Disposition: form-data\r\n\r\nv\r\n--xyz--", "?The Content-Disposition header field \"name\" must be provided."},
    {"--xyz\r\nContent-Disposition: form-data; name=\"a\r\n\r\nvalue\r\n--xyz--",
     BROKEN "a quoted text in Content-Disposition does not end"},
};

/** What was told before the problem may differ by what had come: it is the parts' content. */
static void expect_told(const struct told *told, const char *expected, str body, size_t cut) {
    const char *text = told->text;
    if (expected[0] == '?')
        text = strchr(text, '?');
    if (!text || strcmp(text, expected) != 0)
        fail_msg("cut at %zu, %.*s\nwas told as %s\ninstead of %s", cut, (int)body.len, body.ptr, told->text, expected);
}

static void test_bodies_are_told_alike_cut_at_every_byte(void **state) {
    (void)state;
    static struct told told;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        str body = str_of(cases[i].body);
        for (size_t cut = 0; cut <= body.len; cut++) {
            read_cut(&told, body, cut, false);
            expect_told(&told, cases[i].told, body, cut);
        }
        read_cut(&told, body, 0, true);
        expect_told(&told, cases[i].told, body, 0);
    }
}

static void test_content_in_one_piece_is_one_piece(void **state) {
    (void)state;
    static const char text[] = "--xyz\r\n" FIELD "\r\nx\rx\nx\r\nx\r\n-x\r\n--x\r\n--xy\r\n--xyz--";
    struct multipart multipart;
    str rest = {text, sizeof text - 1}, data = {0};
    assert_int_equal(multipart_begin(&multipart, TYPE, limits, head), 0);
    assert_int_equal(multipart_next(&multipart, &rest, &data), MULTIPART_PART);
    assert_int_equal(multipart_next(&multipart, &rest, &data), MULTIPART_DATA);
    assert_int_equal(multipart_next(&multipart, &rest, &data), MULTIPART_PART_END);
    assert_int_equal(multipart_next(&multipart, &rest, &data), -EAGAIN);
}

static void test_a_boundary_is_what_rfc_2046_allows(void **state) {
    (void)state;
    static const struct {
        const char *type;
        bool is_right;
    } types[] = {
        {"multipart/form-data; boundary=xyz", true},
        {"Multipart/Form-Data; charset=\"a;boundary=no\"; Boundary=\"x y\"", true},
        {"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789", true},
        {"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789x", false},
        {"multipart/form-data", false},
        {"multipart/form-data; boundary=", false},
        {"multipart/form-data; boundary=\"\"", false},
        {"multipart/form-data; boundary=\"x", false},
        {"multipart/form-data; boundary=\"x \"", false},
        {"multipart/form-data; boundary=\"x\ty\"", false},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct multipart multipart;
        assert_true(multipart_is_type(str_of(types[i].type)));
        assert_int_equal(multipart_begin(&multipart, str_of(types[i].type), limits, head), types[i].is_right ? 0 : -EINVAL);
        if (!types[i].is_right)
            assert_string_equal(multipart.problem, "Missing boundary in multipart.");
    }
    assert_false(multipart_is_type(S("multipart/form-datax; boundary=x")));
    assert_false(multipart_is_type(S("multipart/mixed; boundary=x")));
}

// ---- limits

static void expect_limit(const struct form_limits *own, const char *body, const char *expected) {
    static struct told told;
    limits = own;
    read_cut(&told, str_of(body), 0, true);
    limits = &http_limits_default.form;
    const char *problem = strchr(told.text, '?');
    assert_string_equal(problem ? problem : told.text, expected);
}

static void test_parts_names_and_heads_have_their_limits(void **state) {
    (void)state;
    static const char two_fields[] = "--xyz\r\n" FIELD "\r\n1\r\n--xyz\r\n" FIELD "\r\n2\r\n--xyz--";
    static const char one_file[] = "--xyz\r\nContent-Disposition: form-data; name=a; filename=longer\r\n\r\n1\r\n--xyz--";
    struct form_limits own = http_limits_default.form;
    own.field_count_max = 1;
    expect_limit(&own, two_fields, "?Too many fields. Maximum number of fields is 1.");
    own.field_count_max = 2;
    expect_limit(&own, two_fields, "[a|-|-]1;[a|-|-]2;end");
    own.file_count_max = 0;
    expect_limit(&own, one_file, "?Too many files. Maximum number of files is 0.");
    own.file_count_max = 1;
    own.name_bytes_max = 5;
    expect_limit(&own, one_file, "?Name too long. Maximum length of a name is 5 bytes.");
    own.name_bytes_max = 6;
    expect_limit(&own, one_file, "[a|longer|-]1;end");
    own.part_head_bytes_max = 40;
    expect_limit(&own, one_file, "?Part headers too large");
}

static void test_neither_preamble_nor_epilogue_are_read_for_ever(void **state) {
    (void)state;
    static struct told told;
    static char body[2 * MULTIPART_PADDING_BYTES_MAX];
    memset(body, 'x', sizeof body);
    read_cut(&told, (str){body, sizeof body}, 0, false);
    assert_string_equal(told.text, BROKEN "its boundary does not come in the first 8192 bytes");
    memcpy(body, "--xyz--", 7);
    read_cut(&told, (str){body, 7 + MULTIPART_PADDING_BYTES_MAX}, 100, false);
    assert_non_null(strstr(told.text, "end"));
    read_cut(&told, (str){body, 8 + MULTIPART_PADDING_BYTES_MAX}, 100, false);
    assert_string_equal(told.text, BROKEN "more than 8192 bytes stand around its parts");
}

static int set_up(void **state) {
    (void)state;
    guarded = guarded_create(2 * MULTIPART_PADDING_BYTES_MAX);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    guarded_destroy(&guarded);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies_are_told_alike_cut_at_every_byte),
        cmocka_unit_test(test_content_in_one_piece_is_one_piece),
        cmocka_unit_test(test_a_boundary_is_what_rfc_2046_allows),
        cmocka_unit_test(test_parts_names_and_heads_have_their_limits),
        cmocka_unit_test(test_neither_preamble_nor_epilogue_are_read_for_ever),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
