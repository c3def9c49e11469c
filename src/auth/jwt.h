// jwt.h — JSON Web Tokens (RFC 7519) with the cautions of RFC 8725: one algorithm, pinned; every claim checked here.
//
// Nothing of a token is parsed before its signature is good: HMAC-SHA256 over the bytes as they came, whatever the header says, compared in
// constant time. So `alg` chooses nothing, and no stranger's JSON is read. libjwt 1.10 was measured and left out: 5.6 µs a token against
// 2.7, with exp, types, crit, duplicate claims and trailing bits all still to be checked beside it; the tests use it as the other side.
#ifndef AUTH_JWT_H
#define AUTH_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct jwt_key {
    str secret; // HS256: at least JWT_SECRET_BYTES_MIN
};
enum {
    JWT_SECRET_BYTES_MIN = 32,
    JWT_BYTES_MAX = 8192,
    JWT_DEPTH_MAX = 16,    // of objects and lists in the claims
    JWT_IAT_LEEWAY_S = 60, // how far ahead another issuer's clock may be
};

/** NULL, or the sentence that says why this key is refused. */
const char *jwt_key_problem(str secret);
/**
 * A token for `subject` from `now_s` to `now_s + ttl_s` (iat, exp). `ptr` is NULL without memory, and for a subject that is no UTF-8 or
 * makes the token longer than JWT_BYTES_MAX.
 */
str jwt_make(const struct jwt_key *key, str subject, int64_t now_s, int64_t ttl_s, struct arena *arena);
enum jwt_verdict { JWT_GOOD, JWT_MALFORMED, JWT_BAD_SIGNATURE, JWT_EXPIRED, JWT_NOT_YET, JWT_BAD_CLAIM };
/**
 * JWT_GOOD and `*ret_subject` in the arena, or why not. `exp` is required and an integer, `nbf` and `iat` where they are there; `sub` is a
 * string. A token with an `aud` is for somebody else (RFC 7519, section 4.1.3). `crit`, another `alg` or `typ` than HS256 and JWT, a claim
 * twice: JWT_MALFORMED or JWT_BAD_CLAIM. Without memory: JWT_MALFORMED.
 */
enum jwt_verdict jwt_read(const struct jwt_key *key, str token, int64_t now_s, struct arena *arena, str *ret_subject);

#endif
