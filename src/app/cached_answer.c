// cached_answer.c — an answer out of an entry: its head made once and kept, what differs from client to client put beside it.
#include "app/cached_answer.h"

#include <string.h>
#include <strings.h>

#include "app/header.h"
#include "app/reply.h"
#include "base/str.h"
#include "http/conditions.h"
#include "http/media_type.h"

enum { LINES_BYTES = 2048, OWN_BYTES_MAX = 256, CODED_BYTES_MAX = 1 << 20 }; // beside the entry's: X-Cache, Age, X-Request-ID

static const str states[] = {
    [CACHED_HIT] = S("X-Cache: HIT\r\n"), [CACHED_MISS] = S("X-Cache: MISS\r\n"), [CACHED_STALE] = S("X-Cache: STALE\r\n")};

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
    const char *line = request_ids_line(&app->ids, id);
    if (line)
        return mempcpy(at, line, REQUEST_ID_LINE);
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

// ---- in the coding that the client likes best, made once and kept beside the entry

// "<etag>-br" of the same making.
static bool is_of(const struct cache_entry *coded, const struct cache_entry *entry) {
    str tag = entry_etag(coded), own = entry_etag(entry);
    return coded->made_ms == entry->made_ms && tag.len > own.len && memcmp(tag.ptr, own.ptr, own.len - 1) == 0;
}

static str coded_etag(str etag, enum coding coding, struct arena *arena) {
    str suffix = http_etag_suffix(coding);
    return arena_format(arena, "%.*s%.*s\"", (int)etag.len - 1, etag.ptr, (int)suffix.len, suffix.ptr);
}

// The entry's lines with another ETag, which stands first, and the coding before what a 304 leaves out.
static struct entry_parts coded_parts(const struct cache_entry *entry, str key, enum coding coding, str body, struct arena *arena) {
    str fields = entry_fields(entry), name = coding_name(coding), etag = coded_etag(entry_etag(entry), coding, arena);
    size_t skipped = sizeof "ETag: " - 1 + entry->etag_bytes + 2, short_bytes = entry->short_fields_bytes - skipped;
    struct entry_parts parts = {
        .key = key,
        .status = entry->status,
        .etag = etag,
        .body = body,
        .tags = entry_tag_numbers(entry),
        .tag_count = entry->tag_count,
        .made_ms = entry->made_ms,
        .stale_ms = entry->stale_ms,
        .dead_ms = entry->dead_ms,
        .stamp = STAMP_UNKNOWN,
        .replaces_defaults = entry->replaces_defaults,
    };
    str shorter = arena_format(arena, "ETag: %.*s\r\n%.*s", (int)etag.len, etag.ptr, (int)short_bytes, fields.ptr + skipped);
    parts.short_fields_bytes = shorter.len;
    parts.fields = arena_format(arena, "%.*sContent-Encoding: %.*s\r\n%.*s", (int)shorter.len, shorter.ptr, (int)name.len, name.ptr,
                                (int)(fields.len - entry->short_fields_bytes), fields.ptr + entry->short_fields_bytes);
    return parts;
}

static struct cache_entry *make_coded(struct app *app, const struct cache_entry *entry, str key, enum coding coding) {
    str coded;
    if (coder_run(&app->coder, coding, entry_body(entry), &coded) < 0)
        return NULL;
    struct arena arena;
    arena_init(&arena, &app->core->arenas, CODED_BYTES_MAX);
    struct entry_parts parts = coded_parts(entry, key, coding, coded, &arena);
    struct cache_entry *made = parts.etag.ptr && parts.fields.ptr ? entry_create(&parts) : NULL;
    arena_reset(&arena);
    return made;
}

static struct cache_entry *keep_coded(struct app *app, struct cache_entry *made) {
    struct cache_store *store = &app->cache->store;
    bool is_kept = made && store_put(store, made, tags_mark(&store->tags), core_now_ms(app->core)) == 0;
    entry_release(made);
    return is_kept ? made : NULL; // the store's; what cannot be kept would be made for each answer again
}

// May evict the entry itself: its holder is the caller.
static const struct cache_entry *coded_entry(const struct cached_answer *answer) {
    struct app *app = answer->app;
    const struct cache_entry *entry = answer->entry;
    enum coding coding = answer->head ? coding_choose(&app->options->coding, answer->head) : CODING_IDENTITY;
    char text[CACHE_KEY_BYTES_MAX + 1];
    if (coding == CODING_IDENTITY || !entry->is_stored || entry->etag_bytes < 2)
        return entry;
    *(char *)mempcpy(text, entry_key(entry).ptr, entry->key_bytes) = (char)coding;
    struct cache_key key = store_key(&app->cache->store, (str){text, entry->key_bytes + 1});
    const struct cache_entry *coded = cache_find(app->cache, &key);
    if (!coded || !is_of(coded, entry))
        coded = keep_coded(app, make_coded(app, entry, key.text, coding));
    return coded ? coded : entry;
}

// ---- the answer

static __attribute__((noinline)) void write_in_pieces(struct cached_answer *own, str fields, str body) {
    char lines[OWN_BYTES_MAX];
    struct answer answer;
    reply_begin(&answer, own->app, own->session, own->status, own->head ? http_text(own->head, own->head->origin) : (str){0});
    answer_raw_fields(&answer, (str){lines, (size_t)(put_own(lines, own) - lines)});
    if (own->entry->replaces_defaults)
        header_lines_write(fields, &answer);
    else
        answer_raw_fields(&answer, fields);
    headers_write(own->headers, &answer);
    answer_write(&answer, body);
    answer_end(&answer);
    own->bytes = answer.used;
}

unsigned cached_answer_status(const struct cached_answer *answer) {
    struct validators validators = {.etag = entry_etag(answer->entry), .modified_s = HTTP_NEVER};
    bool has_range;
    if (!answer->head || !http_has_conditions(answer->head))
        return answer->entry->status;
    return http_conditions(answer->head, &validators, &has_range) == CONDITIONS_NOT_MODIFIED ? 304 : answer->entry->status;
}

void cached_answer_write(struct cached_answer *answer) {
    answer->status = cached_answer_status(answer);
    if (__builtin_expect(answer->entry->is_compressible, false))
        answer->entry = coded_entry(answer);
    const struct cache_entry *entry = answer->entry;
    str fields = entry_fields(entry), body = entry_body(entry);
    if (answer->status == 304) {
        fields.len = entry->short_fields_bytes;
        body.len = 0;
    }
    if (answer->app->options->cors.origin_count || answer->headers || entry->replaces_defaults || fields.len > LINES_BYTES - OWN_BYTES_MAX)
        return write_in_pieces(answer, fields, body);
    char lines[LINES_BYTES];
    char *end = put(put_own(lines, answer), fields);
    answer->bytes = session_answer(answer->session, answer->status, (str){0}, (str){lines, (size_t)(end - lines)}, body);
}

// ---- made once

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

static bool is_named(const struct header_line *line, const char *name) {
    return line->name.len == strlen(name) && strncasecmp(line->name.ptr, name, line->name.len) == 0;
}

// The handler's own, but for what was put first; a name alone where it wants none.
static str add_headers(struct arena *arena, str lines, const struct header_line *headers) {
    for (; headers; headers = headers->next)
        if (!headers->value.ptr && headers->replaces && lines.ptr)
            lines = arena_format(arena, "%.*s%.*s\r\n", (int)lines.len, lines.ptr, (int)headers->name.len, headers->name.ptr);
        else if (!is_named(headers, "ETag") && !is_named(headers, "Cache-Control"))
            lines = add_line(arena, lines, headers->name, headers->value);
    return lines;
}

static bool replaces_defaults(const struct header_line *headers) {
    for (; headers; headers = headers->next)
        if (headers->replaces)
            return true;
    return false;
}

// As compress() has it; the handler may have coded its body itself, or want it left as it is.
static bool is_compressible(const struct coding_options *options, const struct header_line *headers, str type, str body) {
    str control = header_find(headers, "Cache-Control");
    return body.len >= options->bytes_min && body.len <= options->bytes_max && media_type_is_compressible(type) &&
           !header_find(headers, "Content-Encoding").ptr && !(control.len && memmem(control.ptr, control.len, "no-transform", 12));
}

bool cached_answer_fields(const struct cached_plan *plan, const struct coding_options *options, const struct header_line *headers, str type,
                          struct arena *arena, struct entry_parts *parts) {
    str etag = header_find(headers, "ETag"), control = header_find(headers, "Cache-Control"), vary = plan->vary;
    parts->is_compressible = is_compressible(options, headers, type, parts->body);
    parts->replaces_defaults = replaces_defaults(headers);
    if (parts->is_compressible)
        vary = arena_format(arena, "%.*s%sAccept-Encoding", (int)vary.len, vary.ptr, vary.len ? ", " : "");
    parts->etag = etag.len ? etag : etag_of(parts->body, arena);
    str lines = add_line(arena, S(""), S("ETag"), parts->etag);
    lines = add_line(arena, lines, S("Cache-Control"), control.len ? control : plan->control);
    lines = add_line(arena, lines, S("Vary"), vary);
    lines = add_headers(arena, lines, headers);
    parts->short_fields_bytes = lines.len;
    parts->fields = add_line(arena, lines, S("Content-Type"), type);
    return parts->etag.ptr && parts->fields.ptr;
}
