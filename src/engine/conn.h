// conn.h — one client's TCP connection: bytes in by a multishot recv, bytes out by one send at a time.
//
// What the protocol writes during a turn leaves as one send at its end; while that is in flight the next ones gather in the other of two
// output buffers. Reading stops while more than output_bytes_max wait to leave, and goes on when they have. An idle connection holds no
// buffer. The connection is released when it is closed and the kernel has given back the last of its operations.
#ifndef ENGINE_CONN_H
#define ENGINE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core.h"

struct conn;

/** What a protocol does on a connection. Every function runs on the core's thread. */
struct protocol {
    /** A client is here. 0, or a negative errno that refuses it; then nothing else is called. */
    int (*on_open)(struct conn *conn);
    /** `data` is the ring's: valid during the call only. */
    void (*on_data)(struct conn *conn, const char *data, size_t bytes);
    /** The client will send no more. It may still read. */
    void (*on_end)(struct conn *conn);
    /** All that was written has gone to the kernel. Also called after a pause of reading for a full output. */
    void (*on_drained)(struct conn *conn);
    /** The deadline of conn_set_deadline() has passed. */
    void (*on_deadline)(struct conn *conn);
    /**
     * The server drains (see listener_drain): finish what is begun, take no more. Also called right after on_open() for a client that was
     * accepted at the last moment: its first request is under way, and deserves an answer.
     */
    void (*on_drain)(struct conn *conn);
    /** The connection is gone for good, by conn_close(), conn_abort(), or the peer. The last call: free what hangs on `user`. */
    void (*on_closed)(struct conn *conn);
};

struct listener_options {
    const char *host;              // numeric, "127.0.0.1", "::", "0.0.0.0"
    uint16_t port;                 // 0: the kernel picks one
    int backlog;                   // 4096
    unsigned conn_count_max;       // 10,000 a core; past it accepting pauses until one is gone, and what was taken already waits unread
    size_t output_bytes_max;       // 64 KiB
    size_t large_output_bytes_max; // 256 MiB of answers beyond 64 KiB, a core: conn_reserve() and its kin have no more then
    uint32_t write_stall_ms;       // 30 s in which the client acknowledges nothing of a send (seen up to a quarter later): it is aborted
    size_t user_bytes;             // zeroed memory for the protocol behind each connection: conn_user()
    const struct protocol *protocol;
};

/** 127.0.0.1:8000 and the figures above; `user_bytes` and `protocol` are the caller's. */
extern const struct listener_options listener_options_default;

struct listener; // of one core: its SO_REUSEPORT socket and its connections

/**
 * Binds and listens; `*ret_fd` is the socket. Made on the main thread for each core, so that a port in use is said before any core runs.
 */
int listener_bind(const struct listener_options *options, int *ret_fd);
uint16_t listener_port(int fd);
/** On the core's thread: accepts from now on. EMFILE and its kin pause accepting for 100 ms. 0 or a negative errno. */
int listener_start(struct core *core, int fd, const struct listener_options *options, struct listener **ret_listener);
/**
 * Stops accepting, closes the socket, and calls on_drain on every connection. `drained` (which may be NULL, and may destroy the listener)
 * runs at the end of a turn, once no connection is left.
 */
void listener_drain(struct listener *listener, void (*drained)(void *arg), void *arg);
/** Aborts all connections that are left. */
void listener_abort_all(struct listener *listener);
/** It has drained, or was never started with success. NULL is fine. */
void listener_destroy(struct listener *listener);
unsigned listener_conn_count(const struct listener *listener);

struct core *conn_core(const struct conn *conn);
/** The protocol's own memory, `user_bytes` of it. */
void *conn_user(struct conn *conn);
struct conn *conn_of_user(void *user);

/** Room for `bytes` of output; conn_commit() claims what was used. NULL without memory. Pointers are invalid after the next reserve. */
char *conn_reserve(struct conn *conn, size_t bytes);
void conn_commit(struct conn *conn, size_t bytes);
/** Room for `bytes` behind the first `used` of the last room, which are kept though they were not committed. NULL without memory. */
char *conn_extend(struct conn *conn, size_t used, size_t bytes);
/** Copies. 0 or -ENOMEM. */
int conn_write(struct conn *conn, const void *data, size_t bytes);
/** Bytes that wait to leave, the ones in flight included. */
size_t conn_output_bytes(const struct conn *conn);
/** True when as much waits as the limit allows: make no more answers until on_drained. */
bool conn_output_is_full(const struct conn *conn);

/**
 * No on_data until conn_resume(): bytes stay in the kernel. What its multishot recv had taken already is still delivered: up to 32 buffers
 * (the kernel's own limit before it looks at others, io_uring/net.c), so whoever pauses keeps room for 128 KiB.
 */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);

/** One deadline a connection, in the time of core_now_ms(): the last set holds; 0 takes it away. A few instructions: call it freely. */
void conn_set_deadline(struct conn *conn, int64_t due_ms);
/**
 * Lets what was written leave, shuts down writing (shutdown(2)) and drops input until the client ends as well, so that it reads the answer
 * even while it is sending (RFC 9112, 9.6): at most 5 s and 16 MiB. Then closes; at once where the client has ended before. No call but
 * on_closed() comes after it.
 */
void conn_close(struct conn *conn);
/**
 * Of a client that has ended its side: true when it has closed the whole of its socket, and has answered something that was sent to it
 * since by a reset (RFC 9293, section 3.5.2). A system call.
 */
bool conn_is_reset(const struct conn *conn);
/** Closes at once and drops what waits; on_closed() comes at the end of the turn or later, never during this call. */
void conn_abort(struct conn *conn);

#endif
