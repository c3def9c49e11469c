// security_fields.h — the header lines that tell browsers what not to do with an answer.
#ifndef APP_SECURITY_FIELDS_H
#define APP_SECURITY_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/** What is NULL or 0 is not sent. Each a value as the header has it. */
struct security_fields {
    bool has_nosniff;                    // X-Content-Type-Options: nosniff
    const char *frame_options;           // X-Frame-Options: DENY, SAMEORIGIN
    const char *referrer_policy;         // Referrer-Policy
    const char *content_security_policy; // Content-Security-Policy
    uint32_t hsts_s;                     // Strict-Transport-Security: max-age, subdomains included
};
/** nosniff, DENY, no-referrer: nothing that /docs and /redoc need is forbidden by them. */
extern const struct security_fields security_fields_default;
/**
 * The lines, each with its CRLF, in `arena`. 0; -EINVAL and a sentence that begins with the setting: a value that would break a head, or
 * more than HTTP_FIXED_FIELDS_BYTES_MAX of them; -ENOMEM.
 */
int security_fields_write(const struct security_fields *fields, struct arena *arena, str *ret_lines, str *ret_problem);

#endif
