// copy.h — files taken from folders that others must not be able to write, as private copies under names of their own.
#ifndef HOST_COPY_H
#define HOST_COPY_H

#include <stddef.h>

#include "host/messages.h"

/**
 * Opens a folder whose files may run as us. Refused when it, or a file of it later, belongs to neither root nor us, or others may write it.
 * 0; -ENOENT where there is none, without a message; -EINVAL and a message.
 */
int folder_open(const char *path, struct messages *messages, int *ret_fd);

struct copy_request {
    int folder_fd;
    const char *name, *path;    // in the folder; for messages
    const char *private_folder; // made, mode 0700, where it is missing
    unsigned generation;        // the copy is NAME.GENERATION.so, or the next number that is free
    size_t bytes_max;
    int instead_fd; // an open file whose bytes are copied, and not the folder's; -1: there is none
};

/**
 * 0; the path (free with copy_remove) and a descriptor that holds its lock. -EINVAL and a message; -ENOMEM. A copy that a server left
 * behind when it was killed is replaced.
 */
int copy_make(const struct copy_request *request, struct messages *messages, char **ret_path, int *ret_fd);
/** Unlinks, closes, frees. */
void copy_remove(char *path, int fd);

/** Its bytes, mapped; NULL and errno. None of an empty file may be read. */
void *copy_map(int fd, size_t *ret_size);
void copy_unmap(void *bytes, size_t size);

#endif
