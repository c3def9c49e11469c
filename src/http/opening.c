// opening.c — how an answer begins: status line, Date and the fields that every answer has, ready for the status that was answered last.
#include "http/opening.h"

#include <assert.h>
#include <string.h>

#include "http/reason.h"

void http_opening_make(struct http_opening *opening, unsigned status, int64_t wall_us, str fixed_fields) {
    char scratch[16];
    str line = http_status_line(status, scratch), date = http_date_line(&opening->date, wall_us);
    assert(line.len + date.len + fixed_fields.len <= HTTP_OPENING_BYTES_MAX);
    char *end = mempcpy(opening->text, line.ptr, line.len);
    end = mempcpy(end, date.ptr, date.len);
    if (fixed_fields.len)
        end = mempcpy(end, fixed_fields.ptr, fixed_fields.len);
    opening->bytes = (uint32_t)(end - opening->text);
    opening->status = status;
    opening->second_us = opening->date.second * 1000000;
}
