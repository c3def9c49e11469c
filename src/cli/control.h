// control.h — the control socket of a running server: a line comes in, an answer goes out, the connection ends.
//
// It lies in var/run as server-PID.sock, in a folder and with a mode that nobody else may pass; who connects is asked of the kernel as well
// (SO_PEERCRED): our own user or root. The main thread serves it and never waits for a client: what does not come or is not read in time is
// cut, and every client, line and answer has its bound.
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include <stdint.h>

#include "host/messages.h"

struct control;

enum {
    CONTROL_CLIENTS_MAX = 16,
    CONTROL_LINE_BYTES_MAX = 4096,
    CONTROL_ANSWER_BYTES_MAX = 16 << 20,
    CONTROL_PATIENCE_MS = 10000, // for a whole line, and between two reads of an answer
};

/** `line` has no line feed and is the callee's for the call. It is answered now or later, by control_answer(); `client` is never 0. */
typedef void control_fn(void *arg, unsigned client, str line);

/** Makes the socket; what servers that are gone have left is removed. 0, or a negative errno. */
int control_open(const char *var, control_fn *handle, void *arg, struct control **ret_control);
/** Closes all connections and removes the socket. NULL is fine. */
void control_close(struct control *control);
/** Readable when control_serve() has something to do. */
int control_fd(const struct control *control);
/** When the first client's patience ends, as clock_monotonic_ns() / 1000000; 0 where there is none. */
int64_t control_due_ms(const struct control *control);
/** Does what can be done without waiting. */
void control_serve(struct control *control);
/** The whole answer, a line; copied. A client that has gone meanwhile is nobody: nothing happens. */
void control_answer(struct control *control, unsigned client, str answer);

#endif
