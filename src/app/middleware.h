// middleware.h — hooks around routes: which are whose, in what order, and how they are run.
#ifndef APP_MIDDLEWARE_H
#define APP_MIDDLEWARE_H

#include <leat/middleware.h>

#include "app/snapshot_internal.h"

struct req;

/** All hooks of all plugins, and the one ERROR_SHAPE, into the snapshot. 0; -EINVAL and messages; -ENOMEM. */
int middleware_collect(struct compilation *compilation);
/**
 * Those of one kind that are for the routes of `plugin`, NULL-terminated, in the order in which they run; NULL where there are none. They
 * live as long as the snapshot. 0 or -ENOMEM.
 */
int middleware_of(struct compilation *compilation, const leat_plugin *plugin, enum leat_hook_kind when, const leat_hook *const **ret_hooks);

/** The endpoint's ON_RESPONSEs, once a request: nothing is written of its answer yet. May suspend, and fail the request. */
void middleware_on_response(struct req *r, unsigned status);
/** The endpoint's ON_FAILUREs, once a request: the answer of one of them, or NULL. May suspend, and fail the request. */
Response *middleware_on_failure(struct req *r, const struct leat_failure *failure);

#endif
