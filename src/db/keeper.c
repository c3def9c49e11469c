// keeper.c — the process between us and Postgres: it stops Postgres when the last server that uses it is gone, however that went.
#include "keeper.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "db/range_lock.h"

// a fast shutdown writes a checkpoint; the next harsher way follows when one takes longer than this
enum { FAST_SHUTDOWN_S_MAX = 30, IMMEDIATE_SHUTDOWN_S_MAX = 5, ARGUMENT_COUNT_MAX = 40 };

// Settings of a server for development: one machine's links, no network, a log that says what is worth reading.
static const char *const settings[] = {
    "listen_addresses=",   "unix_socket_permissions=0700", "max_connections=200", "logging_collector=off",
    "log_checkpoints=off", "log_line_prefix=%m [%p] ",     "cluster_name=leat",   "jit=off",
};
static const char *const settings_of_a_throwaway[] = {"fsync=off", "full_page_writes=off"};

// ---- the keeper's own process: forked from a server that may have threads, so async-signal-safe calls only

static volatile pid_t postmaster;
static volatile sig_atomic_t is_wanted_down;

static void on_child(int number) {
    (void)number;
    if (waitpid(postmaster, NULL, WNOHANG) == postmaster)
        _exit(is_wanted_down ? 0 : 1);
}

static _Noreturn void become_postmaster(pid_t keeper, char *const argv[], const sigset_t *mask) {
    prctl(PR_SET_PDEATHSIG, SIGINT);
    if (getppid() != keeper)
        _exit(126);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execve(argv[0], argv, programs_environment);
    _exit(127);
}

static void nap(time_t seconds) {
    struct timespec left = {.tv_sec = seconds};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

// on_child() ends the process as soon as Postgres has.
static _Noreturn void shut_down(void) {
    is_wanted_down = 1;
    kill(postmaster, SIGINT);
    nap(FAST_SHUTDOWN_S_MAX);
    kill(postmaster, SIGQUIT);
    nap(IMMEDIATE_SHUTDOWN_S_MAX);
    kill(postmaster, SIGKILL);
    for (;;)
        pause();
}

// So that ps does not show a second server.
static void rename_process(size_t title_bytes) {
    static const char title[] = "leat: keeper of postgres";
    prctl(PR_SET_NAME, "leat-keeper");
    for (size_t i = 0; i < title_bytes; i++)
        program_invocation_name[i] = i < sizeof title - 1 && i + 1 < title_bytes ? title[i] : '\0';
}

static _Noreturn void keep(const struct place *place, char *const argv[], size_t title_bytes) {
    setsid();
    rename_process(title_bytes);
    if (programs_enter(place) != 0)
        _exit(126);
    prctl(PR_SET_DUMPABLE, 0); // what this process inherited of the server's memory is nobody's business
    int lock = open("lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0 || range_lock(lock, LOCK_KEEPER, F_WRLCK, 0) != 0)
        _exit(126);
    sigset_t none, child;
    sigemptyset(&none);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL); // until it is known whose child it would be
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
    sigaction(SIGCHLD, &action, NULL);
    pid_t keeper = getpid(), started = fork();
    if (started == 0)
        become_postmaster(keeper, argv, &none);
    if (started < 0)
        _exit(126);
    postmaster = started;
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (range_lock_wait(lock, LOCK_USERS, F_WRLCK) != 0)
        _exit(125); // and the parent-death signal shuts Postgres down
    shut_down();
}

// ---- ours

// The room of our command line, if it is where glibc says and as the kernel shows it; else 0.
static size_t title_room(void) {
    char shown[4096];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? 0 : read(fd, shown, sizeof shown);
    if (fd >= 0)
        close(fd);
    size_t first = bytes > 0 ? strnlen(shown, (size_t)bytes) + 1 : 0;
    return first && first <= (size_t)bytes && memcmp(program_invocation_name, shown, first) == 0 ? (size_t)bytes : 0;
}

static void add_settings(char **argv, size_t *count, const char *const *list, size_t list_count) {
    for (size_t i = 0; i < list_count; i++) {
        argv[(*count)++] = (char *)"-c";
        argv[(*count)++] = (char *)list[i];
    }
}

int keeper_start(const struct place *place, const struct programs *programs, bool is_throwaway) {
    char socket[PATH_MAX + 32];
    snprintf(socket, sizeof socket, "unix_socket_directories=%s", place->run);
    const char *const own_settings[] = {socket};
    char *argv[ARGUMENT_COUNT_MAX] = {(char *)programs->postgres, (char *)"-D", (char *)place->data, (char *)"-p", (char *)PLACE_PORT};
    size_t count = 5;
    add_settings(argv, &count, own_settings, 1);
    add_settings(argv, &count, settings, sizeof settings / sizeof *settings);
    if (is_throwaway)
        add_settings(argv, &count, settings_of_a_throwaway, sizeof settings_of_a_throwaway / sizeof *settings_of_a_throwaway);
    size_t title_bytes = title_room();
    pid_t keeper = fork();
    if (keeper == 0)
        keep(place, argv, title_bytes);
    return keeper < 0 ? -errno : keeper;
}

static bool is_postgres(long pid) {
    char path[64], program[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%ld/exe", pid);
    ssize_t bytes = readlink(path, program, sizeof program - 1);
    program[bytes > 0 ? bytes : 0] = '\0';
    const char *name = strrchr(program, '/');
    return name && (strcmp(name, "/postgres") == 0 || strcmp(name, "/postgres (deleted)") == 0); // deleted: upgraded under its feet
}

// Every process of a Postgres has its data folder as its working directory; so may somebody's shell.
static bool works_in(long pid, const struct stat *data) {
    char path[64];
    struct stat found;
    snprintf(path, sizeof path, "/proc/%ld/cwd", pid);
    return stat(path, &found) == 0 && found.st_dev == data->st_dev && found.st_ino == data->st_ino && is_postgres(pid);
}

static long pid_in_file(const struct place *place) {
    char path[PATH_MAX];
    long pid = 0;
    FILE *file = snprintf(path, sizeof path, "%s/postmaster.pid", place->data) < (int)sizeof path ? fopen(path, "re") : NULL;
    if (!file)
        return 0;
    if (fscanf(file, "%ld", &pid) != 1 || pid <= 1 || pid > INT_MAX)
        pid = 0;
    fclose(file);
    return pid;
}

int keeper_postmaster(const struct place *place) {
    struct stat data;
    long pid = pid_in_file(place);
    return pid && stat(place->data, &data) == 0 && works_in(pid, &data) ? (int)pid : 0;
}

static void remove_pid_file(const struct place *place) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/postmaster.pid", place->data) < (int)sizeof path)
        unlink(path);
}

void keeper_end_orphans(const struct place *place) {
    struct stat data;
    DIR *processes = stat(place->data, &data) == 0 ? opendir("/proc") : NULL;
    if (!processes)
        return;
    for (struct dirent *entry; (entry = readdir(processes));) {
        long pid = isdigit((unsigned char)*entry->d_name) ? strtol(entry->d_name, NULL, 10) : 0;
        if (pid > 1 && pid != getpid() && works_in(pid, &data))
            kill((pid_t)pid, SIGKILL);
    }
    closedir(processes);
    remove_pid_file(place); // it may name a process of ours that has its number by now, and Postgres would believe it
}
