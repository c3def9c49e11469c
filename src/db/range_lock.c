// range_lock.c — locks on single bytes of a file, shared or exclusive, that the kernel releases when their owner dies.
#include "range_lock.h"

#include <errno.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { RETRY_MS = 5 };

static struct flock one_byte(unsigned byte, short type) {
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
}

int range_lock(int fd, unsigned byte, short type, int ms_max) {
    int64_t due_ns = clock_monotonic_ns() + (int64_t)ms_max * 1000000;
    for (;;) {
        struct flock wanted = one_byte(byte, type);
        if (fcntl(fd, F_OFD_SETLK, &wanted) == 0)
            return 0;
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return -errno;
        if (clock_monotonic_ns() >= due_ns)
            return -EAGAIN;
        nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000}, NULL);
    }
}

int range_lock_wait(int fd, unsigned byte, short type) {
    struct flock wanted = one_byte(byte, type);
    while (fcntl(fd, F_OFD_SETLKW, &wanted) != 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

int range_lock_of_others(int fd, unsigned byte) {
    struct flock found = one_byte(byte, F_WRLCK);
    return fcntl(fd, F_OFD_GETLK, &found) == 0 ? found.l_type : -errno;
}
