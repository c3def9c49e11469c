// date.h — dates of HTTP: the Date line of answers, made once a second, and the three forms that a client may write.
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include <stdint.h>

#include <leat/values.h>

enum { HTTP_DATE_BYTES = 29, HTTP_DATE_LINE_BYTES = 37 };

/** Of one core; a zeroed one is good. */
struct http_date {
    int64_t second;
    char line[HTTP_DATE_LINE_BYTES];
};

/** "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate; RFC 9110, section 5.6.7), without NUL. For the years 1 to 9999. */
void http_date_write(int64_t second, char out[HTTP_DATE_BYTES]);
/** Reads a date in any form that RFC 9110, section 5.6.7, wants understood. 0 and the second since 1970, or -EINVAL. */
int http_date_read(str text, int64_t *ret_second);
/** "Date: ...\r\n" of that moment; valid until the next call. */
str http_date_line(struct http_date *date, int64_t wall_us);

#endif
