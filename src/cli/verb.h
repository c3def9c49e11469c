// verb.h — one word of the command: leat run, leat db ...
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <stdbool.h>

#include <leat/plugin.h>

#include "cli/flags.h"

struct invocation {
    struct arena *arena; // of the whole run
    struct environment *environment;
    char **arguments;                 // what the flags left, NULL-terminated
    const leat_plugin *const *linked; // plugins that are part of the program, NULL-terminated; NULL: none
};

// how the help orders them
enum verb_group { VERBS_THAT_LOOK, VERBS_FOR_AUTHORS, VERBS_THAT_SERVE, VERBS_OF_DATABASE, VERB_GROUPS };

struct verb {
    enum verb_group group;
    const char *name, *arguments, *summary;
    const char *text; // more help, with examples
    const struct flag *flags;
    bool has_settings; // the help lists the server's settings
    /** Returns the process's exit code: 0; 1: it failed, and said why; 2: it was called wrongly. */
    int (*run)(const struct invocation *invocation);
};

// clang-format off
extern const struct verb
    verb_bench,
    verb_build,
    verb_call,
    verb_check,
    verb_completion,
    verb_db,
    verb_dev,
    verb_doctor,
    verb_manual,
    verb_new,
    verb_openapi,
    verb_plugins,
    verb_queries,
    verb_reload,
    verb_rollback,
    verb_routes,
    verb_run,
    verb_settings,
    verb_test,
    verb_token,
    verb_top,
    verb_unload,
    verb_version;
// clang-format on
/** Prints what `leat VERB --help` does; NULL: what `leat --help` does. 0. */
int verb_help(const struct verb *verb);
/** All of them, in the order in which they are told; NULL at the end. */
extern const struct verb *const verbs[];

// the flags that say which server is meant
#define FLAGS_OF_PLACE                                                                                                                     \
    {"var", "DIR", "LEAT_VAR", NULL, false, "what the server keeps: its private Postgres, copies of plugins, its key (var)"},              \
        {"plugins", "DIR", "LEAT_PLUGINS", NULL, true, "a folder of plugins, instead of the build's own; may be given again"},             \
        {"bench", NULL, "LEAT_BENCH", "true", false, "load the plugins for benchmarks as well"}, {                                         \
        "root", "DIR", "LEAT_ROOT", NULL, false,                                                                                           \
            "where relative paths of plugins (migrations) are looked for after the working folder; the sources, or PREFIX/share/leat"      \
    }

#endif
