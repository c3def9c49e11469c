// buffer.c — bytes that arrive or leave in pieces: filled at the end, drained at the front, bounded.
#include "base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 4096 };

void buffer_finish(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){0};
}

static void move_to_front(struct buffer *buffer) {
    memmove(buffer->data, buffer->data + buffer->start, buffer_bytes(buffer));
    buffer->end -= buffer->start;
    buffer->start = 0;
}

char *buffer_reserve(struct buffer *buffer, size_t bytes) {
    if (buffer->capacity - buffer->end >= bytes && buffer->data)
        return buffer->data + buffer->end;
    if (buffer->start && buffer->capacity - buffer_bytes(buffer) >= bytes) {
        move_to_front(buffer);
        return buffer->data + buffer->end;
    }
    size_t wanted = buffer->end + bytes, capacity = buffer->capacity ? buffer->capacity : CAPACITY_MIN;
    while (capacity < wanted)
        capacity *= 2;
    char *data = realloc(buffer->data, capacity);
    if (!data)
        return NULL;
    buffer->data = data;
    buffer->capacity = capacity;
    return data + buffer->end;
}

void buffer_commit(struct buffer *buffer, size_t bytes) {
    assert(bytes <= buffer->capacity - buffer->end);
    buffer->end += bytes;
}

int buffer_append(struct buffer *buffer, const void *data, size_t bytes) {
    char *room = buffer_reserve(buffer, bytes);
    if (!room)
        return -ENOMEM;
    if (bytes)
        memcpy(room, data, bytes);
    buffer->end += bytes;
    return 0;
}

void buffer_consume(struct buffer *buffer, size_t bytes) {
    assert(bytes <= buffer_bytes(buffer));
    buffer->start += bytes;
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
}
