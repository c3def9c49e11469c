// range_lock.h — locks on single bytes of a file, shared or exclusive, that the kernel releases when their owner dies.
//
// Open file description locks (fcntl(2), F_OFD_SETLK): not shared with other opens of the same process, unlike POSIX's; their kind can be
// asked for, unlike flock's.
#ifndef DB_RANGE_LOCK_H
#define DB_RANGE_LOCK_H

#include <fcntl.h>

/** `type` is F_RDLCK (shared), F_WRLCK (exclusive) or F_UNLCK. Waits at most `ms_max`. 0, -EAGAIN, or another negative errno. */
int range_lock(int fd, unsigned byte, short type, int ms_max);
/** The same without a limit, by one system call; async-signal-safe. */
int range_lock_wait(int fd, unsigned byte, short type);
/** The kind of lock that others hold: F_RDLCK, F_WRLCK or F_UNLCK; or a negative errno. */
int range_lock_of_others(int fd, unsigned byte);

#endif
