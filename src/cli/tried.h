// tried.h — the files of plugins that a start came through with, which the next start need not try first.
//
// The note of them is taken away when a start begins, and written when it serves. So a start that a plugin has ended, or held until
// somebody ended it, leaves none behind: the next one tries all of them in a process of their own, and finds it.
#ifndef CLI_TRIED_H
#define CLI_TRIED_H

#include "host/crash.h"
#include "host/plugins.h"

struct tried_files {
    char marks[PLUGINS_MAX][CRASH_MARK_BYTES_MAX];
    unsigned count;
};

/** What the last server that served below `var` has noted; none where it was of another version. The note is gone then. */
void tried_take(const char *var, struct tried_files *ret_tried);
/** Notes the files that serve. One that cannot be written costs the next start some time. */
void tried_keep(const char *var, const struct plugin_set *set);
/** False for NULL. */
bool tried_has(const struct tried_files *tried, const struct file_mark *mark);

#endif
