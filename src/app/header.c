// header.c — the headers that a handler wants its answer to have: beside the server's own, in their place, or without them.
#include "header.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "http/characters.h"
#include "observe.h"
#include "request.h"

static bool is_same(str name, str other) {
    return name.len == other.len && strncasecmp(name.ptr, other.ptr, name.len) == 0;
}

static bool is_any_of(str name, const char *const *others, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (is_same(name, str_of(others[i])))
            return true;
    return false;
}

#define IS_ANY_OF(name, others) is_any_of(name, others, sizeof(others) / sizeof *(others))

static bool is_ours(str name) {
    static const char *const ours[] = {"Content-Length", "Transfer-Encoding", "Connection", "Date"};
    return IS_ANY_OF(name, ours);
}

bool header_replaces(str name) {
    static const char *const defaults[] = {
        "X-Content-Type-Options",      "X-Frame-Options",           "Referrer-Policy", "Content-Security-Policy",          "X-Request-ID",
        "Access-Control-Allow-Origin", "Strict-Transport-Security", "X-Cache",         "Access-Control-Allow-Credentials",
    };
    return IS_ANY_OF(name, defaults);
}

_Noreturn void refuse_header(req *r, const char *name, const char *why) {
    observe_log(r, LOG_ERROR, "bad_header", "header=%.40s reason=\"%s\"", name, why);
    r->headers = NULL;
    r->headers_last = &r->headers;
    http_fail(r, 500, "Internal Server Error");
}

// ---- the request's list

static void append(req *r, const struct header_line *line) {
    struct header_line *own = new (r, struct header_line);
    *own = *line;
    *r->headers_last = own;
    r->headers_last = &own->next;
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

static void check_name(req *r, const char *name) {
    if (!is_token(name))
        refuse_header(r, "?", "the name is no token");
    if (is_ours(str_of(name)))
        refuse_header(r, name, "this header is the server's own");
}

static str copy(req *r, str text) {
    str own = arena_copy(&r->arena, text);
    if (!own.ptr)
        fail_busy(r, "no memory for a header");
    return own;
}

void set_header(req *r, const char *name, str value) {
    check_name(r, name);
    if (!is_one_line(value))
        refuse_header(r, name, "the value holds CR, LF or NUL");
    str own = copy(r, value);
    if (is_same(str_of(name), S("Content-Type"))) {
        r->body_type = own;
        return;
    }
    take_out(r, str_of(name), true);
    append(r, &(struct header_line){.name = copy(r, str_of(name)), .value = own, .replaces = header_replaces(str_of(name))});
}

void drop_header(req *r, const char *name) {
    check_name(r, name);
    if (is_same(str_of(name), S("Content-Type")))
        refuse_header(r, name, "a body is of some type; set another");
    take_out(r, str_of(name), false);
    append(r, &(struct header_line){.name = copy(r, str_of(name)), .replaces = header_replaces(str_of(name))});
}

void header_put_default(req *r, const char *name, str value) {
    for (const struct header_line *line = r->headers; line; line = line->next)
        if (is_same(line->name, str_of(name)))
            return;
    append(r, &(struct header_line){.name = str_of(name), .value = value, .is_default = true});
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
