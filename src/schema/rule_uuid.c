// rule_uuid.c — UUIDs in the forms Pydantic takes: canonical, without hyphens, in braces, as a URN.
#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "base/uuid.h"
#include "schema/rule.h"

enum { SIMPLE_BYTES = 32, URN_PREFIX_BYTES = 9, GROUPS = 5 };

static const uint8_t group_starts[GROUPS] = {0, 9, 14, 19, 24}, group_bytes[GROUPS] = {8, 4, 4, 4, 12};

static bool is_simple(str text) {
    if (text.len != SIMPLE_BYTES)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '-')
            return false;
    return true;
}

static bool parse_simple(str text, uuid *ret) {
    char canonical[UUID_TEXT_BYTES];
    memset(canonical, '-', sizeof canonical);
    const char *from = text.ptr;
    for (int group = 0; group < GROUPS; group++) {
        memcpy(canonical + group_starts[group], from, group_bytes[group]);
        from += group_bytes[group];
    }
    return uuid_parse((str){canonical, sizeof canonical}, ret);
}

// Strips braces or the prefix of a URN; returns how many bytes went in front.
static size_t unwrap(str *text) {
    if (text->len >= 2 && text->ptr[0] == '{' && text->ptr[text->len - 1] == '}') {
        *text = (str){text->ptr + 1, text->len - 2};
        return 1;
    }
    if (text->len >= URN_PREFIX_BYTES && memcmp(text->ptr, "urn:uuid:", URN_PREFIX_BYTES) == 0) {
        *text = (str){text->ptr + URN_PREFIX_BYTES, text->len - URN_PREFIX_BYTES};
        return URN_PREFIX_BYTES;
    }
    return 0;
}

static bool is_hex(uint32_t c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

// What is wrong with text that is no UUID, in the words of Rust's uuid crate. `ptr` NULL without memory.
static str reason_of(str whole, struct arena *arena) {
    str text = whole, rest;
    size_t offset = unwrap(&text), hyphens = 0, bounds[GROUPS - 1] = {0};
    uint32_t c;
    for (rest = text; rest.len;) {
        const char *head = rest.ptr;
        size_t index = (size_t)(head - text.ptr);
        utf8_next(&rest, &c);
        if (c == '-') {
            if (hyphens < GROUPS - 1)
                bounds[hyphens] = index;
            hyphens++;
        } else if (!is_hex(c)) {
            return arena_format(
                arena, "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `%.*s` at %zu",
                (int)(rest.ptr - head), head, index + offset + 1);
        }
    }
    if (!hyphens && !offset)
        return arena_format(arena, "invalid length: expected length 32 for simple format, found %zu", whole.len);
    if (hyphens != GROUPS - 1)
        return arena_format(arena, "invalid group count: expected 5, found %zu", hyphens + 1);
    size_t group = 0;
    while (group < GROUPS - 1 && bounds[group] == (size_t)group_starts[group] + group_bytes[group])
        group++;
    size_t found = (group < GROUPS - 1 ? bounds[group] : whole.len) - group_starts[group];
    return arena_format(arena, "invalid group length in group %zu: expected %u, found %zu", group, group_bytes[group], found);
}

int rule_take_uuid_text(const struct rule *rule, const struct spot *spot, str text, void *out) {
    str inner = text;
    bool is_wrapped = text.len > UUID_TEXT_BYTES && unwrap(&inner);
    if (!uuid_parse(inner, out) && (is_wrapped || !is_simple(text) || !parse_simple(text, out))) {
        bool has_its_length = is_wrapped && inner.len == UUID_TEXT_BYTES; // then what is wrong is counted from within
        str reason = reason_of(has_its_length ? inner : text, spot->reading->arena);
        return reason.ptr ? rule_refuse(rule, spot, PROBLEM_UUID_PARSING, &DETAIL_OF_TEXT(reason)) : -ENOMEM;
    }
    return rule_check(rule, spot, out);
}
