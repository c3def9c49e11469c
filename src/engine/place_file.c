// place_file.c — bytes put into a folder under a name, whole and on the disk, or not at all. Blocks: for worker threads.
//
// A file without a name (O_TMPFILE) is given one by linkat(2), which is a move without a copy where it lies on the same file system, and
// which an existing name refuses. To replace one it is linked under a name of its own first, and renamed: there is never half a file to
// see. Where a file system has no files without names, or the bytes lie on another one, they are copied into a hidden file beside the
// place.
#include "engine/place_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 20, PROC_PATH_BYTES = 32, PART_NAME_BYTES = 64 };

/** The folder that the name stands in, and its last part. */
struct place {
    int folder;
    const char *name;
};

int place_file_init(struct place_file *file, const char *folder, str name) {
    bool is_name = name.len && name.ptr[name.len - 1] != '/' && !memchr(name.ptr, '\0', name.len);
    *file = (struct place_file){.fd = -1};
    if (!is_name)
        return -EINVAL;
    file->folder = strdup(folder);
    file->name = strndup(name.ptr, name.len);
    if (file->folder && file->name)
        return 0;
    place_file_finish(file);
    return -ENOMEM;
}

void place_file_finish(struct place_file *file) {
    free(file->folder);
    free(file->name);
    free(file->data);
    if (file->fd >= 0)
        close(file->fd);
    *file = (struct place_file){.fd = -1};
}

int place_file_take(struct place_file *file, int fd, str data) {
    if (fd >= 0) {
        file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        return file->fd < 0 ? -errno : 0;
    }
    file->data = malloc(data.len + 1);
    if (!file->data)
        return -ENOMEM;
    memcpy(file->data, data.ptr ? data.ptr : "", data.len);
    file->bytes = data.len;
    return 0;
}

void place_file_cancel(struct place_file *file) {
    atomic_store(&file->is_cancelled, true);
}

// ---- the place

// As mkdir -p does; what cannot be made is told by opening it.
static void make_folders(const char *folder) {
    char path[PATH_MAX];
    if (strlen(folder) >= sizeof path)
        return;
    strcpy(path, folder);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    mkdir(path, 0700);
}

static int open_root(const char *folder, bool makes) {
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && makes) {
        make_folders(folder);
        fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return fd < 0 ? -errno : fd;
}

static int open_beneath(int root, const char *path) {
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0)
        return fd;
    switch (errno) {
    case EXDEV:
    case ELOOP:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EINVAL:
        return -EINVAL;
    default:
        return -errno;
    }
}

// The folders of the name and its last part. 0; -ENOENT where a folder is missing; -EINVAL; or what opening the root said.
static int open_place(const struct place_file *file, bool makes, struct place *ret_place) {
    char *slash = strrchr(file->name, '/');
    const char *last = slash ? slash + 1 : file->name;
    if (strcmp(last, ".") == 0 || strcmp(last, "..") == 0 || strlen(last) > 255)
        return -EINVAL;
    int root = open_root(file->folder, makes);
    if (root < 0)
        return root == -ENOENT ? -ENOTDIR : root; // not to be taken for a name that is not there
    char *path = slash == file->name ? strdup("/") : slash ? strndup(file->name, (size_t)(slash - file->name)) : strdup(".");
    int folder = path ? open_beneath(root, path) : -ENOMEM;
    free(path);
    close(root);
    if (folder < 0)
        return folder;
    *ret_place = (struct place){folder, last};
    return 0;
}

// ---- the bytes

static int write_all(int fd, const char *data, size_t bytes) {
    while (bytes) {
        ssize_t written = write(fd, data, bytes);
        if (written < 0 && errno != EINTR)
            return -errno;
        data += written > 0 ? written : 0;
        bytes -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

static int copy_all(struct place_file *file, int to) {
    off_t at = 0;
    for (;;) {
        if (atomic_load(&file->is_cancelled))
            return -ECANCELED;
        ssize_t copied = sendfile(to, file->fd, &at, COPY_BYTES);
        if (copied < 0 && errno != EINTR)
            return -errno;
        if (copied == 0)
            return 0;
    }
}

static int fill(struct place_file *file, int fd) {
    int error = file->data ? write_all(fd, file->data, file->bytes) : copy_all(file, fd);
    return error ? error : fsync(fd) < 0 ? -errno : 0;
}

static void make_part_name(char name[PART_NAME_BYTES]) {
    static atomic_uint count;
    snprintf(name, PART_NAME_BYTES, ".leat-%d-%u.part", (int)getpid(), atomic_fetch_add(&count, 1));
}

// ---- under its name

static int rename_into_place(const struct place_file *file, const struct place *place, const char *part) {
    if (renameat2(place->folder, part, place->folder, place->name, file->replaces ? 0 : RENAME_NOREPLACE) == 0)
        return 0;
    int error = errno == EISDIR ? -EINVAL : -errno;
    unlinkat(place->folder, part, 0);
    return error;
}

static int link_unnamed(int fd, const struct place *place, const char *name) {
    char path[PROC_PATH_BYTES];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, place->folder, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int name_unnamed(struct place_file *file, int fd, const struct place *place) {
    char part[PART_NAME_BYTES];
    if (atomic_load(&file->is_cancelled))
        return -ECANCELED;
    if (!file->replaces)
        return link_unnamed(fd, place, place->name);
    make_part_name(part);
    int error = link_unnamed(fd, place, part);
    return error ? error : rename_into_place(file, place, part);
}

// A file system without files without names: a hidden one for as long as it takes.
static int save_named(struct place_file *file, const struct place *place) {
    char part[PART_NAME_BYTES];
    make_part_name(part);
    int fd = openat(place->folder, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int error = fill(file, fd);
    close(fd);
    if (error == 0 && atomic_load(&file->is_cancelled))
        error = -ECANCELED;
    if (error == 0)
        return rename_into_place(file, place, part);
    unlinkat(place->folder, part, 0);
    return error;
}

static bool has_no_unnamed_files(int error) {
    return error == -EOPNOTSUPP || error == -EISDIR || error == -ENOENT || error == -EINVAL;
}

static int save_copy(struct place_file *file, const struct place *place) {
    int fd = openat(place->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return has_no_unnamed_files(-errno) ? save_named(file, place) : -errno;
    int error = fill(file, fd);
    if (error == 0)
        error = name_unnamed(file, fd, place);
    close(fd);
    return error;
}

static int save_in(struct place_file *file, const struct place *place) {
    if (file->fd < 0)
        return save_copy(file, place);
    if (fsync(file->fd) < 0)
        return -errno;
    int error = name_unnamed(file, file->fd, place);
    bool is_elsewhere = error == -EXDEV || error == -ENOENT || error == -EPERM;
    return is_elsewhere ? save_copy(file, place) : error;
}

int place_file_save(struct place_file *file) {
    struct place place;
    int error = open_place(file, true, &place);
    if (error)
        return error == -ENOENT ? -EINVAL : error;
    error = save_in(file, &place);
    if (error == 0 && fsync(place.folder) < 0)
        error = -errno;
    close(place.folder);
    return error;
}

int place_file_remove(const struct place_file *file) {
    struct place place;
    int error = open_place(file, false, &place);
    if (error)
        return error == -ENOTDIR ? -ENOENT : error;
    if (unlinkat(place.folder, place.name, 0) < 0)
        error = errno == EISDIR || errno == EPERM ? -EINVAL : -errno;
    else if (fsync(place.folder) < 0)
        error = -errno;
    close(place.folder);
    return error;
}
