// request.h — one request from its head to its answer, or one task: its memory, its coroutine, its waits and its end.
//
// A request runs on a coroutine from the start. It ends exactly once, in request_end(): by returning, by fail() (the coroutine is
// abandoned), or from outside, when the client is gone or the deadline has passed (the coroutine is dropped where it waits). What works for
// it then, a query or a worker thread's hash, holds copies of its own, and its answer is thrown away.
#ifndef APP_REQUEST_H
#define APP_REQUEST_H

#include <leat/database.h>
#include <leat/response.h>

#include "app/app_internal.h"
#include "base/arena.h"
#include "base/list.h"
#include "db/db.h"
#include "engine/coro.h"
#include "engine/wheel.h"
#include "http/conditions.h"
#include "http/session.h"
#include "schema/problem.h"

/** get_db's, get_read's or get_tx's lane, of one request. */
struct db_conn {
    struct lane lane;
    req *request;
    bool is_used;
};

struct cleanup {
    struct cleanup *next;
    void (*fn)(void *arg, enum outcome outcome);
    void *arg;
};

struct spawned {
    struct spawned *next;
    const struct leat_task *task;
    const void *args;
};

struct header_line;
struct intake;
struct text_pair;

enum { FIRST_PIECES_BYTES = 512 };

/** What a request has begun and not waited for: a query, or a call to another server. Embedded in it, in the request's memory. */
struct leat_future {
    req *request;
    struct leat_future *next;                   // of the request's
    void *(*take)(struct leat_future *future);  // it is done: its value, unless the request fails by it
    void (*forget)(struct leat_future *future); // the request ends before it is done
    bool is_done;
};

struct req {
    // its own as long as there is memory for it, also while it is spare
    struct app *app;
    req *next_spare;
    struct arena arena;
    struct timer deadline;

    // set by request_take()
    struct generation *generation; // pinned
    struct problems problems;
    int64_t due_ms;
    struct list node; // among the app's live ones, or its tasks that wait for their beginning

    // zeroed by request_take(), from `session` on
    struct session *session;         // NULL: a work, or nobody to answer any more
    const struct endpoint *endpoint; // NULL: a work
    const struct work *work;         // NULL: a request of a client
    struct work_waiter *waiter;      // told how it ended; may be NULL
    struct away *away;               // a worker thread has it, or has asked for something; NULL: none
    bool is_away;                    // a worker thread runs for it now
    void *frame; // the arguments of the handler and of its providers; of a work: what it depends on, or a task's arguments

    const struct http_head *head;
    str body;
    struct intake *intake; // of a form with files; NULL: not read
    const str *path_params;
    const struct text_pair *query_pairs;
    size_t query_count;

    struct cached_request *cached; // of a cached route, once it has a key
    bool is_prepared;              // its program has run
    bool is_in_hook;               // one of the plugin's ON_REQUESTs runs
    struct forgotten *forgotten;   // tags, when it is through
    struct missed_value *missed_values;

    struct header_line *headers, **headers_last;
    str body_type; // the handler's own Content-Type; `ptr` NULL: none
    struct cleanup *cleanups;
    struct spawned *spawned, **spawned_last;
    unsigned spawned_count;
    struct leat_future *futures; // all of them, newest first
    struct db_future *required;  // those that must have found a row, oldest first
    struct db_future **required_last;

    struct coro *coro;                        // while it waits
    unsigned status;                          // 0: the endpoint's
    bool is_kept, is_query_read;              // head and body lie in the arena
    bool is_body_to_come;                     // it is pulled in pieces, and has not ended
    bool is_body_taken;                       // request_body_next() has given it away
    bool has_seen_response, has_seen_failure; // its hooks have
    int64_t began_ns;                         // the turn in which it was whole
    size_t answered_bytes;                    // of the answer, head and body
    unsigned answered_status;                 // 0: not answered
    unsigned db_query_count, call_count;
    struct outflow *outflow; // of a body in pieces; NULL: of none
    struct nap *nap;         // of sleep_ms()
    int64_t opened_ns;       // when the head of a body in pieces was written; 0: never
    str task_id;             // of a task: the id of the request that spawned it
    struct activity *task_activity;
    str failure; // of a work: why it failed
    bool has_id;

    // not zeroed: anything where there is no id, and of a lane that is not used
    char id[REQUEST_ID_BYTES]; // made for it; not what the client sent
    struct db_conn autocommit, reads, transaction;
    char first_pieces[FIRST_PIECES_BYTES] __attribute__((aligned(ARENA_ALIGNMENT))); // lent to the arena: most requests need no more
};

/** A request of that generation, on no session yet; NULL without memory. */
req *request_take(struct app *app, struct generation *generation);
/** The memory of those that are spare goes back to the heap. */
void requests_free(struct app *app);
/**
 * Runs the clean-ups, rolls back, forgets what is still awaited, starts what was spawned, and gives all memory back. Not `r` afterwards.
 */
void request_end(req *r, enum outcome outcome);
/** From outside its coroutine: ends it where it waits, with a 504 when the deadline passed and somebody listens. */
void request_cancel(req *r, bool is_overdue);
/** From inside, before it waits in whatever way: its bytes last, its deadline runs, and it can be ended from outside until `r->coro` is
 * NULL again. */
void request_waits(req *r);
/** From inside: waits until somebody resumes `r->coro`. Does not return when the request is ended meanwhile. */
void request_suspend(req *r);
/** From inside, when its wait is over. */
static inline void request_goes_on(req *r);
/** The same without a deadline: what it waits for has a bound of its own. */
void request_suspend_unbounded(req *r);
/** Its deadline begins anew in `after_ms`. */
void request_renew(req *r, int64_t after_ms);
/** The head's and body's bytes last as long as the request from now on. */
void request_keep(req *r);
/** What is left of the end once no worker thread has it any more. */
void request_finish(req *r, enum outcome outcome);
/** Its lanes are given back; a transaction is rolled back. */
void request_finish_lanes(req *r);
/** The end of a request from inside: answered already, the coroutine is gone. */
_Noreturn void request_leave(req *r, enum outcome outcome);
/** Required rows and COMMIT: what must have gone well before a good answer. Suspends; fails the request otherwise. */
void request_settle(req *r);
/** Its bytes where somebody wants them, its frame, its program; once. Fails as program_run() does. */
void request_prepare(req *r);
/** Judges what db_require() has put off: what the request does next must not be done for somebody who may not. Suspends, or fails it. */
void request_settle_required(req *r);

/** `future` is under way: it is awaited, or forgotten when the request ends. */
void future_begin(struct leat_future *future);
/** It is done, and so may go on who waits for it. */
void future_end(struct leat_future *future);
/** Waits until it is done. */
void future_wait(struct leat_future *future);
/** Forgets every future that is still under way. */
void request_forget_futures(req *r);

/** What it is at. */
static inline struct activity *request_activity(const req *r) {
    return r->endpoint ? r->endpoint->activity : r->task_activity;
}
static inline void request_goes_on(req *r) {
    r->coro = NULL;
    pulse_work(&r->app->core->pulse, request_activity(r));
}
/** True when its answer is being sent in pieces already: what goes wrong now can only cut it. */
bool request_is_outflowing(const req *r);

/** Runs the endpoint's program, where it has one: dependencies and parameters into the frame; fails with 401, 422 ... */
void program_run(req *r, const struct endpoint *endpoint);
/** Calls a provider: here, or on a worker thread. */
void provider_call(req *r, const leat_provider *provider, void *args, void *out);
/** The whole life of a request on its coroutine. */
void request_run(void *r);
/** Puts what `r` spawned on the list of tasks that the next turn starts. */
void tasks_start(req *r);
/** Starts them; the app calls it at the beginning of a turn. */
void tasks_run_ready(struct app *app);

// ---- the body as it comes (body.c)

/** The next piece, until the next call; false at the end. Suspends; fails the request where the body is none. */
bool body_next(req *r, str *ret_piece);
/** All that is to come becomes `r->body`; at once where it is there. At most `bytes_max`, else 413. */
void body_gather(req *r, size_t bytes_max);

// ---- answers (reply.c)

void reply_value(req *r, const void *value);
void reply_response(req *r, const Response *response);
void reply_problems(req *r);
/**
 * The answer of the route's ON_FAILURE, or {"detail": ...} in the application's shape. `error` may be NULL; `headers` as in an ERROR: lines
 * between '\n', or NULL.
 */
void reply_failure(req *r, unsigned status, const leat_error *error, str detail, const char *headers);
/** A 504 without what the author has set, which a worker thread may be setting now. */
void reply_overdue(req *r);
/** The same of what is no author's error. */
void reply_detail(req *r, unsigned status, str detail, const char *headers);

/** The answer with a body of `body_bytes` in pieces, as answer_begin_open() has it. */
void reply_open(req *r, struct answer *answer, unsigned status, int64_t body_bytes);
/** Ends what is being sent such that the client sees it is not whole, and says why in the log. Nothing else is answered. */
void outflow_cut(req *r, unsigned status, const char *why);
/** What is sent in pieces is whole. Suspends where nothing of it was sent yet. */
void outflow_finish(req *r);
/** Sends a file as the request's conditions and ranges have it. Suspends. */
void file_answer_send(req *r, const Response *response);

/** ETag and Last-Modified among the request's headers. */
void response_put_validators(req *r, const struct validators *validators);

/** Fails as `failure` says: by the ERROR of its constraint, or by its SQLSTATE. */
_Noreturn void fail_by_database(req *r, const leat_query *query, const struct db_failure *failure);
/** A body in a content coding is not unpacked: 415 and what is taken instead (RFC 9110, section 15.5.16). */
_Noreturn void fail_coded(req *r);
static inline void request_refuse_coded(req *r) {
    if (__builtin_expect(r->head->is_coded, false))
        fail_coded(r);
}
/** Fails with `status` and a Retry-After of a second. */
_Noreturn void fail_busy(req *r, const char *why);
/** Fails with 422 and all that the request's problems hold. Also from a worker thread, as the others. */
_Noreturn void fail_problems(req *r);
/** The same with one more of them: the value at `location` (NULL: there was no memory for it) is wrong, and is not shown. */
_Noreturn void fail_value(req *r, const struct location *location, str why);

#endif
