// characters.h — the classes of characters that RFC 9110 and RFC 3986 name.
#ifndef HTTP_CHARACTERS_H
#define HTTP_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <leat/values.h>

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

/** A field's name. */
static inline bool is_token(const char *name) {
    const char *end = name;
    while (is_token_char(*end))
        end++;
    return end != name && !*end;
}

/** No CR, LF or NUL: as a field's value it neither ends the field nor begins another. */
static inline bool is_one_line(str text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\r' || text.ptr[i] == '\n' || text.ptr[i] == '\0')
            return false;
    return true;
}

/** SP or HTAB. */
static inline bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/** `text` without the blanks around it. */
static inline str trim_blanks(str text) {
    while (text.len && is_blank(text.ptr[0]))
        text = (str){text.ptr + 1, text.len - 1};
    while (text.len && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/** What a field value or a quoted string may hold: HTAB, SP, visible ASCII, and obs-text. */
static inline bool is_text(char c) {
    return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7f);
}

/** Eight bytes, letters in lower case and some others mixed up: good for comparing with what has been through it as well. */
static inline uint64_t folded_word(const char *text) {
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word | UINT64_C(0x2020202020202020);
}

/**
 * True when the `bytes` of `text` are `lower` in any case. `lower` is made of lower-case letters, digits and hyphens, and `text` holds no
 * control characters: then setting one bit folds letters and makes nothing else equal. Eight bytes at a time where `bytes` is a constant.
 */
static inline bool is_same_word(const char *text, const char *lower, size_t bytes) {
    if (bytes >= 8) {
        uint64_t difference = folded_word(text + bytes - 8) ^ folded_word(lower + bytes - 8);
        for (size_t i = 0; i + 8 <= bytes; i += 8)
            difference |= folded_word(text + i) ^ folded_word(lower + i);
        return difference == 0;
    }
    unsigned char difference = 0;
    for (size_t i = 0; i < bytes; i++)
        difference |= (unsigned char)((text[i] | 0x20) ^ lower[i]);
    return difference == 0;
}

#endif
