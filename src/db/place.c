// place.c — where the private Postgres lives: its folder, data, log, lock and socket, made, owned and checked.
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct arena *arena, str *ret_failure, int error, const char *format, ...) __attribute__((format(printf, 4, 5)));

static int refuse(struct arena *arena, str *ret_failure, int error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    *ret_failure = arena_vformat(arena, format, args);
    va_end(args);
    return error;
}

static int make_parents(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0755);
        *slash = '/';
        if (made != 0 && errno != EEXIST)
            return -errno;
    }
    return mkdir(path, 0755) != 0 && errno != EEXIST ? -errno : 0;
}

// `var` as an absolute path without links, made where it does not exist.
static int open_var(const char *var, struct arena *arena, const char **ret_path, str *ret_failure) {
    char path[PATH_MAX];
    if (strlen(var) >= sizeof path || !*var)
        return refuse(arena, ret_failure, -ENAMETOOLONG, "the folder for the private Postgres needs a path of 1 to %d bytes", PATH_MAX - 1);
    strcpy(path, var);
    int made = make_parents(path);
    char *absolute = made == 0 ? realpath(var, NULL) : NULL;
    if (!absolute)
        return refuse(arena, ret_failure, made ? made : -errno,
                      "cannot make the folder %s for the private Postgres: %s; make its parent writable, or set DATABASE_URL", var,
                      strerror(made ? -made : errno));
    *ret_path = arena_copy(arena, (str){absolute, strlen(absolute) + 1}).ptr;
    free(absolute);
    return *ret_path ? 0 : -ENOMEM;
}

// FNV-1a: only has to tell checkouts apart.
static uint64_t hash_of(const char *path) {
    struct stat status = {0};
    uint64_t hash = 0xcbf29ce484222325, inode = stat(path, &status) == 0 ? (uint64_t)status.st_ino : 0;
    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 0x100000001b3;
    return (hash ^ inode) * 0x100000001b3;
}

// A folder of mode 0700 that belongs to the account. One that is there already must be just that: in the temporary directory anybody could
// have made it, as a trap or as a link.
static int make_private(const struct account *account, const char *path, struct arena *arena, str *ret_failure) {
    bool is_new = mkdir(path, 0700) == 0;
    if (!is_new && errno != EEXIST)
        return refuse(arena, ret_failure, -errno, "cannot make the folder %s: %s; make its parent writable, or set DATABASE_URL", path,
                      strerror(errno));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat found;
    if (fd < 0 || fstat(fd, &found) != 0) {
        int error = -errno;
        if (fd >= 0)
            close(fd);
        return refuse(arena, ret_failure, error,
                      "cannot open the folder %s: %s; it belongs to another user, or is no folder: start as that user (or root), "
                      "remove it, or set DATABASE_URL",
                      path, strerror(-error));
    }
    int error = found.st_uid == 0 ? account_own(account, fd) : 0;
    if (error == 0 && found.st_uid != account->uid && !(found.st_uid == 0 && account->is_other))
        error = -EPERM;
    if (error == 0 && found.st_mode & 077 && fchmod(fd, 0700) != 0)
        error = -errno;
    close(fd);
    if (error)
        return refuse(arena, ret_failure, error,
                      "the folder %s belongs to user id %u, and Postgres would run as %u: start as that user (or root), remove it, or set "
                      "DATABASE_URL",
                      path, (unsigned)found.st_uid, (unsigned)account->uid);
    return 0;
}

static const char *folder_elsewhere(const char *var, bool is_throwaway, struct arena *arena) {
    if (!is_throwaway)
        mkdir("/var/lib/leat", 0755); // when this fails, so does the folder below it, with a message
    return arena_format(arena, is_throwaway ? "/tmp/leat-pg-%016lx" : "/var/lib/leat/pg-%016lx", (unsigned long)hash_of(var)).ptr;
}

// Too long for the kernel, or with a byte that would need quoting.
static bool is_bad_for_a_socket(const char *run) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-";
    return strlen(run) + strlen("/.s.PGSQL." PLACE_PORT) > SOCKET_PATH_BYTES_MAX || run[strspn(run, plain)] != '\0';
}

static const char *run_elsewhere(const char *var, struct arena *arena) {
    const char *base = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
    if (!base || access(base, W_OK | X_OK) != 0)
        base = "/tmp";
    const char *run = arena_format(arena, "%s/leat-%016lx", base, (unsigned long)hash_of(var)).ptr;
    return run && is_bad_for_a_socket(run) ? arena_format(arena, "/tmp/leat-%016lx", (unsigned long)hash_of(var)).ptr : run;
}

static int choose_folder(const char *var, bool is_throwaway, struct arena *arena, struct place *place, str *ret_failure) {
    place->folder = arena_format(arena, "%s/pg", var).ptr;
    if (!place->folder)
        return -ENOMEM;
    if (account_choose(place->folder, &place->account) != 0)
        return refuse(arena, ret_failure, -ENOENT,
                      "Postgres does not run as root, and there is no user postgres: apt-get install -y postgresql, or set DATABASE_URL");
    int can_enter = place->account.is_other ? account_can_enter(&place->account, var) : 1;
    if (can_enter < 0)
        return refuse(arena, ret_failure, can_enter, "cannot start a process: %s", strerror(-can_enter));
    if (can_enter)
        return 0;
    place->folder = folder_elsewhere(var, is_throwaway, arena);
    if (!place->folder)
        return -ENOMEM;
    // never as the owner of that folder: in the temporary directory anybody could have made it
    if (account_choose("/", &place->account) != 0)
        return refuse(arena, ret_failure, -ENOENT, "there is no user postgres: apt-get install -y postgresql, or set DATABASE_URL");
    place->notice = arena_format(arena, "user id %u, which Postgres runs as, cannot enter %s: the database is in %s",
                                 (unsigned)place->account.uid, var, place->folder)
                        .ptr;
    return 0;
}

static int choose_run(const char *var, struct arena *arena, struct place *place) {
    place->run = arena_format(arena, "%s/run", place->folder).ptr;
    if (!place->run)
        return -ENOMEM;
    if (!is_bad_for_a_socket(place->run))
        return 0;
    place->run = run_elsewhere(var, arena);
    if (!place->notice)
        place->notice = arena_format(arena, "%s makes no good socket path: the socket of Postgres is in %s", var, place->run).ptr;
    return place->run ? 0 : -ENOMEM;
}

static int open_lock(struct arena *arena, struct place *place, str *ret_failure) {
    const char *path = arena_format(arena, "%s/lock", place->folder).ptr;
    if (!path)
        return -ENOMEM;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int error = fd < 0 ? -errno : account_own(&place->account, fd);
    if (error == 0) {
        place->lock_fd = fd;
        return 0;
    }
    if (fd >= 0)
        close(fd);
    return refuse(arena, ret_failure, error, "cannot write %s: %s; free some space or make the folder writable, or set DATABASE_URL", path,
                  strerror(-error));
}

int place_open(const char *var, bool is_throwaway, struct arena *arena, struct place *ret_place, str *ret_failure) {
    struct place place = {.lock_fd = -1};
    const char *path;
    int error = open_var(var, arena, &path, ret_failure);
    if (error == 0)
        error = choose_folder(path, is_throwaway, arena, &place, ret_failure);
    if (error == 0)
        error = choose_run(path, arena, &place);
    if (error == 0)
        error = make_private(&place.account, place.folder, arena, ret_failure);
    if (error == 0)
        error = make_private(&place.account, place.run, arena, ret_failure);
    if (error)
        return error;
    place.data = arena_format(arena, "%s/data", place.folder).ptr;
    place.data_new = arena_format(arena, "%s/data.new", place.folder).ptr;
    place.log = arena_format(arena, "%s/log", place.folder).ptr;
    if (!place.data || !place.data_new || !place.log)
        return -ENOMEM;
    error = open_lock(arena, &place, ret_failure);
    if (error == 0)
        *ret_place = place;
    return error;
}

void place_close(struct place *place) {
    if (place->lock_fd >= 0)
        close(place->lock_fd);
    place->lock_fd = -1;
}
