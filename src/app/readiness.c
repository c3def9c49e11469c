// readiness.c — whether this server should be sent requests: what the core knows, and what the main thread has told.
#include "app/readiness.h"

#include <leat/server.h>

#include "app/request.h"

str not_ready_because(req *r) {
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
