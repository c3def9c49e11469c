// output.h — memory for bytes that leave, lent to a connection while it has any.
//
// Sizes are 4 KiB times a power of two; up to 64 KiB they are kept for the next connection of the core, last in first out, so that they are
// warm and an answer in steady state costs no malloc. Larger ones go back to the heap, and what a core's take together is bounded: clients
// that read slowly hold on to them.
#ifndef ENGINE_OUTPUT_H
#define ENGINE_OUTPUT_H

#include <stddef.h>

enum { OUTPUT_ORDERS = 5, OUTPUT_BYTES_MIN = 4096, OUTPUT_SPARE_BYTES_MAX = 4 << 20 };
#define OUTPUT_BYTES_MAX ((size_t)256 << 20)

struct output {
    struct output *next; // spare
    size_t capacity;
    size_t start, end; // what it holds is data[start, end)
    unsigned order;    // of two, in units of OUTPUT_BYTES_MIN; OUTPUT_ORDERS: larger than any that is kept
    char data[];
};

/** Spare memory of one core. */
struct output_pool {
    struct output *spare[OUTPUT_ORDERS];
    size_t spare_count[OUTPUT_ORDERS];
    size_t malloc_count;                 // how often the heap was asked: flat in steady state
    size_t large_bytes, large_bytes_max; // of those that are larger than any that is kept, now and at most
};

/** No bound on the large ones: `large_bytes_max` may be lowered at any time. */
void output_pool_init(struct output_pool *pool);
/** Frees the spare ones; all others have been given back. */
void output_pool_finish(struct output_pool *pool);

/** An empty one with room for `bytes`, or NULL without memory, above OUTPUT_BYTES_MAX, or where a large one is one too many. */
struct output *output_take(struct output_pool *pool, size_t bytes);
/** NULL is fine. */
void output_give_back(struct output_pool *pool, struct output *output);
/**
 * `output` (NULL: none) with room for `bytes` behind its end, and `kept` bytes behind the end preserved: itself, or a larger one that holds
 * the same and the old one is given back. NULL without memory, and nothing has changed.
 */
struct output *output_grow(struct output_pool *pool, struct output *output, size_t kept, size_t bytes);

static inline size_t output_bytes(const struct output *output) {
    return output ? output->end - output->start : 0;
}

#endif
