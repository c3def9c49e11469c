// redis_url.c — where Redis is, as REDIS_URL says: redis://, rediss:// (TLS), unix:///path.
#include "cache/redis_url.h"

#include <string.h>

enum { PORT = 6379 };

static const char shape[] = "this is no URL of a Redis; write redis://:password@host:6379/0, rediss:// for TLS, or unix:///path";

static bool takes(str *rest, const char *prefix) {
    size_t bytes = strlen(prefix);
    if (rest->len < bytes || memcmp(rest->ptr, prefix, bytes) != 0)
        return false;
    *rest = (str){rest->ptr + bytes, rest->len - bytes};
    return true;
}

// What stands before `stop`, which is taken off as well; all of it where there is no stop.
static str take_until(str *rest, char stop) {
    const char *at = rest->len ? memchr(rest->ptr, stop, rest->len) : NULL;
    str taken = {rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len};
    size_t bytes = taken.len + (at != NULL);
    *rest = (str){rest->ptr + bytes, rest->len - bytes};
    return taken;
}

static bool has(str text, char c) {
    return text.len && memchr(text.ptr, c, text.len);
}

static int hex(char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool decode(str text, char *out, size_t bytes_max) {
    size_t bytes = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            if (text.len - i < 3 || hex(text.ptr[i + 1]) < 0 || hex(text.ptr[i + 2]) < 0)
                return false;
            c = (char)(hex(text.ptr[i + 1]) << 4 | hex(text.ptr[i + 2]));
            i += 2;
        }
        if (!c || bytes == bytes_max - 1)
            return false;
        out[bytes++] = c;
    }
    out[bytes] = '\0';
    return true;
}

static bool read_number(str text, unsigned max, unsigned *ret_number) {
    unsigned number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || (number = number * 10 + (unsigned)(text.ptr[i] - '0')) > max)
            return false;
    }
    *ret_number = number;
    return text.len != 0;
}

// "user:password@", "password" alone behind a colon; nothing where there is no '@'.
static bool take_credentials(str *rest, struct redis_address *address) {
    const char *at = rest->len ? memrchr(rest->ptr, '@', rest->len) : NULL;
    if (!at)
        return true;
    str words = {rest->ptr, (size_t)(at - rest->ptr)};
    *rest = (str){at + 1, rest->len - words.len - 1};
    str user = take_until(&words, ':');
    return decode(user, address->user, sizeof address->user) && decode(words, address->password, sizeof address->password);
}

static const char *read_unix(str rest, struct redis_address *address) {
    str path = take_until(&rest, '?');
    if (!take_credentials(&path, address) || !path.len || path.ptr[0] != '/' || !decode(path, address->host, sizeof address->host))
        return shape;
    if (!rest.len)
        return NULL;
    return takes(&rest, "db=") && read_number(rest, REDIS_DATABASE_MAX, &address->database) ? NULL : shape;
}

static const char *read_host(str rest, struct redis_address *address) {
    str host = rest;
    bool is_bracketed = takes(&rest, "[");
    if (is_bracketed && !has(rest, ']'))
        return shape;
    host = is_bracketed ? take_until(&rest, ']') : take_until(&rest, ':');
    if (is_bracketed && rest.len && !takes(&rest, ":"))
        return shape;
    unsigned port = PORT;
    if (!host.len || !decode(host, address->host, sizeof address->host))
        return shape;
    if (rest.len && (!read_number(rest, UINT16_MAX, &port) || !port))
        return "the port of this Redis is no number from 1 to 65535";
    address->port = (uint16_t)port;
    return NULL;
}

static const char *read_network(str rest, struct redis_address *address) {
    str query = rest, place = take_until(&query, '?');
    if (query.len || has(place, '#'))
        return "this URL of a Redis says more than leat knows; leave out what stands behind the database";
    const char *slash = NULL; // behind the credentials, which may hold one
    for (size_t i = place.len; i > 0 && place.ptr[i - 1] != '@'; i--)
        slash = place.ptr[i - 1] == '/' ? place.ptr + i - 1 : slash;
    str database = slash ? (str){slash + 1, (size_t)(place.ptr + place.len - slash) - 1} : (str){0};
    if (slash)
        place.len = (size_t)(slash - place.ptr);
    if (database.len && !read_number(database, REDIS_DATABASE_MAX, &address->database))
        return "the database of this Redis is no number";
    return take_credentials(&place, address) ? read_host(place, address) : shape;
}

const char *redis_url_read(str url, struct redis_address *ret_address) {
    struct redis_address address = {0};
    address.is_unix = takes(&url, "unix://") || takes(&url, "redis+unix://");
    address.is_tls = !address.is_unix && takes(&url, "rediss://");
    const char *problem = address.is_unix                             ? read_unix(url, &address)
                          : address.is_tls || takes(&url, "redis://") ? read_network(url, &address)
                                                                      : shape;
    if (!problem)
        *ret_address = address;
    return problem;
}
