// ring.h — one io_uring: operations in, completions out. The only file that knows liburing is ring.c.
//
// user_data is slot | generation << 32; a completion whose generation is not its slot's is a stranger and is dropped. A full submission
// queue is submitted and tried again, an overflown completion queue is drained by the next turn: neither reaches the caller. An operation
// that the kernel has no memory to take completes with -EAGAIN in the next turn.
#ifndef ENGINE_RING_H
#define ENGINE_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "engine/op.h"

struct open_how; // openat2(2)
struct ring;

struct ring_options {
    unsigned sq_entries, cq_entries;     // 1024, 8192
    unsigned buffer_count, buffer_bytes; // 512 of 4096; the count is a power of two up to 32768
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

/** Multishot; io_uring_prep_multishot_accept(3). Each completion is a descriptor (CLOEXEC, blocking) or an error. */
void ring_accept(struct ring *ring, struct op *op, int listener);
/**
 * Multishot into the provided buffers. A completion > 0 has a buffer, whose bytes are ring_buffer() until ring_give_back(). 0 is the end of
 * the stream, -ENOBUFS that the buffers were gone; both end the multishot (`more` is false) and so may any other.
 */
void ring_recv(struct ring *ring, struct op *op, int fd);
const char *ring_buffer(const struct ring *ring, const struct op *op);
/** The buffer of the last completion goes back; published to the kernel with the next submission. */
void ring_give_back(struct ring *ring, struct op *op);
/** Provided buffers that nobody holds. */
unsigned ring_buffers_free(const struct ring *ring);
/**
 * MSG_WAITALL | MSG_NOSIGNAL: completes with `bytes`, with less when an error came in between, or with the error. `data` is the kernel's
 * until then.
 */
void ring_send(struct ring *ring, struct op *op, int fd, const void *data, size_t bytes);
/** One shot; `events` as for poll(2). */
void ring_poll(struct ring *ring, struct op *op, int fd, unsigned events);
/**
 * openat2(2): completes with a descriptor, which somebody has to close, or with the error. `path` and `how` are the kernel's until then.
 * What the kernel would have to wait for a disk for goes on beside the ring.
 */
void ring_open(struct ring *ring, struct op *op, int folder, const char *path, struct open_how *how);
/** pread(2): completes with bytes, 0 at the end of the file. `data` is the kernel's until then; cancelling it does not end that early. */
void ring_read(struct ring *ring, struct op *op, int fd, void *data, unsigned bytes, uint64_t offset);
/** pwrite(2) of a regular file, the same way. */
void ring_write(struct ring *ring, struct op *op, int fd, const void *data, unsigned bytes, uint64_t offset);
/** ring_close() on a thread of the kernel's: the last descriptor of a large file without a name takes its time. Nobody waits for it. */
void ring_close_file(struct ring *ring, int fd);
/** Closes `fd`. `op` may be NULL where nobody waits for it. */
void ring_close(struct ring *ring, struct op *op, int fd);
/**
 * Asks that `target` end early: it completes with -ECANCELED, or as it would have. `op` completes on its own account, and may be NULL where
 * nobody waits for it.
 */
void ring_cancel(struct ring *ring, struct op *op, struct op *target);
/** The same for everything that is in flight on `fd`. */
void ring_cancel_fd(struct ring *ring, struct op *op, int fd);
/** The completion of `op` will be a stranger's: its memory is the caller's again. Not for a send, whose data the kernel still reads. */
void ring_forget(struct ring *ring, struct op *op);

/**
 * Runs `message` on `to`'s thread. Any thread may call it; a small ring of the calling thread's own carries it, made at its first call or
 * by ring_post_prepare(). One system call. Returns 0 or a negative errno, and then the message stays the caller's.
 */
int ring_post(struct ring *to, struct message *message);
/** Makes the calling thread's small ring now, so that a later ring_post() cannot fail for want of it. 0 or a negative errno. */
int ring_post_prepare(void);

/**
 * Submits what was asked for and waits up to `wait_ns` (0: not at all, negative: for ever) for at least one completion. 0, or a negative
 * errno that is not of the everyday kind (-EINTR and -ETIME are 0).
 */
int ring_wait(struct ring *ring, int64_t wait_ns);
/** True when there is a completion to run. */
bool ring_is_ready(const struct ring *ring);
/** Runs the completions that are there, and returns how many. What they submit waits for the next ring_wait(). */
int ring_run(struct ring *ring);
/** One turn: ring_wait(), then ring_run(). */
int ring_turn(struct ring *ring, int64_t wait_ns);
/** Operations in flight. */
unsigned ring_in_flight(const struct ring *ring);
/** How often the kernel was entered. */
uint64_t ring_enter_count(const struct ring *ring);

enum ring_operation {
    RING_ACCEPT,
    RING_RECV,
    RING_SEND,
    RING_POLL,
    RING_CLOSE,
    RING_CANCEL,
    RING_OPEN,
    RING_READ,
    RING_WRITE,
    RING_OPERATIONS
};
/** For tests: the `nth` (from 1) operation of that kind from now on becomes a NOP that completes with `result`. 0 takes it back. */
void ring_inject(struct ring *ring, enum ring_operation kind, unsigned nth, int result);

#endif
