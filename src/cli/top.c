// top.c — leat top: the routes and queries of a running server, a second at a time.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/readings.h"

enum { SECOND_MS = 1000, ROWS_PLAIN_MAX = 40, ROWS_MIN = 5, LINES_BESIDE_ROWS = 6, FRAME_BYTES_MAX = 64 << 20 };

SCHEMA(TopRow, (str, kind), (str, label), (str, plugin), (f64, per_s), (i64, p50_us), (i64, p99_us), (f64, failed_per_s), (i64, total));
SCHEMA(Top, (i64, pid), (str, address), (f64, seconds), (i64, connections), (i64, requests), (f64, per_s), (TopRow_list, rows));

/** One answer of the server, in memory of its own. */
struct sample {
    struct arena_pool pool;
    struct arena arena;
    ReadingsAnswer answer;
};

static volatile sig_atomic_t is_ending;

static void end(int signal) {
    (void)signal;
    is_ending = 1;
}

static bool take_sample(const struct invocation *invocation, struct sample *sample) {
    str line;
    arena_pool_init(&sample->pool, 0);
    arena_init(&sample->arena, &sample->pool, FRAME_BYTES_MAX);
    struct invocation own = *invocation;
    own.arena = &sample->arena;
    return ask_for(&own, "readings", NULL, ASK_MS, &ReadingsAnswer__schema, &sample->answer, &line);
}

static void free_sample(struct sample *sample) {
    arena_reset(&sample->arena);
    arena_pool_finish(&sample->pool);
}

// ---- two samples compared

static const Reading *find_same(const ReadingsAnswer *answer, const Reading *reading) {
    for (size_t i = 0; answer && i < answer->readings.n; i++) {
        const Reading *other = &answer->readings.items[i];
        if (str_eq(other->kind, reading->kind) && str_eq(other->label, reading->label) && str_eq(other->plugin, reading->plugin))
            return other;
    }
    return NULL;
}

static void add_latency(int64_t buckets[LATENCY_BUCKETS], const Reading *reading, int sign) {
    for (size_t i = 0; reading && i + 1 < reading->latency.n; i += 2) {
        i64 bucket = reading->latency.items[i];
        if (bucket >= 0 && bucket < LATENCY_BUCKETS)
            buckets[bucket] += sign * reading->latency.items[i + 1];
    }
}

static i64 quantile_us(const int64_t buckets[LATENCY_BUCKETS], double share) {
    int64_t all = 0, sum = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
        all += buckets[i];
    for (unsigned i = 0; all && i < LATENCY_BUCKETS; i++) {
        sum += buckets[i];
        if ((double)sum >= share * (double)all)
            return (i64)readings_bucket_us(i);
    }
    return 0;
}

static TopRow compare(const Reading *now, const Reading *before, double seconds) {
    int64_t buckets[LATENCY_BUCKETS] = {0};
    add_latency(buckets, now, 1);
    add_latency(buckets, before, -1);
    return (TopRow){
        .kind = now->kind,
        .label = now->label,
        .plugin = now->plugin,
        .per_s = (double)(now->count - (before ? before->count : 0)) / seconds,
        .failed_per_s = (double)(now->failed - (before ? before->failed : 0)) / seconds,
        .p50_us = quantile_us(buckets, 0.5),
        .p99_us = quantile_us(buckets, 0.99),
        .total = now->count,
    };
}

// Routes before queries, what is asked for most before what is not.
static int by_rate(const void *left, const void *right) {
    const TopRow *a = left, *b = right;
    bool is_route = str_eq(a->kind, S("route")), is_other_route = str_eq(b->kind, S("route"));
    if (is_route != is_other_route)
        return is_route ? -1 : 1;
    if (a->per_s != b->per_s)
        return a->per_s > b->per_s ? -1 : 1;
    return a->total > b->total ? -1 : a->total < b->total;
}

static bool make_top(struct sample *now, const struct sample *before, Top *top) {
    double seconds = (double)(now->answer.at_us - before->answer.at_us) / 1e6;
    if (seconds <= 0)
        seconds = 1; // the server was started anew meanwhile
    const ReadingsAnswer *first = now->answer.pid == before->answer.pid ? &before->answer : NULL;
    *top = (Top){.pid = now->answer.pid,
                 .address = now->answer.address,
                 .seconds = seconds,
                 .connections = now->answer.connections,
                 .requests = now->answer.requests};
    top->rows.items = arena_alloc(&now->arena, (now->answer.readings.n + 1) * sizeof *top->rows.items);
    for (size_t i = 0; top->rows.items && i < now->answer.readings.n; i++) {
        const Reading *reading = &now->answer.readings.items[i];
        TopRow row = compare(reading, find_same(first, reading), seconds);
        top->per_s += str_eq(row.kind, S("route")) ? row.per_s : 0;
        top->rows.items[top->rows.n++] = row;
    }
    if (top->rows.n)
        qsort(top->rows.items, top->rows.n, sizeof *top->rows.items, by_rate);
    return top->rows.items;
}

// ---- shown

static const char *duration(char out[32], i64 us, double per_s) {
    if (per_s <= 0)
        return "-";
    if (us < 1000)
        snprintf(out, 32, "%ld us", (long)us);
    else if (us < 1000000)
        snprintf(out, 32, "%.1f ms", (double)us / 1e3);
    else
        snprintf(out, 32, "%.2f s", (double)us / 1e6);
    return out;
}

static void show_row(const TopRow *row, const char *end_of_line) {
    char p50[32], p99[32];
    printf("%10.1f  %9s  %9s  %8.1f  %10ld  %-12.*s  %.*s%s\n", row->per_s, duration(p50, row->p50_us, row->per_s),
           duration(p99, row->p99_us, row->per_s), row->failed_per_s, (long)row->total, (int)row->plugin.len, row->plugin.ptr,
           (int)row->label.len, row->label.ptr, end_of_line);
}

static void show_kind(const Top *top, const char *kind, const char *title, unsigned rows_max, const char *end_of_line) {
    printf("%10s  %9s  %9s  %8s  %10s  %-12s  %s%s\n", "a second", "p50", "p99", "failed", "in all", "plugin", title, end_of_line);
    unsigned shown = 0;
    for (size_t i = 0; i < top->rows.n && shown < rows_max; i++)
        if (str_eq(top->rows.items[i].kind, str_of(kind))) {
            show_row(&top->rows.items[i], end_of_line);
            shown++;
        }
}

static unsigned rows_of_terminal(void) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row < LINES_BESIDE_ROWS + 2 * ROWS_MIN)
        return ROWS_MIN;
    return (size.ws_row - LINES_BESIDE_ROWS) / 2u;
}

// A terminal is overwritten line by line, which does not flicker.
static int show(const Top *top, bool is_terminal) {
    const char *end_of_line = is_terminal ? "\033[K" : "";
    unsigned rows_max = is_terminal ? rows_of_terminal() : ROWS_PLAIN_MAX;
    if (is_terminal)
        fputs("\033[H", stdout);
    printf("process %ld, %.*s: %.1f requests a second, %ld in flight, %ld connections%s%s\n%s\n", (long)top->pid, (int)top->address.len,
           top->address.ptr, top->per_s, (long)top->requests, (long)top->connections, is_terminal ? "   (q ends)" : "", end_of_line,
           end_of_line);
    show_kind(top, "route", "route", rows_max, end_of_line);
    printf("%s\n", end_of_line);
    show_kind(top, "query", "query", rows_max, end_of_line);
    fputs(is_terminal ? "\033[J" : "\n", stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}

// ---- a second at a time

static struct termios usual;

static void begin_screen(void) {
    struct termios raw;
    if (tcgetattr(STDIN_FILENO, &usual) == 0) {
        raw = usual;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    fputs("\033[?1049h\033[?25l\033[2J", stdout); // a screen of our own, without a cursor
}

static void end_screen(void) {
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &usual);
}

static void wait_a_second(bool is_terminal) {
    if (!is_terminal) {
        struct timespec left = {SECOND_MS / 1000, 0};
        while (!is_ending && nanosleep(&left, &left) < 0)
            continue;
        return;
    }
    struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
    char key;
    if (poll(&keys, 1, SECOND_MS) == 1 && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
        is_ending = 1;
}

static int watch(const struct invocation *invocation, bool is_once, bool is_terminal) {
    struct sample samples[2];
    Top top;
    unsigned turn = 0;
    int code = 0;
    if (!take_sample(invocation, &samples[0])) {
        free_sample(&samples[0]);
        return 1;
    }
    do {
        struct sample *before = &samples[turn & 1], *now = &samples[(turn + 1) & 1];
        wait_a_second(is_terminal);
        if (is_ending)
            break;
        bool is_there = take_sample(invocation, now);
        if (is_there && make_top(now, before, &top))
            code = wants_json(invocation) ? print_line(words_write(&Top__schema, &top, &now->arena)) : show(&top, is_terminal);
        else
            code = 1;
        free_sample(before);
        turn++;
    } while (!is_once && code == 0);
    free_sample(&samples[turn & 1]);
    return code;
}

static int run(const struct invocation *invocation) {
    bool is_once = environment_value(invocation->environment, "--once").ptr;
    bool is_terminal = !is_once && !wants_json(invocation) && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (is_terminal)
        begin_screen();
    int code = watch(invocation, is_once, is_terminal);
    if (is_terminal) {
        end_screen();
        if (code) // what was said went with the screen
            fputs("leat: error: the server does not answer, or counts nothing; `leat top --once` says which\n", stderr);
    }
    return code;
}

static const struct flag flags[] = {
    {"once", NULL, "--once", "true", false, "one second, then the end"},
    FLAGS_OF_SERVER,
    {0},
};

const struct verb verb_top = {
    .group = VERBS_THAT_SERVE,
    .name = "top",
    .arguments = "",
    .summary = "watch the routes and queries of a running server",
    .text = "Requests a second, the time that half of them and all but a hundredth took, those that failed (5xx, and never answered), by "
            "route and\n"
            "by query; what is asked for most comes first. Anew every second, until q or Ctrl-C. What is no terminal gets the tables one "
            "below\n"
            "the other; --json a line a second.\n"
            "\n"
            "Exits with 0; with 1 when no server answers, or it counts nothing (METRICS=off).\n"
            "\n"
            "Examples:\n"
            "  leat top\n"
            "  leat top --once\n"
            "  leat top --json | jq -c '[.per_s, .rows[0].label, .rows[0].p99_us]'\n",
    .flags = flags,
    .run = run,
};
