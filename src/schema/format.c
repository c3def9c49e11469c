// format.c — what `.format` wants of a string.
//
// EMAIL and URL speak Pydantic's language and live in email.c and url.c. The others have no counterpart with words of its own in a Pydantic
// string: they say what they want as a `value_error`.
#include "format.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "schema/email.h"
#include "schema/url.h"

static bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

enum { HOSTNAME_BYTES_MAX = 253, LABEL_BYTES_MAX = 63 };

static bool is_label(str label) {
    if (!label.len || label.len > LABEL_BYTES_MAX || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!is_letter_or_digit(label.ptr[i]) && label.ptr[i] != '-')
            return false;
    return true;
}

bool format_is_hostname(str text) { // RFC 1123, section 2.1
    if (text.len > HOSTNAME_BYTES_MAX)
        return false;
    for (;;) {
        const char *dot = memchr(text.ptr, '.', text.len);
        str label = {text.ptr, dot ? (size_t)(dot - text.ptr) : text.len};
        if (!is_label(label))
            return false;
        if (!dot)
            return true;
        text = (str){dot + 1, text.len - label.len - 1};
    }
}

static bool is_address(int family, str text) {
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (text.len >= sizeof copy || memchr(text.ptr, 0, text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    return inet_pton(family, copy, &address) == 1;
}

bool format_is_ipv4(str text) {
    return is_address(AF_INET, text);
}

bool format_is_ipv6(str text) {
    return is_address(AF_INET6, text);
}

bool format_is_base64(str text) {
    size_t padding = 0;
    if (text.len % 4)
        return false;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < text.len - padding; i++)
        if (!is_letter_or_digit(text.ptr[i]) && text.ptr[i] != '+' && text.ptr[i] != '/')
            return false;
    return true;
}

bool format_is_slug(str text) {
    bool may_join = false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_hyphen = text.ptr[i] == '-';
        if (is_hyphen ? !may_join : !is_letter_or_digit(text.ptr[i]) || (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z'))
            return false;
        may_join = !is_hyphen;
    }
    return may_join;
}

static const struct {
    bool (*is_one)(str);
    const char *message;
} plain_formats[] = {
    [HOSTNAME] = {format_is_hostname, "value is not a valid hostname"},
    [IPV4] = {format_is_ipv4, "value is not a valid IPv4 address"},
    [IPV6] = {format_is_ipv6, "value is not a valid IPv6 address"},
    [BASE64] = {format_is_base64, "value is not valid base64"},
    [SLUG] = {format_is_slug, "value is not a valid slug: lower-case letters, digits and single hyphens between them"},
};

static int take_email(const struct rule *rule, const struct spot *spot, str *text) {
    str reason = {0};
    int error = email_take(spot->reading->arena, text, &reason);
    return error == -EINVAL ? rule_refuse(rule, spot, PROBLEM_EMAIL, &DETAIL_OF_TEXT(reason)) : error;
}

static int take_url(const struct rule *rule, const struct spot *spot, str *text) {
    const char *reason = NULL;
    if (text->len > URL_BYTES_MAX)
        return rule_refuse(rule, spot, PROBLEM_URL_TOO_LONG, &DETAIL_OF_INT(URL_BYTES_MAX));
    int error = url_take(spot->reading->arena, text, &reason);
    if (error != -EINVAL)
        return error;
    return rule_refuse(rule, spot, PROBLEM_URL_PARSING, &DETAIL_OF_TEXT(str_of(reason)));
}

int format_take(const struct rule *rule, const struct spot *spot, str *text) {
    enum leat_format format = rule->text.format;
    if (format == EMAIL)
        return take_email(rule, spot, text);
    if (format == URL)
        return take_url(rule, spot, text);
    const char *message = plain_formats[format].message;
    if (plain_formats[format].is_one(*text))
        return 0;
    return rule_refuse(rule, spot, PROBLEM_VALUE_ERROR, &DETAIL_OF_TEXT(str_of(message)));
}
