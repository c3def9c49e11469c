// reason.h — what a status is called (RFC 9110, section 15, and the IANA registry).
#ifndef HTTP_REASON_H
#define HTTP_REASON_H

#include <leat/values.h>

/** "Not Found" for 404; "Unknown" where there is none. */
const char *http_reason(unsigned status);
/** "HTTP/1.1 404 Not Found\r\n"; for a status without a name a line without a reason, made in `scratch`. */
str http_status_line(unsigned status, char scratch[16]);

#endif
