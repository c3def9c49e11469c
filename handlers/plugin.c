// plugin.c — what comes with the server: the built-in domains, one plugin that is linked into the executable.
#include <leat/leat.h>

#include "pages.h"

PLUGIN(leat, .version = LEAT_VERSION, .description = "Built-in routes of the server", .on_load = pages_load);
