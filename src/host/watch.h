// watch.h — folders of plugins that are watched (inotify(7)): a file that came, went, or was written to its end.
#ifndef HOST_WATCH_H
#define HOST_WATCH_H

#include <stdbool.h>
#include <stddef.h>

enum { WATCH_DEBOUNCE_MS = 50 }; // quiet for so long before anything is loaded: a copy of several files is one change

/** A descriptor that is readable when something happened; a negative errno. Closed with close(2). */
int watch_open(const char *const *folders, size_t folder_count);
/** Takes all that happened. True when a plugin's file, NAME.so, was among it. */
bool watch_take(int fd);

#endif
