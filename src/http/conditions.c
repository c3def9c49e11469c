// conditions.c — does the client have it already, and does it know what it changes? (RFC 9110, section 13)
#include "http/conditions.h"

#include <string.h>
#include <strings.h>

#include "http/characters.h"
#include "http/coding.h"
#include "http/date.h"

// The next tag of a list, with its quotes; a tag may hold commas. False at the end, and for what is no tag.
static bool next_tag(str *rest, str *ret_tag) {
    while (rest->len && (is_blank(rest->ptr[0]) || rest->ptr[0] == ','))
        *rest = (str){rest->ptr + 1, rest->len - 1};
    size_t open = rest->len > 2 && memcmp(rest->ptr, "W/", 2) == 0 ? 2 : 0;
    if (rest->len < open + 2 || rest->ptr[open] != '"')
        return false;
    const char *close = memchr(rest->ptr + open + 1, '"', rest->len - open - 1);
    if (!close)
        return false;
    size_t bytes = (size_t)(close + 1 - rest->ptr);
    *ret_tag = (str){rest->ptr, bytes};
    *rest = (str){rest->ptr + bytes, rest->len - bytes};
    return true;
}

static bool is_weak(str tag) {
    return tag.ptr[0] == 'W';
}

static str opaque_of(str tag) {
    return is_weak(tag) ? (str){tag.ptr + 2, tag.len - 2} : tag;
}

// "abc-br" is "abc" as it was answered in a coding.
static bool is_same_opaque(str given, str own) {
    if (str_eq(given, own))
        return true;
    size_t stem = own.len - 1;
    if (given.len <= own.len || memcmp(given.ptr, own.ptr, stem) != 0)
        return false;
    return http_is_etag_suffix((str){given.ptr + stem, given.len - stem - 1});
}

static bool is_match(str given, str own, bool is_strong) {
    if (is_strong && (is_weak(given) || is_weak(own)))
        return false;
    return is_same_opaque(opaque_of(given), opaque_of(own));
}

static bool is_in_list(str list, str own, bool is_strong) {
    str tag;
    if (str_eq(trim_blanks(list), S("*")))
        return true;
    while (own.ptr && next_tag(&list, &tag))
        if (is_match(tag, own, is_strong))
            return true;
    return false;
}

struct lookup {
    bool is_present, is_found;
};

// Over all fields of that name: a list may come in several.
static struct lookup look_up(const struct http_head *head, const char *name, str own, bool is_strong) {
    struct lookup lookup = {0};
    for (unsigned i = 0; i < head->field_count; i++) {
        str field = http_text(head, head->fields[i].name);
        if (field.len != strlen(name) || strncasecmp(field.ptr, name, field.len) != 0)
            continue;
        lookup.is_present = true;
        lookup.is_found |= is_in_list(http_text(head, head->fields[i].value), own, is_strong);
    }
    return lookup;
}

// False where there is no such field, or its value is no date: it is then ignored.
static bool read_date(const struct http_head *head, const char *name, int64_t *ret_second) {
    str value = http_field_value(head, (str){name, strlen(name)});
    return value.ptr && http_date_read(value, ret_second) == 0;
}

static bool is_retrieval(const struct http_head *head) {
    return head->method == HTTP_GET || head->method == HTTP_HEAD;
}

// What may have changed twice within the second that its date says is no strong validator.
static bool range_is_of_this(const struct http_head *head, const struct validators *own) {
    str value = http_field_value(head, S("If-Range"));
    int64_t second;
    if (!value.ptr)
        return true;
    if (value.len && (value.ptr[0] == '"' || value.ptr[0] == 'W'))
        return own->etag.ptr && is_match(value, own->etag, true) && str_eq(value, own->etag);
    return http_date_read(value, &second) == 0 && second == own->modified_s && own->now_s > own->modified_s + 1;
}

static bool fails(const struct http_head *head, const struct validators *own) {
    int64_t second;
    struct lookup match = look_up(head, "If-Match", own->etag, true);
    if (match.is_present)
        return !match.is_found;
    return own->modified_s != HTTP_NEVER && read_date(head, "If-Unmodified-Since", &second) && own->modified_s > second;
}

enum conditions http_conditions(const struct http_head *head, const struct validators *own, bool *ret_has_range) {
    int64_t second;
    *ret_has_range = false;
    if (fails(head, own))
        return CONDITIONS_FAIL;
    struct lookup none_match = look_up(head, "If-None-Match", own->etag, false);
    if (none_match.is_found)
        return is_retrieval(head) ? CONDITIONS_NOT_MODIFIED : CONDITIONS_FAIL;
    bool is_dated = !none_match.is_present && is_retrieval(head) && own->modified_s != HTTP_NEVER;
    if (is_dated && read_date(head, "If-Modified-Since", &second) && own->modified_s <= second)
        return CONDITIONS_NOT_MODIFIED;
    *ret_has_range = head->method == HTTP_GET && range_is_of_this(head, own);
    return CONDITIONS_HOLD;
}

bool http_has_conditions(const struct http_head *head) {
    for (unsigned i = 0; i < head->field_count; i++) {
        str field = http_text(head, head->fields[i].name);
        if (field.len > 3 && strncasecmp(field.ptr, "If-", 3) == 0)
            return true;
    }
    return false;
}
