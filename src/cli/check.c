// check.c — leat check: what the compiler cannot see of the plugins, in its shape.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <leat/database.h>

#include "cli/findings.h"
#include "cli/workspace.h"
#include "db/inspect.h"

enum { ROW_COUNT_USUAL = 1000 };

// A check of the plugins, and what it found.
struct checking {
    struct workspace *workspace;
    struct inspection *inspections; // of each statement
    size_t statement_count;
    double row_count; // of a table that may not be scanned
    struct findings findings;
};

static bool has_flag(const struct checking *checking, const char *flag) {
    return environment_value(checking->workspace->environment, flag).ptr != NULL;
}

// ---- two writes that are not one

// A function of an author's that is handed its lanes: a handler, or what a PROVIDE makes.
struct unit {
    const char *name, *file;
    const leat_param *params;
    unsigned param_count;
};

static bool takes(const struct unit *unit, const leat_provider *provider) {
    for (unsigned i = 0; i < unit->param_count; i++) {
        const leat_param *param = (const leat_param *)((const char *)unit->params + (size_t)i * unit->params->size);
        if (param->in == LEAT_IN_DEPENDS && param->provider == provider)
            return true;
    }
    return false;
}

static bool is_of(const leat_query *query, const struct unit *unit) {
    return strcmp(query->func, unit->name) == 0 && strcmp(query->base.file, unit->file) == 0;
}

// What it writes itself: what it calls is written elsewhere, and may be called by others.
static void check_writes(struct checking *checking, const struct unit *unit) {
    const leat_query *first = NULL;
    if (!takes(unit, &get_db__provider) || takes(unit, &get_tx__provider))
        return;
    for (size_t i = 0; i < checking->statement_count; i++) {
        const leat_query *query = checking->inspections[i].query;
        if (!checking->inspections[i].is_write || !is_of(query, unit))
            continue;
        if (first)
            findings_add(
                &checking->findings, LEVEL_ERROR, query->base.file, query->base.line,
                "'%s' writes here and at line %u, each in a transaction of its own: where one fails the other stays; depends(get_tx, "
                "db) makes them one",
                unit->name, first->base.line);
        first = first ? first : query;
    }
}

// What it writes can go nowhere but to the read lane, where Postgres refuses it.
static void check_reads(struct checking *checking, const struct unit *unit) {
    if (!takes(unit, &get_read__provider) || takes(unit, &get_db__provider) || takes(unit, &get_tx__provider))
        return;
    for (size_t i = 0; i < checking->statement_count; i++) {
        const leat_query *query = checking->inspections[i].query;
        if (checking->inspections[i].is_write && is_of(query, unit))
            findings_add(&checking->findings, LEVEL_ERROR, query->base.file, query->base.line,
                         "'%s' writes here, but get_read only reads: depends(get_db, db), or get_tx where several are one", unit->name);
    }
}

static void check_unit(struct checking *checking, const struct unit *unit) {
    check_writes(checking, unit);
    check_reads(checking, unit);
}

static void check_item(struct checking *checking, const leat_item *item) {
    const leat_route *route = (const leat_route *)item;
    const leat_provider *provider = (const leat_provider *)item;
    if (item->kind == LEAT_ITEM_ROUTE)
        check_unit(checking, &(struct unit){route->name, item->file, route->params, route->nparams});
    if (item->kind == LEAT_ITEM_PROVIDER)
        check_unit(checking, &(struct unit){provider->name, item->file, provider->params, provider->nparams});
}

static void check_items(struct checking *checking) {
    const struct plugin_set *set = checking->workspace->plugins;
    for (size_t i = 0; i < set->count; i++)
        for (size_t n = 0; n < set->plugins[i]->item_count; n++)
            check_item(checking, set->plugins[i]->items[n]);
}

// ---- the database

static void check_scans(struct checking *checking, const struct inspection *inspection) {
    for (unsigned i = 0; i < inspection->scan_count; i++) {
        const struct scan *scan = &inspection->scans[i];
        const leat_item *at = &inspection->query->base;
        // of a table that is nearly empty every plan is a scan
        if (scan->row_count >= checking->row_count && scan->has_no_index)
            findings_add(&checking->findings, LEVEL_ERROR, at->file, at->line, "this reads all of %s, some %.0f rows: no index serves it",
                         scan->table, scan->row_count);
        else if (scan->row_count >= checking->row_count && scan->row_count >= ROW_COUNT_USUAL)
            findings_add(&checking->findings, LEVEL_WARNING, at->file, at->line,
                         "this reads all of %s, some %.0f rows, though an index would serve it: Postgres expects to need most of them",
                         scan->table, scan->row_count);
        else if (scan->has_no_index)
            findings_add(&checking->findings, LEVEL_NOTE, at->file, at->line,
                         "no index serves this: it reads all of %s, however many rows there will be", scan->table);
    }
}

static int check_statements(struct checking *checking) {
    struct workspace *workspace = checking->workspace;
    str failure = S("");
    unsigned before = workspace->messages.count;
    size_t bytes = workspace->messages.bytes;
    int status = plugin_set_check(workspace->plugins, workspace->config.app.db.conninfo, &workspace->messages, &failure);
    if (status < 0 && status != -EINVAL)
        findings_add(&checking->findings, LEVEL_ERROR, "leat", 0, "%.*s", (int)failure.len, failure.len ? failure.ptr : "");
    str all = messages_text(&workspace->messages);
    if (workspace->messages.count > before)
        findings_add_lines(&checking->findings, (str){all.ptr + bytes, all.len - bytes});
    return status < 0 && status != -EINVAL ? 1 : 0;
}

static int inspect(struct checking *checking, bool asks) {
    struct workspace *workspace = checking->workspace;
    struct statement_set *statements = snapshot_statements(workspace->plugins->snapshot);
    str failure = S("out of memory");
    checking->statement_count = statement_count(statements);
    int status = statement_set_inspect(statements, asks ? workspace->config.app.db.conninfo : NULL, has_flag(checking, "--explain"),
                                       workspace->arena, &checking->inspections, &failure);
    if (status < 0)
        findings_add(&checking->findings, LEVEL_ERROR, "leat", 0, "%.*s", (int)failure.len, failure.ptr);
    return status < 0 ? 1 : 0;
}

static int check_all(struct checking *checking) {
    bool asks = has_flag(checking, "--db") || has_flag(checking, "--explain");
    int code = asks ? check_statements(checking) : 0;
    if (code == 0)
        code = inspect(checking, asks);
    if (code)
        return code;
    check_items(checking);
    for (size_t i = 0; has_flag(checking, "--explain") && i < checking->statement_count; i++)
        check_scans(checking, &checking->inspections[i]);
    return checking->findings.error_count ? 1 : 0;
}

// ---- what is said

static void print_lines(const struct checking *checking) {
    findings_print(&checking->findings);
    const struct snapshot *snapshot = checking->workspace->plugins->snapshot;
    if (!checking->findings.error_count)
        printf("%zu plugins, %zu routes and %zu statements are good\n", checking->workspace->plugins->count,
               snapshot_endpoint_count(snapshot), checking->statement_count);
}

// What refuses the plugins has been said on standard error; in JSON it is said again.
static int load(struct checking *checking, const struct invocation *invocation) {
    bool asks = has_flag(checking, "--db") || has_flag(checking, "--explain");
    struct workspace *workspace = checking->workspace;
    if (workspace_open(workspace, invocation, asks ? 0 : WORKSPACE_LOOKS) && workspace_compile(workspace) &&
        (!asks || workspace_start_database(workspace)))
        return 0;
    findings_add_lines(&checking->findings, messages_text(&workspace->messages));
    return 1;
}

static int read_row_count(struct checking *checking) {
    str given = environment_value(checking->workspace->environment, "--rows");
    const char *text = given.ptr ? arena_format(checking->workspace->arena, "%.*s", (int)given.len, given.ptr).ptr : NULL;
    char *end = NULL;
    checking->row_count = text ? strtod(text, &end) : ROW_COUNT_USUAL;
    if (!text || (*text >= '0' && *text <= '9' && !*end))
        return 0;
    fputs("leat: error: --rows wants a number of rows\n", stderr);
    return 2;
}

static int run(const struct invocation *invocation) {
    struct workspace workspace = {.arena = invocation->arena, .environment = invocation->environment};
    struct checking checking = {.workspace = &workspace};
    int code = findings_init(&checking.findings, invocation->arena) < 0 ? 1 : read_row_count(&checking);
    if (code)
        return code;
    bool is_loaded = (code = load(&checking, invocation)) == 0;
    if (is_loaded)
        code = check_all(&checking);
    if (has_flag(&checking, "--json"))
        findings_print_json(&checking.findings);
    else if (is_loaded)
        print_lines(&checking);
    workspace_close(&workspace);
    return code;
}

static const struct flag flags[] = {
    {"db", NULL, "--db", "true", false, "have the database check every statement: DATABASE_URL, or the private one under var/"},
    {"explain", NULL, "--explain", "true", false, "ask for the plan of every statement too, and say which read whole tables"},
    {"rows", "N", "--rows", NULL, false, "--explain: a table of so many rows may not be read whole (1000); of a smaller one it is a note"},
    {"json", NULL, "--json", "true", false, "as a JSON list"},
    FLAGS_OF_PLACE,
    {0},
};

const struct verb verb_check = {
    .group = VERBS_FOR_AUTHORS,
    .name = "check",
    .arguments = "",
    .summary = "say what the compiler cannot see: paths, imports, SQL, writes that are not one transaction",
    .text = "Loads the plugins as the server does, without serving: settings, paths, imports, the text of SQL. A handler that writes twice "
            "on get_db\n"
            "is refused, since one of the two may fail, and one that writes on get_read. With --db every statement is prepared and its "
            "types compared; with --explain its "
            "plan is\n"
            "asked for, as a prepared statement has it, and nothing runs.\n"
            "\n"
            "Exit status: 0 all is good, warnings and notes included; 1 something is wrong; 2 called wrongly.\n"
            "\n"
            "Examples:\n"
            "  leat check\n"
            "  leat db up && leat check --db\n"
            "  DATABASE_URL=postgresql://readonly@replica/app leat check --explain --rows 10000\n",
    .flags = flags,
    .run = run,
};
