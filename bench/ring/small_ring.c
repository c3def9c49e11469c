// small_ring.c — as much of a ring as a benchmark needs: submissions, completions, and one group of provided buffers.
#include "small_ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { COMPLETIONS_PER_ENTRY = 8 };

static int setup(struct small_ring *ring, unsigned entries, unsigned flags) {
    struct io_uring_params params = {.flags = flags | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
                                              IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP,
                                     .cq_entries = entries * COMPLETIONS_PER_ENTRY};
    int fd = io_uring_setup(entries, &params);
    if (fd < 0)
        return fd;
    int error = io_uring_queue_mmap(fd, &params, &ring->uring);
    if (error < 0) {
        close(fd);
        return error;
    }
    if (!(flags & IORING_SETUP_NO_SQARRAY)) {
        for (unsigned i = 0; i < params.sq_entries; i++)
            ring->uring.sq.array[i] = i;
    }
    if (params.features & IORING_FEAT_NO_IOWAIT)
        ring->enter_flags |= IORING_ENTER_NO_IOWAIT;
    return 0;
}

static void *pages(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void buffer_add(struct small_ring *ring, unsigned index) {
    io_uring_buf_ring_add(ring->buffer_ring, ring->buffers + (size_t)index * ring->buffer_bytes, ring->buffer_bytes, (unsigned short)index,
                          io_uring_buf_ring_mask(ring->buffer_count), (int)ring->buffers_returned++);
}

static void buffers_publish(struct small_ring *ring) {
    io_uring_buf_ring_advance(ring->buffer_ring, (int)ring->buffers_returned);
    ring->buffers_returned = 0;
}

static int setup_buffers(struct small_ring *ring, unsigned count, unsigned bytes) {
    ring->buffer_count = count;
    ring->buffer_bytes = bytes;
    ring->buffers = pages((size_t)count * bytes);
    ring->buffer_ring = pages(count * sizeof(struct io_uring_buf));
    if (!ring->buffers || !ring->buffer_ring)
        return -ENOMEM;
    struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)ring->buffer_ring, .ring_entries = count};
    int error = io_uring_register_buf_ring(&ring->uring, &registration, 0);
    if (error < 0)
        return error;
    for (unsigned index = 0; index < count; index++)
        buffer_add(ring, index);
    buffers_publish(ring);
    return 0;
}

int small_ring_open(struct small_ring *ring, unsigned entries, unsigned buffer_count, unsigned buffer_bytes) {
    *ring = (struct small_ring){0};
    int error = setup(ring, entries, IORING_SETUP_NO_SQARRAY);
    if (error == -EINVAL)
        error = setup(ring, entries, 0); // before 6.6
    if (error < 0)
        return error;
    if (io_uring_register_ring_fd(&ring->uring) == 1)
        ring->enter_flags |= IORING_ENTER_REGISTERED_RING;
    return setup_buffers(ring, buffer_count, buffer_bytes);
}

static int enter(struct small_ring *ring, unsigned wait_count, unsigned flags, struct io_uring_getevents_arg *arg) {
    struct io_uring_sq *sq = &ring->uring.sq;
    buffers_publish(ring);
    io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
    sq->sqe_head = sq->sqe_tail;
    ring->enter_count++;
    return io_uring_enter2((unsigned)ring->uring.enter_ring_fd, io_uring_sq_ready(&ring->uring), wait_count, flags | ring->enter_flags,
                           (sigset_t *)arg, arg ? sizeof *arg : 0);
}

struct io_uring_sqe *small_ring_entry(struct small_ring *ring) {
    struct io_uring_sqe *sqe;
    while (!(sqe = io_uring_get_sqe(&ring->uring))) {
        int taken = enter(ring, 0, 0, NULL);
        if (taken < 0 && taken != -EINTR && taken != -EAGAIN && taken != -EBUSY) {
            fprintf(stderr, "io_uring_enter: error %d\n", -taken);
            exit(1);
        }
    }
    return sqe;
}

static int is_everyday(int error) {
    return error == -EINTR || error == -ETIME || error == -EAGAIN || error == -EBUSY;
}

int small_ring_turn(struct small_ring *ring, int64_t wait_ns) {
    struct __kernel_timespec timeout = {.tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000};
    struct io_uring_getevents_arg arg = {.ts = wait_ns > 0 ? (uintptr_t)&timeout : 0};
    int taken = enter(ring, wait_ns != 0, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg);
    return taken >= 0 || is_everyday(taken) ? 0 : taken;
}

void small_ring_recv(struct small_ring *ring, int fd, uint64_t user_data) {
    struct io_uring_sqe *sqe = small_ring_entry(ring);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->user_data = user_data;
}

char *small_ring_buffer(const struct small_ring *ring, const struct io_uring_cqe *cqe) {
    return ring->buffers + (size_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT) * ring->buffer_bytes;
}

void small_ring_give_back(struct small_ring *ring, const struct io_uring_cqe *cqe) {
    buffer_add(ring, cqe->flags >> IORING_CQE_BUFFER_SHIFT);
}
