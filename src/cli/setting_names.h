// setting_names.h — every setting there is, the server's and those of the plugins that are loaded, by name.
#ifndef CLI_SETTING_NAMES_H
#define CLI_SETTING_NAMES_H

#include "host/environment.h"
#include "host/plugins.h"

struct setting {
    const char *variable;
    const char *owner; // a plugin's name; "leat"
    const leat_field *field;
};

/** All of them, the server's first; `*ret_count` of them, in `arena`. NULL without memory. `plugins` may be NULL. */
struct setting *setting_names(const struct plugin_set *plugins, struct arena *arena, size_t *ret_count);
/** A warning on stderr for each name in .env, or in the file of LEAT_CONFIG, that is no setting but nearly one. */
void setting_names_warn(const struct plugin_set *plugins, const struct environment *environment, struct arena *arena);

#endif
