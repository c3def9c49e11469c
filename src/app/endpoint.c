// endpoint.c — a route compiled: what has to happen, in order, before its handler is called.
//
// The order is FastAPI's: hooks, guards and dependencies first, each with its own dependencies before it, then the handler's parameters
// from the path, the query, headers, cookies and the body. So a 401 comes before any 422, and all that is wrong with the parameters is told
// at once.
#include "endpoint.h"

#include <errno.h>
#include <string.h>

#include <leat/security.h>

#include "base/option.h"
#include "base/str.h"
#include "cached_plan.h"
#include "declared_work.h"
#include "http/media_type.h"
#include "middleware.h"
#include "snapshot_internal.h"

enum { STEPS_MAX = 256, FRAME_ALIGNMENT = 16, FRAME_BYTES_MAX = 1 << 20 };

// A provider that has its place in the program.
struct unit {
    const leat_provider *provider;
    uint32_t args_at, value_at;
    bool in_progress; // its own dependencies are being compiled: meeting it again is a cycle
};

struct compiler {
    struct compilation *compilation;
    const leat_plugin *plugin;
    const leat_route *route;
    struct step steps[STEPS_MAX];
    unsigned step_count;
    struct unit units[UNITS_MAX];
    unsigned unit_count;
    uint32_t frame_bytes;
    const struct work_source *work; // NULL: a route
    bool has_body, has_form, has_files, needs_bearer, has_hooks;
    const leat_error *errors[UNITS_MAX];
    unsigned error_count;
};

static uint32_t frame_take(struct compiler *compiler, size_t bytes) {
    uint32_t at = compiler->frame_bytes;
    compiler->frame_bytes += (uint32_t)((bytes + FRAME_ALIGNMENT - 1) & ~(size_t)(FRAME_ALIGNMENT - 1));
    return at;
}

static int refuse_size(struct compiler *compiler) {
    return compilation_refuse(compiler->compilation, &compiler->route->base, "route '%s' has too many dependencies or parameters",
                              compiler->route->name);
}

static int emit(struct compiler *compiler, struct step step) {
    if (compiler->step_count == STEPS_MAX || compiler->frame_bytes > FRAME_BYTES_MAX)
        return refuse_size(compiler);
    compiler->steps[compiler->step_count++] = step;
    return 0;
}

static bool has_error(const struct compiler *compiler, const leat_error *error) {
    for (unsigned i = 0; i < compiler->error_count; i++)
        if (compiler->errors[i] == error)
            return true;
    return false;
}

static void note_errors(struct compiler *compiler, const leat_error *const *errors) {
    for (; errors && *errors; errors++)
        if (compiler->error_count < UNITS_MAX - 1 && !has_error(compiler, *errors))
            compiler->errors[compiler->error_count++] = *errors;
}

// The index of {name} among the path's parameters, or -1.
static int path_index(const char *path, const char *name) {
    size_t length = strlen(name);
    int index = 0;
    for (const char *open = strchr(path, '{'); open; open = strchr(open + 1, '{'), index++)
        if (strncmp(open + 1, name, length) == 0 && (open[1 + length] == '}' || open[1 + length] == ':'))
            return index;
    return -1;
}

static const struct {
    enum step_kind kind;
    bool is_model;
} steps_of[] = {
    [LEAT_IN_PATH] = {STEP_PATH, false},     [LEAT_IN_QUERY] = {STEP_QUERY, false}, [LEAT_IN_HEADER] = {STEP_HEADER, false},
    [LEAT_IN_COOKIE] = {STEP_COOKIE, false}, [LEAT_IN_BODY] = {STEP_BODY, true},    [LEAT_IN_FORM] = {STEP_FORM, true},
    [LEAT_IN_FILE] = {STEP_FILE, false},     [LEAT_IN_FILES] = {STEP_FILES, false}, [LEAT_IN_QUERY_MODEL] = {STEP_QUERY_MODEL, true},
};

// One body, or one form with as many files as there are names for.
static int note_body(struct compiler *compiler, const leat_item *item, enum leat_in in) {
    bool is_file = in == LEAT_IN_FILE || in == LEAT_IN_FILES, is_form = in == LEAT_IN_FORM;
    bool is_taken = compiler->has_body || (compiler->has_form && !is_file) || (compiler->has_files && !is_file && !is_form);
    if (is_taken)
        return compilation_refuse(compiler->compilation, item,
                                  "route '%s' reads its body twice: one body(), or one form() and files, are the limit",
                                  compiler->route->name);
    if (compiler->route->stream_body)
        return compilation_refuse(compiler->compilation, item,
                                  "route '%s' has .stream_body, so its handler reads the body: nothing else can", compiler->route->name);
    *(is_file ? &compiler->has_files : is_form ? &compiler->has_form : &compiler->has_body) = true;
    return 0;
}

static int compile_file(struct compiler *compiler, const leat_item *item, const leat_param *param, struct step step) {
    const struct leat_file_opts *options = param->opts;
    if (options->max_bytes < 0 || options->min_items < 0 || options->max_items < 0 ||
        (options->max_items && options->min_items > options->max_items))
        return compilation_refuse(compiler->compilation, item, "file '%s': its bounds admit nothing", param->name);
    if (param->in == LEAT_IN_FILE && (options->min_items || options->max_items))
        return compilation_refuse(compiler->compilation, item, "file(%s) is one: .min_items and .max_items are for files(%s)", param->name,
                                  param->name);
    step.file = param;
    return emit(compiler, step);
}

static int compile_model(struct compiler *compiler, const leat_item *item, const leat_param *param, const struct model **ret_model) {
    struct compilation *compilation = compiler->compilation;
    str message = {0};
    int status = model_compile_body(compilation->snapshot->models, param, item->file, item->line, compilation->arena, ret_model, &message);
    if (status == -EINVAL)
        compilation_refuse(compilation, NULL, "%.*s", (int)message.len, message.ptr);
    return status;
}

// What a parameter other than depends() needs.
static int compile_parameter(struct compiler *compiler, const leat_item *item, const leat_param *param, unsigned unit, uint32_t args_at) {
    struct compilation *compilation = compiler->compilation;
    if (compiler->work)
        return compilation_refuse(compilation, item, "%s '%s' runs without a request, from which '%s' would be read; it may take depends()",
                                  compiler->work->kind, compiler->work->name, param->name);
    struct step step = {.kind = steps_of[param->in].kind, .unit = (uint8_t)unit, .to = args_at + param->off, .bytes = param->bytes};
    if (param->in == LEAT_IN_PATH) {
        int index = path_index(compiler->route->path, param->name);
        if (index < 0)
            return compilation_refuse(compilation, item, "path(%s): route \"%s\" has no {%s}", param->name, compiler->route->path,
                                      param->name);
        step.index = (uint16_t)index;
    }
    bool is_file = param->in == LEAT_IN_FILE || param->in == LEAT_IN_FILES;
    if (param->in == LEAT_IN_BODY || param->in == LEAT_IN_FORM || is_file) {
        int status = note_body(compiler, item, param->in);
        if (status)
            return status;
    }
    if (is_file)
        return compile_file(compiler, item, param, step);
    if (steps_of[param->in].is_model) {
        int status = compile_model(compiler, item, param, &step.model);
        step.bytes = param->type->bytes;
        return status ? status : emit(compiler, step);
    }
    str message = {0};
    int status =
        parameter_compile(compilation->snapshot->models, param, item->file, item->line, compilation->arena, &step.parameter, &message);
    if (status == -EINVAL)
        return compilation_refuse(compilation, NULL, "%.*s", (int)message.len, message.ptr);
    return status ? status : emit(compiler, step);
}

static int compile_provider(struct compiler *compiler, const leat_provider *stub, unsigned *ret_unit);

static int compile_dependency(struct compiler *compiler, const leat_param *param, unsigned unit, uint32_t args_at) {
    unsigned from = 0;
    int status = compile_provider(compiler, param->provider, &from);
    if (status)
        return status;
    const struct unit *provider = &compiler->units[from];
    return emit(compiler, (struct step){.kind = STEP_COPY,
                                        .unit = (uint8_t)unit,
                                        .from_unit = (uint8_t)from,
                                        .to = args_at + param->off,
                                        .from = provider->value_at,
                                        .bytes = provider->provider->bytes});
}

// Dependencies first, then what is read from the request, by where it is read from.
static int compile_params(struct compiler *compiler, const leat_item *item, const leat_param *params, unsigned count, unsigned unit,
                          uint32_t args_at) {
    int status = 0;
    for (unsigned i = 0; i < count; i++)
        if (params[i].in == LEAT_IN_DEPENDS && (status = compile_dependency(compiler, &params[i], unit, args_at)))
            return status;
    static const enum leat_in order[] = {LEAT_IN_PATH, LEAT_IN_QUERY, LEAT_IN_QUERY_MODEL, LEAT_IN_HEADER, LEAT_IN_COOKIE,
                                         LEAT_IN_BODY, LEAT_IN_FORM,  LEAT_IN_FILE,        LEAT_IN_FILES};
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        for (unsigned i = 0; i < count; i++)
            if (params[i].in == order[k] && (status = compile_parameter(compiler, item, &params[i], unit, args_at)))
                return status;
    return 0;
}

static int refuse_cycle(struct compiler *compiler, const leat_provider *provider) {
    str chain = {0};
    for (unsigned i = 1; i < compiler->unit_count; i++)
        if (compiler->units[i].in_progress)
            chain = arena_format(compiler->compilation->arena, "%.*s%s -> ", (int)chain.len, chain.ptr ? chain.ptr : "",
                                 compiler->units[i].provider->name);
    return compilation_refuse(compiler->compilation, &provider->base, "providers depend on each other: %.*s%s", (int)chain.len, chain.ptr,
                              provider->name);
}

// The unit of a provider that is in the program already and may be shared; 0 where there is none.
static unsigned find_unit(const struct compiler *compiler, const leat_provider *provider) {
    for (unsigned i = 1; i < compiler->unit_count; i++)
        if (compiler->units[i].provider == provider && (compiler->units[i].in_progress || !provider->no_cache))
            return i;
    return 0;
}

// What needs a client, or lives no longer than a request, is nothing for who has none.
static int check_scope(struct compiler *compiler, const leat_provider *provider) {
    const struct work_source *work = compiler->work;
    if (work && work->is_of_core && !provider->per_worker)
        return compilation_refuse(
            compiler->compilation, work->item,
            "'%s' is made once per core and cannot depend on '%s', which is made for each request; depend on it in the "
            "route, or do what needs it in ON_START",
            work->name, provider->name);
    if (work && provider->security)
        return compilation_refuse(compiler->compilation, work->item, "%s '%s' runs without a client, whose token '%s' would read",
                                  work->kind, work->name, provider->name);
    return 0;
}

// What a provider needs, then its call; or the value that was put in its place.
static int compile_call(struct compiler *compiler, unsigned unit) {
    struct unit *self = &compiler->units[unit];
    const leat_provider *provider = self->provider;
    struct step step = {.kind = STEP_VALUE, .unit = (uint8_t)unit, .to = self->value_at, .bytes = provider->bytes};
    step.value = compilation_override(compiler->compilation, provider);
    if (step.value)
        return emit(compiler, step);
    int status = check_scope(compiler, provider);
    if (status)
        return status;
    if (provider->per_worker) {
        step.kind = STEP_WORKER;
        status = declared_work_value(compiler->compilation, provider, &step.index);
        return status ? status : emit(compiler, step);
    }
    status = compile_params(compiler, &provider->base, provider->params, provider->nparams, unit, self->args_at);
    if (status)
        return status;
    note_errors(compiler, provider->errors);
    compiler->needs_bearer |= provider == &bearer_token__provider;
    step.kind = STEP_CALL;
    step.from = self->args_at;
    step.provider = provider;
    return emit(compiler, step);
}

static int compile_provider(struct compiler *compiler, const leat_provider *stub, unsigned *ret_unit) {
    const leat_provider *provider = compilation_resolve(compiler->compilation, stub);
    if (!provider)
        return -EINVAL;
    unsigned unit = find_unit(compiler, provider);
    if (unit && compiler->units[unit].in_progress)
        return refuse_cycle(compiler, provider);
    if (!unit) {
        if (compiler->unit_count == UNITS_MAX)
            return refuse_size(compiler);
        unit = compiler->unit_count++;
        struct unit *self = &compiler->units[unit];
        *self = (struct unit){.provider = provider, .in_progress = true};
        self->args_at = frame_take(compiler, provider->args_bytes);
        self->value_at = frame_take(compiler, provider->bytes);
        int status = compile_call(compiler, unit);
        if (status)
            return status;
        self->in_progress = false;
    }
    *ret_unit = unit;
    return 0;
}

static int compile_guards(struct compiler *compiler, const leat_provider *const *guard) {
    for (; guard && *guard; guard++) {
        unsigned unit;
        int status = compile_provider(compiler, *guard, &unit);
        if (status)
            return status;
    }
    return 0;
}

static int compile_hook(struct compiler *compiler, const leat_hook *hook) {
    if (compiler->unit_count == UNITS_MAX)
        return refuse_size(compiler);
    unsigned unit = compiler->unit_count++;
    uint32_t args_at = frame_take(compiler, hook->args_bytes);
    compiler->units[unit] = (struct unit){.args_at = args_at};
    int status = compile_params(compiler, &hook->base, hook->params, hook->nparams, unit, args_at);
    if (status)
        return status;
    note_errors(compiler, hook->errors);
    return emit(compiler, (struct step){.kind = STEP_HOOK, .unit = (uint8_t)unit, .from = args_at, .hook = hook});
}

static int compile_hooks(struct compiler *compiler) {
    const leat_hook *const *hooks;
    int status = middleware_of(compiler->compilation, compiler->plugin, LEAT_HOOK_REQUEST, &hooks);
    for (compiler->has_hooks = hooks; status == 0 && hooks && *hooks; hooks++)
        status = compile_hook(compiler, *hooks);
    return status;
}

// Every {name} of the path is somebody's path(): a name that nobody reads is a slip.
static int check_path_is_read(struct compiler *compiler) {
    unsigned index = 0;
    for (const char *open = strchr(compiler->route->path, '{'); open; open = strchr(open + 1, '{'), index++) {
        bool is_read = false;
        for (unsigned i = 0; i < compiler->step_count; i++)
            is_read |= compiler->steps[i].kind == STEP_PATH && compiler->steps[i].index == index;
        if (!is_read)
            return compilation_refuse(compiler->compilation, &compiler->route->base, "route \"%s\": no path() parameter reads {%.*s}",
                                      compiler->route->path, (int)strcspn(open + 1, "}:"), open + 1);
    }
    return 0;
}

static const enum http_method methods[] = {
    [LEAT_GET] = HTTP_GET, [LEAT_POST] = HTTP_POST, [LEAT_PUT] = HTTP_PUT, [LEAT_PATCH] = HTTP_PATCH, [LEAT_DELETE] = HTTP_DELETE,
};

static unsigned success_status(const leat_route *route) {
    return route->status ? route->status : route->returns->kind == LEAT_EMPTY ? 204 : 200;
}

static bool reads_request(const struct compiler *compiler) {
    for (unsigned i = 0; i < compiler->step_count; i++)
        if (compiler->steps[i].kind < STEP_CALL)
            return true;
    return compiler->unit_count > 1; // a provider may look at anything
}

static int seal(struct compiler *compiler, struct endpoint *ret_endpoint) {
    struct arena *arena = &compiler->compilation->snapshot->arena;
    size_t step_bytes = compiler->step_count * sizeof *compiler->steps;
    struct step *steps = arena_alloc(arena, step_bytes);
    const leat_error **errors = arena_alloc(arena, (compiler->error_count + 1) * sizeof *errors);
    const char *prefix = compiler->plugin->prefix ? compiler->plugin->prefix : "";
    str path = arena_format(arena, "%s%s", prefix, compiler->route->path);
    if (!steps || !errors || !path.ptr)
        return -ENOMEM;
    const leat_hook *const *on_responses, *const *on_failures;
    if (middleware_of(compiler->compilation, compiler->plugin, LEAT_HOOK_RESPONSE, &on_responses) ||
        middleware_of(compiler->compilation, compiler->plugin, LEAT_HOOK_FAILURE, &on_failures))
        return -ENOMEM;
    const leat_route *route = compiler->route;
    struct activity activity = {.plugin = compiler->plugin->name,
                                .name = route->name,
                                .kind = compiler->work ? compiler->work->kind : "",
                                .method = compiler->work ? "" : http_method_name(methods[route->method]),
                                .path = compiler->work ? "" : path.ptr,
                                .file = route->base.file,
                                .line = route->base.line};
    memcpy(steps, compiler->steps, step_bytes);
    memcpy(errors, compiler->errors, compiler->error_count * sizeof *errors);
    *ret_endpoint = (struct endpoint){
        .route = route,
        .plugin = compiler->plugin,
        .path = path.ptr,
        .method = methods[route->method],
        .status = success_status(route),
        .activity = activity_of(&activity),
        .steps = steps,
        .step_count = compiler->step_count,
        .frame_bytes = compiler->frame_bytes,
        .needs_bearer = compiler->needs_bearer && !compiler->has_hooks && !on_responses && !on_failures, // they see each request
        .on_responses = on_responses,
        .on_failures = on_failures,
        .takes_pieces = compiler->has_files || compiler->route->stream_body,
        .has_files = compiler->has_files,
        .reads_request = reads_request(compiler),
        .errors = errors,
    };
    return cached_plan_make(compiler->compilation, ret_endpoint, &ret_endpoint->cached);
}

static int check_blocking(struct compilation *compilation, const leat_route *route) {
    unsigned kind = route->returns->kind;
    bool is_stream = kind == LEAT_STREAM || kind == LEAT_EVENTS || kind == LEAT_LINES;
    if (!route->blocking || !is_stream)
        return 0;
    return compilation_refuse(compilation, &route->base,
                              "route '%s' is .blocking and streams: a worker thread cannot; take one of them out", route->name);
}

// A list of media types, of an answer that no schema describes.
static int check_produces(struct compilation *compilation, const leat_route *route) {
    const char *types = ITEM_OPTION(route, produces);
    unsigned kind = route->returns->kind;
    if (!types)
        return 0;
    if (kind != LEAT_RESPONSE && kind != LEAT_FILE && kind != LEAT_STREAM)
        return compilation_refuse(compilation, &route->base,
                                  "route '%s' returns %s, whose type is known: .produces is for a Response, a File or a Stream",
                                  route->name, route->returns->name);
    str rest = str_of(types), type;
    while (media_type_next(&rest, &type))
        if (!media_type_is_one(type))
            return compilation_refuse(
                compilation, &route->base,
                "route '%s': .produces holds '%.*s', which is no media type; write \"text/html\", several between commas", route->name,
                (int)type.len, type.ptr);
    return 0;
}

int endpoint_compile(struct compilation *compilation, const leat_plugin *plugin, const leat_route *route, struct endpoint *ret_endpoint) {
    struct compiler *compiler = arena_alloc(compilation->arena, sizeof *compiler);
    if (!compiler)
        return -ENOMEM;
    *compiler = (struct compiler){.compilation = compilation, .plugin = plugin, .route = route, .unit_count = 1};
    frame_take(compiler, route->args_bytes);
    note_errors(compiler, route->errors);
    int status = check_blocking(compilation, route);
    if (!status)
        status = check_produces(compilation, route);
    if (!status)
        status = compile_hooks(compiler);
    if (!status)
        status = compile_guards(compiler, plugin->guards);
    if (!status)
        status = compile_guards(compiler, route->guards);
    if (!status)
        status = compile_params(compiler, &route->base, route->params, route->nparams, 0, 0);
    if (!status)
        status = check_path_is_read(compiler);
    return status ? status : seal(compiler, ret_endpoint);
}

int endpoint_compile_work(struct compilation *compilation, const leat_plugin *plugin, const struct work_source *source,
                          struct endpoint *ret_program) {
    struct compiler *compiler = arena_alloc(compilation->arena, sizeof *compiler);
    leat_route *route = arena_alloc(&compilation->snapshot->arena, sizeof *route); // none, to those who ask an endpoint for its route
    if (!compiler || !route)
        return -ENOMEM;
    *route = (leat_route){.base = *source->item, .method = LEAT_POST, .path = "", .name = source->name, .returns = &Empty__schema};
    *compiler = (struct compiler){.compilation = compilation, .plugin = plugin, .route = route, .work = source, .unit_count = 1};
    frame_take(compiler, source->args_bytes);
    note_errors(compiler, source->errors);
    int status = compile_params(compiler, source->item, source->params, source->param_count, 0, 0);
    return status ? status : seal(compiler, ret_program);
}
