// offload.h — worker threads for what blocks or burns: a job goes out, its result comes back to the core that sent it.
#ifndef ENGINE_OFFLOAD_H
#define ENGINE_OFFLOAD_H

#include <stdbool.h>

#include "base/list.h"
#include "engine/core.h"

struct offload; // the threads and their queue; one a process for each kind of work

/** Embedded in whoever waits; must live until `done` has run. The first two are the caller's to set, the others ours. */
struct job {
    void (*work)(struct job *job); // on a worker thread: may block; touches nothing of the core
    void (*done)(struct job *job); // on the core's thread, exactly once if offload_submit() took it
    struct list node;
    struct message message;
    struct core *core;
};

/** `queue_max` bounds the jobs that wait, not those at work. 0 or a negative errno. */
int offload_create(unsigned thread_count, unsigned queue_max, struct offload **ret_offload);
/**
 * The same with threads that are started as jobs come: one now, another whenever none is free, up to so many. For jobs that wait more than
 * they work.
 */
int offload_create_growing(unsigned thread_count_max, unsigned queue_max, struct offload **ret_offload);
/**
 * Lets what was taken be worked at, the queue included: its `done` is still posted, so the cores turn until they have seen it. Then joins
 * the threads. NULL is fine.
 */
void offload_destroy(struct offload *offload);
/** From any thread, for `core`. 0, or -EAGAIN when the queue is full and the job was not taken. */
int offload_submit(struct offload *offload, struct core *core, struct job *job);
/** Jobs that wait for a thread. */
unsigned offload_queue_count(struct offload *offload);

#endif
