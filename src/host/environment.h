// environment.h — settings as text: variables by name, any case, from several sources, the strongest first.
#ifndef HOST_ENVIRONMENT_H
#define HOST_ENVIRONMENT_H

#include "base/arena.h"
#include "host/messages.h"

enum environment_source {
    FROM_FLAG,    // of the command line
    FROM_PROCESS, // the process's environment
    FROM_FILE,    // .env
    FROM_SERVER,  // what the server found for itself: a key it made
    ENVIRONMENT_SOURCES,
};

struct variable {
    struct variable *next;
    str name, value;
};

struct environment {
    struct arena *arena; // of names and values
    struct variable *first[ENVIRONMENT_SOURCES];
};

void environment_init(struct environment *environment, struct arena *arena);
/** Copies both; the last of a name holds. 0 or -ENOMEM. */
int environment_put(struct environment *environment, enum environment_source source, str name, str value);
/** All of the process's variables. */
int environment_import(struct environment *environment, char *const *variables);
/** The strongest value of that name, any case (the very case first within a source); `ptr` is NULL where there is none. An empty value
 * counts as none: `PORT=` in a copied .env.example sets nothing. `ret_source` may be NULL. */
str environment_value(const struct environment *environment, const char *name, enum environment_source *ret_source);
/** "on the command line", "in .env" and so on. */
const char *environment_source_words(enum environment_source source);

#endif
