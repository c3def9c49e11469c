// reply.c — answers: a value by its schema, a failure by its detail, all with the request's own headers and those of CORS.
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "cached.h"
#include "compress.h"
#include "failure_body.h"
#include "header.h"
#include "middleware.h"
#include "observe.h"
#include "reply.h"
#include "request.h"
#include "schema/json_write.h"

enum { JSON_ROOM_BYTES = 256 }; // fits behind most heads in what an answer begins with

static __attribute__((noinline)) void put_cors(struct answer *answer, const struct cors *cors, str origin) {
    char lines[CORS_BYTES_MAX];
    answer_raw_fields(answer, cors_lines(cors, origin, lines));
}

void reply_begin(struct answer *answer, struct app *app, struct session *session, unsigned status, str origin) {
    answer_begin(answer, session, status);
    if (app->options->cors.origin_count)
        put_cors(answer, &app->options->cors, origin);
}

static str origin_of(const req *r) {
    return r->head ? http_text(r->head, r->head->origin) : (str){0};
}

static void put_fields(req *r, struct answer *answer, unsigned status) {
    if (r->app->options->cors.origin_count)
        put_cors(answer, &r->app->options->cors, origin_of(r));
    observe_put_request_id(answer, r);
    r->answered_status = status;
    if (r->headers)
        headers_write(r->headers, answer);
}

static void begin(req *r, struct answer *answer, unsigned status) {
    if (r->endpoint->on_responses)
        middleware_on_response(r, status);
    answer_begin(answer, r->session, status);
    put_fields(r, answer, status);
}

void reply_open(req *r, struct answer *answer, unsigned status, int64_t body_bytes) {
    if (r->endpoint->on_responses)
        middleware_on_response(r, status);
    answer_begin_open(answer, r->session, status, body_bytes);
    put_fields(r, answer, status);
}

// False: there is nobody to answer, or an answer is under way already, which then is cut.
static inline bool may_reply(req *r, unsigned status) {
    if (__builtin_expect(request_is_outflowing(r), false))
        outflow_cut(r, status, "the handler failed");
    return r->session;
}

static size_t answer_body_bytes(const struct answer *answer) {
    return answer->used - answer->body_at;
}

// JSON goes straight into the connection's output; the writer's three pointers move with it.
static bool grow_into_answer(leat_json *writer, size_t bytes) {
    struct answer *answer = writer->sink;
    size_t written = (size_t)(writer->cursor - writer->start);
    answer_commit(answer, written - answer_body_bytes(answer));
    size_t room = bytes > written ? bytes : written; // doubles
    char *cursor = answer_reserve(answer, room < JSON_ROOM_BYTES ? JSON_ROOM_BYTES : room);
    if (!cursor)
        return false;
    writer->start = cursor - written;
    writer->cursor = cursor;
    writer->end = cursor + (room < JSON_ROOM_BYTES ? JSON_ROOM_BYTES : room);
    return true;
}

static void json_begin(struct answer *answer, leat_json *writer, str type) {
    answer_field(answer, S("Content-Type"), type);
    char *start = answer_reserve(answer, JSON_ROOM_BYTES);
    *writer = (leat_json){
        .start = start, .cursor = start, .end = start ? start + JSON_ROOM_BYTES : NULL, .grow = grow_into_answer, .sink = answer};
}

static inline void json_end(struct answer *answer, leat_json *writer) {
    if (writer->out_of_memory)
        answer->out_of_memory = true;
    else
        answer_commit(answer, (size_t)(writer->cursor - writer->start) - answer_body_bytes(answer));
}

// The answer is whole but for what makes it shorter.
static inline void end(req *r, struct answer *answer, str type) {
    if (__builtin_expect(answer_body_bytes(answer) >= r->app->options->coding.bytes_min, false))
        compress(r, answer, type);
    answer_end(answer);
    r->answered_bytes = answer->used;
}

static unsigned status_of(const req *r) {
    return r->status ? r->status : r->endpoint->status;
}

static void reply_json(req *r, const leat_schema *schema, const void *value) {
    struct answer answer;
    leat_json writer;
    begin(r, &answer, status_of(r));
    str type = header_type(r, S("application/json"));
    json_begin(&answer, &writer, type);
    json_write(&writer, schema, value);
    json_end(&answer, &writer);
    end(r, &answer, type);
}

static void reply_empty(req *r) {
    struct answer answer;
    begin(r, &answer, status_of(r));
    answer_end(&answer);
    r->answered_bytes = answer.used;
}

void reply_response(req *r, const Response *response) {
    unsigned status = r->status ? r->status : response->status ? response->status : r->endpoint->status;
    if (!may_reply(r, status))
        return;
    if (response->file)
        return file_answer_send(r, response);
    bool is_bare = !r->headers && !r->endpoint->on_responses && !response->location.ptr && !r->app->options->cors.origin_count &&
                   response->body.len < r->app->options->coding.bytes_min;
    str id_line, type = header_type(r, response->type);
    if (is_bare && observe_make_id_line(r, &id_line)) {
        r->answered_status = status;
        r->answered_bytes = session_answer(r->session, status, type, id_line, response->body);
        return;
    }
    struct answer answer;
    begin(r, &answer, status);
    if (response->location.ptr)
        answer_field(&answer, S("Location"), response->location);
    if (type.len)
        answer_field(&answer, S("Content-Type"), type);
    answer_write(&answer, response->body);
    end(r, &answer, type);
}

void reply_value(req *r, const void *value) {
    if (r->endpoint->cached && cached_reply(r, value))
        return;
    if (!r->session)
        return;
    const leat_schema *schema = r->endpoint->route->returns;
    if (r->outflow && (request_is_outflowing(r) || schema->kind >= LEAT_STREAM))
        return outflow_finish(r);
    if (schema->kind == LEAT_EMPTY)
        return reply_empty(r);
    if (!value || schema->kind >= LEAT_STREAM) {
        const leat_route *route = r->endpoint->route;
        observe_log(r, LOG_ERROR, "no_answer", "handler=%s at=%s:%u it returned nothing where %s is promised", route->name,
                    route->base.file, route->base.line, schema->name);
        return reply_detail(r, 500, S("Internal Server Error"), NULL);
    }
    if (schema->kind == LEAT_RESPONSE || schema->kind == LEAT_FILE)
        reply_response(r, value);
    else
        reply_json(r, schema, value);
}

// "Name: value" lines between '\n', as an ERROR holds them.
static void put_lines(struct answer *answer, const char *lines) {
    while (lines && *lines) {
        size_t bytes = strcspn(lines, "\n");
        answer_raw_fields(answer, (str){lines, bytes});
        answer_raw_fields(answer, S("\r\n"));
        lines += bytes + (lines[bytes] == '\n');
    }
}

static void finish_failure(struct answer *answer, const struct snapshot *snapshot, const struct leat_failure *failure,
                           const struct problems *problems, const char *headers) {
    leat_json writer;
    put_lines(answer, headers);
    json_begin(answer, &writer, failure_body_type(snapshot->shape));
    failure_body_write(&writer, snapshot->shape, failure, problems);
    json_end(answer, &writer);
    answer_end(answer);
}

// The answer of an ON_FAILURE, where there is one that has one.
static bool has_own_answer(req *r, const struct leat_failure *failure, const char *headers) {
    r->status = 0; // it was of the answer that is not given
    Response *response = r->endpoint->on_failures ? middleware_on_failure(r, failure) : NULL;
    if (!response)
        return false;
    response->status = response->status ? response->status : failure->status;
    header_put_default_lines(r, headers);
    reply_response(r, response);
    return true;
}

static struct leat_failure failure_of(unsigned status, const leat_error *error, str detail, str id) {
    return (struct leat_failure){
        .size = sizeof(struct leat_failure),
        .status = (uint16_t)status,
        .error = error,
        .reason = str_of(http_reason(status)),
        .detail = detail,
        .request_id = id,
    };
}

static void answer_failure(req *r, struct leat_failure *failure, const struct problems *problems, const char *headers) {
    const struct snapshot *snapshot = r->generation->snapshot;
    bool is_looked_at = snapshot->shape || r->endpoint->on_failures;
    if (is_looked_at)
        failure->request_id = request_id(r);
    headers_forget_body(r);
    if (is_looked_at && problems)
        failure->problems = failure_body_problems(problems, &r->arena);
    if (has_own_answer(r, failure, headers))
        return;
    struct answer answer;
    begin(r, &answer, failure->status);
    finish_failure(&answer, snapshot, failure, problems, headers);
    r->answered_bytes = answer.used;
}

void reply_problems(req *r) {
    if (!may_reply(r, 422))
        return;
    struct leat_failure failure = failure_of(422, NULL, (str){0}, (str){0});
    answer_failure(r, &failure, &r->problems, NULL);
}

void reply_failure(req *r, unsigned status, const leat_error *error, str detail, const char *headers) {
    if (!may_reply(r, status))
        return;
    struct leat_failure failure = failure_of(status, error, detail, (str){0});
    answer_failure(r, &failure, NULL, headers);
}

void reply_overdue(req *r) {
    if (!r->session)
        return;
    struct leat_failure failure = failure_of(504, NULL, S("Gateway Timeout"), request_id(r));
    struct answer answer;
    answer_begin(&answer, r->session, 504);
    if (r->app->options->cors.origin_count)
        put_cors(&answer, &r->app->options->cors, origin_of(r));
    observe_put_id(&answer, failure.request_id);
    r->answered_status = 504;
    finish_failure(&answer, r->generation->snapshot, &failure, NULL, NULL);
    r->answered_bytes = answer.used;
}

void reply_detail(req *r, unsigned status, str detail, const char *headers) {
    reply_failure(r, status, NULL, detail, headers);
}

void reply_plain_begin(struct plain *plain, struct app *app, struct session *session, const struct http_head *head, unsigned status) {
    plain->app = app;
    plain->head = head;
    plain->endpoint = NULL;
    plain->id = observe_id(app, head);
    reply_begin(&plain->answer, app, session, status, head ? http_text(head, head->origin) : (str){0});
    observe_put_id(&plain->answer, plain->id);
}

void reply_plain_end(struct plain *plain) {
    answer_end(&plain->answer);
    observe_plain(plain->app, plain->endpoint, plain->head, plain->answer.status, plain->answer.used, plain->id);
}

void reply_plain_detail(struct app *app, struct session *session, const struct http_head *head, const struct endpoint *endpoint,
                        unsigned status, const char *detail, const char *headers) {
    struct plain plain;
    reply_plain_begin(&plain, app, session, head, status);
    plain.endpoint = endpoint;
    struct leat_failure failure = failure_of(status, NULL, str_of(detail), plain.id);
    finish_failure(&plain.answer, app->generation->snapshot, &failure, NULL, headers);
    observe_plain(app, endpoint, head, status, plain.answer.used, plain.id);
}
