// conditions.h — does the client have it already, and does it know what it changes? (RFC 9110, section 13)
#ifndef HTTP_CONDITIONS_H
#define HTTP_CONDITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "http/head.h"

#define HTTP_NEVER INT64_MIN

/** What is known of the representation that would be answered. */
struct validators {
    str etag;           // with its quotes, and W/ where it is weak; `ptr` NULL: none
    int64_t modified_s; // since 1970, or HTTP_NEVER
    int64_t now_s;
};

enum conditions {
    CONDITIONS_HOLD,
    CONDITIONS_NOT_MODIFIED, // 304
    CONDITIONS_FAIL,         // 412
};

/**
 * Judges If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since and If-Range, in the order of section 13.2.2. `*ret_has_range`
 * says whether a Range field, where there is one, counts. A tag that an answer in a content coding had (http_etag_suffix()) is the tag
 * itself.
 */
enum conditions http_conditions(const struct http_head *head, const struct validators *validators, bool *ret_has_range);
/** True where the head has any of these fields: most have none. */
bool http_has_conditions(const struct http_head *head);

#endif
