// messages.h — what is wrong, a line each, gathered so that all of it is said at once.
#ifndef HOST_MESSAGES_H
#define HOST_MESSAGES_H

#include "base/arena.h"

enum { MESSAGES_BYTES_MAX = 64 * 1024 };

struct messages {
    struct arena *arena; // of the lines
    char *text;          // each line ends with '\n'
    size_t bytes, capacity;
    unsigned count;
};

void messages_init(struct messages *messages, struct arena *arena);
/** printf one line, without its end. Past MESSAGES_BYTES_MAX, or without memory, it is only counted. */
void messages_add(struct messages *messages, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Lines that somebody else has made, as they are. */
void messages_add_lines(struct messages *messages, str lines);
/** Those that were added since `bytes` was `said`. Valid until the next is added. */
str messages_since(const struct messages *messages, size_t said);
/** All of them. Valid until the next is added. */
str messages_text(const struct messages *messages);

#endif
