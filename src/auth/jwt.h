// jwt.h — JSON Web Tokens (RFC 7519) by libjwt, with the cautions of RFC 8725: one algorithm, pinned; every claim checked here.
#ifndef AUTH_JWT_H
#define AUTH_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct jwt_key {
    str secret; // HS256: at least JWT_SECRET_BYTES_MIN
};
enum { JWT_SECRET_BYTES_MIN = 32, JWT_BYTES_MAX = 8192 };

/** NULL, or the sentence that says why this key is refused. */
const char *jwt_key_problem(str secret);
/** A token for `subject` from `now_s` to `now_s + ttl_s` (iat, exp). `ptr` is NULL without memory. */
str jwt_make(const struct jwt_key *key, str subject, int64_t now_s, int64_t ttl_s, struct arena *arena);
enum jwt_verdict { JWT_GOOD, JWT_MALFORMED, JWT_BAD_SIGNATURE, JWT_EXPIRED, JWT_NOT_YET, JWT_BAD_CLAIM };
/** JWT_GOOD and `*ret_subject` in the arena, or why not. */
enum jwt_verdict jwt_read(const struct jwt_key *key, str token, int64_t now_s, struct arena *arena, str *ret_subject);

#endif
