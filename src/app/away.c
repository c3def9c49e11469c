// away.c — the call of a blocking handler or provider: on a worker thread, while its core goes on.
#include "away.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <time.h>

#include "base/log.h"
#include "engine/offload.h"
#include "observe.h"

enum { POST_TRIES_MAX = 1000, POST_RETRY_MS = 1 };

/** In the request's memory. */
struct away {
    struct job job;
    req *request;
    away_fn *fn;
    void *arg;
    struct arena_pool pool; // of the memory that the thread takes
    // what the thread asks the core for
    struct message question;
    void (*call)(void *arg);
    void *call_arg;
    sem_t answered;
    bool is_asked, is_answering; // the core's
    // the end
    away_fn *last; // NULL: the function returned
    void *last_arg;
    jmp_buf base;
    atomic_bool is_over; // the request has ended: the thread goes no further
    bool is_back;        // the core's
    enum outcome outcome;
};

static _Thread_local req *current;

req *away_current(void) {
    return current;
}

// ---- on the worker thread

static void work(struct job *job) {
    struct away *away = container_of(job, struct away, job);
    if (atomic_load(&away->is_over)) // it waited longer than its request
        return;
    current = away->request;
    if (setjmp(away->base) == 0)
        away->fn(away->request, away->arg);
    current = NULL;
}

static _Noreturn void go_no_further(struct away *away) {
    longjmp(away->base, 1);
}

void away_leave(req *r, away_fn *fn, void *arg) {
    struct away *away = r->away;
    away->last = fn;
    away->last_arg = arg;
    go_no_further(away);
}

// A kernel that is short of memory for a moment must not lose it: the thread would wait for ever.
static bool ask(struct away *away) {
    for (unsigned tries = 0; tries < POST_TRIES_MAX; tries++) {
        int error = ring_post(away->job.core->ring, &away->question);
        if (error == 0)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = POST_RETRY_MS * 1000000}, NULL);
    }
    return false;
}

static void fail_asking(req *r, void *arg) {
    (void)arg;
    fail_busy(r, "the core takes no messages");
}

void away_call(req *r, void (*fn)(void *arg), void *arg) {
    struct away *away = r->away;
    away->call = fn;
    away->call_arg = arg;
    if (!ask(away))
        away_leave(r, fail_asking, NULL);
    while (sem_wait(&away->answered) < 0)
        continue; // a signal
    if (atomic_load(&away->is_over))
        go_no_further(away);
}

// ---- on the core

static void take_back(struct away *away) {
    req *r = away->request;
    arena_move(&r->arena, &r->app->core->arenas);
    r->away = NULL;
    r->is_away = false;
    r->app->away_count--;
    sem_destroy(&away->answered);
}

static void came_back(struct job *job) {
    struct away *away = container_of(job, struct away, job);
    req *r = away->request;
    away->is_back = true;
    if (!atomic_load(&away->is_over)) {
        coro_resume(r->coro);
        return;
    }
    take_back(away);
    request_finish(r, away->outcome);
}

static void asked(struct message *question) {
    struct away *away = container_of(question, struct away, question);
    if (atomic_load(&away->is_over)) {
        sem_post(&away->answered);
        return;
    }
    away->is_asked = true;
    coro_resume(away->request->coro);
}

// On the coroutine, in the thread's stead; a failure in it ends the request here.
static void answer(struct away *away) {
    req *r = away->request;
    away->is_asked = false;
    away->is_answering = true;
    r->is_away = false;
    away->call(away->call_arg);
    r->is_away = true;
    away->is_answering = false;
    sem_post(&away->answered);
}

static struct away *depart(req *r, away_fn *fn, void *arg) {
    request_keep(r);
    request_id(r); // a new one is the core's to make
    struct away *away = new (r, struct away);
    *away = (struct away){.job = {.work = work, .done = came_back}, .request = r, .fn = fn, .arg = arg, .question = {.run = asked}};
    sem_init(&away->answered, 0, 0);
    arena_pool_init(&away->pool, 0);
    arena_move(&r->arena, &away->pool);
    r->away = away;
    r->is_away = true;
    r->app->away_count++;
    return away;
}

void away_run(req *r, away_fn *fn, void *arg) {
    struct away *away = depart(r, fn, arg);
    if (offload_submit(r->app->options->blocking, r->app->core, &away->job) < 0) {
        take_back(away);
        fail_busy(r, "as many blocking handlers wait as may");
    }
    while (!away->is_back) {
        request_suspend(r);
        if (away->is_asked)
            answer(away);
    }
    take_back(away);
    if (away->last)
        away->last(r, away->last_arg);
}

void away_end(req *r, enum outcome outcome) {
    struct away *away = r->away;
    away->outcome = outcome;
    observe_end(r);
    if (r->session)
        *session_user(r->session) = NULL;
    r->session = NULL;
    r->coro = NULL;
    request_forget_futures(r);
    request_finish_lanes(r);
    atomic_store(&away->is_over, true);
    if (away->is_answering)
        sem_post(&away->answered);
}
