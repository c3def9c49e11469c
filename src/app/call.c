// call.c — http_get and its kin: a call to another server is a future in the request's memory, awaited on its coroutine.
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <leat/http_client.h>

#include "away.h"
#include "base/log.h"
#include "base/str.h"
#include "call_body.h"
#include "call_site.h"
#include "http/characters.h"
#include "http/head.h"
#include "http/reason.h"
#include "observe.h"
#include "outbound/outbound.h"
#include "request.h"
#include "said.h"

enum { TRACE_BYTES_MAX = 512 };

struct call_future {
    struct leat_future base;
    struct outbound_call call;
    const struct call_site *site;
    struct leat_http_options options;
    int64_t began_ns;
    void *value;
    bool is_taken;
};

// ---- failures

// A line for each: where in the source, to whom, why. The URL may hold what is secret, and is not told.
static void log_failure(const struct call_future *future, unsigned status, const char *reason, str more) {
    const leat_call *source = future->site->call;
    char host[LOG_VALUE_BYTES], why[LOG_VALUE_BYTES], detail[LOG_VALUE_BYTES];
    observe_log(future->base.request, status >= 500 ? LOG_ERROR : LOG_WARNING, "call_failed",
                "handler=%s at=%s:%u status=%u method=%s host=%s upstream_status=%u reason=%s%s%s", source->func, source->base.file,
                source->base.line, status, source->method, log_value(host, str_of(future->call.host)), future->call.status,
                log_value(why, str_of(reason)), more.len ? " detail=" : "", more.len ? log_value(detail, more) : "");
}

static _Noreturn void leave(req *r, unsigned status, const char *headers) {
    reply_detail(r, status, str_of(http_reason(status)), headers);
    request_leave(r, FAILED);
}

// NULL where the author can do without; otherwise it does not return.
static void *fail_upstream(struct call_future *future, unsigned status, const char *reason, str more) {
    bool is_optional = future->options.optional;
    log_failure(future, is_optional ? 0 : status, reason, more);
    if (!is_optional)
        leave(future->base.request, status, status == 503 ? "Retry-After: 1" : NULL);
    return NULL;
}

// "body.callback.url" as a location.
static const struct location *location_of(struct arena *arena, const char *path) {
    const struct location *at = NULL;
    while (*path) {
        size_t bytes = strcspn(path, ".");
        struct location *step = arena_alloc(arena, sizeof *step);
        if (!step)
            return NULL;
        *step = (struct location){.parent = at, .name = {path, bytes}};
        at = step;
        path += bytes + (path[bytes] == '.');
    }
    return at;
}

// One answer for all that may be wrong with it: which names there are within this network is not told.
static _Noreturn void refuse_stranger(struct call_future *future, const struct location *location) {
    req *r = future->base.request;
    log_failure(future, 422, future->call.problem,
                future->options.untrusted ? (str){0} : S("the client said this URL: .untrusted tells where"));
    fail_value(r, location, S("this URL cannot be called"));
}

static void *fail_call(struct call_future *future, int error) {
    bool is_about_url = error == -EINVAL || error == -EACCES || error == -ENOENT;
    if (is_about_url && future->options.untrusted)
        refuse_stranger(future, location_of(&future->base.request->arena, future->options.untrusted));
    const struct location *origin = error == -EINVAL ? said(future->base.request, future->call.url) : NULL;
    if (origin && !future->options.optional)
        refuse_stranger(future, origin);
    const char *problem = future->call.problem ? future->call.problem : "it was not taken";
    unsigned status = error == -ETIMEDOUT ? 504 : error == -EAGAIN || error == -ENOMEM ? 503 : error == -EINVAL ? 500 : 502;
    return fail_upstream(future, status, problem,
                         error == -EINVAL ? S("the handler gave it; it begins with http:// or https://") : (str){0});
}

// ---- the answer

static void *answer_as_it_is(struct call_future *future) {
    req *r = future->base.request;
    size_t count = 0;
    for (const struct outbound_field *field = future->call.answer_fields; field; field = field->next)
        count++;
    http_answer *answer = new (r, http_answer);
    http_header *headers = alloc(r, (count + 1) * sizeof *headers);
    *answer = (http_answer){.status = future->call.status, .body = future->call.body_read, .headers = headers, .header_count = count};
    if (!answer->body.ptr)
        answer->body = S("");
    for (const struct outbound_field *field = future->call.answer_fields; field; field = field->next, headers++)
        *headers = (http_header){arena_format(&r->arena, "%.*s", (int)field->name.len, field->name.ptr).ptr, field->value};
    return answer;
}

static void *refuse_answer(struct call_future *future, const struct problems *problems, int status) {
    str first = problems_text(problems, &future->base.request->arena);
    const char *end = first.ptr ? memchr(first.ptr, '\n', first.len) : NULL;
    if (end)
        first.len = (size_t)(end - first.ptr);
    return fail_upstream(future, status == -ENOMEM ? 503 : 502, "its answer is not what the schema says", first);
}

static void *decode(struct call_future *future) {
    static const struct location root = {.name = {"answer", 6}};
    req *r = future->base.request;
    const leat_schema *schema = future->site->call->answer;
    struct problems problems;
    problems_init(&problems, &r->arena);
    struct reading reading = {.request = r, .arena = &r->arena, .problems = &problems};
    void *value = alloc(r, schema->bytes);
    int status = model_read_json(future->site->model, &reading, &root, future->call.body_read, value);
    return status ? refuse_answer(future, &problems, status) : value;
}

static void *value_of(struct call_future *future) {
    if (future->call.error)
        return fail_call(future, future->call.error);
    unsigned status = future->call.status;
    if (future->site->call->answer->kind == LEAT_ANSWER)
        return answer_as_it_is(future);
    if (future->options.null_on && status == future->options.null_on)
        return NULL;
    if (status < 200 || status > 299)
        return fail_upstream(future, 502, "its status is no success", (str){0});
    return future->site->model ? decode(future) : NULL;
}

static void *take(struct leat_future *base) {
    struct call_future *future = container_of(base, struct call_future, base);
    if (!future->is_taken)
        future->value = value_of(future);
    future->is_taken = true;
    return future->value;
}

static void answered(struct outbound_call *call) {
    struct call_future *future = container_of(call, struct call_future, call);
    observe_call(future->base.request, future->site->index, call->error ? 0 : call->status, future->began_ns);
    future_end(&future->base);
}

static void forget(struct leat_future *base) {
    struct call_future *future = container_of(base, struct call_future, base);
    outbound_cancel(&future->call);
    observe_call(base->request, future->site->index, 0, future->began_ns);
}

// ---- the request

struct fields {
    req *r;
    struct outbound_field *first, **last;
};

static bool holds(const struct fields *fields, const char *name) {
    for (const struct outbound_field *field = fields->first; field; field = field->next)
        if (field->name.len == strlen(name) && strncasecmp(field->name.ptr, name, field->name.len) == 0)
            return true;
    return false;
}

static void put(struct fields *fields, const char *name, str value) {
    struct outbound_field *field = new (fields->r, struct outbound_field);
    *field = (struct outbound_field){.name = str_of(name), .value = value};
    *fields->last = field;
    fields->last = &field->next;
}

static void put_unless_there(struct fields *fields, const char *name, str value) {
    if (value.len && !holds(fields, name))
        put(fields, name, value);
}

static bool is_ours(const char *name) {
    static const char *const ours[] = {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Accept-Encoding",
                                       "TE",   "Upgrade"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcasecmp(name, ours[i]) == 0)
            return true;
    return false;
}

// The plugin's own mistake, whatever led to it.
static _Noreturn void refuse_call(struct call_future *future, const char *why) {
    log_failure(future, 500, why, (str){0});
    leave(future->base.request, 500, NULL);
}

static void put_given(struct fields *fields, struct call_future *future, const char *name, str value) {
    if (!is_token(name) || is_ours(name))
        refuse_call(future, "a header's name is no token, or leat's own");
    if (!is_one_line(value))
        refuse_call(future, "a header's value holds CR, LF or NUL");
    put(fields, name, value);
}

static str trace_field(req *r, const char *name) {
    str value = r->head ? header_of(r, name) : (str){0};
    return value.len <= TRACE_BYTES_MAX ? value : (str){0};
}

static void put_own(struct fields *fields, const struct call_future *future, str body_type) {
    req *r = fields->r;
    put_unless_there(fields, "Content-Type", body_type);
    if (future->site->model)
        put_unless_there(fields, "Accept", S("application/json"));
    put_unless_there(fields, "User-Agent", S("leat/" LEAT_VERSION));
    if (future->options.untrusted)
        return;
    put_unless_there(fields, "X-Request-ID", request_id(r));
    str parent = trace_field(r, "traceparent");
    if (parent.len && !holds(fields, "traceparent")) {
        put(fields, "traceparent", parent);
        put_unless_there(fields, "tracestate", trace_field(r, "tracestate"));
    }
}

static const struct outbound_field *make_fields(struct call_future *future, str body_type) {
    struct fields fields = {.r = future->base.request};
    fields.last = &fields.first;
    for (const http_header *header = future->options.headers; header && header->name; header++)
        put_given(&fields, future, header->name, header->value);
    str bearer = future->options.bearer;
    if (bearer.len)
        put_given(&fields, future, "Authorization", format(fields.r, "Bearer %.*s", (int)bearer.len, bearer.ptr));
    put_own(&fields, future, body_type);
    return fields.first;
}

static void make_request(struct call_future *future) {
    struct outbound_call *call = &future->call;
    str type = {0};
    int status = call_body_make(&future->options.body, call->arena, &call->body, &type);
    if (status == -EINVAL)
        refuse_call(future, "a form is of values and lists of values");
    if (status)
        fail_busy(future->base.request, "no memory for a call's body");
    call->fields = make_fields(future, type);
}

static int64_t due_ms(const req *r, uint32_t timeout_ms) {
    int64_t own_ms = core_now_ms(r->app->core) + (timeout_ms ? timeout_ms : r->app->options->outbound.call_ms);
    return own_ms < r->due_ms ? own_ms : r->due_ms;
}

static struct call_future *future_of(req *r, const leat_call *source, str url, const struct leat_http_options *given) {
    struct call_future *future = new (r, struct call_future);
    struct leat_http_options *options = &future->options;
    memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
    future->base = (struct leat_future){.request = r, .take = take, .forget = forget};
    future->site = call_site_of(&r->generation->snapshot->calls, source);
    if (!future->site)
        http_fail(r, 500, "Internal Server Error");
    future->began_ns = r->app->core->now_ns;
    future->call = (struct outbound_call){
        .method = source->method,
        .url = url,
        .arena = &r->arena,
        .due_ms = due_ms(r, options->timeout_ms),
        .answer_bytes_max = options->max_bytes ? options->max_bytes : r->app->options->outbound.answer_bytes_max,
        .redirects_left = options->redirects < OUTBOUND_REDIRECTS_MAX ? options->redirects : OUTBOUND_REDIRECTS_MAX,
        .is_untrusted = options->untrusted,
        .done = answered,
    };
    return future;
}

// What was not taken is answered when it is awaited, like what failed later.
struct start_call {
    req *r;
    const leat_call *source;
    str url;
    const struct leat_http_options *options;
    struct leat_future *future;
};

// Its answer is written to the request's memory, which is the thread's again then: so it is waited for.
static void start_on_core(void *arg) {
    struct start_call *call = arg;
    call->future = leat_call_start(call->r, call->source, call->url, call->options);
    future_wait(call->future);
}

struct leat_future *leat_call_start(req *r, const leat_call *source, str url, const struct leat_http_options *options) {
    if (r->is_away) {
        struct start_call call = {r, source, url, options, NULL};
        away_call(r, start_on_core, &call);
        return call.future;
    }
    if (r->required)
        request_settle_required(r);
    struct call_future *future = future_of(r, source, url, options);
    r->call_count++;
    make_request(future);
    int status = outbound_submit(r->app->outbound, &future->call);
    if (status) {
        future->call.error = status;
        future->base.is_done = true;
        observe_call(r, future->site->index, 0, future->began_ns);
    }
    future_begin(&future->base);
    return &future->base;
}

void *leat_call_run(req *r, const leat_call *source, str url, const struct leat_http_options *options) {
    return leat_await(leat_call_start(r, source, url, options));
}

// ---- for the author

const leat_schema http_answer__schema = {
    .size = sizeof(leat_schema), .kind = LEAT_ANSWER, .name = "http_answer", .bytes = sizeof(http_answer)};

str http_answer_header(const http_answer *answer, const char *name) {
    for (size_t i = 0; i < answer->header_count; i++)
        if (strcasecmp(answer->headers[i].name, name) == 0)
            return answer->headers[i].value;
    return (str){0};
}

str url_escape(req *r, str s) {
    str escaped = call_escape(&r->arena, s);
    if (!escaped.ptr)
        fail_busy(r, "the request needs more memory than it is allowed");
    return escaped;
}
