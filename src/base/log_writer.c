// log_writer.c — the thread that writes the log: it empties the rings of all others in batches.
#include "base/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_ring.h"

enum {
    BATCH_BYTES = 64 << 10,
    BATCH_MS = 2,                  // between two looks while there is something to write
    PIECE_BYTES = 4096,            // of a pipe that poll(2) calls writable (pipe(7): PIPE_BUF)
    SIGNAL_STACK_BYTES = 64 << 10, // a coroutine that ran out of its own has none left for the handler
};

enum log_format log_writer_format = LOG_PLAIN;

static struct {
    _Atomic(struct log_ring *) rings[LOG_RINGS_MAX]; // the first is shared, under `lock`
    atomic_uint ring_count;
    pthread_mutex_t lock;
    pthread_t thread;
    sem_t wanted;
    atomic_bool is_running, is_asleep, is_ending, is_taken; // is_taken: by whoever empties the rings
    _Atomic(uint64_t) lost_count;                           // lines that were taken out, and that the sink refused
    char batch[BATCH_BYTES];
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local struct log_ring *own;

// ---- the sink

// `patience_ms` negative: for as long as it takes. False: it refuses, or takes too long.
static bool write_all(const char *data, size_t bytes, int patience_ms) {
    while (bytes) {
        struct pollfd sink = {.fd = STDERR_FILENO, .events = POLLOUT};
        if (patience_ms >= 0 && poll(&sink, 1, patience_ms) != 1)
            return false;
        size_t piece = patience_ms >= 0 && bytes > PIECE_BYTES ? PIECE_BYTES : bytes;
        ssize_t written = write(STDERR_FILENO, data, piece);
        if (written < 0 && errno == EAGAIN)
            poll(&sink, 1, patience_ms); // somebody made it non-blocking
        else if (written < 0 && errno != EINTR)
            return false;
        data += written > 0 ? written : 0;
        bytes -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

void log_writer_write(const struct log_record *record) {
    char line[LOG_RENDERED_BYTES_MAX];
    write_all(line, log_record_render(record, log_writer_format, line), -1);
}

// ---- rings, emptied

struct batch {
    char *bytes;
    size_t capacity, used;
    unsigned line_count;
    int patience_ms;
    bool is_refused;
};

static void batch_flush(struct batch *batch) {
    if (batch->used && !batch->is_refused && !write_all(batch->bytes, batch->used, batch->patience_ms)) {
        atomic_fetch_add(&writer.lost_count, batch->line_count);
        batch->is_refused = batch->patience_ms >= 0;
    }
    batch->used = batch->line_count = 0;
}

static void batch_add(struct batch *batch, const struct log_record *record) {
    if (batch->capacity - batch->used < LOG_RENDERED_BYTES_MAX)
        batch_flush(batch);
    batch->used += log_record_render(record, log_writer_format, batch->bytes + batch->used);
    batch->line_count++;
}

// A record that holds nothing but an event and one pair, made without the heap.
static void batch_say(struct batch *batch, enum log_level level, const char *event, const char *text) {
    struct {
        struct log_record record;
        char parts[128];
    } own_record = {.record = {.kind = LOG_KIND_LINE, .level = (uint8_t)level, .wall_us = clock_wall_us()}};
    str parts[LOG_PARTS] = {[LOG_EVENT] = {event, strlen(event)}, [LOG_TEXT] = {text, strlen(text)}};
    own_record.record.bytes = log_record_measure(parts, own_record.record.part_bytes);
    if (own_record.record.bytes > sizeof own_record)
        return;
    log_record_fill(&own_record.record, parts);
    batch_add(batch, &own_record.record);
}

static void say_dropped(struct batch *batch, struct log_ring *ring) {
    uint64_t count = atomic_load_explicit(&ring->drop_count, memory_order_relaxed), news = count - ring->drop_count_told;
    if (!news)
        return;
    ring->drop_count_told = count;
    char text[32], *end = text + sizeof text - 1, *at = end;
    *end = '\0';
    do
        *--at = (char)('0' + news % 10);
    while (news /= 10);
    at -= 6;
    memcpy(at, "lines=", 6);
    batch_say(batch, LOG_WARNING, "log_dropped", at);
}

// Some of each ring in its turn; true when there was anything.
static bool empty_rings(struct batch *batch) {
    bool was_any = false;
    unsigned count = atomic_load(&writer.ring_count);
    for (unsigned i = 0; i < count && !batch->is_refused; i++) {
        struct log_ring *ring = atomic_load(&writer.rings[i]);
        const struct log_record *record;
        for (size_t bytes = 0; ring && bytes < BATCH_BYTES && (record = log_ring_peek(ring));) {
            bytes += record->bytes;
            batch_add(batch, record);
            log_ring_take(ring, record);
            was_any = true;
        }
        if (ring)
            say_dropped(batch, ring);
    }
    batch_flush(batch);
    return was_any;
}

static bool has_records(void) {
    for (unsigned i = 0; i < atomic_load(&writer.ring_count); i++) {
        struct log_ring *ring = atomic_load(&writer.rings[i]);
        if (ring && !log_ring_is_empty(ring))
            return true;
    }
    return false;
}

// ---- the thread

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static bool take_turn(void) {
    return !atomic_exchange(&writer.is_taken, true);
}

static void sleep_until_wanted(void) {
    atomic_store(&writer.is_asleep, true);
    atomic_thread_fence(memory_order_seq_cst); // with the one in log_writer_commit(): one of the two sees the other
    if (!has_records() && !atomic_load(&writer.is_ending))
        while (sem_wait(&writer.wanted) < 0)
            continue;
    atomic_store(&writer.is_asleep, false);
}

static void *run(void *arg) {
    (void)arg;
    pthread_setname_np(pthread_self(), "log");
    struct batch batch = {.bytes = writer.batch, .capacity = sizeof writer.batch, .patience_ms = -1};
    for (;;) {
        bool is_ending = atomic_load(&writer.is_ending); // before the last look
        if (!take_turn())
            return NULL; // a thread has crashed, and writes what there is
        bool was_any = empty_rings(&batch);
        atomic_store(&writer.is_taken, false);
        if (!was_any && is_ending)
            return NULL;
        if (!was_any)
            sleep_until_wanted();
        if (!atomic_load(&writer.is_ending))
            sleep_ms(BATCH_MS);
    }
}

// ---- fatal signals

static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { FATAL_COUNT = sizeof fatal / sizeof fatal[0] };
static struct sigaction before[FATAL_COUNT];

static const char *words_of(int signal) {
    static const char *const words[FATAL_COUNT] = {"signal=SIGSEGV", "signal=SIGBUS", "signal=SIGFPE", "signal=SIGILL", "signal=SIGABRT"};
    for (size_t i = 0; i < FATAL_COUNT; i++)
        if (fatal[i] == signal)
            return words[i];
    return "";
}

static void write_last_words(int signal) {
    static char last[BATCH_BYTES / 4];
    struct batch batch = {.bytes = last, .capacity = sizeof last, .patience_ms = LOG_CRASH_FLUSH_MS};
    for (unsigned tries = 0; !take_turn(); tries++) {
        if (tries == LOG_CRASH_FLUSH_MS)
            return;
        sleep_ms(1);
    }
    while (empty_rings(&batch))
        continue;
    batch_say(&batch, LOG_ERROR, "crashed", words_of(signal));
    batch_flush(&batch);
}

// Then the signal takes its way as if we were not here: a core dump, or a sanitizer's report. is_taken stays: the writer is done.
static void on_fatal(int signal, siginfo_t *info, void *context) {
    (void)context;
    int error = errno;
    if (atomic_load(&writer.is_running))
        write_last_words(signal);
    for (size_t i = 0; i < FATAL_COUNT; i++)
        if (fatal[i] == signal)
            sigaction(signal, &before[i], NULL);
    if (info->si_code <= 0) // sent, not raised by an instruction that is about to run again
        raise(signal);
    errno = error;
}

static void watch_fatal(void) {
    struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < FATAL_COUNT; i++)
        sigaction(fatal[i], &action, &before[i]);
}

static void unwatch_fatal(void) {
    for (size_t i = 0; i < FATAL_COUNT; i++)
        sigaction(fatal[i], &before[i], NULL);
}

static void give_signal_stack(void *stack) {
    stack_t present;
    if (sigaltstack(NULL, &present) == 0 && (present.ss_flags & SS_DISABLE))
        sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = SIGNAL_STACK_BYTES}, NULL);
}

// ---- begun and ended

// Never freed: a core that could not be ended in time may still log.
static struct log_ring *add_ring(void) {
    struct log_ring *ring = aligned_alloc(64, sizeof *ring + SIGNAL_STACK_BYTES);
    if (!ring)
        return NULL;
    memset(ring, 0, offsetof(struct log_ring, bytes));
    unsigned index = atomic_load(&writer.ring_count);
    do {
        if (index == LOG_RINGS_MAX) {
            free(ring);
            return NULL;
        }
    } while (!atomic_compare_exchange_weak(&writer.ring_count, &index, index + 1));
    atomic_store(&writer.rings[index], ring);
    return ring;
}

int log_start(void) {
    atomic_store(&writer.is_ending, false);
    atomic_store(&writer.is_taken, false);
    atomic_store(&writer.lost_count, 0);
    bool has_shared = atomic_load(&writer.rings[0]) || add_ring();
    if (!has_shared || sem_init(&writer.wanted, 0, 0) < 0)
        return -ENOMEM;
    sigset_t all, mask;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    int error = pthread_create(&writer.thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (error)
        return -error;
    watch_fatal();
    atomic_store(&writer.is_running, true);
    return 0;
}

void log_stop(void) {
    if (!atomic_load(&writer.is_running))
        return;
    atomic_store(&writer.is_ending, true);
    sem_post(&writer.wanted);
    struct timespec due;
    clock_gettime(CLOCK_REALTIME, &due);
    due.tv_sec += LOG_FLUSH_MS / 1000;
    pthread_timedjoin_np(writer.thread, NULL, &due); // or it is stuck in a write, until the process ends
    atomic_store(&writer.is_running, false);
    unwatch_fatal();
}

void log_attach(void) {
    if (!atomic_load(&writer.is_running) || own)
        return;
    own = add_ring();
    if (own)
        give_signal_stack(own + 1);
}

uint64_t log_drop_count(void) {
    uint64_t count = atomic_load(&writer.lost_count);
    for (unsigned i = 0; i < atomic_load(&writer.ring_count); i++) {
        struct log_ring *ring = atomic_load(&writer.rings[i]);
        count += ring ? atomic_load_explicit(&ring->drop_count, memory_order_relaxed) : 0;
    }
    return count;
}

// ---- a record of the calling thread

struct log_record *log_writer_reserve(uint32_t bytes, bool *ret_is_direct) {
    *ret_is_direct = !atomic_load_explicit(&writer.is_running, memory_order_relaxed);
    if (*ret_is_direct)
        return NULL;
    if (own)
        return log_ring_reserve(own, bytes);
    pthread_mutex_lock(&writer.lock);
    struct log_record *record = log_ring_reserve(atomic_load(&writer.rings[0]), bytes);
    if (!record)
        pthread_mutex_unlock(&writer.lock);
    return record;
}

void log_writer_commit(const struct log_record *record) {
    if (own) {
        log_ring_commit(own, record);
    } else {
        log_ring_commit(atomic_load(&writer.rings[0]), record);
        pthread_mutex_unlock(&writer.lock);
    }
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&writer.is_asleep, memory_order_relaxed) && atomic_exchange(&writer.is_asleep, false))
        sem_post(&writer.wanted);
}
