// json_scan.c — the grammar of JSON (RFC 8259): values found in a text, and where a text breaks it.
//
// Depth is bounded, so values recurse: 64 levels of a small frame fit a coroutine's stack. NaN and Infinity, which Python's parser takes,
// are not values here.
#include "json_scan.h"

#include <string.h>

#include "base/utf8.h"
#include "schema/json_room.h"

static bool fail_at(struct json_scan *scan, const char *at, const char *error) {
    scan->error = error;
    scan->error_at = at;
    return false;
}

static bool is_undecodable(struct json_scan *scan) {
    scan->is_undecodable = true;
    return false;
}

void json_scan_init(struct json_scan *scan, str text) {
    if (text.len >= 3 && memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0)
        text = (str){text.ptr + 3, text.len - 3};
    *scan = (struct json_scan){.start = text.ptr, .cursor = text.ptr, .end = text.ptr + text.len};
}

static inline void skip_blanks(struct json_scan *scan) {
    const char *c = scan->cursor, *end = scan->end;
    while (c < end && (*c == ' ' || *c == '\n' || *c == '\r' || *c == '\t'))
        c++;
    scan->cursor = c;
}

void json_scan_skip_blanks(struct json_scan *scan) {
    skip_blanks(scan);
}

static inline bool is_at(const struct json_scan *scan, char c) {
    return scan->cursor < scan->end && *scan->cursor == c;
}

// ---- strings

static bool is_hex4(const char *c) {
    for (int i = 0; i < 4; i++) {
        char lower = c[i] | 0x20;
        if (!((c[i] >= '0' && c[i] <= '9') || (lower >= 'a' && lower <= 'f')))
            return false;
    }
    return true;
}

// The escape at `*c`; moves behind it.
static bool skip_escape(struct json_scan *scan, const char *quote, const char **c) {
    const char *letter = *c + 1;
    if (letter == scan->end)
        return fail_at(scan, quote, "Unterminated string starting at");
    if (*letter != 'u') {
        if (!strchr("\"\\/bfnrt", *letter) || !*letter)
            return fail_at(scan, *c, "Invalid \\escape");
        *c += 2;
        return true;
    }
    if (scan->end - letter <= 5 || !is_hex4(letter + 1)) // CPython wants a byte behind the digits too
        return fail_at(scan, letter, "Invalid \\uXXXX escape");
    *c += 6;
    return true;
}

static bool skip_non_ascii(struct json_scan *scan, const char **c) {
    str rest = {*c, (size_t)(scan->end - *c)};
    while (rest.len && (unsigned char)*rest.ptr >= 0x80) {
        const char *head = rest.ptr;
        uint32_t code_point = 0;
        utf8_next(&rest, &code_point);
        if (rest.ptr == head + 1)
            return is_undecodable(scan);
    }
    *c = rest.ptr;
    return true;
}

static inline const char *plain_end(const char *c, const char *end) {
    for (; end - c >= 8; c += 8) {
        uint64_t word;
        memcpy(&word, c, 8);
        uint64_t special = special_bytes(word);
        if (special)
            return c + __builtin_ctzll(special) / 8;
    }
    while (c < end && !is_special(*c))
        c++;
    return c;
}

static bool scan_string(struct json_scan *scan, struct json_token *ret) {
    const char *quote = scan->cursor, *c = quote + 1;
    bool has_escape = false, has_non_ascii = false;
    for (;;) {
        c = plain_end(c, scan->end);
        if (c == scan->end)
            return fail_at(scan, quote, "Unterminated string starting at");
        if (*c == '"')
            break;
        if (*c == '\\') {
            has_escape = true;
            if (!skip_escape(scan, quote, &c))
                return false;
        } else if ((unsigned char)*c < 0x20) {
            return fail_at(scan, c, "Invalid control character at");
        } else {
            has_non_ascii = true;
            if (!skip_non_ascii(scan, &c))
                return false;
        }
    }
    *ret = (struct json_token){quote, c + 1, JSON_STRING, has_escape, has_non_ascii};
    scan->cursor = c + 1;
    return true;
}

// ---- numbers and words

static inline bool is_digit_at(const char *c, const char *end) {
    return c < end && *c >= '0' && *c <= '9';
}

static inline const char *skip_digits(const char *c, const char *end) {
    while (is_digit_at(c, end))
        c++;
    return c;
}

// The longest number at the cursor: what follows it is for others to judge, as "01" is a 0 and then a missing comma.
static bool scan_number(struct json_scan *scan, struct json_token *ret) {
    const char *start = scan->cursor, *end = scan->end, *c = start + (*start == '-');
    if (!is_digit_at(c, end))
        return fail_at(scan, start, "Expecting value");
    c = *c == '0' ? c + 1 : skip_digits(c, end);
    uint8_t kind = JSON_INTEGER;
    if (c < end && *c == '.' && is_digit_at(c + 1, end)) {
        kind = JSON_REAL;
        c = skip_digits(c + 1, end);
    }
    if (c < end && (*c == 'e' || *c == 'E')) {
        const char *exponent = c + 1;
        exponent += exponent < end && (*exponent == '-' || *exponent == '+');
        if (is_digit_at(exponent, end)) {
            kind = JSON_REAL;
            c = skip_digits(exponent, end);
        }
    }
    *ret = (struct json_token){.start = start, .end = c, .kind = kind};
    scan->cursor = c;
    return true;
}

static bool scan_word(struct json_scan *scan, const char *word, size_t bytes, uint8_t kind, struct json_token *ret) {
    if ((size_t)(scan->end - scan->cursor) < bytes || memcmp(scan->cursor, word, bytes) != 0)
        return fail_at(scan, scan->cursor, "Expecting value");
    *ret = (struct json_token){.start = scan->cursor, .end = scan->cursor + bytes, .kind = kind};
    scan->cursor += bytes;
    return true;
}

// ---- objects and arrays

bool json_scan_enter(struct json_scan *scan, unsigned depth) {
    if (depth >= JSON_DEPTH_MAX)
        return is_undecodable(scan);
    scan->cursor++;
    skip_blanks(scan);
    return true;
}

// Between two elements, or before the first: true where one follows.
static bool next_element(struct json_scan *scan, bool *is_first, char close, const char *trailing_comma) {
    if (is_at(scan, close)) {
        scan->cursor++;
        return false;
    }
    if (*is_first) {
        *is_first = false;
        return true;
    }
    const char *comma = scan->cursor;
    if (!is_at(scan, ','))
        return fail_at(scan, comma, "Expecting ',' delimiter");
    scan->cursor++;
    skip_blanks(scan);
    if (is_at(scan, close))
        return fail_at(scan, comma, trailing_comma);
    return true;
}

bool json_scan_next_item(struct json_scan *scan, bool *is_first) {
    return next_element(scan, is_first, ']', "Illegal trailing comma before end of array");
}

bool json_scan_next_member(struct json_scan *scan, bool *is_first, struct json_token *ret_key) {
    if (!next_element(scan, is_first, '}', "Illegal trailing comma before end of object"))
        return false;
    if (!is_at(scan, '"'))
        return fail_at(scan, scan->cursor, "Expecting property name enclosed in double quotes");
    if (!scan_string(scan, ret_key))
        return false;
    skip_blanks(scan);
    if (!is_at(scan, ':'))
        return fail_at(scan, scan->cursor, "Expecting ':' delimiter");
    scan->cursor++;
    skip_blanks(scan);
    return true;
}

static bool scan_container(struct json_scan *scan, unsigned depth, bool is_object, struct json_token *ret) {
    const char *start = scan->cursor;
    bool is_first = true;
    struct json_token inner;
    if (!json_scan_enter(scan, depth))
        return false;
    while (is_object ? json_scan_next_member(scan, &is_first, &inner) : json_scan_next_item(scan, &is_first))
        if (!json_scan_value(scan, depth + 1, &inner))
            return false;
    if (json_scan_has_failed(scan))
        return false;
    *ret = (struct json_token){.start = start, .end = scan->cursor, .kind = is_object ? JSON_OBJECT : JSON_ARRAY};
    return true;
}

static bool scan_bare_value(struct json_scan *scan, unsigned depth, struct json_token *ret) {
    if (scan->cursor == scan->end)
        return fail_at(scan, scan->cursor, "Expecting value");
    switch (*scan->cursor) {
    case '"':
        return scan_string(scan, ret);
    case '{':
        return scan_container(scan, depth, true, ret);
    case '[':
        return scan_container(scan, depth, false, ret);
    case 'n':
        return scan_word(scan, "null", 4, JSON_NULL, ret);
    case 't':
        return scan_word(scan, "true", 4, JSON_TRUE, ret);
    case 'f':
        return scan_word(scan, "false", 5, JSON_FALSE, ret);
    default:
        return scan_number(scan, ret);
    }
}

bool json_scan_value(struct json_scan *scan, unsigned depth, struct json_token *ret_token) {
    skip_blanks(scan);
    if (!scan_bare_value(scan, depth, ret_token))
        return false;
    skip_blanks(scan);
    return true;
}

bool json_scan_end(struct json_scan *scan) {
    return scan->cursor == scan->end || fail_at(scan, scan->cursor, "Extra data");
}
