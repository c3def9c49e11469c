// json_string.c — what a string of JSON stands for.
#include "json_string.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"

static uint32_t hex4(const char *c) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 4 | (uint32_t)(c[i] <= '9' ? c[i] - '0' : (c[i] | 0x20) - 'a' + 10);
    return value;
}

static bool is_high(uint32_t unit) {
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low(uint32_t unit) {
    return unit >= 0xDC00 && unit < 0xE000;
}

// The escape at the head of `rest`, a backslash first; its code point, or 0 for what is refused.
static uint32_t take_escape(str *rest) {
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    char letter = rest->ptr[1];
    size_t bytes = 2;
    uint32_t code_point = (unsigned char)letter;
    const char *found = strchr(letters, letter);
    if (found)
        code_point = (unsigned char)meanings[found - letters];
    if (letter == 'u') {
        code_point = hex4(rest->ptr + 2);
        bytes = 6;
        bool has_second = rest->len >= 12 && rest->ptr[6] == '\\' && rest->ptr[7] == 'u';
        if (is_high(code_point) && has_second && is_low(hex4(rest->ptr + 8))) {
            code_point = 0x10000 + ((code_point - 0xD800) << 10) + (hex4(rest->ptr + 8) - 0xDC00);
            bytes = 12;
        } else if (is_high(code_point) || is_low(code_point)) {
            code_point = 0;
        }
    }
    *rest = (str){rest->ptr + bytes, rest->len - bytes};
    return code_point;
}

static size_t bytes_until_escape(str text) {
    const char *backslash = memchr(text.ptr, '\\', text.len);
    return backslash ? (size_t)(backslash - text.ptr) : text.len;
}

int json_string_decode(const struct json_token *token, struct arena *arena, str *ret_text) {
    str rest = json_token_inner(token);
    if (!token->has_escape) {
        *ret_text = rest;
        return 0;
    }
    char *text = arena_raw(arena, rest.len), *end = text;
    if (!text)
        return -ENOMEM;
    while (rest.len) {
        size_t plain = bytes_until_escape(rest);
        memcpy(end, rest.ptr, plain);
        end += plain;
        rest = (str){rest.ptr + plain, rest.len - plain};
        if (!rest.len)
            break;
        uint32_t code_point = take_escape(&rest);
        if (!code_point)
            return -EILSEQ;
        end += utf8_put(end, code_point);
    }
    *ret_text = (str){text, (size_t)(end - text)};
    return 0;
}

bool json_string_is(const struct json_token *token, str name) {
    str rest = json_token_inner(token);
    while (rest.len) {
        if (*rest.ptr != '\\') {
            if (!name.len || *rest.ptr != *name.ptr)
                return false;
            rest = (str){rest.ptr + 1, rest.len - 1};
            name = (str){name.ptr + 1, name.len - 1};
            continue;
        }
        char bytes[4];
        uint32_t code_point = take_escape(&rest);
        size_t count = code_point ? utf8_put(bytes, code_point) : 0;
        if (!count || name.len < count || memcmp(name.ptr, bytes, count) != 0)
            return false;
        name = (str){name.ptr + count, name.len - count};
    }
    return !name.len;
}

bool json_strings_are_clean(str value) {
    for (;;) {
        size_t plain = bytes_until_escape(value);
        value = (str){value.ptr + plain, value.len - plain};
        if (!value.len)
            return true;
        if (!take_escape(&value))
            return false;
    }
}
