// place_file.h — bytes put into a folder under a name, whole and on the disk, or not at all. Blocks: for worker threads.
#ifndef ENGINE_PLACE_FILE_H
#define ENGINE_PLACE_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <leat/values.h>

struct place_file {
    char *folder, *name; // own copies
    char *data;          // own copy of the bytes; NULL: they are in `fd`
    size_t bytes;
    int fd; // own; -1: they are in `data`
    bool replaces;
    atomic_bool is_cancelled; // by another thread: nothing is put into place any more
};

/** For `name` beneath `folder`. 0; -EINVAL for a name that is empty, ends with '/', or holds a NUL; -ENOMEM. */
int place_file_init(struct place_file *file, const char *folder, str name);
void place_file_finish(struct place_file *file);
/** What is to be put there: the file behind `fd`, of which it takes a descriptor of its own, or where that is -1 a copy of `data`. */
int place_file_take(struct place_file *file, int fd, str data);
/** From any thread. */
void place_file_cancel(struct place_file *file);

/**
 * 0, and the bytes and their name are on the disk. -EEXIST where the name is taken and not replaced; -EINVAL for a name whose way leads out
 * of the folder (openat2(2), RESOLVE_BENEATH), over a link, or through a folder that is not there; -ECANCELED; what else went wrong. A
 * folder that is missing is made, and those above it (0700). On failure nothing is left behind.
 */
int place_file_save(struct place_file *file);
/** 0; -ENOENT where there is no such file; -EINVAL as above. */
int place_file_remove(const struct place_file *file);

#endif
