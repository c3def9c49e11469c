// email_domain.c — what comes after the @-sign.
#include <errno.h>
#include <string.h>

#include <idn2.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "schema/email.h"
#include "schema/format.h"

enum { DOMAIN_BYTES_MAX = 253, LABEL_BYTES_MAX = 63 };

#define REFUSE(...) email_refuse(arena, ret_reason, __VA_ARGS__)

static bool is_letter(uint32_t c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_of_hostname(uint32_t c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c >= 0x80;
}

static bool is_ascii(str text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    return true;
}

static bool take_label(str *rest, str *ret_label) {
    if (!rest->ptr)
        return false;
    const char *dot = memchr(rest->ptr, '.', rest->len);
    *ret_label = (str){rest->ptr, dot ? (size_t)(dot - rest->ptr) : rest->len};
    *rest = dot ? (str){dot + 1, rest->len - ret_label->len - 1} : (str){0};
    return true;
}

static bool is_punycode(str label) {
    return label.len >= 4 && memcmp(label.ptr, "xn--", 4) == 0;
}

static bool has_punycode(str domain) {
    for (str label; take_label(&domain, &label);)
        if (is_punycode(label))
            return true;
    return false;
}

// RFC 5890, section 2.3.1: two characters and two hyphens are reserved for "xn--".
static bool has_reserved_label(str domain) {
    for (str label; take_label(&domain, &label);) {
        uint32_t c;
        str rest = label;
        utf8_next(&rest, &c);
        utf8_next(&rest, &c);
        if (rest.len >= 2 && rest.ptr[0] == '-' && rest.ptr[1] == '-' && !is_punycode(label))
            return true;
    }
    return false;
}

static str lower_ascii(struct arena *arena, str domain) {
    str lower = arena_copy(arena, domain);
    for (size_t i = 0; lower.ptr && i < lower.len; i++)
        if (lower.ptr[i] >= 'A' && lower.ptr[i] <= 'Z')
            ((char *)lower.ptr)[i] |= 0x20;
    return lower;
}

// ---- IDNA: UTS 46 mapping, then IDNA 2008's own rules

static int from_idn2(struct arena *arena, uint8_t *text, str *ret) {
    *ret = arena_format(arena, "%s", (const char *)text); // terminated, as libidn2 wants it back
    idn2_free(text);
    return ret->ptr ? 0 : -ENOMEM;
}

// 0, or an IDN2 error (negative), or 1 without memory.
static int to_ascii(struct arena *arena, str text, int flags, str *ret) {
    str terminated = arena_format(arena, "%.*s", (int)text.len, text.ptr);
    uint8_t *ascii;
    if (!terminated.ptr)
        return 1;
    int error = idn2_lookup_u8((const uint8_t *)terminated.ptr, &ascii, flags | IDN2_NFC_INPUT);
    if (error)
        return error == IDN2_MALLOC ? 1 : error;
    return from_idn2(arena, ascii, ret) ? 1 : 0;
}

static int to_unicode(struct arena *arena, str ascii, str *ret) {
    char *text;
    int error = idn2_to_unicode_8z8z(ascii.ptr, &text, 0);
    if (error)
        return error == IDN2_MALLOC ? 1 : error;
    return from_idn2(arena, (uint8_t *)text, ret) ? 1 : 0;
}

static bool is_label_of_its_own(struct arena *arena, uint32_t code_point, int flags) {
    char bytes[4];
    str one = {bytes, utf8_put(bytes, code_point)}, ascii;
    int error = to_ascii(arena, one, flags, &ascii);
    return error != IDN2_DISALLOWED && error != IDN2_UNASSIGNED;
}

// The first character that these rules do not allow, and where it is, from 1; 0 where it is something else.
static size_t find_disallowed(struct arena *arena, str text, int flags, uint32_t *ret_code_point) {
    for (size_t position = 1; utf8_next(&text, ret_code_point); position++)
        if (*ret_code_point >= 0x80 && !is_label_of_its_own(arena, *ret_code_point, flags))
            return position;
    return 0;
}

// IDNA 2008 allows fewer characters than the mapping of UTS 46 lets through, symbols above all. What the mapping would have changed is
// refused by the mapping; libidn2 does not say which of the two it was.
static bool is_mapped(uint32_t code_point) {
    utf8proc_int32_t mapped[8];
    int last_class = 0;
    utf8proc_option_t options = UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD;
    utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)code_point, mapped, 8, options, &last_class);
    return count != 1 || (uint32_t)mapped[0] != code_point;
}

static int refuse_code_point(struct arena *arena, str domain, str *ret_reason) {
    uint32_t c;
    size_t position = find_disallowed(arena, domain, IDN2_NONTRANSITIONAL, &c);
    if (position && is_mapped(c))
        return REFUSE("The part after the @-sign contains invalid characters (Codepoint U+%04X not allowed at position %zu in '%.*s').", c,
                      position, (int)domain.len, domain.ptr);
    for (str label; take_label(&domain, &label);) {
        position = find_disallowed(arena, label, IDN2_NO_TR46, &c);
        if (position)
            return REFUSE("The part after the @-sign is invalid (Codepoint U+%04X at position %zu of '%.*s' not allowed).", c, position,
                          (int)label.len, label.ptr);
    }
    return 0;
}

static int refuse_idna(struct arena *arena, str domain, int error, str *ret_reason) {
    if (error == IDN2_TOO_BIG_LABEL || error == IDN2_TOO_BIG_DOMAIN)
        return REFUSE("The part after the @-sign is invalid (Label too long).");
    int refused = refuse_code_point(arena, domain, ret_reason);
    return refused ? refused : REFUSE("The part after the @-sign is invalid (%s).", idn2_strerror(error));
}

static int encode(struct arena *arena, str domain, str *ret_ascii, str *ret_unicode, str *ret_reason) {
    str ascii, strict;
    bool was_ascii = is_ascii(domain);
    int error = to_ascii(arena, domain, IDN2_NONTRANSITIONAL, &ascii);
    if (error < 0)
        return was_ascii ? REFUSE("The part after the @-sign is not valid IDNA (%s).", idn2_strerror(error))
                         : refuse_idna(arena, domain, error, ret_reason);
    if (!error)
        error = to_unicode(arena, ascii, ret_unicode);
    if (error < 0)
        return REFUSE("The part after the @-sign is not valid IDNA (%s).", idn2_strerror(error));
    if (!error)
        error = to_ascii(arena, *ret_unicode, IDN2_NO_TR46, &strict);
    if (error < 0)
        return refuse_idna(arena, *ret_unicode, error, ret_reason);
    *ret_ascii = ascii;
    return error ? -ENOMEM : 0;
}

// The periods and the hyphen of East Asian scripts, which the mapping makes ours: so that where they stand is judged first.
static str plain_stops(struct arena *arena, str domain) {
    char *text = arena_raw(arena, domain.len), *end = text;
    uint32_t c;
    if (!text)
        return (str){0};
    while (utf8_next(&domain, &c)) {
        if (c == 0x3002 || c == 0xFF0E || c == 0xFF61)
            c = '.';
        end += utf8_put(end, c == 0xFF0D ? '-' : c);
    }
    return (str){text, (size_t)(end - text)};
}

// ---- judging

static int refuse_lengths(struct arena *arena, str ascii, bool is_given, str *ret_reason) {
    if (ascii.len > DOMAIN_BYTES_MAX) {
        size_t more = ascii.len - DOMAIN_BYTES_MAX;
        return REFUSE("The email address is too long after the @-sign (%zu %s%s too many%s).", more, is_given ? "character" : "byte",
                      more > 1 ? "s" : "", is_given ? "" : " after IDNA encoding");
    }
    for (str rest = ascii, label; take_label(&rest, &label);)
        if (label.len > LABEL_BYTES_MAX)
            return REFUSE("After the @-sign, periods cannot be separated by so many characters (%zu character%s too many).",
                          label.len - LABEL_BYTES_MAX, label.len - LABEL_BYTES_MAX > 1 ? "s" : "");
    return 0;
}

static bool ends_with(str domain, const char *name) {
    size_t bytes = strlen(name);
    if (domain.len < bytes || memcmp(domain.ptr + domain.len - bytes, name, bytes) != 0)
        return false;
    return domain.len == bytes || domain.ptr[domain.len - bytes - 1] == '.';
}

bool email_domain_is_special(str ascii) {
    static const char *const special[] = {"arpa", "invalid", "local", "localhost", "onion", "test"}; // "example" is not: for documents
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (ends_with(ascii, special[i]))
            return true;
    return false;
}

static int refuse_place(struct arena *arena, str ascii, str *ret_reason) {
    if (!memchr(ascii.ptr, '.', ascii.len))
        return REFUSE("The part after the @-sign is not valid. It should have a period.");
    if (!is_letter((unsigned char)ascii.ptr[ascii.len - 1]))
        return REFUSE("The part after the @-sign is not valid. It is not within a valid top-level domain.");
    if (email_domain_is_special(ascii))
        return REFUSE("The part after the @-sign is a special-use or reserved name that cannot be used with email.");
    return 0;
}

int email_domain(struct arena *arena, str domain, str *ret_ascii, str *ret_unicode, str *ret_reason) {
    static const char lead[] = "The part after the @-sign contains invalid characters";
    str ascii, unicode;
    int error = email_refuse_characters(arena, domain, is_of_hostname, lead, ret_reason);
    if (!error)
        error = email_refuse_unsafe(arena, domain, false, ret_reason);
    if (error)
        return error;
    str mapped = is_ascii(domain) ? lower_ascii(arena, domain) : plain_stops(arena, domain);
    if (!mapped.ptr)
        return -ENOMEM;
    error = email_refuse_dots(arena, mapped, true, ret_reason);
    if (error)
        return error;
    if (has_reserved_label(mapped))
        return REFUSE(
            "An email address cannot have two letters followed by two dashes immediately after the @-sign or after a period, except "
            "Punycode.");
    ascii = unicode = mapped;
    if (!is_ascii(mapped) || has_punycode(mapped))
        error = encode(arena, mapped, &ascii, &unicode, ret_reason);
    if (!error)
        error = refuse_lengths(arena, ascii, ascii.len == domain.len && memcmp(ascii.ptr, domain.ptr, ascii.len) == 0, ret_reason);
    if (!error)
        error = refuse_place(arena, ascii, ret_reason);
    if (error)
        return error;
    *ret_ascii = ascii;
    *ret_unicode = unicode;
    return 0;
}

// ---- user@[1.2.3.4]

static int refuse_ipv4(struct arena *arena, str text, const char *why, str octet, str *ret_reason) {
    str told = octet.ptr ? arena_format(arena, why, (int)octet.len, octet.ptr) : arena_format(arena, "%s", why);
    if (!told.ptr)
        return -ENOMEM;
    return REFUSE(
        "The address in brackets after the @-sign is not valid: It is not an IPv4 address (%.*s in '%.*s') or is missing an address "
        "literal tag.",
        (int)told.len, told.ptr, (int)text.len, text.ptr);
}

static int judge_octet(struct arena *arena, str text, str octet, str *ret_reason) {
    unsigned value = 0;
    if (!octet.len)
        return refuse_ipv4(arena, text, "Empty octet not permitted", (str){0}, ret_reason);
    if (octet.len > 3)
        return refuse_ipv4(arena, text, "At most 3 characters permitted in '%.*s'", octet, ret_reason);
    if (octet.len > 1 && *octet.ptr == '0')
        return refuse_ipv4(arena, text, "Leading zeros are not permitted in '%.*s'", octet, ret_reason);
    for (size_t i = 0; i < octet.len; i++)
        value = value * 10 + (unsigned)(octet.ptr[i] - '0');
    return value > 255 ? refuse_ipv4(arena, text, "Octet %.*s (> 255) not permitted", octet, ret_reason) : 0;
}

static int judge_ipv4(struct arena *arena, str text, str *ret_reason) {
    unsigned count = 0;
    for (str rest = text, octet; take_label(&rest, &octet);)
        count++;
    if (count != 4)
        return refuse_ipv4(arena, text, "Expected 4 octets", (str){0}, ret_reason);
    for (str rest = text, octet; take_label(&rest, &octet);) {
        int error = judge_octet(arena, text, octet, ret_reason);
        if (error)
            return error;
    }
    return 0;
}

static bool is_of_ipv4(uint32_t c) {
    return (c >= '0' && c <= '9') || c == '.';
}

static bool is_of_literal(uint32_t c) {
    return c >= 0x21 && c <= 0xFA;
}

int email_literal(struct arena *arena, str literal, str *ret_reason) {
    size_t i = 0;
    while (i < literal.len && is_of_ipv4((unsigned char)literal.ptr[i]))
        i++;
    if (literal.len && i == literal.len)
        return judge_ipv4(arena, literal, ret_reason);
    if (literal.len >= 5 && memcmp(literal.ptr, "IPv6:", 5) == 0) {
        if (format_is_ipv6((str){literal.ptr + 5, literal.len - 5}))
            return 0;
        return REFUSE("The IPv6 address in brackets after the @-sign is not valid ('%.*s' is none).", (int)literal.len - 5,
                      literal.ptr + 5);
    }
    if (!memchr(literal.ptr, ':', literal.len))
        return REFUSE("The part after the @-sign in brackets is not an IPv4 address and has no address literal tag.");
    int error = email_refuse_characters(arena, literal, is_of_literal, "The part after the @-sign contains invalid characters in brackets",
                                        ret_reason);
    return error ? error : REFUSE("The part after the @-sign contains an invalid address literal tag in brackets.");
}
