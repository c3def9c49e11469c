// framing.h — what the fields of a head mean: whose host it is for, how its body is delimited, and whether the connection stays.
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include "http/head.h"
#include "http/refusal.h"

/**
 * Reads the fields of a head whose lines are well-formed and whose target is split (RFC 9110 and RFC 9112, sections 3.2, 6, 9). 0, or
 * -EBADMSG with a 400, 417 or 501.
 */
int http_framing_read(struct http_head *head, struct http_refusal *ret_refusal);

#endif
