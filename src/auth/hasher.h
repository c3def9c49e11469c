// hasher.h — passwords hashed beside the ring: a few worker threads with a bounded queue, awaited from a coroutine.
#ifndef AUTH_HASHER_H
#define AUTH_HASHER_H

#include "auth/password.h"
#include "engine/offload.h"

struct hasher {
    struct offload *workers;
    struct password_cost cost;
};

/** Suspends. 0; -EAGAIN: the queue is full (503, Retry-After); -ENOMEM; -EIO. The job outlives a coroutine that is dropped meanwhile. */
int hasher_make(struct hasher *hasher, struct core *core, str plain, char ret_hash[PASSWORD_HASH_BYTES]);
/** Suspends. 1 or 0, or a negative errno as above. */
int hasher_matches(struct hasher *hasher, struct core *core, str plain, str hash);

#endif
