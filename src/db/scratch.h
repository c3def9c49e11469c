// scratch.h — a database of one process, made and dropped: for tests.
#ifndef DB_SCRATCH_H
#define DB_SCRATCH_H

#include "base/arena.h"

/**
 * Makes the database leat_scratch_<pid> on the server that `conninfo` leads to, and drops those that processes of this machine have left
 * behind. Blocking. 0 and its conninfo, in the arena; or -ECONNREFUSED, -EINVAL, -ENOMEM and `*ret_failure`. Only where the server is
 * of this machine: elsewhere a process id says nothing.
 */
int scratch_create(const char *conninfo, struct arena *arena, const char **ret_conninfo, str *ret_failure);
/** Drops it, whoever is connected. `conninfo` as for scratch_create(). */
void scratch_drop(const char *conninfo);

#endif
