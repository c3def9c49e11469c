// worker.h — one core's thread: begun, running, drained, ended.
#ifndef HOST_WORKER_H
#define HOST_WORKER_H

#include <pthread.h>

#include "host/server.h"

enum worker_phase {
    WORKER_BEGINNING,
    WORKER_FAILED,  // could not begin: the thread ends
    WORKER_SERVING, // accepts
    WORKER_IDLE,    // drained: no connection, no task, no link; the core still turns, for the worker threads' last results
    WORKER_STUCK,   // something has not ended in time
};

/** What all workers of a server share. */
struct crew {
    pthread_mutex_t lock; // of the phases
    pthread_cond_t changed;
    pthread_mutex_t loading; // one on_worker at a time
    const struct server_options *options;
    struct app_options app;
    struct plugin_set *plugins;
};

struct worker {
    struct crew *crew;
    unsigned index;
    pthread_t thread;
    int listener_fd;         // until its listener has it
    enum worker_phase phase; // under the crew's lock
    int failure;             // of core_run(); under the lock
    char failure_text[512];  // of WORKER_FAILED
    struct plugin *refuser;  // who is to blame for that; NULL: none of the plugins
    unsigned cut_count;      // read once it is idle
    // the thread's own
    struct core core;
    struct app *app;
    struct listener *listener;
    struct message drain, stop;
    struct timer overdue;
    struct deferred after_listener;
};

/** 0 or a negative errno; the thread reports by `phase`. */
int worker_start(struct worker *worker);
/** The phase, once it is none of `before`. */
enum worker_phase worker_wait(struct worker *worker, enum worker_phase before);
enum worker_phase worker_phase(struct worker *worker);
/** 0, or the negative errno of a ring that failed while it served. */
int worker_failure(struct worker *worker);
/** From another thread, once it serves: drains, then is idle or stuck. */
int worker_drain(struct worker *worker);
/** From another thread, once it is idle: the thread ends, and is joined. */
int worker_end(struct worker *worker);

#endif
