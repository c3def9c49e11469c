// cache.h — answers that are kept, and forgotten when what they say has changed.
//
//      GET("/posts/{post_id}", get_post, Post, (path(uuid, post_id), depends(get_db, db)),
//          .cache_s = 60, .cache_stale_s = 10, .cache_tags = "posts,post:{post_id}") { ... }
//      PATCH("/posts/{post_id}", ...) { ... cache_forget(r, format(r, "post:%s", ...)); ... }
//
// A route with .cache_s is asked once for each key and then answered from memory for so long: its handler, its guards and its dependencies
// do not run. The key is what the route and its dependencies declare: path, query, header and cookie parameters; a query parameter that
// nobody declares makes no second entry. A handler that looks at a header it does not declare is found out, and not cached. Kept are
// answers of the route's own status without Set-Cookie, Vary or a Cache-Control that forbids it; failures never. Answers say ETag,
// Cache-Control, Age and X-Cache: HIT, MISS, STALE or BYPASS, and a client that has the answer already gets 304. What a client's own
// Cache-Control asks for is not looked at: whether an answer is made anew is not a stranger's to say.
//
// A route that depends on who is asking (bearer_token and whatever depends on it) is refused at load, unless it says .cache_per_user: then
// its dependencies run for every request, and the key holds the credentials, so that nobody is given another's answer.
#ifndef LEAT_CACHE_H
#define LEAT_CACHE_H
#pragma GCC system_header

#include "request.h"

#pragma GCC visibility push(default)

/**
 * Forgets all answers that bear this tag, once the handler has returned and its transaction is committed, before its answer leaves: on all
 * cores of this server, and through Redis, where REDIS_URL is set, everywhere else. So a client that has seen its change is not answered
 * with what was before it. When the request fails it is forgotten as well. A tag is at most 256 bytes, the rest of a longer one does not
 * count. Neither fails nor suspends.
 */
void cache_forget(req *, str tag);

/**
 * The value that was kept under `key` (1024 bytes at most) with that type, as a `T *` in the request's memory, or NULL: there is none, or
 * none any more. Keys are the server's, not the plugin's: begin them with its name. Looks in this core's memory, then in Redis, where one
 * is set; suspends for that, REDIS_MS at most.
 */
#define cache_get(r, T, key) ((T *)leat_cache_get((r), &T##__schema, (key)))
/**
 * Keeps a copy of `*value`, a `const T *`, for so many seconds (a week at most), until one of `tags` is forgotten, which are names between
 * commas, S("") for none. On this core, and in Redis; another core without Redis has its own, and what it has stays until then. Only what
 * this request has looked for with cache_get() and not found is kept, and not if a tag of it was forgotten since: so what was read before a
 * change is never kept after it. Neither fails nor suspends; what is too long is not kept.
 *
 *      Totals *totals = cache_get(r, Totals, S("shop:totals"));
 *      if (!totals)
 *          cache_set(r, Totals, S("shop:totals"), totals = count(r, db), 60, S("orders"));
 */
#define cache_set(r, T, key, value, for_s, tags) leat_cache_set((r), &T##__schema, (key), (const T *){(value)}, (for_s), (tags))

/** What cache_get() calls. */
void *leat_cache_get(req *, const leat_schema *, str key);
/** What cache_set() calls. */
void leat_cache_set(req *, const leat_schema *, str key, const void *value, unsigned for_s, str tags);

#pragma GCC visibility pop
#endif
