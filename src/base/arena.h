// arena.h — memory of one lifetime: taken piece by piece, given back as a whole.
//
// Blocks of 8 KiB come from a pool that belongs to one core and keeps them for the next request, so that a request in steady state costs no
// malloc; a larger piece gets a block of its own, which is freed with the arena. What a core's large pieces may take together has a bound
// of its own: a thousand requests that each stay within their allowance must not take the machine's memory.
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <leat/values.h>

enum { ARENA_BLOCK_BYTES = 8192, ARENA_ALIGNMENT = 16 };

struct arena_block;
struct arena_deferred;

/** Spare blocks of one core. Not shared between threads. */
struct arena_pool {
    struct arena_block *spare;
    size_t spare_count, spare_count_max;
    size_t malloc_count;                 // how often the heap was asked: flat in steady state
    size_t large_bytes, large_bytes_max; // of blocks for larger pieces, now and at most
};

struct arena {
    struct arena_pool *pool;
    char *own, *own_end;        // the owner's memory, which pieces come from first; NULL: none
    struct arena_block *blocks; // newest first
    char *cursor, *end;
    size_t bytes, bytes_max; // taken so far, blocks counted whole
    struct arena_deferred *deferred;
};

/** No bound on large pieces: `large_bytes_max` may be lowered at any time. */
void arena_pool_init(struct arena_pool *pool, size_t spare_count_max);
/** Frees the spare blocks; every arena of the pool has been finished before. */
void arena_pool_finish(struct arena_pool *pool);

/** No memory is taken yet. `bytes_max` bounds what the arena may ever hold. */
void arena_init(struct arena *arena, struct arena_pool *pool, size_t bytes_max);
/**
 * From now on its blocks are taken from `pool`, and given back to it, those that it has as well: they are no particular pool's. Neither
 * pool is in use by another thread now.
 */
void arena_move(struct arena *arena, struct arena_pool *pool);
/** `memory`, aligned as pieces are, stays the caller's; small pieces come from it first, then from blocks. */
void arena_lend(struct arena *arena, void *memory, size_t bytes);
/**
 * Runs what was deferred, the last first, and gives everything back; the arena may be used again as if initialised, and still has what was
 * lent to it.
 */
void arena_reset(struct arena *arena);

/**
 * Returns zeroed, 16-byte aligned memory that lives until arena_reset(), or NULL once the arena has used its allowance, or the large pieces
 * of all arenas that of their pool.
 */
void *arena_alloc(struct arena *arena, size_t bytes);
/** arena_raw() where the newest block has no room; also for no bytes. */
void *arena_raw_elsewhere(struct arena *arena, size_t bytes);
/** The same as arena_alloc(), not zeroed: for bytes that are written at once. */
static inline void *arena_raw(struct arena *arena, size_t bytes) {
    size_t room = (size_t)(arena->end - arena->cursor); // a multiple of the alignment
    if (__builtin_expect(bytes - 1 >= room, false))
        return arena_raw_elsewhere(arena, bytes);
    void *piece = arena->cursor;
    arena->cursor += (bytes + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    return piece;
}
/** Runs `fn(arg)` when the arena is reset, for what it cannot own. 0, or -ENOMEM and nothing is deferred. */
int arena_defer(struct arena *arena, void (*fn)(void *arg), void *arg);
/** A copy of `s`; `ptr` is NULL where memory ran out. */
str arena_copy(struct arena *arena, str s);
/** printf into the arena; `ptr` is NULL where memory ran out. The text is NUL-terminated, the NUL not counted. */
str arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
str arena_vformat(struct arena *arena, const char *format, va_list args);

#endif
