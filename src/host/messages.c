// messages.c — what is wrong, a line each, gathered so that all of it is said at once.
#include "messages.h"

#include <stdio.h>
#include <string.h>

void messages_init(struct messages *messages, struct arena *arena) {
    *messages = (struct messages){.arena = arena};
}

// NULL: no more is kept.
static char *room(struct messages *messages, size_t bytes) {
    size_t wanted = messages->bytes + bytes;
    if (wanted > MESSAGES_BYTES_MAX)
        return NULL;
    if (wanted > messages->capacity) {
        size_t capacity = wanted < 1024 ? 1024 : 2 * wanted;
        char *text = arena_raw(messages->arena, capacity);
        if (!text)
            return NULL;
        if (messages->bytes)
            memcpy(text, messages->text, messages->bytes);
        messages->text = text;
        messages->capacity = capacity;
    }
    return messages->text + messages->bytes;
}

void messages_add(struct messages *messages, const char *format, ...) {
    messages->count++;
    va_list args;
    va_start(args, format);
    char line[4096];
    int wanted = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    size_t bytes = wanted < 0 ? 0 : (size_t)wanted;
    if (bytes > sizeof line - 2)
        bytes = sizeof line - 2;
    line[bytes++] = '\n';
    char *end = room(messages, bytes);
    if (!end)
        return;
    memcpy(end, line, bytes);
    messages->bytes += bytes;
}

void messages_add_lines(struct messages *messages, str lines) {
    while (lines.len) {
        const char *end = memchr(lines.ptr, '\n', lines.len);
        size_t bytes = end ? (size_t)(end - lines.ptr) : lines.len;
        if (bytes)
            messages_add(messages, "%.*s", (int)bytes, lines.ptr);
        size_t taken = bytes + (end ? 1 : 0);
        lines = (str){lines.ptr + taken, lines.len - taken};
    }
}

str messages_since(const struct messages *messages, size_t said) {
    return (str){messages->text ? messages->text + said : "", messages->bytes - said};
}

str messages_text(const struct messages *messages) {
    return (str){messages->text, messages->bytes};
}
