// url.c — percent-encoding, query strings and urlencoded forms (WHATWG URL, application/x-www-form-urlencoded).
#include "http/url.h"

#include <string.h>

#include "base/utf8.h"
#include "http/characters.h"

static bool is_escape(const char *s, size_t bytes) {
    return bytes > 2 && s[0] == '%' && hex_value(s[1]) >= 0 && hex_value(s[2]) >= 0;
}

static bool is_plain(str s, bool plus) {
    return !s.len || (!memchr(s.ptr, '%', s.len) && !(plus && memchr(s.ptr, '+', s.len)));
}

str url_decode(struct arena *arena, str s, bool plus) {
    if (is_plain(s, plus))
        return s;
    char *out = arena_raw(arena, s.len), *end = out;
    if (!out)
        return (str){0};
    for (size_t i = 0; i < s.len;) {
        if (is_escape(s.ptr + i, s.len - i)) {
            *end++ = (char)(hex_value(s.ptr[i + 1]) << 4 | hex_value(s.ptr[i + 2]));
            i += 3;
        } else {
            *end++ = plus && s.ptr[i] == '+' ? ' ' : s.ptr[i];
            i++;
        }
    }
    return (str){out, (size_t)(end - out)};
}

bool url_path_is_text(str path) {
    return !path.len || (!memchr(path.ptr, '\0', path.len) && utf8_is_valid(path));
}

/** Takes what stands before `separator` off `*rest`, and the separator. */
static str take_until(str *rest, char separator) {
    const char *end = memchr(rest->ptr, separator, rest->len);
    str piece = {rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len};
    size_t taken = piece.len + (end ? 1 : 0);
    *rest = (str){rest->ptr + taken, rest->len - taken};
    return piece;
}

bool url_next_pair(str *rest, str *ret_name, str *ret_value) {
    while (rest->len) {
        str value = take_until(rest, '&');
        if (!value.len)
            continue;
        *ret_name = take_until(&value, '=');
        *ret_value = value;
        return true;
    }
    return false;
}

static str unquoted(str s) {
    bool is_quoted = s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"';
    return is_quoted ? (str){s.ptr + 1, s.len - 2} : s;
}

bool cookie_next_pair(str *rest, str *ret_name, str *ret_value) {
    while (rest->len) {
        str pair = trim_blanks(take_until(rest, ';'));
        if (!pair.len)
            continue;
        bool has_name = memchr(pair.ptr, '=', pair.len) != NULL;
        *ret_name = has_name ? trim_blanks(take_until(&pair, '=')) : (str){pair.ptr, 0};
        *ret_value = unquoted(trim_blanks(pair));
        return true;
    }
    return false;
}
