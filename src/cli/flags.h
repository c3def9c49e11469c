// flags.h — the command line: flags that set variables, and the arguments that are left.
//
// A flag is nothing but the strongest source of a setting: --port 0 is PORT=0. So it is validated where the environment is, in the same
// words.
#ifndef CLI_FLAGS_H
#define CLI_FLAGS_H

#include "host/environment.h"
#include "host/messages.h"

struct flag {
    const char *name;     // "port", for --port; NULL ends a table
    const char *value;    // how the help calls its value, "N"; NULL: it takes none
    const char *variable; // what it sets; one that begins with '-' is no setting and cannot come from elsewhere
    const char *sets;     // to what, where it takes no value
    bool is_repeatable;   // its values become a list: between commas; of what is no setting, a line each
    const char *help;
    char letter; // for -H; 0: none
};

/**
 * Takes the flags out of `arguments` (NULL-terminated, without the program's and the verb's names); what is left stays in its order, NULL
 * at its end. `--` ends the flags. 0; 1: help is wanted; -EINVAL and a message for each flag that is none or lacks its value; -ENOMEM.
 */
int flags_take(const struct flag *flags, char **arguments, struct environment *environment, struct messages *messages);
/** What of `names` (NULL-terminated) is spelt most like `name`; NULL where nothing is near. */
const char *nearest(const char *name, const char *const *names);

#endif
