// base64.h — bytes as text (RFC 4648) without padding, in one spelling only.
#ifndef AUTH_BASE64_H
#define AUTH_BASE64_H

#include <stddef.h>
#include <sys/types.h>

#include <leat/values.h>

/** The last two of the 64 letters: RFC 4648, sections 4 (PHC strings) and 5 (tokens). */
extern const char base64_standard[2], base64_url[2];

/** The text's bytes for `bytes` of data. */
static inline size_t base64_text_bytes(size_t bytes) {
    return (bytes * 4 + 2) / 3;
}

/** Writes base64_text_bytes(data.len) bytes, no NUL; returns the end. */
char *base64_write(char *out, str data, const char letters[2]);
/**
 * At most text.len * 3 / 4 bytes into `out`. Returns how many, or -EINVAL: padding, blanks, another alphabet, a length that cannot be, or
 * bits behind the last byte that are not zero (two texts would mean the same bytes).
 */
ssize_t base64_read(unsigned char *out, str text, const char letters[2]);

#endif
