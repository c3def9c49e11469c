// migration_watch.h — a database that was not there at the start: asked from time to time whether its migrations are applied.
#ifndef CLI_MIGRATION_WATCH_H
#define CLI_MIGRATION_WATCH_H

#include "app/readiness.h"
#include "cli/workspace.h"

struct migration_watch;

/** Asks on a thread of its own, until they are; tells `readiness`, and a log line. The workspace outlives it. 0 or a negative errno. */
int migration_watch_start(const struct workspace *workspace, struct readiness *readiness, struct migration_watch **ret_watch);
/** False: it is stuck in a connection attempt and still uses the workspace; all that is left is to exit. NULL is fine. */
bool migration_watch_stop(struct migration_watch *watch);

#endif
