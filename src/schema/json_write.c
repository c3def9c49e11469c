// json_write.c — JSON out, straight into where it is sent from.
//
// A value costs one look at the room that is left. Whether a comma is due is read off the byte before the cursor: nothing is due at the
// start of the text and behind `{ [ , :`, so there is no state to keep between the calls of a generated serializer.
#include "json_write.h"

#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "schema/json_room.h"

static bool never_grows(leat_json *writer, size_t bytes) {
    (void)writer;
    (void)bytes;
    return false;
}

void json_write_to(leat_json *writer, char *start, size_t bytes) {
    *writer = (leat_json){.start = start, .cursor = start, .end = start + bytes, .grow = never_grows};
}

enum { FIRST_BYTES = 1024 };

static bool grows_in_arena(leat_json *writer, size_t bytes) {
    size_t written = (size_t)(writer->cursor - writer->start), capacity = (size_t)(writer->end - writer->start);
    size_t wanted = capacity ? capacity * 2 : FIRST_BYTES;
    if (wanted < written + bytes)
        wanted = written + bytes;
    char *start = arena_raw(writer->sink, wanted);
    if (!start)
        return false;
    if (written)
        memcpy(start, writer->start, written);
    writer->start = start;
    writer->cursor = start + written;
    writer->end = start + wanted;
    return true;
}

void json_write_to_arena(leat_json *writer, struct arena *arena) {
    *writer = (leat_json){.grow = grows_in_arena, .sink = arena};
}

str json_written(const leat_json *writer) {
    return (str){writer->start, (size_t)(writer->cursor - writer->start)};
}

bool json_room_more(leat_json *writer, size_t bytes) {
    if (!writer->out_of_memory && writer->grow(writer, bytes))
        return true;
    writer->out_of_memory = true;
    writer->end = writer->cursor; // from here on nothing fits, so the text ends where it broke
    return false;
}

// ---- what the generated serializers call

static bool is_comma_due(const leat_json *writer) {
    if (writer->cursor == writer->start)
        return false;
    char last = writer->cursor[-1];
    return last != '{' && last != '[' && last != ',' && last != ':';
}

void json_put_due_comma(leat_json *writer) {
    if (is_comma_due(writer) && json_room(writer, 1))
        *writer->cursor++ = ',';
}

void json_put_bytes(leat_json *writer, const char *bytes, size_t count) {
    if (!count || !json_room(writer, count))
        return;
    copy_short(writer->cursor, bytes, count);
    writer->cursor += count;
}

void leat_put_open(leat_json *writer) {
    if (json_room(writer, 1))
        *writer->cursor++ = '{';
}

void leat_put_key(leat_json *writer, const char *text, size_t len) {
    if (!json_room(writer, len + 1))
        return;
    *writer->cursor = ',';
    writer->cursor += is_comma_due(writer);
    copy_short(writer->cursor, text, len);
    writer->cursor += len;
}

void leat_put_null(leat_json *writer) {
    json_put_bytes(writer, "null", 4);
}

void leat_put_close(leat_json *writer) {
    if (json_room(writer, 1))
        *writer->cursor++ = '}';
}

// ---- strings

static const char escapes[32] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
static const char hex[] = "0123456789abcdef";

static void put_escaped(leat_json *writer, uint8_t c) {
    char *out = writer->cursor;
    *out++ = '\\';
    if (c >= 0x20) {
        *out++ = (char)c;
    } else if (escapes[c]) {
        *out++ = escapes[c];
    } else {
        memcpy(out, "u00", 3);
        out[3] = hex[c >> 4];
        out[4] = hex[c & 15];
        out += 5;
    }
    writer->cursor = out;
}

enum { ESCAPED_BYTES_MAX = 6 };

// The byte at the head of `rest` that may not be copied as it is: a control character, a quote, a backslash, or the start of UTF-8, which
// is copied if it is whole and else becomes U+FFFD, so that what leaves is always well-formed.
static void put_special(leat_json *writer, str *rest) {
    uint8_t c = (uint8_t)rest->ptr[0];
    if (!json_room(writer, ESCAPED_BYTES_MAX + rest->len + 1))
        return;
    if (c < 0x80) {
        put_escaped(writer, c);
        *rest = (str){rest->ptr + 1, rest->len - 1};
        return;
    }
    uint32_t code_point = 0xFFFD;
    utf8_next(rest, &code_point);
    writer->cursor += utf8_put(writer->cursor, code_point);
}

void json_put_string(leat_json *writer, str text) {
    if (!json_room(writer, text.len + 2))
        return;
    *writer->cursor++ = '"';
    while (text.len && !writer->out_of_memory) {
        size_t plain = copy_plain(writer->cursor, text.ptr, text.len);
        writer->cursor += plain;
        text = (str){text.ptr + plain, text.len - plain};
        if (text.len)
            put_special(writer, &text);
    }
    if (json_room(writer, 1))
        *writer->cursor++ = '"';
}

void json_write_string(leat_json *writer, str text) {
    json_put_due_comma(writer);
    json_put_string(writer, text);
}

void json_write_raw(leat_json *writer, str json) {
    json_put_due_comma(writer);
    json_put_bytes(writer, json.ptr, json.len);
}
