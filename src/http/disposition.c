// disposition.c — under what name a browser saves what it is sent (RFC 6266).
#include "http/disposition.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "http/characters.h"

// Neither a folder nor the end of a line.
static char harmless(char c) {
    return c == '/' || c == '\\' || (unsigned char)c < 0x20 || c == 0x7f ? '_' : c;
}

// What every client reads alike in a quoted string: ASCII without quotes, and without '%', which some decode.
static bool is_plain(char c) {
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f && c != '"' && c != '%';
}

// RFC 8187, section 3.2.1: attr-char.
static bool is_attr_char(char c) {
    return is_token_char(c) && c != '*' && c != '\'' && c != '%';
}

static char *put_fallback(char *at, str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = harmless(name.ptr[i]);
        bool is_continuation = ((unsigned char)c & 0xc0) == 0x80;
        if (!is_continuation) // one character, one '_'
            *at++ = is_plain(c) ? c : '_';
    }
    return at;
}

static char *put_encoded(char *at, str name) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)harmless(name.ptr[i]);
        if (is_attr_char((char)c)) {
            *at++ = (char)c;
            continue;
        }
        *at++ = '%';
        *at++ = hex[c >> 4];
        *at++ = hex[c & 15];
    }
    return at;
}

str disposition_write(struct arena *arena, str name) {
    char *text = arena_raw(arena, name.len * 4 + 64), *at = text;
    if (!text)
        return (str){0};
    bool is_whole = true;
    for (size_t i = 0; i < name.len; i++)
        is_whole &= is_plain(harmless(name.ptr[i]));
    at = mempcpy(at, "attachment; filename=\"", 22);
    at = put_fallback(at, name);
    *at++ = '"';
    if (!is_whole && utf8_is_valid(name)) {
        at = mempcpy(at, "; filename*=UTF-8''", 19);
        at = put_encoded(at, name);
    }
    return (str){text, (size_t)(at - text)};
}
