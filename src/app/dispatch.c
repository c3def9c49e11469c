// dispatch.c — from a head to a request: CORS preflights, routing, and what is answered without a handler.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cached.h"
#include "http/charset.h"
#include "http/url.h"
#include "observe.h"
#include "outflow.h"
#include "reply.h"
#include "request.h"

static struct app *app_of(struct session *session) {
    return session_core(session)->app;
}

static __attribute__((cold, noinline)) void reply_allow(struct app *app, struct session *session, const struct http_head *head,
                                                        unsigned status, unsigned allowed) {
    char methods[64], header[80] = "Allow: ";
    strcat(header, router_allow(allowed, methods));
    if (status != 204)
        return reply_plain_detail(app, session, head, NULL, status, http_reason(status), header);
    struct plain plain;
    reply_plain_begin(&plain, app, session, head, status);
    answer_field(&plain.answer, S("Allow"), str_of(methods));
    reply_plain_end(&plain);
}

// To the same path with, or without, a slash at its end; the query stays. A path, not a URL: the Host field is the client's to forge.
static __attribute__((cold, noinline)) void reply_redirect(struct app *app, struct session *session, const struct http_head *head) {
    str path = http_text(head, head->path), query = http_text(head, head->query);
    bool has_slash = path.ptr[path.len - 1] == '/';
    arena_reset(&app->scratch);
    str location = arena_format(&app->scratch, "%.*s%s%s%.*s", (int)(path.len - has_slash), path.ptr, has_slash ? "" : "/",
                                query.len ? "?" : "", (int)query.len, query.ptr);
    struct plain plain;
    reply_plain_begin(&plain, app, session, head, 307);
    answer_field(&plain.answer, S("Location"), location);
    reply_plain_end(&plain);
}

static __attribute__((cold, noinline)) void reply_preflight(struct app *app, struct session *session, const struct http_head *head) {
    const struct cors *cors = &app->options->cors;
    const char *refusal = cors_refusal(cors, head);
    str methods, headers;
    cors_preflight_lines(cors, head, &methods, &headers);
    struct plain plain;
    struct answer *answer = &plain.answer;
    char age[16];
    snprintf(age, sizeof age, "%u", cors->max_age_s ? cors->max_age_s : 600);
    reply_plain_begin(&plain, app, session, head, refusal ? 400 : 200);
    answer_field(answer, S("Access-Control-Allow-Methods"), methods);
    answer_field(answer, S("Access-Control-Max-Age"), str_of(age));
    if (headers.len && !refusal)
        answer_field(answer, S("Access-Control-Allow-Headers"), headers);
    answer_field(answer, S("Content-Type"), S("text/plain; charset=utf-8"));
    answer_write(answer, refusal ? str_of(refusal) : S("OK"));
    reply_plain_end(&plain);
}

// `ptr` is NULL where it is no text.
static __attribute__((noinline)) str decode_path(struct app *app, str path) {
    arena_reset(&app->scratch);
    path = url_decode(&app->scratch, path, false);
    return path.ptr && url_path_is_text(path) ? path : (str){0};
}

// The slash at the end is the path's own, not an encoded one, and what would be gone to is no other server to a browser: "//host",
// "/\\host".
static bool may_redirect(const struct http_head *head, str decoded) {
    str path = http_text(head, head->path);
    bool is_same_end = (path.ptr[path.len - 1] == '/') == (decoded.ptr[decoded.len - 1] == '/');
    return is_same_end && path.len > 1 && path.ptr[1] != '/' && path.ptr[1] != '\\';
}

static bool is_about_server(const struct http_head *head) {
    return str_eq(http_text(head, head->path), S("*"));
}

// Answers what has no handler and returns NULL, or the endpoint with its path's parameters.
static __attribute__((noinline)) const struct endpoint *find_route(struct app *app, struct session *session, const struct http_head *head,
                                                                   struct router_match *match) {
    if (app->options->cors.origin_count && cors_is_preflight(head)) {
        reply_preflight(app, session, head);
        return NULL;
    }
    str path = http_text(head, head->path);
    if (charset_run(&charset_unescaped, path.ptr, path.ptr + path.len) != path.len)
        path = decode_path(app, path);
    if (!path.ptr) {
        reply_plain_detail(app, session, head, NULL, 400, "The path is not UTF-8, or holds a NUL", NULL);
        return NULL;
    }
    router_match(app->generation->snapshot->router, head->method, path, match);
    if (match->target) {
        if (head->findings && !match->param_count)
            *head->findings = (struct http_findings){app->generation->number, match->target};
        return match->target;
    }
    if (is_about_server(head)) // RFC 9110, section 9.3.7
        reply_allow(app, session, head, 204, (1u << HTTP_METHODS) - 1);
    else if (match->is_redirect && may_redirect(head, path))
        reply_redirect(app, session, head);
    else if (!match->allowed)
        reply_plain_detail(app, session, head, NULL, 404, "Not Found", NULL);
    else
        reply_allow(app, session, head, head->method == HTTP_OPTIONS ? 204 : 405, match->allowed);
    return NULL;
}

// What a head that came before was found to mean in this generation, it means again.
static inline const struct endpoint *route(struct app *app, struct session *session, const struct http_head *head,
                                           struct router_match *match) {
    const struct http_findings *findings = head->findings;
    if (!findings || findings->of != app->generation->number)
        return find_route(app, session, head, match);
    match->param_count = 0;
    return findings->target;
}

static int64_t on_head(struct session *session, const struct http_head *head) {
    struct app *app = app_of(session);
    struct router_match match;
    const struct endpoint *endpoint = route(app, session, head, &match);
    if (!endpoint)
        return -ECANCELED;
    if (endpoint->needs_bearer && !head->authorization.bytes) {
        reply_plain_detail(app, session, head, endpoint, 401, "Not authenticated", "WWW-Authenticate: Bearer");
        return -ECANCELED;
    }
    bool waits_for_word = head->expects_continue && endpoint->step_count; // 100 would be said before anybody has been judged
    if (endpoint->takes_pieces || waits_for_word)
        session_take_in_pieces(session);
    size_t max = endpoint->route->max_body;
    return (int64_t)(max ? max : app->options->http.body_bytes_max);
}

static __attribute__((cold, noinline)) void reply_busy(struct app *app, struct session *session, const struct http_head *head,
                                                       const struct endpoint *endpoint) {
    reply_plain_detail(app, session, head, endpoint, 503, "Service Unavailable", "Retry-After: 1");
}

static bool copy_path_params(req *r, const struct router_match *match) {
    if (!match->param_count)
        return true;
    str *params = arena_alloc(&r->arena, match->param_count * sizeof *params);
    for (unsigned i = 0; params && i < match->param_count; i++) {
        params[i] = arena_copy(&r->arena, match->params[i]);
        if (!params[i].ptr)
            return false;
    }
    r->path_params = params;
    return params;
}

static void on_request(struct session *session, const struct http_head *head, str body) {
    struct app *app = app_of(session);
    struct router_match match;
    const struct endpoint *endpoint = route(app, session, head, &match);
    if (!endpoint)
        return;
    if (endpoint->cached && cached_answers(app, session, endpoint, head, &match))
        return;
    req *r = request_take(app, app->generation);
    if (!r)
        return reply_busy(app, session, head, endpoint);
    r->session = session;
    r->endpoint = endpoint;
    r->head = head;
    r->body = body;
    r->is_body_to_come = session_is_in_pieces(session);
    if (endpoint->route->timeout_ms)
        r->due_ms = core_now_ms(app->core) + endpoint->route->timeout_ms;
    r->began_ns = app->core->now_ns;
    *session_user(session) = r;
    if (copy_path_params(r, &match) && coro_start(app->core->coros, request_run, r) == 0)
        return;
    reply_detail(r, 503, S("Service Unavailable"), "Retry-After: 1");
    request_end(r, FAILED);
}

static void on_gone(struct session *session) {
    req *r = *session_user(session);
    if (!r)
        return;
    r->session = NULL;
    request_cancel(r, false);
}

static void on_body(struct session *session) {
    req *r = *session_user(session);
    if (r && r->coro)
        coro_resume(r->coro);
}

static void on_refusal(struct session *session, unsigned status, const char *detail) {
    reply_plain_detail(app_of(session), session, NULL, NULL, status, detail ? detail : http_reason(status),
                       status == 503 ? "Retry-After: 1" : NULL);
}

static void on_room(struct session *session) {
    outflow_on_room(*session_user(session));
}

static void on_ended(struct session *session) {
    outflow_on_ended(*session_user(session));
}

static void on_drain(struct session *session) {
    outflow_on_drain(*session_user(session));
}

const struct http_app app_http = {
    .on_head = on_head,
    .on_request = on_request,
    .on_gone = on_gone,
    .on_refusal = on_refusal,
    .on_body = on_body,
    .on_room = on_room,
    .on_ended = on_ended,
    .on_drain = on_drain,
};
