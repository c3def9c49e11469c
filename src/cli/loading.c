// loading.c — the next generation of plugins, loaded and checked beside the one that serves.
#include "cli/loading.h"
#include "cli/trial.h"

#include <errno.h>

#include "base/log.h"
#include "db/migrate.h"

enum { LOAD_BYTES_MAX = 64 << 20 };

void loading_init(struct loading *loading) {
    loading->next = NULL;
    arena_pool_init(&loading->pool, 0);
    arena_init(&loading->arena, &loading->pool, LOAD_BYTES_MAX);
    messages_init(&loading->messages, &loading->arena);
}

void loading_finish(struct loading *loading) {
    arena_reset(&loading->arena);
    arena_pool_finish(&loading->pool);
}

static int migrate(const struct workspace *workspace, struct loading *loading) {
    struct migration_folder *folders;
    unsigned count;
    struct migration_report report = {0};
    const char *conninfo = workspace->config.app.db.conninfo;
    int status = plugin_set_migrations(loading->next, workspace->config.root, &loading->arena, &loading->messages, &folders, &count);
    if (status < 0)
        return status;
    status = workspace->cluster ? migrate_up(conninfo, folders, count, &loading->arena, &report)
                                : migrate_status(conninfo, folders, count, &loading->arena, &report);
    if (status == -EINVAL)
        messages_add_lines(&loading->messages, report.failure);
    else if (!workspace->cluster && report.pending_count) {
        messages_add(&loading->messages, "leat: error: %u migrations are not applied; apply them with `leat db up`", report.pending_count);
        status = -EINVAL;
    }
    if (status == 0 && workspace->cluster && report.applied_count)
        log_line(LOG_INFO, "migrations_applied", "count=%u", report.applied_count);
    return status == -EINVAL || status == -ENOMEM ? status : 0; // no database now: its links will say so
}

static int check(const struct workspace *workspace, struct loading *loading) {
    str failure = {0};
    int status = plugin_set_check(loading->next, workspace->config.app.db.conninfo, &loading->messages, &failure);
    return status == -EINVAL ? status : 0;
}

int loading_run(const struct workspace *workspace, const struct loading_options *options, struct loading *loading) {
    struct plugin_set_options set = {
        .folders = workspace->config.folders,
        .folder_count = workspace->config.folder_count,
        .private_folder = arena_format(&loading->arena, "%s/plugins", workspace->var).ptr,
        .builtins = workspace->builtins,
        .generation = options->generation,
        .choices = options->choices,
        .anew = options->anew,
        .previous = workspace->plugins,
    };
    if (trial_run(workspace, options->choices, &loading->messages) == -EINVAL)
        return -EINVAL;
    int status = plugin_set_open(&set, &loading->messages, &loading->next);
    if (status < 0 || plugin_set_is_same(loading->next, workspace->plugins))
        return status < 0 ? status : -EALREADY;
    status = plugin_set_bind(loading->next, workspace->environment, &loading->messages);
    if (status == 0)
        status = plugin_set_compile(loading->next, &workspace->config.api, &loading->messages);
    if (status == 0)
        status = migrate(workspace, loading);
    if (status == 0)
        status = check(workspace, loading);
    if (status == 0)
        status = plugin_set_start(loading->next, &loading->messages);
    return status;
}
