// outflow.h — the body of an answer in pieces: what a Stream, Events, JSON Lines and a file have in common.
//
// Lives in its request's memory. It is open once its head is written; from then on it ends by outflow_finish(), by outflow_cut(), or with
// its client. Whoever writes waits while the connection's output is full; how long a client may take nothing is the connection's to judge.
#ifndef APP_OUTFLOW_H
#define APP_OUTFLOW_H

#include "app/request.h"

enum { OUTFLOW_PIECE_BYTES_MAX = 32 << 10 };

struct outflow {
    req *request;
    enum leat_kind kind;
    str type;
    int64_t body_bytes; // BODY_BYTES_UNKNOWN
    struct timer heartbeat;
    int64_t wrote_ms;
    bool is_open, waits_for_room;
};

/** Makes the request's only one; one too many is the plugin's fault and fails it. Suspends not. */
struct outflow *outflow_create(req *r, enum leat_kind kind, str type, int64_t body_bytes);
/** Writes the head unless it is written; after that there is a body to write. Leaves the handler for HEAD. Suspends. */
void outflow_open(struct outflow *outflow);
/** After a piece: `status` is piece_end()'s. Suspends while there is no room. Leaves the handler where the piece could not be written. */
void outflow_wrote(struct outflow *outflow, int64_t status);
/** Copies any number of bytes into as many pieces as it takes. Suspends. */
void outflow_write(struct outflow *outflow, str data);

/** Of the session: `r` may write on; its client has ended its side; the server drains. */
void outflow_on_room(req *r);
void outflow_on_ended(req *r);
void outflow_on_drain(req *r);

#endif
