// dev.c — leat dev: serves, and builds anew what is saved.
//
// The server is a process of its own, `leat run` on the folder that the build writes to: it swaps plugins as it does anywhere. Here is the
// other half: sources are watched, built and, when that fails, what the compiler said is shown on the terminal and, by way of a file, in
// the browser (handlers/dev/build_error.c) until a build succeeds.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/place.h"
#include "cli/project.h"
#include "cli/source_watch.h"
#include "cli/verb.h"

enum { ARGUMENTS_MAX = 32, SHOWN_BYTES_MAX = 256 << 10 };

extern char **environ;

struct session {
    const struct invocation *invocation;
    enum project_kind kind;
    const char *program;                  // that serves
    const char *errors, *fresh;           // files: of the last build that failed, and of the one at work
    const char *arguments[ARGUMENTS_MAX]; // of the program that serves
    const char *migrate[ARGUMENTS_MAX];
    struct timespec library_time; // of libleat, which a checkout may change under the server
    pid_t server;
};

// ---- said

static void say(const char *color, const char *text) {
    bool is_terminal = isatty(STDERR_FILENO);
    fprintf(stderr, "%s%s%s\n", is_terminal ? color : "", text, is_terminal ? "\033[0m" : "");
}

static double seconds_since(const struct timespec *began) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) + (double)(now.tv_nsec - began->tv_nsec) / 1e9;
}

static void show_file(const char *path) {
    char bytes[4096];
    FILE *file = fopen(path, "r");
    size_t shown = 0;
    for (size_t count; file && shown < SHOWN_BYTES_MAX && (count = fread(bytes, 1, sizeof bytes, file)) > 0; shown += count)
        fwrite(bytes, 1, count, stderr);
    if (file)
        fclose(file);
}

// ---- built

static int build(struct session *session) {
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    int fd = open(session->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code = project_build(session->kind, NULL, session->invocation->arena, fd);
    if (fd >= 0)
        close(fd);
    if (code) {
        show_file(session->fresh);
        rename(session->fresh, session->errors);
        say("\033[1;31m", "the build failed; what served before goes on");
        return code;
    }
    unlink(session->errors);
    unlink(session->fresh);
    char text[64];
    snprintf(text, sizeof text, "built in %.1f s", seconds_since(&began));
    say("\033[32m", text);
    return 0;
}

// ---- the server

static bool library_changed(struct session *session) {
    struct stat status;
    if (session->kind != PROJECT_CHECKOUT || stat("build/src/cli/libleat.so.1", &status) < 0)
        return false;
    bool is_same = session->library_time.tv_sec == status.st_mtim.tv_sec && session->library_time.tv_nsec == status.st_mtim.tv_nsec;
    session->library_time = status.st_mtim;
    return !is_same;
}

static bool start_server(struct session *session) {
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(&session->server, session->program, NULL, &attributes, (char *const *)session->arguments, environ);
    posix_spawnattr_destroy(&attributes);
    if (error)
        fprintf(stderr, "leat: error: %s: %s\n", session->program, strerror(error));
    return !error;
}

static int stop_server(struct session *session) {
    int status = 0;
    if (session->server > 0) {
        kill(session->server, SIGTERM);
        while (waitpid(session->server, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    session->server = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

// It ended by itself: what was wrong is on the terminal, and the next change tries again.
static void reap_server(struct session *session) {
    int status;
    if (session->server <= 0 || waitpid(session->server, &status, WNOHANG) != session->server)
        return;
    session->server = 0;
    say("\033[1;31m", "the server has ended; it is started again when a file is saved");
}

static void apply(struct session *session, const struct source_change *change) {
    if (change->has_sql)
        project_command(session->migrate, -1);
    if (build(session))
        return;
    if (session->server > 0 && library_changed(session)) {
        say("\033[32m", "leat itself has changed: the server starts again");
        stop_server(session);
    }
    if (session->server <= 0)
        start_server(session);
    else if (change->has_sql)
        kill(session->server, SIGHUP); // a plugin that was refused for what its tables lacked has not changed, and is good now
}

// ---- the loop

static bool is_quiet(int watched) {
    return poll(&(struct pollfd){.fd = watched, .events = POLLIN}, 1, SOURCE_QUIET_MS) == 0;
}

// True: it was told to end.
static bool turn(struct session *session, int signals, int watched) {
    struct pollfd polled[] = {{.fd = signals, .events = POLLIN}, {.fd = watched, .events = POLLIN}};
    if (poll(polled, 2, -1) < 0)
        return errno != EINTR;
    struct signalfd_siginfo signal;
    if (polled[0].revents && read(signals, &signal, sizeof signal) == sizeof signal) {
        if (signal.ssi_signo != SIGCHLD)
            return true;
        reap_server(session);
    }
    struct source_change change = {0};
    if (polled[1].revents)
        do
            source_watch_take(watched, &change);
        while (!is_quiet(watched));
    if (change.has_code || change.has_sql)
        apply(session, &change);
    return false;
}

static int loop(struct session *session) {
    static const char *const in_checkout[] = {"plugins", "migrations", "handlers", "include", "src", NULL}, *const in_project[] = {".",
                                                                                                                                   NULL};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    int watched = source_watch_open(session->kind == PROJECT_CHECKOUT ? in_checkout : in_project);
    if (signals < 0 || watched < 0) {
        fprintf(stderr, "leat: error: the sources cannot be watched: %s; raise fs.inotify.max_user_instances\n", strerror(errno));
        return 1;
    }
    library_changed(session);
    build(session);
    start_server(session);
    while (!turn(session, signals, watched))
        continue;
    int code = stop_server(session);
    source_watch_close(watched);
    close(signals);
    unlink(session->errors);
    return code;
}

// ---- started

static const char *given(struct session *session, const char *variable) {
    str value = environment_value(session->invocation->environment, variable);
    return value.ptr ? arena_format(session->invocation->arena, "%.*s", (int)value.len, value.ptr).ptr : NULL;
}

static void pass_on(const char **arguments, const char *flag, const char *value) {
    size_t count = 0;
    while (arguments[count])
        count++;
    if (value && count + 2 < ARGUMENTS_MAX) {
        arguments[count] = flag;
        arguments[count + 1] = value;
    }
}

static const char *own_program(struct arena *arena) {
    char path[4096];
    ssize_t bytes = readlink("/proc/self/exe", path, sizeof path - 1);
    return bytes > 0 ? arena_format(arena, "%.*s", (int)bytes, path).ptr : "leat";
}

static void gather_arguments(struct session *session) {
    struct arena *arena = session->invocation->arena;
    session->program = session->kind == PROJECT_CHECKOUT ? "build/src/cli/leat" : own_program(arena);
    session->arguments[0] = session->migrate[0] = session->program;
    session->arguments[1] = "run";
    session->migrate[1] = "db";
    session->migrate[2] = "up";
    pass_on(session->arguments, "--port", given(session, "PORT"));
    pass_on(session->arguments, "--host", given(session, "HOST"));
    pass_on(session->arguments, "--workers", given(session, "WORKERS"));
    const char **both[] = {session->arguments, session->migrate};
    for (size_t i = 0; i < 2; i++) {
        pass_on(both[i], "--var", given(session, "LEAT_VAR"));
        pass_on(both[i], "--plugins", project_plugins(session->kind));
        if (session->kind != PROJECT_CHECKOUT)
            pass_on(both[i], "--plugins", place_of_plugins("plugins", arena));
    }
    pass_on(session->arguments, "--plugins", place_of_plugins("handlers/dev", arena));
}

static int run(const struct invocation *invocation) {
    struct session session = {.invocation = invocation, .kind = project_here()};
    if (!session.kind)
        return 2;
    const char *var = given(&session, "LEAT_VAR");
    const char *folder = place_make(var ? var : "var", invocation->arena);
    session.errors = folder ? arena_format(invocation->arena, "%s/build-error.txt", folder).ptr : NULL;
    session.fresh = folder ? arena_format(invocation->arena, "%s/build.txt", folder).ptr : NULL;
    if (!session.errors || !session.fresh) {
        fprintf(stderr, "leat: error: %s: %s; name another folder with --var\n", var ? var : "var", strerror(errno));
        return 1;
    }
    setenv("LEAT_BUILD_ERROR", session.errors, 1);
    setenv("LOG_FORMAT", "text", 0);
    gather_arguments(&session);
    return loop(&session);
}

static const struct flag flags[] = {
    {"port", "N", "PORT", NULL, false, "port to listen on (8000); 0 picks one"},
    {"host", "ADDRESS", "HOST", NULL, false, "address to listen on (127.0.0.1)"},
    {"workers", "N", "WORKERS", NULL, false, "threads that serve, a core each"},
    {"var", "DIR", "LEAT_VAR", NULL, false, "what the server keeps: its private Postgres, its key (var)"},
    {0},
};

const struct verb verb_dev = {
    .group = VERBS_FOR_AUTHORS,
    .name = "dev",
    .arguments = "",
    .summary = "serve, and build anew what is saved",
    .text =
        "Builds, serves, and watches the sources: what is saved is built, and the server swaps it in without dropping a request. A build\n"
        "that fails is shown here and in the browser until one succeeds; migrations that are saved are applied.\n"
        "\n"
        "Examples:\n"
        "  leat dev\n"
        "  leat dev --port 0\n",
    .flags = flags,
    .run = run,
};
