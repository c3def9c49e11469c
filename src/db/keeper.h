// keeper.h — the process between us and Postgres: it stops Postgres when the last server that uses it is gone, however that went.
//
// A parent-death signal on the postmaster alone was rejected: it is tied to the thread that forked, and fires although a second server has
// begun to use the same cluster. Instead every user holds a shared lock on one byte of the lock file. The keeper waits in one system call
// for the exclusive lock on it; the kernel grants that when the last user has stopped or died (kill -9 too). Then it shuts Postgres down
// and ends. Should the keeper itself be killed, the postmaster gets SIGINT as its parent-death signal. The keeper has a session of its own,
// so that Ctrl-C reaches neither, and runs as Postgres' account.
#ifndef DB_KEEPER_H
#define DB_KEEPER_H

#include "db/place.h"
#include "db/programs.h"

/** The bytes of the lock file, and who holds them how. */
enum {
    LOCK_START,  // exclusive: who is bringing the cluster up
    LOCK_USERS,  // shared: each server that uses it; exclusive: the keeper, from the moment it shuts down
    LOCK_KEEPER, // exclusive: the keeper, as long as it lives
};

/** Starts the keeper, and through it Postgres, which is not ready yet. The keeper's process id, a child of ours; or a negative errno. */
int keeper_start(const struct place *place, const struct programs *programs, bool is_throwaway);
/** A postmaster runs on the data folder: its process id, else 0. The pid file alone says nothing: ids are used again. */
int keeper_postmaster(const struct place *place);
/** Ends what a killed postmaster left behind; no postmaster is running. Crash recovery makes good for it, as for the postmaster. */
void keeper_end_orphans(const struct place *place);

#endif
