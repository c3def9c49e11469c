// floor.c — the smallest responder on a ring: it parses nothing, and says how little a request can cost on this machine.
//
// Requests are counted by their length, which is given; each is answered with the same bytes, out of one block that is never written to.
// One send for what one recv brought. Whatever a server costs above this is what it does for its living.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ring/small_ring.h"

enum {
    ENTRIES = 1024,
    BUFFER_COUNT = 512,
    BUFFER_BYTES = 4096,
    ANSWERS_PER_SEND_MAX = 256,
    CONNECTIONS_MAX = 1 << 16,
    BACKLOG = 4096,
    ANSWER_BYTES_MAX = 65536,
};
enum operation { ACCEPT, RECV, SEND, CLOSE };

struct connection {
    unsigned bytes_over; // of a request that has not come whole
    unsigned answers_owed;
    size_t bytes_in_flight;
    bool is_ended;
};

static struct small_ring ring;
static struct connection connections[CONNECTIONS_MAX]; // by descriptor
static char answers[ANSWERS_PER_SEND_MAX * (size_t)ANSWER_BYTES_MAX];
static size_t answer_bytes, request_bytes;
static unsigned answers_per_send;

static uint64_t tag(enum operation operation, int fd) {
    return (uint64_t)operation << 32 | (unsigned)fd;
}

static void fail(const char *what, int error) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(error));
    exit(1);
}

static void arm_accept(int listener) {
    struct io_uring_sqe *sqe = small_ring_entry(&ring);
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    sqe->user_data = tag(ACCEPT, listener);
}

static void send_owed(struct connection *connection, int fd) {
    unsigned count = connection->answers_owed < answers_per_send ? connection->answers_owed : answers_per_send;
    connection->answers_owed -= count;
    connection->bytes_in_flight = count * answer_bytes;
    struct io_uring_sqe *sqe = small_ring_entry(&ring);
    io_uring_prep_send(sqe, fd, answers, connection->bytes_in_flight, MSG_WAITALL | MSG_NOSIGNAL);
    sqe->user_data = tag(SEND, fd);
}

/** Once nothing of the connection is in flight any more. */
static void close_if_done(struct connection *connection, int fd) {
    if (!connection->is_ended || connection->bytes_in_flight)
        return;
    struct io_uring_sqe *sqe = small_ring_entry(&ring);
    io_uring_prep_close(sqe, fd);
    sqe->user_data = tag(CLOSE, fd);
}

static void on_accept(const struct io_uring_cqe *cqe, int listener) {
    if (!(cqe->flags & IORING_CQE_F_MORE))
        arm_accept(listener);
    if (cqe->res < 0)
        return;
    if (cqe->res >= CONNECTIONS_MAX) {
        close(cqe->res);
        return;
    }
    connections[cqe->res] = (struct connection){0};
    small_ring_recv(&ring, cqe->res, tag(RECV, cqe->res));
}

static void on_recv(const struct io_uring_cqe *cqe, int fd) {
    struct connection *connection = &connections[fd];
    if (cqe->flags & IORING_CQE_F_BUFFER)
        small_ring_give_back(&ring, cqe);
    if (cqe->res > 0) {
        size_t bytes = connection->bytes_over + (size_t)cqe->res;
        connection->answers_owed += (unsigned)(bytes / request_bytes);
        connection->bytes_over = (unsigned)(bytes % request_bytes);
        if (connection->answers_owed && !connection->bytes_in_flight)
            send_owed(connection, fd);
    }
    if (cqe->flags & IORING_CQE_F_MORE)
        return;
    if (cqe->res > 0 || cqe->res == -ENOBUFS) {
        small_ring_recv(&ring, fd, tag(RECV, fd));
        return;
    }
    connection->is_ended = true;
    close_if_done(connection, fd);
}

static void on_send(const struct io_uring_cqe *cqe, int fd) {
    struct connection *connection = &connections[fd];
    bool is_whole = cqe->res == (int)connection->bytes_in_flight;
    connection->bytes_in_flight = 0;
    if (!is_whole)
        shutdown(fd, SHUT_RDWR); // its recv comes back, and closes it
    else if (connection->answers_owed)
        send_owed(connection, fd);
    close_if_done(connection, fd);
}

static void complete(const struct io_uring_cqe *cqe) {
    int fd = (int)(uint32_t)cqe->user_data;
    switch ((enum operation)(cqe->user_data >> 32)) {
    case ACCEPT:
        return on_accept(cqe, fd);
    case RECV:
        return on_recv(cqe, fd);
    case SEND:
        return on_send(cqe, fd);
    case CLOSE:
        return;
    }
}

static void run(void) {
    for (;;) {
        int error = small_ring_turn(&ring, -1);
        if (error < 0)
            fail("the ring", -error);
        struct io_uring_cq *cq = &ring.uring.cq;
        unsigned head = *cq->khead, tail = io_uring_smp_load_acquire(cq->ktail);
        for (; head != tail; head++)
            complete(&cq->cqes[head & cq->ring_mask]);
        io_uring_smp_store_release(cq->khead, head);
    }
}

static int listen_on(const char *port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); // inherited by what is accepted
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, bytes) < 0 || listen(fd, BACKLOG) < 0)
        fail("listen", errno);
    getsockname(fd, (struct sockaddr *)&address, &bytes);
    printf("serving http://127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void read_answer(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file)
        fail(path, errno);
    answer_bytes = fread(answers, 1, ANSWER_BYTES_MAX, file);
    fclose(file);
    if (!answer_bytes)
        fail(path, ENODATA);
}

/** As many as one full buffer can ask for. */
static void repeat_answer(void) {
    size_t most = BUFFER_BYTES / request_bytes + 1;
    answers_per_send = most < ANSWERS_PER_SEND_MAX ? (unsigned)most : ANSWERS_PER_SEND_MAX;
    for (unsigned index = 1; index < answers_per_send; index++)
        memcpy(answers + index * answer_bytes, answers, answer_bytes);
}

static void usage(void) {
    fprintf(stderr, "usage: floor PORT REQUEST_BYTES ANSWER_FILE\n"
                    "answers every REQUEST_BYTES bytes with those of ANSWER_FILE, on 127.0.0.1; port 0 picks one\n");
    exit(2);
}

int main(int count, char **arguments) {
    if (count != 4 || (request_bytes = strtoul(arguments[2], NULL, 10)) == 0)
        usage();
    read_answer(arguments[3]);
    repeat_answer();
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < CONNECTIONS_MAX ? files.rlim_max : CONNECTIONS_MAX;
    setrlimit(RLIMIT_NOFILE, &files);
    int error = small_ring_open(&ring, ENTRIES, BUFFER_COUNT, BUFFER_BYTES);
    if (error < 0)
        fail("io_uring", -error);
    arm_accept(listen_on(arguments[1]));
    run();
}
