// source_watch.c — a tree of sources that is watched (inotify(7)): what was saved, by kind.
#include "cli/source_watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDERS_MAX = 4096, DEPTH_MAX = 16 };

static const uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW;

// By watch descriptor, which inotify counts from 1: the way to each folder, to find what comes below it.
static char *folders_of[FOLDERS_MAX];

static bool is_skipped(const char *folder) {
    bool is_build = !strcmp(folder, "build") || !strncmp(folder, "build-", 6);
    return folder[0] == '.' || is_build || !strcmp(folder, "var") || !strcmp(folder, "node_modules");
}

static void watch(int fd, const char *folder, int depth);

static void watch_below(int fd, const char *folder, int depth) {
    DIR *open = opendir(folder);
    if (!open)
        return;
    for (const struct dirent *entry; (entry = readdir(open));) {
        char path[PATH_MAX];
        struct stat status;
        if (!is_skipped(entry->d_name) && snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path &&
            lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
            watch(fd, path, depth + 1);
    }
    closedir(open);
}

static void watch(int fd, const char *folder, int depth) {
    int descriptor = depth < DEPTH_MAX ? inotify_add_watch(fd, folder, changes) : -1;
    if (descriptor < 0 || descriptor >= FOLDERS_MAX)
        return;
    free(folders_of[descriptor]);
    folders_of[descriptor] = strdup(folder);
    watch_below(fd, folder, depth);
}

int source_watch_open(const char *const *folders) {
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return -errno;
    for (; *folders; folders++)
        watch(fd, *folders, 0);
    return fd;
}

static bool ends_with(const char *name, const char *tail) {
    size_t bytes = strlen(name), tail_bytes = strlen(tail);
    return bytes > tail_bytes && !strcmp(name + bytes - tail_bytes, tail);
}

// A file that was linked to its name has been written before: no end of that is told.
static bool is_whole(const char *folder, const char *name) {
    char path[PATH_MAX];
    struct stat status;
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && lstat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           status.st_size > 0;
}

static void judge(int fd, const struct inotify_event *event, struct source_change *change) {
    const char *name = event->len ? event->name : "";
    if (event->mask & IN_Q_OVERFLOW)
        change->has_code = change->has_sql = true;
    if (event->wd < 0 || event->wd >= FOLDERS_MAX || !folders_of[event->wd] || name[0] == '.')
        return;
    if (event->mask & IN_ISDIR) {
        char path[PATH_MAX];
        if (!is_skipped(name) && event->mask & (IN_CREATE | IN_MOVED_TO) &&
            snprintf(path, sizeof path, "%s/%s", folders_of[event->wd], name) < (int)sizeof path)
            watch(fd, path, 1);
        return;
    }
    if (event->mask & IN_CREATE && !is_whole(folders_of[event->wd], name))
        return; // its end is told as well
    change->has_code |= ends_with(name, ".c") || ends_with(name, ".h") || !strcmp(name, "meson.build") || !strcmp(name, "CMakeLists.txt");
    change->has_sql |= ends_with(name, ".sql");
}

void source_watch_take(int fd, struct source_change *change) {
    _Alignas(struct inotify_event) char events[16384];
    for (ssize_t bytes; (bytes = read(fd, events, sizeof events)) > 0;)
        for (char *at = events; at < events + bytes;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            judge(fd, event, change);
            at += sizeof *event + event->len;
        }
}

void source_watch_close(int fd) {
    close(fd);
    for (size_t i = 0; i < FOLDERS_MAX; i++) {
        free(folders_of[i]);
        folders_of[i] = NULL;
    }
}
