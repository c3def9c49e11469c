// fuzz_value.c — values made from a schema: right ones, those at its bounds, and those that it forbids.
#include "fuzz_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

enum { DEPTH_MAX = 8, LENGTH_MAX = 5000, ITEMS_MAX = 5 };

// ---- chance: xorshift64, so that a seed is all there is to a run

static uint64_t next_random(struct fuzz_maker *maker) {
    maker->random ^= maker->random << 13;
    maker->random ^= maker->random >> 7;
    maker->random ^= maker->random << 17;
    return maker->random;
}

unsigned fuzz_below(struct fuzz_maker *maker, unsigned count) {
    return (unsigned)((next_random(maker) >> 16) % count);
}

bool fuzz_one_in(struct fuzz_maker *maker, unsigned count) {
    return fuzz_below(maker, count) == 0;
}

static json_int_t bound(json_t *schema, const char *name, json_int_t otherwise) {
    json_t *value = json_object_get(schema, name);
    return json_is_number(value) ? (json_int_t)json_number_value(value) : otherwise;
}

// ---- strings

// What has to be escaped somewhere on the way, and code points of one to four bytes.
static const char *const pieces[] = {"a", "B", "7", " ",  "\"", "\\", "'", "%",  "&", "+", "=",
                                     ";", "/", "<", "$1", "\n", "é",  "ß", "漢", "😀", "--"};

static json_t *text_of_length(struct fuzz_maker *maker, size_t length, bool has_nul) {
    struct buffer out = {0};
    for (size_t i = 0; i < length; i++) {
        const char *piece = pieces[fuzz_below(maker, sizeof pieces / sizeof *pieces)];
        bool is_one = (piece[0] & 0x80) || !piece[1]; // "$1" and "--" are two code points
        if (has_nul && i == length / 2)
            buffer_append(&out, "", 1);
        else
            buffer_append(&out, is_one ? piece : "x", is_one ? strlen(piece) : 1);
    }
    json_t *text = json_stringn(out.data ? out.data : "", buffer_bytes(&out));
    buffer_finish(&out);
    return text;
}

// "^password$": a pattern that only one text matches. Others are matched by known values, or not at all.
static json_t *literal_of_pattern(const char *pattern) {
    size_t bytes = pattern ? strlen(pattern) : 0;
    bool is_literal = bytes > 2 && pattern[0] == '^' && pattern[bytes - 1] == '$' && strcspn(pattern + 1, "\\.[](){}*+?|^") >= bytes - 1;
    return is_literal ? json_stringn(pattern + 1, bytes - 2) : NULL;
}

static json_t *text_of_format(struct fuzz_maker *maker, const char *format) {
    char text[96];
    unsigned number = (unsigned)next_random(maker);
    if (strcmp(format, "uuid") == 0)
        snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012x", number, number >> 16, number & 0xFFF, number >> 20, number);
    else if (strcmp(format, "email") == 0)
        snprintf(text, sizeof text, "%s%x@example.com", number & 1 ? "Ada." : "x+", number);
    else if (strcmp(format, "date-time") == 0)
        snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:00:59.%06uZ", 1 + number % 9999, 1 + number % 12, 1 + number % 28, number % 24,
                 number % 1000000);
    else if (strcmp(format, "uri") == 0)
        snprintf(text, sizeof text, "https://example.com/%x?q=1", number);
    else if (strcmp(format, "hostname") == 0)
        snprintf(text, sizeof text, "h%x.example.com", number);
    else if (strcmp(format, "ipv4") == 0)
        snprintf(text, sizeof text, "10.%u.%u.1", number & 255, number >> 8 & 255);
    else if (strcmp(format, "ipv6") == 0)
        snprintf(text, sizeof text, "2001:db8::%x", number & 0xFFFF);
    else
        return NULL; // "password": any text
    return json_string(text);
}

static json_t *make_string(struct fuzz_maker *maker, json_t *schema, enum fuzz_quality quality) {
    const char *format = json_string_value(json_object_get(schema, "format"));
    json_int_t least = bound(schema, "minLength", 0), most = bound(schema, "maxLength", -1);
    if (quality == FUZZ_WRONG && most >= 0 && most < LENGTH_MAX && fuzz_one_in(maker, 2))
        return text_of_length(maker, (size_t)most + 1 + fuzz_below(maker, 3), false);
    if (quality == FUZZ_WRONG && least > 0)
        return text_of_length(maker, (size_t)least - 1, false);
    if (quality == FUZZ_WRONG)
        return text_of_length(maker, fuzz_below(maker, 12), false);
    json_t *text = format ? text_of_format(maker, format) : NULL;
    if (!text)
        text = literal_of_pattern(json_string_value(json_object_get(schema, "pattern")));
    if (text)
        return text;
    json_int_t end = most >= 0 && most < LENGTH_MAX ? most : least + (quality == FUZZ_AT_BOUNDS ? LENGTH_MAX : 40);
    if (quality == FUZZ_AT_BOUNDS)
        return text_of_length(maker, (size_t)(fuzz_one_in(maker, 2) ? least : end), fuzz_one_in(maker, 8));
    return text_of_length(maker, (size_t)least + fuzz_below(maker, (unsigned)(end - least) + 1), false);
}

// ---- numbers

static json_t *make_number(struct fuzz_maker *maker, json_t *schema, bool is_integer, enum fuzz_quality quality) {
    bool is_small = strcmp(json_string_value(json_object_get(schema, "format")) ?: "", "int32") == 0;
    json_int_t lowest = is_small ? INT32_MIN : INT64_MIN, highest = is_small ? INT32_MAX : INT64_MAX;
    json_int_t least =
        bound(schema, "minimum", bound(schema, "exclusiveMinimum", lowest) + (json_object_get(schema, "exclusiveMinimum") != NULL));
    json_int_t most =
        bound(schema, "maximum", bound(schema, "exclusiveMaximum", highest) - (json_object_get(schema, "exclusiveMaximum") != NULL));
    json_int_t step = bound(schema, "multipleOf", 1);
    if (quality == FUZZ_WRONG && fuzz_one_in(maker, 3))
        return is_integer ? json_real(0.5) : json_string("one");
    if (quality == FUZZ_WRONG && (least > INT64_MIN || most < INT64_MAX))
        return json_integer(least > INT64_MIN && (most == INT64_MAX || fuzz_one_in(maker, 2)) ? least - 1 : most + 1);
    if (quality == FUZZ_WRONG)
        return json_string("one");
    if (quality == FUZZ_AT_BOUNDS) {
        json_int_t bounds[] = {least, most, least <= 0 && most >= 0 ? 0 : least, least <= -1 ? -1 : least};
        return json_integer(bounds[fuzz_below(maker, 4)]);
    }
    json_int_t from = least > -1000000 ? least : -1000000, to = most < 1000000 ? most : 1000000;
    json_int_t value = from > to ? least : from + (json_int_t)(next_random(maker) % (uint64_t)(to - from + 1));
    return json_integer(step > 1 ? value / step * step : value);
}

// ---- what is known

static json_t *make_known(const struct fuzz_maker *maker, json_t *schema, const char *name) {
    const char *type = json_string_value(json_object_get(schema, "type"));
    for (size_t i = 0; name && maker->known && maker->known[i]; i += 2) {
        if (strcmp(maker->known[i], name) != 0)
            continue;
        const char *text = maker->known[i + 1];
        return type && strcmp(type, "integer") == 0 ? json_integer(strtoll(text, NULL, 10)) : json_string(text);
    }
    return NULL;
}

// ---- all of them

static json_t *make(struct fuzz_maker *maker, json_t *schema, const char *name, enum fuzz_quality quality, unsigned depth);

static bool is_required(json_t *schema, const char *key) {
    json_t *name;
    size_t i;
    json_array_foreach(json_object_get(schema, "required"), i, name) {
        if (strcmp(json_string_value(name), key) == 0)
            return true;
    }
    return false;
}

// One member is wrong, or lacks; the others are right, so that it is the one that is judged.
static json_t *make_object(struct fuzz_maker *maker, json_t *schema, enum fuzz_quality quality, unsigned depth) {
    json_t *properties = json_object_get(schema, "properties"), *of_member, *object = json_object();
    size_t count = json_object_size(properties), index = 0;
    size_t wrong = quality == FUZZ_WRONG && count ? fuzz_below(maker, (unsigned)count) : count;
    const char *key;
    json_object_foreach(properties, key, of_member) {
        bool is_wrong = index++ == wrong, lacks = is_wrong ? fuzz_one_in(maker, 4) : !is_required(schema, key) && fuzz_one_in(maker, 2);
        enum fuzz_quality of_this = is_wrong ? FUZZ_WRONG : quality == FUZZ_WRONG ? FUZZ_RIGHT : quality;
        if (!lacks)
            json_object_set_new(object, key, make(maker, of_member, key, of_this, depth));
    }
    return object;
}

static json_t *make_array(struct fuzz_maker *maker, json_t *schema, const char *name, enum fuzz_quality quality, unsigned depth) {
    json_int_t least = bound(schema, "minItems", 0), most = bound(schema, "maxItems", least + ITEMS_MAX);
    json_int_t count = least + fuzz_below(maker, (unsigned)(most - least) + 1);
    if (quality == FUZZ_AT_BOUNDS)
        count = fuzz_one_in(maker, 2) ? least : most;
    else if (quality == FUZZ_WRONG && json_object_get(schema, "maxItems") && fuzz_one_in(maker, 2))
        count = most + 1;
    size_t wrong = quality == FUZZ_WRONG && count ? fuzz_below(maker, (unsigned)count) : (size_t)count;
    json_t *array = json_array();
    for (size_t i = 0; i < (size_t)count && i < LENGTH_MAX; i++)
        json_array_append_new(array, make(maker, json_object_get(schema, "items"), name,
                                          i == wrong              ? FUZZ_WRONG
                                          : quality == FUZZ_WRONG ? FUZZ_RIGHT
                                                                  : quality,
                                          depth));
    return array;
}

// Nothing coerces an object or a list to a scalar, or a scalar to them.
static json_t *make_of_another_type(struct fuzz_maker *maker, const char *type) {
    bool is_object = strcmp(type, "object") == 0, is_array = strcmp(type, "array") == 0;
    switch (fuzz_below(maker, 3)) {
    case 0:
        return json_null();
    case 1:
        return is_object ? json_array() : json_object();
    default:
        return is_object || is_array ? json_string("neither") : json_array();
    }
}

static json_t *make_typed(struct fuzz_maker *maker, json_t *schema, const char *name, const char *type, enum fuzz_quality quality,
                          unsigned depth) {
    json_t *labels = json_object_get(schema, "enum");
    if (quality == FUZZ_WRONG && fuzz_one_in(maker, 3))
        return make_of_another_type(maker, type);
    if (json_array_size(labels))
        return quality == FUZZ_WRONG ? json_string("no such label")
                                     : json_incref(json_array_get(labels, fuzz_below(maker, (unsigned)json_array_size(labels))));
    if (strcmp(type, "object") == 0)
        return make_object(maker, schema, quality, depth);
    if (strcmp(type, "array") == 0)
        return make_array(maker, schema, name, quality, depth);
    if (strcmp(type, "boolean") == 0)
        return quality == FUZZ_WRONG ? json_string("maybe") : json_boolean(fuzz_one_in(maker, 2));
    if (strcmp(type, "string") == 0)
        return make_string(maker, schema, quality);
    return make_number(maker, schema, strcmp(type, "integer") == 0, quality);
}

static json_t *make(struct fuzz_maker *maker, json_t *schema, const char *name, enum fuzz_quality quality, unsigned depth) {
    schema = document_resolve(maker->document, schema);
    json_t *any_of = json_object_get(schema, "anyOf"), *known;
    if (any_of && depth < DEPTH_MAX)
        return make(maker, json_array_get(any_of, fuzz_below(maker, (unsigned)json_array_size(any_of))), name, quality, depth + 1);
    const char *type = json_string_value(json_object_get(schema, "type"));
    if (quality != FUZZ_WRONG && !fuzz_one_in(maker, 4) && (known = make_known(maker, schema, name)))
        return known;
    if (!type || depth >= DEPTH_MAX)
        return type ? json_null() : json_pack("{s:[i,n,b]}", "any", 1, true);
    if (strcmp(type, "null") == 0)
        return json_null();
    return make_typed(maker, schema, name, type, quality, depth + 1);
}

json_t *fuzz_value(struct fuzz_maker *maker, json_t *schema, const char *name, enum fuzz_quality quality) {
    return make(maker, schema, name, quality, 0);
}
