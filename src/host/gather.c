// gather.c — the plugins of a generation, gathered: those that are linked in, those that go on as they are, the files of the folders.
#include "gather.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/copy.h"

enum { FILES_MAX = 4096 };

static int worse(int status, int result) {
    return status == -ENOMEM || result == 0 ? status : result;
}

// ---- looked up

bool is_plugin_file(const char *name) {
    size_t bytes = strlen(name);
    return name[0] != '.' && bytes > 3 && !strcmp(name + bytes - 3, ".so");
}

struct plugin *plugin_set_find(const struct plugin_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++)
        if (!strcmp(set->plugins[i]->entry.name, name))
            return set->plugins[i];
    return NULL;
}

const struct left_out *plugin_set_find_left_out(const struct plugin_set *set, const char *name) {
    for (size_t i = 0; i < set->left_out_count; i++)
        if (!strcmp(set->left_out[i].name, name))
            return &set->left_out[i];
    return NULL;
}

// The one that serves from the file, whatever its name was.
static struct plugin *find_by_path(const struct plugin_set *set, const char *path) {
    for (size_t i = 0; set && i < set->count; i++)
        if (set->plugins[i]->handle && !strcmp(set->plugins[i]->path, path))
            return set->plugins[i];
    return NULL;
}

// ---- the names in a folder

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

// ---- left out

// One more than is ever told of.
void gather_left_out(struct gathering *gathering, const char *name, enum choice_kind kind, const char *why) {
    struct plugin_set *set = gathering->set;
    if (set->left_out_count == PLUGINS_MAX)
        return;
    set->left_out[set->left_out_count++] =
        (struct left_out){arena_format(&set->arena, "%s", name).ptr, arena_format(&set->arena, "%s", why).ptr, kind};
}

// What served from the file goes on. None of the refused where there is no room for it, or no memory: its reason is in the messages.
static int fall_back(struct gathering *gathering, struct refused_file *refused) {
    struct plugin *before = refused ? find_by_path(gathering->options->previous, refused->path) : NULL;
    if (!before)
        return 0;
    refused->has_previous = true;
    return plugin_set_find(gathering->set, before->entry.name) == before ? 0 : gather_again(gathering, before);
}

static void take_out(struct plugin_set *set, const struct plugin *plugin) {
    size_t i = 0;
    while (i < set->count && set->plugins[i] != plugin)
        i++;
    if (i < set->count)
        memmove(&set->plugins[i], &set->plugins[i + 1], (--set->count - i) * sizeof set->plugins[0]);
}

int gather_without(struct gathering *gathering, struct plugin *plugin, str why) {
    struct refused_file file = {.path = plugin->path, .name = plugin->entry.name, .why = why, .mark = plugin->mark};
    struct refused_file *refused = refused_add(gathering->options->refused, &file);
    take_out(gathering->set, plugin);
    plugin_close(plugin);
    return fall_back(gathering, refused);
}

// ---- added

// Of two of one name: what served goes before what is new, and of what is new the file that had the name.
static int rank(const struct gathering *gathering, const struct plugin *plugin) {
    if (plugin->generation != gathering->set->generation || !plugin->handle)
        return 2;
    const struct plugin *before = find_by_path(gathering->options->previous, plugin->path);
    return before && !strcmp(before->entry.name, plugin->entry.name);
}

static int add_beside(struct gathering *gathering, struct plugin *plugin, struct plugin *other) {
    bool is_others_fault = rank(gathering, plugin) > rank(gathering, other);
    struct plugin *loser = is_others_fault ? other : plugin, *winner = is_others_fault ? plugin : other;
    size_t said = gathering->messages->bytes;
    messages_add(gathering->messages, "%s: error: is named '%s' as %s is; remove one of the two, or give it another name in its PLUGIN",
                 loser->path, loser->entry.name, winner->path);
    if (!gathering->options->refused || rank(gathering, loser) == 2) {
        plugin_close(plugin);
        return -EINVAL;
    }
    str why = arena_copy(&gathering->set->arena, messages_since(gathering->messages, said));
    if (!is_others_fault)
        return gather_without(gathering, plugin, why);
    take_out(gathering->set, other);
    gathering->set->plugins[gathering->set->count++] = plugin;
    return gather_without(gathering, other, why);
}

static int add(struct gathering *gathering, struct plugin *plugin) {
    struct plugin_set *set = gathering->set;
    struct plugin *other = plugin_set_find(set, plugin->entry.name);
    if (other)
        return add_beside(gathering, plugin, other);
    if (set->count < PLUGINS_MAX) {
        set->plugins[set->count++] = plugin;
        return 0;
    }
    size_t said = gathering->messages->bytes;
    messages_add(gathering->messages, "%s: error: is one plugin more than the %d that a server takes", plugin->path, PLUGINS_MAX);
    if (gathering->options->refused && plugin->generation == set->generation)
        return gather_without(gathering, plugin, arena_copy(&set->arena, messages_since(gathering->messages, said)));
    plugin_close(plugin);
    return -EINVAL;
}

int gather_again(struct gathering *gathering, struct plugin *plugin) {
    plugin_hold(plugin);
    return add(gathering, plugin);
}

// ---- the files

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

static int refuse_file(struct gathering *gathering, const char *path, const struct file_mark *mark, size_t said) {
    str why = arena_copy(&gathering->set->arena, messages_since(gathering->messages, said));
    struct plugin *before = find_by_path(gathering->options->previous, path);
    struct refused_file file = {.path = path, .name = before ? before->entry.name : NULL, .why = why, .mark = *mark};
    return fall_back(gathering, refused_add(gathering->options->refused, &file));
}

static int open_file(struct gathering *gathering, struct plugin_place *place, const char *name) {
    const struct plugin_set_options *options = gathering->options;
    const char *path = arena_format(&gathering->set->arena, "%s/%s", place->folder, name).ptr;
    struct stat file;
    struct file_mark mark = {0};
    if (!path)
        return -ENOMEM;
    if (fstatat(place->folder_fd, name, &file, 0) == 0)
        mark = file_mark(&file);
    const struct choice *choice = choice_for(options->choices, &mark);
    if (choice && choice->kind != CHOICE_PREVIOUS) {
        gather_left_out(gathering, choice->name, choice->kind, choice->why);
        return 0;
    }
    struct refused_file *refused = options->refused ? refused_of_file(options->refused, path, &mark) : NULL;
    if (refused)
        return fall_back(gathering, refused);
    place->previous_fd = choice ? choice->previous_fd : -1;
    size_t said = gathering->messages->bytes;
    struct plugin *plugin = go_on(options, &mark, choice != NULL);
    int status = plugin ? 0 : plugin_open(place, name, gathering->messages, &plugin);
    if (status == -EINVAL && options->refused)
        return refuse_file(gathering, path, &mark, said);
    return status < 0 ? status : add(gathering, plugin);
}

static int open_listed(struct gathering *gathering, struct plugin_place *place) {
    const char **names = NULL;
    int count = list_folder(place->folder_fd, &gathering->set->arena, &names);
    if (count == -ENOMEM)
        return count;
    if (count < 0) {
        messages_add(gathering->messages, "%s: error: this folder of plugins cannot be listed: %s", place->folder, strerror(-count));
        return -EINVAL;
    }
    int status = 0;
    for (int i = 0; i < count; i++)
        status = worse(status, open_file(gathering, place, names[i]));
    return status;
}

static int open_folder(struct gathering *gathering, const char *folder) {
    const struct plugin_set_options *options = gathering->options;
    struct plugin_place place = {.folder = folder, .private_folder = options->private_folder, .generation = options->generation};
    int status = folder_open(folder, gathering->messages, &place.folder_fd);
    if (status == -ENOENT) {
        messages_add(gathering->messages, "%s: error: there is no such folder of plugins; make it, or name another with --plugins", folder);
        return -EINVAL;
    }
    if (status < 0)
        return status;
    status = open_listed(gathering, &place);
    close(place.folder_fd);
    return status;
}

// ---- those that are linked in

static int keep_builtins(struct gathering *gathering) {
    const struct plugin_set *previous = gathering->options->previous;
    int status = 0;
    for (size_t i = 0; i < previous->count; i++)
        if (!previous->plugins[i]->handle)
            status = worse(status, gather_again(gathering, previous->plugins[i]));
    return status;
}

static int open_builtins(struct gathering *gathering) {
    const struct plugin_set_options *options = gathering->options;
    if (options->previous)
        return keep_builtins(gathering);
    int status = 0;
    for (const leat_plugin *const *entry = options->builtins; entry && *entry; entry++) {
        struct plugin *plugin;
        int error = plugin_open_builtin(*entry, options->generation, gathering->messages, &plugin);
        status = worse(status, error < 0 ? error : add(gathering, plugin));
    }
    return status;
}

int gather(struct gathering *gathering) {
    int status = open_builtins(gathering);
    for (size_t i = 0; i < gathering->options->folder_count; i++)
        status = worse(status, open_folder(gathering, gathering->options->folders[i]));
    return status;
}
