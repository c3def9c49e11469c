// worker_value.h — what a .per_worker provider has made on this core, with the memory and the clean-ups of its making.
#ifndef APP_WORKER_VALUE_H
#define APP_WORKER_VALUE_H

#include "app/work.h"
#include "base/arena.h"

struct cleanup;

/** Shared by the generations of a core in which its provider, and all it depends on, are the same. */
struct worker_value {
    const leat_provider *provider;
    unsigned holder_count;
    struct arena arena;       // of the request that made it
    struct cleanup *cleanups; // its on_done()s
    void *value;
};

/** The run of a work that makes a value: calls the provider and keeps what it returns in the generation. */
void worker_value_make(struct req *r);
/** The value of the same provider in another generation of this core, if it may go on: held once more. NULL where it must be made. */
struct worker_value *worker_value_go_on(const struct generation *generation, const struct work *maker);
/** The last holder's: runs the clean-ups, last first, and gives the memory back. NULL is fine. */
void worker_value_let_go(struct worker_value *value);

#endif
