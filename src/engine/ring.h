// ring.h — one io_uring: operations in, completions out. The only file that knows liburing is ring.c.
//
// user_data is slot | generation << 32; a completion whose generation is not its slot's is a stranger and is dropped. A full submission
// queue is submitted and tried again, an overflown completion queue is drained by the next turn: neither reaches the caller.
#ifndef ENGINE_RING_H
#define ENGINE_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "engine/op.h"

struct ring;

struct ring_options {
    unsigned sq_entries, cq_entries;     // 1024, 8192
    unsigned buffer_count, buffer_bytes; // 512 of 4096
};

/** What a thread is told from outside: run on the ring's thread, once. Belongs to the receiver from ring_post() on. */
struct message {
    void (*run)(struct message *message);
};

/**
 * Must be called by the thread that will turn the ring. Returns 0, or a negative errno that ring_refusal() explains. Checks by a self-test
 * (a socketpair, a multishot recv, a send) that the kernel does what leat needs.
 */
int ring_create(const struct ring_options *options, struct ring **ret_ring);
/** Nothing is in flight any more, or its completion is no longer wanted. */
void ring_destroy(struct ring *ring);
/** Cause and remedy of a failed ring_create(), in two sentences. */
const char *ring_refusal(int error);

/** Multishot; io_uring_prep_multishot_accept(3). Each completion is a descriptor (CLOEXEC, NONBLOCK not needed) or an error. */
void ring_accept(struct ring *ring, struct op *op, int listener);
/**
 * Multishot into the provided buffers. A completion > 0 has a buffer, whose bytes are ring_buffer() until ring_give_back(). 0 is the end of
 * the stream, -ENOBUFS that the buffers were gone; both end the multishot (`more` is false) and so may any other.
 */
void ring_recv(struct ring *ring, struct op *op, int fd);
const char *ring_buffer(const struct ring *ring, const struct op *op);
/** The buffer of the last completion goes back; published to the kernel with the next submission. */
void ring_give_back(struct ring *ring, struct op *op);
/** MSG_WAITALL | MSG_NOSIGNAL: completes with `bytes` or an error. `data` is the kernel's until then. */
void ring_send(struct ring *ring, struct op *op, int fd, const void *data, size_t bytes);
/** One shot; `events` as for poll(2). */
void ring_poll(struct ring *ring, struct op *op, int fd, unsigned events);
/** Closes `fd`. */
void ring_close(struct ring *ring, struct op *op, int fd);
/** Asks that `target` end early: it completes with -ECANCELED, or as it would have. `op` completes on its own account. */
void ring_cancel(struct ring *ring, struct op *op, struct op *target);

/**
 * Runs `message` on `to`'s thread. `from` is the calling thread's own ring, or NULL on a thread that has none (a worker, the main thread):
 * then a small ring of the thread's own is made at its first call. Returns 0 or a negative errno, and the message stays the caller's.
 */
int ring_post(struct ring *from, struct ring *to, struct message *message);

/**
 * One turn: submits what was asked for, waits up to `wait_ns` (0: not at all, negative: for ever) for at least one completion, collects
 * all that are there, then runs them. Returns how many ran, or a negative errno that is not of the everyday kind (-EINTR and -ETIME are 0).
 */
int ring_turn(struct ring *ring, int64_t wait_ns);
/** Operations in flight. */
unsigned ring_in_flight(const struct ring *ring);
/** How often the kernel was entered. */
uint64_t ring_enter_count(const struct ring *ring);

enum ring_operation { RING_ACCEPT, RING_RECV, RING_SEND, RING_POLL, RING_CLOSE, RING_CANCEL, RING_OPERATIONS };
/** For tests: the `nth` (from 1) operation of that kind from now on becomes a NOP that completes with `result`. 0 takes it back. */
void ring_inject(struct ring *ring, enum ring_operation kind, unsigned nth, int result);

#endif
