// file.h — a regular file beneath a folder, read piece by piece without ever blocking its core.
//
// The way to it is openat2(2)'s: it cannot lead out of the folder, by dots, by links or by what a process has in /proc. Opening and reading
// go through the ring, which answers at once what the page cache holds and waits for a disk beside the core. A file that is released while
// the kernel still works for it stays until the kernel is done: it belongs to both.
#ifndef ENGINE_FILE_H
#define ENGINE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/list.h"

enum {
    FILE_PIECE_BYTES = 64 << 10,
    FILE_SPARES_MAX = 16, // of a core, with their memory
};

struct file;
struct ring;

/** The files of one core: core_init() makes it. */
struct file_pool {
    struct ring *ring;
    struct list live, spare;
    unsigned spare_count;
};
void file_pool_init(struct file_pool *pool, struct ring *ring);
/** All files have been released, and the ring is gone with what it did for them. */
void file_pool_finish(struct file_pool *pool);

/**
 * A file that is not open yet. `done(arg)` runs on the core's thread, never from within a call, when what was asked of it last is done.
 * NULL without memory.
 */
struct file *file_take(struct file_pool *pool, void (*done)(void *arg), void *arg);
/**
 * Closes it, and gives its memory back as soon as the kernel has done with it; `done` does not run any more. Any time, also while something
 * is asked of it. NULL is fine.
 */
void file_release(struct file *file);

/**
 * Asks to open `path` beneath `folder`. Its result: 0; -ENOENT for what is not there, is no regular file or lies outside of the folder;
 * -ENOTDIR where there is no such folder; -EACCES; -EMFILE and its kin. What is asked of one that was opened before asks for another file.
 */
void file_open(struct file *file, const char *folder, const char *path);
/** Asks for up to `bytes`, FILE_PIECE_BYTES at most, from `offset`. Its result: as many as there are, 0 at the end; a negative errno. */
void file_read(struct file *file, uint64_t offset, size_t bytes);
/** What was asked is not done yet. */
bool file_is_busy(const struct file *file);
/** Of what was asked last. */
int file_result(const struct file *file);
/** What fstat(2) said when it was opened. */
const struct stat *file_stat(const struct file *file);
/** The bytes of the last file_read(), until the next. */
const char *file_piece(const struct file *file);

#endif
