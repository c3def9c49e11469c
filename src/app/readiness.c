// readiness.c — whether this server should be sent requests: what the core knows, and what the main thread has told.
#include "app/readiness.h"
#include "app/away.h"

#include <leat/server.h>

#include "app/request.h"

bool is_degraded(req *r) {
    const struct readiness *readiness = r->app->options->readiness;
    return readiness && readiness->is_degraded;
}

struct readiness_call {
    req *r;
    str why;
};

static void look_on_core(void *arg) {
    struct readiness_call *call = arg;
    call->why = not_ready_because(call->r);
}

str not_ready_because(req *r) {
    if (r->is_away) {
        struct readiness_call call = {r, {0}};
        away_call(r, look_on_core, &call);
        return call.why;
    }
    const struct app *app = r->app;
    const struct readiness *readiness = app->options->readiness;
    bool is_down = app->options->db.conninfo && !db_is_ready(app->db);
    bool is_unmigrated = readiness && readiness->migrations != MIGRATIONS_APPLIED;
    bool is_draining = app->is_stopping || (readiness && readiness->is_draining);
    if (!is_down && !is_unmigrated && !is_draining)
        return (str){0};
    return format(r, "%s%s%s%s%s", is_down ? "database" : "", is_down && (is_unmigrated || is_draining) ? ", " : "",
                  is_unmigrated ? "migrations" : "", is_unmigrated && is_draining ? ", " : "", is_draining ? "draining" : "");
}
