// nap.c — a handler that waits for the time to pass: sleep_ms().
#include "away.h"
#include "outflow.h"

enum { NAP_DAYS_MAX = 366 };
static const i64 nap_ms_max = (i64)NAP_DAYS_MAX * 24 * 3600 * 1000;

struct nap {
    struct timer timer;
    req *request;
    bool is_over;
};

static void wake(struct timer *timer) {
    struct nap *nap = container_of(timer, struct nap, timer);
    nap->is_over = true;
    coro_resume(nap->request->coro);
}

static void give_up(void *arg, enum outcome outcome) {
    (void)outcome;
    struct nap *nap = arg;
    wheel_disarm(&nap->request->app->core->wheel, &nap->timer);
}

// One for all naps of the request: most take none, some take one after the other for days.
static struct nap *nap_of(req *r) {
    if (!r->nap) {
        r->nap = new (r, struct nap);
        r->nap->request = r;
        timer_init(&r->nap->timer, wake);
        on_done(r, give_up, r->nap);
    }
    return r->nap;
}

struct sleep_call {
    req *r;
    i64 ms;
};

static void sleep_on_core(void *arg) {
    const struct sleep_call *call = arg;
    sleep_ms(call->r, call->ms);
}

void sleep_ms(req *r, i64 ms) {
    if (r->is_away) {
        away_call(r, sleep_on_core, &(struct sleep_call){r, ms});
        return;
    }
    struct nap *nap = nap_of(r);
    ms = ms < 0 ? 0 : ms < nap_ms_max ? ms : nap_ms_max;
    if (r->outflow) {
        outflow_open(r->outflow);
        request_renew(r, ms);
    }
    nap->is_over = false;
    wheel_arm(&r->app->core->wheel, &nap->timer, core_now_ms(r->app->core) + ms);
    while (!nap->is_over)
        request_suspend(r);
}
