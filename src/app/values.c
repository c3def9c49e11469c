// values.c — the author's values and answers: memory, text, headers, bodies, log lines.
#include <errno.h>
#include <string.h>

#include <leat/values.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/uuid.h"
#include "cached.h"
#include "http/characters.h"
#include "observe.h"
#include "reply.h"
#include "request.h"
#include "schema/text.h"

// ---- memory and text

void *alloc(req *r, size_t n) {
    void *memory = arena_alloc(&r->arena, n);
    if (!memory)
        fail_busy(r, "the request needs more memory than it is allowed");
    return memory;
}

str format(req *r, const char *text, ...) {
    va_list args;
    va_start(args, text);
    str made = arena_vformat(&r->arena, text, args);
    va_end(args);
    if (!made.ptr)
        fail_busy(r, "the request needs more memory than it is allowed");
    return made;
}

str str_lower(req *r, str s) {
    str lower = text_lower(&r->arena, s);
    if (!lower.ptr && s.ptr)
        fail_busy(r, "the request needs more memory than it is allowed");
    return lower;
}

bool str_has_upper(str s) {
    return text_has_upper(s);
}

bool str_has_digit(str s) {
    return text_has_digit(s);
}

str uuid_text(req *r, uuid id) {
    char *text = alloc(r, UUID_TEXT_BYTES);
    uuid_format(text, id);
    return (str){text, UUID_TEXT_BYTES};
}

timestamp timestamp_now(void) {
    return (timestamp){clock_wall_us()};
}

const char *leat_version(void) {
    return LEAT_VERSION;
}

// ---- the request

str header_of(req *r, const char *name) {
    if (!r->head)
        return (str){0};
    if (r->endpoint && r->endpoint->cached)
        cached_note_header(r, str_of(name));
    request_keep(r);
    return http_field_value(r->head, str_of(name));
}

str request_body(req *r) {
    if (r->endpoint && r->endpoint->cached)
        cached_note_header(r, S("the body"));
    request_keep(r);
    return r->body;
}

str openapi_document(req *r) {
    return r->generation->snapshot->document;
}

void on_done(req *r, void (*fn)(void *arg, enum outcome), void *arg) {
    struct cleanup *cleanup = new (r, struct cleanup);
    *cleanup = (struct cleanup){.next = r->cleanups, .fn = fn, .arg = arg};
    r->cleanups = cleanup;
}

// ---- the answer

// RFC 9110, section 5.6.2.
static bool is_token(const char *name) {
    const char *end = name;
    while (is_token_char(*end))
        end++;
    return end != name && !*end;
}

static bool is_ours(const char *name) {
    static const char *const ours[] = {"Content-Length", "Transfer-Encoding", "Connection", "Date"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcasecmp(name, ours[i]) == 0)
            return true;
    return false;
}

static bool holds_line_break(str value) {
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] == '\r' || value.ptr[i] == '\n' || value.ptr[i] == '\0')
            return true;
    return false;
}

static _Noreturn void refuse_header(req *r, const char *name, const char *why) {
    observe_log(r, LOG_ERROR, "bad_header", "header=%.40s reason=\"%s\"", name, why);
    r->headers = NULL;
    http_fail(r, 500, "Internal Server Error");
}

void set_header(req *r, const char *name, str value) {
    if (!is_token(name))
        refuse_header(r, "?", "the name is no token");
    if (is_ours(name))
        refuse_header(r, name, "this header is the server's own");
    if (holds_line_break(value))
        refuse_header(r, name, "the value holds CR, LF or NUL");
    struct header_line *line = new (r, struct header_line);
    str name_copy = arena_copy(&r->arena, str_of(name)), value_copy = arena_copy(&r->arena, value);
    if (!name_copy.ptr || !value_copy.ptr)
        fail_busy(r, "no memory for a header");
    *line = (struct header_line){.name = name_copy, .value = value_copy};
    *r->headers_last = line;
    r->headers_last = &line->next;
}

void set_cookie(req *r, const char *name, str value, const char *attributes) {
    if (!is_token(name))
        refuse_header(r, "Set-Cookie", "the cookie's name is no token");
    set_header(r, "Set-Cookie",
               format(r, "%s=%.*s%s%s", name, (int)value.len, value.ptr, attributes ? "; " : "", attributes ? attributes : ""));
}

void set_status(req *r, unsigned status) {
    if (status < 200 || status > 599)
        refuse_header(r, "status", "not between 200 and 599");
    r->status = status;
}

static Response *respond_with(req *r, str type, str body) {
    Response *response = new (r, Response);
    response->type = type;
    response->body = body;
    return response;
}

Response *respond(req *r, const char *type, str body) {
    str type_text = str_of(type);
    if (holds_line_break(type_text))
        refuse_header(r, "Content-Type", "the value holds CR, LF or NUL");
    return respond_with(r, type_text, body);
}

Response *text(req *r, str body) {
    return respond_with(r, S("text/plain; charset=utf-8"), body);
}

Response *html(req *r, str body) {
    return respond_with(r, S("text/html; charset=utf-8"), body);
}

Response *json_text(req *r, str body) {
    return respond_with(r, S("application/json"), body);
}

Response *redirect(req *r, str location) {
    Response *response = new (r, Response);
    if (holds_line_break(location))
        refuse_header(r, "Location", "the value holds CR, LF or NUL");
    *response = (Response){.location = location, .status = 307};
    return response;
}

static const char *entity_of(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#x27;";
    default:
        return NULL;
    }
}

str html_escape(req *r, str s) {
    size_t bytes = 0;
    for (size_t i = 0; i < s.len; i++)
        bytes += entity_of(s.ptr[i]) ? strlen(entity_of(s.ptr[i])) : 1;
    if (bytes == s.len)
        return s;
    char *out = alloc(r, bytes + 1), *end = out; // stpcpy ends with a NUL
    for (size_t i = 0; i < s.len; i++) {
        const char *entity = entity_of(s.ptr[i]);
        if (entity)
            end = stpcpy(end, entity);
        else
            *end++ = s.ptr[i];
    }
    return (str){out, bytes};
}
