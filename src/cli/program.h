// program.h — the command as a function.
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <leat/plugin.h>

/**
 * Runs `leat VERB ...` and returns the process's exit code: 0; 1: it failed, and said why; 2: it was called wrongly. `linked` are plugins
 * that are part of the program, NULL at the end; NULL: none.
 */
__attribute__((visibility("default"))) int leat_main(int argument_count, char **arguments, const leat_plugin *const *linked);

#endif
