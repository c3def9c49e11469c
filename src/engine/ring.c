// ring.c — one io_uring: operations in, completions out. The only file that knows liburing.
//
// Everything of a turn is one io_uring_enter(2): the submissions of the last turn, the wait, and (DEFER_TASKRUN) the kernel's own work for
// this ring, which goes on at no other time. liburing sets the ring up; entering it is done here, because we must know what was taken.
#include "engine/ring.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/list.h"
#include "engine/uring_compat.h"

enum {
    SLOT_COUNT_MAX = 1 << 22, // four for each of the million descriptors a process may have; address space until used
    SUBMIT_TRIES_MAX = 8,
    SELF_TEST_TURNS_MAX = 100,
    BUFFER_GROUP = 0,
    POST_RING_ENTRIES = 4,
};

static const uint64_t MESSAGE_BIT = UINT64_C(1) << 63; // no pointer has it, and generations end at 31 bits
static const uint32_t GENERATION_MASK = 0x7fffffff;

struct slot {
    struct op *op;
    uint32_t generation;
    uint32_t next; // free: the next free one; refused: the next refused one
};

struct ring {
    struct io_uring uring;
    unsigned enter_flags;
    uint64_t enter_count;

    struct slot *slots; // [0] is nobody's
    uint32_t slots_free, slots_made, in_flight;
    uint32_t refused, refused_running; // slots whose operations the kernel would not take: chains

    struct io_uring_buf_ring *buffer_ring;
    char *buffers;
    unsigned buffer_count, buffer_bytes;
    unsigned buffers_held;     // by whoever has not given them back
    unsigned buffers_returned; // and not yet published

    bool is_injecting;
    struct {
        unsigned nth;
        int result;
    } injections[RING_OPERATIONS];
};

// ---- slots

static uint32_t slot_take(struct ring *ring, struct op *op) {
    assert(op->slot == 0);
    uint32_t index = ring->slots_free;
    if (index) {
        ring->slots_free = ring->slots[index].next;
    } else {
        assert(ring->slots_made < SLOT_COUNT_MAX);
        index = ring->slots_made++;
    }
    ring->slots[index].op = op;
    op->slot = index;
    ring->in_flight++;
    return index;
}

static void slot_release(struct ring *ring, uint32_t index) {
    struct slot *slot = &ring->slots[index];
    slot->op->slot = 0;
    slot->op = NULL;
    slot->generation = (slot->generation + 1) & GENERATION_MASK;
    slot->next = ring->slots_free;
    ring->slots_free = index;
    ring->in_flight--;
}

static uint64_t slot_user_data(const struct ring *ring, uint32_t index) {
    return index | (uint64_t)ring->slots[index].generation << 32;
}

// ---- into the kernel

static void publish_buffers(struct ring *ring) {
    if (!ring->buffers_returned)
        return;
    io_uring_buf_ring_advance(ring->buffer_ring, (int)ring->buffers_returned);
    ring->buffers_returned = 0;
}

// The number of entries taken by the kernel, or a negative errno.
static int enter(struct ring *ring, unsigned wait_count, unsigned flags, struct io_uring_getevents_arg *arg) {
    struct io_uring_sq *sq = &ring->uring.sq;
    publish_buffers(ring);
    io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
    sq->sqe_head = sq->sqe_tail;
    ring->enter_count++;
    return io_uring_enter2((unsigned)ring->uring.enter_ring_fd, io_uring_sq_ready(&ring->uring), wait_count, flags | ring->enter_flags,
                           (sigset_t *)arg, arg ? sizeof *arg : 0);
}

// NULL only when the kernel has no memory for what is queued already.
static struct io_uring_sqe *sqe_take(struct ring *ring) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
    for (unsigned tries = 0; !sqe && tries < SUBMIT_TRIES_MAX; tries++) {
        enter(ring, 0, 0, NULL);
        sqe = io_uring_get_sqe(&ring->uring);
    }
    return sqe;
}

static void refuse(struct ring *ring, struct op *op) {
    if (!op)
        return;
    uint32_t index = slot_take(ring, op);
    ring->slots[index].next = ring->refused;
    ring->refused = index;
}

static void inject(struct ring *ring, struct io_uring_sqe *sqe, enum ring_operation kind) {
    if (!ring->injections[kind].nth || --ring->injections[kind].nth)
        return;
    uint64_t user_data = sqe->user_data;
    io_uring_prep_rw(IORING_OP_NOP, sqe, -1, NULL, (unsigned)ring->injections[kind].result, 0);
    sqe->rw_flags = IORING_NOP_INJECT_RESULT;
    sqe->user_data = user_data;
}

// The last touch on an entry: from here on it is the kernel's.
static void launch(struct ring *ring, struct io_uring_sqe *sqe, enum ring_operation kind, struct op *op) {
    if (op) {
        sqe->user_data = slot_user_data(ring, slot_take(ring, op));
    } else {
        sqe->user_data = 0;
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    }
    if (__builtin_expect(ring->is_injecting, 0))
        inject(ring, sqe, kind);
}

// ---- the operations

void ring_accept(struct ring *ring, struct op *op, int listener) {
    struct io_uring_sqe *sqe = sqe_take(ring);
    if (!sqe)
        return refuse(ring, op);
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    launch(ring, sqe, RING_ACCEPT, op);
}

void ring_recv(struct ring *ring, struct op *op, int fd) {
    struct io_uring_sqe *sqe = sqe_take(ring);
    if (!sqe)
        return refuse(ring, op);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
    launch(ring, sqe, RING_RECV, op);
}

static char *buffer_at(const struct ring *ring, uint16_t index) {
    return ring->buffers + (size_t)index * ring->buffer_bytes;
}

const char *ring_buffer(const struct ring *ring, const struct op *op) {
    assert(op->has_buffer);
    return buffer_at(ring, op->buffer);
}

static void buffer_add(struct ring *ring, uint16_t index) {
    io_uring_buf_ring_add(ring->buffer_ring, buffer_at(ring, index), ring->buffer_bytes, index, io_uring_buf_ring_mask(ring->buffer_count),
                          (int)ring->buffers_returned);
    ring->buffers_returned++;
}

void ring_give_back(struct ring *ring, struct op *op) {
    assert(op->has_buffer);
    op->has_buffer = false;
    ring->buffers_held--;
    buffer_add(ring, op->buffer);
}

unsigned ring_buffers_free(const struct ring *ring) {
    return ring->buffer_count - ring->buffers_held;
}

void ring_send(struct ring *ring, struct op *op, int fd, const void *data, size_t bytes) {
    struct io_uring_sqe *sqe = sqe_take(ring);
    if (!sqe)
        return refuse(ring, op);
    io_uring_prep_send(sqe, fd, data, bytes, MSG_WAITALL | MSG_NOSIGNAL);
    launch(ring, sqe, RING_SEND, op);
}

void ring_poll(struct ring *ring, struct op *op, int fd, unsigned events) {
    struct io_uring_sqe *sqe = sqe_take(ring);
    if (!sqe)
        return refuse(ring, op);
    io_uring_prep_poll_add(sqe, fd, events);
    launch(ring, sqe, RING_POLL, op);
}

void ring_open(struct ring *ring, struct op *op, int folder, const char *path, struct open_how *how) {
    struct io_uring_sqe *sqe = sqe_take(ring);
    if (!sqe)
        return refuse(ring, op);
    io_uring_prep_openat2(sqe, folder, path, how);
    launch(ring, sqe, RING_OPEN, op);
}

void ring_read(struct ring *ring, struct op *op, int fd, void *data, unsigned bytes, uint64_t offset) {
    struct io_uring_sqe *sqe = sqe_take(ring);
    if (!sqe)
        return refuse(ring, op);
    io_uring_prep_read(sqe, fd, data, bytes, offset);
    launch(ring, sqe, RING_READ, op);
}

void ring_write(struct ring *ring, struct op *op, int fd, const void *data, unsigned bytes, uint64_t offset) {
    struct io_uring_sqe *sqe = sqe_take(ring);
    if (!sqe)
        return refuse(ring, op);
    io_uring_prep_write(sqe, fd, data, bytes, offset);
    launch(ring, sqe, RING_WRITE, op);
}

void ring_close_file(struct ring *ring, int fd) {
    struct io_uring_sqe *sqe = sqe_take(ring);
    if (!sqe) {
        close(fd);
        return;
    }
    io_uring_prep_close(sqe, fd);
    sqe->flags |= IOSQE_ASYNC;
    launch(ring, sqe, RING_CLOSE, NULL);
}

void ring_close(struct ring *ring, struct op *op, int fd) {
    struct io_uring_sqe *sqe = sqe_take(ring);
    if (!sqe) {
        close(fd);
        return refuse(ring, op);
    }
    io_uring_prep_close(sqe, fd);
    launch(ring, sqe, RING_CLOSE, op);
}

// Without an entry; what cannot be cancelled at once is left alone.
static void cancel_now(struct ring *ring, const struct op *target) {
    struct io_uring_sync_cancel_reg request = {.addr = slot_user_data(ring, target->slot), .fd = -1};
    io_uring_register_sync_cancel(&ring->uring, &request);
}

void ring_cancel(struct ring *ring, struct op *op, struct op *target) {
    assert(op_is_in_flight(target));
    struct io_uring_sqe *sqe = sqe_take(ring);
    if (!sqe) {
        cancel_now(ring, target);
        return refuse(ring, op);
    }
    io_uring_prep_cancel64(sqe, slot_user_data(ring, target->slot), 0);
    launch(ring, sqe, RING_CANCEL, op);
}

void ring_cancel_fd(struct ring *ring, struct op *op, int fd) {
    struct io_uring_sqe *sqe = sqe_take(ring);
    if (!sqe) {
        shutdown(fd, SHUT_RDWR); // ends what is in flight on a socket as well
        return refuse(ring, op);
    }
    io_uring_prep_cancel_fd(sqe, fd, IORING_ASYNC_CANCEL_ALL);
    launch(ring, sqe, RING_CANCEL, op);
}

static void unchain(struct ring *ring, uint32_t *first, uint32_t index) {
    for (uint32_t *link = first; *link; link = &ring->slots[*link].next) {
        if (*link == index) {
            *link = ring->slots[index].next;
            return;
        }
    }
}

void ring_forget(struct ring *ring, struct op *op) {
    if (!op_is_in_flight(op))
        return;
    unchain(ring, &ring->refused, op->slot);
    unchain(ring, &ring->refused_running, op->slot);
    slot_release(ring, op->slot);
}

// ---- completions

static void complete_stranger(struct ring *ring, unsigned flags) {
    if (flags & IORING_CQE_F_BUFFER)
        buffer_add(ring, (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT));
}

static void complete(struct ring *ring, uint64_t user_data, int result, unsigned flags) {
    if (user_data & MESSAGE_BIT) {
        struct message *message = (struct message *)(uintptr_t)(user_data & ~MESSAGE_BIT);
        message->run(message);
        return;
    }
    uint32_t index = (uint32_t)user_data;
    const struct slot *slot = &ring->slots[index];
    struct op *op = slot->op;
    if (!op || slot->generation != user_data >> 32) {
        complete_stranger(ring, flags);
        return;
    }
    op->more = flags & IORING_CQE_F_MORE;
    op->has_buffer = flags & IORING_CQE_F_BUFFER;
    if (op->has_buffer) {
        op->buffer = (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT);
        ring->buffers_held++;
    }
    if (!op->more)
        slot_release(ring, index);
    op->done(op, result);
}

// Those that were refused before: what they ask for in turn and is refused again is for the next turn.
static int run_refused(struct ring *ring) {
    int count = 0;
    ring->refused_running = ring->refused;
    ring->refused = 0;
    for (; ring->refused_running; count++) {
        uint32_t index = ring->refused_running;
        struct op *op = ring->slots[index].op;
        ring->refused_running = ring->slots[index].next;
        slot_release(ring, index);
        op->more = op->has_buffer = false;
        op->done(op, -EAGAIN);
    }
    return count;
}

static bool is_everyday(int error) {
    switch (error) {
    case -EINTR:
    case -ETIME:
    case -EAGAIN: // no memory for a request: the entries stay queued
    case -EBUSY:  // completions must be reaped first
    case -EBADR:  // a completion was lost for want of memory: one connection hangs, the others live
        return true;
    default:
        return false;
    }
}

bool ring_is_ready(const struct ring *ring) {
    return ring->refused || io_uring_cq_ready(&ring->uring);
}

int ring_wait(struct ring *ring, int64_t wait_ns) {
    if (wait_ns && ring_is_ready(ring))
        wait_ns = 0;
    struct __kernel_timespec timeout = {.tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000};
    struct io_uring_getevents_arg arg = {.ts = wait_ns > 0 ? (uintptr_t)&timeout : 0};
    int taken = enter(ring, wait_ns != 0, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg);
    return taken >= 0 || is_everyday(taken) ? 0 : taken;
}

int ring_run(struct ring *ring) {
    int count = ring->refused ? run_refused(ring) : 0;
    struct io_uring_cq *cq = &ring->uring.cq;
    unsigned head = *cq->khead, tail = io_uring_smp_load_acquire(cq->ktail);
    count += (int)(tail - head);
    for (; head != tail; head++) {
        const struct io_uring_cqe *cqe = &cq->cqes[head & cq->ring_mask];
        complete(ring, cqe->user_data, cqe->res, cqe->flags);
    }
    io_uring_smp_store_release(cq->khead, head);
    return count;
}

int ring_turn(struct ring *ring, int64_t wait_ns) {
    int error = ring_wait(ring, wait_ns);
    return error < 0 ? error : ring_run(ring);
}

unsigned ring_in_flight(const struct ring *ring) {
    return ring->in_flight;
}

uint64_t ring_enter_count(const struct ring *ring) {
    return ring->enter_count;
}

void ring_inject(struct ring *ring, enum ring_operation kind, unsigned nth, int result) {
    ring->injections[kind].nth = nth;
    ring->injections[kind].result = result;
    ring->is_injecting = false;
    for (unsigned i = 0; i < RING_OPERATIONS; i++)
        ring->is_injecting |= ring->injections[i].nth != 0;
}

// ---- from other threads

struct poster {
    struct io_uring uring;
    bool is_open;
};
static _Thread_local struct poster poster;
static pthread_key_t poster_key; // its destructor runs at the thread's end
static pthread_once_t poster_once = PTHREAD_ONCE_INIT;
static int poster_key_error;

static void poster_close(void *arg) {
    struct poster *mine = arg;
    io_uring_queue_exit(&mine->uring);
    mine->is_open = false;
}

static void poster_key_create(void) {
    poster_key_error = pthread_key_create(&poster_key, poster_close);
}

int ring_post_prepare(void) {
    if (poster.is_open)
        return 0;
    pthread_once(&poster_once, poster_key_create);
    if (poster_key_error)
        return -poster_key_error;
    int error = io_uring_queue_init(POST_RING_ENTRIES, &poster.uring, 0);
    if (error < 0)
        return error;
    error = -pthread_setspecific(poster_key, &poster);
    if (error < 0) {
        io_uring_queue_exit(&poster.uring);
        return error;
    }
    poster.is_open = true;
    return 0;
}

// Closes the calling thread's ring: what was queued in it and not taken must not leave with the next message.
static void poster_reset(void) {
    poster_close(&poster);
    pthread_setspecific(poster_key, NULL);
}

static int poster_submit(void) {
    for (unsigned tries = 0; tries < SUBMIT_TRIES_MAX; tries++) {
        int error = io_uring_submit_and_wait(&poster.uring, 1);
        if (error != -EINTR && error != -EAGAIN)
            return error;
    }
    return -EAGAIN;
}

int ring_post(struct ring *to, struct message *message) {
    int error = ring_post_prepare();
    if (error < 0)
        return error;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&poster.uring);
    assert(sqe); // one at a time
    io_uring_prep_msg_ring(sqe, to->uring.ring_fd, 0, (uintptr_t)message | MESSAGE_BIT, 0);
    error = poster_submit();
    if (error < 0) {
        poster_reset();
        return error;
    }
    struct io_uring_cqe *cqe;
    while ((error = io_uring_wait_cqe(&poster.uring, &cqe)) == -EINTR)
        continue;
    assert(error == 0);
    int result = cqe->res;
    io_uring_cqe_seen(&poster.uring, cqe);
    return result < 0 ? result : 0;
}

// ---- the beginning and the end

static const unsigned ladder[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_SQARRAY, // 6.6
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,                           // 6.1
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,                            // 6.0
};

// io_uring_queue_init_params(3) of liburing 2.3 would write the array that NO_SQARRAY leaves out over the ring's head.
static int setup_without_array(struct io_uring *uring, unsigned entries, struct io_uring_params *params) {
    int fd = io_uring_setup(entries, params);
    if (fd < 0)
        return fd;
    int error = io_uring_queue_mmap(fd, params, uring);
    if (error < 0) {
        close(fd);
        return error;
    }
    uring->features = params->features;
    return 0;
}

static int setup_step(struct ring *ring, const struct ring_options *options, unsigned flags) {
    struct io_uring_params params = {.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP,
                                     .cq_entries = options->cq_entries};
    int error = flags & IORING_SETUP_NO_SQARRAY ? setup_without_array(&ring->uring, options->sq_entries, &params)
                                                : io_uring_queue_init_params(options->sq_entries, &ring->uring, &params);
    if (error < 0)
        return error;
    if (params.features & IORING_FEAT_NO_IOWAIT)
        ring->enter_flags |= IORING_ENTER_NO_IOWAIT; // a waiting server is not a disk that is slow
    return 0;
}

static int setup(struct ring *ring, const struct ring_options *options) {
    int error = -EINVAL;
    for (size_t step = 0; error == -EINVAL && step < sizeof ladder / sizeof *ladder; step++)
        error = setup_step(ring, options, ladder[step]);
    if (error < 0) {
        ring->uring.ring_fd = -1;
        return error == -EINVAL ? -EOPNOTSUPP : error;
    }
    if (io_uring_register_ring_fd(&ring->uring) == 1)
        ring->enter_flags |= IORING_ENTER_REGISTERED_RING;
    return 0;
}

static void *pages(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static int setup_buffers(struct ring *ring, const struct ring_options *options) {
    if (!options->buffer_bytes || !options->buffer_count || options->buffer_count > 32768 ||
        options->buffer_count & (options->buffer_count - 1))
        return -EDOM;
    ring->buffer_count = options->buffer_count;
    ring->buffer_bytes = options->buffer_bytes;
    ring->buffers = pages((size_t)ring->buffer_count * ring->buffer_bytes);
    ring->buffer_ring = pages(ring->buffer_count * sizeof(struct io_uring_buf));
    if (!ring->buffers || !ring->buffer_ring)
        return -ENOMEM;
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)ring->buffer_ring, .ring_entries = ring->buffer_count, .bgid = BUFFER_GROUP};
    int error = io_uring_register_buf_ring(&ring->uring, &registration, 0);
    if (error < 0)
        return error == -EINVAL ? -EOPNOTSUPP : error;
    for (unsigned index = 0; index < ring->buffer_count; index++)
        buffer_add(ring, (uint16_t)index);
    publish_buffers(ring);
    return 0;
}

// ---- the self-test: what a kernel says it can do and what it does are two things

struct self_test {
    struct op recv, send;
    struct ring *ring;
    bool has_arrived, has_ended;
};
static const char self_test_text[] = "leat";

static void self_test_received(struct op *op, int result) {
    struct self_test *test = container_of(op, struct self_test, recv);
    if (result == sizeof self_test_text && op->has_buffer && op->more)
        test->has_arrived = memcmp(ring_buffer(test->ring, op), self_test_text, sizeof self_test_text) == 0;
    if (op->has_buffer)
        ring_give_back(test->ring, op);
    test->has_ended = result == 0 && !op->more;
}

static void self_test_sent(struct op *op, int result) {
    (void)op;
    (void)result;
}

static bool self_test_passes(struct ring *ring, int reader, int writer) {
    struct self_test test = {.recv.done = self_test_received, .send.done = self_test_sent, .ring = ring};
    ring_recv(ring, &test.recv, reader);
    ring_send(ring, &test.send, writer, self_test_text, sizeof self_test_text);
    for (unsigned turn = 0; !test.has_ended && op_is_in_flight(&test.recv) && turn < SELF_TEST_TURNS_MAX; turn++) {
        if (ring_turn(ring, 10000000) < 0)
            break;
        if (test.has_arrived)
            shutdown(writer, SHUT_WR);
    }
    bool passes = test.has_arrived && test.has_ended;
    ring_forget(ring, &test.recv);
    ring_forget(ring, &test.send);
    return passes;
}

static int self_test(struct ring *ring) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    bool passes = self_test_passes(ring, ends[0], ends[1]);
    close(ends[0]);
    close(ends[1]);
    return passes ? 0 : -EOPNOTSUPP;
}

int ring_create(const struct ring_options *options, struct ring **ret_ring) {
    struct ring *ring = calloc(1, sizeof *ring);
    if (!ring)
        return -ENOMEM;
    ring->slots_made = 1;
    int error = setup(ring, options);
    if (error == 0)
        error = (ring->slots = pages(SLOT_COUNT_MAX * sizeof *ring->slots)) ? 0 : -ENOMEM;
    if (error == 0)
        error = setup_buffers(ring, options);
    if (error == 0)
        error = self_test(ring);
    if (error < 0) {
        ring_destroy(ring);
        return error;
    }
    *ret_ring = ring;
    return 0;
}

void ring_destroy(struct ring *ring) {
    if (!ring)
        return;
    if (ring->uring.ring_fd >= 0)
        io_uring_queue_exit(&ring->uring);
    if (ring->slots)
        munmap(ring->slots, SLOT_COUNT_MAX * sizeof *ring->slots);
    if (ring->buffers)
        munmap(ring->buffers, (size_t)ring->buffer_count * ring->buffer_bytes);
    if (ring->buffer_ring)
        munmap(ring->buffer_ring, ring->buffer_count * sizeof(struct io_uring_buf));
    free(ring);
}

static const struct {
    int error;
    const char *text;
} refusals[] = {
    {ENOSYS,
     "This kernel has no io_uring, or a seccomp profile hides it. Use Linux 6.1 or newer, and allow io_uring_setup, io_uring_enter and "
     "io_uring_register in the container's profile (docker run --security-opt seccomp=profile.json)."},
    {EPERM, "io_uring is switched off, or a seccomp profile forbids it. Run sysctl -w kernel.io_uring_disabled=0, or allow io_uring_setup, "
            "io_uring_enter and io_uring_register in the container's profile."},
    {EACCES, "A security module forbids io_uring. Allow it in the policy of SELinux or AppArmor."},
    {ENOMEM, "The rings do not fit into the locked memory this process may have, or there is no memory. Run ulimit -l unlimited, set "
             "LimitMEMLOCK= in the unit, or start fewer workers."},
    {EMFILE, "This process has no descriptors left. Raise ulimit -n, or LimitNOFILE= in the unit."},
    {ENFILE, "This machine has no descriptors left. Raise the sysctl fs.file-max."},
    {EOPNOTSUPP,
     "This kernel's io_uring lacks a multishot recv into provided buffers or the setup flags leat needs. Use Linux 6.1 or newer."},
    {EDOM, "The ring's buffers are not as io_uring wants them. Set a power of two up to 32768 as their number, and a size above 0."},
};

const char *ring_refusal(int error) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].error == -error)
            return refusals[i].text;
    return "The kernel refused an io_uring for a reason leat does not know. Look the errno up in io_uring_setup(2).";
}
