// json_encoding.c — JSON that is not in UTF-8, as Python's json.loads() takes it.
#include "json_encoding.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

struct encoding {
    unsigned unit_bytes; // 1, 2 or 4
    bool is_big;
    unsigned mark_bytes;
};

static bool starts_with(str s, const char *bytes, size_t count) {
    return s.len >= count && memcmp(s.ptr, bytes, count) == 0;
}

// The first character of JSON is ASCII: where its zero bytes are tells the rest.
static struct encoding guess(str s) {
    if (starts_with(s, "\xFF\xFE\0\0", 4))
        return (struct encoding){4, false, 4};
    if (starts_with(s, "\0\0\xFE\xFF", 4))
        return (struct encoding){4, true, 4};
    if (starts_with(s, "\xFF\xFE", 2))
        return (struct encoding){2, false, 2};
    if (starts_with(s, "\xFE\xFF", 2))
        return (struct encoding){2, true, 2};
    if (s.len >= 4 && !s.ptr[0])
        return s.ptr[1] ? (struct encoding){2, true, 0} : (struct encoding){4, true, 0};
    if (s.len >= 4 && !s.ptr[1])
        return s.ptr[2] || s.ptr[3] ? (struct encoding){2, false, 0} : (struct encoding){4, false, 0};
    if (s.len == 2 && (!s.ptr[0] || !s.ptr[1]))
        return (struct encoding){2, !s.ptr[0], 0};
    return (struct encoding){1, false, 0};
}

static uint32_t take_unit(str *rest, const struct encoding *encoding) {
    uint32_t unit = 0;
    for (unsigned i = 0; i < encoding->unit_bytes; i++) {
        unsigned char byte = (unsigned char)rest->ptr[encoding->is_big ? i : encoding->unit_bytes - 1 - i];
        unit = unit << 8 | byte;
    }
    *rest = (str){rest->ptr + encoding->unit_bytes, rest->len - encoding->unit_bytes};
    return unit;
}

static int take_code_point(str *rest, const struct encoding *encoding, uint32_t *ret) {
    uint32_t first = take_unit(rest, encoding);
    bool is_surrogate = first >= 0xD800 && first < 0xE000;
    if (encoding->unit_bytes == 2 && is_surrogate && first < 0xDC00 && rest->len >= 2) {
        uint32_t second = take_unit(rest, encoding);
        is_surrogate = second < 0xDC00 || second >= 0xE000;
        first = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    }
    if (is_surrogate || first > 0x10FFFF)
        return -EILSEQ;
    *ret = first;
    return 0;
}

enum { GROWTH_MAX = 2 }; // two bytes of UTF-16 are at most three of UTF-8

int json_encoding_to_utf8(str body, struct arena *arena, str *ret_text) {
    struct encoding encoding = body.len >= 2 ? guess(body) : (struct encoding){1, false, 0};
    if (encoding.unit_bytes == 1) {
        *ret_text = body;
        return 0;
    }
    str rest = {body.ptr + encoding.mark_bytes, body.len - encoding.mark_bytes};
    if (rest.len % encoding.unit_bytes)
        return -EILSEQ;
    char *text = arena_raw(arena, rest.len * GROWTH_MAX), *end = text;
    if (!text)
        return -ENOMEM;
    while (rest.len) {
        uint32_t code_point;
        if (take_code_point(&rest, &encoding, &code_point) != 0)
            return -EILSEQ;
        end += utf8_put(end, code_point);
    }
    *ret_text = (str){text, (size_t)(end - text)};
    return 0;
}
