// worker.c — one core's thread: begun, running, drained, ended.
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_writer.h"
#include "host/crash.h"
#include "http/session.h"

static void report(struct worker *worker, enum worker_phase phase) {
    pthread_mutex_lock(&worker->crew->lock);
    worker->phase = phase;
    pthread_cond_broadcast(&worker->crew->changed);
    pthread_mutex_unlock(&worker->crew->lock);
}

enum worker_phase worker_wait(struct worker *worker, enum worker_phase before) {
    pthread_mutex_lock(&worker->crew->lock);
    while (worker->phase == before)
        pthread_cond_wait(&worker->crew->changed, &worker->crew->lock);
    enum worker_phase phase = worker->phase;
    pthread_mutex_unlock(&worker->crew->lock);
    return phase;
}

enum worker_phase worker_phase(struct worker *worker) {
    pthread_mutex_lock(&worker->crew->lock);
    enum worker_phase phase = worker->phase;
    pthread_mutex_unlock(&worker->crew->lock);
    return phase;
}

int worker_failure(struct worker *worker) {
    pthread_mutex_lock(&worker->crew->lock);
    int failure = worker->failure;
    pthread_mutex_unlock(&worker->crew->lock);
    return failure;
}

// ---- drained: the listener, then the app, each in a turn of its own

static void stopped(void *arg) {
    struct worker *worker = arg;
    wheel_disarm(&worker->core.wheel, &worker->overdue);
    report(worker, WORKER_IDLE);
}

static void stop_app(struct deferred *deferred) {
    struct worker *worker = container_of(deferred, struct worker, after_listener);
    app_set_listener(worker->app, NULL);
    listener_destroy(worker->listener);
    worker->listener = NULL;
    app_stop(worker->app, stopped, worker);
}

static void drained(void *arg) {
    struct worker *worker = arg;
    core_defer_to_next_turn(&worker->core, &worker->after_listener);
}

static void give_up(struct timer *timer) {
    struct worker *worker = container_of(timer, struct worker, overdue);
    log_line(LOG_ERROR, "drain_stuck", "core=%u requests=%u connections=%u", worker->index, app_live_count(worker->app),
             worker->listener ? listener_conn_count(worker->listener) : 0);
    report(worker, WORKER_STUCK);
}

static void cut(struct timer *timer) {
    struct worker *worker = container_of(timer, struct worker, overdue);
    timer_init(timer, give_up);
    wheel_arm(&worker->core.wheel, timer, core_now_ms(&worker->core) + SERVER_GRACE_MS);
    if (!worker->listener)
        return; // it is a task, or a link, that takes its time
    worker->cut_count = listener_conn_count(worker->listener);
    listener_abort_all(worker->listener);
}

static void drain(struct message *message) {
    struct worker *worker = container_of(message, struct worker, drain);
    timer_init(&worker->overdue, cut);
    wheel_arm(&worker->core.wheel, &worker->overdue, core_now_ms(&worker->core) + worker->crew->options->drain_ms);
    listener_drain(worker->listener, drained, worker);
}

static void stop(struct message *message) {
    core_stop(&container_of(message, struct worker, stop)->core);
}

// ---- begun

static int refuse(struct worker *worker, int error, const char *words) {
    snprintf(worker->failure_text, sizeof worker->failure_text, "%s", words);
    return error;
}

static int start_plugins(struct worker *worker) {
    struct plugin *refuser = NULL;
    pthread_mutex_lock(&worker->crew->loading);
    int result = plugin_set_start_on_core(worker->crew->plugins, worker->index, &refuser);
    pthread_mutex_unlock(&worker->crew->loading);
    if (result == 0)
        return 0;
    worker->refuser = refuser;
    snprintf(worker->failure_text, sizeof worker->failure_text,
             "%s: error: on_worker of '%s' refused core %u with %d; its own log lines say why", refuser->path, refuser->entry.name,
             worker->index, result);
    return -ECANCELED;
}

static int start_listener(struct worker *worker) {
    const struct server_options *options = worker->crew->options;
    struct listener_options listener = {
        .host = options->host,
        .port = options->port,
        .backlog = listener_options_default.backlog,
        .conn_count_max = options->conn_count_max,
        .output_bytes_max = options->output_bytes_max,
        .large_output_bytes_max = options->answer_memory_max,
        .write_stall_ms = options->write_stall_ms,
        .user_bytes = session_bytes(),
        .protocol = &session_protocol,
    };
    int status = listener_start(&worker->core, worker->listener_fd, &listener, &worker->listener);
    if (status < 0)
        return refuse(worker, status, "a core's listener cannot be started; there is too little memory");
    worker->listener_fd = -1;
    app_set_listener(worker->app, worker->listener);
    return 0;
}

static int begin_on_core(struct worker *worker) {
    worker->core.arenas.large_bytes_max = worker->crew->options->answer_memory_max;
    int status = app_create(&worker->core, &worker->crew->app, worker->crew->plugins->snapshot, &worker->app);
    if (status < 0)
        return refuse(worker, status, "there is too little memory for a core; free some, or start fewer with --workers");
    return start_plugins(worker);
}

// A core whose app has begun ends as a drained one does: its links are being connected already.
static void started(void *arg, const char *failure) {
    struct worker *worker = arg;
    if (failure)
        worker->refuser = plugin_set_plugin_of(worker->crew->plugins, app_culprit(worker->app));
    int status = failure ? refuse(worker, -ECANCELED, failure) : start_listener(worker);
    if (status < 0)
        app_stop(worker->app, stopped, worker);
    else
        report(worker, WORKER_SERVING);
}

static int begin(struct worker *worker) {
    struct core_options options = {.index = worker->index,
                                   .pinned = worker->crew->options->pinned,
                                   .busy_poll_us = worker->crew->options->busy_poll_us,
                                   .ring = worker->crew->options->ring,
                                   .coro = worker->crew->options->coro};
    int status = core_init(&worker->core, &options);
    if (status < 0)
        return refuse(worker, status, ring_refusal(status));
    status = begin_on_core(worker);
    if (status < 0 && !worker->app)
        core_finish(&worker->core);
    return status;
}

static void fail_running(struct worker *worker, int error) {
    log_line(LOG_ERROR, "core_failed", "core=%u error=\"%s\"", worker->index, strerror(-error));
    pthread_mutex_lock(&worker->crew->lock);
    worker->failure = error;
    pthread_mutex_unlock(&worker->crew->lock);
    report(worker, WORKER_STUCK);
    kill(getpid(), SIGTERM);
}

static void *run(void *arg) {
    struct worker *worker = arg;
    char name[16];
    snprintf(name, sizeof name, "core %u", worker->index);
    pthread_setname_np(pthread_self(), name);
    log_attach();
    crash_attach();
    int status = begin(worker);
    if (status < 0 && !worker->app) {
        report(worker, WORKER_FAILED);
        return NULL;
    }
    if (status < 0)
        app_stop(worker->app, stopped, worker);
    else
        app_start(worker->app, started, worker);
    status = core_run(&worker->core);
    if (status < 0) {
        fail_running(worker, status);
        return NULL;
    }
    app_destroy(worker->app);
    core_finish(&worker->core);
    return NULL;
}

int worker_start(struct worker *worker) {
    worker->drain.run = drain;
    worker->stop.run = stop;
    timer_init(&worker->overdue, give_up);
    deferred_init(&worker->after_listener, stop_app);
    return -pthread_create(&worker->thread, NULL, run, worker);
}

int worker_drain(struct worker *worker) {
    return ring_post(worker->core.ring, &worker->drain);
}

int worker_end(struct worker *worker) {
    int status = ring_post(worker->core.ring, &worker->stop);
    if (status == 0)
        pthread_join(worker->thread, NULL);
    return status;
}
