// opening.h — how an answer begins: status line, Date and the fields that every answer has, ready for the status that was answered last.
#ifndef HTTP_OPENING_H
#define HTTP_OPENING_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "http/date.h"
#include "http/limits.h"

enum { HTTP_OPENING_BYTES_MAX = 96 + HTTP_FIXED_FIELDS_BYTES_MAX, HTTP_OPENING_BYTES_FEW = 192 };

/** Of one core; a zeroed one is good. */
struct http_opening {
    unsigned status;
    uint32_t bytes;
    int64_t second_us; // the wall clock's, at the beginning of the second that the Date tells
    char text[HTTP_OPENING_BYTES_MAX];
    struct http_date date;
};

__attribute__((cold)) void http_opening_make(struct http_opening *opening, unsigned status, int64_t wall_us, str fixed_fields);

/** Makes `opening` one of `status` at that moment; does nothing where it is that already. `fixed_fields` are always the same. */
static inline void http_opening_update(struct http_opening *opening, unsigned status, int64_t wall_us, str fixed_fields) {
    bool is_of_now = (uint64_t)(wall_us - opening->second_us) < 1000000;
    if (__builtin_expect(opening->status != status || !is_of_now, false))
        http_opening_make(opening, status, wall_us, fixed_fields);
}

/** Copies it to where there is room for all that it can be; returns the end. Few bytes need no loop. */
static inline char *http_opening_put(const struct http_opening *opening, char *room) {
    memcpy(room, opening->text, HTTP_OPENING_BYTES_FEW);
    if (__builtin_expect(opening->bytes > HTTP_OPENING_BYTES_FEW, false))
        memcpy(room, opening->text, opening->bytes);
    return room + opening->bytes;
}

#endif
