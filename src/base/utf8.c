// utf8.c — UTF-8 (RFC 3629): checked, counted and taken apart.
#include "base/utf8.h"

#include <string.h>

// The length that a lead byte announces, and the smallest code point that may use it.
static size_t sequence_bytes(uint8_t lead, uint32_t *ret_least) {
    if (lead < 0x80)
        return *ret_least = 0, 1;
    if (lead >= 0xC2 && lead < 0xE0)
        return *ret_least = 0x80, 2;
    if (lead >= 0xE0 && lead < 0xF0)
        return *ret_least = 0x800, 3;
    if (lead >= 0xF0 && lead < 0xF5)
        return *ret_least = 0x10000, 4;
    return 0;
}

// One well-formed code point at the head of `s`: its bytes, or 0.
static size_t decode(str s, uint32_t *ret_code_point) {
    const uint8_t *p = (const uint8_t *)s.ptr;
    uint32_t least = 0;
    size_t bytes = sequence_bytes(p[0], &least);
    if (!bytes || bytes > s.len)
        return 0;
    uint32_t code_point = bytes == 1 ? p[0] : p[0] & (0xFFu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        code_point = code_point << 6 | (p[i] & 0x3F);
    }
    if (code_point < least || code_point > 0x10FFFF || (code_point >= 0xD800 && code_point < 0xE000))
        return 0;
    *ret_code_point = code_point;
    return bytes;
}

static size_t ascii_bytes(str s) {
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= s.len; i += sizeof word) {
        memcpy(&word, s.ptr + i, sizeof word);
        if (word & 0x8080808080808080u)
            break;
    }
    while (i < s.len && (uint8_t)s.ptr[i] < 0x80)
        i++;
    return i;
}

bool utf8_is_valid(str s) {
    for (;;) {
        size_t ascii = ascii_bytes(s);
        s = (str){s.ptr + ascii, s.len - ascii};
        if (!s.len)
            return true;
        uint32_t code_point;
        size_t bytes = decode(s, &code_point);
        if (!bytes)
            return false;
        s = (str){s.ptr + bytes, s.len - bytes};
    }
}

size_t utf8_count(str s) {
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((uint8_t)s.ptr[i] & 0xC0) != 0x80;
    return count;
}

bool utf8_next(str *rest, uint32_t *ret_code_point) {
    if (!rest->len)
        return false;
    size_t bytes = decode(*rest, ret_code_point);
    if (!bytes) {
        *ret_code_point = 0xFFFD;
        bytes = 1;
    }
    *rest = (str){rest->ptr + bytes, rest->len - bytes};
    return true;
}

size_t utf8_put(char *out, uint32_t code_point) {
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (char)(0xC0 | code_point >> 6);
        out[1] = (char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (char)(0xE0 | code_point >> 12);
        out[1] = (char)(0x80 | (code_point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code_point >> 18);
    out[1] = (char)(0x80 | (code_point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code_point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code_point & 0x3F));
    return 4;
}
