// main.c — the program: everything but its name is in libleat, where plugins find what they call.
#include "cli/program.h"

#ifdef LEAT_STATIC_PLUGINS
extern const leat_plugin *const leat_static_plugins[]; // tools/link-plugins writes it
#else
static const leat_plugin *const *const leat_static_plugins = NULL;
#endif

int main(int argument_count, char **arguments) {
    return leat_main(argument_count, arguments, leat_static_plugins);
}
