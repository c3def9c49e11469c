// plugin.h — one plugin in the process: its file judged, copied, loaded, its descriptor checked; taken out again.
//
// What is loaded is a private copy under a name of its own: the loader gives back the old object for a path it knows, and a file that is
// overwritten in place would change under our feet. The number in the copy's name is the plugin's generation, so that two generations of
// one plugin can serve side by side. A lock on the copy tells other servers of the same var folder that it is in use.
#ifndef HOST_PLUGIN_H
#define HOST_PLUGIN_H

#include <stdbool.h>

#include <leat/plugin.h>

#include "app/snapshot.h"
#include "base/arena.h"
#include "host/choice.h"
#include "host/messages.h"
#include "host/state.h"

/** What a plugin's on_load is handed. */
struct leat_host {
    struct plugin *plugin;
};

struct plugin {
    struct leat_host host;
    const char *path;      // of its file, as it was given; for messages
    struct file_mark mark; // of that file, even where the version before was loaded in its place
    bool is_previous;
    int64_t since_us;        // CLOCK_REALTIME: when it was loaded
    unsigned generation;     // the set's that loaded it
    unsigned holder_count;   // sets that have it: one that has not changed goes on in the next generation
    void *handle;            // dlopen's; NULL for the one that is linked in
    char *copy_path;         // NULL for the one that is linked in
    int copy_fd;             // holds the lock
    uintptr_t start;         // of what is mapped; 0: crash.h does not know it
    struct symbols *symbols; // its functions, or NULL
    leat_plugin entry;       // zero-filled where an older plugin has less
    const leat_item **items; // by file and line
    size_t item_count;
    uint64_t code; // of the file's bytes; 0 for the one that is linked in
    struct arena_pool pool;
    struct arena arena;               // of all this, and of its settings
    bool is_live;                     // on_load has run
    struct state *states[STATES_MAX]; // host_state()'s, held as long as it is loaded
    size_t state_count;
    struct plugin_life life;
    bool may_pass; // of that verdict: it refused to begin, and may not another time
    str verdict;   // what speaks against it, lines, while the set that loaded it is being made
};

enum {
    PLUGIN_FILE_BYTES_MAX = 256 << 20,
    PLUGIN_NAME_BYTES_MAX = 63,
    PLUGIN_ITEMS_MAX = 1 << 16,
    PLUGIN_BYTES_MAX = 64 << 20, // of the arena
};

struct plugin_place {
    int folder_fd;              // where its file is; judged by folder_open()
    const char *folder;         // the same, for messages
    const char *private_folder; // for the copy: ours alone, on a file system that may hold code
    unsigned generation;        // from 1
    int previous_fd;            // what is loaded in the place of the file's own bytes; -1: those
};

/**
 * Loads the file `name` of the place. 0; -EINVAL, and what is wrong was added to `messages`, each with its remedy; -ENOMEM. Before its ELF
 * structure and the numbers of its descriptor were found good, nothing of it is mapped; before all was, nothing of it was called (but its
 * constructors, by the loader).
 */
int plugin_open(const struct plugin_place *place, const char *name, struct messages *messages, struct plugin **ret_plugin);
/** The one that is linked into the executable; the same checks of its items. */
int plugin_open_builtin(const leat_plugin *entry, unsigned generation, struct messages *messages, struct plugin **ret_plugin);
/** One more set has it; each closes it. */
void plugin_hold(struct plugin *plugin);
/** The last holder's: on_unload if it is live, then it is taken out; nothing of it is in use any more. NULL is fine. */
void plugin_close(struct plugin *plugin);

struct plugin_view plugin_view(struct plugin *plugin);

#endif
