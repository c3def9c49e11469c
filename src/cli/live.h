// live.h — while it serves: signals, plugins that come and go, generations that end, and what an operator asks.
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include <signal.h>

#include "app/roster.h"
#include "cli/workspace.h"
#include "host/server.h"

struct live;

/** 0 or a negative errno, and nothing is left. `server` and `workspace` outlive it. */
int live_create(struct workspace *workspace, struct server *server, struct roster *roster, struct live **ret_live);
/**
 * Returns when one of `endings` arrives (they are blocked in every thread). Meanwhile loads what changes in the plugin folders, or on
 * SIGHUP: a generation that is refused is told on stderr, and the one before goes on serving. The workspace's plugins are those of the
 * newest generation then. Serves the control socket. 0 or a negative errno.
 */
int live_run(struct live *live, const sigset_t *endings);
/** After server_stop(): closes the generations that are left. NULL is fine. */
void live_destroy(struct live *live);

#endif
