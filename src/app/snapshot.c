// snapshot.c — what one generation of plugins serves: routes, models, statements. Immutable once made.
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "declared_work.h"
#include "layout.h"
#include "middleware.h"
#include "openapi.h"
#include "snapshot_internal.h"

enum { SNAPSHOT_BYTES_MAX = 256 << 20 };

static bool declares(const struct plugin_view *view, const leat_item *item) {
    for (size_t i = 0; i < view->item_count; i++)
        if (view->items[i] == item)
            return true;
    return false;
}

const struct plugin_view *compilation_plugin_of(const struct compilation *compilation, const leat_item *item) {
    for (size_t p = 0; p < compilation->plugin_count; p++)
        if (declares(&compilation->plugins[p], item))
            return &compilation->plugins[p];
    return NULL;
}

static bool may_be_blamed(const struct plugin_view *view) {
    return view && view->verdict;
}

// Who declares what is wrong, else who needs it, else who is there beside them: the first of them that was not there before.
static void blame(struct compilation *compilation, const leat_item *item, str line) {
    const struct plugin_view *whose = item ? compilation_plugin_of(compilation, item) : NULL;
    if (!may_be_blamed(whose))
        whose = may_be_blamed(compilation->at) ? compilation->at : compilation->beside;
    if (!may_be_blamed(whose))
        return;
    str before = *whose->verdict;
    if (before.len && memmem(before.ptr, before.len, line.ptr, line.len))
        return;
    *whose->verdict = arena_format(compilation->arena, "%.*s%.*s", (int)before.len, before.ptr ? before.ptr : "", (int)line.len, line.ptr);
}

int compilation_refuse(struct compilation *compilation, const leat_item *item, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str text = arena_vformat(compilation->arena, format, args);
    va_end(args);
    str *all = &compilation->messages;
    const char *before = all->ptr ? all->ptr : "";
    str line = item ? arena_format(compilation->arena, "%s:%u: error: %.*s\n", item->file, item->line, (int)text.len, text.ptr)
                    : arena_format(compilation->arena, "%.*s\n", (int)text.len, text.ptr);
    bool is_said = line.ptr && memmem(before, all->len, line.ptr, line.len); // an IMPORT is looked at for each route that needs it
    if (!is_said)
        *all = arena_format(compilation->arena, "%.*s%.*s", (int)all->len, before, (int)line.len, line.ptr ? line.ptr : "");
    if (line.ptr)
        blame(compilation, item, line);
    return -EINVAL;
}

static const struct plugin_view *find_plugin(const struct compilation *compilation, const char *name) {
    for (size_t i = 0; i < compilation->plugin_count; i++)
        if (strcmp(compilation->plugins[i].plugin->name, name) == 0)
            return &compilation->plugins[i];
    return NULL;
}

static const leat_provider *find_provider(const struct plugin_view *view, const char *name) {
    for (size_t i = 0; i < view->item_count; i++) {
        const leat_provider *provider = (const leat_provider *)view->items[i];
        if (view->items[i]->kind == LEAT_ITEM_PROVIDER && strcmp(provider->name, name) == 0)
            return provider;
    }
    return NULL;
}

// Two plugins are built apart: one may have another idea of a struct than the other. False after a message.
static bool has_same_layout(struct compilation *compilation, const leat_provider *stub, const struct plugin_view *there,
                            const leat_provider *provider) {
    const struct plugin_view *here = compilation_plugin_of(compilation, &stub->base);
    const leat_schema *ours = here ? layout_find(here, stub->type_name) : NULL, *theirs = layout_find(there, provider->type_name);
    if (!ours || !theirs || layout_hash(ours) == layout_hash(theirs))
        return true;
    str difference = layout_difference(ours, theirs, compilation->arena);
    compilation_refuse(
        compilation, &stub->base,
        "'%s' is %s here and in plugin '%s' (%s:%u), but %s has not the same members: %.*s there (%s:%u); build both with one "
        "declaration",
        stub->name, stub->type_name, stub->from, provider->base.file, provider->base.line, ours->name, (int)difference.len, difference.ptr,
        theirs->file, theirs->line);
    return false;
}

static const leat_provider *resolve(struct compilation *compilation, const leat_provider *stub, const struct plugin_view *view) {
    if (!view) {
        compilation_refuse(compilation, &stub->base,
                           "'%s' is imported from plugin '%s', which is not loaded: put %s.so into a plugin folder", stub->name, stub->from,
                           stub->from);
        return NULL;
    }
    const leat_provider *provider = find_provider(view, stub->name);
    if (!provider) {
        compilation_refuse(compilation, &stub->base, "plugin '%s' provides no '%s'", stub->from, stub->name);
        return NULL;
    }
    if (strcmp(provider->type_name, stub->type_name) != 0 || provider->bytes != stub->bytes) {
        compilation_refuse(compilation, &stub->base, "'%s' is %s (%u bytes) here but %s (%u bytes) in plugin '%s' (%s:%u)", stub->name,
                           stub->type_name, stub->bytes, provider->type_name, provider->bytes, stub->from, provider->base.file,
                           provider->base.line);
        return NULL;
    }
    return has_same_layout(compilation, stub, view, provider) ? provider : NULL;
}

const leat_provider *compilation_resolve(struct compilation *compilation, const leat_provider *stub) {
    if (!stub->from)
        return stub;
    const struct plugin_view *before = compilation->beside;
    compilation->beside = find_plugin(compilation, stub->from);
    const leat_provider *provider = resolve(compilation, stub, compilation->beside);
    compilation->beside = before;
    return provider;
}

// ---- routes

// The parameter that the path has twice: "a" of "/s/{a}/{a}"; empty where there is none.
static str name_that_is_twice(const char *path) {
    for (const char *open = strchr(path, '{'); open; open = strchr(open + 1, '{')) {
        size_t bytes = strcspn(open + 1, ":}");
        for (const char *other = strchr(open + 1, '{'); other; other = strchr(other + 1, '{'))
            if (strcspn(other + 1, ":}") == bytes && memcmp(other + 1, open + 1, bytes) == 0)
                return (str){open + 1, bytes};
    }
    return (str){0};
}

static int refuse_path(struct compilation *compilation, const leat_route *route, const char *path) {
    str twice = name_that_is_twice(path);
    if (twice.len)
        return compilation_refuse(compilation, &route->base, "\"%s\" has the parameter {%.*s} twice; give each a name of its own", path,
                                  (int)twice.len, twice.ptr);
    return compilation_refuse(compilation, &route->base,
                              "\"%s\" is no path: it begins with '/', braces are closed, and no name occurs twice", path);
}

// True where `path` is `from`, or lies below it.
static bool is_beneath(const char *path, const char *from) {
    size_t bytes = strlen(from);
    return strncmp(path, from, bytes) == 0 && (!path[bytes] || path[bytes] == '/');
}

// The route where it has been moved to: itself, or a copy. `*ret_route` is NULL for one that is not served.
static int moved(struct snapshot *snapshot, const struct plugin_view *view, const leat_route *route, const leat_route **ret_route) {
    const struct route_place *place = view->places;
    while (place && place->from && !is_beneath(route->path, place->from))
        place++;
    *ret_route = route;
    if (!place || !place->from || strcmp(place->from, place->to) == 0)
        return 0;
    *ret_route = NULL;
    if (!*place->to)
        return 0;
    leat_route *copy = arena_alloc(&snapshot->arena, sizeof *copy);
    str path = arena_format(&snapshot->arena, "%s%s", place->to, route->path + strlen(place->from));
    if (!copy || !path.ptr)
        return -ENOMEM;
    *copy = *route;
    copy->path = path.ptr;
    *ret_route = copy;
    return 0;
}

// The setting that has put the route where it is; NULL: it is where its plugin says.
static const char *setting_of(const struct plugin_view *view, const leat_route *route) {
    for (const struct route_place *place = view->places; place && place->from; place++)
        if (*place->to && is_beneath(route->path, place->to) && strcmp(place->from, place->to) != 0)
            return declares(view, &route->base) ? NULL : place->setting; // what was moved is a copy
    return NULL;
}

// One of two that clash.
struct claim {
    const struct plugin_view *view;
    const leat_route *route;
    const char *setting; // that has put it there
};

// Of a clash the newcomer is to blame, whichever of the two is looked at first; of two of the server's own, the one that was moved there.
static bool is_to_blame(const struct claim *one, const struct claim *other) {
    if (one->view == other->view)
        return one->setting && !other->setting;
    return may_be_blamed(one->view) && !may_be_blamed(other->view);
}

// Already to blame for something: where that leaves it out, the place is free, and another round of compiling tells.
static bool is_left_out(const struct plugin_view *view) {
    return may_be_blamed(view) && view->verdict->len;
}

static int refuse_claim(struct compilation *compilation, const struct endpoint *endpoint, const struct claim *mine,
                        const struct claim *theirs) {
    str there = arena_format(compilation->arena, "by '%s' of plugin '%s' (%s:%u)%s%s", theirs->route->name, theirs->view->plugin->name,
                             theirs->route->base.file, theirs->route->base.line, theirs->setting ? ", which is there by " : "",
                             theirs->setting ? theirs->setting : "");
    const char *method = http_method_name(endpoint->method);
    if (mine->setting)
        return compilation_refuse(compilation, NULL, "leat: error: %s: %s %s is served already, %s; choose another path", mine->setting,
                                  method, endpoint->path, there.ptr);
    return compilation_refuse(compilation, &mine->route->base, "%s %s is served already, %s", method, endpoint->path, there.ptr);
}

static int refuse_clash(struct compilation *compilation, const struct plugin_view *view, const leat_route *route,
                        const struct endpoint *endpoint, const struct endpoint *first) {
    const struct plugin_view *firsts = find_plugin(compilation, first->plugin->name);
    struct claim second = {view, route, setting_of(view, route)};
    struct claim earlier = {firsts, first->route, setting_of(firsts, first->route)};
    compilation->beside = firsts;
    bool is_firsts_fault = is_to_blame(&earlier, &second);
    if (is_firsts_fault || firsts == view || !is_left_out(firsts))
        refuse_claim(compilation, endpoint, is_firsts_fault ? &earlier : &second, is_firsts_fault ? &second : &earlier);
    compilation->beside = NULL;
    return -EINVAL;
}

static int add_route(struct compilation *compilation, const struct plugin_view *view, const leat_route *route) {
    struct snapshot *snapshot = compilation->snapshot;
    struct endpoint *endpoint = &snapshot->endpoints[snapshot->endpoint_count];
    int placed = moved(snapshot, view, route, &route);
    if (placed < 0 || !route)
        return placed;
    if (route->method < LEAT_GET || route->method > LEAT_DELETE)
        return compilation_refuse(compilation, &route->base, "route '%s' has no method that is known here", route->name);
    if (route->returns->kind == LEAT_ANSWER)
        return compilation_refuse(compilation, &route->base,
                                  "'%s' returns an http_answer: return a Response, by respond(r, type, answer->body)", route->name);
    if ((route->path[0] && route->path[0] != '/') || name_that_is_twice(route->path).len) // behind a prefix the router would not see it
        return refuse_path(compilation, route, route->path);
    int status = endpoint_compile(compilation, view->plugin, route, endpoint);
    if (status)
        return status;
    void *other = NULL;
    status = router_add(snapshot->router, endpoint->method, endpoint->path, endpoint, &other);
    if (status == -EEXIST)
        return refuse_clash(compilation, view, route, endpoint, other);
    if (status == -EINVAL)
        return refuse_path(compilation, route, endpoint->path);
    if (!status) {
        endpoint->index = (unsigned)snapshot->endpoint_count;
        endpoint->log_level = log_level_of(view->plugin->name);
        snapshot->endpoint_count++;
    }
    return status;
}

static int add_query(struct compilation *compilation, const struct plugin_view *view, const leat_query *query) {
    str message = {0};
    struct snapshot *snapshot = compilation->snapshot;
    int status = statement_set_add(snapshot->statements, query, compilation->arena, &message);
    if (!status)
        snapshot->statement_plugins[statement_count(snapshot->statements) - 1] = view->plugin->name;
    return status == -EINVAL ? compilation_refuse(compilation, NULL, "%.*s", (int)message.len, message.ptr) : status;
}

static int add_call(struct compilation *compilation, const struct plugin_view *view, const leat_call *call) {
    str message = {0};
    struct snapshot *snapshot = compilation->snapshot;
    int status = call_sites_add(&snapshot->calls, snapshot->models, call, view->plugin->name, compilation->arena, &message);
    return status == -EINVAL ? compilation_refuse(compilation, NULL, "%.*s", (int)message.len, message.ptr) : status;
}

static void add_task(struct snapshot *snapshot, const char *plugin, const struct leat_task *task) {
    struct activity activity = {
        .plugin = plugin, .name = task->name, .kind = "task", .method = "", .path = "", .file = task->base.file, .line = task->base.line};
    snapshot->tasks[snapshot->task_count++] = (struct task_name){task, activity_of(&activity)};
}

static int by_address(const void *left, const void *right) {
    const struct task_name *a = left, *b = right;
    return a->task < b->task ? -1 : a->task > b->task;
}

struct activity *snapshot_task_activity(const struct snapshot *snapshot, const struct leat_task *task) {
    const struct task_name wanted = {.task = task};
    const struct task_name *found =
        snapshot->task_count ? bsearch(&wanted, snapshot->tasks, snapshot->task_count, sizeof wanted, by_address) : NULL;
    return found ? found->activity : activity_at(0);
}

static int add_item(struct compilation *compilation, const struct plugin_view *view, const leat_item *item) {
    struct snapshot *snapshot = compilation->snapshot;
    switch (item->kind) {
    case LEAT_ITEM_ROUTE:
        return add_route(compilation, view, (const leat_route *)item);
    case LEAT_ITEM_QUERY:
        return add_query(compilation, view, (const leat_query *)item);
    case LEAT_ITEM_CALL:
        return add_call(compilation, view, (const leat_call *)item);
    case LEAT_ITEM_ON_ERROR:
        snapshot->on_errors[snapshot->on_error_count++] = (const struct leat_on_error *)item;
        return 0;
    case LEAT_ITEM_TASK:
        add_task(snapshot, view->plugin->name, (const struct leat_task *)item);
        return 0;
    case LEAT_ITEM_WORK:
        return declared_work_add(compilation, view, (const leat_work *)item);
    case LEAT_ITEM_IMPORT: // one that no route needs must be there as well
        return compilation_resolve(compilation, (const leat_provider *)item) ? 0 : -EINVAL;
    default:
        return 0;
    }
}

// Goes on after a refusal, so that all that is wrong is told at once; memory running out ends it.
static int add_all(struct compilation *compilation) {
    int worst = 0;
    for (size_t p = 0; p < compilation->plugin_count; p++)
        for (size_t i = 0; i < compilation->plugins[p].item_count; i++) {
            compilation->at = &compilation->plugins[p];
            int status = add_item(compilation, &compilation->plugins[p], compilation->plugins[p].items[i]);
            if (status && status != -EINVAL)
                return status;
            worst = status ? status : worst;
        }
    return worst;
}

static int add_validators(struct compilation *compilation) {
    for (size_t p = 0; p < compilation->plugin_count; p++)
        for (size_t i = 0; i < compilation->plugins[p].item_count; i++) {
            const leat_item *item = compilation->plugins[p].items[i];
            int status = item->kind == LEAT_ITEM_VALIDATOR
                             ? model_set_add_validator(compilation->snapshot->models, (const struct leat_validator *)item)
                             : 0;
            if (status)
                return status;
        }
    return 0;
}

static int add_tables(struct compilation *compilation) {
    for (size_t p = 0; p < compilation->plugin_count; p++)
        for (size_t i = 0; i < compilation->plugins[p].item_count; i++) {
            const leat_item *item = compilation->plugins[p].items[i];
            int status = item->kind == LEAT_ITEM_TABLE
                             ? statement_set_know_table(compilation->snapshot->statements, ((const struct leat_table *)item)->schema)
                             : 0;
            if (status)
                return status;
        }
    return 0;
}

static int snapshot_init(struct snapshot *snapshot, const struct plugin_view *plugins, size_t plugin_count) {
    arena_pool_init(&snapshot->pool, 0);
    arena_init(&snapshot->arena, &snapshot->pool, SNAPSHOT_BYTES_MAX);
    size_t item_count = 0;
    for (size_t i = 0; i < plugin_count; i++)
        item_count += plugins[i].item_count;
    snapshot->endpoints = arena_alloc(&snapshot->arena, item_count * sizeof *snapshot->endpoints);
    snapshot->on_errors = arena_alloc(&snapshot->arena, item_count * sizeof *snapshot->on_errors);
    snapshot->statement_plugins = arena_alloc(&snapshot->arena, item_count * sizeof *snapshot->statement_plugins);
    snapshot->plugins = arena_alloc(&snapshot->arena, plugin_count * sizeof *snapshot->plugins);
    snapshot->calls.items = arena_alloc(&snapshot->arena, item_count * sizeof *snapshot->calls.items);
    snapshot->tasks = arena_alloc(&snapshot->arena, item_count * sizeof *snapshot->tasks);
    snapshot->lives = arena_alloc(&snapshot->arena, (plugin_count + 1) * sizeof *snapshot->lives);
    if (!snapshot->lives || !snapshot->tasks || !snapshot->calls.items || !snapshot->endpoints || !snapshot->on_errors ||
        !snapshot->statement_plugins || !snapshot->plugins)
        return -ENOMEM;
    for (size_t i = 0; i < plugin_count; i++) {
        snapshot->lives[i] = plugins[i].life;
        snapshot->plugins[snapshot->plugin_count++] = plugins[i].plugin;
    }
    int status = declared_work_init(snapshot, item_count);
    if (!status)
        status = router_create(&snapshot->router);
    if (!status)
        status = model_set_create(&snapshot->models);
    return status ? status : statement_set_create(&snapshot->statements);
}

int snapshot_create(const struct plugin_view *plugins, size_t plugin_count, struct arena *arena, struct snapshot **ret_snapshot,
                    str *ret_messages) {
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot)
        return -ENOMEM;
    struct compilation compilation = {.snapshot = snapshot, .plugins = plugins, .plugin_count = plugin_count, .arena = arena};
    int status = snapshot_init(snapshot, plugins, plugin_count);
    if (!status)
        status = add_validators(&compilation);
    if (!status)
        status = add_tables(&compilation);
    if (!status)
        status = middleware_collect(&compilation);
    if (!status)
        status = add_all(&compilation);
    if (snapshot->task_count)
        qsort(snapshot->tasks, snapshot->task_count, sizeof *snapshot->tasks, by_address);
    if (status) {
        snapshot_destroy(snapshot);
        *ret_messages = compilation.messages;
        return status;
    }
    call_sites_seal(&snapshot->calls);
    *ret_snapshot = snapshot;
    return 0;
}

int snapshot_describe(struct snapshot *snapshot, const struct openapi_info *info) {
    snapshot->title = arena_format(&snapshot->arena, "%s", info->title);
    snapshot->document = openapi_make(snapshot, info, &snapshot->arena);
    return snapshot->document.ptr ? 0 : -ENOMEM;
}

str snapshot_document(const struct snapshot *snapshot) {
    return snapshot->document;
}

void snapshot_destroy(struct snapshot *snapshot) {
    if (!snapshot)
        return;
    router_destroy(snapshot->router);
    model_set_destroy(snapshot->models);
    statement_set_destroy(snapshot->statements);
    arena_reset(&snapshot->arena);
    arena_pool_finish(&snapshot->pool);
    free(snapshot);
}

bool snapshot_has_starts(const struct snapshot *snapshot) {
    return snapshot->start_count;
}

struct statement_set *snapshot_statements(struct snapshot *snapshot) {
    return snapshot->statements;
}

const char *snapshot_statement_plugin(const struct snapshot *snapshot, size_t index) {
    return snapshot->statement_plugins[index];
}

size_t snapshot_endpoint_count(const struct snapshot *snapshot) {
    return snapshot->endpoint_count;
}

const struct endpoint *snapshot_endpoint(const struct snapshot *snapshot, size_t index) {
    return &snapshot->endpoints[index];
}

const leat_route *endpoint_route(const struct endpoint *endpoint) {
    return endpoint->route;
}

const char *endpoint_path(const struct endpoint *endpoint) {
    return endpoint->path;
}

const leat_plugin *endpoint_plugin(const struct endpoint *endpoint) {
    return endpoint->plugin;
}
