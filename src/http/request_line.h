// request_line.h — what is wrong with a request line that is not as it should be.
#ifndef HTTP_REQUEST_LINE_H
#define HTTP_REQUEST_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "http/refusal.h"

/**
 * Judges the line at the beginning of `data` (RFC 9112, section 3), from left to right: what the first part of a line is refused for, the
 * whole line is refused for too. 0 where there is nothing to say against it; -EAGAIN where its end must be seen first; -EBADMSG with a 400,
 * 414, 501 (a method that is none of ours) or 505.
 */
int http_request_line_judge(const char *data, size_t bytes, uint32_t line_bytes_max, struct http_refusal *ret_refusal);

#endif
