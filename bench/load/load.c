// load.c — loads a server from one ring, checks every answer, and says what it saw: `load --help`.
//
// Closed loop: each connection sends, waits, and sends again, so that a slow server is asked less. Open loop (--rate): request i is due at
// start + i / rate whatever the server does, and its time counts from there, also while it waits for a free connection: what wrk calls
// latency leaves out just the requests that would have been slow (Tene's coordinated omission).
//
// It must be cheaper than any server: requests leave from one block that is never written to, nobody asks how a send went unless it
// failed, and an answer's head is compared with the last one (answer.c).
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "histogram.h"
#include "options.h"
#include "ring/small_ring.h"

enum { ENTRIES = 1024, BUFFER_COUNT = 512, BUFFER_BYTES = 4096, FAILURES_MAX = 1000, FILES_BESIDE = 64 };
static const uint64_t second_ns = 1000000000, stall_ns = 10000000000, grace_ns = 2000000000;
static const int64_t nap_ns = 100000000;
enum operation { CONNECT, RECV, SEND };

struct client {
    int fd;
    uint16_t generation; // of its connection: a send that failed may be told when the next one stands
    bool is_receiving, is_leaving;
    unsigned answers_left;
    uint64_t began_ns; // of the requests on their way: sent, or due
    struct answer_reader reader;
};

static struct options options;
static struct small_ring ring;
static struct answers answers;
static struct histogram histogram;
static struct client *clients;
static int *idle_fds;
static char *block; // the request, `pipeline` times

static uint64_t now_ns, begin_ns, end_ns; // begin: the measured time's; 0 before
static uint64_t requests_left;            // to be sent, where their number is given
static uint64_t bytes_in, connect_failures, closed_early;
static unsigned *fresh, fresh_count;                    // clients that send in this turn: their time begins when it is submitted
static unsigned *waiting, waiting_first, waiting_count; // open loop: clients without a request, the longest unused first
static uint64_t due_index;                              // open loop: of the next request
static uint64_t start_ns;
static unsigned busy_count; // clients with requests on their way
static bool is_over;        // nothing is sent any more, nothing counted

static uint64_t clock_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * second_ns + (uint64_t)time.tv_nsec;
}

static void fail(const char *what, int error) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(error));
    exit(1);
}

static uint64_t tag(enum operation operation, unsigned index) {
    return (uint64_t)operation << 48 | (uint64_t)clients[index].generation << 32 | index;
}

static bool is_measuring(void) {
    return begin_ns != 0 && now_ns >= begin_ns && !is_over;
}

// ---- out

static void send_requests(unsigned index, unsigned count) {
    struct client *client = &clients[index];
    client->answers_left = count;
    busy_count++;
    struct io_uring_sqe *sqe = small_ring_entry(&ring);
    io_uring_prep_send(sqe, client->fd, block, count * options.request_bytes, MSG_WAITALL | MSG_NOSIGNAL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = tag(SEND, index);
}

static uint64_t due_ns(uint64_t request) {
    return start_ns + (uint64_t)((double)request * 1e9 / options.rate);
}

/** What is due and finds a client. */
static void send_due(void) {
    for (uint64_t due; waiting_count && (due = due_ns(due_index)) <= now_ns && (!end_ns || due < end_ns); due_index++) {
        unsigned index = waiting[waiting_first];
        waiting_first = (waiting_first + 1) % options.connections;
        waiting_count--;
        clients[index].began_ns = due;
        send_requests(index, 1);
    }
}

static void send_next(unsigned index) {
    if (is_over)
        return;
    if (options.rate) {
        waiting[(waiting_first + waiting_count++) % options.connections] = index;
        return;
    }
    unsigned count = options.pipeline;
    if (options.requests) {
        count = requests_left < count ? (unsigned)requests_left : count;
        requests_left -= count;
    }
    if (!count)
        return;
    send_requests(index, count);
    if (!options.is_churn) // there the time begins with the connection
        fresh[fresh_count++] = index;
}

static void stamp_fresh(void) {
    uint64_t submitted_ns = clock_ns();
    while (fresh_count)
        clients[fresh[--fresh_count]].began_ns = submitted_ns;
}

// ---- connections

static struct sockaddr_in address_of_server(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options.port)};
    if (inet_pton(AF_INET, options.host, &address.sin_addr) != 1)
        fail(options.host, EINVAL);
    return address;
}

static struct sockaddr_in server;

static int open_socket(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (fd < 0)
        fail("socket", errno);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return fd;
}

/** From the ring: once others are at work. */
static void connect_again(unsigned index) {
    struct client *client = &clients[index];
    client->fd = open_socket();
    client->generation++;
    client->is_leaving = false;
    client->answers_left = 0;
    client->began_ns = now_ns;
    answer_reader_clear(&client->reader);
    struct io_uring_sqe *sqe = small_ring_entry(&ring);
    io_uring_prep_connect(sqe, client->fd, (struct sockaddr *)&server, sizeof server);
    sqe->user_data = tag(CONNECT, index);
}

static void receive(unsigned index) {
    clients[index].is_receiving = true;
    small_ring_recv(&ring, clients[index].fd, tag(RECV, index));
}

static int connect_now(void) {
    int fd = open_socket();
    if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0)
        fail("connect", errno);
    return fd;
}

static void connect_first(void) {
    for (unsigned index = 0; index < options.connections; index++) {
        clients[index].fd = connect_now();
        receive(index);
    }
}

/** Its recv comes back with the end, and closes it. */
static void leave(struct client *client) {
    client->is_leaving = true;
    shutdown(client->fd, SHUT_RDWR);
}

static void replace(unsigned index) {
    struct client *client = &clients[index];
    close(client->fd);
    client->fd = -1;
    busy_count -= client->answers_left != 0;
    if (options.requests)
        requests_left += client->answers_left; // they are asked again
    client->answers_left = 0;
    if (is_over || (options.requests && !requests_left))
        return;
    if (connect_failures + closed_early + answers.errors.broken > FAILURES_MAX)
        fail("too many connections were lost; the last error", ECONNRESET);
    connect_again(index);
}

/** Connections that were answered once, and are silent from then on. */
static void connect_idle(void) {
    struct answer_reader reader = {0};
    char data[BUFFER_BYTES];
    for (unsigned index = 0; index < options.idle; index++) {
        int fd = idle_fds[index] = connect_now(), count = 0;
        if (send(fd, options.request, options.request_bytes, MSG_NOSIGNAL) < 0)
            fail("an idle connection", errno);
        while (count == 0) {
            ssize_t bytes = recv(fd, data, sizeof data, 0);
            if (bytes <= 0)
                fail("an idle connection was closed", bytes ? errno : ECONNRESET);
            if ((count = answer_read(&answers, &reader, data, (size_t)bytes)) < 0)
                fail("an idle connection", EPROTO);
        }
    }
}

static unsigned idle_alive(void) {
    unsigned count = 0;
    char byte;
    for (unsigned index = 0; index < options.idle; index++)
        count += recv(idle_fds[index], &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
    return count;
}

// ---- in

static void on_connect(unsigned index, int result) {
    if (result < 0) {
        connect_failures++;
        replace(index);
        return;
    }
    receive(index);
    send_next(index);
}

static void on_answers(unsigned index, int count) {
    struct client *client = &clients[index];
    if ((unsigned)count > client->answers_left) { // more than was asked for
        answers.errors.broken++;
        leave(client);
        return;
    }
    client->answers_left -= (unsigned)count;
    busy_count -= client->answers_left == 0;
    if (is_measuring() && count && (!options.rate || client->began_ns >= begin_ns))
        histogram_add(&histogram, now_ns - client->began_ns, (uint64_t)count);
    if (client->answers_left == 0 && !options.is_churn)
        send_next(index);
}

static void on_end(unsigned index, int result) {
    struct client *client = &clients[index];
    client->is_receiving = false;
    bool is_as_agreed = options.is_churn && result == 0 && client->answers_left == 0;
    if (!is_as_agreed && !client->is_leaving)
        closed_early++;
    replace(index);
}

static void on_recv(unsigned index, const struct io_uring_cqe *cqe) {
    struct client *client = &clients[index];
    if (cqe->flags & IORING_CQE_F_BUFFER) {
        int count = client->is_leaving ? 0 : answer_read(&answers, &client->reader, small_ring_buffer(&ring, cqe), (size_t)cqe->res);
        small_ring_give_back(&ring, cqe);
        if (is_measuring())
            bytes_in += (uint64_t)cqe->res;
        if (count < 0)
            leave(client);
        else if (count > 0)
            on_answers(index, count);
    }
    if (cqe->flags & IORING_CQE_F_MORE)
        return;
    if (cqe->res > 0 || cqe->res == -ENOBUFS)
        receive(index);
    else
        on_end(index, cqe->res);
}

static void on_send_failed(unsigned index) {
    if (!clients[index].is_leaving)
        shutdown(clients[index].fd, SHUT_RDWR);
}

static void complete(const struct io_uring_cqe *cqe) {
    unsigned index = (unsigned)cqe->user_data;
    if ((uint16_t)(cqe->user_data >> 32) != clients[index].generation)
        return;
    switch ((enum operation)(cqe->user_data >> 48)) {
    case CONNECT:
        return on_connect(index, cqe->res);
    case RECV:
        return on_recv(index, cqe);
    case SEND:
        return on_send_failed(index);
    }
}

// ---- the loop

/** An open loop does not sleep: a core that wakes up takes longer than many an answer. */
static int64_t wait_ns(void) {
    return options.rate ? 0 : nap_ns;
}

/** Collects what has come, and submits what follows from it. */
static unsigned turn(void) {
    stamp_fresh();
    int error = small_ring_turn(&ring, wait_ns());
    if (error < 0)
        fail("the ring", -error);
    now_ns = clock_ns();
    struct io_uring_cq *cq = &ring.uring.cq;
    unsigned head = *cq->khead, tail = io_uring_smp_load_acquire(cq->ktail), count = tail - head;
    for (; head != tail; head++)
        complete(&cq->cqes[head & cq->ring_mask]);
    io_uring_smp_store_release(cq->khead, head);
    if (options.rate)
        send_due();
    return count;
}

static void turn_until(uint64_t until_ns) {
    while (now_ns < until_ns)
        turn();
}

static void begin(void) {
    histogram_clear(&histogram);
    begin_ns = now_ns = clock_ns();
    end_ns = options.requests ? 0 : begin_ns + (uint64_t)(options.seconds * 1e9);
    puts("begin");
    fflush(stdout);
}

static void run_number(void) {
    uint64_t moved_ns = now_ns;
    while (histogram.count < options.requests && now_ns - moved_ns < stall_ns) {
        if (turn())
            moved_ns = now_ns;
    }
    end_ns = now_ns;
}

/** Open loop: what was due and has no answer took at least as long as it has waited. The number of those that never got one. */
static uint64_t run_out(void) {
    uint64_t last = (uint64_t)((double)(end_ns - start_ns) / 1e9 * options.rate), lost = 0;
    while (now_ns < end_ns + grace_ns && (waiting_count < options.connections || due_index < last))
        turn();
    for (unsigned index = 0; index < options.connections; index++) {
        if (clients[index].answers_left && clients[index].began_ns >= begin_ns) {
            histogram_add(&histogram, now_ns - clients[index].began_ns, 1);
            lost++;
        }
    }
    for (; due_index < last; due_index++, lost++)
        histogram_add(&histogram, now_ns - due_ns(due_index), 1);
    return lost;
}

/** Closed loop: what is still on its way when the time is over gets a moment more, uncounted. The number of requests that needed longer. */
static uint64_t drain(void) {
    uint64_t until_ns = now_ns + grace_ns, count = 0;
    is_over = true;
    while (now_ns < until_ns && busy_count)
        turn();
    for (unsigned index = 0; index < options.connections; index++)
        count += clients[index].answers_left;
    return count;
}

// ---- what was seen

static void print_text(const char *text) {
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if ((unsigned char)*text < ' ')
            printf("\\u%04x", *text);
        else
            putchar((unsigned char)*text < 127 ? *text : '?');
    }
    putchar('"');
}

static void print_latency(void) {
    static const double shares[] = {0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1};
    bool is_empty = histogram.count == 0;
    printf("\"latency_us\": {\"min\": %.2f, \"mean\": %.2f, \"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"p99_9\": %.2f, \"max\": %.2f}, ",
           is_empty ? 0 : (double)histogram.min_ns / 1e3, is_empty ? 0 : histogram.sum_ns / (double)histogram.count / 1e3,
           (double)histogram_at(&histogram, 0.5) / 1e3, (double)histogram_at(&histogram, 0.9) / 1e3,
           (double)histogram_at(&histogram, 0.99) / 1e3, (double)histogram_at(&histogram, 0.999) / 1e3, (double)histogram.max_ns / 1e3);
    printf("\"percentiles\": [");
    for (size_t index = 0; index < sizeof shares / sizeof *shares; index++)
        printf("%s[%g, %.2f]", index ? ", " : "", shares[index] * 100, (double)histogram_at(&histogram, shares[index]) / 1e3);
    printf("], ");
}

/** Ours, so that a load that is the limit is seen. */
static double cpu_us(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/** What a time cost us in it. */
struct costs {
    uint64_t enters;
    double cpu_us;
};

static struct costs costs_now(void) {
    return (struct costs){ring.enter_count, cpu_us()};
}

static void print_result(const struct costs *before, const struct costs *after, uint64_t unanswered) {
    const struct answer_errors *errors = &answers.errors;
    double seconds = (double)(end_ns - begin_ns) / 1e9;
    uint64_t all = errors->status + errors->length + errors->body + errors->broken + connect_failures + closed_early + unanswered;
    printf("end\n{\"requests\": %lu, \"seconds\": %.6f, \"rate\": %.1f, \"errors\": %lu, ", histogram.count, seconds,
           (double)histogram.count / seconds, all);
    printf("\"errors_by_kind\": {\"status\": %lu, \"length\": %lu, \"body\": %lu, \"broken\": %lu, \"connect\": %lu, \"closed\": %lu, "
           "\"unanswered\": %lu}, ",
           errors->status, errors->length, errors->body, errors->broken, connect_failures, closed_early, unanswered);
    print_latency();
    double answered = histogram.count ? (double)histogram.count : 1;
    printf("\"bytes_in\": %lu, \"request_bytes\": %zu, \"bytes_per_answer\": %.1f, \"enters\": %lu, \"load_cpu_us\": %.3f, ", bytes_in,
           options.request_bytes, (double)bytes_in / answered, after->enters - before->enters, (after->cpu_us - before->cpu_us) / answered);
    printf("\"idle\": %u, \"idle_alive\": %u, \"first_error\": ", options.idle, idle_alive());
    print_text(errors->first);
    puts("}");
}

// ---- the beginning

static void *zeroed(size_t count, size_t bytes) {
    void *memory = calloc(count ? count : 1, bytes);
    if (!memory)
        fail("memory", ENOMEM);
    return memory;
}

static void raise_file_limit(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < options.connections + options.idle + FILES_BESIDE)
        fail("so many connections: raise the limit with ulimit -Hn", EMFILE);
}

static void prepare(void) {
    raise_file_limit();
    server = address_of_server();
    answers.wanted = options.wanted;
    requests_left = options.requests;
    clients = zeroed(options.connections, sizeof *clients);
    fresh = zeroed(options.connections, sizeof *fresh);
    waiting = zeroed(options.connections, sizeof *waiting);
    idle_fds = zeroed(options.idle, sizeof *idle_fds);
    block = zeroed(options.pipeline, options.request_bytes);
    for (unsigned index = 0; index < options.pipeline; index++)
        memcpy(block + index * options.request_bytes, options.request, options.request_bytes);
    histogram_clear(&histogram);
    int error = small_ring_open(&ring, ENTRIES, BUFFER_COUNT, BUFFER_BYTES);
    if (error < 0)
        fail("io_uring", -error);
}

int main(int count, char **arguments) {
    options_read(&options, count, arguments);
    prepare();
    connect_idle();
    connect_first();
    start_ns = now_ns = clock_ns();
    if (options.requests)
        begin();
    for (unsigned index = 0; index < options.connections; index++)
        send_next(index);
    turn_until(start_ns + (uint64_t)(options.warm_up * 1e9));
    if (!options.requests)
        begin();
    struct costs before = costs_now();
    if (options.requests)
        run_number();
    else
        turn_until(end_ns);
    struct costs after = costs_now();
    uint64_t unanswered = options.rate ? run_out() : options.requests ? options.requests - histogram.count : drain();
    print_result(&before, &after, unanswered);
    return 0;
}
