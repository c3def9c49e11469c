// away.h — the call of a blocking handler or provider: on a worker thread, while its core goes on.
//
// A request has one owner at a time. While the author's function runs on the worker thread, the request's memory, headers, clean-ups and
// tasks are the thread's; the core keeps to the session, the deadline and what is said of the answer. What needs the core (a query, a call,
// a hash) the thread asks it for: it waits, and the request's coroutine, which has stayed on the core, does it in its stead. A request that
// ends meanwhile is answered at once, and goes when the thread comes back; a thread that asks for something on its behalf goes no further.
//
// Rejected: to move the coroutine to the thread and back. Compilers keep addresses of thread-locals, errno's among them, over a call, and
// no option of theirs forbids it.
#ifndef APP_AWAY_H
#define APP_AWAY_H

#include <stdbool.h>

#include "app/request.h"

typedef void away_fn(req *r, void *arg);

/** On the coroutine: `fn(r, arg)` runs on a worker thread. Returns when it has; not at all when it failed. 503 with too many waiting. */
void away_run(req *r, away_fn *fn, void *arg);
/** On the worker thread: has the core run `fn(arg)` on the request's coroutine. Does not return when the request ends in it. */
void away_call(req *r, void (*fn)(void *arg), void *arg);
/** On the worker thread: leaves the author's function for good; then `fn(r, arg)`, which ends the request, runs on the coroutine. */
_Noreturn void away_leave(req *r, away_fn *fn, void *arg);
/** The request whose function runs on this thread; NULL on a core. */
req *away_current(void);
/** By request_end(), while a thread has the request: answered and forgotten now, given back when the thread comes. */
void away_end(req *r, enum outcome outcome);

#endif
