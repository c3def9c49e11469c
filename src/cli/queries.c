// queries.c — leat queries: every SQL statement of the plugins, where it is written, and what goes in and comes out.
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/json_print.h"
#include "cli/workspace.h"
#include "db/inspect.h"

SCHEMA(ListedValue, (str, name), (str, c_type, .nullable = true), (str, type, .nullable = true));
SCHEMA(ListedQuery, (str, plugin), (str, file), (i64, line), (str, function), (bool, writes), (str, text), (str, sql),
       (ListedValue_list, parameters), (ListedValue_list, columns));

static ListedValue_list listed_values(const struct inspected_value *values, unsigned count, struct arena *arena) {
    ListedValue_list list = {.items = arena_alloc(arena, (count + 1) * sizeof *list.items)};
    for (; list.items && list.n < count; list.n++) {
        const struct inspected_value *value = &values[list.n];
        ListedValue *listed = &list.items[list.n];
        *listed = (ListedValue){.name = str_of(value->name), .c_type = str_of(value->c_type), .type = str_of(value->type)};
        listed->null.c_type = !value->c_type;
        listed->null.type = !value->type;
    }
    return list;
}

static ListedQuery listed(const struct inspection *inspection, const char *plugin, struct arena *arena) {
    const leat_query *query = inspection->query;
    return (ListedQuery){
        .plugin = str_of(plugin),
        .file = str_of(query->base.file),
        .line = query->base.line,
        .function = str_of(query->func),
        .writes = inspection->is_write,
        .text = str_of(query->sql),
        .sql = inspection->sql,
        .parameters = listed_values(inspection->parameters, inspection->parameter_count, arena),
        .columns = listed_values(inspection->columns, inspection->column_count, arena),
    };
}

static int print_json(const struct workspace *workspace, const struct inspection *inspections) {
    const struct snapshot *snapshot = workspace->plugins->snapshot;
    size_t count = statement_count(snapshot_statements(workspace->plugins->snapshot));
    ListedQuery_list list = {.items = arena_alloc(workspace->arena, (count + 1) * sizeof *list.items)};
    if (!list.items)
        return 1;
    for (; list.n < count; list.n++)
        list.items[list.n] = listed(&inspections[list.n], snapshot_statement_plugin(snapshot, list.n), workspace->arena);
    return json_print(&ListedQuery_list__schema, &list, workspace->arena);
}

static void print_values(const char *title, const struct inspected_value *values, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        printf("%s%s%s%s%s%s", i ? ", " : title, values[i].name, *values[i].name ? " " : "", values[i].c_type ? values[i].c_type : "-",
               values[i].type ? " = " : "", values[i].type ? values[i].type : "");
    if (count)
        putchar('\n');
}

static int print_lines(const struct workspace *workspace, const struct inspection *inspections) {
    size_t count = statement_count(snapshot_statements(workspace->plugins->snapshot));
    for (size_t i = 0; i < count; i++) {
        const leat_query *query = inspections[i].query;
        printf("%s:%u: %s\n    %s\n", query->base.file, query->base.line, query->func, query->sql);
        print_values("    in:  ", inspections[i].parameters, inspections[i].parameter_count);
        print_values("    out: ", inspections[i].columns, inspections[i].column_count);
    }
    return 0;
}

static int print(struct workspace *workspace) {
    bool asks = environment_value(workspace->environment, "--db").ptr;
    struct inspection *inspections = NULL;
    str failure = S("out of memory");
    if (asks && !workspace_start_database(workspace))
        return 1;
    int status = statement_set_inspect(snapshot_statements(workspace->plugins->snapshot), asks ? workspace->config.app.db.conninfo : NULL,
                                       false, workspace->arena, &inspections, &failure);
    if (status < 0) {
        fprintf(stderr, "leat: error: %.*s\n", (int)failure.len, failure.ptr);
        return 1;
    }
    return environment_value(workspace->environment, "--json").ptr ? print_json(workspace, inspections)
                                                                   : print_lines(workspace, inspections);
}

static int run(const struct invocation *invocation) {
    struct workspace workspace;
    int code = workspace_open(&workspace, invocation, WORKSPACE_LOOKS) && workspace_compile(&workspace) ? print(&workspace) : 1;
    workspace_close(&workspace);
    return code;
}

static const struct flag flags[] = {
    {"json", NULL, "--json", "true", false, "as a JSON list"},
    {"db", NULL, "--db", "true", false, "with the types that the database says: DATABASE_URL, or the private one under var/"},
    FLAGS_OF_PLACE,
    {0},
};

const struct verb verb_queries = {
    .group = VERBS_OF_DATABASE,
    .name = "queries",
    .arguments = "",
    .summary = "list every SQL statement, its parameters and columns, and where it is written",
    .text = "Each with its file and line, the function that it stands in, its text, and the C types of what goes in and comes out. In JSON "
            "`sql` is\n"
            "the text that Postgres sees, with {*} and {set} written out.\n"
            "\n"
            "Exit status: 0; 1 the plugins cannot be loaded, or there is no database for --db; 2 called wrongly.\n"
            "\n"
            "Examples:\n"
            "  leat queries\n"
            "  leat queries --db\n"
            "  leat queries --json | jq -r '.[] | select(.writes) | \"\\(.file):\\(.line) \\(.function)\"'\n",
    .flags = flags,
    .run = run,
};
