// source_watch.h — a tree of sources that is watched (inotify(7)): what was saved, by kind.
#ifndef CLI_SOURCE_WATCH_H
#define CLI_SOURCE_WATCH_H

#include <stdbool.h>

enum { SOURCE_QUIET_MS = 60 }; // editors save in several steps

/** What was saved: code, or migrations. */
struct source_change {
    bool has_code, has_sql;
};

/** Watches the folders and all below them but hidden ones, build, build-*, var and node_modules. A readable descriptor, or a negative
 * errno. */
int source_watch_open(const char *const *folders);
/** Takes all that happened, and watches folders that came; what was saved is added to `*change`. */
void source_watch_take(int fd, struct source_change *change);
void source_watch_close(int fd);

#endif
