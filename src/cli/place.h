// place.h — where the program stands: what lies beside it in a build, or below the prefix it was installed to.
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include <stdbool.h>

#include "base/arena.h"

/**
 * The folder of plugins that belongs to this executable: `name` in its build ("plugins", "bench/plugins"), or PREFIX/lib/leat/`name`. NULL
 * where there is none.
 */
const char *place_of_plugins(const char *name, struct arena *arena);
/** True for an executable in its build, false for one that is installed. */
bool place_is_build(void);
/** The folder that holds migrations/: of the sources in a build, or PREFIX/share/leat. */
const char *place_of_data(struct arena *arena);
/** Makes the folder, and those above it, where it is missing. The absolute path of it; NULL and errno. */
const char *place_make(const char *path, struct arena *arena);

#endif
