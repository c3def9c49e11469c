// call_body.h — the body of a call to another server, out of a value and its schema.
#ifndef APP_CALL_BODY_H
#define APP_CALL_BODY_H

#include <leat/http_client.h>

#include "base/arena.h"

/**
 * `*ret_bytes` (`ptr` NULL where there is none) and its Content-Type. 0; -EINVAL: it cannot be a form; -ENOMEM. Both live as long as
 * `arena`, or as what `body` points to.
 */
int call_body_make(const struct leat_http_body *body, struct arena *arena, str *ret_bytes, str *ret_type);
/** Percent-encodes all but letters, digits and -._~ (RFC 3986, section 2.3). `ptr` is NULL without memory. */
str call_escape(struct arena *arena, str s);

#endif
