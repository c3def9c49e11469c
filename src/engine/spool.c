// spool.c — temporary files without a name: written and read piece by piece, gone when they are closed.
#include "engine/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <unistd.h>

int spool_pool_init(struct spool_pool *pool, struct ring *ring, const char *folder) {
    *pool =
        (struct spool_pool){.ring = ring, .folder = -1, .live_count_max = UINT_MAX, .file_count_max = UINT_MAX, .bytes_max = UINT64_MAX};
    list_init(&pool->spare);
    if (!folder)
        return -ENOENT;
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    pool->folder = fd;
    return 0;
}

void spool_pool_finish(struct spool_pool *pool) {
    assert(!pool->live_count);
    for (struct list *node; (node = list_pop(&pool->spare));)
        free(container_of(node, struct spool, node));
    if (pool->folder >= 0)
        close(pool->folder);
    pool->folder = -1;
}

static void give_back(struct spool *spool) {
    struct spool_pool *pool = spool->pool;
    pool->live_count--;
    if (pool->spare_count < SPOOL_SPARES_MAX) {
        list_push_front(&pool->spare, &spool->node);
        pool->spare_count++;
    } else {
        free(spool);
    }
    if (!pool->live_count && pool->on_idle)
        pool->on_idle(pool->arg);
}

static void finish(struct spool *spool, int result) {
    spool->is_busy = false;
    spool->result = result;
    if (spool->done)
        spool->done(spool->arg);
    else
        give_back(spool);
}

static void ask(struct spool *spool, op_fn *done) {
    assert(!spool->is_busy);
    spool->is_busy = true;
    spool->op.done = done;
}

struct spool *spool_take(struct spool_pool *pool, void (*done)(void *arg), void *arg) {
    if (pool->live_count >= pool->live_count_max)
        return NULL;
    struct list *node = list_pop(&pool->spare);
    struct spool *spool = node ? container_of(node, struct spool, node) : malloc(sizeof *spool);
    if (!spool)
        return NULL;
    pool->spare_count -= node != NULL;
    pool->live_count++;
    spool->pool = pool;
    spool->op = (struct op){0};
    spool->done = done;
    spool->arg = arg;
    spool->is_busy = false;
    spool->filled = 0;
    return spool;
}

void spool_release(struct spool *spool) {
    spool->done = NULL;
    if (!spool->is_busy)
        give_back(spool);
}

// ---- a file

static void created(struct op *op, int result) {
    struct spool *spool = container_of(op, struct spool, op);
    if (result >= 0 && !spool->done) { // nobody waits for it any more
        ring_close_file(spool->pool->ring, result);
        spool->pool->file_count--;
    } else if (result < 0) {
        spool->pool->file_count--;
    }
    finish(spool, result);
}

void spool_create(struct spool *spool) {
    struct spool_pool *pool = spool->pool;
    static struct open_how how = {.flags = O_TMPFILE | O_RDWR | O_CLOEXEC, .mode = 0600};
    if (pool->folder < 0 || pool->file_count >= pool->file_count_max) {
        spool->result = pool->folder < 0 ? -ENOENT : -ENFILE;
        return;
    }
    pool->file_count++;
    ask(spool, created);
    ring_open(pool->ring, &spool->op, pool->folder, ".", &how);
}

static void write_on(struct spool *spool);

static void written(struct op *op, int result) {
    struct spool *spool = container_of(op, struct spool, op);
    if (result > 0 && (spool->written += (size_t)result) < spool->filled)
        return write_on(spool); // a disk that is nearly full takes a part; the rest will tell
    if (result > 0)
        spool->filled = 0;
    finish(spool, result > 0 ? 0 : result == 0 ? -EIO : result);
}

static void write_on(struct spool *spool) {
    ring_write(spool->pool->ring, &spool->op, spool->fd, spool->chunk + spool->written, (unsigned)(spool->filled - spool->written),
               spool->offset + spool->written);
}

void spool_write(struct spool *spool, struct spool_file *file) {
    struct spool_pool *pool = spool->pool;
    assert(spool->filled);
    if (spool->filled > pool->bytes_max - pool->bytes) {
        spool->result = -EDQUOT;
        return;
    }
    spool->fd = file->fd;
    spool->offset = file->bytes;
    spool->written = 0;
    file->bytes += spool->filled;
    pool->bytes += spool->filled;
    ask(spool, written);
    write_on(spool);
}

static void has_read(struct op *op, int result) {
    struct spool *spool = container_of(op, struct spool, op);
    spool->filled = result > 0 ? (size_t)result : 0;
    finish(spool, result);
}

void spool_read(struct spool *spool, const struct spool_file *file, uint64_t offset) {
    ask(spool, has_read);
    ring_read(spool->pool->ring, &spool->op, file->fd, spool->chunk, sizeof spool->chunk, offset);
}

void spool_close(struct spool_pool *pool, struct spool_file *file) {
    pool->bytes -= file->bytes;
    pool->file_count--;
    ring_close_file(pool->ring, file->fd);
    file->fd = -1;
}
