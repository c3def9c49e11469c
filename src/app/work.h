// work.h — what runs without a client: a task, a periodic run, the start and the end of a plugin, the making of a value per core.
//
// A work is described where its plugin is compiled; each run of it is a request of its own on a coroutine. It ends as any request does, and
// whoever started it is told.
#ifndef APP_WORK_H
#define APP_WORK_H

#include <leat/work.h>

#include "app/app_internal.h"
#include "app/snapshot_internal.h"

struct req;

/** Immutable, of a snapshot; or in the memory of the one run that it describes. */
struct work {
    const char *kind; // "task", "start" ...: as log lines name it
    const char *name;
    const leat_item *item;
    const leat_plugin *plugin;
    unsigned plugin_index; // in the snapshot
    enum log_level log_level;
    uint32_t timeout_ms;            // 0: the server's
    const struct endpoint *program; // what it depends on; NULL: it has its arguments already
    void (*run)(struct req *r);     // once the program has run
    const leat_work *declared;      // of ON_START, ON_STOP, EVERY
    const leat_provider *provider;  // of a value per core
    unsigned value_index;
};

/**
 * Begins a run on `generation`; not from inside a coroutine. `waiter` may be NULL. 0; -ENOMEM; -EAGAIN without a coroutine: nothing has
 * begun, and nobody is told.
 */
int work_start(struct app *app, struct generation *generation, const struct work *work, struct work_waiter *waiter);
/** The life of a run on its coroutine. */
void work_run(void *r);
/** By request_end(): logs and counts how it ended, and tells the waiter. */
void work_end(struct req *r, enum outcome outcome);
/** Why it fails, for the log and the waiter; the first that is said holds. */
void work_note_failure(struct req *r, str why);

#endif
