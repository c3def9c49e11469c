// task.c — work after the answer: what a handler has spawned, a bounded number of it at once, so that requests keep their coroutines.
#include "away.h"
#include "base/log.h"
#include "observe.h"
#include "request.h"
#include "schema/copy.h"
#include "work.h"

struct spawn_call {
    req *r;
    const struct leat_task *task;
    const void *args;
};

static void spawn_on_core(void *arg) {
    const struct spawn_call *call = arg;
    leat_spawn(call->r, call->task, call->args);
}

// Before more wait than there may be, it is the request that is refused: what was spawned is run.
void leat_spawn(req *r, const struct leat_task *task, const void *args) {
    if (r->is_away) {
        away_call(r, spawn_on_core, &(struct spawn_call){r, task, args});
        return;
    }
    if (r->app->waiting_task_count + r->spawned_count >= r->app->options->task_queue_max)
        fail_busy(r, "as many tasks wait as may");
    struct spawned *spawned = new (r, struct spawned);
    void *copy = value_copy(&r->arena, task->args, args);
    if (!copy)
        fail_busy(r, "no memory for a task's arguments");
    *spawned = (struct spawned){.task = task, .args = copy};
    *r->spawned_last = spawned;
    r->spawned_last = &spawned->next;
    r->spawned_count++;
}

struct task_run {
    struct work work;
    struct work_waiter waiter;
    const struct leat_task *task;
};

static void run(req *r) {
    container_of(r->work, struct task_run, work)->task->fn(r, r->frame);
}

// One less is running: another may.
static void ended(struct work_waiter *waiter, req *r, enum outcome outcome LEAT_UNUSED) {
    (void)waiter;
    struct app *app = r->app;
    app->running_task_count--;
    if (!list_is_empty(&app->ready_tasks))
        core_defer_to_next_turn(app->core, &app->start_tasks);
}

static bool prepare(req *r, const req *parent, const struct spawned *spawned, str id) {
    struct task_run *this = arena_alloc(&r->arena, sizeof *this);
    if (!this)
        return false;
    const struct work *of = parent->work;
    this->task = spawned->task;
    this->waiter.ended = ended;
    this->work = (struct work){.kind = "task", .name = spawned->task->name, .item = &spawned->task->base, .run = run};
    this->work.plugin = of ? of->plugin : parent->endpoint->plugin;
    this->work.log_level = of ? of->log_level : parent->endpoint->log_level;
    r->task_id = arena_copy(&r->arena, id);
    r->frame = value_copy(&r->arena, spawned->task->args, spawned->args);
    if (!r->frame)
        return false;
    r->work = &this->work;
    r->task_activity = snapshot_task_activity(r->generation->snapshot, spawned->task);
    r->began_ns = r->app->core->now_ns;
    return true;
}

void tasks_start(req *r) {
    struct app *app = r->app;
    for (struct spawned *spawned = r->spawned; spawned; spawned = spawned->next) {
        req *task = request_take(app, r->generation);
        if (!task || !prepare(task, r, spawned, request_id(r))) {
            observe_log(r, LOG_ERROR, "task_lost", "task=%s reason=\"no memory\"", spawned->task->name);
            if (task)
                request_end(task, FAILED);
            continue;
        }
        list_remove(&task->node);
        list_push(&app->ready_tasks, &task->node);
        app->waiting_task_count++;
        core_defer_to_next_turn(app->core, &app->start_tasks);
    }
}

// Those that find no coroutine wait for the end of one that has.
void tasks_run_ready(struct app *app) {
    while (!list_is_empty(&app->ready_tasks) && app->running_task_count < app->options->tasks_at_once_max) {
        struct list *node = list_pop(&app->ready_tasks);
        req *task = container_of(node, req, node);
        list_push(&app->live, node);
        task->due_ms = core_now_ms(app->core) + app->options->request_ms;
        task->waiter = &container_of(task->work, struct task_run, work)->waiter;
        app->waiting_task_count--;
        app->running_task_count++;
        if (coro_start(app->core->coros, work_run, task) == 0)
            continue;
        list_remove(node);
        list_push_front(&app->ready_tasks, node);
        app->waiting_task_count++;
        app->running_task_count--;
        core_defer_to_next_turn(app->core, &app->start_tasks);
        return;
    }
}
