// coro.h — coroutines: straight-line code that waits without blocking its thread.
//
// Stacks come from a pool of one thread: a slab with a guard page below each, reused last in first out. A coroutine runs on the thread that
// started it, from coro_start() or coro_resume() until it suspends, ends or is abandoned. It never outlives its pool.
#ifndef ENGINE_CORO_H
#define ENGINE_CORO_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/pulse.h"

struct coro;
struct coro_pool;
typedef void coro_fn(void *arg);

struct coro_options {
    size_t stack_bytes;  // 64 KiB; rounded up to pages
    unsigned count_max;  // 4096
    struct pulse *pulse; // beats with every coroutine that is entered and left; outlives the pool; NULL: nobody looks
};

/** 0 or a negative errno. Address space is taken for all stacks (count_max * stack_bytes), memory as they are used. */
int coro_pool_create(const struct coro_options *options, struct coro_pool **ret_pool);
/** No coroutine of the pool is live. */
void coro_pool_destroy(struct coro_pool *pool);
/** Coroutines that have begun and not ended. */
unsigned coro_pool_live(const struct coro_pool *pool);
/** True when a burst has left more stacks in memory than the pool likes to keep: coro_pool_trim() is then worth a call now and then. */
bool coro_pool_has_surplus(const struct coro_pool *pool);
/** Gives the memory of some (at most 64) of the stacks back to the kernel that were not used since the last call. */
void coro_pool_trim(struct coro_pool *pool);

/**
 * Runs `fn(arg)` on a stack of its own until it first suspends or ends. 0, -EAGAIN with all of count_max in use, or -EDEADLK from inside a
 * coroutine: a stack has one way back only, so who wants that defers it to the end of the turn (core_defer()).
 */
int coro_start(struct coro_pool *pool, coro_fn *fn, void *arg);
/** The coroutine that runs now, or NULL on the thread's own stack. */
struct coro *coro_current(void);
/** From inside: back to whoever started or resumed; returns when somebody calls coro_resume(). */
void coro_suspend(void);
/** From outside, on the same thread: goes on where it suspended. Not from inside another coroutine. */
void coro_resume(struct coro *coro);
/** From inside: never to be resumed. Its stack goes back to the pool, and nothing on it is unwound. */
_Noreturn void coro_abandon(void);
/** From outside: a suspended coroutine is never resumed. Its stack goes back to the pool, and nothing on it is unwound. */
void coro_drop(struct coro *coro);

#endif
