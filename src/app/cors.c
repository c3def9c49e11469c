// cors.c — which origins may read our answers (Fetch standard, section 3.2), as Starlette's middleware answers.
#include "cors.h"

#include <errno.h>
#include <string.h>

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
    struct cors cors = {0};
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
        if (str_eq(origin, S("*")))
            return refuse(arena, ret_message, "'%.*s': any origin together with credentials is what no browser accepts; name the origins",
                          origin);
        if (!is_origin(origin))
            return refuse(arena, ret_message, "'%.*s' is no origin like http://localhost:3000", origin);
        origins[cors.origin_count++] = origin;
    }
    cors.origins = origins;
    *ret_cors = cors;
    return 0;
}

bool cors_allows(const struct cors *cors, str origin) {
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
    if (origin.len && origin.len < CORS_BYTES_MAX / 2 && cors_allows(cors, origin)) {
        lines = put(out, lines, S("Access-Control-Allow-Origin: "));
        lines = put(out, lines, origin);
        lines = put(out, lines, S("\r\nAccess-Control-Allow-Credentials: true\r\n"));
    }
    return put(out, lines, S("Vary: Origin\r\n"));
}

bool cors_is_preflight(const struct http_head *head) {
    return head->method == HTTP_OPTIONS && head->origin.bytes && http_field_value(head, S("Access-Control-Request-Method")).ptr;
}
