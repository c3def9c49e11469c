// url.c — URLs, judged as Pydantic's AnyUrl does: the parser of the WHATWG's URL standard.
//
// That parser mends nearly everything; what it refuses is a missing scheme, and hosts and ports that cannot be. Only that is judged here.
#include "url.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <idn2.h>

#include "base/str.h"
#include "schema/format.h"

static const char no_base[] = "relative URL without a base";
static const char empty_host[] = "empty host";
static const char bad_domain[] = "invalid international domain name";
static const char bad_character[] = "invalid domain character";
static const char bad_port[] = "invalid port number";
static const char bad_ipv4[] = "invalid IPv4 address";
static const char bad_ipv6[] = "invalid IPv6 address";

enum { HOST_BYTES_MAX = 1024, PORT_MAX = 65535 };

static bool is_letter(char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int hex_value(char c) {
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// ---- the last label of a host decides whether it is a number

static bool parse_number(str part, uint64_t *ret_value) {
    unsigned base = 10;
    if (part.len >= 2 && part.ptr[0] == '0' && (part.ptr[1] | 0x20) == 'x') {
        base = 16;
        part = (str){part.ptr + 2, part.len - 2};
    } else if (part.len >= 2 && part.ptr[0] == '0') {
        base = 8;
        part = (str){part.ptr + 1, part.len - 1};
    }
    uint64_t value = 0;
    for (size_t i = 0; i < part.len; i++) {
        int digit = hex_value(part.ptr[i]);
        if (digit < 0 || (unsigned)digit >= base)
            return false;
        value = value > UINT32_MAX ? value : value * base + (unsigned)digit;
    }
    *ret_value = value;
    return true;
}

enum { IPV4_PARTS = 4 };

// Splits at periods; a last period does not count. -1 for more parts than an address has.
static int split(str host, str *parts) {
    int count = 0;
    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    for (const char *dot = host.ptr; dot; count++) {
        dot = memchr(host.ptr, '.', host.len);
        if (count == IPV4_PARTS)
            return -1;
        parts[count] = (str){host.ptr, dot ? (size_t)(dot - host.ptr) : host.len};
        if (dot)
            host = (str){dot + 1, host.len - parts[count].len - 1};
    }
    return count;
}

static str last_label(str host) {
    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    size_t start = host.len;
    while (start && host.ptr[start - 1] != '.')
        start--;
    return (str){host.ptr + start, host.len - start};
}

static bool ends_in_number(str host) {
    str last = last_label(host);
    uint64_t value;
    size_t digits = 0;
    while (digits < last.len && is_digit(last.ptr[digits]))
        digits++;
    return last.len && (digits == last.len || parse_number(last, &value));
}

static const char *judge_ipv4(str host) {
    str parts[IPV4_PARTS];
    int count = split(host, parts);
    for (int i = 0; i < count; i++) {
        uint64_t value, most = i + 1 < count ? 255 : (UINT64_C(1) << 8 * (IPV4_PARTS + 1 - count)) - 1;
        if (!parts[i].len || !parse_number(parts[i], &value) || value > most)
            return bad_ipv4;
    }
    return count < 0 ? bad_ipv4 : NULL;
}

// ---- hosts

static bool is_forbidden(unsigned char c) {
    return c <= ' ' || c == 0x7F || strchr("#/:<>?@[\\]^|%", c);
}

// "%41" is "A" in the host of a web address.
static str percent_decoded(str host, char *out) {
    size_t bytes = 0;
    for (size_t i = 0; i < host.len; i++) {
        int high = i + 2 < host.len && host.ptr[i] == '%' ? hex_value(host.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(host.ptr[i + 2]) : -1;
        out[bytes++] = low >= 0 ? (char)(high << 4 | low) : host.ptr[i];
        i += low >= 0 ? 2 : 0;
    }
    out[bytes] = 0;
    return (str){out, bytes};
}

static bool needs_idna(str host) {
    for (size_t i = 0; i < host.len; i++)
        if ((unsigned char)host.ptr[i] >= 0x80 || (i + 4 <= host.len && strncasecmp(host.ptr + i, "xn--", 4) == 0))
            return true;
    return false;
}

static const char *judge_domain(str host) {
    if (!host.len)
        return empty_host;
    for (size_t i = 0; i < host.len; i++)
        if (is_forbidden((unsigned char)host.ptr[i]))
            return bad_domain;
    return ends_in_number(host) ? judge_ipv4(host) : NULL;
}

static const char *judge_web_host(str host) {
    char decoded[HOST_BYTES_MAX + 1];
    if (host.len > HOST_BYTES_MAX)
        return bad_domain;
    host = percent_decoded(host, decoded);
    if (!needs_idna(host) || memchr(host.ptr, 0, host.len))
        return judge_domain(host);
    char *ascii;
    if (idn2_to_ascii_8z(decoded, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
        return bad_domain;
    const char *reason = judge_domain(str_of(ascii));
    idn2_free(ascii);
    return reason;
}

static const char *judge_opaque_host(str host) {
    for (size_t i = 0; i < host.len; i++)
        if (is_forbidden((unsigned char)host.ptr[i]) && host.ptr[i] != '%')
            return bad_character;
    return NULL;
}

static const char *judge_port(str port) {
    unsigned value = 0;
    for (size_t i = 0; i < port.len; i++) {
        if (!is_digit(port.ptr[i]))
            return bad_port;
        value = value * 10 + (unsigned)(port.ptr[i] - '0');
        if (value > PORT_MAX)
            return bad_port;
    }
    return NULL;
}

static const char *judge_ipv6_host(str host) {
    bool is_closed = host.len >= 2 && host.ptr[host.len - 1] == ']';
    return is_closed && format_is_ipv6((str){host.ptr + 1, host.len - 2}) ? NULL : bad_ipv6;
}

// The colon before the port: one that is not within brackets.
static const char *find_port(str host) {
    bool is_inside = false;
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == '[' || host.ptr[i] == ']')
            is_inside = host.ptr[i] == '[';
        else if (host.ptr[i] == ':' && !is_inside)
            return host.ptr + i;
    }
    return NULL;
}

static const char *judge_host(str host, bool is_web) {
    if (host.len && *host.ptr == '[')
        return judge_ipv6_host(host);
    return is_web ? judge_web_host(host) : judge_opaque_host(host);
}

static const char *judge_authority(str authority, bool is_web) {
    const char *at = memrchr(authority.ptr, '@', authority.len);
    str host = at ? (str){at + 1, authority.len - (size_t)(at + 1 - authority.ptr)} : authority;
    const char *colon = find_port(host);
    str port = colon ? (str){colon + 1, host.len - (size_t)(colon + 1 - host.ptr)} : (str){"", 0};
    host.len -= colon ? port.len + 1 : 0;
    if (!host.len && (colon || at))
        return empty_host;
    const char *reason = judge_host(host, is_web);
    return reason ? reason : judge_port(port);
}

// A file's host has neither user nor port; "c:" is no host but a drive.
static const char *judge_file_host(str host) {
    bool is_drive = host.len == 2 && is_letter(*host.ptr) && (host.ptr[1] == ':' || host.ptr[1] == '|');
    return !host.len || is_drive ? NULL : judge_host(host, true);
}

// ---- the whole

static bool is_web_scheme(str scheme) {
    static const char *const schemes[] = {"http", "https", "ws", "wss", "ftp"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (scheme.len == strlen(schemes[i]) && strncasecmp(scheme.ptr, schemes[i], scheme.len) == 0)
            return true;
    return false;
}

static size_t scheme_bytes(str text) {
    size_t i = 0;
    while (i < text.len && (is_letter(text.ptr[i]) || (i && (is_digit(text.ptr[i]) || strchr("+-.", text.ptr[i])))))
        i++;
    return i && i < text.len && text.ptr[i] == ':' ? i : 0;
}

static str authority_of(str rest, const char *ends) {
    size_t i = 0;
    while (i < rest.len && !(rest.ptr[i] && strchr(ends, rest.ptr[i])))
        i++;
    return (str){rest.ptr, i};
}

static const char *judge(str text) {
    size_t bytes = scheme_bytes(text);
    if (!text.len)
        return "input is empty";
    if (!bytes)
        return no_base;
    str scheme = {text.ptr, bytes}, rest = {text.ptr + bytes + 1, text.len - bytes - 1};
    if (is_web_scheme(scheme)) {
        while (rest.len && (*rest.ptr == '/' || *rest.ptr == '\\'))
            rest = (str){rest.ptr + 1, rest.len - 1};
        return judge_authority(authority_of(rest, "/\\?#"), true);
    }
    if (rest.len < 2 || rest.ptr[0] != '/' || rest.ptr[1] != '/')
        return NULL;
    rest = (str){rest.ptr + 2, rest.len - 2};
    if (scheme.len == 4 && strncasecmp(scheme.ptr, "file", 4) == 0)
        return judge_file_host(authority_of(rest, "/\\?#"));
    return judge_authority(authority_of(rest, "/?#"), false);
}

static bool is_ignored(char c) {
    return c == '\t' || c == '\n' || c == '\r';
}

static str without_blanks_around(str text) {
    while (text.len && (unsigned char)*text.ptr <= ' ')
        text = (str){text.ptr + 1, text.len - 1};
    while (text.len && (unsigned char)text.ptr[text.len - 1] <= ' ')
        text.len--;
    return text;
}

static str without_ignored(struct arena *arena, str text) {
    size_t first = 0, bytes;
    while (first < text.len && !is_ignored(text.ptr[first]))
        first++;
    if (first == text.len)
        return text;
    char *copy = arena_raw(arena, text.len);
    if (!copy)
        return (str){0};
    memcpy(copy, text.ptr, bytes = first);
    for (size_t i = first; i < text.len; i++)
        if (!is_ignored(text.ptr[i]))
            copy[bytes++] = text.ptr[i];
    return (str){copy, bytes};
}

int url_take(struct arena *arena, str *text, const char **ret_reason) {
    str url = without_ignored(arena, without_blanks_around(*text));
    if (!url.ptr)
        return -ENOMEM;
    const char *reason = judge(url);
    if (reason) {
        *ret_reason = reason;
        return -EINVAL;
    }
    *text = url;
    return 0;
}
