// text.c — what Unicode knows of a character.
#include "text.h"

#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"

static bool is_plain_lower(str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x80 || (c >= 'A' && c <= 'Z'))
            return false;
    }
    return true;
}

// Writes the lower-case form of the code point at the head of `rest`; a byte that is no UTF-8 stays as it is.
static char *put_lower(char *out, str *rest) {
    const char *head = rest->ptr;
    uint32_t code_point = 0;
    utf8_next(rest, &code_point);
    if ((unsigned char)*head >= 0x80 && rest->ptr == head + 1) {
        *out = *head;
        return out + 1;
    }
    return out + utf8_put(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)code_point));
}

enum { LOWER_GROWTH_MAX = 2 }; // U+023A: two bytes whose lower case has three

str text_lower(struct arena *arena, str s) {
    if (is_plain_lower(s))
        return s;
    char *lower = arena_raw(arena, s.len * LOWER_GROWTH_MAX), *end = lower;
    if (!lower)
        return (str){0};
    while (s.len)
        end = put_lower(end, &s);
    return (str){lower, (size_t)(end - lower)};
}

static bool is_upper(uint32_t code_point) {
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code_point);
    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT;
}

static bool is_digit(uint32_t code_point) {
    return utf8proc_category((utf8proc_int32_t)code_point) == UTF8PROC_CATEGORY_ND;
}

static bool has(str s, bool (*is_wanted)(uint32_t)) {
    uint32_t code_point;
    while (utf8_next(&s, &code_point))
        if (is_wanted(code_point))
            return true;
    return false;
}

bool text_has_upper(str s) {
    return has(s, is_upper);
}

bool text_has_digit(str s) {
    return has(s, is_digit);
}
