// values.h — the types a field, a parameter or a column can have.
#ifndef LEAT_VALUES_H
#define LEAT_VALUES_H
#pragma GCC system_header // mistakes are reported at the author's line, without our macro trail

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "each.h"

#define LEAT_ABI_MAJOR 1
#define LEAT_ABI_MINOR 1

#define LEAT_UNUSED __attribute__((unused))
#define LEAT_OFF _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Woverride-init\"")
#define LEAT_ON _Pragma("GCC diagnostic pop")

#pragma GCC visibility push(default)

/** The request being served: owns the memory, the deadline and the clean-ups of its handler. Never kept beyond its answer. */
typedef struct req req;

/** A view of UTF-8 bytes, not NUL-terminated; whoever made the bytes owns them. `ptr` is NULL where there is no string at all. */
typedef struct str {
    const char *ptr; /**< the first byte */
    size_t len;      /**< bytes */
} str;
/** The numbers that a model, a parameter or a column can hold. */
typedef int32_t i32;
typedef int64_t i64;
typedef double f64;
/** RFC 9562, in network byte order. */
typedef struct uuid {
    uint8_t b[16]; /**< as they are written, the first two hex digits first */
} uuid;
/** Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted; the range of years is 0001 to 9999. */
typedef struct timestamp {
    i64 us; /**< microseconds; before 1970 below 0 */
} timestamp;
/** Any JSON value, kept as the text that was received; it was checked to be well-formed. */
typedef struct json_value {
    str raw; /**< one value, white space around it left out */
} json_value;

/** A string literal as a `str`, at no cost. */
#define S(literal) ((str){"" literal, sizeof("" literal) - 1})

/** True when both hold the same bytes. Not in constant time: secrets are compared by password_verify and jwt_check. */
bool str_eq(str a, str b);
/** `s` in lower case, every script (Unicode's simple mapping); memory of the request. Bytes that are no UTF-8 stay as they are. */
str str_lower(req *r, str s);
/** True when `s` holds an upper-case letter of any script (categories Lu and Lt). */
bool str_has_upper(str s);
/** True when `s` holds a decimal digit of any script (category Nd). */
bool str_has_digit(str s);
/** True when both are the same UUID. */
bool uuid_eq(uuid a, uuid b);
/** Reads the canonical form (8-4-4-4-12 hex digits, any case) into `*ret`; false, and `*ret` untouched, for anything else. */
bool uuid_parse(str text, uuid *ret);
/** The canonical lower-case text, 36 bytes of the request's memory. */
str uuid_text(req *r, uuid id);
/** The wall clock now. */
timestamp timestamp_now(void);

#pragma GCC visibility pop
#endif
