// crash.c — what a fatal signal leaves behind: the plugin, the route and the way there, on stderr and in a file that the next start reads.
#include "crash.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <dlfcn.h>

#include "app/activity.h"
#include "base/clock.h"
#include "base/log_record.h"
#include "engine/core.h"
#include "host/choice.h"
#include "host/symbols.h"

enum { KNOWN_MAX = 1024, FRAMES_MAX = 64, REPORT_BYTES_MAX = 16384, STACK_BYTES = 64 << 10, PATH_BYTES_MAX = 512 };

static const struct {
    int number;
    const char *name;
} fatal[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}, {SIGABRT, "SIGABRT"}};
enum { FATAL_COUNT = sizeof fatal / sizeof fatal[0] };

struct known {
    atomic_bool is_there;
    char name[CHOICE_NAME_BYTES_MAX], path[PATH_BYTES_MAX], mark[CRASH_MARK_BYTES_MAX];
    uintptr_t start, end;
    const struct symbols *symbols;
};

static struct known known[KNOWN_MAX];
static struct sigaction before[FATAL_COUNT];
static struct symbols *own_symbols; // of the object that this is in
static uintptr_t own_start;
static int folder_fd = -1;
static int64_t began_ns;
static atomic_flag is_reported = ATOMIC_FLAG_INIT;

// ---- text, without the C library

struct report {
    char bytes[REPORT_BYTES_MAX];
    size_t used;
};

static void put(struct report *report, const char *text) {
    while (*text && report->used < sizeof report->bytes)
        report->bytes[report->used++] = *text++;
}

static void put_number(struct report *report, uint64_t value, unsigned base) {
    char digits[24], *at = digits + sizeof digits - 1;
    *at = '\0';
    do
        *--at = "0123456789abcdef"[value % base];
    while (value /= base);
    put(report, base == 16 ? "0x" : "");
    put(report, at);
}

static void put_pair(struct report *report, const char *key, const char *value) {
    put(report, key);
    put(report, "=");
    put(report, value);
    put(report, "\n");
}

static void put_number_pair(struct report *report, const char *key, uint64_t value, unsigned base) {
    put(report, key);
    put(report, "=");
    put_number(report, value, base);
    put(report, "\n");
}

// ---- the way there

static const struct known *find_known(uintptr_t address) {
    for (unsigned i = 0; i < KNOWN_MAX; i++)
        if (atomic_load_explicit(&known[i].is_there, memory_order_acquire) && address >= known[i].start && address < known[i].end)
            return &known[i];
    return NULL;
}

static const char *file_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// A plugin's function is found in its own table; what is exported anywhere, by the loader's.
static void put_place(struct report *report, uintptr_t address) {
    const struct known *plugin = find_known(address);
    uint64_t offset = 0;
    const char *name = plugin ? symbols_find(plugin->symbols, address - plugin->start, &offset) : NULL;
    Dl_info info = {0};
    if (!plugin && dladdr((void *)address, &info)) {
        bool is_own = (uintptr_t)info.dli_fbase == own_start;
        name = is_own ? symbols_find(own_symbols, address - own_start, &offset) : NULL;
        if (!name && info.dli_sname) {
            name = info.dli_sname;
            offset = address - (uintptr_t)info.dli_saddr;
        }
    }
    if (name) {
        put(report, name);
        put(report, "+");
        put_number(report, offset, 16);
        put(report, " ");
    }
    put(report, "(");
    put(report, plugin ? file_of(plugin->path) : info.dli_fname ? file_of(info.dli_fname) : "?");
    put(report, "+");
    put_number(report, plugin ? address - plugin->start : info.dli_fname ? address - (uintptr_t)info.dli_fbase : address, 16);
    put(report, ")");
}

struct way {
    void *frames[FRAMES_MAX];
    int count, first; // `first`: where the signal struck
};

static uintptr_t address_of_fault(const ucontext_t *context) {
#if defined __x86_64__
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    return (uintptr_t)context->uc_mcontext.pc;
#endif
}

// The unwinder reads the instructions there.
static bool is_code(uintptr_t address) {
    Dl_info info;
    return find_known(address) || dladdr((void *)address, &info);
}

static uintptr_t stack_of_fault(const ucontext_t *context) {
#if defined __x86_64__
    return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined __aarch64__
    return (uintptr_t)context->uc_mcontext.sp;
#endif
}

static uintptr_t caller_of_fault(const ucontext_t *context) {
#if defined __x86_64__
    return *(const uintptr_t *)stack_of_fault(context); // a call to nowhere has pushed it
#elif defined __aarch64__
    return (uintptr_t)context->uc_mcontext.regs[30];
#endif
}

// What needs no unwinder, and is written before that is tried.
static void begin_way(struct way *way, const ucontext_t *context) {
    uintptr_t fault = address_of_fault(context);
    way->first = 0;
    way->count = 1;
    way->frames[0] = (void *)fault;
    if (!is_code(fault))
        way->frames[way->count++] = (void *)caller_of_fault(context);
}

// The handler's own frames come first. An address that no frame has (a call to nowhere) is put before its caller.
static void walk(struct way *way, const ucontext_t *context) {
    uintptr_t fault = address_of_fault(context);
    if (!is_code(fault))
        return;
    way->count = backtrace(way->frames, FRAMES_MAX);
    for (way->first = 0; way->first < way->count && (uintptr_t)way->frames[way->first] != fault; way->first++)
        continue;
    if (way->first < way->count)
        return;
    way->first = 0;
    if (way->count == 0)
        way->count = 1;
    way->frames[0] = (void *)fault;
}

static const struct known *plugin_on(const struct way *way) {
    for (int i = way->first; i < way->count; i++) {
        const struct known *plugin = find_known((uintptr_t)way->frames[i]);
        if (plugin)
            return plugin;
    }
    return NULL;
}

static const struct known *plugin_called(const char *name) {
    for (unsigned i = 0; i < KNOWN_MAX; i++)
        if (atomic_load_explicit(&known[i].is_there, memory_order_acquire) && strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

// ---- the report

struct fault {
    const char *signal;
    const siginfo_t *info;
    struct way way;
    const struct activity *activity; // NULL: at nothing that has a name
    const struct known *plugin;      // NULL: it is the server's own
};

static const struct activity *activity_now(void) {
    const struct core *core = core_current();
    bool is_inside = core && coro_current();
    return is_inside ? atomic_load_explicit(&core->pulse.work, memory_order_relaxed) : NULL;
}

static void put_route(struct report *report, const struct activity *activity) {
    put(report, *activity->method ? activity->method : activity->kind);
    put(report, " ");
    put(report, *activity->method ? activity->path : activity->name);
}

static void put_sentence(struct report *report, const struct fault *fault) {
    put(report, "leat: error: crashed with ");
    put(report, fault->signal);
    if (fault->info->si_code > 0) {
        put(report, " at address ");
        put_number(report, (uint64_t)(uintptr_t)fault->info->si_addr, 16);
    }
    put(report, fault->plugin ? " in plugin " : " in the server itself");
    put(report, fault->plugin ? fault->plugin->name : "");
    if (fault->activity) {
        put(report, ", at ");
        put_route(report, fault->activity);
        put(report, " (");
        put(report, fault->activity->file);
        put(report, ":");
        put_number(report, fault->activity->line, 10);
        put(report, ")");
    }
    put(report, ", in ");
    put_place(report, (uintptr_t)fault->way.frames[fault->way.first]);
    put(report, "\n");
}

static void put_pairs(struct report *report, const struct fault *fault) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    put_number_pair(report, "time", (uint64_t)now.tv_sec, 10);
    put_number_pair(report, "nanoseconds", (uint64_t)now.tv_nsec, 10);
    put_number_pair(report, "uptime_s", (uint64_t)(clock_monotonic_ns() - began_ns) / 1000000000, 10);
    put_number_pair(report, "pid", (uint64_t)getpid(), 10);
    put_pair(report, "signal", fault->signal);
    put_pair(report, "plugin", fault->plugin ? fault->plugin->name : "");
    put_pair(report, "file", fault->plugin ? fault->plugin->path : "");
    put_pair(report, "mark", fault->plugin ? fault->plugin->mark : "");
    if (fault->activity) {
        put(report, "route=");
        put_route(report, fault->activity);
        put(report, "\n");
        put_pair(report, "handler", fault->activity->name);
    }
}

static void put_way(struct report *report, const struct way *way) {
    for (int i = way->first; i < way->count; i++) {
        put(report, "  #");
        put_number(report, (uint64_t)(i - way->first), 10);
        put(report, " ");
        put_place(report, (uintptr_t)way->frames[i]);
        put(report, "\n");
    }
}

static void write_all(int fd, str text) {
    for (size_t done = 0; done < text.len;) {
        ssize_t wrote = write(fd, text.ptr + done, text.len - done);
        if (wrote < 0 && errno != EINTR)
            return;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
}

static void write_file(const struct report *sentence, const struct fault *fault) {
    static struct report name, body;
    name.used = body.used = 0;
    put(&name, "crash-");
    put_number(&name, (uint64_t)time(NULL), 10);
    put(&name, "-");
    put_number(&name, (uint64_t)getpid(), 10);
    put(&name, ".txt");
    name.bytes[name.used] = '\0';
    int fd = folder_fd < 0 ? -1 : openat(folder_fd, name.bytes, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    put_pairs(&body, fault);
    put(&body, "\n");
    write_all(fd, (str){body.bytes, body.used});
    write_all(fd, (str){sentence->bytes, sentence->used});
    close(fd);
}

static void blame(struct fault *fault) {
    fault->plugin = plugin_on(&fault->way);
    if (!fault->plugin && fault->activity) // deep in the server, on the plugin's behalf
        fault->plugin = plugin_called(fault->activity->plugin);
}

static void report(int signal, const siginfo_t *info, const ucontext_t *context) {
    static struct report sentence; // and the way: what a person reads
    static struct fault fault;
    for (unsigned i = 0; i < FATAL_COUNT; i++)
        fault.signal = fatal[i].number == signal ? fatal[i].name : fault.signal;
    fault.info = info;
    fault.activity = activity_now();
    begin_way(&fault.way, context);
    blame(&fault);
    write_file(&sentence, &fault); // should the next step crash as well
    walk(&fault.way, context);
    blame(&fault);
    put_sentence(&sentence, &fault);
    put_way(&sentence, &fault.way);
    static char out[LOG_RENDERED_BYTES_MAX];
    str line = log_words_render(LOG_ERROR, "crash", (str){sentence.bytes, sentence.used}, out);
    write_all(STDERR_FILENO, line);
    write_file(&sentence, &fault);
}

static void give_signals_back(void) {
    for (unsigned i = 0; i < FATAL_COUNT; i++)
        sigaction(fatal[i].number, &before[i], NULL);
}

// A second thread that crashes waits for the first to end the process.
static void on_fatal(int signal, siginfo_t *info, void *context) {
    int error = errno;
    if (atomic_flag_test_and_set(&is_reported))
        while (true)
            pause();
    give_signals_back(); // should this crash as well, it ends here
    report(signal, info, context);
    if (info->si_code <= 0) // sent, not raised by an instruction that is about to run again
        raise(signal);
    errno = error;
}

// ---- begun and ended

static int open_folder(const char *folder) {
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return -errno;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

// What the loader knows of ourselves is what plugins may call; the rest has names in the file.
static void read_own_symbols(const Dl_info *info) {
    int fd = own_symbols ? -1 : open(info->dli_fname, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0)
        return;
    size_t bytes = fstat(fd, &status) == 0 && status.st_size > 0 ? (size_t)status.st_size : 0;
    void *file = bytes ? mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (file == MAP_FAILED)
        return;
    own_symbols = symbols_read(file, bytes);
    own_start = (uintptr_t)info->dli_fbase;
    munmap(file, bytes);
}

int crash_watch(const char *folder) {
    void *frames[1];
    Dl_info info;
    backtrace(frames, 1); // its library is loaded at the first call, which a handler could not
    if (dladdr((void *)read_own_symbols, &info))
        read_own_symbols(&info);
    began_ns = clock_monotonic_ns();
    folder_fd = folder ? open_folder(folder) : -1;
    atomic_flag_clear(&is_reported);
    struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (unsigned i = 0; i < FATAL_COUNT; i++)
        sigaction(fatal[i].number, &action, &before[i]);
    crash_attach();
    return folder && folder_fd < 0 ? folder_fd : 0;
}

void crash_attach(void) {
    stack_t present;
    if (sigaltstack(NULL, &present) < 0 || !(present.ss_flags & SS_DISABLE))
        return;
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); // as long as its thread
    if (stack != MAP_FAILED)
        sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = STACK_BYTES}, NULL);
}

// ---- plugins

void crash_mark_text(const struct file_mark *mark, char out[CRASH_MARK_BYTES_MAX]) {
    snprintf(out, CRASH_MARK_BYTES_MAX, "%llu:%llu:%lld:%lld.%09ld:%lld.%09ld", (unsigned long long)mark->device,
             (unsigned long long)mark->inode, (long long)mark->bytes, (long long)mark->modified.tv_sec, mark->modified.tv_nsec,
             (long long)mark->changed.tv_sec, mark->changed.tv_nsec);
}

void crash_know(const struct crash_plugin *plugin) {
    unsigned i = 0;
    while (i < KNOWN_MAX && atomic_load(&known[i].is_there))
        i++;
    if (i == KNOWN_MAX)
        return; // it will be told by its address
    struct known *place = &known[i];
    snprintf(place->name, sizeof place->name, "%s", plugin->name);
    snprintf(place->path, sizeof place->path, "%s", plugin->path);
    crash_mark_text(plugin->mark, place->mark);
    place->start = plugin->start;
    place->end = plugin->end;
    place->symbols = plugin->symbols;
    atomic_store_explicit(&place->is_there, true, memory_order_release);
}

void crash_forget(uintptr_t start) {
    for (unsigned i = 0; i < KNOWN_MAX; i++)
        if (atomic_load(&known[i].is_there) && known[i].start == start)
            atomic_store(&known[i].is_there, false);
}
