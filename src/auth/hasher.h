// hasher.h — passwords hashed beside the ring: a few worker threads with a bounded queue, awaited from a coroutine.
//
// A job is on the heap, with copies of what it reads: workers never touch a request's memory, and a request that goes leaves its job
// behind, which then frees itself.
#ifndef AUTH_HASHER_H
#define AUTH_HASHER_H

#include "auth/password.h"
#include "engine/offload.h"

struct hasher {
    struct offload *workers;
    struct password_cost cost;
};

/** Suspends. 0; -EAGAIN: the queue is full (503, Retry-After); -EINVAL: more than PASSWORD_BYTES_MAX; -ENOMEM; -EIO. */
int hasher_make(struct hasher *hasher, struct core *core, str plain, char ret_hash[PASSWORD_HASH_BYTES]);
/** Suspends. 1 or 0, or a negative errno as above. */
int hasher_matches(struct hasher *hasher, struct core *core, str plain, str hash);
/**
 * On the core's thread, by whoever is about to coro_drop(): what it waits for here is thrown away when it comes. Harmless if nothing is.
 */
void hasher_forget(struct coro *coro);

#endif
