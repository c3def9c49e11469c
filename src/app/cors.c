// cors.c — which origins may read our answers (Fetch standard, section 3.2), as Starlette's middleware answers.
#include "cors.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "http/characters.h"

static str trimmed(str s) {
    static const char blanks[] = " \t\r\n";
    while (s.len && strchr(blanks, s.ptr[0]))
        s = (str){s.ptr + 1, s.len - 1};
    while (s.len && strchr(blanks, s.ptr[s.len - 1]))
        s.len--;
    return s;
}

// Scheme, host and port, and nothing behind them: what a browser sends.
static bool is_origin(str s) {
    const char *colon = s.len > 3 ? memmem(s.ptr, s.len, "://", 3) : NULL;
    if (!colon || colon == s.ptr || colon + 3 == s.ptr + s.len)
        return false;
    for (const char *p = colon + 3; p < s.ptr + s.len; p++)
        if (*p <= ' ' || strchr("/?#@\"\\,", *p))
            return false;
    return true;
}

static int refuse(struct arena *arena, str *ret_message, const char *format, str what) {
    *ret_message = arena_format(arena, format, (int)what.len, what.ptr);
    return -EINVAL;
}

static str unquoted(str item, bool is_list) {
    item = trimmed(item);
    if (is_list && item.len >= 2 && item.ptr[0] == '"' && item.ptr[item.len - 1] == '"')
        return (str){item.ptr + 1, item.len - 2};
    return is_list ? (str){0} : item;
}

int cors_parse(str text, struct arena *arena, struct cors *ret_cors, str *ret_message) {
    struct cors cors = {.is_without_credentials = ret_cors->is_without_credentials};
    text = trimmed(text);
    bool is_list = text.len && text.ptr[0] == '[';
    if (is_list && text.ptr[text.len - 1] != ']')
        return refuse(arena, ret_message, "'%.*s' is no JSON list of strings, [\"http://localhost:3000\"]", text);
    str rest = is_list ? trimmed((str){text.ptr + 1, text.len - 2}) : text;
    str *origins = arena_alloc(arena, (text.len / 2 + 1) * sizeof *origins);
    if (!origins)
        return -ENOMEM;
    while (rest.len) {
        const char *comma = memchr(rest.ptr, ',', rest.len);
        size_t bytes = comma ? (size_t)(comma - rest.ptr) : rest.len;
        str origin = unquoted((str){rest.ptr, bytes}, is_list);
        rest = comma ? (str){comma + 1, rest.len - bytes - 1} : (str){0};
        if (origin.len && origin.ptr[origin.len - 1] == '/')
            origin.len--; // a URL pasted from a browser's address bar
        if (str_eq(origin, S("*")) && !cors.is_without_credentials)
            return refuse(arena, ret_message,
                          "'%.*s': any origin together with credentials is what no browser accepts; name the origins, or set "
                          "CORS_CREDENTIALS=off",
                          origin);
        cors.is_any |= str_eq(origin, S("*"));
        if (!str_eq(origin, S("*")) && !is_origin(origin))
            return refuse(arena, ret_message, "'%.*s' is no origin like http://localhost:3000", origin);
        origins[cors.origin_count++] = origin;
    }
    cors.origins = origins;
    if (cors.is_any && cors.origin_count > 1)
        return refuse(arena, ret_message, "'%.*s': any origin and some others are any origin; leave the others out", text);
    ret_cors->origins = origins;
    ret_cors->origin_count = cors.origin_count;
    ret_cors->is_any = cors.is_any;
    return 0;
}

bool cors_allows(const struct cors *cors, str origin) {
    if (cors->is_any)
        return origin.len;
    for (size_t i = 0; i < cors->origin_count; i++)
        if (str_eq(cors->origins[i], origin))
            return true;
    return false;
}

static str put(char *out, str so_far, str piece) {
    if (so_far.len + piece.len > CORS_BYTES_MAX)
        return so_far;
    memcpy(out + so_far.len, piece.ptr, piece.len);
    return (str){out, so_far.len + piece.len};
}

str cors_lines(const struct cors *cors, str origin, char out[CORS_BYTES_MAX]) {
    str lines = {out, 0};
    if (!cors->origin_count)
        return lines;
    if (cors->is_any)
        return origin.len ? put(out, lines, S("Access-Control-Allow-Origin: *\r\n")) : lines;
    if (origin.len && origin.len < CORS_BYTES_MAX / 2 && cors_allows(cors, origin)) {
        lines = put(out, lines, S("Access-Control-Allow-Origin: "));
        lines = put(out, lines, origin);
        lines = put(out, lines, cors->is_without_credentials ? S("\r\n") : S("\r\nAccess-Control-Allow-Credentials: true\r\n"));
    }
    return put(out, lines, S("Vary: Origin\r\n"));
}

bool cors_is_preflight(const struct http_head *head) {
    return head->method == HTTP_OPTIONS && head->origin.bytes && http_field_value(head, S("Access-Control-Request-Method")).ptr;
}

// ---- preflights

static const char all_methods[] = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
static const char safe_headers[] = "Accept, Accept-Language, Content-Language, Content-Type"; // Fetch standard, section 2.2.2

// The next name of a list between commas, without blanks; false at its end.
static bool next_name(str *rest, str *ret_name) {
    while (rest->len) {
        const char *comma = memchr(rest->ptr, ',', rest->len);
        size_t bytes = comma ? (size_t)(comma - rest->ptr) : rest->len;
        *ret_name = trimmed((str){rest->ptr, bytes});
        *rest = comma ? (str){comma + 1, rest->len - bytes - 1} : (str){0};
        if (ret_name->len)
            return true;
    }
    return false;
}

static bool holds(const char *list, str wanted, bool any_case) {
    str rest = str_of(list), name;
    while (next_name(&rest, &name))
        if (name.len == wanted.len && (any_case ? strncasecmp : strncmp)(name.ptr, wanted.ptr, wanted.len) == 0)
            return true;
    return false;
}

const char *cors_methods_problem(str methods) {
    str name;
    while (next_name(&methods, &name))
        if (!holds(all_methods, name, false))
            return "it holds what is no method: DELETE, GET, HEAD, OPTIONS, PATCH, POST and PUT are, between commas";
    return NULL;
}

const char *cors_headers_problem(str headers) {
    str name;
    while (next_name(&headers, &name))
        for (size_t i = 0; i < name.len; i++)
            if (!is_token_char(name.ptr[i]))
                return "it holds what is no name of a header; write X-Key,X-Tenant";
    return NULL;
}

const char *cors_refusal(const struct cors *cors, const struct http_head *head) {
    if (!cors_allows(cors, http_text(head, head->origin)))
        return "Disallowed CORS origin";
    if (!holds(cors->methods ? cors->methods : all_methods, http_field_value(head, S("Access-Control-Request-Method")), false))
        return "Disallowed CORS method";
    str rest = http_field_value(head, S("Access-Control-Request-Headers")), name;
    while (cors->headers && next_name(&rest, &name))
        if (!holds(safe_headers, name, true) && !holds(cors->headers, name, true))
            return "Disallowed CORS headers";
    return NULL;
}

void cors_preflight_lines(const struct cors *cors, const struct http_head *head, str *ret_methods, str *ret_headers) {
    *ret_methods = str_of(cors->methods ? cors->methods : all_methods);
    *ret_headers = cors->headers ? str_of(cors->headers) : http_field_value(head, S("Access-Control-Request-Headers"));
}
