// failure_body.h — the body of a failure: {"detail": ...}, or what the application's ERROR_SHAPE makes of it.
#ifndef APP_FAILURE_BODY_H
#define APP_FAILURE_BODY_H

#include <leat/middleware.h>

#include "base/arena.h"
#include "http/session.h"
#include "schema/json_write.h"
#include "schema/problem.h"

/** {"detail": "text"}, or {"detail": [...]} where `problems` is not NULL; by `shape` where that is not NULL. */
void failure_body_write(leat_json *writer, const struct leat_error_shape *shape, const struct leat_failure *failure,
                        const struct problems *problems);
str failure_body_type(const struct leat_error_shape *shape);
/** The list that is a 422's detail, as JSON text in `arena`; empty without memory. */
json_value failure_body_problems(const struct problems *problems, struct arena *arena);

#endif
