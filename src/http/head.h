// head.h — the head of a request, as offsets into the bytes it arrived in.
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include <leat/values.h>

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHODS,
    HTTP_UNKNOWN = HTTP_METHODS, // a token that is none of these: 501, before any app sees it
};

enum { HTTP_FIELDS_MAX = 100 }; // the setting may be lower

struct http_span {
    uint32_t offset, bytes; // behind http_head.base
};
struct http_field {
    struct http_span name, value; // the value without blanks around it
};

/** What the app has found out about a head that may come again, byte for byte: who answers it. Zeroed when HTTP begins to keep the head. */
struct http_findings {
    uint64_t of;        // the app's: what they hold good for
    const void *target; // NULL: nothing is known
};

struct http_head {
    const char *base; // the first byte of the request line; moves when the bytes are moved
    uint32_t bytes;   // up to and with the empty line
    enum http_method method;
    uint8_t minor; // of HTTP/1.x
    bool keep_alive, has_body, is_chunked, expects_continue;
    bool is_coded;                        // a Content-Encoding other than identity: the body is not what its type says
    uint64_t content_length;              // where has_body and not is_chunked
    struct http_span target, path, query; // path: still percent-encoded; query: behind the '?'
    struct http_span host, content_type, authorization, cookie, origin, request_id; // bytes is 0 where there is none
    struct http_findings *findings;                                                 // NULL: it is not kept
    uint16_t field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

static inline str http_text(const struct http_head *head, struct http_span span) {
    return (str){head->base + span.offset, span.bytes};
}

/** The first field of that name, any case; `ptr` is NULL where there is none. */
str http_field_value(const struct http_head *head, str name);
/** The method's name, "GET". */
const char *http_method_name(enum http_method method);

#endif
