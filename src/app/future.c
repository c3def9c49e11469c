// future.c — what a request has begun and may wait for later: queries, and calls to other servers, by one await().
#include "away.h"
#include "request.h"

void future_begin(struct leat_future *future) {
    req *r = future->request;
    future->next = r->futures;
    r->futures = future;
}

void future_end(struct leat_future *future) {
    future->is_done = true;
    if (future->request->coro)
        coro_resume(future->request->coro);
}

void future_wait(struct leat_future *future) {
    while (!future->is_done)
        request_suspend(future->request);
}

struct await_call {
    struct leat_future *future;
    void *result;
};

static void await_on_core(void *arg) {
    struct await_call *call = arg;
    call->result = leat_await(call->future);
}

// What was required is judged before any answer is looked at.
void *leat_await(struct leat_future *future) {
    req *r = future->request;
    if (__builtin_expect(r->is_away, false)) {
        struct await_call call = {future, NULL};
        away_call(r, await_on_core, &call);
        return call.result;
    }
    if (r->required)
        request_settle_required(r);
    future_wait(future);
    return future->take(future);
}

void request_forget_futures(req *r) {
    for (struct leat_future *future = r->futures; future; future = future->next)
        if (!future->is_done)
            future->forget(future);
    r->futures = NULL;
    r->required = NULL;
}
