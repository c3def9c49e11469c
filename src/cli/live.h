// live.h — while it serves: signals, plugins that come and go, generations that end.
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include <signal.h>

#include "cli/workspace.h"
#include "host/server.h"

/**
 * Returns when one of `endings` arrives (they are blocked in every thread). Meanwhile loads what changes in the plugin folders, or on
 * SIGHUP: a generation that is refused is told on stderr, and the one before goes on serving. The workspace's plugins are those of the
 * newest generation then. `*ret_publisher` has the others: destroy it when the server has stopped.
 */
struct publisher;
int live_run(struct workspace *workspace, struct server *server, const sigset_t *endings, struct publisher **ret_publisher);

#endif
