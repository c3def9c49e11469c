// project.h — what a folder of sources is built, tested and watched with: a checkout of leat, a project for meson, or one for CMake.
#ifndef CLI_PROJECT_H
#define CLI_PROJECT_H

#include <stdbool.h>

#include "base/arena.h"

enum project_kind { PROJECT_NONE, PROJECT_CHECKOUT, PROJECT_MESON, PROJECT_CMAKE };

/** What the working folder is; PROJECT_NONE and a sentence on stderr where it is none of them. */
enum project_kind project_here(void);
/** The same for whoever need not be in one, and says nothing. Of meson's and CMake's files, those that name leat. */
enum project_kind project_look(void);
/** Where its plugins are when they are built, and where its migrations are looked for. */
const char *project_plugins(enum project_kind kind);
/**
 * Builds all of it, or the plugin of that name alone (NULL: all). What compilers say goes to `output_fd`, or, for -1, where ours goes. The
 * exit code of whoever failed first; 0.
 */
int project_build(enum project_kind kind, const char *plugin, struct arena *arena, int output_fd);
/** Runs the tests, of that plugin alone or of all (NULL); with the lines of its sources that they ran. The exit code. */
int project_test(enum project_kind kind, const char *plugin, bool with_coverage, struct arena *arena);
/** Runs a program, found by PATH, and waits for it. Its exit code; 127 where it cannot be run, and a sentence on stderr. */
int project_command(const char *const *arguments, int output_fd);

#endif
