// output.c — memory for bytes that leave, lent to a connection while it has any.
#include "engine/output.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t order_bytes(unsigned order) {
    return (size_t)OUTPUT_BYTES_MIN << order;
}

static unsigned order_of(size_t bytes) {
    unsigned order = 0;
    while (order < OUTPUT_ORDERS && order_bytes(order) < bytes)
        order++;
    return order;
}

void output_pool_init(struct output_pool *pool) {
    *pool = (struct output_pool){.large_bytes_max = SIZE_MAX};
}

void output_pool_finish(struct output_pool *pool) {
    for (unsigned order = 0; order < OUTPUT_ORDERS; order++) {
        while (pool->spare[order]) {
            struct output *output = pool->spare[order];
            pool->spare[order] = output->next;
            free(output);
        }
        pool->spare_count[order] = 0;
    }
}

static struct output *output_make(struct output_pool *pool, unsigned order, size_t bytes) {
    size_t capacity = order < OUTPUT_ORDERS ? order_bytes(order) : bytes, large_bytes = order < OUTPUT_ORDERS ? 0 : bytes;
    if (large_bytes && (pool->large_bytes > pool->large_bytes_max || large_bytes > pool->large_bytes_max - pool->large_bytes))
        return NULL;
    pool->malloc_count++;
    struct output *output = malloc(sizeof *output + capacity);
    if (!output)
        return NULL;
    pool->large_bytes += large_bytes;
    output->capacity = capacity;
    output->order = order;
    return output;
}

struct output *output_take(struct output_pool *pool, size_t bytes) {
    if (bytes > OUTPUT_BYTES_MAX)
        return NULL;
    unsigned order = order_of(bytes);
    struct output *output = order < OUTPUT_ORDERS ? pool->spare[order] : NULL;
    if (output) {
        pool->spare[order] = output->next;
        pool->spare_count[order]--;
    } else if (!(output = output_make(pool, order, bytes))) {
        return NULL;
    }
    output->next = NULL;
    output->start = output->end = 0;
    return output;
}

void output_give_back(struct output_pool *pool, struct output *output) {
    if (!output)
        return;
    unsigned order = output->order;
    if (order == OUTPUT_ORDERS)
        pool->large_bytes -= output->capacity;
    if (order == OUTPUT_ORDERS || pool->spare_count[order] * order_bytes(order) >= OUTPUT_SPARE_BYTES_MAX) {
        free(output);
        return;
    }
    output->next = pool->spare[order];
    pool->spare[order] = output;
    pool->spare_count[order]++;
}

// At least double, so that an answer written in small pieces is copied a few times and not a thousand.
static size_t grown(const struct output *output, size_t needed) {
    if (!output)
        return needed;
    size_t doubled = output->capacity * 2;
    if (doubled > OUTPUT_BYTES_MAX)
        doubled = OUTPUT_BYTES_MAX;
    return doubled > needed ? doubled : needed;
}

struct output *output_grow(struct output_pool *pool, struct output *output, size_t kept, size_t bytes) {
    if (kept > OUTPUT_BYTES_MAX || bytes > OUTPUT_BYTES_MAX)
        return NULL;
    if (output && output->capacity - output->end >= kept + bytes)
        return output;
    size_t held = output_bytes(output);
    struct output *larger = output_take(pool, grown(output, held + kept + bytes));
    if (!larger)
        return NULL;
    if (output)
        memcpy(larger->data, output->data + output->start, held + kept);
    larger->end = held;
    output_give_back(pool, output);
    return larger;
}
