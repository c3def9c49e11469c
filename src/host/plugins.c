// plugins.c — the plugins of one generation: found, ordered, checked against one another, started together; ended in reverse.
#include "plugins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/copy.h"
#include "host/log_level.h"
#include "host/settings.h"

enum { SET_BYTES_MAX = 64 << 20, FILES_MAX = 4096 };

static int worse(int status, int result) {
    return status == -ENOMEM || result == 0 ? status : result;
}

// ---- found

static bool is_plugin_file(const char *name) {
    size_t bytes = strlen(name);
    return name[0] != '.' && bytes > 3 && !strcmp(name + bytes - 3, ".so");
}

static int by_name(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// The names of the plugins in a folder, sorted; how many, or a negative errno.
static int list_folder(int folder_fd, struct arena *arena, const char ***ret_names) {
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        return -errno;
    const char **names = arena_alloc(arena, FILES_MAX * sizeof *names);
    int count = names ? 0 : -ENOMEM;
    for (struct dirent *entry; count >= 0 && (entry = readdir(folder));) {
        if (!is_plugin_file(entry->d_name))
            continue;
        if (count == FILES_MAX) {
            count = -E2BIG;
            break;
        }
        names[count] = arena_format(arena, "%s", entry->d_name).ptr;
        count = names[count] ? count + 1 : -ENOMEM;
    }
    closedir(folder);
    if (count > 0)
        qsort(names, (size_t)count, sizeof *names, by_name);
    *ret_names = names;
    return count;
}

// One more than is ever told of.
static void leave_out(struct plugin_set *set, const char *name, enum choice_kind kind, const char *why) {
    if (set->left_out_count == PLUGINS_MAX)
        return;
    set->left_out[set->left_out_count++] =
        (struct left_out){arena_format(&set->arena, "%s", name).ptr, arena_format(&set->arena, "%s", why).ptr, kind};
}

static const struct left_out *find_left_out(const struct plugin_set *set, const char *name) {
    for (size_t i = 0; i < set->left_out_count; i++)
        if (!strcmp(set->left_out[i].name, name))
            return &set->left_out[i];
    return NULL;
}

static const struct plugin *find(const struct plugin_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++)
        if (!strcmp(set->plugins[i]->entry.name, name))
            return set->plugins[i];
    return NULL;
}

static int add(struct plugin_set *set, struct plugin *plugin, struct messages *messages) {
    const struct plugin *other = find(set, plugin->entry.name);
    if (other)
        messages_add(messages, "%s: error: is named '%s' as %s is; remove one of the two, or give it another name in its PLUGIN",
                     plugin->path, plugin->entry.name, other->path);
    else if (set->count == PLUGINS_MAX)
        messages_add(messages, "%s: error: is one plugin more than the %d that a server takes", plugin->path, PLUGINS_MAX);
    else {
        set->plugins[set->count++] = plugin;
        return 0;
    }
    plugin_close(plugin);
    return -EINVAL;
}

// The plugin that was loaded from this very file before, held once more; NULL where there is none.
static struct plugin *go_on(const struct plugin_set_options *options, const struct file_mark *mark, bool is_previous) {
    for (size_t i = 0; options->previous && i < options->previous->count; i++) {
        struct plugin *plugin = options->previous->plugins[i];
        bool is_wanted_anew = options->anew && !strcmp(options->anew, plugin->entry.name);
        if (plugin->handle && !is_wanted_anew && plugin->is_previous == is_previous && file_mark_is_same(&plugin->mark, mark)) {
            plugin_hold(plugin);
            return plugin;
        }
    }
    return NULL;
}

static int open_file(struct plugin_set *set, const struct plugin_set_options *options, struct plugin_place *place, const char *name,
                     struct messages *messages) {
    struct stat file;
    struct file_mark mark = {0};
    if (fstatat(place->folder_fd, name, &file, 0) == 0)
        mark = file_mark(&file);
    const struct choice *choice = choice_for(options->choices, &mark);
    if (choice && choice->kind != CHOICE_PREVIOUS) {
        leave_out(set, choice->name, choice->kind, choice->why);
        return 0;
    }
    place->previous_fd = choice ? choice->previous_fd : -1;
    struct plugin *plugin = go_on(options, &mark, choice != NULL);
    int status = plugin ? 0 : plugin_open(place, name, messages, &plugin);
    return status < 0 ? status : add(set, plugin, messages);
}

static int open_listed(struct plugin_set *set, const struct plugin_set_options *options, struct plugin_place *place,
                       struct messages *messages) {
    const char **names = NULL;
    int count = list_folder(place->folder_fd, &set->arena, &names);
    if (count == -ENOMEM)
        return count;
    if (count < 0) {
        messages_add(messages, "%s: error: this folder of plugins cannot be listed: %s", place->folder, strerror(-count));
        return -EINVAL;
    }
    int status = 0;
    for (int i = 0; i < count; i++)
        status = worse(status, open_file(set, options, place, names[i], messages));
    return status;
}

static int open_folder(struct plugin_set *set, const struct plugin_set_options *options, const char *folder, struct messages *messages) {
    struct plugin_place place = {.folder = folder, .private_folder = options->private_folder, .generation = options->generation};
    int status = folder_open(folder, messages, &place.folder_fd);
    if (status == -ENOENT) {
        messages_add(messages, "%s: error: there is no such folder of plugins; make it, or name another with --plugins", folder);
        return -EINVAL;
    }
    if (status < 0)
        return status;
    status = open_listed(set, options, &place, messages);
    close(place.folder_fd);
    return status;
}

static int keep_builtins(struct plugin_set *set, const struct plugin_set *previous, struct messages *messages) {
    int status = 0;
    for (size_t i = 0; i < previous->count; i++)
        if (!previous->plugins[i]->handle) {
            plugin_hold(previous->plugins[i]);
            status = worse(status, add(set, previous->plugins[i], messages));
        }
    return status;
}

static int open_builtins(struct plugin_set *set, const struct plugin_set_options *options, struct messages *messages) {
    if (options->previous)
        return keep_builtins(set, options->previous, messages);
    int status = 0;
    for (const leat_plugin *const *entry = options->builtins; entry && *entry; entry++) {
        struct plugin *plugin;
        int error = plugin_open_builtin(*entry, options->generation, messages, &plugin);
        status = worse(status, error < 0 ? error : add(set, plugin, messages));
    }
    return status;
}

// ---- left out

// The plugin of `plugin`'s .requires and IMPORTs that is quarantined, or NULL.
static const char *quarantined_need(const struct plugin_set *set, const struct plugin *plugin) {
    for (const char *const *name = plugin->entry.requires; name && *name; name++) {
        const struct left_out *need = find_left_out(set, *name);
        if (need && need->kind == CHOICE_QUARANTINED)
            return *name;
    }
    for (size_t i = 0; i < plugin->item_count; i++) {
        const leat_provider *import = (const leat_provider *)plugin->items[i];
        const struct left_out *need = plugin->items[i]->kind == LEAT_ITEM_IMPORT ? find_left_out(set, import->from) : NULL;
        if (need && need->kind == CHOICE_QUARANTINED)
            return import->from;
    }
    return NULL;
}

// A plugin in quarantine must not keep the server from its start: what needs it goes with it, and what needs that.
static void leave_out_dependents(struct plugin_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        struct plugin *plugin = set->plugins[i];
        const char *need = quarantined_need(set, plugin);
        if (!need)
            continue;
        leave_out(set, plugin->entry.name, CHOICE_QUARANTINED, arena_format(&set->arena, "needs '%s', which is in quarantine", need).ptr);
        plugin_close(plugin);
        memmove(&set->plugins[i], &set->plugins[i + 1], (--set->count - i) * sizeof set->plugins[0]);
        i = (size_t)-1; // from the beginning
    }
}

// ---- ordered

enum mark { UNSEEN, ENTERED, DONE };

struct ordering {
    struct plugin_set *set;
    struct messages *messages;
    struct plugin *ordered[PLUGINS_MAX], *entered[PLUGINS_MAX]; // entered: from the root of the walk to here
    size_t ordered_count, entered_count;
    enum mark marks[PLUGINS_MAX];
};

static void say_cycle(struct ordering *ordering, const struct plugin *again) {
    size_t start = 0;
    while (ordering->entered[start] != again)
        start++;
    str circle = {0};
    for (size_t i = start; i < ordering->entered_count; i++)
        circle = arena_format(&ordering->set->arena, "%s%s -> ", circle.ptr ? circle.ptr : "", ordering->entered[i]->entry.name);
    messages_add(ordering->messages, "%s: error: the plugins require one another in a circle: %s%s; take one .requires out", again->path,
                 circle.ptr ? circle.ptr : "", again->entry.name);
}

static void say_missing(struct ordering *ordering, const struct plugin *plugin, const char *need) {
    const struct left_out *left_out = find_left_out(ordering->set, need);
    if (left_out)
        messages_add(ordering->messages, "%s: error: '%s' requires the plugin '%s', which is unloaded; unload '%s' first, or reload '%s'",
                     plugin->path, plugin->entry.name, need, plugin->entry.name, need);
    else
        messages_add(ordering->messages,
                     "%s: error: '%s' requires the plugin '%s', which is in none of the plugin folders; put it there, or take it out of "
                     ".requires",
                     plugin->path, plugin->entry.name, need);
}

static int visit(struct ordering *ordering, size_t index) {
    struct plugin *plugin = ordering->set->plugins[index];
    if (ordering->marks[index] == DONE)
        return 0;
    if (ordering->marks[index] == ENTERED) {
        say_cycle(ordering, plugin);
        return -EINVAL;
    }
    ordering->marks[index] = ENTERED;
    ordering->entered[ordering->entered_count++] = plugin;
    int status = 0;
    for (const char *const *name = plugin->entry.requires; name && *name; name++) {
        size_t i = 0;
        while (i < ordering->set->count && strcmp(ordering->set->plugins[i]->entry.name, *name))
            i++;
        if (i < ordering->set->count)
            status = worse(status, visit(ordering, i));
        else {
            say_missing(ordering, plugin, *name);
            status = -EINVAL;
        }
    }
    ordering->entered_count--;
    ordering->marks[index] = DONE;
    ordering->ordered[ordering->ordered_count++] = plugin;
    return status;
}

static int order(struct plugin_set *set, struct messages *messages) {
    struct ordering *ordering = arena_alloc(&set->arena, sizeof *ordering);
    if (!ordering)
        return -ENOMEM;
    ordering->set = set;
    ordering->messages = messages;
    int status = 0;
    for (size_t i = 0; i < set->count; i++)
        status = worse(status, visit(ordering, i));
    memcpy(set->plugins, ordering->ordered, sizeof set->plugins);
    return status;
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
    int status = open_builtins(set, options, messages);
    for (size_t i = 0; i < options->folder_count; i++)
        status = worse(status, open_folder(set, options, options->folders[i], messages));
    if (status == 0)
        leave_out_dependents(set);
    if (status == 0) // a plugin that was refused would only be missed as well
        status = order(set, messages);
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

// ---- bound and compiled

int plugin_set_bind(struct plugin_set *set, const struct environment *environment, struct messages *messages) {
    int status = 0;
    for (size_t i = 0; i < set->count; i++)
        if (is_new(set, set->plugins[i])) {
            status = worse(status, settings_bind(set->plugins[i], environment, messages));
            status = worse(status, log_level_bind(set->plugins[i]->entry.name, environment, messages));
        }
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
    places[0] = (struct route_place){"/docs/files", files};
    places[1] = (struct route_place){"/docs", docs};
    places[2] = (struct route_place){"/redoc", redoc};
    places[3] = (struct route_place){"/openapi.json", openapi};
    return places;
}

static bool is_servers_own(const struct plugin *plugin) {
    return strcmp(plugin->entry.name, "leat") == 0;
}

int plugin_set_compile(struct plugin_set *set, const struct openapi_info *info, struct messages *messages) {
    struct plugin_view *views = arena_alloc(&set->arena, (set->count + 1) * sizeof *views);
    if (!views)
        return -ENOMEM;
    for (size_t i = 0; i < set->count; i++)
        views[i] = plugin_view(set->plugins[i]);
    for (size_t i = 0; i < set->count; i++)
        if (is_servers_own(set->plugins[i]) && !(views[i].places = places_of_pages(info, &set->arena)))
            return -ENOMEM;
    str problems = {0};
    int status = snapshot_create(views, set->count, &set->arena, &set->snapshot, &problems);
    if (status == -EINVAL)
        messages_add_lines(messages, problems);
    return status < 0 ? status : snapshot_describe(set->snapshot, info);
}

int plugin_set_check(struct plugin_set *set, const char *conninfo, struct messages *messages, str *ret_failure) {
    str problems = {0};
    int status = statement_set_check(snapshot_statements(set->snapshot), conninfo, &set->arena, &problems);
    if (status < 0) {
        *ret_failure = problems;
        return status;
    }
    messages_add_lines(messages, problems);
    return status > 0 ? -EINVAL : 0;
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
        if (result) {
            messages_add(messages, "%s: error: on_load of '%s' refused with %d%s%s; its own log lines say why", plugin->path,
                         plugin->entry.name, result, result < 0 ? ": " : "", result < 0 ? strerror(-result) : "");
            unload_new(set);
            return -EINVAL;
        }
        plugin->is_live = true;
    }
    return 0;
}

int plugin_set_start_on_core(struct plugin_set *set, unsigned core, const struct plugin **ret_refuser) {
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
    for (size_t i = 0; i < set->count; i++)
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
            status = -EINVAL;
        }
    }
    if (status < 0)
        return status;
    *ret_folders = folders;
    *ret_count = count;
    return 0;
}
