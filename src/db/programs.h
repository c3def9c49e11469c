// programs.h — Postgres' own programs: found, and run as the account of the private cluster.
#ifndef DB_PROGRAMS_H
#define DB_PROGRAMS_H

#include "base/arena.h"
#include "db/place.h"

struct programs {
    const char *initdb, *postgres; // in the arena
    unsigned version;              // 15
};

/**
 * Looks in $PATH (an initdb with a postgres beside it, links followed: Debian has them outside the PATH) and in the folders that
 * distributions use, newest first. Where `data` exists, only the version that made it will do. 0, or -ENOENT and a message with the one
 * line that installs them.
 */
int programs_find(const char *data, struct arena *arena, struct programs *ret_programs, str *ret_failure);

/** What a child of ours gets as its environment: none of the PG* variables, English messages, UTC. */
extern char *const programs_environment[];

/**
 * Runs `argv` as the account, its output appended to place->log, and waits. It is killed when it takes longer than `ms_max`, and when the
 * thread that waits dies. Returns its exit status, or a negative errno (-ETIMEDOUT).
 */
int programs_run(const struct place *place, char *const argv[], int ms_max);
/**
 * Between fork and exec: becomes the account, standard output and error go to place->log, nothing else stays open. 0 or a negative errno.
 */
int programs_enter(const struct place *place);
/** The last lines of place->log, for a message. */
str programs_log_tail(const struct place *place, struct arena *arena);

#endif
