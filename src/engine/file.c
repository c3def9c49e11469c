// file.c — a regular file beneath a folder, read piece by piece without ever blocking its core.
#include "engine/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/ring.h"

struct file {
    struct op op;
    struct file_pool *pool;
    struct list node; // among the pool's live or spare ones
    void (*done)(void *arg);
    void *arg;
    int fd, folder_fd; // -1: not open
    int result;
    bool is_busy;
    bool is_released; // its memory waits for the kernel
    struct stat stat;
    struct open_how how;
    char path[PATH_MAX];
    char piece[FILE_PIECE_BYTES];
};

void file_pool_init(struct file_pool *pool, struct ring *ring) {
    *pool = (struct file_pool){.ring = ring};
    list_init(&pool->live);
    list_init(&pool->spare);
}

static void free_all(struct list *files) {
    for (struct list *node; (node = list_pop(files));)
        free(container_of(node, struct file, node));
}

void file_pool_finish(struct file_pool *pool) {
    free_all(&pool->live);
    free_all(&pool->spare);
}

struct file *file_take(struct file_pool *pool, void (*done)(void *arg), void *arg) {
    struct list *node = list_pop(&pool->spare);
    struct file *file = node ? container_of(node, struct file, node) : malloc(sizeof *file);
    if (!file)
        return NULL;
    pool->spare_count -= node != NULL;
    memset(file, 0, offsetof(struct file, stat));
    file->pool = pool;
    file->done = done;
    file->arg = arg;
    file->fd = file->folder_fd = -1;
    list_init(&file->node);
    list_push(&pool->live, &file->node);
    return file;
}

static struct ring *ring_of(const struct file *file) {
    return file->pool->ring;
}

static void close_one(const struct file *file, int *fd) {
    if (*fd >= 0)
        ring_close(ring_of(file), NULL, *fd);
    *fd = -1;
}

static void give_back(struct file *file) {
    struct file_pool *pool = file->pool;
    close_one(file, &file->fd);
    close_one(file, &file->folder_fd);
    list_remove(&file->node);
    if (pool->spare_count == FILE_SPARES_MAX) {
        free(file);
        return;
    }
    list_push_front(&pool->spare, &file->node); // its memory is still warm
    pool->spare_count++;
}

void file_release(struct file *file) {
    if (!file)
        return;
    file->is_released = true;
    if (!op_is_in_flight(&file->op))
        give_back(file);
}

static void finish(struct file *file, int result) {
    file->is_busy = false;
    file->result = result;
    file->done(file->arg);
}

// ---- open: the folder, then what lies beneath it

// Outside of the folder, behind a loop of links, or below what is no folder: for a client none of it is there.
static int absent(int error) {
    switch (error) {
    case -ENOTDIR:
    case -EXDEV:
    case -ELOOP:
    case -ENAMETOOLONG:
    case -EINVAL:
    case -ENXIO: // a socket
    case -ENODEV:
        return -ENOENT;
    default:
        return error;
    }
}

static int look_at(struct file *file) {
    if (fstat(file->fd, &file->stat) < 0)
        return -errno;
    if (!S_ISREG(file->stat.st_mode))
        return -ENOENT;
    fcntl(file->fd, F_SETFL, 0); // O_NONBLOCK was for what is no file: a read of one shall wait for its disk
    return 0;
}

static void file_opened(struct op *op, int result) {
    struct file *file = container_of(op, struct file, op);
    if (result >= 0)
        file->fd = result;
    if (file->is_released)
        return give_back(file);
    close_one(file, &file->folder_fd);
    finish(file, result < 0 ? absent(result) : look_at(file));
}

static void folder_opened(struct op *op, int result) {
    struct file *file = container_of(op, struct file, op);
    if (result >= 0)
        file->folder_fd = result;
    if (file->is_released)
        return give_back(file);
    if (result < 0)
        return finish(file, result == -ENOENT ? -ENOTDIR : result);
    file->how =
        (struct open_how){.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    op->done = file_opened;
    ring_open(ring_of(file), op, file->folder_fd, file->path + strlen(file->path) + 1, &file->how);
}

// -EAGAIN is the ring's word for no memory: the caller's next request may fare better.
void file_open(struct file *file, const char *folder, const char *path) {
    if (strlen(folder) + strlen(path) + 2 > sizeof file->path) {
        folder = "/";
        path = ""; // which is not there, as what is too long is not
    }
    size_t folder_bytes = strlen(folder) + 1;
    close_one(file, &file->fd);
    file->is_busy = true;
    file->op.done = folder_opened;
    memcpy(file->path, folder, folder_bytes);
    memcpy(file->path + folder_bytes, path, strlen(path) + 1);
    file->how = (struct open_how){.flags = O_PATH | O_DIRECTORY | O_CLOEXEC};
    ring_open(ring_of(file), &file->op, AT_FDCWD, file->path, &file->how);
}

// ---- read

static void was_read(struct op *op, int result) {
    struct file *file = container_of(op, struct file, op);
    if (file->is_released)
        return give_back(file);
    finish(file, result);
}

void file_read(struct file *file, uint64_t offset, size_t bytes) {
    file->is_busy = true;
    file->op.done = was_read;
    ring_read(ring_of(file), &file->op, file->fd, file->piece, (unsigned)(bytes < FILE_PIECE_BYTES ? bytes : FILE_PIECE_BYTES), offset);
}

bool file_is_busy(const struct file *file) {
    return file->is_busy;
}

int file_result(const struct file *file) {
    return file->result;
}

const struct stat *file_stat(const struct file *file) {
    return &file->stat;
}

const char *file_piece(const struct file *file) {
    return file->piece;
}
