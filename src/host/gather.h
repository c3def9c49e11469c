// gather.h — the plugins of a generation, gathered: those that are linked in, those that go on as they are, the files of the folders.
#ifndef HOST_GATHER_H
#define HOST_GATHER_H

#include "host/plugins.h"

struct gathering {
    struct plugin_set *set;
    const struct plugin_set_options *options;
    struct messages *messages;
};

/**
 * Opens what the folders hold, in the order of folders and names. 0; -EINVAL and messages; -ENOMEM. With options->refused a file that is
 * wrong is added there, and what served from it before is gathered in its place.
 */
int gather(struct gathering *gathering);
/** The plugin is not of the set: it is added to options->refused, closed, and what served from its file before takes its place. 0, -ENOMEM.
 */
int gather_without(struct gathering *gathering, struct plugin *plugin, str why);
/** Another set has it too, from now on. As gather(). */
int gather_again(struct gathering *gathering, struct plugin *plugin);
/** One more that is left out by choice. */
void gather_left_out(struct gathering *gathering, const char *name, enum choice_kind kind, const char *why);

/** By its plugin's name; NULL where there is none. */
struct plugin *plugin_set_find(const struct plugin_set *set, const char *name);
const struct left_out *plugin_set_find_left_out(const struct plugin_set *set, const char *name);
/** A name that the loader looks at: "users.so", and no hidden one. */
bool is_plugin_file(const char *name);

#endif
