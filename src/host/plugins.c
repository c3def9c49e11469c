// plugins.c — the plugins of one generation: found, ordered, checked against one another, started together; ended in reverse.
#include "plugins.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "host/gather.h"
#include "host/log_level.h"
#include "host/needs.h"
#include "host/settings.h"

enum { SET_BYTES_MAX = 64 << 20 };

static int worse(int status, int result) {
    return status == -ENOMEM || result == 0 ? status : result;
}

static struct plugin_set *create(void) {
    struct plugin_set *set = calloc(1, sizeof *set);
    if (!set)
        return NULL;
    arena_pool_init(&set->pool, 16);
    arena_init(&set->arena, &set->pool, SET_BYTES_MAX);
    return set;
}

int plugin_set_open(const struct plugin_set_options *options, struct messages *messages, struct plugin_set **ret_set) {
    struct plugin_set *set = create();
    if (!set)
        return -ENOMEM;
    set->generation = options->generation;
    struct gathering gathering = {set, options, messages};
    int status = gather(&gathering);
    if (status == 0) // a plugin that was refused would only be missed as well
        status = needs_settle(&gathering);
    if (status < 0) {
        plugin_set_close(set);
        return status;
    }
    *ret_set = set;
    return 0;
}

static bool is_new(const struct plugin_set *set, const struct plugin *plugin) {
    return plugin->generation == set->generation;
}

bool plugin_set_is_same(const struct plugin_set *set, const struct plugin_set *previous) {
    for (size_t i = 0; i < set->count; i++)
        if (is_new(set, set->plugins[i]))
            return false;
    return set->count == previous->count;
}

// ---- what speaks against those that are new

void plugin_blame_for_now(struct plugin *plugin, str lines) {
    plugin->may_pass = true;
    plugin_blame(plugin, lines);
}

void plugin_blame(struct plugin *plugin, str lines) {
    str before = plugin->verdict;
    if (plugin->handle)
        plugin->verdict = arena_format(&plugin->arena, "%.*s%.*s", (int)before.len, before.ptr ? before.ptr : "", (int)lines.len,
                                       lines.ptr ? lines.ptr : "");
}

bool plugin_set_has(const struct plugin_set *set, const struct plugin *plugin) {
    for (size_t i = 0; i < set->count; i++)
        if (set->plugins[i] == plugin)
            return true;
    return false;
}

struct plugin *plugin_set_plugin_of(const struct plugin_set *set, const leat_plugin *entry) {
    for (size_t i = 0; entry && i < set->count; i++)
        if (&set->plugins[i]->entry == entry)
            return set->plugins[i];
    return NULL;
}

bool plugin_set_leave_out(const struct plugin_set *set, struct refused_files *refused) {
    bool any = false;
    for (size_t i = 0; set && refused && i < set->count; i++) {
        const struct plugin *plugin = set->plugins[i];
        struct refused_file file = {
            .path = plugin->path, .name = plugin->entry.name, .why = plugin->verdict, .mark = plugin->mark, .may_pass = plugin->may_pass};
        if (is_new(set, plugin) && plugin->verdict.len)
            any |= refused_add(refused, &file) != NULL;
    }
    return any;
}

// ---- bound and compiled

// At the start a LOG_LEVEL_USERS that is wrong is wrong as any setting of the server's; later it is the newcomer's.
static int bind(const struct plugin_set *set, struct plugin *plugin, const struct environment *environment, struct messages *messages) {
    size_t said = messages->bytes;
    int status = settings_bind(plugin, environment, messages);
    if (status == -EINVAL)
        plugin_blame(plugin, messages_since(messages, said));
    said = messages->bytes;
    int level = log_level_bind(plugin->entry.name, environment, messages);
    if (level == -EINVAL && set->generation > 1)
        plugin_blame(plugin, messages_since(messages, said));
    return worse(status, level);
}

int plugin_set_bind(struct plugin_set *set, const struct environment *environment, struct messages *messages) {
    int status = 0;
    for (size_t i = 0; i < set->count; i++)
        if (is_new(set, set->plugins[i]))
            status = worse(status, bind(set, set->plugins[i], environment, messages));
    return status;
}

// The server's own pages: the scripts of both lie below the first that is served, and neither is of use without the document.
static const struct route_place *places_of_pages(const struct openapi_info *info, struct arena *arena) {
    const char *openapi = info->openapi_url ? info->openapi_url : "/openapi.json";
    const char *docs = !*openapi ? "" : info->docs_url ? info->docs_url : "/docs";
    const char *redoc = !*openapi ? "" : info->redoc_url ? info->redoc_url : "/redoc";
    const char *base = *docs ? docs : redoc;
    const char *files = *base ? arena_format(arena, "%s/files", base).ptr : "";
    struct route_place *places = arena_alloc(arena, 5 * sizeof *places);
    if (!places || !files)
        return NULL;
    places[0] = (struct route_place){"/docs/files", files, *docs ? "DOCS_URL" : "REDOC_URL"};
    places[1] = (struct route_place){"/docs", docs, "DOCS_URL"};
    places[2] = (struct route_place){"/redoc", redoc, "REDOC_URL"};
    places[3] = (struct route_place){"/openapi.json", openapi, "OPENAPI_URL"};
    return places;
}

static bool is_servers_own(const struct plugin *plugin) {
    return strcmp(plugin->entry.name, "leat") == 0;
}

int plugin_set_compile(struct plugin_set *set, const struct openapi_info *info, struct messages *messages) {
    struct plugin_view *views = arena_alloc(&set->arena, (set->count + 1) * sizeof *views);
    if (!views)
        return -ENOMEM;
    for (size_t i = 0; i < set->count; i++) {
        views[i] = plugin_view(set->plugins[i]);
        views[i].verdict = is_new(set, set->plugins[i]) && set->plugins[i]->handle ? &set->plugins[i]->verdict : NULL;
    }
    for (size_t i = 0; i < set->count; i++)
        if (is_servers_own(set->plugins[i]) && !(views[i].places = places_of_pages(info, &set->arena)))
            return -ENOMEM;
    str problems = {0};
    int status = snapshot_create(views, set->count, &set->arena, &set->snapshot, &problems);
    if (status == -EINVAL)
        messages_add_lines(messages, problems);
    return status < 0 ? status : snapshot_describe(set->snapshot, info);
}

// What serves already goes on, whatever became of its tables: only what is new is refused.
static int judge_misfits(struct plugin_set *set, struct messages *messages) {
    const struct statement_set *statements = snapshot_statements(set->snapshot);
    int status = 0;
    for (size_t i = 0; i < statement_count(statements); i++) {
        str misfit = statement_misfit(statements, i);
        struct plugin *plugin = plugin_set_find(set, snapshot_statement_plugin(set->snapshot, i));
        size_t said = messages->bytes;
        if (!misfit.len)
            continue;
        if (!is_new(set, plugin)) {
            log_line(LOG_WARNING, "statement_unfit", "plugin=%s why=\"%.*s\"", plugin->entry.name, (int)misfit.len, misfit.ptr);
            continue;
        }
        messages_add_lines(messages, misfit);
        plugin_blame(plugin, messages_since(messages, said));
        status = -EINVAL;
    }
    return status;
}

int plugin_set_check(struct plugin_set *set, const char *conninfo, struct messages *messages, str *ret_failure) {
    str problems = {0};
    int status = statement_set_check(snapshot_statements(set->snapshot), conninfo, &set->arena, &problems);
    if (status < 0) {
        *ret_failure = problems;
        return status;
    }
    return status > 0 ? judge_misfits(set, messages) : 0;
}

// ---- started and ended

// What plugin_set_start() had begun.
static void unload_new(struct plugin_set *set) {
    for (size_t i = set->count; i-- > 0;) {
        struct plugin *plugin = set->plugins[i];
        if (!is_new(set, plugin))
            continue;
        if (plugin->is_live && plugin->entry.on_unload)
            plugin->entry.on_unload(&plugin->host);
        plugin->is_live = false;
    }
}

int plugin_set_start(struct plugin_set *set, struct messages *messages) {
    for (size_t i = 0; i < set->count; i++) {
        struct plugin *plugin = set->plugins[i];
        if (!is_new(set, plugin))
            continue;
        int result = plugin->entry.on_load ? plugin->entry.on_load(&plugin->host) : 0;
        size_t said = messages->bytes;
        if (result) {
            messages_add(messages, "%s: error: on_load of '%s' refused with %d%s%s; its own log lines say why", plugin->path,
                         plugin->entry.name, result, result < 0 ? ": " : "", result < 0 ? strerror(-result) : "");
            plugin_blame_for_now(plugin, messages_since(messages, said));
            unload_new(set);
            return -EINVAL;
        }
        plugin->is_live = true;
    }
    return 0;
}

int plugin_set_start_on_core(struct plugin_set *set, unsigned core, struct plugin **ret_refuser) {
    for (size_t i = 0; i < set->count; i++) {
        struct plugin *plugin = set->plugins[i];
        int result = is_new(set, plugin) && plugin->entry.on_worker ? plugin->entry.on_worker(&plugin->host, core) : 0;
        if (result) {
            *ret_refuser = plugin;
            return result;
        }
    }
    return 0;
}

void plugin_set_close(struct plugin_set *set) {
    if (!set)
        return;
    if (set->snapshot)
        snapshot_destroy(set->snapshot);
    for (size_t i = set->count; i-- > 0;)
        plugin_close(set->plugins[i]);
    arena_reset(&set->arena);
    arena_pool_finish(&set->pool);
    free(set);
}

// ---- what is new in the folders

static bool is_news(const struct plugin_set *set, const struct choice_list *choices, const char *path) {
    struct stat file;
    if (stat(path, &file) < 0)
        return true; // a link to nowhere
    struct file_mark mark = file_mark(&file);
    for (size_t i = 0; set && i < set->count; i++)
        if (set->plugins[i]->handle && file_mark_is_same(&set->plugins[i]->mark, &mark))
            return false;
    return !choice_for(choices, &mark);
}

static unsigned news_of_folder(const struct plugin_set *set, const char *folder, const struct choice_list *choices, char **ret_paths,
                               unsigned count_max) {
    unsigned count = 0;
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing && count < count_max && (entry = readdir(listing));) {
        char *path;
        if (!is_plugin_file(entry->d_name) || asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
            continue;
        if (is_news(set, choices, path))
            ret_paths[count++] = path;
        else
            free(path);
    }
    if (listing)
        closedir(listing);
    return count;
}

unsigned plugin_set_news(const struct plugin_set *set, const char *const *folders, size_t folder_count, const struct choice_list *choices,
                         char **ret_paths, unsigned count_max) {
    unsigned count = 0;
    for (size_t i = 0; i < folder_count; i++)
        count += news_of_folder(set, folders[i], choices, ret_paths + count, count_max - count);
    return count;
}

// ---- migrations

static bool is_folder(const char *path) {
    struct stat status;
    return path && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static const char *resolve(const char *path, const char *root, struct arena *arena) {
    if (is_folder(path) || *path == '/' || !root)
        return is_folder(path) ? path : NULL;
    const char *below = arena_format(arena, "%s/%s", root, path).ptr;
    return is_folder(below) ? below : NULL;
}

int plugin_set_migrations(const struct plugin_set *set, const char *root, struct arena *arena, struct messages *messages,
                          struct migration_folder **ret_folders, unsigned *ret_count) {
    struct migration_folder *folders = arena_alloc(arena, (set->count + 1) * sizeof *folders);
    if (!folders)
        return -ENOMEM;
    unsigned count = 0;
    int status = 0;
    for (size_t i = 0; i < set->count; i++) {
        const leat_plugin *entry = &set->plugins[i]->entry;
        size_t said = messages->bytes;
        if (!entry->migrations)
            continue;
        const char *path = resolve(entry->migrations, root, arena);
        if (path)
            folders[count++] = (struct migration_folder){entry->name, path, entry->requires};
        else {
            messages_add(messages,
                         "%s: error: its migrations '%s' are neither in the working folder nor in %s; start in the project's folder, or "
                         "name it with --root",
                         set->plugins[i]->path, entry->migrations, root ? root : "/");
            if (is_new(set, set->plugins[i]))
                plugin_blame(set->plugins[i], messages_since(messages, said));
            status = -EINVAL;
        }
    }
    if (status < 0)
        return status;
    *ret_folders = folders;
    *ret_count = count;
    return 0;
}
