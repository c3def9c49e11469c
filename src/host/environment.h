// environment.h — settings as text: variables by name, any case, from several sources, the strongest first.
#ifndef HOST_ENVIRONMENT_H
#define HOST_ENVIRONMENT_H

#include "base/arena.h"
#include "host/messages.h"

enum environment_source {
    FROM_FLAG,    // of the command line
    FROM_PROCESS, // the process's environment
    FROM_FILE,    // .env
    FROM_CONFIG,  // the file that LEAT_CONFIG names
    FROM_SERVER,  // what the server found for itself: a key it made
    ENVIRONMENT_SOURCES,
};

struct variable {
    struct variable *next;
    enum environment_source source;
    str name, value;
    const char *flag; // as it was written, "--port"; NULL from elsewhere
};

struct environment {
    struct arena *arena; // of names and values
    struct variable *first[ENVIRONMENT_SOURCES];
};

void environment_init(struct environment *environment, struct arena *arena);
/** Copies both; the last of a name holds. 0 or -ENOMEM. */
int environment_put(struct environment *environment, enum environment_source source, str name, str value);
/** The same from the command line; `flag` is kept, not copied. */
int environment_put_flag(struct environment *environment, const char *name, str value, const char *flag);
/** All of the process's variables. */
int environment_import(struct environment *environment, char *const *variables);
/**
 * The strongest of that name, any case (the very case first within a source); NULL where there is none. An empty value counts as none:
 * `PORT=` in a copied .env.example sets nothing.
 */
const struct variable *environment_find(const struct environment *environment, const char *name);
/** Its value; `ptr` is NULL where there is none. */
str environment_value(const struct environment *environment, const char *name);
/** How to speak of it: "--port", "PORT in the environment", "PORT in .env". */
str variable_words(const struct variable *variable, struct arena *arena);

#endif
