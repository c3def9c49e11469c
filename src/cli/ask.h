// ask.h — the command's side of the control socket: which server is meant, the question, the answer.
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "cli/verb.h"
#include "cli/words.h"

// the flags of every verb that talks to a running server
#define FLAGS_OF_SERVER                                                                                                                    \
    {"var", "DIR", "LEAT_VAR", NULL, false, "the folder that the server was started with (var)"},                                          \
        {"pid", "N", "--pid", NULL, false, "which server, where several share that folder"}, {                                             \
        "json", NULL, "--json", "true", false, "the answer as JSON"                                                                        \
    }

enum { ASK_MS = 10000, ASK_CHANGE_MS = 120000 }; // a change waits for every core, and for Postgres

/**
 * Asks the server that the flags mean; `plugin` may be NULL. The answer is read as `schema`, whose first member is `error`, and its line is
 * left in the invocation's arena. False: it was said on stderr why not.
 */
bool ask_for(const struct invocation *invocation, const char *verb, const char *plugin, int patience_ms, const leat_schema *schema,
             void *out, str *ret_line);
/** --json was given. */
bool wants_json(const struct invocation *invocation);
/** Prints a line on stdout. 0, or 1 where that failed. */
int print_line(str line);

#endif
