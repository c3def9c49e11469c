// plain_head.c — the heads that clients do send: read sixteen bytes at a time.
//
// A request line of a known method, a path and HTTP/1.x; fields of a token, a colon and visible ASCII and blanks; each line ended by CRLF:
// nothing else is taken, and nothing is refused here. Whatever is missing, unusual or wrong is llhttp's to judge, in parser.c, so that
// there is one answer to it. What is taken must be what llhttp would have made of it, which test_plain_head holds against it byte by byte.
// llhttp takes 1,000 instructions for a small head and 4,800 for a browser's; this takes a fifth of them.
#include "http/plain_head.h"

#include <string.h>

#include "http/charset.h"
#include "http/framing.h"

enum { SHORTEST_BYTES = 18 }; // GET / HTTP/1.0 and the empty line

// Each reader is given where it begins and where the bytes end, and returns where it has come to, or NULL where it does not understand.

static struct http_span span_of(const struct http_head *head, const char *from, const char *to) {
    return (struct http_span){(uint32_t)(from - head->base), (uint32_t)(to - from)};
}

static const char *read_line_end(const char *at, const char *end) {
    return end - at >= 2 && memcmp(at, "\r\n", 2) == 0 ? at + 2 : NULL;
}

/** There are SHORTEST_BYTES at least. */
static const char *read_method(struct http_head *head, const char *at) {
#define METHOD(name)                                                                                                                       \
    if (memcmp(at, #name " ", sizeof #name) == 0) {                                                                                        \
        head->method = HTTP_##name;                                                                                                        \
        return at + sizeof #name;                                                                                                          \
    }
    METHOD(GET)
    METHOD(POST)
    METHOD(PUT)
    METHOD(PATCH)
    METHOD(DELETE)
    METHOD(HEAD)
    METHOD(OPTIONS)
#undef METHOD
    return NULL;
}

static const char *read_target(struct http_head *head, const char *at, const char *end) {
    const char *start = at;
    if (*at != '/')
        return NULL;
    at += charset_run(&charset_path, at, end);
    head->path = span_of(head, start, at);
    if (at < end && *at == '?') {
        const char *query = ++at;
        at += charset_run(&charset_query, at, end);
        head->query = span_of(head, query, at);
    }
    head->target = span_of(head, start, at);
    return at;
}

/** " HTTP/1.x", and the line's end. */
static const char *read_version(struct http_head *head, const char *at, const char *end) {
    if (end - at < 11 || memcmp(at, " HTTP/1.", 8) != 0)
        return NULL;
    head->minor = (uint8_t)(at[8] - '0');
    return head->minor <= 1 ? read_line_end(at + 9, end) : NULL;
}

static const char *read_field(struct http_head *head, const char *at, const char *end) {
    const char *name = at, *name_end = at + charset_run(&charset_token, at, end);
    if (name == name_end || name_end == end || *name_end != ':')
        return NULL;
    const char *value = name_end + 1;
    while (value < end && *value == ' ')
        value++;
    at = value + charset_run(&charset_text, value, end);
    const char *value_end = at;
    while (value_end > value && value_end[-1] == ' ')
        value_end--;
    if (value == value_end)
        value = value_end = name_end;
    head->fields[head->field_count++] = (struct http_field){span_of(head, name, name_end), span_of(head, value, value_end)};
    return read_line_end(at, end);
}

/** All fields, and the empty line. */
static const char *read_fields(struct http_head *head, const char *at, const char *end, const struct http_limits *limits) {
    unsigned count_max = limits->field_count_max < HTTP_FIELDS_MAX ? limits->field_count_max : HTTP_FIELDS_MAX;
    const char *start = at;
    while (at && at < end && *at != '\r')
        at = head->field_count < count_max ? read_field(head, at, end) : NULL;
    return at && (size_t)(at - start) <= limits->field_bytes_max ? read_line_end(at, end) : NULL;
}

static const char *read_head(struct http_head *head, const char *at, const char *end, const struct http_limits *limits) {
    const char *start = at;
    if (end - at < SHORTEST_BYTES || !(at = read_method(head, at)) || !(at = read_target(head, at, end)) ||
        !(at = read_version(head, at, end)) || (size_t)(at - start) > (size_t)limits->request_line_bytes_max + 2)
        return NULL;
    return read_fields(head, at, end, limits);
}

int64_t http_plain_head_read(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *ret_head) {
    struct http_refusal refusal; // is not ours to tell
    memset(ret_head, 0, offsetof(struct http_head, fields));
    ret_head->base = data;
    const char *at = read_head(ret_head, data, data + bytes, limits);
    if (!at || http_framing_read(ret_head, &refusal))
        return 0;
    ret_head->bytes = (uint32_t)(at - data);
    return ret_head->bytes;
}
