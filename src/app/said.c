// said.c — whether a text that turned out to be wrong is what the client has said, and where.
//
// An author who passes on what a client has said, as a URL to call or as a header's value, makes a client's mistake look like his own. Only
// whose mistake it is, is judged by this, once it is one: a 4xx with its place, or a 500 with a line in the log.
#include "said.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "http/characters.h"
#include "http/url.h"
#include "intake.h"

static const struct location *place(req *r, str root, str name) {
    struct location *steps = arena_alloc(&r->arena, 2 * sizeof *steps);
    if (!steps)
        return NULL;
    steps[0] = (struct location){.name = root};
    steps[1] = (struct location){.parent = &steps[0], .name = name};
    return name.ptr ? &steps[1] : &steps[0];
}

static unsigned path_value_count(const req *r) {
    unsigned count = 0;
    if (!r->path_params || !r->endpoint)
        return 0;
    for (const char *c = r->endpoint->path; *c; c++)
        count += *c == '{';
    return count;
}

static bool is_path_value(const req *r, str text) {
    for (unsigned i = 0; i < path_value_count(r); i++)
        if (str_eq(r->path_params[i], text))
            return true;
    return false;
}

static bool is_json_string(str body, str text) {
    for (str rest = body; text.len && rest.len > text.len + 1;) {
        const char *found = memmem(rest.ptr + 1, rest.len - 1, text.ptr, text.len);
        if (!found)
            return false;
        const char *end = found + text.len;
        if (found[-1] == '"' && end < rest.ptr + rest.len && *end == '"')
            return true;
        rest = (str){found, (size_t)(rest.ptr + rest.len - found)};
    }
    return false;
}

static bool is_urlencoded(const req *r) {
    static const char type[] = "application/x-www-form-urlencoded";
    str own = r->head ? http_text(r->head, r->head->content_type) : (str){0};
    return own.len >= sizeof type - 1 && strncasecmp(own.ptr, type, sizeof type - 1) == 0;
}

// A form without files is not kept once it is read.
static bool is_form_value(req *r, str text, str *ret_name) {
    str rest = r->body, name, value;
    if (!is_urlencoded(r))
        return false;
    while (url_next_pair(&rest, &name, &value)) {
        value = url_decode(&r->arena, value, true);
        if (value.ptr && str_eq(value, text)) {
            *ret_name = url_decode(&r->arena, name, true);
            return ret_name->ptr;
        }
    }
    return false;
}

const struct location *said(req *r, str text) {
    str name;
    for (size_t i = 0; i < r->query_count; i++)
        if (str_eq(r->query_pairs[i].value, text))
            return place(r, S("query"), r->query_pairs[i].name);
    for (size_t i = 0; r->intake && i < r->intake->form.count; i++)
        if (str_eq(r->intake->form.fields[i].value, text))
            return place(r, S("body"), r->intake->form.fields[i].name);
    if (is_form_value(r, text, &name))
        return place(r, S("body"), name);
    if (is_path_value(r, text))
        return place(r, S("path"), (str){0});
    return is_json_string(r->body, text) ? place(r, S("body"), (str){0}) : NULL;
}

// ---- a line break

static bool is_within(str text, str part) {
    return !is_one_line(part) && memmem(text.ptr, text.len, part.ptr, part.len);
}

// In JSON it is written as an escape.
static bool has_escaped_break(str body) {
    static const str escapes[] = {S("\\n"), S("\\r"), S("\\u00")};
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
        if (body.len && memmem(body.ptr, body.len, escapes[i].ptr, escapes[i].len))
            return true;
    return false;
}

static bool is_path_break(const req *r, str text) {
    for (unsigned i = 0; i < path_value_count(r); i++)
        if (is_within(text, r->path_params[i]))
            return true;
    return false;
}

const struct location *said_line_break(req *r, str text) {
    for (size_t i = 0; i < r->query_count; i++)
        if (is_within(text, r->query_pairs[i].value))
            return place(r, S("query"), r->query_pairs[i].name);
    for (size_t i = 0; r->intake && i < r->intake->form.count; i++)
        if (is_within(text, r->intake->form.fields[i].value))
            return place(r, S("body"), r->intake->form.fields[i].name);
    if (is_path_break(r, text))
        return place(r, S("path"), (str){0});
    str rest = r->body, name, value;
    while (is_urlencoded(r) && url_next_pair(&rest, &name, &value)) {
        value = url_decode(&r->arena, value, true);
        if (value.ptr && is_within(text, value))
            return place(r, S("body"), url_decode(&r->arena, name, true));
    }
    return !is_urlencoded(r) && has_escaped_break(r->body) ? place(r, S("body"), (str){0}) : NULL;
}
