// spool.h — temporary files without a name: written and read piece by piece, gone when they are closed.
//
// What goes out is gathered in a chunk and written through the ring, beside the core. A spool that is released while the kernel still works
// for it stays until the kernel is done: it belongs to both. The files themselves are descriptors of their owner's, who gives each back.
#ifndef ENGINE_SPOOL_H
#define ENGINE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "engine/op.h"
#include "engine/ring.h"

enum {
    SPOOL_CHUNK_BYTES = 64 << 10,
    SPOOL_SPARES_MAX = 16, // of a core, with their memory
};

/** The spools of one core. */
struct spool_pool {
    struct ring *ring;
    int folder; // -1: there is none, and spool_create() says -ENOENT
    struct list spare;
    unsigned spare_count;
    unsigned live_count, live_count_max; // with the kernel or an owner; no bound at first
    unsigned file_count, file_count_max;
    uint64_t bytes, bytes_max;  // in all files
    void (*on_idle)(void *arg); // no spool is live any more
    void *arg;
};
/** `folder` is a path that is looked up now, or NULL. 0 or a negative errno, with which the pool works but for files. */
int spool_pool_init(struct spool_pool *pool, struct ring *ring, const char *folder);
/** None is live, no file is open. */
void spool_pool_finish(struct spool_pool *pool);

/** A file that is open: its owner's. */
struct spool_file {
    int fd;
    uint64_t bytes; // asked to be written to it
};

struct spool {
    struct spool_pool *pool;
    struct list node; // among the spare ones
    struct op op;
    void (*done)(void *arg); // runs when what it was busy with is done, never from within a call; NULL: released
    void *arg;
    bool is_busy;
    int result;      // of what was asked last
    int fd;          // that is being written
    uint64_t offset; // ... where
    size_t written;  // ... of the chunk
    size_t filled;   // bytes of the chunk that hold something
    char chunk[SPOOL_CHUNK_BYTES];
};

/** NULL without memory, or with `live_count_max` of them about. */
struct spool *spool_take(struct spool_pool *pool, void (*done)(void *arg), void *arg);
/** Any time, also while it is busy: `done` does not run any more. */
void spool_release(struct spool *spool);

// What is asked for makes it busy; what is refused at once has a result, and it is not busy.

/**
 * Asks for a new file. Its result: a descriptor, from which its owner makes a spool_file; -EMFILE and its kin, -ENFILE past
 * `file_count_max`, -ENOENT where the folder is gone.
 */
void spool_create(struct spool *spool);
/** Asks to write the chunk's `filled` bytes at the file's end. Its result: 0, and the chunk is empty; -ENOSPC, -EDQUOT past `bytes_max` ...
 */
void spool_write(struct spool *spool, struct spool_file *file);
/** Asks for up to a chunk of bytes, 0 at the end. Its result: as many as are in `chunk` now, or a negative errno. */
void spool_read(struct spool *spool, const struct spool_file *file, uint64_t offset);
/** The file is given back; what it takes to free its bytes is not this core's time. */
void spool_close(struct spool_pool *pool, struct spool_file *file);

#endif
