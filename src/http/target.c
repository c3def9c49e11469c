// target.c — the request target taken apart: path, query, and the host of an absolute one.
#include "http/target.h"

#include <arpa/inet.h>
#include <string.h>

#include "http/characters.h"
#include "http/charset.h"

static int malformed(struct http_refusal *ret_refusal) {
    return http_refuse(ret_refusal, 400, "Invalid request target");
}

/** The path begins at `from`, behind the target's beginning. */
static int split_query(struct http_head *head, uint32_t from, struct http_refusal *ret_refusal) {
    const char *text = head->base + head->target.offset;
    uint32_t end = head->target.bytes, at = from;
    while (at < end && text[at] != '?' && text[at] != '#') // targets are short: a loop beats memchr(3)
        at++;
    head->path = (struct http_span){head->target.offset + from, at - from};
    if (at < end && text[at] == '?') {
        head->query = (struct http_span){head->target.offset + at + 1, end - at - 1};
        at = memchr(text + at, '#', end - at) ? at : end;
    }
    return at == end ? 0 : malformed(ret_refusal);
}

/** "http://host:port/path?query"; the path may be missing and is "/" then. */
static int split_absolute(struct http_head *head, str target, struct http_refusal *ret_refusal) {
    size_t from = target.len > 7 && is_same_word(target.ptr, "http://", 7)    ? 7
                  : target.len > 8 && is_same_word(target.ptr, "https://", 8) ? 8
                                                                              : 0;
    if (!from)
        return malformed(ret_refusal);
    size_t end = from;
    while (end < target.len && target.ptr[end] != '/' && target.ptr[end] != '?')
        end++;
    if (end == from || !http_is_authority((str){target.ptr + from, end - from}))
        return malformed(ret_refusal);
    head->host = (struct http_span){head->target.offset + (uint32_t)from, (uint32_t)(end - from)};
    int r = split_query(head, (uint32_t)end, ret_refusal);
    if (!head->path.bytes) // the slash before the host serves: a span must point at something
        head->path = (struct http_span){head->target.offset + (uint32_t)from - 1, 1};
    return r;
}

int http_target_split(struct http_head *head, struct http_refusal *ret_refusal) {
    str target = http_text(head, head->target);
    if (target.ptr[0] == '/')
        return split_query(head, 0, ret_refusal);
    if (target.len == 1 && target.ptr[0] == '*' && head->method == HTTP_OPTIONS) {
        head->path = head->target;
        return 0;
    }
    return split_absolute(head, target, ret_refusal);
}

static bool is_port(str text) {
    unsigned port = 0;
    for (const char *c = text.ptr; c < text.ptr + text.len; c++) {
        unsigned digit = (unsigned char)*c - (unsigned)'0';
        port = port * 10 + digit;
        if (digit > 9 || port > 65535)
            return false;
    }
    return true;
}

static bool is_ipv6(str text) {
    char address[INET6_ADDRSTRLEN];
    if (text.len >= sizeof address)
        return false;
    memcpy(address, text.ptr, text.len);
    address[text.len] = '\0';
    return inet_pton(AF_INET6, address, &(struct in6_addr){0}) == 1;
}

/** How many bytes at the beginning are a registered name. */
static size_t name_bytes(str text) {
    size_t at = 0;
    for (;;) {
        at += charset_run(&charset_host, text.ptr + at, text.ptr + text.len);
        bool is_escape = text.len - at > 2 && text.ptr[at] == '%' && hex_value(text.ptr[at + 1]) >= 0 && hex_value(text.ptr[at + 2]) >= 0;
        if (!is_escape)
            return at;
        at += 3;
    }
}

/** How many bytes are an address in brackets. Apart, for its buffer would cost every other host. */
static __attribute__((noinline)) size_t literal_bytes(str text) {
    const char *close = memchr(text.ptr, ']', text.len);
    return close && is_ipv6((str){text.ptr + 1, (size_t)(close - text.ptr) - 1}) ? (size_t)(close - text.ptr) + 1 : 0;
}

static bool judge_authority(str text) {
    if (!text.len)
        return true;
    size_t host_bytes = text.ptr[0] == '[' ? literal_bytes(text) : name_bytes(text);
    str rest = {text.ptr + host_bytes, text.len - host_bytes};
    return host_bytes && (!rest.len || (rest.ptr[0] == ':' && is_port((str){rest.ptr + 1, rest.len - 1})));
}

/** Clients of a server all say the same host, so the one that this thread found good last is not taken apart again. */
bool http_is_authority(str text) {
    static _Thread_local struct {
        size_t bytes;
        char text[64];
    } good;
    if (text.len && text.len == good.bytes && memcmp(text.ptr, good.text, text.len) == 0)
        return true;
    if (!judge_authority(text))
        return false;
    if (text.len && text.len <= sizeof good.text) {
        memcpy(good.text, text.ptr, text.len);
        good.bytes = text.len;
    }
    return true;
}
