// base64.c — bytes as text (RFC 4648) without padding, in one spelling only.
#include "auth/base64.h"

#include <errno.h>
#include <stdint.h>

const char base64_standard[2] = {'+', '/'}, base64_url[2] = {'-', '_'};

static const char common_letters[62] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static char letter_of(unsigned value, const char letters[2]) {
    return value < 62 ? common_letters[value] : letters[value - 62];
}

static int value_of(char c, const char letters[2]) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == letters[0] ? 62 : c == letters[1] ? 63 : -1;
}

char *base64_write(char *out, str data, const char letters[2]) {
    const unsigned char *in = (const unsigned char *)data.ptr;
    uint32_t bits = 0;
    unsigned count = 0; // of bits not written yet
    for (size_t i = 0; i < data.len; i++) {
        bits = bits << 8 | in[i];
        for (count += 8; count >= 6; count -= 6)
            *out++ = letter_of(bits >> (count - 6) & 63, letters);
    }
    if (count)
        *out++ = letter_of(bits << (6 - count) & 63, letters);
    return out;
}

ssize_t base64_read(unsigned char *out, str text, const char letters[2]) {
    uint32_t bits = 0;
    unsigned count = 0;
    ssize_t bytes = 0;
    if (text.len % 4 == 1)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.ptr[i], letters);
        if (value < 0)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[bytes++] = (unsigned char)(bits >> count);
        }
    }
    return bits & ((1u << count) - 1) ? -EINVAL : bytes;
}
