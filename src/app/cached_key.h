// cached_key.h — the key of a request to a cached route: the bytes that say which answer it is.
#ifndef APP_CACHED_KEY_H
#define APP_CACHED_KEY_H

#include "app/cached_plan.h"
#include "base/arena.h"
#include "http/head.h"

/**
 * Writes the key to `out`, of `bytes_max` bytes, and returns how many; `params` are the path's, `scratch` what decoding needs. Before
 * anything is read as a type: "1" and "01" are two keys. -E2BIG where it is longer; -EBADMSG where the request is one that is refused (400)
 * though the key does not show it; -ENOMEM.
 */
int64_t cached_key_make(const struct cached_plan *plan, const struct http_head *head, const str *params, struct arena *scratch, char *out,
                        size_t bytes_max);

#endif
