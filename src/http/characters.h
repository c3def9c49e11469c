// characters.h — the classes of characters that RFC 9110 and RFC 3986 name.
#ifndef HTTP_CHARACTERS_H
#define HTTP_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>

static inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static inline bool is_letter(char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/** The value of a hex digit, or -1. */
static inline int hex_value(char c) {
    if (is_digit(c))
        return c - '0';
    int letter = (c | 0x20) - 'a';
    return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

/** RFC 9110, section 5.6.2: what methods and field names are made of. */
static inline bool is_token_char(char c) {
    if (is_digit(c) || is_letter(c))
        return true;
    switch (c) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '.':
    case '^':
    case '_':
    case '`':
    case '|':
    case '~':
        return true;
    default:
        return false;
    }
}

/** SP or HTAB. */
static inline bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/** What a field value or a quoted string may hold: HTAB, SP, visible ASCII, and obs-text. */
static inline bool is_text(char c) {
    return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7f);
}

/** True when `text` is `lower`, which is in lower case, in any case of its own; `bytes` long. Neither holds control characters. */
static inline bool is_same_word(const char *text, const char *lower, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i];
        if (c != lower[i])
            return false;
    }
    return true;
}

#endif
