// programs.c — Postgres' own programs: found, and run as the account of the private cluster.
#include "programs.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOG_TAIL_BYTES = 1200 };

char *const programs_environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", NULL};

// Debian and Ubuntu; Fedora's and RHEL's packages of postgresql.org; a build from source.
static const char *const folder_patterns[] = {"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin"};

struct search {
    struct arena *arena;
    unsigned wanted; // 0: any version
    struct programs best;
    unsigned seen; // the highest version that did not fit
};

// "postgres (PostgreSQL) 15.18 (Debian ...)": asking the program is the only way that holds for all of them.
static unsigned version_of(const char *postgres) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return 0;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execve(postgres, (char *const[]){(char *)postgres, "--version", NULL}, programs_environment);
        _exit(127);
    }
    close(ends[1]);
    char text[128];
    ssize_t bytes = 0, got = 0;
    while (child > 0 && bytes < (ssize_t)sizeof text - 1 && (got = read(ends[0], text + bytes, sizeof text - 1 - (size_t)bytes)) > 0)
        bytes += got;
    close(ends[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    text[bytes] = '\0';
    unsigned version = 0;
    return sscanf(text, "postgres (PostgreSQL) %u", &version) == 1 ? version : 0;
}

static void consider(struct search *search, const char *folder) {
    char initdb[PATH_MAX], real[PATH_MAX], postgres[PATH_MAX + 16];
    if (snprintf(initdb, sizeof initdb, "%s/initdb", folder) >= (int)sizeof initdb || !realpath(initdb, real) || access(real, X_OK) != 0)
        return;
    *strrchr(real, '/') = '\0';
    snprintf(postgres, sizeof postgres, "%s/postgres", real);
    if (access(postgres, X_OK) != 0)
        return;
    unsigned version = version_of(postgres);
    if (search->wanted ? version != search->wanted : version <= search->best.version) {
        search->seen = version > search->seen ? version : search->seen;
        return;
    }
    search->best.initdb = arena_format(search->arena, "%s/initdb", real).ptr;
    search->best.postgres = arena_format(search->arena, "%s", postgres).ptr;
    search->best.version = search->best.initdb && search->best.postgres ? version : 0;
}

// True once there is nothing better to find: the first in the PATH is what its owner wants.
static bool is_settled(const struct search *search) {
    return search->best.version != 0;
}

static void search_path(struct search *search) {
    const char *path = getenv("PATH");
    char folder[PATH_MAX];
    while (path && *path && !is_settled(search)) {
        size_t bytes = strcspn(path, ":");
        if (bytes > 0 && bytes < sizeof folder) {
            memcpy(folder, path, bytes);
            folder[bytes] = '\0';
            consider(search, folder);
        }
        path += bytes + (path[bytes] == ':');
    }
}

static void search_folders(struct search *search) {
    for (size_t i = 0; i < sizeof folder_patterns / sizeof *folder_patterns; i++) {
        glob_t found;
        if (glob(folder_patterns[i], 0, NULL, &found) != 0)
            continue;
        for (size_t n = 0; n < found.gl_pathc; n++)
            consider(search, found.gl_pathv[n]);
        globfree(&found);
    }
}

static unsigned version_of_data(const char *data) {
    char path[PATH_MAX];
    unsigned version = 0;
    FILE *file = snprintf(path, sizeof path, "%s/PG_VERSION", data) < (int)sizeof path ? fopen(path, "re") : NULL;
    if (!file)
        return 0;
    if (fscanf(file, "%u", &version) != 1)
        version = 0;
    fclose(file);
    return version;
}

int programs_find(const char *data, struct arena *arena, struct programs *ret_programs, str *ret_failure) {
    struct search search = {.arena = arena, .wanted = version_of_data(data)};
    search_path(&search);
    if (!is_settled(&search))
        search_folders(&search);
    if (is_settled(&search)) {
        *ret_programs = search.best;
        return 0;
    }
    if (search.wanted && search.seen)
        *ret_failure = arena_format(arena,
                                    "%s was made by Postgres %u, and only Postgres %u is installed: apt-get install -y postgresql-%u, or "
                                    "move that folder away to start with an empty database, or set DATABASE_URL",
                                    data, search.wanted, search.seen, search.wanted);
    else
        *ret_failure = arena_format(arena, "Postgres is not installed (no initdb and postgres in $PATH or /usr/lib/postgresql): "
                                           "apt-get install -y postgresql, or set DATABASE_URL to one that runs elsewhere");
    return -ENOENT;
}

// What follows runs between fork and exec: async-signal-safe calls only.

static void forget_signals(void) {
    struct sigaction normal = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &normal, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int programs_enter(const struct place *place) {
    forget_signals();
    int error = account_become(&place->account);
    if (error)
        return error;
    umask(077);
    int log = open(place->log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    int null = open("/dev/null", O_RDONLY);
    if (log < 0 || null < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 || dup2(null, STDIN_FILENO) < 0)
        return -errno;
    // sockets, rings and locks of the server stay with the server
    if (syscall(SYS_close_range, 3, ~0U, 0) != 0 || chdir(place->folder) != 0)
        return -errno;
    return 0;
}

static int wait_for_exit(pid_t child, int ms_max) {
    int error = 0, descriptor = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd exited = {.fd = descriptor, .events = POLLIN};
    if (descriptor < 0)
        error = -errno;
    while (error == 0) {
        int ready = poll(&exited, 1, ms_max);
        if (ready > 0)
            break;
        if (ready == 0 || errno != EINTR)
            error = ready == 0 ? -ETIMEDOUT : -errno;
    }
    if (error)
        kill(child, SIGKILL);
    if (descriptor >= 0)
        close(descriptor);
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (error)
        return error;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -ECANCELED;
}

int programs_run(const struct place *place, char *const argv[], int ms_max) {
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        if (programs_enter(place) != 0)
            _exit(126);
        prctl(PR_SET_PDEATHSIG, SIGKILL); // after the change of user, which clears it
        if (getppid() != parent)
            _exit(126);
        execve(argv[0], argv, programs_environment);
        _exit(127);
    }
    return wait_for_exit(child, ms_max);
}

str programs_log_tail(const struct place *place, struct arena *arena) {
    char text[LOG_TAIL_BYTES];
    int fd = open(place->log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return S("(there is no log)");
    off_t end = lseek(fd, 0, SEEK_END);
    ssize_t bytes = pread(fd, text, sizeof text, end > (off_t)sizeof text ? end - (off_t)sizeof text : 0);
    close(fd);
    if (bytes <= 0)
        return S("(the log is empty)");
    const char *start = end > (off_t)sizeof text ? memchr(text, '\n', (size_t)bytes) : NULL; // not in the middle of a line
    start = start ? start + 1 : text;
    return arena_copy(arena, (str){start, (size_t)(text + bytes - start)});
}
