// copy.c — files taken from folders that others must not be able to write, as private copies under names of their own.
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERS_MAX = 10000 }; // how many names are tried for a copy

static int refuse(struct messages *messages, const char *path, const char *problem, int error) {
    messages_add(messages, "%s: error: %s%s%s", path, problem, error ? ": " : "", error ? strerror(error) : "");
    return -EINVAL;
}

// What another user could put there would run as us.
static int check_owner(const struct stat *status, const char *path, struct messages *messages) {
    if (status->st_uid != 0 && status->st_uid != geteuid()) {
        messages_add(messages, "%s: error: belongs to user %u, who is neither root nor the server's user (%u); chown it", path,
                     (unsigned)status->st_uid, (unsigned)geteuid());
        return -EINVAL;
    }
    if (status->st_mode & S_IWOTH)
        return refuse(messages, path, "everybody may write it, and its code would run as the server; chmod o-w it", 0);
    if (status->st_mode & S_IWGRP && status->st_gid != 0 && status->st_gid != getegid())
        return refuse(messages, path, "its group may write it, and its code would run as the server; chmod g-w it", 0);
    return 0;
}

int folder_open(const char *path, struct messages *messages, int *ret_fd) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ENOENT : refuse(messages, path, "this folder of plugins cannot be opened", errno);
    struct stat status;
    int result = fstat(fd, &status) < 0 ? refuse(messages, path, "cannot be examined", errno) : check_owner(&status, path, messages);
    if (result < 0) {
        close(fd);
        return result;
    }
    *ret_fd = fd;
    return 0;
}

static int open_source(const struct copy_request *request, struct messages *messages, int *ret_fd) {
    char again[32]; // with a position of its own in the file, which may have no name any more
    snprintf(again, sizeof again, "/proc/self/fd/%d", request->instead_fd);
    int fd = request->instead_fd >= 0 ? open(again, O_RDONLY | O_CLOEXEC)
                                      : openat(request->folder_fd, request->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // no FIFO holds us up
    if (fd < 0)
        return refuse(messages, request->path,
                      errno == EACCES ? "may not be read by the server; chmod u+r it, or chown it" : "cannot be opened", errno);
    struct stat status;
    int result = 0;
    if (fstat(fd, &status) < 0)
        result = refuse(messages, request->path, "cannot be examined", errno);
    else if (!S_ISREG(status.st_mode))
        result = refuse(messages, request->path, "is no regular file; put the shared object itself here", 0);
    else if (status.st_size > (off_t)request->bytes_max) {
        messages_add(messages, "%s: error: is larger than %zu MiB; strip it", request->path, request->bytes_max >> 20);
        result = -EINVAL;
    } else
        result = check_owner(&status, request->path, messages);
    if (result < 0) {
        close(fd);
        return result;
    }
    *ret_fd = fd;
    return 0;
}

static int copy_bytes(int from, int to, size_t bytes_max) {
    char piece[64 * 1024];
    size_t total = 0;
    for (;;) {
        ssize_t got = read(from, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : 0;
        total += (size_t)got;
        if (total > bytes_max)
            return -EFBIG;
        for (ssize_t put = 0; put < got;) {
            ssize_t wrote = write(to, piece + put, (size_t)(got - put));
            if (wrote < 0 && errno != EINTR)
                return -errno;
            put += wrote < 0 ? 0 : wrote;
        }
    }
}

static int make_folder(const char *path, struct messages *messages) {
    char partial[4096];
    if (snprintf(partial, sizeof partial, "%s", path) >= (int)sizeof partial)
        return refuse(messages, path, "is too long a path", 0);
    for (char *slash = partial + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(partial, 0755) < 0 && errno != EEXIST)
            return refuse(messages, partial, "cannot be made; choose another folder with --var", errno);
        *slash = '/';
    }
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return refuse(messages, path, "cannot be made; choose another folder with --var", errno);
    return 0;
}

// The copy's name is taken by a file: true when its server is gone and it was removed.
static bool remove_stale(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT;
    struct stat ours, named;
    bool is_stale = flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &ours) == 0 && lstat(path, &named) == 0 && ours.st_ino == named.st_ino &&
                    unlink(path) == 0;
    close(fd);
    return is_stale;
}

// Gives the file its name only once it is whole and locked, so that no other server takes it for a stale one.
static int link_copy(const char *unnamed, const struct copy_request *request, char **ret_path) {
    size_t stem = strlen(request->name);
    if (stem > 3 && !strcmp(request->name + stem - 3, ".so"))
        stem -= 3;
    for (unsigned number = request->generation; number < request->generation + NUMBERS_MAX; number++) {
        char *path;
        if (asprintf(&path, "%s/%.*s.%u.so", request->private_folder, (int)stem, request->name, number) < 0)
            return -ENOMEM;
        if (link(unnamed, path) == 0 || (errno == EEXIST && remove_stale(path) && link(unnamed, path) == 0)) {
            *ret_path = path;
            return 0;
        }
        int error = errno;
        free(path);
        if (error != EEXIST && error != EWOULDBLOCK)
            return -error;
    }
    return -EEXIST;
}

static int fill_and_link(const struct copy_request *request, const char *unnamed, int source, int fd, char **ret_path) {
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return -errno;
    int status = copy_bytes(source, fd, request->bytes_max);
    return status < 0 ? status : link_copy(unnamed, request, ret_path);
}

static int copy_from(const struct copy_request *request, int source, struct messages *messages, char **ret_path, int *ret_fd) {
    char unnamed[4096];
    snprintf(unnamed, sizeof unnamed, "%s/.%ld.tmp", request->private_folder, (long)getpid());
    unlink(unnamed);
    int fd = open(unnamed, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int status = fd < 0 ? -errno : fill_and_link(request, unnamed, source, fd, ret_path);
    if (fd >= 0)
        unlink(unnamed);
    if (status == 0) {
        *ret_fd = fd;
        return 0;
    }
    if (fd >= 0)
        close(fd);
    if (status == -ENOMEM)
        return status;
    return refuse(messages, request->path, "cannot be copied into the server's var folder; free some room or choose another with --var",
                  -status);
}

int copy_make(const struct copy_request *request, struct messages *messages, char **ret_path, int *ret_fd) {
    int source, status = open_source(request, messages, &source);
    if (status < 0)
        return status;
    status = make_folder(request->private_folder, messages);
    if (status == 0)
        status = copy_from(request, source, messages, ret_path, ret_fd);
    close(source);
    return status;
}

void copy_remove(char *path, int fd) {
    unlink(path);
    close(fd);
    free(path);
}

void *copy_map(int fd, size_t *ret_size) {
    struct stat status;
    if (fstat(fd, &status) < 0)
        return NULL;
    *ret_size = (size_t)status.st_size;
    void *bytes = mmap(NULL, *ret_size ? *ret_size : 1, PROT_READ, MAP_PRIVATE, fd, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

void copy_unmap(void *bytes, size_t size) {
    munmap(bytes, size ? size : 1);
}
