// doctor.c — leat doctor: is this machine, and what the server will lean on, as it should be? Each finding with its remedy.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/workspace.h"
#include "db/examine.h"
#include "db/migrate.h"
#include "engine/conn.h"
#include "engine/ring.h"
#include "host/copy.h"

enum { FINDINGS_MAX = 64, EXIT_WARNINGS = 3, FILES_BESIDE_CONNECTIONS = 256, DISK_MIB_MIN = 256, SLOW_ANSWER_US = 5000, DAY_S = 86400 };

ENUM(Judgement, ok, warning, problem);
SCHEMA(Finding, (str, what), (Judgement, judgement), (str, finding), (str, remedy));
SCHEMA(Diagnosis, (i64, problems), (i64, warnings), (Finding_list, findings));

struct visit {
    struct workspace *workspace;
    struct arena *arena;
    Diagnosis diagnosis;
};

// `remedy` is "" where nothing is wrong.
static void find(struct visit *visit, const char *what, Judgement judgement, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static void find(struct visit *visit, const char *what, Judgement judgement, const char *remedy, const char *format, ...) {
    Diagnosis *diagnosis = &visit->diagnosis;
    if (diagnosis->findings.n == FINDINGS_MAX)
        return;
    va_list args;
    va_start(args, format);
    str text = arena_vformat(visit->arena, format, args);
    va_end(args);
    str copy = arena_format(visit->arena, "%s", remedy);
    diagnosis->findings.items[diagnosis->findings.n++] =
        (Finding){.what = str_of(what), .judgement = judgement, .finding = text.ptr ? text : S(""), .remedy = copy.ptr ? copy : S("")};
    diagnosis->problems += judgement == Judgement_problem;
    diagnosis->warnings += judgement == Judgement_warning;
}

// The first line of a file of the kernel's; false where there is none.
static bool read_line(const char *path, char *line, size_t bytes) {
    FILE *file = fopen(path, "re");
    bool is_read = file && fgets(line, (int)bytes, file);
    if (file)
        fclose(file);
    if (is_read)
        line[strcspn(line, "\n")] = '\0';
    return is_read;
}

// ---- the kernel

static void look_at_kernel(struct visit *visit) {
    struct utsname machine;
    unsigned major = 0, minor = 0;
    uname(&machine);
    sscanf(machine.release, "%u.%u", &major, &minor);
    bool is_new = major > 6 || (major == 6 && minor >= 1);
    find(visit, "kernel", is_new ? Judgement_ok : Judgement_problem, is_new ? "" : "run Linux 6.1 or newer", "Linux %s on %s",
         machine.release, machine.machine);
}

static void look_at_ring(struct visit *visit) {
    struct ring *ring;
    char disabled[16] = "";
    read_line("/proc/sys/kernel/io_uring_disabled", disabled, sizeof disabled);
    int status = ring_create(&visit->workspace->config.server.ring, &ring);
    if (status < 0) {
        find(visit, "io_uring", Judgement_problem, ring_refusal(status), "no ring can be made: %s%s%s", strerror(-status),
             *disabled ? "; kernel.io_uring_disabled is " : "", disabled);
        return;
    }
    ring_destroy(ring);
    find(visit, "io_uring", Judgement_ok, "", "a ring was made and has passed its self-test (multishot, provided buffers)");
}

// ---- limits

static void look_at_files(struct visit *visit) {
    const struct server_options *server = &visit->workspace->config.server;
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    unsigned long long wanted = (unsigned long long)server->worker_count * server->conn_count_max + FILES_BESIDE_CONNECTIONS;
    bool is_enough = limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= wanted;
    find(visit, "open files", is_enough ? Judgement_ok : Judgement_warning,
         is_enough ? "" : "raise it with ulimit -Hn or LimitNOFILE=, or lower CONNECTIONS_MAX",
         "hard limit %llu; %u x CONNECTIONS_MAX and some want %llu", (unsigned long long)limit.rlim_max, server->worker_count, wanted);
}

static void look_at_locked_memory(struct visit *visit) {
    struct rlimit limit = {0};
    getrlimit(RLIMIT_MEMLOCK, &limit);
    bool is_small = limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < 8 << 20;
    find(visit, "locked memory", is_small ? Judgement_warning : Judgement_ok,
         is_small ? "ulimit -l unlimited, or LimitMEMLOCK=infinity: rings count against it in some containers" : "",
         limit.rlim_cur == RLIM_INFINITY ? "no limit" : "limit %llu KiB", (unsigned long long)limit.rlim_cur >> 10);
}

static void look_at_backlog(struct visit *visit) {
    char line[32];
    int wanted = listener_options_default.backlog;
    if (!read_line("/proc/sys/net/core/somaxconn", line, sizeof line))
        return;
    bool is_small = atoi(line) < wanted;
    find(visit, "net.core.somaxconn", is_small ? Judgement_warning : Judgement_ok,
         is_small ? arena_format(visit->arena, "sysctl -w net.core.somaxconn=%d: connections that wait are dropped beyond it", wanted).ptr
                  : "",
         "%s; a listener asks for %d", line, wanted);
}

static void look_at_inotify(struct visit *visit) {
    int fd = inotify_init1(IN_CLOEXEC);
    int error = errno;
    if (fd >= 0)
        close(fd);
    find(visit, "inotify", fd < 0 ? Judgement_warning : Judgement_ok,
         fd < 0 ? "raise fs.inotify.max_user_instances: without it plugins are loaded on SIGHUP and `leat reload` alone" : "", "%s",
         fd < 0 ? strerror(error) : "plugin folders can be watched");
}

// ---- time and CPU

static void look_at_clock(struct visit *visit) {
    char source[64] = "unknown";
    read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", source, sizeof source);
    bool is_quick =
        !strcmp(source, "tsc") || !strcmp(source, "kvm-clock") || !strcmp(source, "arch_sys_counter") || strstr(source, "hyperv");
    find(visit, "clock", is_quick ? Judgement_ok : Judgement_warning,
         is_quick ? "" : "boot with clocksource=tsc where the hardware allows it: each look at the clock is a system call now",
         "clocksource %s", source);
    struct timex timex = {0};
    bool is_adrift = adjtimex(&timex) == TIME_ERROR;
    find(visit, "time of day", is_adrift ? Judgement_warning : Judgement_ok,
         is_adrift ? "run chronyd or systemd-timesyncd: tokens expire by it, and logs are read by it" : "", "%s",
         is_adrift ? "the kernel says that it is not synchronised" : "synchronised");
}

static void look_at_cpus(struct visit *visit) {
    char governor[32], quota[64];
    unsigned usable = server_cpu_count(), workers = visit->workspace->config.server.worker_count;
    bool is_crowded = workers > usable;
    find(visit, "CPUs", is_crowded ? Judgement_warning : Judgement_ok, is_crowded ? "lower WORKERS: threads of one CPU take turns" : "",
         "%u usable, %u workers%s%s", usable, workers,
         read_line("/sys/fs/cgroup/cpu.max", quota, sizeof quota) ? ", cgroup's cpu.max " : "",
         read_line("/sys/fs/cgroup/cpu.max", quota, sizeof quota) ? quota : "");
    if (!read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor, sizeof governor))
        return;
    bool is_saving = strcmp(governor, "performance") != 0;
    find(visit, "CPU governor", is_saving ? Judgement_warning : Judgement_ok,
         is_saving ? "cpupower frequency-set -g performance, where latency matters more than power" : "", "%s", governor);
}

// ---- folders

// What is not there yet is made where it is wanted: the folder that it will be in has to let us.
static void look_at_absent_var(struct visit *visit) {
    const char *var = visit->workspace->var;
    char *above = (char *)arena_format(visit->arena, "%s", var).ptr;
    while (above && access(above, F_OK) < 0 && strchr(above + 1, '/'))
        *strrchr(above, '/') = '\0';
    bool is_open = above && access(above, W_OK | X_OK) == 0;
    find(visit, "var", is_open ? Judgement_ok : Judgement_problem,
         is_open ? "" : "make it, as the server's user, or choose another with --var", "%s: %s", var,
         is_open ? "the server makes it when it starts" : "it is not there, and cannot be made");
}

static void look_at_var(struct visit *visit) {
    const char *var = visit->workspace->var;
    struct statvfs disk;
    if (access(var, F_OK) < 0)
        return look_at_absent_var(visit);
    if (statvfs(var, &disk) < 0 || access(var, W_OK | X_OK) < 0) {
        find(visit, "var", Judgement_problem, "chown it to the server's user, or choose another with --var", "%s: %s", var,
             strerror(errno));
        return;
    }
    unsigned long long free_mib = (unsigned long long)disk.f_bavail * disk.f_frsize >> 20;
    bool is_noexec = disk.f_flag & ST_NOEXEC, is_full = free_mib < DISK_MIB_MIN;
    find(visit, "var",
         is_noexec ? Judgement_problem
         : is_full ? Judgement_warning
                   : Judgement_ok,
         is_noexec ? "choose another with --var: copies of plugins are run from there"
         : is_full ? "free some room: copies of plugins and crash reports go there"
                   : "",
         "%s, %llu MiB free%s", var, free_mib, is_noexec ? ", mounted noexec" : "");
}

static void look_at_folders(struct visit *visit) {
    const struct config *config = &visit->workspace->config;
    for (size_t i = 0; i < config->folder_count; i++) {
        struct messages messages;
        int fd;
        messages_init(&messages, visit->arena);
        int status = folder_open(config->folders[i], &messages, &fd);
        str why = messages_text(&messages);
        if (status == 0)
            close(fd);
        if (status == 0)
            find(visit, "plugins", Judgement_ok, "", "%s is nobody else's to write", config->folders[i]);
        else
            find(visit, "plugins", Judgement_problem, status == -ENOENT ? "make it, or name another with --plugins" : "as it says", "%.*s",
                 status == -ENOENT ? (int)strlen(config->folders[i]) : (int)why.len - 1, status == -ENOENT ? config->folders[i] : why.ptr);
    }
}

static void look_at_crashes(struct visit *visit) {
    DIR *folder = opendir(arena_format(visit->arena, "%s/crashes", visit->workspace->var).ptr);
    unsigned crash_count = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        long long time_s;
        const char *end = strstr(entry->d_name, ".quarantined");
        if (end)
            find(visit, "quarantine", Judgement_warning, "mend it; `leat reload` of it, or another file, brings it back",
                 "the plugin '%.*s' is kept out", (int)(end - entry->d_name), entry->d_name);
        else if (sscanf(entry->d_name, "crash-%lld-", &time_s) == 1)
            crash_count += time_s > time(NULL) - DAY_S;
    }
    if (folder)
        closedir(folder);
    find(visit, "crashes", crash_count ? Judgement_warning : Judgement_ok,
         crash_count ? arena_format(visit->arena, "read %s/crashes", visit->workspace->var).ptr : "", "%u within a day", crash_count);
}

static void look_at_key(struct visit *visit) {
    bool is_own = visit->workspace->has_own_key;
    find(visit, "SECRET_KEY", is_own ? Judgement_warning : Judgement_ok,
         is_own ? "set it before production: it must be the same on all servers" : "", "%s",
         is_own ? "not set: one for development is used" : "set");
}

// ---- Postgres

static void look_at_connections(struct visit *visit, const struct examination *seen) {
    const struct config *config = &visit->workspace->config;
    int wanted = (int)(config->server.worker_count *
                       (config->app.db.link_count + config->app.db.apart_link_count_max + config->app.db.transaction_link_count_max + 1));
    int room = seen->connection_count_max - seen->reserved_count;
    bool is_short = wanted > room;
    find(visit, "connections",
         is_short                                 ? Judgement_problem
         : wanted > room - seen->connection_count ? Judgement_warning
                                                  : Judgement_ok,
         wanted > room - seen->connection_count ? "raise max_connections, or lower WORKERS, DB_LINKS, DB_APART_LINKS_MAX or "
                                                  "DB_TRANSACTION_LINKS_MAX; several servers need it several times"
                                                : "",
         "max_connections %d, %d of them for superusers, %d open now; this server opens up to %d", seen->connection_count_max,
         seen->reserved_count, seen->connection_count, wanted);
}

static void look_at_postgres(struct visit *visit, const char *conninfo) {
    struct examination seen;
    str failure = {0};
    if (db_examine(conninfo, visit->arena, &seen, &failure) < 0) {
        find(visit, "Postgres", Judgement_problem, "check DATABASE_URL, and that Postgres runs and lets this user in", "%.*s",
             (int)strcspn(failure.ptr ? failure.ptr : "", "\n"), failure.ptr ? failure.ptr : "");
        return;
    }
    bool is_old = seen.version < 130000;
    find(visit, "Postgres", is_old ? Judgement_warning : Judgement_ok, is_old ? "run Postgres 13 or newer" : "",
         "%d.%d%s, connected in %.1f ms%s", seen.version / 10000, seen.version % 10000, seen.has_tls ? " over TLS" : "",
         (double)seen.connect_us / 1e3, seen.is_standby ? ", a standby" : "");
    bool is_slow = seen.answer_us > SLOW_ANSWER_US;
    find(visit, "latency", is_slow ? Judgement_warning : Judgement_ok, is_slow ? "bring the two nearer: every statement takes as long" : "",
         "SELECT 1 takes %.2f ms", (double)seen.answer_us / 1e3);
    look_at_connections(visit, &seen);
    if (seen.is_standby)
        find(visit, "role", Judgement_problem, "point DATABASE_URL at the primary", "the database takes no writes: it is a standby");
    if (!seen.is_utf8)
        find(visit, "encoding", Judgement_problem, "make the database with ENCODING 'UTF8'", "the database is not in UTF-8");
}

static void look_at_migrations(struct visit *visit, const char *conninfo) {
    struct workspace *workspace = visit->workspace;
    struct migration_report report = {0};
    if (!workspace->migrations)
        return;
    int status = migrate_status(conninfo, workspace->migrations, workspace->migration_count, visit->arena, &report);
    if (status < 0)
        find(visit, "migrations", Judgement_problem, "as it says", "%.*s", (int)report.failure.len,
             report.failure.ptr ? report.failure.ptr : "");
    else
        find(visit, "migrations", report.pending_count ? Judgement_problem : Judgement_ok, report.pending_count ? "leat db up" : "",
             "%u pending", report.pending_count);
}

// A private one is looked at where it runs; doctor starts none.
static void look_at_database(struct visit *visit) {
    const struct workspace *workspace = visit->workspace;
    const char *conninfo = workspace->config.database_url;
    if (!conninfo && access(workspace->var, F_OK) == 0)
        conninfo = cluster_find(workspace->var, visit->arena);
    if (!conninfo) {
        find(visit, "Postgres", Judgement_ok, "", "DATABASE_URL is not set: a private one is started with the server");
        return;
    }
    look_at_postgres(visit, conninfo);
    if (visit->diagnosis.findings.items[visit->diagnosis.findings.n - 1].judgement != Judgement_problem)
        look_at_migrations(visit, conninfo);
}

// ---- told

static void print(const Diagnosis *diagnosis) {
    static const char *const marks[] = {[Judgement_ok] = "ok", [Judgement_warning] = "WARNING", [Judgement_problem] = "PROBLEM"};
    for (size_t i = 0; i < diagnosis->findings.n; i++) {
        const Finding *finding = &diagnosis->findings.items[i];
        printf("%-8s %-19.*s %.*s\n", marks[finding->judgement], (int)finding->what.len, finding->what.ptr, (int)finding->finding.len,
               finding->finding.ptr);
        if (finding->remedy.len)
            printf("%-8s %-19s -> %.*s\n", "", "", (int)finding->remedy.len, finding->remedy.ptr);
    }
    printf("%ld problems, %ld warnings\n", (long)diagnosis->problems, (long)diagnosis->warnings);
}

static int examine(struct workspace *workspace, const struct invocation *invocation, bool has_plugins) {
    struct visit visit = {.workspace = workspace, .arena = invocation->arena};
    visit.diagnosis.findings.items = arena_alloc(invocation->arena, FINDINGS_MAX * sizeof(Finding));
    if (!visit.diagnosis.findings.items)
        return 1;
    void (*const looks[])(struct visit * visit) = {
        look_at_kernel, look_at_ring, look_at_files,   look_at_locked_memory, look_at_backlog, look_at_inotify,  look_at_clock,
        look_at_cpus,   look_at_var,  look_at_folders, look_at_crashes,       look_at_key,     look_at_database,
    };
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        looks[i](&visit);
    if (!has_plugins)
        find(&visit, "plugins", Judgement_problem, "as the lines above say", "they do not load");
    if (wants_json(invocation))
        print_line(words_write(&Diagnosis__schema, &visit.diagnosis, invocation->arena));
    else
        print(&visit.diagnosis);
    return visit.diagnosis.problems ? 1 : visit.diagnosis.warnings ? EXIT_WARNINGS : 0;
}

static int run(const struct invocation *invocation) {
    struct workspace workspace;
    bool has_plugins = workspace_open(&workspace, invocation, WORKSPACE_LOOKS); // what is wrong with them is on stderr
    int code = workspace.var ? examine(&workspace, invocation, has_plugins) : 1;
    workspace_close(&workspace);
    return code;
}

static const struct flag flags[] = {
    {"json", NULL, "--json", "true", false, "as a JSON object"},
    FLAGS_OF_PLACE,
    {0},
};

const struct verb verb_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "examine this machine and what the server leans on",
    .text = "The kernel and its io_uring, limits, the clock, CPUs, folders, crashes, and Postgres with its connections and migrations, by "
            "the settings\n"
            "that a server here would have. Each finding comes with what to do. It starts nothing.\n"
            "\n"
            "Exits with 0; with 3 when there are warnings; with 1 when there is a problem.\n"
            "\n"
            "Examples:\n"
            "  leat doctor\n"
            "  DATABASE_URL=postgresql://app@db/app leat doctor --json | jq '.findings[] | select(.judgement != \"ok\")'\n",
    .flags = flags,
    .run = run,
};
