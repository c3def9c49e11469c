// loading.c — the next generation of plugins, loaded and checked beside the one that serves.
#include "cli/loading.h"
#include "cli/trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/migrate.h"
#include "host/watch.h"

enum { LOAD_BYTES_MAX = 64 << 20 };

void loading_init(struct loading *loading, const struct workspace *workspace) {
    *loading = (struct loading){0};
    arena_pool_init(&loading->pool, 0);
    arena_init(&loading->arena, &loading->pool, LOAD_BYTES_MAX);
    messages_init(&loading->messages, &loading->arena);
    loading->refused = workspace->config.is_strict ? NULL : arena_alloc(&loading->arena, sizeof *loading->refused);
    if (loading->refused)
        refused_init(loading->refused, &loading->arena);
}

void loading_finish(struct loading *loading) {
    arena_reset(&loading->arena);
    arena_pool_finish(&loading->pool);
}

bool loading_leave_out(struct loading *loading) {
    if (!plugin_set_leave_out(loading->next, loading->refused))
        return false;
    plugin_set_close(loading->next);
    loading->next = NULL;
    return true;
}

bool loading_has_refused(const struct loading *loading) {
    return loading->refused && loading->refused->count + loading->refused->uncounted > 0;
}

// ---- migrations

static const struct plugin *find_new(const struct plugin_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++)
        if (!strcmp(set->plugins[i]->entry.name, name) && set->plugins[i]->generation == set->generation)
            return set->plugins[i];
    return NULL;
}

static unsigned count_of(const struct migration_report *report, const char *plugin, enum migration_state state) {
    unsigned count = 0;
    for (unsigned i = 0; i < report->entry_count; i++)
        count += report->entries[i].state == state && !strcmp(report->entries[i].plugin, plugin);
    return count;
}

// What serves already serves on, whatever became of its migrations: those of plugins that are new count.
static int refuse_pending(struct loading *loading, const struct migration_report *report) {
    int status = 0;
    for (size_t i = 0; i < loading->next->count; i++) {
        struct plugin *plugin = loading->next->plugins[i];
        unsigned pending = find_new(loading->next, plugin->entry.name) ? count_of(report, plugin->entry.name, MIGRATION_PENDING) : 0;
        size_t said = loading->messages.bytes;
        if (!pending)
            continue;
        messages_add(&loading->messages, "%s: error: %u migrations of '%s' are not applied; apply them with `leat db up`", plugin->path,
                     pending, plugin->entry.name);
        plugin_blame(plugin, messages_since(&loading->messages, said));
        status = -EINVAL;
    }
    return status;
}

// The plugin of the first migration that is not as it should be: there it stopped.
static const char *first_wrong(const struct migration_report *report) {
    for (unsigned i = 0; i < report->entry_count; i++)
        if (report->entries[i].state == MIGRATION_EDITED)
            return report->entries[i].plugin;
    for (unsigned i = 0; i < report->entry_count; i++)
        if (report->entries[i].state == MIGRATION_PENDING)
            return report->entries[i].plugin;
    return NULL;
}

// True where it is no newcomer's: it is logged then, and is no reason to refuse anybody.
static int refuse_failed(struct loading *loading, str failure, const char *plugin) {
    const struct plugin *newcomer = plugin ? find_new(loading->next, plugin) : NULL;
    if (plugin && !newcomer) {
        log_line(LOG_ERROR, "migration_failed", "plugin=%s why=\"%.*s\"", plugin, (int)failure.len, failure.ptr);
        return 0;
    }
    messages_add_lines(&loading->messages, failure);
    if (newcomer)
        plugin_blame((struct plugin *)newcomer, arena_format(&loading->arena, "%.*s\n", (int)failure.len, failure.ptr));
    return -EINVAL;
}

static int migrate(const struct workspace *workspace, struct loading *loading) {
    struct migration_folder *folders;
    unsigned count;
    struct migration_report report = {0}, there = {0};
    const char *conninfo = workspace->config.app.db.conninfo;
    int status = plugin_set_migrations(loading->next, workspace->config.root, &loading->arena, &loading->messages, &folders, &count);
    if (status < 0)
        return status;
    status = workspace->cluster ? migrate_up(conninfo, folders, count, &loading->arena, &report)
                                : migrate_status(conninfo, folders, count, &loading->arena, &report);
    if (status == -EINVAL) {
        migrate_status(conninfo, folders, count, &loading->arena, &there);
        return refuse_failed(loading, report.failure, first_wrong(&there));
    }
    if (status == 0 && !workspace->cluster && report.pending_count)
        return refuse_pending(loading, &report);
    if (status == 0 && workspace->cluster && report.applied_count)
        log_line(LOG_INFO, "migrations_applied", "count=%u", report.applied_count);
    return status == -ENOMEM ? status : 0; // no database now: its links will say so
}

static int check(const struct workspace *workspace, struct loading *loading) {
    str failure = {0};
    int status = plugin_set_check(loading->next, workspace->config.app.db.conninfo, &loading->messages, &failure);
    return status == -EINVAL ? status : 0;
}

// ---- one attempt after the other

// Nothing of the file was found: neither what serves from it, nor another plugin, nor a choice about it.
static bool was_missed(const struct plugin_set *next, const struct plugin *plugin) {
    for (size_t i = 0; i < next->count; i++)
        if (!strcmp(next->plugins[i]->path, plugin->path))
            return false;
    for (size_t i = 0; i < next->left_out_count; i++)
        if (!strcmp(next->left_out[i].name, plugin->entry.name))
            return false;
    return plugin->handle;
}

// Installers and linkers remove a file before they write the next: one that went a moment ago may be there in another, or is by now.
static bool may_be_back(const char *path) {
    struct stat status;
    char folder[4096];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (lstat(path, &status) == 0)
        return true;
    if (stat(folder, &status) < 0)
        return false;
    int64_t changed_ms = status.st_mtim.tv_sec * INT64_C(1000) + status.st_mtim.tv_nsec / 1000000, now_ms = clock_wall_us() / 1000;
    return now_ms >= changed_ms && now_ms - changed_ms < WATCH_GONE_MS;
}

static bool has_any_just_gone(const struct plugin_set *next, const struct plugin_set *before) {
    for (size_t i = 0; i < before->count; i++)
        if (was_missed(next, before->plugins[i]) && may_be_back(before->plugins[i]->path))
            return true;
    return false;
}

static int attempt(const struct workspace *workspace, const struct plugin_set_options *set, bool is_patient, struct loading *loading) {
    int status = plugin_set_open(set, &loading->messages, &loading->next);
    if (status == 0 && is_patient && has_any_just_gone(loading->next, workspace->plugins))
        return -EAGAIN;
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
        .refused = loading->refused,
    };
    if (!loading->is_tried && trial_run(workspace, options->choices, NULL, loading->refused, &loading->messages) == -EINVAL)
        return -EINVAL;
    loading->is_tried = true;
    int status;
    do
        status = attempt(workspace, &set, options->is_patient, loading);
    while (status == -EINVAL && loading_leave_out(loading));
    return status;
}
