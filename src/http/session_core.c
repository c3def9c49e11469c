// session_core.c — what all sessions of a core share: limits, the date, a scratch head, and spare buffers.
#include <stdlib.h>

#include "http/session_state.h"

int session_core_create(struct core *core, const struct http_limits *limits, const struct http_app *app) {
    struct session_core *shared = calloc(1, sizeof *shared);
    if (!shared)
        return -ENOMEM;
    shared->core = core;
    shared->limits = limits;
    shared->app = app;
    core->http = shared;
    return 0;
}

void session_core_destroy(struct core *core) {
    struct session_core *shared = core->http;
    if (!shared)
        return;
    while (shared->spare_count)
        buffer_finish(&shared->spare[--shared->spare_count]);
    free(shared);
    core->http = NULL;
}

int session_core_append(struct session_core *shared, struct buffer *buffer, str data) {
    if (!buffer->data && shared->spare_count)
        *buffer = shared->spare[--shared->spare_count];
    return buffer_append(buffer, data.ptr, data.len);
}

void session_core_give_back(struct session_core *shared, struct buffer *buffer) {
    bool is_spare = buffer->data && buffer->capacity <= SPARE_BUFFER_BYTES_MAX && shared->spare_count < SPARE_BUFFERS;
    if (!is_spare) {
        buffer_finish(buffer);
        return;
    }
    buffer->start = buffer->end = 0;
    shared->spare[shared->spare_count++] = *buffer;
    *buffer = (struct buffer){0};
}
