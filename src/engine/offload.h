// offload.h — worker threads for what blocks or burns: a job goes out, its result comes back to the core that sent it.
#ifndef ENGINE_OFFLOAD_H
#define ENGINE_OFFLOAD_H

#include <stdbool.h>

#include "base/list.h"
#include "engine/core.h"

struct offload; // the threads and their queue; one a process for each kind of work

/** Embedded in whoever waits; must live until `done` has run. */
struct job {
    void (*work)(struct job *job); // on a worker thread: may block; touches nothing of the core
    void (*done)(struct job *job); // on the core's thread, exactly once if offload_submit() took it
    struct list node;
    struct message message;
    struct core *core;
};

/** `queue_max` bounds the jobs that wait, not those at work. 0 or a negative errno. */
int offload_create(unsigned thread_count, unsigned queue_max, struct offload **ret_offload);
/** Lets running jobs end and drops nothing that was taken: their `done` is still posted. Then joins the threads. */
void offload_destroy(struct offload *offload);
/** From a core's thread. 0, or -EAGAIN when the queue is full. */
int offload_submit(struct offload *offload, struct core *core, struct job *job);
/**
 * From a coroutine: runs `job->work` on a worker thread and suspends until it is done. 0 or -EAGAIN. `job` sits on the caller's stack. If
 * the coroutine may be dropped meanwhile, use offload_submit() with a job of longer life instead.
 */
int offload_await(struct offload *offload, struct core *core, struct job *job);

#endif
