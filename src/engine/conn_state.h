// conn_state.h — what conn.c and listener.c know of each other's objects. Nobody else includes it.
#ifndef ENGINE_CONN_STATE_H
#define ENGINE_CONN_STATE_H

#include "engine/conn.h"
#include "engine/output.h"

enum conn_phase {
    CONN_WAITING,   // accepted above the limit: nothing is read before another is gone
    CONN_OPEN,      // the protocol's
    CONN_CLOSING,   // conn_close() was called: the output is leaving, input is dropped
    CONN_LINGERING, // all has left and the client knows; input is dropped until it ends
    CONN_DEAD,      // closed: released once the kernel has given back both operations
};

struct conn {
    struct op recv, send;
    struct listener *listener;
    const struct protocol *protocol;
    struct output *filling, *flying; // what is being written, what the kernel sends
    int fd;
    uint8_t phase;
    bool is_paused;         // by conn_pause()
    bool is_ended;          // the client has sent its last byte
    bool is_recv_cancelled; // asked for, not yet come back
    bool is_known;          // on_open() was good: on_closed() is owed
    struct deferred settle; // at the turn's end: send, go on closing, or be released
    struct timer timer;     // armed no later than the earlier of the next two; they move more often than it does
    int64_t deadline_ms;    // the protocol's; 0: none
    int64_t limit_ms;       // ours, of a send or of lingering; 0: none
    int64_t progress_ms;    // of the send: when it was last seen to move
    uint64_t acked_bytes;   // ... and by what
    size_t dropped_bytes;   // of input, since conn_close()
    struct list node;       // of the listener's open, waiting or free ones
    struct list starved;    // of the listener's starved ones
    char user[] __attribute__((aligned(16)));
};

struct listener {
    struct core *core;
    struct listener_options options;
    int fd;
    struct op accept;
    bool is_accept_cancelled, is_draining;
    unsigned conn_count; // open ones, till they are released
    struct list open, waiting, free;
    struct list starved; // recv found no buffer; the first to be first served
    struct deferred feed;
    struct deferred farewell; // runs `drained` once nothing is left
    struct timer pause;       // accepting goes on when it expires
    struct timer famine;      // feeding goes on when it expires
    struct output_pool outputs;
    void (*drained)(void *arg);
    void *drained_arg;
};

/** For listener.c: a descriptor's new connection is opened, drained or killed. */
void conn_begin(struct conn *conn);
void conn_kill(struct conn *conn);
void conn_read(struct conn *conn);
/** For conn.c: no buffer was there for `conn`; its last operation has come back. */
void listener_starve(struct listener *listener, struct conn *conn);
void listener_release(struct listener *listener, struct conn *conn);

#endif
