// failure.c — the ways a handler is left for good: fail(), http_fail(), and what Postgres refused.
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "away.h"
#include "base/log.h"
#include "base/str.h"
#include "header.h"
#include "observe.h"
#include "reply.h"
#include "request.h"
#include "work.h"

static const char *kind_of(const req *r) {
    return r->endpoint ? "handler" : r->work->kind;
}

static const char *name_of(const req *r) {
    return r->endpoint ? r->endpoint->route->name : r->work->name;
}

// The error's own answer, if somebody gives one: the nearest ancestor's.
static Response *own_answer(req *r, const leat_error *error) {
    const struct snapshot *snapshot = r->generation->snapshot;
    for (const leat_error *ancestor = error; ancestor; ancestor = ancestor->parent)
        for (size_t i = 0; i < snapshot->on_error_count; i++)
            if (snapshot->on_errors[i]->error == ancestor)
                return snapshot->on_errors[i]->fn(r, error);
    return NULL;
}

// Of a family that says none of its own: the nearest ancestor's, as a subclass has what its base has.
static const char *headers_of(const leat_error *error) {
    while (error && !error->headers)
        error = error->parent;
    return error ? error->headers : NULL;
}

static void fail_on_core(req *r, void *error);

static _Noreturn void fail_with(req *r, const leat_error *error) {
    if (r->is_away)
        away_leave(r, fail_on_core, (void *)(uintptr_t)error);
    Response *response = own_answer(r, error);
    if (response) {
        response->status = response->status ? response->status : error->status;
        header_put_default_lines(r, headers_of(error));
        reply_response(r, response);
    } else {
        reply_failure(r, error->status, error, str_of(error->detail), headers_of(error));
    }
    request_leave(r, FAILED);
}

static void fail_on_core(req *r, void *error) {
    fail_with(r, error);
}

void leat_fail(req *r, const leat_error *error, const char *format, ...) {
    str text = str_of(error->detail);
    if (format) {
        va_list args;
        va_start(args, format);
        text = arena_vformat(&r->arena, format, args);
        va_end(args);
        char quoted[LOG_VALUE_BYTES];
        observe_log(r, LOG_INFO, "failed", "%s=%s error=%s status=%u detail=%s", kind_of(r), name_of(r), error->name, error->status,
                    log_value(quoted, text));
    }
    if (r->work)
        work_note_failure(r, text);
    fail_with(r, error);
}

struct http_failure {
    unsigned status;
    str text;
};

static void http_fail_on_core(req *r, void *arg) {
    const struct http_failure *failure = arg;
    if (r->work)
        work_note_failure(r, failure->text);
    reply_detail(r, failure->status, failure->text, NULL);
    request_leave(r, FAILED);
}

void http_fail(req *r, unsigned status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str text = arena_vformat(&r->arena, format, args);
    va_end(args);
    struct http_failure *failure = text.ptr ? new (r, struct http_failure) : NULL;
    if (!failure)
        fail_busy(r, "no memory for the words of a failure");
    *failure = (struct http_failure){status, text};
    if (r->is_away)
        away_leave(r, http_fail_on_core, failure);
    http_fail_on_core(r, failure);
    abort(); // it has left
}

static void fail_busy_on_core(req *r, void *why) {
    fail_busy(r, why);
}

void fail_busy(req *r, const char *why) {
    if (r->is_away)
        away_leave(r, fail_busy_on_core, (void *)(uintptr_t)why);
    observe_log(r, LOG_WARNING, "busy", "%s=%s reason=\"%s\"", kind_of(r), name_of(r), why);
    if (r->work)
        work_note_failure(r, str_of(why));
    reply_detail(r, 503, S("Service Unavailable"), "Retry-After: 1");
    request_leave(r, FAILED);
}

static void fail_problems_on_core(req *r, void *nothing) {
    (void)nothing;
    fail_problems(r);
}

void fail_problems(req *r) {
    if (r->is_away)
        away_leave(r, fail_problems_on_core, NULL);
    reply_problems(r);
    request_leave(r, FAILED);
}

void fail_value(req *r, const struct location *location, str why) {
    struct detail detail = DETAIL_OF_TEXT(why);
    if (!location || problems_add(&r->problems, PROBLEM_VALUE_ERROR, location, (struct input){.kind = INPUT_WITHHELD}, &detail) == -ENOMEM)
        fail_busy(r, "no memory for a problem");
    fail_problems(r);
}

void fail_coded(req *r) {
    reply_detail(r, 415, S("A body in a content coding is not read: send it as it is"), "Accept-Encoding: identity");
    request_leave(r, FAILED);
}

static const leat_error *error_of_constraint(const req *r, str constraint) {
    const struct endpoint *endpoint = r->endpoint ? r->endpoint : r->work->program;
    if (!endpoint || !constraint.len)
        return NULL;
    for (const leat_error *const *error = endpoint->errors; *error; error++)
        if ((*error)->constraint && str_eq(str_of((*error)->constraint), constraint))
            return *error;
    return NULL;
}

static void log_failure(req *r, const leat_query *query, const struct db_failure *failure, unsigned status) {
    char quoted[LOG_VALUE_BYTES];
    observe_log(r, status >= 500 ? LOG_ERROR : LOG_INFO, "query_failed", "%s=%s at=%s:%u status=%u sqlstate=\"%s\" error=%s%s reason=%s",
                kind_of(r), name_of(r), query->base.file, query->base.line, status, failure->sqlstate[0] ? failure->sqlstate : "-",
                failure->error ? strerrorname_np(-failure->error) : "-", failure->outcome_unknown ? " outcome=unknown" : "",
                log_value(quoted, failure->message));
}

void fail_by_database(req *r, const leat_query *query, const struct db_failure *failure) {
    const leat_error *error = error_of_constraint(r, failure->constraint);
    if (r->work)
        work_note_failure(r, error ? str_of(error->detail) : failure->message);
    if (error)
        fail_with(r, error);
    unsigned retry_after_s = 0;
    unsigned status = db_failure_status(failure, &retry_after_s);
    log_failure(r, query, failure, status);
    char header[32] = "";
    if (retry_after_s)
        snprintf(header, sizeof header, "Retry-After: %u", retry_after_s);
    reply_detail(r, status, str_of(http_reason(status)), header);
    request_leave(r, FAILED);
}
