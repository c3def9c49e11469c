// opening.c — how an answer begins: the status line and the Date, ready for the status that was answered last.
#include "http/opening.h"

#include <assert.h>
#include <string.h>

#include "http/reason.h"

void http_opening_make(struct http_opening *opening, unsigned status, int64_t wall_us) {
    char scratch[16];
    str line = http_status_line(status, scratch), date = http_date_line(&opening->date, wall_us);
    assert(line.len + date.len <= HTTP_OPENING_BYTES_MAX);
    memcpy(opening->text, line.ptr, line.len);
    memcpy(opening->text + line.len, date.ptr, date.len);
    opening->bytes = (uint32_t)(line.len + date.len);
    opening->status = status;
    opening->second_us = opening->date.second * 1000000;
}
