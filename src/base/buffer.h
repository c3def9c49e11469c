// buffer.h — bytes that arrive or leave in pieces: filled at the end, drained at the front, bounded.
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data;
    size_t start, end; // what it holds is data[start, end)
    size_t capacity;
};

static inline size_t buffer_bytes(const struct buffer *buffer) {
    return buffer->end - buffer->start;
}

static inline const char *buffer_head(const struct buffer *buffer) {
    return buffer->data + buffer->start;
}

/** Frees the memory; the buffer is empty and may be used again. A zeroed buffer is an empty one. */
void buffer_finish(struct buffer *buffer);
/** Room for `bytes` more behind the end, which buffer_commit() then claims; NULL without memory. Invalidates earlier pointers. */
char *buffer_reserve(struct buffer *buffer, size_t bytes);
void buffer_commit(struct buffer *buffer, size_t bytes);
/** 0, or -ENOMEM and nothing appended. */
int buffer_append(struct buffer *buffer, const void *data, size_t bytes);
/** Drops `bytes` from the front. */
void buffer_consume(struct buffer *buffer, size_t bytes);

#endif
