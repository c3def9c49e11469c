// loading.h — the next generation of plugins, loaded and checked beside the one that serves.
#ifndef CLI_LOADING_H
#define CLI_LOADING_H

#include "cli/workspace.h"

struct loading_options {
    unsigned generation;               // of the one that is made
    const struct choice_list *choices; // as in plugin_set_options
    const char *anew;
    bool is_patient; // a file that went a moment ago is waited for
};

/** What loading one generation needs, and nothing after it. */
struct loading {
    struct arena_pool pool;
    struct arena arena;
    struct messages messages;
    struct refused_files *refused; // what is left out; NULL: all or nothing
    bool is_tried;                 // what is new has been tried in a process of its own
    struct plugin_set *next;       // NULL where it did not come so far; the caller's to publish or to close
};

void loading_init(struct loading *loading, const struct workspace *workspace);
void loading_finish(struct loading *loading);
/**
 * Blocking: dlopen, migrations of a private Postgres, the statements' check, on_load. 0: `next` is ready to be published; -EALREADY: it is
 * what serves; -EINVAL and messages; -ENOMEM; -EAGAIN: a file is gone since a moment, and another may take its place. What is wrong and can
 * be left out is: it is in `refused` then.
 */
int loading_run(const struct workspace *workspace, const struct loading_options *options, struct loading *loading);
/**
 * `next`, which was refused with -EINVAL, is closed, and the plugins to blame for it are in `refused`: loading_run() again is without them.
 * False where nobody is to blame: then nothing is changed.
 */
bool loading_leave_out(struct loading *loading);
/** True where `refused` has any, beyond what was to be. */
bool loading_has_refused(const struct loading *loading);

#endif
