// account.c — who the private Postgres runs as: ourselves, or, when we are root, a user that Postgres accepts.
#include "account.h"

#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char postgres_user[] = "postgres";

static struct account owner_of(const struct stat *folder) {
    const struct passwd *entry = getpwuid(folder->st_uid);
    return (struct account){.uid = folder->st_uid, .gid = entry ? entry->pw_gid : folder->st_gid, .is_other = true};
}

int account_choose(const char *folder, struct account *ret_account) {
    if (geteuid() != 0) {
        *ret_account = (struct account){.uid = geteuid(), .gid = getegid()};
        return 0;
    }
    struct stat found;
    if (lstat(folder, &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid != 0) {
        *ret_account = owner_of(&found);
        return 0;
    }
    const struct passwd *entry = getpwnam(postgres_user);
    if (!entry || entry->pw_uid == 0)
        return -ENOENT;
    *ret_account = (struct account){.uid = entry->pw_uid, .gid = entry->pw_gid, .is_other = true};
    return 0;
}

// The system calls themselves: glibc's wrappers tell every thread of the process, and take locks that a fork may have left held.
int account_become(const struct account *account) {
    if (!account->is_other)
        return 0;
    if (syscall(SYS_setgroups, 0, NULL) != 0 || syscall(SYS_setresgid, account->gid, account->gid, account->gid) != 0 ||
        syscall(SYS_setresuid, account->uid, account->uid, account->uid) != 0)
        return -errno;
    return 0;
}

int account_can_enter(const struct account *account, const char *folder) {
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0)
        _exit(account_become(account) == 0 && access(folder, X_OK) == 0 ? 1 : 0);
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

int account_own(const struct account *account, int fd) {
    return account->is_other && fchown(fd, account->uid, account->gid) != 0 ? -errno : 0;
}
