// json_room.h — the room of a JSON writer, and the copying into it that is worth inlining.
#ifndef SCHEMA_JSON_ROOM_H
#define SCHEMA_JSON_ROOM_H

#include <string.h>

#include "schema/json_write.h"

bool json_room_more(leat_json *writer, size_t bytes);

/** Room for `bytes` at the cursor; false, for good, once there is no memory. */
static inline bool json_room(leat_json *writer, size_t bytes) {
    return __builtin_expect((size_t)(writer->end - writer->cursor) >= bytes, 1) || json_room_more(writer, bytes);
}

/** A comma where one is due. */
void json_put_due_comma(leat_json *writer);
/** Bytes as they are, without a comma before them. */
void json_put_bytes(leat_json *writer, const char *bytes, size_t count);
/** `text` in quotes, without a comma before it. */
void json_put_string(leat_json *writer, str text);

/** memcpy without the call, for the few bytes that names and numbers have. */
static inline void copy_short(char *out, const char *from, size_t count) {
    if (count > 32) {
        memcpy(out, from, count);
    } else if (count >= 16) {
        memcpy(out, from, 16);
        memcpy(out + count - 16, from + count - 16, 16);
    } else if (count >= 8) {
        memcpy(out, from, 8);
        memcpy(out + count - 8, from + count - 8, 8);
    } else if (count >= 4) {
        memcpy(out, from, 4);
        memcpy(out + count - 4, from + count - 4, 4);
    } else {
        for (size_t i = 0; i < count; i++)
            out[i] = from[i];
    }
}

#define BYTES_OF(c) (UINT64_C(0x0101010101010101) * (c))

/** The high bit of every byte of `word` that a JSON string cannot hold as it is, or that is not ASCII. */
static inline uint64_t special_bytes(uint64_t word) {
    uint64_t quote = word ^ BYTES_OF('"'), backslash = word ^ BYTES_OF('\\');
    uint64_t found = (word - BYTES_OF(0x20)) | (quote - BYTES_OF(1)) | (backslash - BYTES_OF(1)); // borrows: exact up to the first hit
    return (found | word) & BYTES_OF(0x80);
}

static inline bool is_special(char c) {
    return (unsigned char)c < 0x20 || (unsigned char)c >= 0x80 || c == '"' || c == '\\';
}

/** Copies bytes up to the first special one, eight at a time; returns how many. */
static inline size_t copy_plain(char *out, const char *from, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        uint64_t word;
        memcpy(&word, from + i, 8);
        uint64_t special = special_bytes(word);
        memcpy(out + i, &word, 8);
        if (special)
            return i + (size_t)__builtin_ctzll(special) / 8;
    }
    for (; i < count && !is_special(from[i]); i++)
        out[i] = from[i];
    return i;
}

#endif
