// range.c — which bytes of a representation are asked for (RFC 9110, section 14).
#include "http/range.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "http/characters.h"

// The next element of a list between commas, without its blanks; empty ones are skipped (RFC 9110, section 5.6.1). False at the end.
static bool next_element(str *rest, str *ret_element) {
    while (rest->len) {
        const char *comma = memchr(rest->ptr, ',', rest->len);
        size_t bytes = comma ? (size_t)(comma - rest->ptr) : rest->len, taken = bytes + (comma != NULL);
        *ret_element = trim_blanks((str){rest->ptr, bytes});
        *rest = (str){rest->ptr + taken, rest->len - taken};
        if (ret_element->len)
            return true;
    }
    return false;
}

// Takes digits off the front; what is too large to be an offset is the largest there is. False where there are none.
static bool take_number(str *text, uint64_t *ret_number) {
    uint64_t number = 0;
    size_t digits = 0;
    for (; digits < text->len && is_digit(text->ptr[digits]); digits++) {
        uint64_t digit = (uint64_t)(text->ptr[digits] - '0');
        number = number > (INT64_MAX - digit) / 10 ? INT64_MAX : number * 10 + digit;
    }
    *text = (str){text->ptr + digits, text->len - digits};
    *ret_number = number;
    return digits > 0;
}

// The last `bytes` of it.
static struct byte_range suffix(uint64_t bytes, uint64_t size) {
    bytes = bytes < size ? bytes : size;
    return (struct byte_range){size - bytes, bytes};
}

// 0, and `bytes` is 0 where nothing of it is there; -EINVAL.
static int read_range(str text, uint64_t size, struct byte_range *ret_range) {
    uint64_t first, last = INT64_MAX;
    bool has_first = take_number(&text, &first);
    if (!text.len || text.ptr[0] != '-')
        return -EINVAL;
    text = (str){text.ptr + 1, text.len - 1};
    bool has_last = take_number(&text, &last);
    if (text.len || (!has_first && !has_last) || (has_first && has_last && last < first))
        return -EINVAL;
    if (!has_first) {
        *ret_range = suffix(last, size);
        return 0;
    }
    last = has_last && last < size ? last : size - 1;
    *ret_range = first < size ? (struct byte_range){first, last - first + 1} : (struct byte_range){0};
    return 0;
}

int http_ranges_read(str field, uint64_t size, struct byte_range ret_ranges[RANGES_MAX]) {
    struct byte_range ranges[RANGES_MAX], range;
    uint64_t bytes = 0;
    unsigned count = 0, found = 0;
    str element;
    if (field.len < 6 || strncasecmp(field.ptr, "bytes=", 6) != 0)
        return 0;
    str rest = {field.ptr + 6, field.len - 6};
    for (; next_element(&rest, &element); count++) {
        if (count == RANGES_MAX || read_range(element, size, &range))
            return 0;
        if (!range.bytes)
            continue;
        bytes += range.bytes;
        ranges[found++] = range;
    }
    if (!count || bytes > size)
        return 0;
    memcpy(ret_ranges, ranges, found * sizeof *ranges);
    return found ? (int)found : -ERANGE;
}
