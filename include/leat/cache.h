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

#pragma GCC visibility pop
#endif
