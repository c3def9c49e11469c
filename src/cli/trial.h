// trial.h — new plugins tried in a process of their own, before the server lets them near itself.
//
// A constructor or an on_load that crashes, hangs or calls exit() would take the server with it. So the program is started once more beside
// the server, with the same settings, loads just these files, runs on_load, on_worker for each core and on_unload, and says how far it
// came. What it refuses in words is left to the server's own load, which says the same.
#ifndef CLI_TRIAL_H
#define CLI_TRIAL_H

#include "cli/tried.h"
#include "cli/workspace.h"

/** The first argument of the program that tries: no verb of anybody's. */
#define TRIAL_ARGUMENT "--try-plugins"

/**
 * Tries the files that nothing of what serves was loaded from, without those in `tried`, which may be NULL. Blocking, PLUGIN_LOAD_MS at
 * most for each. 0: what does not come back is in `refused`, with a message; -EINVAL: where `refused` is NULL, for the first such file, or
 * because the server is to end; another negative errno where nothing could be tried, which is no reason not to load it.
 */
int trial_run(const struct workspace *workspace, const struct choice_list *choices, const struct tried_files *tried,
              struct refused_files *refused, struct messages *messages);
/** The other side: its exit code. */
int trial_main(char **arguments);

#endif
