// expect.c — what a test expects of an answer or of the database, and what it says when that is not so.
#include <string.h>

#include "testing/conformance.h"
#include "testing/json_view.h"
#include "testing/test_app.h"

enum { BODY_SHOWN_BYTES_MAX = 2000 };

// ---- said: the request, what is wrong, the answer; then the test ends at the author's line

static void show(const answer *x) {
    int bytes = (int)(x->body.len < BODY_SHOWN_BYTES_MAX ? x->body.len : BODY_SHOWN_BYTES_MAX);
    print_error("%s %s (%s:%u) answered %d: %.*s\n", x->method, x->path, x->file, x->line, x->status, bytes,
                x->body.ptr ? x->body.ptr : "");
}

static char *shown(const answer *x, json_t *value) {
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    const char *copy = text_of(x->from, "%s", text ? text : "nothing");
    free(text);
    return (char *)copy;
}

#define refuse(x_, file_, line_, ...)                                                                                                      \
    do {                                                                                                                                   \
        print_error(__VA_ARGS__);                                                                                                          \
        show(x_);                                                                                                                          \
        _fail((file_), (line_));                                                                                                           \
    } while (0)

// ---- an answer

void leat_expect_status(const answer *x, int status, const char *file, int line) {
    if (x->status != status)
        refuse(x, file, line, "the status is %d, not %d\n", x->status, status);
}

void leat_expect_header(const answer *x, const char *name, const char *value, const char *file, int line) {
    str there = header_at(x, name);
    bool is_right = value ? there.ptr && str_eq(there, (str){value, strlen(value)}) : !there.ptr;
    if (!is_right)
        refuse(x, file, line, "the header %s is '%.*s', not '%s'\n", name, (int)there.len, there.ptr ? there.ptr : "",
               value ? value : "(absent)");
}

// The value at the path, as text in the test's memory; NULL where there is none.
static const char *find(const answer *x, const char *path, json_t *expected, bool *ret_is_same) {
    json_t *root = json_view(x->body), *value = json_view_at(root, path);
    const char *text = value ? shown(x, value) : NULL;
    *ret_is_same = value && expected ? json_view_is_same(value, expected) : !value && !expected;
    json_decref(value);
    json_decref(root);
    return text;
}

void leat_expect_json(const answer *x, const char *path, const char *json, const char *file, int line) {
    json_t *expected = json ? json_view((str){json, strlen(json)}) : NULL;
    if (json && !expected)
        refuse(x, file, line, "this is no JSON: %s\n", json);
    bool is_same;
    const char *there = find(x, path, expected, &is_same);
    json_decref(expected);
    if (!is_same)
        refuse(x, file, line, "%s is %s, not %s\n", *path ? path : "the body", there ? there : "absent", json ? json : "absent");
}

const char *leat_text_at(const answer *x, const char *path, const char *file, int line) {
    json_t *root = json_view(x->body), *value = json_view_at(root, path);
    const char *text = json_is_string(value) ? text_of(x->from, "%s", json_string_value(value)) : NULL;
    json_decref(value);
    json_decref(root);
    if (!text)
        refuse(x, file, line, "%s is no string\n", path);
    return text;
}

i64 leat_number_at(const answer *x, const char *path, const char *file, int line) {
    json_t *root = json_view(x->body), *value = json_view_at(root, path);
    bool is_integer = json_is_integer(value);
    i64 number = json_integer_value(value);
    json_decref(value);
    json_decref(root);
    if (!is_integer)
        refuse(x, file, line, "%s is no integer\n", path);
    return number;
}

void leat_expect_documented(app *a, const answer *x, const char *file, int line) {
    struct document document;
    if (document_open(&document, a) < 0)
        refuse(x, file, line, "there is no document\n");
    json_t *operation = document_operation(&document, x->method, x->path);
    const char *why = operation ? document_judge(&document, operation, x) : "the document has no such operation";
    document_close(&document);
    if (why)
        refuse(x, file, line, "%s\n", why);
}

// ---- the database

const char *leat_sql(app *a, const char *file, int line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str query = arena_vformat(&a->test_arena, format, args), value = {0};
    va_end(args);
    const char *why = query.ptr ? test_app_sql(a, query.ptr, &value) : "no memory";
    if (why) {
        print_error("%s: %.*s\n", why, (int)query.len, query.ptr);
        _fail(file, line);
    }
    return value.ptr ? text_of(a, "%.*s", (int)value.len, value.ptr) : NULL;
}

void leat_expect_sql(app *a, const char *query, const char *json, const char *file, int line) {
    const char *rows = leat_sql(a, file, line, "SELECT coalesce(json_agg(t), '[]') FROM (%s) t", query);
    json_t *there = json_view((str){rows, strlen(rows)}), *expected = json_view((str){json, strlen(json)});
    bool is_same = there && expected && json_view_is_same(there, expected);
    json_decref(there);
    json_decref(expected);
    if (is_same)
        return;
    print_error("%s\nanswers %s\nnot     %s\n", query, rows, json);
    _fail(file, line);
}

void leat_expect_queries(app *a, unsigned count, const char *file, int line) {
    if (a->last_query_count <= count)
        return;
    print_error("the last request sent %llu statements, more than %u\n", (unsigned long long)a->last_query_count, count);
    _fail(file, line);
}
