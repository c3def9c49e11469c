// framing.c — what the fields of a head mean: whose host it is for, how its body is delimited, and whether the connection stays.
//
// Two readings of where a body ends are how requests are smuggled past a proxy, so whatever can be read in two ways is refused: both
// lengths at once, a length twice, a coding that is not exactly "chunked".
#include "http/framing.h"

#include <string.h>

#include "http/characters.h"
#include "http/target.h"

struct framing {
    struct http_head *head;
    struct http_refusal *refusal;
    bool has_host, has_length, has_coding, says_close, says_keep_alive;
};

static int refuse(struct framing *framing, const char *detail) {
    return http_refuse(framing->refusal, 400, detail);
}

static int read_host(struct framing *framing, struct http_span value) {
    struct http_head *head = framing->head;
    if (framing->has_host)
        return refuse(framing, "More than one Host field");
    framing->has_host = true;
    if (!http_is_authority(http_text(head, value)))
        return refuse(framing, "Invalid Host field");
    if (!head->host.bytes) // an absolute target's host wins
        head->host = value;
    return 0;
}

static int read_length(struct framing *framing, struct http_span value) {
    str text = http_text(framing->head, value);
    if (framing->has_length)
        return refuse(framing, "More than one Content-Length field");
    framing->has_length = true;
    uint64_t length = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]) || __builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, (uint64_t)(text.ptr[i] - '0'), &length))
            return refuse(framing, "Invalid Content-Length field");
    }
    if (!text.len)
        return refuse(framing, "Invalid Content-Length field");
    framing->head->content_length = length;
    return 0;
}

/**
 * Only "chunked" is understood. Anything behind or beside it leaves the body's end in doubt (400); other codings are just not ours (501).
 */
static int read_coding(struct framing *framing, struct http_span value) {
    str text = http_text(framing->head, value);
    if (framing->has_coding || !text.len)
        return refuse(framing, "Invalid Transfer-Encoding field");
    framing->has_coding = true;
    if (text.len == 7 && is_same_word(text.ptr, "chunked", 7)) {
        framing->head->is_chunked = true;
        return 0;
    }
    const char *comma = memrchr(text.ptr, ',', text.len);
    for (const char *c = text.ptr; comma && comma - c >= 7; c++) {
        if (is_same_word(c, "chunked", 7))
            return refuse(framing, "Invalid Transfer-Encoding field");
    }
    return http_refuse(framing->refusal, 501, "Transfer coding not implemented");
}

static int read_connection(struct framing *framing, struct http_span value) {
    str rest = http_text(framing->head, value);
    if (rest.len == 10 && is_same_word(rest.ptr, "keep-alive", 10)) { // as most clients say it
        framing->says_keep_alive = true;
        return 0;
    }
    while (rest.len) {
        const char *comma = memchr(rest.ptr, ',', rest.len);
        size_t bytes = comma ? (size_t)(comma - rest.ptr) : rest.len;
        str option = trim_blanks((str){rest.ptr, bytes});
        framing->says_close |= option.len == 5 && is_same_word(option.ptr, "close", 5);
        framing->says_keep_alive |= option.len == 10 && is_same_word(option.ptr, "keep-alive", 10);
        bytes += comma ? 1 : 0;
        rest = (str){rest.ptr + bytes, rest.len - bytes};
    }
    return 0;
}

static int read_expect(struct framing *framing, struct http_span value) {
    str text = http_text(framing->head, value);
    if (framing->head->minor == 0) // RFC 9110, section 10.1.1: ignored
        return 0;
    if (text.len != 12 || !is_same_word(text.ptr, "100-continue", 12))
        return http_refuse(framing->refusal, 417, "Expectation not supported");
    framing->head->expects_continue = true;
    return 0;
}

static void keep_first(struct http_span *span, struct http_span value) {
    if (!span->bytes)
        *span = value;
}

static int read_field(struct framing *framing, const struct http_field *field) {
    struct http_head *head = framing->head;
    const char *name = head->base + field->name.offset;
    switch (field->name.bytes) {
    case 4:
        return is_same_word(name, "host", 4) ? read_host(framing, field->value) : 0;
    case 6:
        if (is_same_word(name, "cookie", 6))
            keep_first(&head->cookie, field->value);
        else if (is_same_word(name, "origin", 6))
            keep_first(&head->origin, field->value);
        else if (is_same_word(name, "expect", 6))
            return read_expect(framing, field->value);
        return 0;
    case 10:
        return is_same_word(name, "connection", 10) ? read_connection(framing, field->value) : 0;
    case 12:
        if (is_same_word(name, "content-type", 12))
            keep_first(&head->content_type, field->value);
        else if (is_same_word(name, "x-request-id", 12))
            keep_first(&head->request_id, field->value);
        return 0;
    case 13:
        if (is_same_word(name, "authorization", 13))
            keep_first(&head->authorization, field->value);
        return 0;
    case 14:
        return is_same_word(name, "content-length", 14) ? read_length(framing, field->value) : 0;
    case 16:
        if (is_same_word(name, "content-encoding", 16))
            head->is_coded |=
                field->value.bytes && !(field->value.bytes == 8 && is_same_word(head->base + field->value.offset, "identity", 8));
        return 0;
    case 17:
        return is_same_word(name, "transfer-encoding", 17) ? read_coding(framing, field->value) : 0;
    default:
        return 0;
    }
}

int http_framing_read(struct http_head *head, struct http_refusal *ret_refusal) {
    struct framing framing = {.head = head, .refusal = ret_refusal};
    for (unsigned i = 0; i < head->field_count; i++) {
        int r = read_field(&framing, &head->fields[i]);
        if (r)
            return r;
    }
    if (!framing.has_host && head->minor > 0)
        return refuse(&framing, "Host field missing");
    if (framing.has_coding && framing.has_length)
        return refuse(&framing, "Content-Length and Transfer-Encoding exclude each other");
    if (framing.has_coding && head->minor == 0)
        return refuse(&framing, "Transfer-Encoding in HTTP/1.0");
    head->has_body = head->is_chunked || head->content_length > 0;
    head->keep_alive = !framing.says_close && (head->minor > 0 || framing.says_keep_alive);
    return 0;
}
