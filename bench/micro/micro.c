// micro.c — what each hot piece of the server costs alone: nanoseconds and cycles of an operation, on one core, as JSON.
//
// A piece runs for as long as a sample takes, many samples over; the least says what it costs when nobody disturbs, the median what it cost
// here. With --count it runs that often instead, once to warm up and once inside measure(): so that callgrind, told to collect there and
// to dump behind it (bench/gate), counts the piece's instructions and nothing else.
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "piece.h"

enum { SAMPLES = 25, SAMPLE_NS = 4000000, COUNT_MAX = 1 << 30 };

struct cost {
    double ns_min, ns_median, cycles_min;
};

static uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/** Of the time stamp counter, which ticks at the nominal frequency; 0 where there is none. */
static uint64_t clock_cycles(void) {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return 0;
#endif
}

#if defined(__clang__)
__attribute__((noinline))
#else
__attribute__((noipa))
#endif
void measure(const struct piece *piece, unsigned count);

void measure(const struct piece *piece, unsigned count) {
    piece->run(count);
}

/** As many operations as a sample needs: doubled until it takes so long. */
static unsigned count_of_sample(const struct piece *piece) {
    for (unsigned count = 1;; count *= 2) {
        uint64_t begin = clock_ns();
        measure(piece, count);
        if (clock_ns() - begin >= SAMPLE_NS || count >= COUNT_MAX)
            return count;
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct cost cost_of(const struct piece *piece) {
    double ns[SAMPLES], cycles[SAMPLES];
    unsigned count = count_of_sample(piece);
    for (int i = 0; i < SAMPLES; i++) {
        uint64_t begin_ns = clock_ns(), begin = clock_cycles();
        measure(piece, count);
        cycles[i] = (double)(clock_cycles() - begin) / count;
        ns[i] = (double)(clock_ns() - begin_ns) / count;
    }
    qsort(ns, SAMPLES, sizeof *ns, by_size);
    qsort(cycles, SAMPLES, sizeof *cycles, by_size);
    return (struct cost){ns[0], ns[SAMPLES / 2], cycles[0]};
}

static void print_cost(const struct piece *piece, bool is_first) {
    struct cost cost = cost_of(piece);
    printf("%s\n  {\"piece\": \"%s\", \"text\": \"%s\", \"ns\": %.2f, \"ns_median\": %.2f, \"cycles\": %.1f}", is_first ? "" : ",",
           piece->name, piece->text, cost.ns_min, cost.ns_median, cost.cycles_min);
    fflush(stdout);
}

static void print_name(const struct piece *piece, bool is_first) {
    printf("%s\n  {\"piece\": \"%s\", \"text\": \"%s\"}", is_first ? "" : ",", piece->name, piece->text);
}

static void pin(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        fprintf(stderr, "micro: not pinned to core %d: %s\n", core, strerror(errno));
}

struct options {
    const char *only;
    unsigned count;
    int core;
};

static void run(const struct piece *piece, const struct options *options, bool is_first) {
    if (piece->set_up)
        piece->set_up();
    if (!options->count)
        return print_cost(piece, is_first);
    piece->run(options->count);
    measure(piece, options->count);
    print_name(piece, is_first);
}

static void run_all(const struct options *options) {
    static const struct piece *const floors[] = {http_pieces, schema_pieces, db_pieces, auth_pieces, engine_pieces};
    bool is_first = true;
    printf("{\"pieces\": [");
    for (size_t floor = 0; floor < sizeof floors / sizeof *floors; floor++) {
        for (const struct piece *piece = floors[floor]; piece->name; piece++) {
            if (options->only && !strstr(piece->name, options->only))
                continue;
            run(piece, options, is_first);
            is_first = false;
        }
    }
    puts("\n]}");
}

static _Noreturn void usage(int status) {
    fputs("usage: micro [--only TEXT] [--core N] [--count N]\n"
          "\n"
          "Measures each hot piece of the server alone, and prints JSON: ns and cycles (of the time stamp counter) of an operation.\n"
          "\n"
          "  --only TEXT   pieces with TEXT in their name\n"
          "  --core N      pinned there (0); -1: nowhere\n"
          "  --count N     runs each so often, for callgrind, and measures no time\n",
          status ? stderr : stdout);
    exit(status);
}

int main(int count, char **arguments) {
    static const struct option names[] = {
        {"only", required_argument, NULL, 'o'},
        {"core", required_argument, NULL, 'c'},
        {"count", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct options options = {0};
    for (int name; (name = getopt_long(count, arguments, "", names, NULL)) >= 0;) {
        if (name == 'o')
            options.only = optarg;
        else if (name == 'c')
            options.core = atoi(optarg);
        else if (name == 'n')
            options.count = (unsigned)strtoul(optarg, NULL, 10);
        else
            usage(name == 'h' ? 0 : 2);
    }
    if (options.core >= 0)
        pin(options.core);
    run_all(&options);
    return 0;
}
