// output.c — memory for bytes that leave, lent to a connection while it has any.
#include "engine/output.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t class_bytes(unsigned class) {
    return (size_t)OUTPUT_BYTES_MIN << class;
}

static unsigned class_of(size_t bytes) {
    unsigned class = 0;
    while (class < OUTPUT_CLASSES && class_bytes(class) < bytes)
        class ++;
    return class;
}

void output_pool_init(struct output_pool *pool) {
    *pool = (struct output_pool){0};
}

void output_pool_finish(struct output_pool *pool) {
    for (unsigned class = 0; class < OUTPUT_CLASSES; class ++) {
        while (pool->spare[class]) {
            struct output *output = pool->spare[class];
            pool->spare[class] = output->next;
            free(output);
        }
        pool->spare_count[class] = 0;
    }
}

static struct output *output_make(struct output_pool *pool, unsigned class, size_t bytes) {
    size_t capacity = class < OUTPUT_CLASSES ? class_bytes(class) : bytes;
    pool->malloc_count++;
    struct output *output = malloc(sizeof *output + capacity);
    if (!output)
        return NULL;
    output->capacity = capacity;
    output->class = class;
    return output;
}

struct output *output_take(struct output_pool *pool, size_t bytes) {
    if (bytes > OUTPUT_BYTES_MAX)
        return NULL;
    unsigned class = class_of(bytes);
    struct output *output = class < OUTPUT_CLASSES ? pool->spare[class] : NULL;
    if (output) {
        pool->spare[class] = output->next;
        pool->spare_count[class]--;
    } else if (!(output = output_make(pool, class, bytes))) {
        return NULL;
    }
    output->next = NULL;
    output->start = output->end = 0;
    return output;
}

void output_give_back(struct output_pool *pool, struct output *output) {
    if (!output)
        return;
    unsigned class = output->class;
    if (class == OUTPUT_CLASSES || pool->spare_count[class] * class_bytes(class) >= OUTPUT_SPARE_BYTES_MAX) {
        free(output);
        return;
    }
    output->next = pool->spare[class];
    pool->spare[class] = output;
    pool->spare_count[class]++;
}

/** At least double, so that an answer written in small pieces is copied a few times and not a thousand. */
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
