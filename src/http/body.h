// body.h — where a request's body ends: counted by Content-Length or in chunks, taken in whatever pieces it arrives.
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "http/head.h"
#include "http/limits.h"
#include "http/refusal.h"

struct http_body {
    const struct http_limits *limits;
    uint64_t bytes_max; // of the content
    uint64_t bytes;     // of the content, delimited so far: whole chunks are counted by their size line
    uint64_t left;      // of the content or of the chunk that is being read
    uint32_t extension_bytes, trailer_bytes;
    uint8_t state, size_digits;
};

/** For a head that has a body, of at most `bytes_max`. 0, or -EBADMSG with a 413 where Content-Length says already that it is longer. */
int http_body_begin(struct http_body *body, const struct http_head *head, uint64_t bytes_max, const struct http_limits *limits,
                    struct http_refusal *ret_refusal);
/**
 * Takes bytes off the front of `*rest`. 1 and the next piece of content; 0 where the body has ended, and what is left in `*rest` is not
 * its own; -EAGAIN where `*rest` is used up; -EBADMSG for what is no body, or one of too many bytes (413; trailers: 431). Trailer fields
 * are checked and dropped. RFC 9112, sections 6.2 and 7.1.
 */
int http_body_next(struct http_body *body, str *rest, str *ret_piece, struct http_refusal *ret_refusal);
/** True for one of Content-Length: `left` is then what is to come of it. */
bool http_body_is_counted(const struct http_body *body);

#endif
