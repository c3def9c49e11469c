// coro.h — coroutines: straight-line code that waits without blocking its thread.
//
// Stacks come from a pool of one thread: a slab with a guard page below each, reused last in first out. A coroutine runs on the thread that
// started it, from coro_start() or coro_resume() until it suspends, ends or is abandoned. It never outlives its pool.
#ifndef ENGINE_CORO_H
#define ENGINE_CORO_H

#include <stddef.h>

struct coro;
struct coro_pool;
typedef void coro_fn(void *arg);

struct coro_options {
    size_t stack_bytes; // 64 KiB
    unsigned count_max; // 4096
};

/** 0 or a negative errno. */
int coro_pool_create(const struct coro_options *options, struct coro_pool **ret_pool);
void coro_pool_destroy(struct coro_pool *pool);
/** Coroutines that have begun and not ended. */
unsigned coro_pool_live(const struct coro_pool *pool);

/** Runs `fn(arg)` on a stack of its own until it first suspends or ends. 0, or -EAGAIN with all of count_max in use. */
int coro_start(struct coro_pool *pool, coro_fn *fn, void *arg);
/** The coroutine that runs now, or NULL on the thread's own stack. */
struct coro *coro_current(void);
/** From inside: back to whoever started or resumed; returns when somebody calls coro_resume(). */
void coro_suspend(void);
/** From outside, on the same thread: goes on where it suspended. Not from inside another coroutine. */
void coro_resume(struct coro *coro);
/** From inside: never to be resumed. Its stack goes back to the pool. */
_Noreturn void coro_abandon(void);
/** From outside: a suspended coroutine is never resumed. Its stack goes back to the pool. */
void coro_drop(struct coro *coro);

#endif
