// plain_head.h — the heads that clients do send: read sixteen bytes at a time.
#ifndef HTTP_PLAIN_HEAD_H
#define HTTP_PLAIN_HEAD_H

#include "http/head.h"
#include "http/limits.h"

/**
 * Fills `ret_head` from a head that is whole, within its limits, and as plain as can be: its bytes. Otherwise 0, which says nothing about
 * the head but that http_head_parse() must look closer; `ret_head` is then anything.
 */
int64_t http_plain_head_read(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *ret_head);

#endif
