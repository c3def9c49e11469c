// secret.c — the key of a development server: made once, kept in a file that only its owner reads.
#include "cli/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct messages *messages, const char *path, const char *problem) {
    messages_add(messages, "%s: error: %s", path, problem);
    return -EINVAL;
}

// How many bytes; -ENOENT where there is no file.
static int read_key(const char *path, char key[SECRET_KEY_BYTES + 2], struct messages *messages) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? -ENOENT : refuse(messages, path, "cannot be read; chown it, or set SECRET_KEY");
    struct stat status;
    ssize_t bytes = fstat(fd, &status) == 0 ? read(fd, key, SECRET_KEY_BYTES + 2) : -1;
    close(fd);
    if (bytes < 0)
        return refuse(messages, path, "cannot be read; set SECRET_KEY");
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return refuse(messages, path, "others may read it; remove it, and a new one is made (tokens signed with it end then)");
    while (bytes && (key[bytes - 1] == '\n' || key[bytes - 1] == '\r'))
        bytes--;
    return bytes == SECRET_KEY_BYTES ? (int)bytes : refuse(messages, path, "is no key that we made; remove it, or set SECRET_KEY");
}

static int make_key(char key[SECRET_KEY_BYTES + 2]) {
    unsigned char random[SECRET_KEY_BYTES / 2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return -EIO;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(key + 2 * i, 3, "%02x", random[i]);
    key[SECRET_KEY_BYTES] = '\n';
    return 0;
}

// Whole before it has its name, so that a second server reads all of it or makes none.
static int write_key(const char *path, const char *unnamed, const char *key) {
    int fd = open(unnamed, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    int status = write(fd, key, SECRET_KEY_BYTES + 1) == SECRET_KEY_BYTES + 1 && fsync(fd) == 0 ? 0 : -EIO;
    close(fd);
    if (status == 0 && link(unnamed, path) < 0 && errno != EEXIST)
        status = -errno;
    unlink(unnamed);
    return status;
}

static int give_key(const char *key, size_t bytes, struct arena *arena, str *ret_key) {
    str copy = arena_copy(arena, (str){key, bytes});
    if (!copy.ptr)
        return -ENOMEM;
    *ret_key = copy;
    return 0;
}

int secret_key_find(const char *var, struct arena *arena, struct messages *messages, str *ret_key, bool *ret_is_new) {
    char key[SECRET_KEY_BYTES + 2];
    const char *path = arena_format(arena, "%s/secret_key", var).ptr;
    int bytes = path ? read_key(path, key, messages) : -ENOMEM;
    bool is_new = bytes == -ENOENT;
    if (is_new)
        bytes = make_key(key) < 0 ? refuse(messages, path, "cannot be made; set SECRET_KEY") : SECRET_KEY_BYTES;
    int status = bytes < 0 ? bytes : give_key(key, (size_t)bytes, arena, ret_key);
    if (status == 0)
        *ret_is_new = is_new;
    return status;
}

int secret_key_keep(const char *var, struct arena *arena, struct messages *messages, str *ret_key, bool *ret_is_new) {
    char key[SECRET_KEY_BYTES + 2];
    const char *path = arena_format(arena, "%s/secret_key", var).ptr;
    const char *unnamed = arena_format(arena, "%s/.secret_key.%ld", var, (long)getpid()).ptr;
    if (!path || !unnamed)
        return -ENOMEM;
    int bytes = read_key(path, key, messages);
    bool is_new = bytes == -ENOENT;
    if (is_new) {
        int status = make_key(key);
        if (status == 0)
            status = write_key(path, unnamed, key);
        if (status < 0) {
            messages_add(messages, "%s: error: the key cannot be kept: %s; set SECRET_KEY, or choose another folder with --var", path,
                         strerror(-status));
            return -EINVAL;
        }
        bytes = read_key(path, key, messages); // another server may have been first
    }
    if (bytes < 0)
        return bytes == -ENOENT ? refuse(messages, path, "cannot be made; set SECRET_KEY") : bytes;
    int status = give_key(key, (size_t)bytes, arena, ret_key);
    if (status == 0)
        *ret_is_new = is_new;
    return status;
}
