// work.c — what runs without a client: a task, a periodic run, the start and the end of a plugin, the making of a value per core.
#include "work.h"

#include <errno.h>

#include "base/log.h"
#include "observe.h"
#include "request.h"

static uint32_t deadline_of(const struct app *app, const struct work *work) {
    return work->timeout_ms ? work->timeout_ms : app->options->request_ms;
}

void work_run(void *arg) {
    req *r = arg;
    const struct work *work = r->work;
    pulse_work(&r->app->core->pulse, r->task_activity);
    if (work->program) {
        r->frame = work->program->frame_bytes ? alloc(r, work->program->frame_bytes) : NULL;
        program_run(r, work->program);
    }
    work->run(r);
    request_settle(r);
    request_end(r, OK);
}

int work_start(struct app *app, struct generation *generation, const struct work *work, struct work_waiter *waiter) {
    req *r = request_take(app, generation);
    if (!r)
        return -ENOMEM;
    r->work = work;
    r->waiter = waiter;
    if (work->provider)
        arena_lend(&r->arena, NULL, 0); // the memory it is made in outlives the request
    r->task_activity = work->program->activity;
    r->began_ns = app->core->now_ns;
    r->due_ms = core_now_ms(app->core) + deadline_of(app, work);
    if (coro_start(app->core->coros, work_run, r) == 0)
        return 0;
    r->work = NULL; // nothing of it has begun
    request_end(r, FAILED);
    return -EAGAIN;
}

void work_note_failure(req *r, str why) {
    if (!r->failure.ptr)
        r->failure = arena_copy(&r->arena, why);
}

// A life has few beginnings and ends, and whoever reads a log looks for them; what runs every so often would fill it.
static void log_done(req *r) {
    const struct work *work = r->work;
    if (!work->declared || work->declared->when == LEAT_WHEN_EVERY)
        return;
    enum log_level level = work->plugin_index ? LOG_INFO : LOG_DEBUG; // the first is the server's own
    observe_log(r, level, "work_done", "%s=%s at=%s:%u ms=%lld", work->kind, work->name, work->item->file, work->item->line,
                (long long)((r->app->core->now_ns - r->began_ns) / 1000000));
}

void work_end(req *r, enum outcome outcome) {
    const struct work *work = r->work;
    struct app *app = r->app;
    app->work_count++;
    if (outcome == CANCELLED)
        work_note_failure(r, S("its deadline has passed"));
    if (outcome != OK) {
        char quoted[LOG_VALUE_BYTES];
        app->work_failure_count++;
        observe_log(r, LOG_ERROR, "work_failed", "%s=%s at=%s:%u reason=%s", work->kind, work->name, work->item->file, work->item->line,
                    log_value(quoted, r->failure.ptr ? r->failure : S("?")));
    } else {
        log_done(r);
    }
    if (r->waiter)
        r->waiter->ended(r->waiter, r, outcome);
}
