// workspace.c — what every verb that knows plugins begins with: the settings, the plugins, their database.
#include "cli/workspace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/place.h"
#include "cli/secret.h"
#include "cli/setting_names.h"
#include "cli/trial.h"
#include "host/dotenv.h"
#include "host/quarantine.h"

bool workspace_refuse(struct workspace *workspace) {
    str text = messages_text(&workspace->messages);
    log_words(LOG_ERROR, "refused", text.len ? text : S("leat: error: there is too little memory\n"));
    return false;
}

// Where a verb that only looks has its copies of plugins, which are run from there. NULL: nowhere.
static const char *make_passing_folder(struct arena *arena) {
    const char *const places[] = {getenv("TMPDIR"), "/tmp", "/var/tmp"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct statvfs disk;
        if (!places[i] || statvfs(places[i], &disk) < 0 || disk.f_flag & ST_NOEXEC)
            continue;
        char *path = (char *)arena_format(arena, "%s/leat-XXXXXX", places[i]).ptr;
        if (path && mkdtemp(path))
            return path;
    }
    return NULL;
}

static bool find_var(struct workspace *workspace) {
    char *here = getcwd(NULL, 0);
    const char *var = workspace->config.var;
    workspace->var = *var == '/' ? var : arena_format(workspace->arena, "%s/%s", here ? here : ".", var).ptr;
    free(here);
    workspace->copies = make_passing_folder(workspace->arena);
    workspace->is_passing = workspace->copies;
    if (workspace->var && workspace->copies)
        return true;
    messages_add(&workspace->messages,
                 "leat: error: there is no folder for a moment's copies of plugins; name one that is not noexec in TMPDIR");
    return workspace_refuse(workspace);
}

static bool make_var(struct workspace *workspace) {
    workspace->var = place_make(workspace->config.var, workspace->arena);
    workspace->copies = workspace->var ? arena_format(workspace->arena, "%s/plugins", workspace->var).ptr : NULL;
    if (workspace->copies)
        return true;
    messages_add(&workspace->messages, "%s: error: this folder cannot be made: %s; name another with --var", workspace->config.var,
                 strerror(errno));
    return workspace_refuse(workspace);
}

static bool make_upload_folder(struct workspace *workspace) {
    const char *folder = workspace->config.app.upload_folder;
    if (!folder)
        folder = arena_format(workspace->arena, "%s/uploads", workspace->var).ptr;
    workspace->config.app.upload_folder = folder ? place_make(folder, workspace->arena) : NULL;
    if (workspace->config.app.upload_folder)
        return true;
    messages_add(&workspace->messages, "%s: error: this folder cannot be made: %s; name another in UPLOAD_FOLDER", folder ? folder : "",
                 strerror(errno));
    return workspace_refuse(workspace);
}

// Plugins may ask for the key in their SETTINGS: they find it where the server does. False: a message was added.
static bool find_key(struct workspace *workspace, bool is_serving, bool is_looking) {
    if (environment_value(workspace->environment, "SECRET_KEY").ptr)
        return true;
    if (workspace->config.is_production && is_serving) {
        messages_add(&workspace->messages,
                     "leat: error: SECRET_KEY is not set, and --production makes none; `openssl rand -hex 32` makes a "
                     "good one, and it must be the same on all servers");
        return false;
    }
    str key;
    bool is_new;
    if ((is_looking ? secret_key_find : secret_key_keep)(workspace->var, workspace->arena, &workspace->messages, &key, &is_new) < 0 ||
        environment_put(workspace->environment, FROM_SERVER, S("SECRET_KEY"), key) < 0)
        return false;
    workspace->config.app.jwt.secret = key;
    workspace->has_own_key = true;
    workspace->is_new_key = is_new;
    return true;
}

// What is new in quarantine is said at once: whoever starts the server may wonder where its routes are.
static void find_quarantined(struct workspace *workspace) {
    struct messages messages;
    messages_init(&messages, workspace->arena);
    const char *crashes = arena_format(workspace->arena, "%s/crashes", workspace->var).ptr;
    if (crashes)
        quarantine_read(crashes, clock_wall_us() / 1000000, &workspace->choices, &messages);
    log_words(LOG_WARNING, "quarantined", messages_text(&messages));
}

extern const leat_plugin leat_plugin_entry; // of handlers/

static bool is_folder(const char *path) {
    struct stat status;
    return path && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

// A plugin's first migration is about to be written.
static void make_migration_folders(const struct workspace *workspace) {
    for (size_t i = 0; i < workspace->plugins->count; i++) {
        const char *path = workspace->plugins->plugins[i]->entry.migrations;
        bool is_there = !path || is_folder(path) || is_folder(arena_format(workspace->arena, "%s/%s", workspace->config.root, path).ptr);
        if (!is_there)
            place_make(path, workspace->arena);
    }
}

static const leat_plugin **gather_builtins(const leat_plugin *const *linked, struct arena *arena) {
    size_t count = 0;
    while (linked && linked[count])
        count++;
    const leat_plugin **all = arena_alloc(arena, (count + 2) * sizeof *all);
    if (all) {
        all[0] = &leat_plugin_entry;
        memcpy(all + 1, linked ? linked : all, count * sizeof *all);
    }
    return all;
}

// 0: all of it is right; else the worst.
static int open_set(struct workspace *workspace) {
    struct plugin_set_options options = {
        .folders = workspace->config.folders,
        .folder_count = workspace->config.folder_count,
        .private_folder = workspace->copies,
        .builtins = workspace->builtins,
        .generation = 1,
        .choices = &workspace->choices,
        .refused = workspace->refused,
    };
    if (!workspace->builtins)
        return -ENOMEM;
    int status = plugin_set_open(&options, &workspace->messages, &workspace->plugins);
    if (status < 0)
        return status;
    status = plugin_set_bind(workspace->plugins, workspace->environment, &workspace->messages);
    if (workspace->wants & WORKSPACE_DRAFTS)
        make_migration_folders(workspace);
    int migrations = plugin_set_migrations(workspace->plugins, workspace->config.root, workspace->arena, &workspace->messages,
                                           &workspace->migrations, &workspace->migration_count);
    return status < 0 ? status : migrations;
}

static bool close_blamed(struct workspace *workspace) {
    if (!plugin_set_leave_out(workspace->plugins, workspace->refused))
        return false;
    plugin_set_close(workspace->plugins);
    workspace->plugins = NULL;
    return true;
}

// One that crashes, hangs or calls exit() would take the start with it, and all others. False: it was said which, and none is to be left
// out.
static bool try_new(struct workspace *workspace) {
    struct tried_files *tried = arena_alloc(workspace->arena, sizeof *tried);
    if (!tried)
        return workspace_refuse(workspace);
    tried_take(workspace->var, tried);
    return trial_run(workspace, &workspace->choices, tried, workspace->refused, &workspace->messages) != -EINVAL ||
           workspace_refuse(workspace);
}

// Settings that are wrong, the server's and the plugins', are said together: hence `is_right` only at the end.
static bool open_plugins(struct workspace *workspace, bool is_right) {
    int status;
    do
        status = open_set(workspace);
    while (is_right && status == -EINVAL && close_blamed(workspace));
    if (workspace->plugins)
        setting_names_warn(workspace->plugins, workspace->environment, workspace->arena);
    return !is_right || status < 0 ? workspace_refuse(workspace) : true;
}

// False: it was said what is wrong. `*ret_is_right` is false where something is that can be said with more.
static bool read_settings(struct workspace *workspace, const struct invocation *invocation, bool is_serving, unsigned wants,
                          bool *ret_is_right) {
    *workspace = (struct workspace){.arena = invocation->arena, .environment = invocation->environment};
    messages_init(&workspace->messages, workspace->arena);
    workspace->builtins = gather_builtins(invocation->linked, workspace->arena);
    int file = dotenv_load(".env", workspace->environment, &workspace->messages);
    str more = environment_value(workspace->environment, "LEAT_CONFIG");
    if (more.ptr && dotenv_load_config(arena_format(workspace->arena, "%.*s", (int)more.len, more.ptr).ptr, workspace->environment,
                                       &workspace->messages) < 0)
        file = -EINVAL;
    log_set_only_json((wants & WORKSPACE_SERVES) && str_eq(environment_value(workspace->environment, "LOG_FORMAT"), S("json")));
    int config = config_read(workspace->environment, is_serving, workspace->arena, &workspace->messages, &workspace->config);
    bool is_right = file == 0 && config == 0;
    if (file == -ENOMEM || config == -ENOMEM || !workspace->config.has_places)
        return workspace_refuse(workspace);
    log_set_level(workspace->config.log_level);
    log_set_format(workspace->config.log_format);
    if (!(wants & WORKSPACE_LOOKS ? find_var : make_var)(workspace) || (is_serving && !make_upload_folder(workspace)))
        return false;
    *ret_is_right = find_key(workspace, is_serving, wants & WORKSPACE_LOOKS) && is_right;
    return true;
}

// Only once all is right: who is refused has other things to read.
static void say_key(const struct workspace *workspace) {
    if (workspace->has_own_key)
        log_say(LOG_WARNING, "own_key", "%s in %s/secret_key, since SECRET_KEY is not set: for development only",
                workspace->is_new_key ? "made a key" : "the key is", workspace->var);
}

bool workspace_open(struct workspace *workspace, const struct invocation *invocation, unsigned wants) {
    bool is_right, is_serving = wants & WORKSPACE_SERVES;
    if (!read_settings(workspace, invocation, is_serving, wants, &is_right))
        return false;
    workspace->wants = wants;
    if (is_serving)
        find_quarantined(workspace);
    if (workspace->config.unbuilt)
        log_say(LOG_WARNING, "unbuilt", "leat: warning: the project of this folder is not built: %s/ is not there; `leat build` makes it",
                workspace->config.unbuilt);
    if (is_serving && !workspace->config.is_strict && (workspace->refused = arena_alloc(workspace->arena, sizeof *workspace->refused)))
        refused_init(workspace->refused, workspace->arena);
    if (is_serving && is_right && !try_new(workspace))
        return false;
    if (!open_plugins(workspace, is_right))
        return false;
    if (is_serving)
        say_key(workspace);
    return true;
}

bool workspace_open_settings(struct workspace *workspace, const struct invocation *invocation) {
    bool is_right;
    if (!read_settings(workspace, invocation, true, 0, &is_right))
        return false;
    return is_right || workspace_refuse(workspace);
}

static int compile(struct workspace *workspace) {
    return plugin_set_compile(workspace->plugins, &workspace->config.api, &workspace->messages);
}

bool workspace_leave_out(struct workspace *workspace) {
    int status;
    do {
        status = close_blamed(workspace) ? open_set(workspace) : -ECANCELED;
        if (status == 0)
            status = compile(workspace);
    } while (status == -EINVAL);
    return status < 0 ? workspace_refuse(workspace) : true;
}

bool workspace_compile(struct workspace *workspace) {
    return compile(workspace) < 0 ? workspace_leave_out(workspace) : true;
}

bool workspace_start_database(struct workspace *workspace) {
    workspace->config.app.db.conninfo = workspace->config.database_url;
    if (workspace->config.database_url)
        return true;
    struct cluster_options options = {.var = workspace->var};
    str failure;
    if (cluster_start(&options, workspace->arena, &workspace->cluster, &failure) < 0) {
        messages_add(&workspace->messages, "leat: error: %.*s", (int)failure.len, failure.ptr);
        return workspace_refuse(workspace);
    }
    workspace->config.app.db.conninfo = cluster_conninfo(workspace->cluster);
    return true;
}

void workspace_close(struct workspace *workspace) {
    plugin_set_close(workspace->plugins);
    if (workspace->cluster)
        cluster_stop(workspace->cluster);
    if (workspace->is_passing)
        rmdir(workspace->copies);
    workspace->plugins = NULL;
    workspace->cluster = NULL;
    workspace->is_passing = false;
}
