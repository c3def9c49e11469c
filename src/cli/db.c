// db.c — leat db: the plugins' migrations, written, applied, told, undone, and compared with what the plugins declare.
#include "cli/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/json_print.h"
#include "db/conninfo.h"

enum { COUNT_MAX = 10000, WAIT_S_MAX = 86400, LOCK_TIMEOUT_MS_MAX = 3600000 };

// ---- what was asked

bool db_has_flag(const struct workspace *workspace, const char *flag) {
    return environment_value(workspace->environment, flag).ptr != NULL;
}

static const char *text_of(const struct workspace *workspace, const char *flag) {
    str value = environment_value(workspace->environment, flag);
    return value.ptr ? arena_format(workspace->arena, "%.*s", (int)value.len, value.ptr).ptr : NULL;
}

static bool read_number(const char *text, long long most, long long *ret_number) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || errno || number > most)
        return false;
    *ret_number = number;
    return *end == '\0' || (*end == '_' && most == INT64_MAX); // a version may be given with its name: 0002_add_bio
}

static int refuse(const char *what) {
    fprintf(stderr, "leat: error: %s; `leat db --help` shows examples\n", what);
    return 2;
}

static bool read_flag(const struct workspace *workspace, const char *flag, long long most, long long *number) {
    const char *text = text_of(workspace, flag);
    if (!text || read_number(text, most, number))
        return true;
    fprintf(stderr, "leat: error: %s wants a whole number%s\n", flag, most == INT64_MAX ? ", a version" : "");
    return false;
}

bool db_order_open(const struct workspace *workspace, enum migration_verb verb, struct migration_order *ret_order) {
    long long version = -1, wait_s = 0, lock_timeout_ms = 0;
    if (!read_flag(workspace, "--to", INT64_MAX, &version) || !read_flag(workspace, "--wait", WAIT_S_MAX, &wait_s) ||
        !read_flag(workspace, "--lock-timeout", LOCK_TIMEOUT_MS_MAX, &lock_timeout_ms))
        return false;
    *ret_order = (struct migration_order){
        .verb = verb,
        .conninfo = workspace->config.app.db.conninfo,
        .folders = workspace->migrations,
        .folder_count = workspace->migration_count,
        .has_version = version >= 0,
        .version = version,
        .count = 1,
        .only_prints = db_has_flag(workspace, "--sql"),
        .only_entries = db_has_flag(workspace, "--json"),
        .wait_ms = (uint32_t)wait_s * 1000,
        .lock_timeout_ms = (uint32_t)lock_timeout_ms,
    };
    return true;
}

// ---- what is said

SCHEMA(ToldMigration, (str, plugin), (i64, version), (str, name), (str, state), (bool, out_of_order), (str, applied_at, .nullable = true),
       (i64, duration_ms), (str, file, .nullable = true));

static ToldMigration told(const struct migration_entry *entry) {
    static const char *const states[] = {
        [MIGRATION_PENDING] = "pending", [MIGRATION_APPLIED] = "applied", [MIGRATION_EDITED] = "edited", [MIGRATION_MISSING] = "missing"};
    ToldMigration migration = {
        .plugin = str_of(entry->plugin),
        .version = entry->version,
        .name = entry->name,
        .state = str_of(states[entry->state]),
        .out_of_order = entry->is_out_of_order,
        .applied_at = entry->applied_at,
        .duration_ms = entry->duration_ms,
        .file = str_of(entry->file),
    };
    migration.null.applied_at = entry->applied_at.len == 0;
    migration.null.file = !entry->file;
    return migration;
}

static void print_json(const struct workspace *workspace, const struct migration_report *report) {
    ToldMigration_list list = {.items = arena_alloc(workspace->arena, (report->entry_count + 1) * sizeof *list.items),
                               .n = report->entry_count};
    if (!list.items)
        return;
    for (unsigned i = 0; i < report->entry_count; i++)
        list.items[i] = told(&report->entries[i]);
    json_print(&ToldMigration_list__schema, &list, workspace->arena);
}

void db_say_failure(int status, str failure) {
    if (failure.len)
        fprintf(stderr, "%.*s%s", (int)failure.len, failure.ptr, failure.ptr[failure.len - 1] == '\n' ? "" : "\n");
    else if (status < 0)
        fprintf(stderr, "leat: error: %s\n", strerror(-status));
}

// Where standard output is for a machine, the lines go to the other.
static int run_order(const struct workspace *workspace, const struct migration_order *order, struct migration_report *ret_report) {
    int status = migrate_run(order, workspace->arena, ret_report);
    bool is_json = db_has_flag(workspace, "--json");
    fwrite(ret_report->text.ptr, 1, ret_report->text.len, is_json || order->only_prints ? stderr : stdout);
    fwrite(ret_report->script.ptr, 1, ret_report->script.len, stdout);
    if (is_json)
        print_json(workspace, ret_report);
    db_say_failure(status, ret_report->failure);
    return status < 0 ? 1 : 0;
}

static int run_and_say(const struct workspace *workspace, const struct migration_order *order, const char *nothing) {
    struct migration_report report;
    int code = run_order(workspace, order, &report);
    if (code == 0 && report.applied_count == 0 && !report.script.len)
        fprintf(db_has_flag(workspace, "--json") || order->only_prints ? stderr : stdout, "%s\n", nothing);
    return code;
}

// ---- the actions

static int wants_plugin(const struct migration_order *order, const char *action) {
    if (order->plugin)
        return 0;
    fprintf(stderr, "leat: error: leat db %s wants a plugin's name; `leat db --help` shows examples\n", action);
    return 2;
}

static int wants_plugin_for_version(const struct migration_order *order) {
    return order->has_version && !order->plugin ? refuse("--to is a version of one plugin: name it") : 0;
}

static int up(struct workspace *workspace, char **arguments) {
    struct migration_order order;
    if (!db_order_open(workspace, MIGRATION_UP, &order))
        return 2;
    order.plugin = arguments[0];
    int code = wants_plugin_for_version(&order);
    return code ? code : run_and_say(workspace, &order, "nothing to apply");
}

static int undo(struct workspace *workspace, char **arguments, enum migration_verb verb, const char *action) {
    struct migration_order order;
    long long count = 1;
    if (!db_order_open(workspace, verb, &order))
        return 2;
    order.plugin = arguments[0];
    int code = wants_plugin(&order, action);
    if (code == 0 && arguments[1] && order.has_version)
        code = refuse("how many to undo, or --to: not both");
    if (code == 0 && arguments[1] && (!read_number(arguments[1], COUNT_MAX, &count) || count == 0))
        code = refuse("how many to undo is a number from 1 on");
    order.count = (unsigned)count;
    return code ? code : run_and_say(workspace, &order, "nothing to undo");
}

static int down(struct workspace *workspace, char **arguments) {
    return undo(workspace, arguments, MIGRATION_DOWN, "down");
}

static int redo(struct workspace *workspace, char **arguments) {
    return undo(workspace, arguments, MIGRATION_REDO, "redo");
}

static int tell(struct workspace *workspace, char **arguments) {
    struct migration_order order;
    struct migration_report report;
    if (!db_order_open(workspace, MIGRATION_STATUS, &order))
        return 2;
    order.plugin = arguments[0];
    int code = run_order(workspace, &order, &report);
    if (code == 0 && !db_has_flag(workspace, "--json"))
        printf("%u pending\n", report.pending_count);
    return code == 0 && report.pending_count ? DB_EXIT_PENDING : code;
}

static int tell_history(struct workspace *workspace, char **arguments) {
    struct migration_order order;
    struct migration_report report;
    if (!db_order_open(workspace, MIGRATION_HISTORY, &order))
        return 2;
    order.plugin = arguments[0];
    return run_order(workspace, &order, &report);
}

static int stamp(struct workspace *workspace, char **arguments) {
    struct migration_order order;
    if (!db_order_open(workspace, MIGRATION_STAMP, &order))
        return 2;
    order.plugin = arguments[0];
    int code = wants_plugin_for_version(&order);
    return code ? code : run_and_say(workspace, &order, "nothing to stamp");
}

// A database of somebody else's is named by who wants it emptied; in production nobody does.
static int check_reset(struct workspace *workspace) {
    if (workspace->config.is_production)
        return refuse("reset drops every table, and this is --production");
    if (!workspace->config.database_url)
        return 0;
    const char *name = conninfo_database(workspace->config.database_url, workspace->arena), *confirmed = text_of(workspace, "--confirm");
    if (name && confirmed && strcmp(name, confirmed) == 0)
        return 0;
    fprintf(
        stderr,
        "leat: error: reset drops every table of the database '%s' that DATABASE_URL names: if you mean it, leat db reset --confirm %s\n",
        name ? name : "?", name ? name : "NAME");
    return 2;
}

static int reset(struct workspace *workspace, char **arguments) {
    struct migration_order order;
    if (arguments[0])
        return refuse("reset takes no plugin: it drops everything");
    if (!db_order_open(workspace, MIGRATION_RESET, &order))
        return 2;
    int code = check_reset(workspace);
    return code ? code : run_and_say(workspace, &order, "dropped everything; there are no migrations");
}

static const struct action {
    const char *name;
    int (*run)(struct workspace *workspace, char **arguments);
    unsigned argument_count_max;
    unsigned wants; // of the workspace
    bool needs_no_database, takes_sql;
} actions[] = {
    {"new", db_new, 2, .wants = WORKSPACE_DRAFTS, .needs_no_database = true, .takes_sql = true},
    {"up", up, 1, .takes_sql = true},
    {"down", down, 2, .takes_sql = true},
    {"redo", redo, 2},
    {"status", tell, 1},
    {"history", tell_history, 1},
    {"check", db_check, 1},
    {"stamp", stamp, 1},
    {"reset", reset, 1},
    {0},
};

static int run_action(const struct invocation *invocation, const struct action *action) {
    char **arguments = invocation->arguments + 1;
    for (unsigned i = 0; i <= action->argument_count_max; i++)
        if (arguments[i] && i == action->argument_count_max) {
            fprintf(stderr, "leat: error: leat db %s takes no '%s'; `leat db --help` shows examples\n", action->name, arguments[i]);
            return 2;
        } else if (!arguments[i]) {
            break;
        }
    if (environment_value(invocation->environment, "--sql").ptr && !action->takes_sql)
        return refuse("--sql is for new, up and down");
    struct workspace workspace;
    int code = 1;
    if (workspace_open(&workspace, invocation, action->wants) && (action->needs_no_database || workspace_start_database(&workspace)))
        code = action->run(&workspace, arguments);
    workspace_close(&workspace);
    return code;
}

static int run(const struct invocation *invocation) {
    const char *name = invocation->arguments[0], *names[sizeof actions / sizeof actions[0]] = {0};
    for (size_t i = 0; actions[i].name; i++) {
        names[i] = actions[i].name;
        if (name && strcmp(name, actions[i].name) == 0)
            return run_action(invocation, &actions[i]);
    }
    const char *near = name ? nearest(name, names) : NULL;
    fprintf(stderr, "leat: error: %s%s%s%s%s; `leat db --help` shows what there is\n",
            name ? "there is no leat db " : "leat db wants an action", name ? name : "", near ? ", did you mean " : "", near ? near : "",
            "");
    return 2;
}

static const struct flag flags[] = {
    {"to", "VERSION", "--to", NULL, false, "up, stamp: up to this version; down: this one stays, 0 undoes all"},
    {"sql", NULL, "--sql", "true", false, "new, up, down: print the SQL, a script for psql, and do nothing"},
    {"json", NULL, "--json", "true", false, "what was done or is so as JSON; what is said besides goes to standard error"},
    {"wait", "SECONDS", "--wait", NULL, false, "wait so long for a database that is not there yet, and for others who migrate it"},
    {"lock-timeout", "MS", "--lock-timeout", NULL, false, "how long a statement waits for a table, five times (5000)"},
    {"empty", NULL, "--empty", "true", false, "new: an empty file, without a look at the database"},
    {"rename", "OLD:NEW", "--rename", NULL, true, "new: what is gone was renamed, TABLE.COLUMN:NEW or TABLE:NEW; may be given again"},
    {"drop", NULL, "--drop", "true", false, "new: drop what is in the database and not declared"},
    {"confirm", "NAME", "--confirm", NULL, false, "reset: the database of DATABASE_URL that is to be emptied"},
    FLAGS_OF_PLACE,
    {"production", NULL, "LEAT_PRODUCTION", "true", false, "refuse what is fine in development only: reset"},
    {0},
};

const struct verb verb_db = {
    .group = VERBS_OF_DATABASE,
    .name = "db",
    .arguments = "ACTION [PLUGIN] ...",
    .summary = "write, apply, tell or undo the plugins' migrations",
    .text =
        "  new PLUGIN NAME          write a migration: what the TABLEs of PLUGIN declare and the database has not, and the way back\n"
        "  up [PLUGIN]              apply what is pending, of PLUGIN and those it requires, or of all\n"
        "  down PLUGIN [COUNT]      undo the newest COUNT (1) of a plugin by their .down.sql files, or all behind --to\n"
        "  redo PLUGIN [COUNT]      undo them and apply them again\n"
        "  status [PLUGIN]          what is applied and what is pending\n"
        "  history [PLUGIN]         what was applied, in that order\n"
        "  check [PLUGIN]           say where the database is not as the TABLEs declare it\n"
        "  stamp [PLUGIN]           count files as applied, as they are now, and run nothing\n"
        "  reset                    in development: drop everything and apply all\n"
        "\n"
        "Works on the database of DATABASE_URL, or on the private one under var/, which is started for as long as it takes. Killed at any\n"
        "time, the next run goes on where it ended; any number may run at once.\n"
        "\n"
        "Exit status: 0 done, or up to date; 1 it failed, and says why; 2 called wrongly; 3 migrations are pending;\n"
        "4 check: the database is not as it is declared.\n"
        "\n"
        "Examples:\n"
        "  leat db new users add_bio\n"
        "  leat db new users call_it_name --rename users.full_name:name\n"
        "  leat db check && leat db status --json\n"
        "  DATABASE_URL=postgresql://app@db/app leat db up --wait 60\n"
        "  leat db up posts --to 20261120093000\n"
        "  leat db up --sql > release.sql\n"
        "  leat db down posts 2\n",
    .flags = flags,
    .run = run,
};
