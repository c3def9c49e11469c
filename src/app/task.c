// task.c — work after the answer: each task a request of its own, with nobody to answer.
#include "base/log.h"
#include "observe.h"
#include "request.h"
#include "schema/copy.h"

void leat_spawn(req *r, const struct leat_task *task, const void *args) {
    struct spawned *spawned = new (r, struct spawned);
    void *copy = value_copy(&r->arena, task->args, args);
    if (!copy)
        fail_busy(r, "no memory for a task's arguments");
    *spawned = (struct spawned){.task = task, .args = copy};
    *r->spawned_last = spawned;
    r->spawned_last = &spawned->next;
}

static void task_run(void *arg) {
    req *r = arg;
    pulse_work(&r->app->core->pulse, r->task_activity);
    r->task->fn(r, r->frame);
    request_settle(r);
    request_end(r, OK);
}

static bool prepare(req *r, const struct spawned *spawned, str id) {
    r->task = spawned->task;
    r->task_activity = snapshot_task_activity(r->generation->snapshot, spawned->task);
    r->began_ns = r->app->core->now_ns;
    r->task_id = arena_copy(&r->arena, id);
    r->frame = value_copy(&r->arena, spawned->task->args, spawned->args);
    return r->frame;
}

void tasks_start(req *r) {
    struct app *app = r->app;
    for (struct spawned *spawned = r->spawned; spawned; spawned = spawned->next) {
        req *task = request_take(app, r->generation);
        if (!task || !prepare(task, spawned, request_id(r))) {
            observe_log(r, LOG_ERROR, "task_lost", "task=%s reason=\"no memory\"", spawned->task->name);
            if (task)
                request_end(task, FAILED);
            continue;
        }
        list_remove(&task->node);
        list_push(&app->ready_tasks, &task->node);
        core_defer_to_next_turn(app->core, &app->start_tasks);
    }
}

// A task that finds no coroutine waits for one.
void tasks_run_ready(struct app *app) {
    struct list *node;
    while ((node = list_pop(&app->ready_tasks))) {
        req *task = container_of(node, req, node);
        list_push(&app->live, node);
        task->due_ms = core_now_ms(app->core) + app->options->request_ms;
        if (coro_start(app->core->coros, task_run, task)) {
            list_remove(node);
            list_push_front(&app->ready_tasks, node);
            core_defer_to_next_turn(app->core, &app->start_tasks);
            return;
        }
    }
}
