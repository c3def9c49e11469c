// security.h — passwords, tokens, and who is asking.
#ifndef LEAT_SECURITY_H
#define LEAT_SECURITY_H
#pragma GCC system_header

#include "route.h"

#pragma GCC visibility push(default)

/**
 * The argon2id hash of `plain` as a PHC string, every byte of it counted, NUL included. Suspends: worker threads do the work. With the
 * hashing queue full the request is answered 503 with Retry-After and this does not return.
 */
str password_hash(req *, str plain);
/**
 * True when `plain` is what `hash` was made from. Takes the same time for an empty or malformed `hash`, so that an unknown user cannot be
 * told from a wrong password. Suspends like password_hash.
 */
bool password_verify(req *, str plain, str hash);
/** True when `hash` was made with weaker parameters than the server's now: after a good password_verify, hash anew and store. */
bool password_needs_rehash(str hash);

/** A JWT (RFC 7519), HS256 with the server's SECRET_KEY, for `subject`, that expires `ttl_s` seconds from now. Does not suspend. */
str jwt_issue(req *, str subject, i64 ttl_s);
/**
 * True when `token` is one of ours: HS256 and no other algorithm (RFC 8725), signature, `exp` present and not past, `nbf` not ahead, `sub`
 * a string, which `*ret_subject` then is, in the request's memory.
 */
bool jwt_check(req *, str token, str *ret_subject);

/** The token of `Authorization: Bearer`; without one the request is answered 401 "Not authenticated" with WWW-Authenticate. */
PROVIDER(bearer_token, str);
/** The same, with a NULL `ptr` instead of the 401. */
PROVIDER(optional_bearer_token, str);

#pragma GCC visibility pop
#endif
