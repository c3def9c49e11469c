// program.c — an endpoint's program at work: dependencies called, parameters read, all that is wrong with them told at once.
#include <errno.h>
#include <string.h>

#include "away.h"
#include "base/utf8.h"
#include "generation.h"
#include "http/form.h"
#include "http/part_head.h"
#include "http/url.h"
#include "intake.h"
#include "reply.h"
#include "request.h"

enum { PAIRS_MAX = 1000, VALUES_MAX = 256 };

static const struct location roots[] = {
    [STEP_PATH] = {.name = S("path")},     [STEP_QUERY] = {.name = S("query")},       [STEP_HEADER] = {.name = S("header")},
    [STEP_COOKIE] = {.name = S("cookie")}, [STEP_QUERY_MODEL] = {.name = S("query")}, [STEP_BODY] = {.name = S("body")},
    [STEP_FORM] = {.name = S("body")},
};

static struct reading reading_of(req *r) {
    return (struct reading){.request = r, .arena = &r->arena, .problems = &r->problems};
}

static _Noreturn void fail_unreadable(req *r, const char *what) {
    http_fail(r, 400, "%s", what);
}

// The query string taken apart, once a request.
static void read_query(req *r) {
    if (r->is_query_read)
        return;
    r->is_query_read = true;
    str rest = http_text(r->head, r->head->query), name, value;
    if (!rest.len)
        return;
    size_t count_max = 1;
    for (size_t i = 0; i < rest.len; i++)
        count_max += rest.ptr[i] == '&';
    if (count_max > PAIRS_MAX)
        fail_unreadable(r, "Too many query parameters");
    struct text_pair *pairs = alloc(r, count_max * sizeof *pairs);
    while (url_next_pair(&rest, &name, &value)) {
        struct text_pair *pair = &pairs[r->query_count++];
        *pair = (struct text_pair){url_decode(&r->arena, name, true), url_decode(&r->arena, value, true)};
        if (!pair->name.ptr || !pair->value.ptr)
            fail_busy(r, "no memory for the query string");
        if (!utf8_is_valid(pair->name) || !utf8_is_valid(pair->value))
            fail_unreadable(r, "The query string is not UTF-8");
    }
    r->query_pairs = pairs;
}

static size_t query_values(req *r, str name, str *values) {
    size_t count = 0;
    read_query(r);
    for (size_t i = 0; i < r->query_count && count < VALUES_MAX; i++)
        if (str_eq(r->query_pairs[i].name, name))
            values[count++] = r->query_pairs[i].value;
    return count;
}

static bool is_same_name(str a, str b) {
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static size_t header_values(req *r, str name, str *values) {
    size_t count = 0;
    for (unsigned i = 0; i < r->head->field_count && count < VALUES_MAX; i++)
        if (is_same_name(http_text(r->head, r->head->fields[i].name), name))
            values[count++] = http_text(r->head, r->head->fields[i].value);
    return count;
}

static size_t cookie_values(req *r, str name, str *values) {
    size_t count = 0;
    str rest = http_text(r->head, r->head->cookie), other, value;
    while (count < VALUES_MAX && cookie_next_pair(&rest, &other, &value))
        if (str_eq(name, other))
            values[count++] = value;
    return count;
}

static size_t find_values(req *r, const struct step *step, str *values) {
    str name = parameter_name(step->parameter);
    switch (step->kind) {
    case STEP_PATH:
        return values[0] = r->path_params[step->index], 1;
    case STEP_QUERY:
        return query_values(r, name, values);
    case STEP_HEADER:
        return header_values(r, name, values);
    default:
        return cookie_values(r, name, values);
    }
}

static int read_parameter(req *r, const struct step *step, void *to) {
    str values[VALUES_MAX];
    size_t count = find_values(r, step, values);
    for (size_t i = 0; i < count; i++)
        if (!utf8_is_valid(values[i]))
            fail_unreadable(r, "A parameter is not UTF-8");
    struct reading reading = reading_of(r);
    return parameter_read(step->parameter, &reading, values, count, to);
}

// application/json and application/*+json, any case, parameters ignored; no type at all is taken for JSON.
static bool is_json(str type) {
    if (type.len == 16 && memcmp(type.ptr, "application/json", 16) == 0) // as nearly everybody says it
        return true;
    size_t bytes = 0;
    while (bytes < type.len && type.ptr[bytes] != ';' && type.ptr[bytes] != ' ')
        bytes++;
    if (!type.len || (bytes == 16 && strncasecmp(type.ptr, "application/json", 16) == 0))
        return true;
    return bytes > 17 && strncasecmp(type.ptr, "application/", 12) == 0 && strncasecmp(type.ptr + bytes - 5, "+json", 5) == 0;
}

static int read_body(req *r, const struct step *step, void *value) {
    struct reading reading = reading_of(r);
    request_refuse_coded(r);
    if (r->is_body_to_come)
        body_gather(r, SIZE_MAX);
    if (!r->body.len || is_json(http_text(r->head, r->head->content_type)))
        return model_read_json(step->model, &reading, &roots[STEP_BODY], r->body, value);
    if (!utf8_is_valid(r->body))
        return -EBADMSG;
    return model_refuse_text(step->model, &reading, &roots[STEP_BODY], r->body);
}

static int read_fields(req *r, struct form *form) {
    request_refuse_coded(r);
    if (r->is_body_to_come)
        body_gather(r, SIZE_MAX);
    int status = form_read(form, http_text(r->head, r->head->content_type), r->body, &r->app->options->http.form, &r->arena);
    if (status == -EINVAL)
        fail_unreadable(r, form->problem);
    return status;
}

// Files are no fields: a form that has some, and a route without file(), lose them.
static int read_form(req *r, const struct step *step, void *value) {
    struct form own, *form = &own;
    int status = 0;
    if (r->endpoint->has_files) {
        intake_read(r);
        form = &r->intake->form;
    } else {
        status = read_fields(r, form);
    }
    if (status)
        return status;
    struct text_pair *pairs = alloc(r, (form->count + 1) * sizeof *pairs);
    size_t count = 0;
    for (size_t i = 0; i < form->count; i++) {
        if (form->fields[i].filename.ptr)
            continue;
        pairs[count] = (struct text_pair){form->fields[i].name, form->fields[i].value};
        if (!utf8_is_valid(pairs[count].name) || !utf8_is_valid(pairs[count].value))
            fail_unreadable(r, BROKEN_FORM "it is not UTF-8");
        count++;
    }
    struct reading reading = reading_of(r);
    return model_read_pairs(step->model, &reading, &roots[STEP_FORM], pairs, count, value);
}

static int read_model(req *r, const struct step *step, void *to) {
    void *value = alloc(r, step->bytes);
    struct reading reading = reading_of(r);
    int status;
    if (step->kind == STEP_BODY) {
        status = read_body(r, step, value);
    } else if (step->kind == STEP_FORM) {
        status = read_form(r, step, value);
    } else {
        read_query(r);
        status = model_read_pairs(step->model, &reading, &roots[step->kind], r->query_pairs, r->query_count, value);
    }
    if (!status)
        memcpy(to, &value, sizeof value);
    return status;
}

// Goes on, or never comes back: what is wrong with what it asks for is told before anything else of the route is looked at.
static void run_hook(req *r, const struct step *step, bool lacks_argument) {
    if (lacks_argument)
        fail_problems(r);
    Response *response = NULL;
    r->is_in_hook = true;
    step->hook->request(r, (char *)r->frame + step->from, &response);
    r->is_in_hook = false;
    if (!response)
        return;
    request_settle(r);
    response->status = response->status ? response->status : 200;
    reply_response(r, response);
    request_leave(r, OK);
}

// True when the step went well; false when its unit cannot be called.
static bool run_step(req *r, const struct step *step, uint64_t failed) {
    char *frame = r->frame;
    int status = 0;
    switch (step->kind) {
    case STEP_COPY:
        if (failed & 1ull << step->from_unit)
            return false;
        memcpy(frame + step->to, frame + step->from, step->bytes);
        return true;
    case STEP_VALUE:
        memcpy(frame + step->to, step->value, step->bytes);
        return true;
    case STEP_CALL:
        if (!(failed & 1ull << step->unit))
            provider_call(r, step->provider, frame + step->from, frame + step->to);
        return true;
    case STEP_WORKER:
        memcpy(frame + step->to, generation_value(r->generation, step->index), step->bytes);
        return true;
    case STEP_HOOK:
        run_hook(r, step, failed & 1ull << step->unit);
        return true;
    case STEP_FILE:
    case STEP_FILES:
        intake_read(r);
        return intake_take(r, step, frame + step->to);
    case STEP_BODY:
    case STEP_FORM:
    case STEP_QUERY_MODEL:
        status = read_model(r, step, frame + step->to);
        break;
    default:
        status = read_parameter(r, step, frame + step->to);
    }
    if (status == -EBADMSG)
        fail_unreadable(r, "There was an error parsing the body");
    if (status == -ENOMEM)
        fail_busy(r, "the request needs more memory than it is allowed");
    return status == 0;
}

struct provider_call {
    const leat_provider *provider;
    void *args, *out;
};

// On a worker thread.
static void call_blocking(req *r, void *arg) {
    const struct provider_call *call = arg;
    call->provider->call(r, call->args, call->out);
}

void provider_call(req *r, const leat_provider *provider, void *args, void *out) {
    if (__builtin_expect(!provider->blocking, true)) {
        provider->call(r, args, out);
        return;
    }
    struct provider_call call = {provider, args, out};
    away_run(r, call_blocking, &call);
}

void program_run(req *r, const struct endpoint *endpoint) {
    uint64_t failed = 0; // units that lack an argument
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (!run_step(r, &endpoint->steps[i], failed))
            failed |= 1ull << endpoint->steps[i].unit;
    if (r->problems.count)
        fail_problems(r);
}
