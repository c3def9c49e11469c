// db.c — leat db: the plugins' migrations, applied, told and undone.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/workspace.h"
#include "db/migrate.h"

enum { EXIT_PENDING = 3 };

static int say(int status, const struct migration_report *report) {
    fwrite(report->text.ptr ? report->text.ptr : "", 1, report->text.len, stdout);
    if (report->failure.len)
        fprintf(stderr, "%.*s%s", (int)report->failure.len, report->failure.ptr,
                report->failure.ptr[report->failure.len - 1] == '\n' ? "" : "\n");
    else if (status < 0)
        fprintf(stderr, "leat: error: %s\n", strerror(-status));
    return status < 0 ? 1 : 0;
}

static int up(struct workspace *workspace, char **arguments) {
    (void)arguments;
    struct migration_report report = {0};
    int status =
        migrate_up(workspace->config.app.db.conninfo, workspace->migrations, workspace->migration_count, workspace->arena, &report);
    int code = say(status, &report);
    if (code == 0 && report.applied_count == 0)
        puts("nothing to apply");
    return code;
}

static int tell(struct workspace *workspace, char **arguments) {
    (void)arguments;
    struct migration_report report = {0};
    int status =
        migrate_status(workspace->config.app.db.conninfo, workspace->migrations, workspace->migration_count, workspace->arena, &report);
    int code = say(status, &report);
    if (code == 0)
        printf("%u pending\n", report.pending_count);
    return code == 0 && report.pending_count ? EXIT_PENDING : code;
}

static int down(struct workspace *workspace, char **arguments) {
    const char *plugin = arguments[0], *count_text = plugin ? arguments[1] : NULL;
    char *end = NULL;
    unsigned long count = count_text ? strtoul(count_text, &end, 10) : 1;
    if (!plugin || (count_text && (*end || end == count_text || *count_text == '-' || count == 0 || count > 10000))) {
        fputs("leat: error: leat db down wants a plugin's name, and how many migrations to undo (1 if not said)\n", stderr);
        return 2;
    }
    for (unsigned i = 0; i < workspace->migration_count; i++) {
        if (strcmp(workspace->migrations[i].plugin, plugin))
            continue;
        struct migration_report report = {0};
        int status = migrate_down(workspace->config.app.db.conninfo, &workspace->migrations[i], (unsigned)count, workspace->arena, &report);
        return say(status, &report);
    }
    fprintf(stderr, "leat: error: no plugin '%s' with migrations is loaded; --plugins names the folders they come from\n", plugin);
    return 2;
}

static const struct {
    const char *name;
    int (*run)(struct workspace *workspace, char **arguments);
} actions[] = {{"up", up}, {"status", tell}, {"down", down}};

static int run(const struct invocation *invocation) {
    const char *name = invocation->arguments[0];
    for (size_t i = 0; name && i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(name, actions[i].name))
            continue;
        struct workspace workspace;
        int code = 1;
        if (workspace_open(&workspace, invocation, false) && workspace_start_database(&workspace))
            code = actions[i].run(&workspace, invocation->arguments + 1);
        workspace_close(&workspace);
        return code;
    }
    fprintf(stderr, "leat: error: leat db wants up, status or down%s%s; `leat db --help` shows examples\n", name ? ", and no " : "",
            name ? name : "");
    return 2;
}

static const struct flag flags[] = {FLAGS_OF_PLACE, {0}};

const struct verb verb_db = {
    .name = "db",
    .arguments = "up | status | down PLUGIN [COUNT]",
    .summary = "apply, tell or undo the plugins' migrations",
    .text =
        "Works on the database of DATABASE_URL, or on the private one under var/, which is started for as long as it takes.\n"
        "`status` exits with 3 when migrations are pending. `down` undoes the newest COUNT (1) of one plugin by their .down.sql files.\n"
        "\n"
        "Examples:\n"
        "  leat db status\n"
        "  DATABASE_URL=postgresql://app@db/app leat db up\n"
        "  leat db down posts 2\n",
    .flags = flags,
    .run = run,
};
