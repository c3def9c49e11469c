// place.h — where the private Postgres lives: its folder, data, log, lock and socket, made, owned and checked.
//
// Usually all of it is below var/pg. Two things force a part elsewhere: as root, a checkout below a folder that the account cannot pass
// through (a home folder of mode 0700) puts everything into /var/lib/leat, or the temporary directory for a throw-away cluster; and a
// socket path longer than the kernel's 107 bytes, or with a byte that a connection string would have to quote, puts the socket into the
// run-time directory. Such a place is named after a hash of var's path and inode: another checkout, or the same one made anew, gets its
// own. /run and /tmp were rejected for data that is to be kept: both are emptied.
#ifndef DB_PLACE_H
#define DB_PLACE_H

#include "base/arena.h"
#include "db/account.h"

enum { SOCKET_PATH_BYTES_MAX = 107 }; // unix(7): sun_path holds 108 with its NUL
#define PLACE_PORT "5432"             // names the socket's file; nothing listens on a port

struct place {
    struct account account;
    const char *folder, *data, *data_new, *log, *run; // in the arena
    const char *notice;                               // why a part is elsewhere; NULL where nothing is
    int lock_fd;
};

/** 0 and everything but the data exists; or a negative errno and `*ret_failure` says what is wrong and what to do. */
int place_open(const char *var, bool is_throwaway, struct arena *arena, struct place *ret_place, str *ret_failure);
/** Closes the lock file, and with it whatever this process has locked. */
void place_close(struct place *place);

#endif
