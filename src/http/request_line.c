// request_line.c — what is wrong with a request line that is not as it should be.
//
// The parser asks only after it has stumbled, so this is written for clear answers, not for speed.
#include "http/request_line.h"

#include <stdbool.h>
#include <string.h>

#include "http/characters.h"
#include "http/head.h"

struct line {
    const char *data;
    size_t bytes, at, bytes_max;
};

static int wait_for_more(const struct line *line, struct http_refusal *ret_refusal) {
    if (line->at > line->bytes_max)
        return http_refuse(ret_refusal, 414, "Request line too long");
    return -EAGAIN;
}

static int malformed(const struct line *line, struct http_refusal *ret_refusal) {
    if (line->at > line->bytes_max)
        return http_refuse(ret_refusal, 414, "Request line too long");
    return http_refuse(ret_refusal, 400, "Invalid request line");
}

/** Goes behind the characters that `belongs` takes, at least one. 0, -EAGAIN or -EBADMSG. */
static int skip_some(struct line *line, bool (*belongs)(char), struct http_refusal *ret_refusal) {
    size_t start = line->at;
    while (line->at < line->bytes && belongs(line->data[line->at]))
        line->at++;
    if (line->at == line->bytes)
        return wait_for_more(line, ret_refusal);
    return line->at == start ? malformed(line, ret_refusal) : 0;
}

/** Goes behind exactly `text`. */
static int skip_text(struct line *line, const char *text, struct http_refusal *ret_refusal) {
    for (; *text; text++, line->at++) {
        if (line->at == line->bytes)
            return wait_for_more(line, ret_refusal);
        if (line->data[line->at] != *text)
            return malformed(line, ret_refusal);
    }
    return 0;
}

static bool is_visible(char c) {
    return c > ' ' && c < 0x7f;
}

/** `*ret_is_known` when it is HTTP/1.0 or HTTP/1.1. */
static int judge_version(struct line *line, bool *ret_is_known, struct http_refusal *ret_refusal) {
    int r = skip_text(line, " HTTP/", ret_refusal);
    size_t major = line->at;
    if (r || (r = skip_some(line, is_digit, ret_refusal)) || (r = skip_text(line, ".", ret_refusal)))
        return r;
    size_t minor = line->at;
    if ((r = skip_some(line, is_digit, ret_refusal)))
        return r;
    if (minor - major != 2 || line->at - minor != 1)
        return malformed(line, ret_refusal);
    *ret_is_known = line->data[major] == '1' && line->data[minor] <= '1';
    return 0;
}

static bool is_known_method(const char *name, size_t bytes) {
    for (int method = 0; method < HTTP_METHODS; method++) {
        const char *known = http_method_name((enum http_method)method);
        if (strlen(known) == bytes && memcmp(known, name, bytes) == 0)
            return true;
    }
    return false;
}

int http_request_line_judge(const char *data, size_t bytes, uint32_t line_bytes_max, struct http_refusal *ret_refusal) {
    struct line line = {data, bytes, 0, line_bytes_max};
    int r = skip_some(&line, is_token_char, ret_refusal);
    size_t method_bytes = line.at;
    if (r || (r = skip_text(&line, " ", ret_refusal)) || (r = skip_some(&line, is_visible, ret_refusal)))
        return r;
    bool is_known_version = false; // a line without any is HTTP/0.9's
    if (data[line.at] != '\r' && (r = judge_version(&line, &is_known_version, ret_refusal)))
        return r;
    size_t line_bytes = line.at;
    if ((r = skip_text(&line, "\r\n", ret_refusal)))
        return r;
    if (line_bytes > line_bytes_max)
        return http_refuse(ret_refusal, 414, "Request line too long");
    if (!is_known_method(data, method_bytes))
        return http_refuse(ret_refusal, 501, "Method not implemented");
    if (!is_known_version)
        return http_refuse(ret_refusal, 505, "HTTP version not supported");
    return 0;
}
