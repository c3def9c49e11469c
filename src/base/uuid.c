// uuid.c — UUIDs (RFC 9562) between bytes and text.
#include "base/uuid.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

bool uuid_eq(uuid a, uuid b) {
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool has_hyphen_at(size_t i) {
    return i == 8 || i == 13 || i == 18 || i == 23;
}

bool uuid_parse(str text, uuid *ret) {
    if (text.len != UUID_TEXT_BYTES)
        return false;
    uuid id = {0};
    size_t nibble = 0;
    for (size_t i = 0; i < UUID_TEXT_BYTES; i++) {
        if (has_hyphen_at(i)) {
            if (text.ptr[i] != '-')
                return false;
            continue;
        }
        int value = hex_value(text.ptr[i]);
        if (value < 0)
            return false;
        id.b[nibble / 2] = (uint8_t)(id.b[nibble / 2] << 4 | value);
        nibble++;
    }
    *ret = id;
    return true;
}

void uuid_format(char *out, uuid id) {
    for (size_t i = 0, byte = 0; i < UUID_TEXT_BYTES;) {
        if (has_hyphen_at(i))
            out[i++] = '-';
        out[i++] = digits[id.b[byte] >> 4];
        out[i++] = digits[id.b[byte++] & 15];
    }
}
