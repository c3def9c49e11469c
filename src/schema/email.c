// email.c — addresses, judged and normalised as Python's email-validator 2.2 does for Pydantic's EmailStr.
//
// Nearly every address is ASCII, in one piece and right: one pass over its bytes says so. Whatever that pass does not vouch for is judged
// again, rule by rule in the order of email-validator, because the first rule that is broken is the reason that is told.
#include "email.h"

#include <errno.h>
#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"
#include "schema/numeral.h"

enum {
    TEXT_CHARACTERS_MAX = 2048, // Pydantic's
    LOCAL_CHARACTERS_MAX = 64,
    ADDRESS_BYTES_MAX = 254,
};

int email_refuse(struct arena *arena, str *ret_reason, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str reason = arena_vformat(arena, format, args);
    va_end(args);
    if (!reason.ptr)
        return -ENOMEM;
    *ret_reason = reason;
    return -EINVAL;
}

#define REFUSE(...) email_refuse(arena, ret_reason, __VA_ARGS__)

// Normalisation form C; `ptr` NULL without memory.
static str compose(struct arena *arena, str text) {
    size_t room = text.len * 4 + 1; // a code point decomposes to at most four
    utf8proc_int32_t *code_points = arena_raw(arena, room * sizeof *code_points);
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    if (!code_points)
        return (str){0};
    utf8proc_ssize_t count = utf8proc_decompose((const utf8proc_uint8_t *)text.ptr, (utf8proc_ssize_t)text.len, code_points,
                                                (utf8proc_ssize_t)room, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
    if (count < 0 || (size_t)count > room)
        return (str){0};
    count = utf8proc_normalize_utf32(code_points, count, options);
    char *composed = arena_raw(arena, (size_t)(count < 0 ? 0 : count) * 4), *end = composed;
    if (!composed)
        return (str){0};
    for (utf8proc_ssize_t i = 0; i < count; i++)
        end += utf8_put(end, (uint32_t)code_points[i]);
    return (str){composed, (size_t)(end - composed)};
}

// ---- characters

static bool is_atom(uint32_t c) { // RFC 5322, section 3.2.3
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c && c < 0x80 && strchr("_!#$%&'*+-/=?^`{|}~", (int)c));
}

static bool is_of_local(uint32_t c) { // RFC 6531 adds whatever is not ASCII
    return is_atom(c) || c == '.' || c >= 0x80;
}

static bool is_of_name(uint32_t c) {
    return is_atom(c) || c == ' ';
}

static bool is_of_quoted(uint32_t c) {
    return c >= 0x20 && c != 0x7F;
}

static bool is_blank(uint32_t c) { // as Python's str.strip() has it
    char bytes[4];
    str one = {bytes, utf8_put(bytes, c)};
    return (c >= 0x1C && c <= 0x1F) || !trimmed(one).len;
}

static str stripped_start(str text) {
    uint32_t c;
    for (str rest = text; utf8_next(&rest, &c) && is_blank(c);)
        text = rest;
    return text;
}

static str stripped(str text) {
    text = stripped_start(text);
    for (;;) {
        str shorter = trimmed(text);
        text.len = (size_t)(shorter.ptr - text.ptr) + shorter.len;
        if (!text.len || text.ptr[text.len - 1] < 0x1C || text.ptr[text.len - 1] > 0x1F)
            return text;
        text.len--;
    }
}

static bool is_ascii(str text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    return true;
}

// ---- rules of both parts

static bool starts_with(str text, char c) {
    return text.len && text.ptr[0] == c;
}

static bool ends_with(str text, char c) {
    return text.len && text.ptr[text.len - 1] == c;
}

static bool has_pair(str text, char a, char b) {
    for (size_t i = 1; i < text.len; i++)
        if (text.ptr[i - 1] == a && text.ptr[i] == b)
            return true;
    return false;
}

static int refuse_edge(struct arena *arena, const char *what, bool is_start, bool is_domain, str *ret_reason) {
    if (is_start)
        return is_domain ? REFUSE("An email address cannot have a %s immediately after the @-sign.", what)
                         : REFUSE("An email address cannot start with a %s.", what);
    return is_domain ? REFUSE("An email address cannot end with a %s.", what)
                     : REFUSE("An email address cannot have a %s immediately before the @-sign.", what);
}

int email_refuse_dots(struct arena *arena, str text, bool is_domain, str *ret_reason) {
    if (ends_with(text, '.') || starts_with(text, '.'))
        return refuse_edge(arena, "period", !ends_with(text, '.'), is_domain, ret_reason);
    if (has_pair(text, '.', '.'))
        return REFUSE("An email address cannot have two periods in a row.");
    if (!is_domain)
        return 0;
    if (ends_with(text, '-') || starts_with(text, '-'))
        return refuse_edge(arena, "hyphen", !ends_with(text, '-'), is_domain, ret_reason);
    if (has_pair(text, '.', '-') || has_pair(text, '-', '.'))
        return REFUSE("An email address cannot have a period and a hyphen next to each other.");
    return 0;
}

// ---- the address taken apart

struct address {
    str local, domain;
    bool is_quoted, has_name;
};

// '<' with U+0338 behind it is one character to who reads it, and no bracket.
static bool is_overlaid(str rest) {
    uint32_t c;
    while (utf8_next(&rest, &c) && utf8proc_get_property((utf8proc_int32_t)c)->combining_class)
        if (c == 0x338)
            return true;
    return false;
}

// Splits before the first of `specials` that is not within quotes; -EINVAL where there is none.
static int split(struct arena *arena, str text, const char *specials, str *ret_left, str *ret_right, str *ret_reason) {
    bool is_inside = false, is_escaped = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_inside) {
            is_inside = c != '"' || is_escaped;
            is_escaped = c == '\\' && !is_escaped;
        } else if (c == '"') {
            is_inside = true;
        } else if (c && strchr(specials, c) && !(c == '<' && is_overlaid((str){text.ptr + i + 1, text.len - i - 1}))) {
            *ret_left = (str){text.ptr, i};
            *ret_right = (str){text.ptr + i, text.len - i};
            return 0;
        }
    }
    return REFUSE("An email address must have an @-sign.");
}

static int unquote(struct arena *arena, str *text, bool *ret_is_quoted, str *ret_reason) {
    *ret_is_quoted = starts_with(*text, '"');
    if (!*ret_is_quoted)
        return 0;
    char *value = arena_raw(arena, text->len), *end = value;
    bool is_escaped = false;
    if (!value)
        return -ENOMEM;
    for (size_t i = 1; i < text->len; i++) {
        char c = text->ptr[i];
        if (c == '"' && !is_escaped) {
            if (i + 1 < text->len)
                return email_refuse_rest(arena, (str){text->ptr + i + 1, text->len - i - 1}, "Extra character(s) found after close quote",
                                         ret_reason);
            break;
        }
        is_escaped = c == '\\' && !is_escaped;
        if (!is_escaped)
            *end++ = c;
    }
    *text = (str){value, (size_t)(end - value)};
    return 0;
}

static int judge_name(struct arena *arena, str name, str *ret_reason) {
    bool is_quoted;
    name.len = (size_t)(stripped(name).ptr - name.ptr) + stripped(name).len;
    int error = unquote(arena, &name, &is_quoted, ret_reason);
    if (!error && !is_quoted)
        error =
            email_refuse_characters(arena, name, is_of_name, "The display name contains invalid characters when not quoted", ret_reason);
    return error ? error : email_refuse_unsafe(arena, name, true, ret_reason);
}

static int take_apart(struct arena *arena, str text, struct address *ret, str *ret_reason) {
    str left, right;
    int error = split(arena, text, "@<", &left, &right, ret_reason);
    if (error)
        return error;
    ret->has_name = *right.ptr == '<';
    if (ret->has_name) {
        error = judge_name(arena, left, ret_reason);
        if (error)
            return error;
        if (!memchr(right.ptr, '>', right.len))
            return REFUSE(
                "An open angle bracket at the start of the email address has to be followed by a close angle bracket at the end.");
        while (ends_with(right, ' '))
            right.len--;
        if (!ends_with(right, '>'))
            return REFUSE("There can't be anything after the email address.");
        while (ends_with(right, '>'))
            right.len--;
        error = split(arena, (str){right.ptr + 1, right.len - 1}, "@", &left, &right, ret_reason);
        if (error)
            return error;
    }
    ret->local = left;
    ret->domain = (str){right.ptr + 1, right.len - 1};
    return unquote(arena, &ret->local, &ret->is_quoted, ret_reason);
}

// ---- before the @-sign

static bool is_dotted_atom(str local) {
    uint32_t c;
    bool may_stop = false;
    while (utf8_next(&local, &c)) {
        if (c == '.' ? !may_stop : !is_of_local(c))
            return false;
        may_stop = c != '.';
    }
    return may_stop;
}

static int judge_local(struct arena *arena, str local, bool is_quoted, str *ret_reason) {
    size_t count = utf8_count(local);
    if (!count)
        return REFUSE("There must be something before the @-sign.");
    if (count > LOCAL_CHARACTERS_MAX)
        return REFUSE("The email address is too long before the @-sign (%zu character%s too many).", count - LOCAL_CHARACTERS_MAX,
                      count - LOCAL_CHARACTERS_MAX > 1 ? "s" : "");
    if (is_dotted_atom(local))
        return is_ascii(local) ? 0 : email_refuse_unsafe(arena, local, false, ret_reason);
    int error;
    if (is_quoted) {
        error = email_refuse_characters(arena, local, is_of_quoted,
                                        "The email address contains invalid characters in quotes before the @-sign", ret_reason);
        return error ? error : email_refuse_unsafe(arena, local, true, ret_reason);
    }
    error =
        email_refuse_characters(arena, local, is_of_local, "The email address contains invalid characters before the @-sign", ret_reason);
    return error ? error : email_refuse_dots(arena, local, false, ret_reason);
}

static str lower_ascii(struct arena *arena, str text) {
    str lower = arena_copy(arena, text);
    for (size_t i = 0; lower.ptr && i < lower.len; i++)
        if (lower.ptr[i] >= 'A' && lower.ptr[i] <= 'Z')
            ((char *)lower.ptr)[i] |= 0x20;
    return lower;
}

static int take_local(struct arena *arena, const struct address *address, str *ret_local, str *ret_reason) {
    int error = judge_local(arena, address->local, address->is_quoted, ret_reason);
    if (error)
        return error;
    str local = is_ascii(address->local) ? address->local : compose(arena, address->local);
    if (local.ptr && (local.len != address->local.len || memcmp(local.ptr, address->local.ptr, local.len) != 0)) {
        error = judge_local(arena, local, address->is_quoted, ret_reason);
        if (error == -EINVAL)
            return REFUSE("After Unicode normalization: %.*s", (int)ret_reason->len, ret_reason->ptr);
    }
    if (address->is_quoted && !error)
        return REFUSE("Quoting the part before the @-sign is not allowed here.");
    if (local.ptr && email_is_mailbox(local))
        local = lower_ascii(arena, local);
    if (!local.ptr)
        return -ENOMEM;
    *ret_local = local;
    return error;
}

// ---- the whole

static size_t most_bytes_of_a_character(str text) {
    size_t most = 1;
    uint32_t c;
    for (str rest = text; utf8_next(&rest, &c);) {
        size_t bytes = (size_t)(rest.ptr - text.ptr);
        most = bytes > most ? bytes : most;
        text = rest;
    }
    return most;
}

static int refuse_given_length(struct arena *arena, str address, str *ret_reason) {
    size_t more = address.len - ADDRESS_BYTES_MAX, least = more / most_bytes_of_a_character(address);
    const char *plural = more > 1 ? "s" : "";
    least = least ? least : 1;
    if (least == more)
        return REFUSE("The email address is too long (%zu character%s too many).", more, plural);
    return REFUSE("The email address is too long (%zu-%zu character%s too many).", least, more, plural);
}

static int refuse_made_length(struct arena *arena, size_t bytes, const char *when, str *ret_reason) {
    size_t more = bytes - ADDRESS_BYTES_MAX;
    return REFUSE("The email address is too long %s (%zu byte%s too many).", when, more, more > 1 ? "s" : "");
}

static str joined(struct arena *arena, str local, str domain) {
    return arena_format(arena, "%.*s@%.*s", (int)local.len, local.ptr, (int)domain.len, domain.ptr);
}

static int judge_lengths(struct arena *arena, const struct address *address, str local, str ascii, str unicode, str *ret_reason) {
    str given = joined(arena, address->local, address->domain);
    if (!given.ptr)
        return -ENOMEM;
    if (given.len > ADDRESS_BYTES_MAX)
        return refuse_given_length(arena, given, ret_reason);
    if (local.len + 1 + unicode.len > ADDRESS_BYTES_MAX)
        return refuse_made_length(arena, local.len + 1 + unicode.len, "after normalization", ret_reason);
    if (local.len + 1 + ascii.len > ADDRESS_BYTES_MAX)
        return refuse_made_length(arena, local.len + 1 + ascii.len, "when the part after the @-sign is converted to IDNA ASCII",
                                  ret_reason);
    return 0;
}

static bool is_bracketed(str domain) {
    return domain.len >= 2 && starts_with(domain, '[') && ends_with(domain, ']');
}

static int judge(struct arena *arena, str text, str *ret_address, str *ret_reason) {
    struct address address = {0};
    str local = {0}, ascii, unicode;
    int error = take_apart(arena, text, &address, ret_reason);
    if (!error)
        error = take_local(arena, &address, &local, ret_reason);
    if (error)
        return error;
    if (!address.domain.len)
        return REFUSE("There must be something after the @-sign.");
    if (is_bracketed(address.domain)) {
        error = email_literal(arena, (str){address.domain.ptr + 1, address.domain.len - 2}, ret_reason);
        return error ? error : REFUSE("A bracketed IP address after the @-sign is not allowed here.");
    }
    error = email_domain(arena, address.domain, &ascii, &unicode, ret_reason);
    if (!error)
        error = judge_lengths(arena, &address, local, ascii, unicode, ret_reason);
    if (error)
        return error;
    if (address.has_name)
        return REFUSE("A display name and angle brackets around the email address are not permitted here.");
    *ret_address = joined(arena, local, unicode);
    return ret_address->ptr ? 0 : -ENOMEM;
}

// ---- "Ada Lovelace <ada@example.org>": Pydantic takes the name off before it asks

static bool is_name_text(str name) {
    uint32_t c;
    while (utf8_next(&name, &c))
        if (!is_blank(c) && !is_atom(c) && !(c >= 0x80 && strchr("LN", utf8proc_category_string((utf8proc_int32_t)c)[0])))
            return false;
    return true;
}

// A quoted name: at least one character between the first quote and the last before the bracket.
static const char *bracket_behind_quotes(str text) {
    for (const char *c = text.ptr + text.len - 1; c > text.ptr + 1; c--) {
        if (*c != '"')
            continue;
        str behind = stripped_start((str){c + 1, text.len - (size_t)(c + 1 - text.ptr)});
        if (starts_with(behind, '<'))
            return behind.ptr;
    }
    return NULL;
}

// What is between the brackets of "name <...>"; the text itself where it has not this form.
static str without_name(str text) {
    str bare = stripped(text);
    if (!ends_with(bare, '>'))
        return text;
    const char *bracket = starts_with(bare, '"') ? bracket_behind_quotes(bare) : memchr(bare.ptr, '<', bare.len);
    if (!bracket || (!starts_with(bare, '"') && !is_name_text((str){bare.ptr, (size_t)(bracket - bare.ptr)})))
        return text;
    str inner = {bracket + 1, bare.len - (size_t)(bracket + 1 - bare.ptr) - 1};
    return inner.len && !memchr(inner.ptr, '\n', inner.len) ? inner : text;
}

int email_take(struct arena *arena, str *text, str *ret_reason) {
    bool is_taken;
    int error = email_take_plain(arena, text, &is_taken);
    if (error || is_taken)
        return error;
    if (utf8_count(*text) > TEXT_CHARACTERS_MAX)
        return REFUSE("Length must not exceed %d characters", TEXT_CHARACTERS_MAX);
    str address;
    error = judge(arena, stripped(without_name(*text)), &address, ret_reason);
    if (!error)
        *text = address;
    return error;
}
