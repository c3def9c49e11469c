// target.c — the request target taken apart: path, query, and the host of an absolute one.
#include "http/target.h"

#include <arpa/inet.h>
#include <string.h>

#include "http/characters.h"

static int malformed(struct http_refusal *ret_refusal) {
    return http_refuse(ret_refusal, 400, "Invalid request target");
}

/** The path begins at `from`, behind the target's beginning. */
static void split_query(struct http_head *head, uint32_t from) {
    const char *text = head->base + head->target.offset;
    uint32_t end = head->target.bytes;
    const char *mark = memchr(text + from, '?', end - from);
    uint32_t path_end = mark ? (uint32_t)(mark - text) : end;
    head->path = (struct http_span){head->target.offset + from, path_end - from};
    if (mark)
        head->query = (struct http_span){head->target.offset + path_end + 1, end - path_end - 1};
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
    split_query(head, (uint32_t)end);
    if (!head->path.bytes) // the slash before the host serves: a span must point at something
        head->path = (struct http_span){head->target.offset + (uint32_t)from - 1, 1};
    return 0;
}

int http_target_split(struct http_head *head, struct http_refusal *ret_refusal) {
    str target = http_text(head, head->target);
    if (memchr(target.ptr, '#', target.len))
        return malformed(ret_refusal);
    if (target.ptr[0] == '/') {
        split_query(head, 0);
        return 0;
    }
    if (target.len == 1 && target.ptr[0] == '*' && head->method == HTTP_OPTIONS) {
        head->path = head->target;
        return 0;
    }
    return split_absolute(head, target, ret_refusal);
}

static bool is_port(str text) {
    unsigned long port = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]) || (port = port * 10 + (unsigned)(text.ptr[i] - '0')) > 65535)
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

/** What a registered name is made of. The comma is left out: it is how two hosts are slipped into one field. */
static bool is_name(str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_escape = c == '%' && text.len - i > 2 && hex_value(text.ptr[i + 1]) >= 0 && hex_value(text.ptr[i + 2]) >= 0;
        if (!is_digit(c) && !is_letter(c) && !is_escape && (!c || !strchr("-._~!$&'()*+;=", c)))
            return false;
    }
    return true;
}

bool http_is_authority(str text) {
    if (text.len && text.ptr[0] == '[') {
        const char *close = memchr(text.ptr, ']', text.len);
        if (!close || !is_ipv6((str){text.ptr + 1, (size_t)(close - text.ptr) - 1}))
            return false;
        str rest = {close + 1, (size_t)(text.ptr + text.len - close) - 1};
        return !rest.len || (rest.ptr[0] == ':' && is_port((str){rest.ptr + 1, rest.len - 1}));
    }
    const char *colon = text.len ? memchr(text.ptr, ':', text.len) : NULL;
    if (!colon)
        return is_name(text);
    size_t name_bytes = (size_t)(colon - text.ptr);
    return name_bytes && is_name((str){text.ptr, name_bytes}) && is_port((str){colon + 1, text.len - name_bytes - 1});
}
