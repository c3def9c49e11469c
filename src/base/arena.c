// arena.c — memory of one lifetime: taken piece by piece, given back as a whole.
#include "base/arena.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    size_t bytes; // of the whole block
};

struct arena_deferred {
    struct arena_deferred *next;
    void (*fn)(void *arg);
    void *arg;
};

enum { HEADER_BYTES = ARENA_ALIGNMENT, ZEROED_SMALL_MAX = 256 };
_Static_assert(sizeof(struct arena_block) <= HEADER_BYTES, "the header keeps what follows aligned");

static size_t aligned(size_t bytes) {
    return (bytes + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
}

void arena_pool_init(struct arena_pool *pool, size_t spare_count_max) {
    *pool = (struct arena_pool){.spare_count_max = spare_count_max, .large_bytes_max = SIZE_MAX};
}

void arena_pool_finish(struct arena_pool *pool) {
    while (pool->spare) {
        struct arena_block *block = pool->spare;
        pool->spare = block->next;
        free(block);
    }
    pool->spare_count = 0;
}

static struct arena_block *block_take(struct arena_pool *pool, size_t bytes) {
    struct arena_block *block = pool->spare;
    if (bytes == ARENA_BLOCK_BYTES && block) {
        pool->spare = block->next;
        pool->spare_count--;
        return block;
    }
    size_t large_bytes = bytes == ARENA_BLOCK_BYTES ? 0 : bytes;
    if (large_bytes && (pool->large_bytes > pool->large_bytes_max || large_bytes > pool->large_bytes_max - pool->large_bytes))
        return NULL;
    pool->malloc_count++;
    block = aligned_alloc(ARENA_ALIGNMENT, bytes);
    if (!block)
        return NULL;
    block->bytes = bytes;
    pool->large_bytes += large_bytes;
    return block;
}

static void block_give_back(struct arena_pool *pool, struct arena_block *block) {
    if (block->bytes != ARENA_BLOCK_BYTES)
        pool->large_bytes -= block->bytes;
    if (block->bytes != ARENA_BLOCK_BYTES || pool->spare_count == pool->spare_count_max) {
        free(block);
        return;
    }
    block->next = pool->spare;
    pool->spare = block;
    pool->spare_count++;
}

void arena_init(struct arena *arena, struct arena_pool *pool, size_t bytes_max) {
    *arena = (struct arena){.pool = pool, .bytes_max = bytes_max};
}

void arena_move(struct arena *arena, struct arena_pool *pool) {
    for (const struct arena_block *block = arena->blocks; block; block = block->next)
        if (block->bytes != ARENA_BLOCK_BYTES) {
            arena->pool->large_bytes -= block->bytes;
            pool->large_bytes += block->bytes;
        }
    arena->pool = pool;
}

void arena_lend(struct arena *arena, void *memory, size_t bytes) {
    assert(!arena->blocks && (uintptr_t)memory % ARENA_ALIGNMENT == 0 && bytes % ARENA_ALIGNMENT == 0);
    arena->cursor = arena->own = memory;
    arena->end = arena->own_end = arena->own + bytes;
}

void arena_reset(struct arena *arena) {
    while (arena->deferred) {
        struct arena_deferred *deferred = arena->deferred;
        arena->deferred = deferred->next;
        deferred->fn(deferred->arg);
    }
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        block_give_back(arena->pool, block);
    }
    arena->cursor = arena->own;
    arena->end = arena->own_end;
    arena->bytes = 0;
}

void *arena_raw_elsewhere(struct arena *arena, size_t bytes) {
    if (bytes > arena->bytes_max) // also keeps the sums below from wrapping
        return NULL;
    bytes = aligned(bytes ? bytes : 1);
    if (bytes <= (size_t)(arena->end - arena->cursor))
        return arena_raw(arena, bytes);
    size_t block_bytes = bytes + HEADER_BYTES <= ARENA_BLOCK_BYTES ? ARENA_BLOCK_BYTES : bytes + HEADER_BYTES;
    if (block_bytes > arena->bytes_max - arena->bytes)
        return NULL;
    struct arena_block *block = block_take(arena->pool, block_bytes);
    if (!block)
        return NULL;
    arena->bytes += block_bytes;
    char *piece = (char *)block + HEADER_BYTES;
    if (block_bytes > ARENA_BLOCK_BYTES && arena->cursor) { // where small pieces come from there still is room: stay with it
        struct arena_block **behind = arena->blocks ? &arena->blocks->next : &arena->blocks;
        block->next = *behind;
        *behind = block;
        return piece;
    }
    block->next = arena->blocks;
    arena->blocks = block;
    arena->cursor = piece + bytes;
    arena->end = (char *)block + block_bytes;
    return piece;
}

// memset(3) of glibc zeroes few bytes by stores under a mask, and who loads from the piece at once waits until they have reached the cache.
// The barrier keeps this loop from becoming a memset().
static void zero_small(char *piece, size_t bytes) {
    for (char *end = piece + bytes; piece < end; piece += ARENA_ALIGNMENT) {
        memset(piece, 0, ARENA_ALIGNMENT);
        __asm__("" : "+r"(piece));
    }
}

void *arena_alloc(struct arena *arena, size_t bytes) {
    char *piece = arena_raw(arena, bytes);
    if (!piece)
        return NULL;
    if (bytes <= ZEROED_SMALL_MAX)
        zero_small(piece, bytes); // and up to the next piece
    else
        memset(piece, 0, bytes);
    return piece;
}

int arena_defer(struct arena *arena, void (*fn)(void *arg), void *arg) {
    struct arena_deferred *deferred = arena_raw(arena, sizeof *deferred);
    if (!deferred)
        return -ENOMEM;
    *deferred = (struct arena_deferred){arena->deferred, fn, arg};
    arena->deferred = deferred;
    return 0;
}

str arena_copy(struct arena *arena, str s) {
    char *copy = arena_raw(arena, s.len);
    if (!copy)
        return (str){0};
    memcpy(copy, s.ptr ? s.ptr : "", s.len);
    return (str){copy, s.len};
}

str arena_vformat(struct arena *arena, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int bytes = vsnprintf(NULL, 0, format, args);
    assert(bytes >= 0);
    char *text = arena_raw(arena, (size_t)bytes + 1);
    if (text)
        vsnprintf(text, (size_t)bytes + 1, format, again);
    va_end(again);
    return text ? (str){text, (size_t)bytes} : (str){0};
}

str arena_format(struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str text = arena_vformat(arena, format, args);
    va_end(args);
    return text;
}
