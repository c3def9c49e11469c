// loading.h — the next generation of plugins, loaded and checked beside the one that serves.
#ifndef CLI_LOADING_H
#define CLI_LOADING_H

#include "cli/workspace.h"

struct loading_options {
    unsigned generation;               // of the one that is made
    const struct choice_list *choices; // as in plugin_set_options
    const char *anew;
};

/** What loading one generation needs, and nothing after it. */
struct loading {
    struct arena_pool pool;
    struct arena arena;
    struct messages messages;
    struct plugin_set *next; // NULL where it did not come so far; the caller's to publish or to close
};

void loading_init(struct loading *loading);
void loading_finish(struct loading *loading);
/**
 * Blocking: dlopen, migrations of a private Postgres, the statements' check, on_load. 0: `next` is ready to be published; -EALREADY: it is
 * what serves; -EINVAL and messages; -ENOMEM.
 */
int loading_run(const struct workspace *workspace, const struct loading_options *options, struct loading *loading);

#endif
