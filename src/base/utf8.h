// utf8.h — UTF-8 (RFC 3629): checked, counted and taken apart.
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <leat/values.h>

/** True when `s` is well-formed: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is allowed. */
bool utf8_is_valid(str s);
/** Code points of well-formed text. */
size_t utf8_count(str s);
/** Takes the first code point off `*rest`, or U+FFFD and one byte where it is malformed; false at the end. */
bool utf8_next(str *rest, uint32_t *ret_code_point);
/** Writes the 1 to 4 bytes of a code point that is no surrogate, and returns how many. */
size_t utf8_put(char *out, uint32_t code_point);

#endif
