// plugins.h — the plugins of one generation: found, ordered, checked against one another, started together; ended in reverse.
//
// A set is all that a generation needs and nothing of it is global: the next one is made beside it, off the cores, and either serves or is
// closed again. The steps are apart because a server has something to do in between: its database, its migrations.
#ifndef HOST_PLUGINS_H
#define HOST_PLUGINS_H

#include "app/openapi.h"
#include "app/snapshot.h"
#include "db/migrate.h"
#include "host/environment.h"
#include "host/messages.h"
#include "host/plugin.h"
#include "host/refused.h"

enum { PLUGINS_MAX = 256 };

struct plugin_set {
    struct arena_pool pool;
    struct arena arena;
    struct plugin *plugins[PLUGINS_MAX]; // what is required comes before what requires it
    size_t count;
    unsigned generation; // a plugin with another one was there before
    struct left_out {
        const char *name, *why; // the plugin's
        enum choice_kind kind;
    } left_out[PLUGINS_MAX]; // of what the folders hold
    size_t left_out_count;
    struct snapshot *snapshot; // NULL before plugin_set_compile()
};

struct plugin_set_options {
    const char *const *folders;
    size_t folder_count;
    const char *private_folder;         // of the copies
    const leat_plugin *const *builtins; // linked into the program, NULL at the end; NULL: none
    unsigned generation;                // from 1
    const struct choice_list *choices;  // what is not loaded as it lies there; NULL: nothing
    const char *anew;                   // a plugin that is loaded again though its file is the same; NULL: none
    const struct plugin_set *previous;  // what of it has not changed goes on as it is: no on_load, its statics as they are; NULL: none
    struct refused_files *refused; // what is wrong is left out and added here, what is here is not looked at; NULL: a set is all or nothing
};

/**
 * Loads every .so of the folders that no choice leaves out, in the order of folders and names, and brings them into the order of .requires.
 * All that is wrong with any of them is said at once. 0; -EINVAL and messages; -ENOMEM. Nothing is left loaded then. With `refused` it is
 * 0 as well where files are wrong that can be left out, and messages tell of them.
 */
int plugin_set_open(const struct plugin_set_options *options, struct messages *messages, struct plugin_set **ret_set);
/**
 * The step before has failed, and a plugin that is new is to blame: each of those is added to `refused`, and a set that is opened with it
 * is without them. False where nobody is, and trying again is of no use; and for NULL.
 */
bool plugin_set_leave_out(const struct plugin_set *set, struct refused_files *refused);
/** These lines speak against the plugin, which is new in its set; nothing where it is linked in. */
void plugin_blame(struct plugin *plugin, str lines);
/** The same of one that refused to begin, which may pass. */
void plugin_blame_for_now(struct plugin *plugin, str lines);
/** This very one, and no other of its name. */
bool plugin_set_has(const struct plugin_set *set, const struct plugin *plugin);
/** The one whose descriptor that is; NULL where there is none, and for NULL. */
struct plugin *plugin_set_plugin_of(const struct plugin_set *set, const leat_plugin *entry);
/** True where the set is the same plugins as its previous one: there is nothing to publish. */
bool plugin_set_is_same(const struct plugin_set *set, const struct plugin_set *previous);
/** Reads and binds all SETTINGS of plugins that are new. 0; -EINVAL, messages and blame; -ENOMEM. */
int plugin_set_bind(struct plugin_set *set, const struct environment *environment, struct messages *messages);
/** Makes the snapshot: routes, providers, statements, checked against one another; and its document, headed by `info`. As above. */
int plugin_set_compile(struct plugin_set *set, const struct openapi_info *info, struct messages *messages);
/**
 * Has Postgres check every statement; those of plugins that serve already are only logged. Blocking. 0; -EINVAL and messages; another
 * negative errno where there is no database to ask, and
 * `*ret_failure` says why.
 */
int plugin_set_check(struct plugin_set *set, const char *conninfo, struct messages *messages, str *ret_failure);
/** on_load of each that is new, in order. 0; -EINVAL and a message: those that were loaded have been unloaded then. */
int plugin_set_start(struct plugin_set *set, struct messages *messages);
/** on_worker of each that is new, on the core's thread. 0, or what the first that refused returned, and `*ret_refuser` is it. */
int plugin_set_start_on_core(struct plugin_set *set, unsigned core, struct plugin **ret_refuser);
/**
 * The snapshot goes; then, in reverse, each plugin that no other set holds: on_unload and the object. No request, task or thread uses any
 * of it. NULL is fine.
 */
void plugin_set_close(struct plugin_set *set);

/**
 * The paths of the files in the folders that `set` was not loaded from and that no choice is of, `count_max` at most: what a load that was
 * refused was about. How many; the caller frees each.
 */
unsigned plugin_set_news(const struct plugin_set *set, const char *const *folders, size_t folder_count, const struct choice_list *choices,
                         char **ret_paths, unsigned count_max);

/**
 * The folders of migrations, in order; a relative one is looked for in the working folder, then in `root`. 0; -EINVAL and a message for
 * each that is in neither; -ENOMEM.
 */
int plugin_set_migrations(const struct plugin_set *set, const char *root, struct arena *arena, struct messages *messages,
                          struct migration_folder **ret_folders, unsigned *ret_count);

#endif
