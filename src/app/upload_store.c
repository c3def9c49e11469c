// upload_store.c — uploads kept: moved to their place beneath a folder, whole or not at all, and removed again.
//
// What it takes (fsync, and a copy where the place is of another file system) blocks, so it is a job for a worker thread. The job owns all
// it works with, its own descriptor among it: a request may end before it does, and then nothing is put into place.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <leat/upload.h>

#include "away.h"
#include "base/list.h"
#include "engine/offload.h"
#include "engine/place_file.h"
#include "intake.h"
#include "observe.h"

struct store {
    struct job job;
    struct core *core;
    req *waiter;    // NULL: it is gone
    bool is_queued; // with a worker thread, or on its way there or back
    int result;
    struct offload *undoes; // saved: removed again by it where the request fails; NULL: kept
    struct place_file place;
};

static void destroy(struct store *store) {
    place_file_finish(&store->place);
    free(store);
}

static void work_save(struct job *job) {
    struct store *store = container_of(job, struct store, job);
    store->result = place_file_save(&store->place);
}

static void work_remove(struct job *job) {
    struct store *store = container_of(job, struct store, job);
    store->result = place_file_remove(&store->place);
}

static void done(struct job *job) {
    struct store *store = container_of(job, struct store, job);
    store->is_queued = false;
    if (store->waiter)
        coro_resume(store->waiter->coro);
    else
        destroy(store);
}

// True when a worker thread removes again what was saved: nobody waits for it.
static bool undo(struct store *store, struct core *core) {
    if (!store->undoes)
        return false;
    store->job = (struct job){.work = work_remove, .done = done};
    store->is_queued = offload_submit(store->undoes, core, &store->job) == 0;
    return store->is_queued;
}

static void forget(void *arg, enum outcome outcome) {
    struct store *store = arg;
    struct core *core = store->core;
    store->waiter = NULL;
    place_file_cancel(&store->place);
    if (store->is_queued || (outcome != OK && undo(store, core)))
        return;
    destroy(store);
}

// It ends with the request, or after it.
static struct store *begin(req *r, const char *folder, str name) {
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        fail_busy(r, "no memory for an upload");
    store->core = r->app->core;
    int status = place_file_init(&store->place, folder, name);
    on_done(r, forget, store);
    if (status == -EINVAL)
        http_fail(r, 400, "Invalid file name");
    if (status)
        fail_busy(r, "no memory for an upload");
    return store;
}

static int run(req *r, struct store *store, void (*work)(struct job *job)) {
    store->job = (struct job){.work = work, .done = done};
    store->waiter = r;
    int status = r->app->options->files ? offload_submit(r->app->options->files, r->app->core, &store->job) : -ENOSYS;
    store->is_queued = status == 0;
    while (store->is_queued)
        request_suspend(r);
    return status ? status : store->result;
}

static _Noreturn void fail_on_store(req *r, const char *what, const char *folder, int error) {
    bool is_full = error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
    if (error == -EAGAIN)
        fail_busy(r, "the queue of files is full");
    if (error == -EINVAL)
        http_fail(r, 400, "Invalid file name");
    observe_log(r, LOG_ERROR, what, "folder=\"%s\" error=%s", folder, strerrorname_np(-error));
    http_fail(r, is_full ? 507 : 500, "%s", http_reason(is_full ? 507 : 500));
}

struct store_call {
    req *r;
    const leat_upload *shown;
    const char *folder;
    str name;
    const struct leat_save *options;
    bool is_done;
};

static void save_on_core(void *arg) {
    struct store_call *call = arg;
    call->is_done = leat_upload_save(call->r, call->shown, call->folder, call->name, call->options);
}

static void remove_on_core(void *arg) {
    struct store_call *call = arg;
    call->is_done = upload_remove(call->r, call->folder, call->name);
}

bool leat_upload_save(req *r, const leat_upload *shown, const char *folder, str name, const struct leat_save *options) {
    if (r->is_away) {
        struct store_call call = {r, shown, folder, name, options, false};
        away_call(r, save_on_core, &call);
        return call.is_done;
    }
    const struct upload *upload = container_of((leat_upload *)shown, struct upload, shown);
    struct store *store = begin(r, folder, name);
    store->place.replaces = options->replace;
    int status = place_file_take(&store->place, upload->file.fd, upload->data);
    if (!status)
        status = run(r, store, work_save);
    if (status == -EEXIST)
        return false;
    if (status)
        fail_on_store(r, "upload_not_saved", folder, status);
    store->undoes = options->undo ? r->app->options->files : NULL;
    return true;
}

bool upload_remove(req *r, const char *folder, str name) {
    if (r->is_away) {
        struct store_call call = {.r = r, .folder = folder, .name = name};
        away_call(r, remove_on_core, &call);
        return call.is_done;
    }
    int status = run(r, begin(r, folder, name), work_remove);
    if (status == -ENOENT)
        return false;
    if (status)
        fail_on_store(r, "upload_not_removed", folder, status);
    return true;
}
