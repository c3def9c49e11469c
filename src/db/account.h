// account.h — who the private Postgres runs as: ourselves, or, when we are root, a user that Postgres accepts.
#ifndef DB_ACCOUNT_H
#define DB_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

struct account {
    uid_t uid;
    gid_t gid;
    bool is_other; // we are root, and it is not
};

/**
 * Ourselves where we are not root. As root: the owner of `folder` where that exists and is not root's (so that a folder which a user made
 * stays that user's), else the user `postgres`. 0, or -ENOENT: there is no such user.
 */
int account_choose(const char *folder, struct account *ret_account);
/** In a child between fork and exec: becomes `account` for good, with no supplementary groups. Async-signal-safe. 0 or a negative errno. */
int account_become(const struct account *account);
/** Whether `account` may pass through `folder`; asked of the kernel by a child that has become it. 1 or 0, or a negative errno. */
int account_can_enter(const struct account *account, const char *folder);
/** Gives an open file or folder to `account`. 0 or a negative errno; nothing to do unless we are root. */
int account_own(const struct account *account, int fd);

#endif
