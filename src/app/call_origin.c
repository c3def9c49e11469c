// call_origin.c — whether the URL of a call is what the client has said, and where.
//
// An author who calls a client's URL without saying `.untrusted` makes a client's mistake, a text that is no URL, look like his own. Only
// that is judged by this, and only whose mistake it is; what may be called does not depend on it.
#include "call_origin.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
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

static bool is_path_value(const req *r, str url) {
    if (!r->path_params || !r->endpoint)
        return false;
    unsigned count = 0;
    for (const char *c = r->endpoint->path; *c; c++)
        count += *c == '{';
    for (unsigned i = 0; i < count; i++)
        if (str_eq(r->path_params[i], url))
            return true;
    return false;
}

static bool is_json_string(str body, str url) {
    for (str rest = body; url.len && rest.len > url.len + 1;) {
        const char *found = memmem(rest.ptr + 1, rest.len - 1, url.ptr, url.len);
        if (!found)
            return false;
        const char *end = found + url.len;
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
static bool is_form_value(req *r, str url, str *ret_name) {
    str rest = r->body, name, value;
    if (!is_urlencoded(r))
        return false;
    while (url_next_pair(&rest, &name, &value)) {
        value = url_decode(&r->arena, value, true);
        if (value.ptr && str_eq(value, url)) {
            *ret_name = url_decode(&r->arena, name, true);
            return ret_name->ptr;
        }
    }
    return false;
}

const struct location *call_origin(req *r, str url) {
    str name;
    for (size_t i = 0; i < r->query_count; i++)
        if (str_eq(r->query_pairs[i].value, url))
            return place(r, S("query"), r->query_pairs[i].name);
    for (size_t i = 0; r->intake && i < r->intake->form.count; i++)
        if (str_eq(r->intake->form.fields[i].value, url))
            return place(r, S("body"), r->intake->form.fields[i].name);
    if (is_form_value(r, url, &name))
        return place(r, S("body"), name);
    if (is_path_value(r, url))
        return place(r, S("path"), (str){0});
    return is_json_string(r->body, url) ? place(r, S("body"), (str){0}) : NULL;
}
