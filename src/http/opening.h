// opening.h — how an answer begins: the status line and the Date, ready for the status that was answered last.
#ifndef HTTP_OPENING_H
#define HTTP_OPENING_H

#include <stdbool.h>
#include <stdint.h>

#include "http/date.h"

enum { HTTP_OPENING_BYTES_MAX = 96 };

/** Of one core; a zeroed one is good. */
struct http_opening {
    unsigned status;
    uint32_t bytes;
    int64_t second_us;                 // the wall clock's, at the beginning of the second that the Date tells
    char text[HTTP_OPENING_BYTES_MAX]; // all of it may be copied: that needs no loop
    struct http_date date;
};

__attribute__((cold)) void http_opening_make(struct http_opening *opening, unsigned status, int64_t wall_us);

/** Makes `opening` one of `status` at that moment; does nothing where it is that already. */
static inline void http_opening_update(struct http_opening *opening, unsigned status, int64_t wall_us) {
    bool is_of_now = (uint64_t)(wall_us - opening->second_us) < 1000000;
    if (__builtin_expect(opening->status != status || !is_of_now, false))
        http_opening_make(opening, status, wall_us);
}

#endif
