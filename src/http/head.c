// head.c — the head of a request, as offsets into the bytes it arrived in.
#include "http/head.h"

#include <assert.h>
#include <strings.h>

static const char *const method_names[HTTP_METHODS] = {
    [HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",       [HTTP_PUT] = "PUT",
    [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
};

str http_field_value(const struct http_head *head, str name) {
    for (unsigned i = 0; i < head->field_count; i++) {
        str candidate = http_text(head, head->fields[i].name);
        if (candidate.len == name.len && strncasecmp(candidate.ptr, name.ptr, name.len) == 0)
            return http_text(head, head->fields[i].value);
    }
    return (str){0};
}

const char *http_method_name(enum http_method method) {
    assert(method <= HTTP_UNKNOWN);
    return method == HTTP_UNKNOWN ? "?" : method_names[method];
}
