// small_ring.h — as much of a ring as a benchmark needs: submissions, completions, and one group of provided buffers.
//
// Not the server's own ring: what measures must not share a fault with what is measured. The settings are those that
// docs/PERFORMANCE.md found cheapest, the same that the server chooses.
#ifndef BENCH_SMALL_RING_H
#define BENCH_SMALL_RING_H

#include <stdint.h>

#include "engine/uring_compat.h"

struct small_ring {
    struct io_uring uring;
    unsigned enter_flags;
    struct io_uring_buf_ring *buffer_ring;
    char *buffers;
    unsigned buffer_count, buffer_bytes, buffers_returned;
    uint64_t enter_count;
};

/** Buffers: a power of two, no more than 32768. Returns 0 or a negative errno; a benchmark that gets one ends, so nothing is taken back. */
int small_ring_open(struct small_ring *ring, unsigned entries, unsigned buffer_count, unsigned buffer_bytes);

/** An entry to fill; never NULL: what is queued is submitted first when there is no room. */
struct io_uring_sqe *small_ring_entry(struct small_ring *ring);

/** Submits, and waits for a completion: without an end when `wait_ns` is negative, not at all when it is 0. 0 or a negative errno. */
int small_ring_turn(struct small_ring *ring, int64_t wait_ns);

/** Arms a recv that goes on until a completion says otherwise, into the ring's buffers. */
void small_ring_recv(struct small_ring *ring, int fd, uint64_t user_data);

/** What a completion's buffer holds; give it back within the turn. */
char *small_ring_buffer(const struct small_ring *ring, const struct io_uring_cqe *cqe);
void small_ring_give_back(struct small_ring *ring, const struct io_uring_cqe *cqe);

#endif
