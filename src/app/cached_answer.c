// cached_answer.c — an answer out of an entry: its head made once and kept, what differs from client to client put beside it.
#include "app/cached_answer.h"

#include <string.h>
#include <strings.h>

#include "app/reply.h"
#include "base/str.h"
#include "cache/hash.h"

enum { LINES_BYTES = 2048, OWN_BYTES_MAX = 256 }; // beside the entry's: X-Cache, Age, X-Request-ID

static const str states[] = {
    [CACHED_HIT] = S("X-Cache: HIT\r\n"), [CACHED_MISS] = S("X-Cache: MISS\r\n"), [CACHED_STALE] = S("X-Cache: STALE\r\n")};

// ---- does the client have it? (RFC 9110, section 13.1.2: weakly compared)

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == ',';
}

static bool is_listed(str list, str etag) {
    while (list.len) {
        size_t bytes = 0;
        while (bytes < list.len && !is_blank(list.ptr[bytes]))
            bytes++;
        str tag = {list.ptr, bytes};
        if (tag.len > 2 && tag.ptr[0] == 'W' && tag.ptr[1] == '/')
            tag = (str){tag.ptr + 2, tag.len - 2};
        if (str_eq(tag, etag) || str_eq(tag, S("*")))
            return true;
        bytes += bytes < list.len;
        list = (str){list.ptr + bytes, list.len - bytes};
    }
    return false;
}

static bool has_it(const struct http_head *head, str etag) {
    for (unsigned i = 0; i < head->field_count; i++) {
        str name = http_text(head, head->fields[i].name);
        if (name.len == 13 && strncasecmp(name.ptr, "If-None-Match", 13) == 0 && is_listed(http_text(head, head->fields[i].value), etag))
            return true;
    }
    return false;
}

// ---- lines

static char *put(char *at, str text) {
    return text.len ? mempcpy(at, text.ptr, text.len) : at;
}

static char *put_age(char *at, uint64_t seconds) {
    char digits[20];
    unsigned count = 0;
    do
        digits[count++] = (char)('0' + seconds % 10);
    while (seconds /= 10);
    at = mempcpy(at, "Age: ", 5);
    while (count)
        *at++ = digits[--count];
    return mempcpy(at, "\r\n", 2);
}

static char *put_id(char *at, const struct app *app, str id) {
    if (id.ptr == app->id_line + REQUEST_ID_NAME_BYTES) // made just now
        return mempcpy(at, app->id_line, REQUEST_ID_LINE);
    if (!id.len)
        return at;
    return put(put(put(at, S("X-Request-ID: ")), id), S("\r\n"));
}

static char *put_own(char *at, const struct cached_answer *answer) {
    const struct core *core = answer->app->core;
    at = put(at, states[answer->state]);
    if (answer->state != CACHED_MISS)
        at = put_age(at, (uint64_t)(core_now_ms(core) - answer->entry->made_ms) / 1000);
    return put_id(at, answer->app, answer->id);
}

// ---- the answer

static __attribute__((noinline)) void write_in_pieces(struct cached_answer *own, str fields, str body) {
    char lines[OWN_BYTES_MAX];
    struct answer answer;
    reply_begin(&answer, own->app, own->session, own->status, own->head ? http_text(own->head, own->head->origin) : (str){0});
    answer_raw_fields(&answer, (str){lines, (size_t)(put_own(lines, own) - lines)});
    for (const struct header_line *line = own->headers; line; line = line->next)
        answer_field(&answer, line->name, line->value);
    answer_raw_fields(&answer, fields);
    answer_write(&answer, body);
    answer_end(&answer);
    own->bytes = answer.used;
}

unsigned cached_answer_status(const struct cached_answer *answer) {
    bool is_known = answer->head && has_it(answer->head, entry_etag(answer->entry));
    return is_known ? 304 : answer->entry->status;
}

void cached_answer_write(struct cached_answer *answer) {
    const struct cache_entry *entry = answer->entry;
    str fields = entry_fields(entry), body = entry_body(entry);
    answer->status = cached_answer_status(answer);
    if (answer->status == 304) {
        fields.len = entry->short_fields_bytes;
        body.len = 0;
    }
    if (answer->app->options->cors.origin_count || answer->headers || fields.len > LINES_BYTES - OWN_BYTES_MAX)
        return write_in_pieces(answer, fields, body);
    char lines[LINES_BYTES];
    char *end = put(put_own(lines, answer), fields);
    answer->bytes = session_answer(answer->session, answer->status, (str){0}, (str){lines, (size_t)(end - lines)}, body);
}

// ---- made once

static bool is_named(const struct header_line *line, const char *name) {
    return line->name.len == strlen(name) && strncasecmp(line->name.ptr, name, line->name.len) == 0;
}

static str own_value(const struct header_line *headers, const char *name) {
    for (; headers; headers = headers->next)
        if (is_named(headers, name))
            return headers->value;
    return (str){0};
}

static str etag_of(str body, struct arena *arena) {
    char text[DIGEST_TEXT_BYTES + 2];
    struct digest digest = digest_of(body);
    digest_text(text + 1, &digest);
    text[0] = text[DIGEST_TEXT_BYTES + 1] = '"';
    return arena_copy(arena, (str){text, sizeof text});
}

static str add_line(struct arena *arena, str lines, str name, str value) {
    if (!lines.ptr || !value.len)
        return lines;
    return arena_format(arena, "%.*s%.*s: %.*s\r\n", (int)lines.len, lines.ptr, (int)name.len, name.ptr, (int)value.len, value.ptr);
}

// The handler's own, but for what was put first.
static str add_headers(struct arena *arena, str lines, const struct header_line *headers) {
    for (; headers; headers = headers->next)
        if (!is_named(headers, "ETag") && !is_named(headers, "Cache-Control"))
            lines = add_line(arena, lines, headers->name, headers->value);
    return lines;
}

bool cached_answer_fields(const struct cached_plan *plan, const struct header_line *headers, str type, struct arena *arena,
                          struct entry_parts *parts) {
    str etag = own_value(headers, "ETag"), control = own_value(headers, "Cache-Control");
    parts->etag = etag.len ? etag : etag_of(parts->body, arena);
    str lines = add_line(arena, S(""), S("ETag"), parts->etag);
    lines = add_line(arena, lines, S("Cache-Control"), control.len ? control : plan->control);
    lines = add_line(arena, lines, S("Vary"), plan->vary);
    lines = add_headers(arena, lines, headers);
    parts->short_fields_bytes = lines.len;
    parts->fields = add_line(arena, lines, S("Content-Type"), type);
    return parts->etag.ptr && parts->fields.ptr;
}
