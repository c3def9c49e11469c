// body.c — where a request's body ends: counted by Content-Length or in chunks, taken in whatever pieces it arrives.
//
// The chunk reader is our own and not llhttp's, for its limits: extensions and trailers cost a client one byte and us the same, so both are
// counted over the whole body. It goes byte by byte but for the content, and is as strict as the head's reader: CRLF only, a token where a
// token belongs. Blanks around ';' and '=' are let pass, as section 7.1.1 wants.
#include "http/body.h"

#include "http/characters.h"

enum state {
    CONTENT, // of Content-Length
    CONTENT_DONE,
    SIZE,
    SIZE_BLANK, // blanks before ';'
    EXTENSION,  // before its name
    EXTENSION_NAME,
    EXTENSION_NAME_BLANK,
    EXTENSION_VALUE, // before its value
    EXTENSION_TOKEN,
    EXTENSION_QUOTED,
    EXTENSION_ESCAPE,
    EXTENSION_QUOTED_END,
    SIZE_LF,
    CHUNK,
    CHUNK_CR,
    CHUNK_LF,
    TRAILER, // at a line's beginning
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
};

enum { SIZE_DIGITS_MAX = 16 };

int http_body_begin(struct http_body *body, const struct http_head *head, uint64_t bytes_max, const struct http_limits *limits,
                    struct http_refusal *ret_refusal) {
    uint64_t length = head->is_chunked ? 0 : head->content_length;
    if (length > bytes_max)
        return http_refuse(ret_refusal, 413, "Request body too large");
    *body = (struct http_body){.limits = limits,
                               .bytes_max = bytes_max,
                               .bytes = length,
                               .left = length,
                               .state = head->is_chunked ? SIZE
                                        : length         ? CONTENT
                                                         : CONTENT_DONE};
    return 0;
}

/** The size line is read: does a body of this size fit? */
static int begin_chunk(struct http_body *body, struct http_refusal *refusal) {
    if (body->left > body->bytes_max - body->bytes)
        return http_refuse(refusal, 413, "Request body too large");
    body->bytes += body->left;
    body->state = body->left ? CHUNK : TRAILER;
    body->size_digits = 0;
    return 0;
}

static int bad_chunk(struct http_refusal *refusal) {
    return http_refuse(refusal, 400, "Invalid chunk");
}

static int move_to(struct http_body *body, enum state state) {
    body->state = (uint8_t)state;
    return 0;
}

static int read_size(struct http_body *body, char c, struct http_refusal *refusal) {
    int digit = hex_value(c);
    if (digit >= 0) {
        if (body->size_digits == SIZE_DIGITS_MAX)
            return bad_chunk(refusal);
        body->left = body->size_digits++ ? body->left << 4 | (unsigned)digit : (unsigned)digit;
        return 0;
    }
    if (!body->size_digits)
        return bad_chunk(refusal);
    if (c == '\r')
        return move_to(body, SIZE_LF);
    if (c == ';')
        return move_to(body, EXTENSION);
    return is_blank(c) ? move_to(body, SIZE_BLANK) : bad_chunk(refusal);
}

/** The next state of an extension behind `c`, or -1. */
static int extension_next(enum state state, char c) {
    switch (state) {
    case SIZE_BLANK:
        return is_blank(c) ? SIZE_BLANK : c == ';' ? EXTENSION : -1;
    case EXTENSION:
        return is_blank(c) ? EXTENSION : is_token_char(c) ? EXTENSION_NAME : -1;
    case EXTENSION_NAME:
        if (is_token_char(c))
            return EXTENSION_NAME;
        return c == '=' ? EXTENSION_VALUE : c == ';' ? EXTENSION : c == '\r' ? SIZE_LF : is_blank(c) ? EXTENSION_NAME_BLANK : -1;
    case EXTENSION_NAME_BLANK:
        return is_blank(c) ? EXTENSION_NAME_BLANK : c == '=' ? EXTENSION_VALUE : c == ';' ? EXTENSION : -1;
    case EXTENSION_VALUE:
        return is_blank(c) ? EXTENSION_VALUE : c == '"' ? EXTENSION_QUOTED : is_token_char(c) ? EXTENSION_TOKEN : -1;
    case EXTENSION_TOKEN:
        if (is_token_char(c))
            return EXTENSION_TOKEN;
        return c == ';' ? EXTENSION : c == '\r' ? SIZE_LF : is_blank(c) ? SIZE_BLANK : -1;
    case EXTENSION_QUOTED:
        return c == '"' ? EXTENSION_QUOTED_END : c == '\\' ? EXTENSION_ESCAPE : is_text(c) ? EXTENSION_QUOTED : -1;
    case EXTENSION_ESCAPE:
        return is_text(c) ? EXTENSION_QUOTED : -1;
    case EXTENSION_QUOTED_END:
        return c == ';' ? EXTENSION : c == '\r' ? SIZE_LF : is_blank(c) ? SIZE_BLANK : -1;
    default:
        return -1;
    }
}

static int read_extension(struct http_body *body, char c, struct http_refusal *refusal) {
    if (++body->extension_bytes > body->limits->chunk_extension_bytes_max)
        return http_refuse(refusal, 413, "Chunk extensions too large");
    int next = extension_next((enum state)body->state, c);
    return next < 0 ? bad_chunk(refusal) : move_to(body, (enum state)next);
}

static int read_trailer(struct http_body *body, char c, struct http_refusal *refusal) {
    if (++body->trailer_bytes > body->limits->trailer_bytes_max)
        return http_refuse(refusal, 431, "Trailer fields too large");
    switch ((enum state)body->state) {
    case TRAILER:
        return c == '\r' ? move_to(body, LAST_LF) : is_token_char(c) ? move_to(body, TRAILER_NAME) : bad_chunk(refusal);
    case TRAILER_NAME:
        return c == ':' ? move_to(body, TRAILER_VALUE) : is_token_char(c) ? 0 : bad_chunk(refusal);
    case TRAILER_VALUE:
        return c == '\r' ? move_to(body, TRAILER_LF) : is_text(c) ? 0 : bad_chunk(refusal);
    default:
        return c == '\n' ? move_to(body, TRAILER) : bad_chunk(refusal);
    }
}

/** One byte that is no content. */
static int read_frame(struct http_body *body, char c, struct http_refusal *refusal) {
    switch ((enum state)body->state) {
    case SIZE:
        return read_size(body, c, refusal);
    case SIZE_LF:
        return c == '\n' ? begin_chunk(body, refusal) : bad_chunk(refusal);
    case CHUNK_CR:
        return c == '\r' ? move_to(body, CHUNK_LF) : bad_chunk(refusal);
    case CHUNK_LF:
        return c == '\n' ? move_to(body, SIZE) : bad_chunk(refusal);
    case LAST_LF:
        return c == '\n' ? move_to(body, CONTENT_DONE) : bad_chunk(refusal);
    case TRAILER:
    case TRAILER_NAME:
    case TRAILER_VALUE:
    case TRAILER_LF:
        return read_trailer(body, c, refusal);
    default:
        return read_extension(body, c, refusal);
    }
}

static void take_content(struct http_body *body, str *rest, str *ret_piece) {
    size_t bytes = rest->len < body->left ? rest->len : (size_t)body->left;
    *ret_piece = (str){rest->ptr, bytes};
    *rest = (str){rest->ptr + bytes, rest->len - bytes};
    body->left -= bytes;
    if (!body->left)
        body->state = body->state == CONTENT ? CONTENT_DONE : CHUNK_CR;
}

int http_body_next(struct http_body *body, str *rest, str *ret_piece, struct http_refusal *ret_refusal) {
    while (body->state != CONTENT_DONE) {
        if (!rest->len)
            return -EAGAIN;
        if (body->state == CONTENT || body->state == CHUNK) {
            take_content(body, rest, ret_piece);
            return 1;
        }
        int r = read_frame(body, *rest->ptr, ret_refusal);
        if (r)
            return r;
        *rest = (str){rest->ptr + 1, rest->len - 1};
    }
    return 0;
}

bool http_body_is_counted(const struct http_body *body) {
    return body->state == CONTENT || body->state == CONTENT_DONE;
}
