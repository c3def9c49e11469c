// coro.c — coroutines: straight-line code that waits without blocking its thread.
//
// What describes a coroutine lies apart from its stack, so that a cold stack can go back to the kernel as a whole and a bug on it cannot
// reach the list it hangs in. A guard page is an entry in the page table (MADV_GUARD_INSTALL, Linux 6.13) and not a mapping of its own:
// mprotect(2) would need two mappings a stack, and vm.max_map_count ends at 65530.
#include "engine/coro.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/list.h"
#include "engine/coro_switch.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 // 6.13
#endif

enum { WARM_STACKS_KEPT = 256, TRIM_MAX = 64 };

enum coro_state { CORO_FREE, CORO_SUSPENDED, CORO_RUNNING, CORO_ENDED };

struct coro {
    struct list node; // in the pool's warm or cold list while it is free
    struct coro_pool *pool;
    void *stack_pointer; // while it is suspended
    char *stack;         // lowest usable byte
    coro_fn *fn;
    void *arg;
    void *fake_stack; // AddressSanitizer's
    enum coro_state state;
};

struct coro_pool {
    char *slab;
    size_t page_bytes, stack_bytes, stride;
    unsigned count_max, made_count, live_count;
    struct pulse *pulse, own_pulse;
    struct list warm, cold; // free stacks: in memory (last used first), given back to the kernel
    unsigned warm_count, warm_count_min;
    struct coro coros[]; // as many as there may be, touched as they are made
};

static _Thread_local struct coro *running;
static _Thread_local struct {
    void *stack_pointer; // of the thread's own stack, while a coroutine runs
    void *fake_stack;
    const void *bottom;
    size_t bytes;
} outside;

// ---- what AddressSanitizer must be told; nothing without it

static void leaving_for(struct coro *coro) {
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(&outside.fake_stack, coro->stack, coro->pool->stack_bytes);
#else
    (void)coro;
#endif
}

static void arrived_inside(struct coro *coro) {
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(coro->fake_stack, &outside.bottom, &outside.bytes);
#else
    (void)coro;
#endif
}

static void leaving_inside(struct coro *coro) {
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(coro->state == CORO_ENDED ? NULL : &coro->fake_stack, outside.bottom, outside.bytes);
#else
    (void)coro;
#endif
}

static void arrived_outside(void) {
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(outside.fake_stack, NULL, NULL);
#endif
}

static void forget_frames_of(struct coro *coro) {
    coro->fake_stack = NULL;
#ifdef HAS_ASAN
    __asan_unpoison_memory_region(coro->stack, coro->pool->stack_bytes);
#endif
}

// ---- the pool

int coro_pool_create(const struct coro_options *options, struct coro_pool **ret_pool) {
    if (!options->count_max || !options->stack_bytes)
        return -EINVAL;
    struct coro_pool *pool = calloc(1, sizeof *pool + options->count_max * sizeof *pool->coros);
    if (!pool)
        return -ENOMEM;
    pool->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    pool->stack_bytes = (options->stack_bytes + pool->page_bytes - 1) & ~(pool->page_bytes - 1);
    pool->stride = pool->stack_bytes + pool->page_bytes;
    pool->count_max = options->count_max;
    pool->pulse = options->pulse ? options->pulse : &pool->own_pulse;
    list_init(&pool->warm);
    list_init(&pool->cold);
    pool->slab =
        mmap(NULL, pool->stride * pool->count_max, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (pool->slab == MAP_FAILED) {
        free(pool);
        return -ENOMEM;
    }
    madvise(pool->slab, pool->stride * pool->count_max, MADV_NOHUGEPAGE); // or one touched stack would be 2 MiB
    *ret_pool = pool;
    return 0;
}

void coro_pool_destroy(struct coro_pool *pool) {
    if (!pool)
        return;
    assert(pool->live_count == 0);
    munmap(pool->slab, pool->stride * pool->count_max);
    free(pool);
}

unsigned coro_pool_live(const struct coro_pool *pool) {
    return pool->live_count;
}

static int guard(const struct coro_pool *pool, char *page) {
    if (madvise(page, pool->page_bytes, MADV_GUARD_INSTALL) == 0)
        return 0;
    return mprotect(page, pool->page_bytes, PROT_NONE) == 0 ? 0 : -errno;
}

// A stack that was never used before; NULL when there are no more, or no guard can be had.
static struct coro *coro_make(struct coro_pool *pool) {
    if (pool->made_count == pool->count_max)
        return NULL;
    char *page = pool->slab + pool->made_count * pool->stride;
    if (guard(pool, page) < 0)
        return NULL;
    struct coro *coro = &pool->coros[pool->made_count++];
    list_init(&coro->node);
    coro->pool = pool;
    coro->stack = page + pool->page_bytes;
    return coro;
}

static struct coro *coro_take(struct coro_pool *pool) {
    struct list *node = list_pop(&pool->warm);
    if (node) {
        if (--pool->warm_count < pool->warm_count_min)
            pool->warm_count_min = pool->warm_count;
        return container_of(node, struct coro, node);
    }
    node = list_pop(&pool->cold);
    return node ? container_of(node, struct coro, node) : coro_make(pool);
}

static void coro_give_back(struct coro *coro) {
    struct coro_pool *pool = coro->pool;
    forget_frames_of(coro);
    coro->state = CORO_FREE;
    list_push_front(&pool->warm, &coro->node);
    pool->warm_count++;
    pool->live_count--;
}

bool coro_pool_has_surplus(const struct coro_pool *pool) {
    return pool->warm_count > WARM_STACKS_KEPT;
}

void coro_pool_trim(struct coro_pool *pool) {
    for (unsigned count = 0; count < TRIM_MAX && pool->warm_count_min > WARM_STACKS_KEPT; count++) {
        struct list *coldest = pool->warm.prev;
        struct coro *coro = container_of(coldest, struct coro, node);
        madvise(coro->stack, pool->stack_bytes, MADV_DONTNEED);
        list_remove(coldest);
        list_push_front(&pool->cold, coldest);
        pool->warm_count--;
        pool->warm_count_min--;
    }
    pool->warm_count_min = pool->warm_count;
}

// ---- in and out

static void *coro_entry(void) {
    struct coro *coro = running;
    arrived_inside(coro);
    coro->fn(coro->arg);
    coro->state = CORO_ENDED;
    leaving_inside(coro);
    return outside.stack_pointer;
}

static inline void going_in(struct coro *coro) {
    assert(!running);
    running = coro;
    coro->state = CORO_RUNNING;
    pulse_beat(coro->pool->pulse, 1);
    leaving_for(coro);
}

static inline void came_out(struct coro *coro) {
    arrived_outside();
    pulse_beat(coro->pool->pulse, 1);
    running = NULL;
    if (coro->state == CORO_ENDED)
        coro_give_back(coro);
}

static void coro_go_out(struct coro *coro) {
    leaving_inside(coro);
    coro_switch(&coro->stack_pointer, outside.stack_pointer);
    arrived_inside(coro);
}

int coro_start(struct coro_pool *pool, coro_fn *fn, void *arg) {
    if (running)
        return -EDEADLK;
    struct coro *coro = coro_take(pool);
    if (!coro)
        return -EAGAIN;
    pool->live_count++;
    coro->fn = fn;
    coro->arg = arg;
    going_in(coro);
    coro_begin(&outside.stack_pointer, coro->stack + pool->stack_bytes, coro_entry);
    came_out(coro);
    return 0;
}

struct coro *coro_current(void) {
    return running;
}

void coro_suspend(void) {
    assert(running);
    running->state = CORO_SUSPENDED;
    coro_go_out(running);
}

void coro_resume(struct coro *coro) {
    assert(coro->state == CORO_SUSPENDED);
    going_in(coro);
    coro_switch(&outside.stack_pointer, coro->stack_pointer);
    came_out(coro);
}

void coro_abandon(void) {
    assert(running);
    running->state = CORO_ENDED;
    coro_go_out(running);
    abort();
}

void coro_drop(struct coro *coro) {
    assert(coro->state == CORO_SUSPENDED);
    coro_give_back(coro);
}
