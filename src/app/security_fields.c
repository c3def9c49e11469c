// security_fields.c — the header lines that tell browsers what not to do with an answer.
#include "security_fields.h"

#include <errno.h>
#include <stdio.h>

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

static int put(struct arena *arena, str *lines, const char *name, const char *value, const char **ret_problem) {
    if (!value)
        return 0;
    if (!is_field_value(value)) {
        *ret_problem = "it holds a line break or another control character";
        return -EINVAL;
    }
    *lines = arena_format(arena, "%.*s%s: %s\r\n", (int)lines->len, lines->ptr ? lines->ptr : "", name, value);
    return lines->ptr ? 0 : -ENOMEM;
}

int security_fields_write(const struct security_fields *fields, struct arena *arena, str *ret_lines, const char **ret_problem) {
    char hsts[64];
    snprintf(hsts, sizeof hsts, "max-age=%u; includeSubDomains", fields->hsts_s);
    const char *const pairs[][2] = {
        {"X-Content-Type-Options", fields->has_nosniff ? "nosniff" : NULL},
        {"X-Frame-Options", fields->frame_options},
        {"Referrer-Policy", fields->referrer_policy},
        {"Content-Security-Policy", fields->content_security_policy},
        {"Strict-Transport-Security", fields->hsts_s ? hsts : NULL},
    };
    str lines = {0};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        int status = put(arena, &lines, pairs[i][0], pairs[i][1], ret_problem);
        if (status < 0)
            return status;
    }
    if (lines.len > HTTP_FIXED_FIELDS_BYTES_MAX) {
        *ret_problem = "all of these headers together are longer than 300 bytes";
        return -EINVAL;
    }
    *ret_lines = lines;
    return 0;
}
