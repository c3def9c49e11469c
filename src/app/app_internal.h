// app_internal.h — the inside of an app, for the files of this floor.
#ifndef APP_APP_INTERNAL_H
#define APP_APP_INTERNAL_H

#include <leat/request.h>

#include "app/app.h"
#include "app/request_ids.h"
#include "app/snapshot_internal.h"
#include "base/list.h"
#include "engine/spool.h"

struct req;

/** Whoever wants to know how a run of a work ended; embedded, lives until then. */
struct work_waiter {
    void (*ended)(struct work_waiter *waiter, struct req *r, enum outcome outcome);
};

enum generation_phase { GENERATION_NEW, GENERATION_STARTING, GENERATION_READY, GENERATION_FAILED, GENERATION_STOPPING };

struct periodic;
struct worker_value;

/** A snapshot on one core: how many requests hold it. */
struct generation {
    struct list node;
    struct app *app;
    struct snapshot *snapshot;
    uint64_t number; // no other of the app has it, ever
    unsigned pin_count;
    bool is_current, is_unwanted; // seen by new requests; to be ended when nothing holds it
    enum generation_phase phase;
    struct worker_value **values; // by maker
    struct periodic *periodics;
    size_t periodic_count;
    bool *is_last_holder; // of each plugin: its ON_STOPs are this one's to run
    unsigned step_index;  // of the row of works that is run to begin or to end
    struct deferred next_step;
    struct work_waiter waiter;
    void (*ready)(void *arg, const char *failure); // NULL: nobody wants to know any more
    void *ready_arg;
    struct route_figures **routes;  // this core's, by endpoint; NULL: not counted
    struct query_figures **queries; // the same by statement
    struct route_figures **calls;   // the same by call site
    void (*released)(void *arg);
    void *arg;
};

struct app {
    struct core *core;
    const struct app_options *options;
    struct generation *generation; // what new requests see
    uint64_t generation_count;     // made so far
    struct list generations;
    struct db *db;
    struct outbound *outbound;
    struct hasher hasher;
    struct coder coder;       // of bodies
    struct spool_pool spools; // of uploads
    const struct listener *listener;
    struct core_figures *figures;
    enum log_level log_level; // of what belongs to no plugin
    struct request_ids ids;
    struct arena scratch; // of one dispatch: a decoded path
    struct list live;     // requests
    req *spare;           // requests of earlier, their memory warm
    unsigned live_count, spare_count;
    unsigned outflow_count; // of those, whose answer is being sent in pieces
    struct list ready_tasks;
    struct deferred start_tasks;
    struct cache *cache;
    struct list ready_refreshes; // of cached answers
    struct deferred start_refreshes;
    unsigned refresh_count; // begun or ready
    unsigned waiting_task_count, running_task_count;
    unsigned away_count;                                      // requests that a worker thread has
    uint64_t work_count, work_failure_count, work_skip_count; // runs that have ended, those that failed, those that were left out
    const leat_plugin *culprit;                               // whose work failed last as a snapshot was made ready
    void (*started)(void *arg, const char *failure);
    void *started_arg;
    bool is_stopping, is_db_stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

void generation_pin(struct generation *generation);
void generation_unpin(struct generation *generation);
/** After every end: goes on with app_stop() when nothing is left. */
void app_check_stopped(struct app *app);

extern const struct http_app app_http;

#endif
