// security_fields.c — the header lines that tell browsers what not to do with an answer.
#include "security_fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/limits.h"

const struct security_fields security_fields_default = {
    .has_nosniff = true,
    .frame_options = "DENY",
    .referrer_policy = "no-referrer",
};

// RFC 9110, section 5.5: visible characters and blanks.
static bool is_field_value(const char *value) {
    for (; *value; value++)
        if ((unsigned char)*value < ' ' || *value == 127)
            return false;
    return true;
}

// A header, what it says, and the setting that says so.
struct security_field {
    const char *name, *value, *setting;
};

static int put(struct arena *arena, str *lines, const struct security_field *field, str *ret_problem) {
    if (!field->value)
        return 0;
    if (!is_field_value(field->value)) {
        *ret_problem = arena_format(arena, "%s: it holds a line break or another control character", field->setting);
        return -EINVAL;
    }
    *lines = arena_format(arena, "%.*s%s: %s\r\n", (int)lines->len, lines->ptr ? lines->ptr : "", field->name, field->value);
    return lines->ptr ? 0 : -ENOMEM;
}

static const struct security_field *longest(const struct security_field *fields, size_t count) {
    const struct security_field *found = fields;
    for (size_t i = 0; i < count; i++)
        if (fields[i].value && (!found->value || strlen(fields[i].value) > strlen(found->value)))
            found = &fields[i];
    return found;
}

int security_fields_write(const struct security_fields *fields, struct arena *arena, str *ret_lines, str *ret_problem) {
    char hsts[64];
    snprintf(hsts, sizeof hsts, "max-age=%u; includeSubDomains", fields->hsts_s);
    const struct security_field all[] = {
        {"X-Content-Type-Options", fields->has_nosniff ? "nosniff" : NULL, "SECURITY_HEADERS"},
        {"X-Frame-Options", fields->frame_options, "FRAME_OPTIONS"},
        {"Referrer-Policy", fields->referrer_policy, "REFERRER_POLICY"},
        {"Content-Security-Policy", fields->content_security_policy, "CONTENT_SECURITY_POLICY"},
        {"Strict-Transport-Security", fields->hsts_s ? hsts : NULL, "HSTS_S"},
    };
    enum { COUNT = sizeof all / sizeof *all };
    str lines = {0};
    for (size_t i = 0; i < COUNT; i++) {
        int status = put(arena, &lines, &all[i], ret_problem);
        if (status < 0)
            return status;
    }
    if (lines.len > HTTP_FIXED_FIELDS_BYTES_MAX) {
        *ret_problem = arena_format(arena, "%s: with it the security headers together have %zu bytes, and %d is the most; make it shorter",
                                    longest(all, COUNT)->setting, lines.len, HTTP_FIXED_FIELDS_BYTES_MAX);
        return -EINVAL;
    }
    *ret_lines = lines;
    return 0;
}
