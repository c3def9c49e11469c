// header.c — the headers that a handler wants its answer to have: beside the server's own, in their place, or without them.
#include "header.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "http/characters.h"
#include "http/charset.h"
#include "observe.h"
#include "request.h"
#include "said.h"

static bool is_same(str name, str other) {
    return name.len == other.len && strncasecmp(name.ptr, other.ptr, name.len) == 0;
}

static bool is_any_of(str name, const str *others, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (is_same(name, others[i]))
            return true;
    return false;
}

#define IS_ANY_OF(name, others) is_any_of(name, others, sizeof(others) / sizeof *(others))

static bool is_ours(str name) {
    static const str ours[] = {S("Content-Length"), S("Transfer-Encoding"), S("Connection"), S("Date")};
    return IS_ANY_OF(name, ours);
}

bool header_replaces(str name) {
    static const str defaults[] = {
        S("X-Content-Type-Options"),    S("X-Frame-Options"), S("Referrer-Policy"),
        S("Content-Security-Policy"),   S("X-Request-ID"),    S("Access-Control-Allow-Origin"),
        S("Strict-Transport-Security"), S("X-Cache"),         S("Access-Control-Allow-Credentials"),
    };
    return IS_ANY_OF(name, defaults);
}

_Noreturn void refuse_header(req *r, const char *name, const char *why) {
    observe_log(r, LOG_ERROR, "bad_header", "header=%.40s reason=\"%s\"", name, why);
    http_fail(r, 500, "Internal Server Error");
}

_Noreturn void refuse_value(req *r, const char *name, const struct location *origin, const char *why) {
    if (!origin)
        refuse_header(r, name, why);
    observe_log(r, LOG_INFO, "bad_header", "header=%.40s reason=\"%s\" the client said this value", name, why);
    fail_value(r, origin, S("this value cannot be a header's"));
}

// ---- the request's list

static void append(req *r, struct header_line *line) {
    *r->headers_last = line;
    r->headers_last = &line->next;
}

static void take_out(req *r, str name, bool defaults_only) {
    struct header_line **at = &r->headers;
    while (*at) {
        if (is_same((*at)->name, name) && ((*at)->is_default || !defaults_only))
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
    r->headers_last = at;
}

// Sixteen characters at a time: hooks set headers for every request.
static bool is_name(str name) {
    return name.len && charset_run(&charset_token, name.ptr, name.ptr + name.len) == name.len;
}

static bool is_value(str value) {
    size_t plain = charset_run(&charset_text, value.ptr, value.ptr + value.len);
    return plain == value.len || is_one_line((str){value.ptr + plain, value.len - plain});
}

static void check_name(req *r, str name) {
    if (!is_name(name))
        refuse_header(r, "?", "the name is no token");
    if (is_ours(name))
        refuse_header(r, name.ptr, "this header is the server's own");
}

// Line, name and value are one piece of memory; `value.ptr` NULL: a line without one.
static struct header_line *make_line(req *r, str name, str value) {
    struct header_line *line = arena_raw(&r->arena, sizeof *line + name.len + value.len);
    if (!line)
        fail_busy(r, "no memory for a header");
    char *text = (char *)(line + 1), *end = mempcpy(text, name.ptr, name.len);
    if (value.len)
        memcpy(end, value.ptr, value.len);
    *line = (struct header_line){.name = {text, name.len}, .value = {value.ptr ? end : NULL, value.len}, .replaces = header_replaces(name)};
    return line;
}

void set_header(req *r, const char *field, str value) {
    str name = str_of(field);
    check_name(r, name);
    if (!is_value(value))
        refuse_value(r, field, said_line_break(r, value), "the value holds CR, LF or NUL");
    struct header_line *line = make_line(r, name, (str){value.ptr ? value.ptr : "", value.len});
    if (is_same(name, S("Content-Type"))) {
        r->body_type = line->value;
        return;
    }
    take_out(r, name, true);
    append(r, line);
}

void drop_header(req *r, const char *field) {
    str name = str_of(field);
    check_name(r, name);
    if (is_same(name, S("Content-Type")))
        refuse_header(r, field, "a body is of some type; set another");
    take_out(r, name, false);
    append(r, make_line(r, name, (str){0}));
}

static void put_default(req *r, str name, str value) {
    for (const struct header_line *line = r->headers; line; line = line->next)
        if (is_same(line->name, name))
            return;
    struct header_line *line = new (r, struct header_line);
    *line = (struct header_line){.name = name, .value = value, .is_default = true};
    append(r, line);
}

void header_put_default(req *r, const char *name, str value) {
    put_default(r, str_of(name), value);
}

void header_put_default_lines(req *r, const char *lines) {
    while (lines && *lines) {
        size_t bytes = strcspn(lines, "\n");
        const char *colon = memchr(lines, ':', bytes);
        if (colon) {
            const char *value = colon + 1 + strspn(colon + 1, " ");
            put_default(r, (str){lines, (size_t)(colon - lines)}, (str){value, (size_t)(lines + bytes - value)});
        }
        lines += bytes + (lines[bytes] == '\n');
    }
}

str header_find(const struct header_line *lines, const char *name) {
    for (; lines; lines = lines->next)
        if (lines->value.ptr && is_same(lines->name, str_of(name)))
            return lines->value;
    return (str){0};
}

str header_type(const req *r, str type) {
    return r->body_type.ptr ? r->body_type : type;
}

void headers_forget_body(req *r) {
    r->body_type = (str){0};
    if (!r->headers)
        return;
    take_out(r, S("Content-Encoding"), false);
    take_out(r, S("Content-Language"), false);
    take_out(r, S("Content-Disposition"), false);
}

// ---- into a head

void headers_write(const struct header_line *lines, struct answer *answer) {
    for (; lines; lines = lines->next) {
        if (lines->replaces)
            answer_drop_field(answer, lines->name);
        if (lines->value.ptr)
            answer_field(answer, lines->name, lines->value);
    }
}

void header_lines_write(str lines, struct answer *answer) {
    while (lines.len) {
        const char *end = memmem(lines.ptr, lines.len, "\r\n", 2);
        size_t bytes = end ? (size_t)(end - lines.ptr) : lines.len, taken = end ? bytes + 2 : bytes;
        const char *colon = memchr(lines.ptr, ':', bytes);
        str name = {lines.ptr, colon ? (size_t)(colon - lines.ptr) : bytes};
        if (header_replaces(name))
            answer_drop_field(answer, name);
        if (colon)
            answer_raw_fields(answer, (str){lines.ptr, taken});
        lines = (str){lines.ptr + taken, lines.len - taken};
    }
}
