// observe.c — what is told of a request: its id, its log lines, its figures.
//
// A duration is from the turn in which the request was whole to its answer leaving: a request that others of its turn have kept waiting has
// waited. What is answered in the turn it came in leaves at that turn's end, so all such requests of a turn have one duration, and one look
// at the clock serves them all. That of any other is right to four microseconds.
#include "observe.h"
#include "cached.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/session.h"
#include "work.h"

enum { ID_BYTES_MAX = 128 };

// ---- ids

static str make_id(struct app *app) {
    return (str){request_ids_next(&app->ids) + REQUEST_ID_NAME_BYTES, REQUEST_ID_BYTES};
}

static bool is_sane(str id) {
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~')
            return false;
    return id.len <= ID_BYTES_MAX;
}

static str given_id(const struct http_head *head) {
    if (!head || !head->request_id.bytes)
        return (str){0};
    str id = http_text(head, head->request_id);
    return is_sane(id) ? id : (str){0};
}

str observe_id(struct app *app, const struct http_head *head) {
    if (!app->options->has_request_ids)
        return (str){0};
    str given = given_id(head);
    return given.len ? given : make_id(app);
}

void observe_put_id(struct answer *answer, str id) {
    if (id.len)
        answer_field(answer, S("X-Request-ID"), id);
}

str request_id(req *r) {
    if (!r->app->options->has_request_ids)
        return (str){0};
    str given = r->work ? r->task_id : given_id(r->head);
    if (given.len)
        return given;
    if (!r->has_id) {
        memcpy(r->id, make_id(r->app).ptr, REQUEST_ID_BYTES);
        r->has_id = true;
    }
    return (str){r->id, REQUEST_ID_BYTES};
}

bool observe_make_id_line(req *r, str *ret_line) {
    struct app *app = r->app;
    if (r->has_id || (r->head && r->head->request_id.bytes))
        return false;
    *ret_line = (str){0};
    if (app->options->has_request_ids) {
        *ret_line = (str){request_ids_next(&app->ids), REQUEST_ID_LINE};
        memcpy(r->id, ret_line->ptr + REQUEST_ID_NAME_BYTES, REQUEST_ID_BYTES);
        r->has_id = true;
    }
    return true;
}

void observe_put_request_id(struct answer *answer, req *r) {
    str line;
    if (observe_make_id_line(r, &line))
        answer_raw_fields(answer, line);
    else
        observe_put_id(answer, request_id(r));
}

// ---- log lines

static struct log_context context_of(req *r) {
    const struct endpoint *endpoint = r->endpoint;
    if (!endpoint)
        return (struct log_context){.least = r->work->log_level, .plugin = r->work->plugin->name, .request_id = request_id(r)};
    return (struct log_context){endpoint->log_level, endpoint->plugin->name, endpoint->path, request_id(r)};
}

void observe_log(req *r, enum log_level level, const char *event, const char *format, ...) {
    struct log_context context = context_of(r);
    va_list args;
    va_start(args, format);
    log_vline_of(&context, level, event, format, args);
    va_end(args);
}

#define DEFINE_LOG(name, level)                                                                                                            \
    void name(req *r, const char *event, const char *format, ...) {                                                                        \
        struct log_context context = context_of(r);                                                                                        \
        va_list args;                                                                                                                      \
        va_start(args, format);                                                                                                            \
        log_vline_of(&context, level, event, format, args);                                                                                \
        va_end(args);                                                                                                                      \
    }
DEFINE_LOG(log_debug, LOG_DEBUG)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_warning, LOG_WARNING)
DEFINE_LOG(log_error, LOG_ERROR)

static void put_head(struct log_request *line, const struct http_head *head, size_t body_bytes) {
    const char *method = head && head->method < HTTP_METHODS ? http_method_name(head->method) : "";
    line->method = (str){method, strlen(method)};
    if (head)
        line->path = http_text(head, head->path);
    line->bytes_in = (head ? head->bytes : 0) + body_bytes;
}

// ---- requests

static uint64_t us_between(int64_t began_ns, int64_t ended_ns) {
    int64_t ns = ended_ns - began_ns;
    return ns > 0 ? (uint64_t)ns / 1000 : 0;
}

static uint64_t us_since(int64_t began_ns) {
    return us_between(began_ns, clock_monotonic_near_ns());
}

static unsigned class_of_status(unsigned status) {
    unsigned class = status / 100;
    return class < STATUS_CLASSES ? class : 0;
}

static inline __attribute__((always_inline)) void count(struct app *app, struct route_figures *figures, unsigned status, int64_t began_ns) {
    counter_add(&figures->by_class[class_of_status(status)], 1);
    if (began_ns != app->core->now_ns)
        latency_add(&figures->latency, us_since(began_ns), 1);
    else if (figures->in_turn_count++ == 0)
        core_figures_time(app->figures, figures);
}

static __attribute__((noinline)) void count_from_to(struct route_figures *figures, unsigned status, int64_t began_ns, int64_t ended_ns) {
    counter_add(&figures->by_class[class_of_status(status)], 1);
    latency_add(&figures->latency, us_between(began_ns, ended_ns), 1);
}

static __attribute__((noinline)) void log_end(req *r) {
    struct log_context context = context_of(r);
    struct log_request line = {.wall_us = r->app->core->wall_us,
                               .status = r->answered_status,
                               .duration_us = us_since(r->began_ns),
                               .bytes_out = r->answered_bytes,
                               .query_count = r->db_query_count,
                               .call_count = r->call_count};
    put_head(&line, r->head, r->body.len);
    log_request(&context, &line);
}

void observe_end(req *r) {
    const struct generation *generation = r->generation;
    if (!r->endpoint || cached_is_refresh(r))
        return;
    struct route_figures *figures = generation->routes ? generation->routes[r->endpoint->index] : NULL;
    if (figures && r->opened_ns) // how long it streams is not how slow it is
        count_from_to(figures, r->answered_status, r->began_ns, r->opened_ns);
    else if (figures)
        count(r->app, figures, r->answered_status, r->began_ns);
    if (r->app->options->logs_requests)
        log_end(r);
}

static struct route_figures *figures_of(const struct app *app, const struct endpoint *endpoint, const struct http_head *head) {
    if (endpoint)
        return app->generation->routes ? app->generation->routes[endpoint->index] : NULL;
    return app->figures ? app->figures->strangers[head ? head->method : HTTP_UNKNOWN] : NULL;
}

void observe_plain(struct app *app, const struct endpoint *endpoint, const struct http_head *head, unsigned status, size_t bytes_out,
                   str id) {
    struct route_figures *figures = figures_of(app, endpoint, head);
    if (figures)
        count(app, figures, status, app->core->now_ns);
    if (!app->options->logs_requests)
        return;
    struct log_context context = {.least = app->log_level, .request_id = id};
    if (endpoint)
        context = (struct log_context){endpoint->log_level, endpoint->plugin->name, endpoint->path, id};
    struct log_request line = {
        .wall_us = app->core->wall_us, .status = status, .duration_us = us_since(app->core->now_ns), .bytes_out = bytes_out};
    put_head(&line, head, 0);
    log_request(&context, &line);
}

// ---- queries

static uint64_t rows_of(const struct db_query *query, unsigned shape) {
    if (query->failure || !query->result)
        return 0;
    const struct {
        void *items;
        size_t n;
    } *list = query->result;
    switch (shape) {
    case LEAT_MANY:
        return list->n;
    case LEAT_EXEC:
        return (uint64_t)(*(const i64 *)query->result);
    default:
        return query->found;
    }
}

// What never was Postgres' to say has the class that Postgres would have given it.
static const char *class_of(const struct db_failure *failure) {
    if (failure->sqlstate[0])
        return failure->sqlstate;
    switch (-failure->error) {
    case ETIMEDOUT:
    case ECANCELED:
        return "57"; // operator intervention
    case EBADMSG:
        return "22"; // data exception
    case EMSGSIZE:
        return "54"; // program limit exceeded
    case ENOMEM:
    case EAGAIN:
        return "53"; // insufficient resources
    case EINVAL:
        return "26"; // invalid SQL statement name
    default:
        return "08"; // connection exception
    }
}

void observe_query(const req *r, const leat_query *source, const struct db_query *query, int64_t began_ns) {
    const struct generation *generation = r->generation;
    struct query_figures *figures = generation->queries && query->statement ? generation->queries[statement_index(query->statement)] : NULL;
    if (!figures)
        return;
    counter_add(&figures->count, 1);
    counter_add(&figures->row_count, rows_of(query, source->shape));
    latency_add(&figures->latency, us_between(began_ns, r->app->core->now_ns), 1);
    if (query->failure)
        query_figures_fail(figures, class_of(query->failure));
}

// ---- calls to other servers

void observe_call(const req *r, unsigned site, unsigned status, int64_t began_ns) {
    const struct generation *generation = r->generation;
    struct route_figures *figures = generation->calls ? generation->calls[site] : NULL;
    if (figures)
        count_from_to(figures, status, began_ns, r->app->core->now_ns);
}
