// operator.h — what an operator asks of a running server, by way of its control socket: a verb a line.
#ifndef CLI_OPERATOR_H
#define CLI_OPERATOR_H

#include <stdint.h>

#include "cli/standing.h"
#include "host/server.h"

struct live;
struct operator;

/** What it looks at; all of it outlives it. */
struct operator_view {
    struct workspace *workspace;
    struct server *server;
    struct standing *standing;
    struct publisher *publisher;
    struct survey *survey;
    struct live *live;
};

/** 0 or a negative errno. */
int operator_open(const struct operator_view *view, struct operator** ret_operator);
/** NULL is fine. */
void operator_close(struct operator* operator);
/** As of a control socket. */
int operator_fd(const struct operator* operator);
int64_t operator_due_ms(const struct operator* operator);
void operator_serve(struct operator* operator);

/**
 * Loads what the folders hold, the plugin `anew` (or NULL) in any case; waits for files that are being written. 0; -EALREADY: it serves
 * already; -EINVAL, and the words of the refusal in `*ret_messages`, of the arena.
 */
int live_load(struct live *live, const char *anew, struct arena *arena, str *ret_messages);
/** The newest that was tried. */
unsigned live_generation(const struct live *live);

#endif
