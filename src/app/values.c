// values.c — the author's values: memory, text, what was asked, clean-ups.
#include <errno.h>
#include <string.h>

#include <leat/server.h>
#include <leat/values.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/uuid.h"
#include "cached.h"
#include "observe.h"
#include "request.h"
#include "schema/text.h"

// ---- memory and text

void *alloc(req *r, size_t n) {
    void *memory = arena_alloc(&r->arena, n);
    if (!memory)
        fail_busy(r, "the request needs more memory than it is allowed");
    return memory;
}

str format(req *r, const char *text, ...) {
    va_list args;
    va_start(args, text);
    str made = arena_vformat(&r->arena, text, args);
    va_end(args);
    if (!made.ptr)
        fail_busy(r, "the request needs more memory than it is allowed");
    return made;
}

str str_lower(req *r, str s) {
    str lower = text_lower(&r->arena, s);
    if (!lower.ptr && s.ptr)
        fail_busy(r, "the request needs more memory than it is allowed");
    return lower;
}

bool str_has_upper(str s) {
    return text_has_upper(s);
}

bool str_has_digit(str s) {
    return text_has_digit(s);
}

str uuid_text(req *r, uuid id) {
    char *text = alloc(r, UUID_TEXT_BYTES);
    uuid_format(text, id);
    return (str){text, UUID_TEXT_BYTES};
}

timestamp timestamp_now(void) {
    return (timestamp){clock_wall_us()};
}

const char *leat_version(void) {
    return LEAT_VERSION;
}

// ---- the request

str header_of(req *r, const char *name) {
    if (!r->head)
        return (str){0};
    if (r->endpoint && r->endpoint->cached)
        cached_note_header(r, str_of(name));
    request_keep(r);
    return http_field_value(r->head, str_of(name));
}

str openapi_document(req *r) {
    return r->generation->snapshot->document;
}

str api_title(req *r) {
    return r->generation->snapshot->title;
}

str route_path(req *r, const char *handler) {
    const struct snapshot *snapshot = r->generation->snapshot;
    const struct endpoint *found = NULL;
    for (size_t i = 0; i < snapshot->endpoint_count; i++) {
        const struct endpoint *endpoint = &snapshot->endpoints[i];
        bool is_own = r->endpoint && endpoint->plugin == r->endpoint->plugin;
        if (strcmp(endpoint->route->name, handler) == 0 && (!found || is_own))
            found = endpoint;
    }
    return found ? str_of(found->path) : (str){0};
}

void on_done(req *r, void (*fn)(void *arg, enum outcome), void *arg) {
    struct cleanup *cleanup = new (r, struct cleanup);
    *cleanup = (struct cleanup){.next = r->cleanups, .fn = fn, .arg = arg};
    r->cleanups = cleanup;
}
