// routes.c — leat routes: every route that would be served, and where it is written.
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/json_print.h"
#include "cli/workspace.h"

SCHEMA(ListedRoute, (str, method), (str, path), (str, handler), (str, plugin), (str, file), (i64, line), (i64, p99_budget_us));

static ListedRoute listed(const struct endpoint *endpoint) {
    static const char *const methods[] = {
        [LEAT_GET] = "GET", [LEAT_POST] = "POST", [LEAT_PUT] = "PUT", [LEAT_PATCH] = "PATCH", [LEAT_DELETE] = "DELETE"};
    const leat_route *route = endpoint_route(endpoint);
    return (ListedRoute){
        .method = str_of(methods[route->method]),
        .path = str_of(endpoint_path(endpoint)),
        .handler = str_of(route->name),
        .plugin = str_of(endpoint_plugin(endpoint)->name),
        .file = str_of(route->base.file),
        .line = route->base.line,
        .p99_budget_us = route->p99_budget_us,
    };
}

static void print_lines(const ListedRoute_list *routes) {
    int path = 0, handler = 0;
    for (size_t i = 0; i < routes->n; i++) {
        path = (int)routes->items[i].path.len > path ? (int)routes->items[i].path.len : path;
        handler = (int)routes->items[i].handler.len > handler ? (int)routes->items[i].handler.len : handler;
    }
    for (size_t i = 0; i < routes->n; i++) {
        const ListedRoute *route = &routes->items[i];
        printf("%-6s %-*s  %-*s  %s:%ld\n", route->method.ptr, path, route->path.ptr, handler, route->handler.ptr, route->file.ptr,
               (long)route->line);
    }
}

static int print(struct workspace *workspace) {
    const struct snapshot *snapshot = workspace->plugins->snapshot;
    ListedRoute_list routes = {.n = snapshot_endpoint_count(snapshot)};
    routes.items = arena_alloc(workspace->arena, (routes.n + 1) * sizeof *routes.items);
    if (!routes.items)
        return 1;
    for (size_t i = 0; i < routes.n; i++)
        routes.items[i] = listed(snapshot_endpoint(snapshot, i));
    if (environment_value(workspace->environment, "--json").ptr)
        return json_print(&ListedRoute_list__schema, &routes, workspace->arena);
    print_lines(&routes);
    return 0;
}

static int run(const struct invocation *invocation) {
    struct workspace workspace;
    int code = workspace_open(&workspace, invocation, WORKSPACE_LOOKS) && workspace_compile(&workspace) ? print(&workspace) : 1;
    workspace_close(&workspace);
    return code;
}

static const struct flag flags[] = {
    {"json", NULL, "--json", "true", false, "as a JSON list"},
    FLAGS_OF_PLACE,
    {0},
};

const struct verb verb_routes = {
    .name = "routes",
    .arguments = "",
    .summary = "list every route, its handler and where it is written",
    .text = "Needs no database.\n"
            "\n"
            "Examples:\n"
            "  leat routes\n"
            "  leat routes --json | jq -r '.[].path'\n",
    .flags = flags,
    .run = run,
};
