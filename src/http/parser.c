// parser.c — bytes to a request's head: a pure function, the same however the bytes are cut.
//
// llhttp, strict, finds the pieces; it begins anew at each call, so that a connection keeps no parser. What it lets pass is refused here:
// each line must be exactly its pieces, the single separators between them and CRLF, which rules out runs of blanks, folded lines, bare LF
// and a missing version. When it stumbles in the request line, request_line.c says over what. Any llhttp from 8.1 on will do.
#include "http/parser.h"

#include <string.h>

#include "base/list.h"
#include "http/characters.h"
#include "http/framing.h"
#include "http/plain_head.h"
#include "http/request_line.h"
#include "http/target.h"

// llhttp gives its numbers of the methods the names that head.h gives ours.
#define HTTP_DELETE LLHTTP_DELETE
#define HTTP_GET LLHTTP_GET
#define HTTP_HEAD LLHTTP_HEAD
#define HTTP_OPTIONS LLHTTP_OPTIONS
#define HTTP_PATCH LLHTTP_PATCH
#define HTTP_POST LLHTTP_POST
#define HTTP_PUT LLHTTP_PUT
#include <llhttp.h>
#undef HTTP_DELETE
#undef HTTP_GET
#undef HTTP_HEAD
#undef HTTP_OPTIONS
#undef HTTP_PATCH
#undef HTTP_POST
#undef HTTP_PUT

struct scan {
    llhttp_t llhttp;
    struct http_head *head;
    const struct http_limits *limits;
    struct http_refusal *refusal;
    const char *end;         // of the bytes that are here
    const char *content_end; // of the line that is being read, without blanks and CRLF
    const char *fields_at;   // behind the request line, once that has been found good
    bool has_version, has_value;
};

static struct scan *scan_of(llhttp_t *llhttp) {
    return container_of(llhttp, struct scan, llhttp);
}

static struct http_span span_of(const struct scan *scan, const char *at, size_t bytes) {
    return (struct http_span){(uint32_t)(at - scan->head->base), (uint32_t)bytes};
}

static int refuse(struct scan *scan, unsigned status, const char *detail) {
    http_refuse(scan->refusal, status, detail);
    return HPE_USER;
}

static enum http_method method_of(const llhttp_t *llhttp) {
    switch (llhttp->method) {
    case LLHTTP_GET:
        return HTTP_GET;
    case LLHTTP_HEAD:
        return HTTP_HEAD;
    case LLHTTP_POST:
        return HTTP_POST;
    case LLHTTP_PUT:
        return HTTP_PUT;
    case LLHTTP_PATCH:
        return HTTP_PATCH;
    case LLHTTP_DELETE:
        return HTTP_DELETE;
    case LLHTTP_OPTIONS:
        return HTTP_OPTIONS;
    default:
        return HTTP_UNKNOWN;
    }
}

static int on_url(llhttp_t *llhttp, const char *at, size_t bytes) {
    struct scan *scan = scan_of(llhttp);
    scan->head->target = span_of(scan, at, bytes);
    return 0;
}

static int on_version(llhttp_t *llhttp, const char *at, size_t bytes) {
    struct scan *scan = scan_of(llhttp);
    scan->has_version = bytes == 3;
    scan->content_end = at + bytes;
    return 0;
}

/** METHOD SP target SP HTTP/1.x CRLF and not a byte more; the next line begins at `next`. */
static bool is_exact_request_line(const struct scan *scan, const char *next) {
    static const uint8_t name_bytes[HTTP_METHODS] = {
        [HTTP_GET] = 3, [HTTP_HEAD] = 4, [HTTP_POST] = 4, [HTTP_PUT] = 3, [HTTP_PATCH] = 5, [HTTP_DELETE] = 6, [HTTP_OPTIONS] = 7};
    const struct http_head *head = scan->head;
    if (head->method == HTTP_UNKNOWN || !scan->has_version || scan->llhttp.http_major != 1 || scan->llhttp.http_minor > 1)
        return false;
    const char *target = head->base + head->target.offset;
    return head->target.offset == name_bytes[head->method] + 1u && target[-1] == ' ' &&
           target + head->target.bytes + strlen(" HTTP/1.1") == scan->content_end && scan->content_end + 2 == next &&
           memcmp(target + head->target.bytes, " HTTP/", 6) == 0 && memcmp(scan->content_end, "\r\n", 2) == 0;
}

static int judge_line(struct scan *scan) {
    const char *base = scan->head->base;
    return http_request_line_judge(base, (size_t)(scan->end - base), scan->limits->request_line_bytes_max, scan->refusal);
}

static int end_request_line(struct scan *scan, const char *next) {
    struct http_head *head = scan->head;
    head->method = method_of(&scan->llhttp);
    head->minor = scan->llhttp.http_minor;
    if (!is_exact_request_line(scan, next) || (size_t)(scan->content_end - head->base) > scan->limits->request_line_bytes_max) {
        return judge_line(scan) == -EBADMSG ? HPE_USER : refuse(scan, 400, "Invalid request line");
    }
    scan->fields_at = next;
    return 0;
}

/** The line that is being read ends, and the next begins at `next`. */
static int end_line(struct scan *scan, const char *next) {
    if (!scan->fields_at)
        return end_request_line(scan, next);
    if ((size_t)(next - scan->fields_at) > scan->limits->field_bytes_max)
        return refuse(scan, 431, "Header fields too large");
    const char *c = scan->content_end;
    while (c < next && is_blank(*c))
        c++;
    return c + 2 == next && memcmp(c, "\r\n", 2) == 0 ? 0 : refuse(scan, 400, "Invalid header field");
}

static int on_field(llhttp_t *llhttp, const char *at, size_t bytes) {
    struct scan *scan = scan_of(llhttp);
    struct http_head *head = scan->head;
    int r = end_line(scan, at);
    if (r)
        return r;
    if (head->field_count == scan->limits->field_count_max || head->field_count == HTTP_FIELDS_MAX)
        return refuse(scan, 431, "Too many header fields");
    const char *name_end = at + bytes;
    if (name_end < scan->end && (!bytes || *name_end != ':'))
        return refuse(scan, 400, "Invalid header field");
    head->fields[head->field_count++] = (struct http_field){span_of(scan, at, bytes), span_of(scan, name_end, 0)};
    scan->content_end = name_end + 1;
    scan->has_value = false;
    return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t bytes) {
    struct scan *scan = scan_of(llhttp);
    if (!bytes) // said of the line's end, or of the next line
        return 0;
    const char *c = scan->content_end;
    while (c < at && is_blank(*c))
        c++;
    if (scan->has_value || c != at) // a second piece, or a first one that is not on the name's line
        return refuse(scan, 400, "Folded header field");
    while (bytes && is_blank(at[bytes - 1]))
        bytes--;
    scan->head->fields[scan->head->field_count - 1].value = span_of(scan, at, bytes);
    scan->content_end = at + bytes;
    scan->has_value = true;
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp) {
    (void)llhttp;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_version = on_version,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
};

/** llhttp has seen the empty line, which ends at `end`. */
static int64_t whole(struct scan *scan, const char *end) {
    struct http_head *head = scan->head;
    const char *empty_line = end[-2] == '\r' ? end - 2 : end - 1;
    if (end_line(scan, empty_line))
        return -EBADMSG;
    if (empty_line != end - 2 || end[-1] != '\n')
        return http_refuse(scan->refusal, 400, "Invalid header field");
    int r = http_target_split(head, scan->refusal);
    if (r || (r = http_framing_read(head, scan->refusal)))
        return r;
    head->bytes = (uint32_t)(end - head->base);
    return head->bytes;
}

/** All bytes are read and the empty line is not among them. */
static int64_t incomplete(struct scan *scan) {
    if (!scan->fields_at)
        return judge_line(scan) == -EBADMSG ? -EBADMSG : -EAGAIN;
    if ((size_t)(scan->end - scan->fields_at) > (size_t)scan->limits->field_bytes_max + 2) // the last two may be the empty line's
        return http_refuse(scan->refusal, 431, "Header fields too large");
    return -EAGAIN;
}

/** llhttp stumbled. */
static int64_t malformed(struct scan *scan) {
    const char *at = llhttp_get_error_pos(&scan->llhttp);
    if (!scan->fields_at) {
        int r = judge_line(scan);
        return r ? r : http_refuse(scan->refusal, 400, "Invalid request");
    }
    if (at && at > scan->fields_at && (size_t)(at - scan->fields_at) > scan->limits->field_bytes_max)
        return http_refuse(scan->refusal, 431, "Header fields too large");
    return http_refuse(scan->refusal, 400, "Invalid header field");
}

static __attribute__((noinline)) int64_t parse_closely(const char *data, size_t bytes, const struct http_limits *limits,
                                                       struct http_head *scratch, struct http_refusal *ret_refusal) {
    memset(scratch, 0, offsetof(struct http_head, fields));
    scratch->base = data;
    struct scan scan; // all but `llhttp`, which llhttp_init() sets
    scan.head = scratch;
    scan.limits = limits;
    scan.refusal = ret_refusal;
    scan.end = data + bytes;
    scan.content_end = scan.fields_at = NULL;
    scan.has_version = scan.has_value = false;
    llhttp_init(&scan.llhttp, HTTP_REQUEST, &settings);
    switch (llhttp_execute(&scan.llhttp, data, bytes)) {
    case HPE_PAUSED:
        return whole(&scan, llhttp_get_error_pos(&scan.llhttp));
    case HPE_OK:
        return incomplete(&scan);
    case HPE_USER:
        return -EBADMSG;
    default:
        return malformed(&scan);
    }
}

int64_t http_head_parse(const char *data, size_t bytes, const struct http_limits *limits, struct http_head *scratch,
                        struct http_refusal *ret_refusal) {
    size_t bytes_max = (size_t)limits->request_line_bytes_max + limits->field_bytes_max + 6;
    bytes = bytes < bytes_max ? bytes : bytes_max; // more would not make a head
    int64_t head_bytes = http_plain_head_read(data, bytes, limits, scratch);
    return head_bytes ? head_bytes : parse_closely(data, bytes, limits, scratch, ret_refusal);
}

size_t http_blank_lines(const char *data, size_t bytes) {
    size_t blank = 0;
    while (bytes - blank >= 2 && data[blank] == '\r' && data[blank + 1] == '\n')
        blank += 2;
    return blank;
}
