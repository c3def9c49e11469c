// uring_compat.h — the constants of io_uring that are newer than Debian 12's liburing 2.3. Values: linux/io_uring.h of 6.18.
#ifndef ENGINE_URING_COMPAT_H
#define ENGINE_URING_COMPAT_H

#include <liburing.h>

#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16) // 6.6
#endif
#ifndef IORING_FEAT_NO_IOWAIT
#define IORING_FEAT_NO_IOWAIT (1U << 17) // 6.15
#endif
#ifndef IORING_ENTER_NO_IOWAIT
#define IORING_ENTER_NO_IOWAIT (1U << 7) // 6.15
#endif
#ifndef IORING_NOP_INJECT_RESULT
#define IORING_NOP_INJECT_RESULT (1U << 0) // 6.10; in sqe->rw_flags, the result in sqe->len
#endif

#endif
