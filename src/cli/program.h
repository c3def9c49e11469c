// program.h — the command as a function.
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

/** Runs `leat VERB ...` and returns the process's exit code: 0; 1: it failed, and said why; 2: it was called wrongly. */
__attribute__((visibility("default"))) int leat_main(int argument_count, char **arguments);

#endif
