// parser.h — bytes to a request's head: a pure function, the same however the bytes are cut.
#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include <stddef.h>

#include "http/head.h"
#include "http/limits.h"
#include "http/refusal.h"

/**
 * Returns the bytes of the head, up to and with its empty line; -EAGAIN where its end is not there yet; -EBADMSG where it is refused, and
 * why: then nothing that follows on the connection can be trusted. What a prefix is refused for, the whole is refused for. `scratch` is
 * the result where the return is positive, else of no meaning; it points into `data`. Reads nothing behind `data + bytes`.
 */
int64_t http_head_parse(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *scratch,
                        struct http_refusal *ret_refusal);
/** Bytes of empty lines at the beginning, which a server ignores before a request (RFC 9112, section 2.2). */
size_t http_blank_lines(const char *data, size_t bytes);

#endif
