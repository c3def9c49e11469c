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

enum {
    SECOND_MS = 1000,
    ROWS_PLAIN_MAX = 40,
    ROWS_USUAL = 24, // of a terminal that does not say
    COLUMNS_USUAL = 80,
    LINES_BESIDE_ROWS = 6,
    LINE_BYTES_MAX = 1024,
    FRAME_BYTES_MAX = 64 << 20,
};

SCHEMA(TopRow, (str, kind), (str, label), (str, plugin), (f64, per_s), (i64, p50_us), (i64, p99_us), (f64, failed_per_s), (i64, total));
SCHEMA(Top, (i64, pid), (str, address), (f64, seconds), (i64, connections), (i64, requests), (f64, per_s), (TopRow_list, rows));

/** One answer of the server, in memory of its own. */
struct sample {
    struct arena_pool pool;
    struct arena arena;
    ReadingsAnswer answer;
};

static volatile sig_atomic_t is_ending, was_resized;

static void take_signal(int signal) {
    if (signal == SIGWINCH)
        was_resized = 1;
    else
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

// What is shown fits: lines are cut where the terminal ends, so that none goes on in the next.
struct screen {
    bool is_terminal;
    unsigned rows, columns; // of a terminal
};

static void put_line(const struct screen *screen, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put_line(const struct screen *screen, const char *format, ...) {
    char line[LINE_BYTES_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    int bytes = (int)strlen(line);
    if (screen->is_terminal && bytes > (int)screen->columns)
        bytes = (int)screen->columns;
    while (bytes && line[bytes] && ((unsigned char)line[bytes] & 0xC0) == 0x80) // not within a character
        bytes--;
    printf("%.*s%s\n", bytes, line, screen->is_terminal ? "\033[K" : "");
}

static void show_row(const struct screen *screen, const TopRow *row) {
    char p50[32], p99[32];
    put_line(screen, "%10.1f  %9s  %9s  %8.1f  %10ld  %-12.*s  %.*s", row->per_s, duration(p50, row->p50_us, row->per_s),
             duration(p99, row->p99_us, row->per_s), row->failed_per_s, (long)row->total, (int)row->plugin.len, row->plugin.ptr,
             (int)row->label.len, row->label.ptr);
}

static void show_kind(const struct screen *screen, const Top *top, const char *kind, unsigned rows_max) {
    put_line(screen, "%10s  %9s  %9s  %8s  %10s  %-12s  %s", "a second", "p50", "p99", "failed", "in all", "plugin", kind);
    unsigned shown = 0;
    for (size_t i = 0; i < top->rows.n && shown < rows_max; i++)
        if (str_eq(top->rows.items[i].kind, str_of(kind))) {
            show_row(screen, &top->rows.items[i]);
            shown++;
        }
}

static struct screen look_at_screen(bool is_terminal) {
    struct winsize size = {0};
    if (is_terminal)
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    return (struct screen){is_terminal, size.ws_row ? size.ws_row : ROWS_USUAL, size.ws_col ? size.ws_col : COLUMNS_USUAL};
}

// A terminal is overwritten line by line, which does not flicker; the last of its lines stays empty, or it would scroll.
static int show(const Top *top, bool is_terminal) {
    struct screen screen = look_at_screen(is_terminal);
    unsigned room = screen.rows > LINES_BESIDE_ROWS ? (screen.rows - LINES_BESIDE_ROWS) / 2 : 0;
    unsigned rows_max = is_terminal ? room : ROWS_PLAIN_MAX;
    if (is_terminal)
        fputs(was_resized ? "\033[2J\033[H" : "\033[H", stdout);
    was_resized = 0;
    put_line(&screen, "process %ld, %.*s: %.1f requests a second, %ld in flight, %ld connections%s", (long)top->pid, (int)top->address.len,
             top->address.ptr, top->per_s, (long)top->requests, (long)top->connections, is_terminal ? "   (q ends)" : "");
    put_line(&screen, "%s", "");
    show_kind(&screen, top, "route", rows_max);
    put_line(&screen, "%s", "");
    show_kind(&screen, top, "query", rows_max);
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
    // a new size ends the wait: what is shown is not to stand askew for a second
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
            code = !is_ending; // a question that Ctrl-C has broken off is no failure
        free_sample(before);
        turn++;
    } while (!is_once && !is_ending && code == 0);
    free_sample(&samples[turn & 1]);
    return code;
}

static int run(const struct invocation *invocation) {
    bool is_once = environment_value(invocation->environment, "--once").ptr;
    bool is_terminal = !is_once && !wants_json(invocation) && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
    struct sigaction action = {.sa_handler = take_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGWINCH, &action, NULL);
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
