// conninfo.c — a connection string, judged before anybody connects.
#include "conninfo.h"

#include <stddef.h>
#include <string.h>

#include <libpq-fe.h>

bool conninfo_is_valid(const char *conninfo) {
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    PQconninfoFree(options);
    return options != NULL;
}

static const char *option(const PQconninfoOption *options, const char *name) {
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, name) == 0 && options->val && *options->val)
            return options->val;
    return NULL;
}

const char *conninfo_database(const char *conninfo, struct arena *arena) {
    PQconninfoOption *given = PQconninfoParse(conninfo, NULL), *usual = PQconndefaults();
    const char *name = option(given, "dbname");
    if (!name)
        name = option(given, "user"); // libpq's rule: the user's own
    if (!name)
        name = option(usual, "dbname");
    const char *copy = name ? arena_format(arena, "%s", name).ptr : NULL;
    PQconninfoFree(given);
    PQconninfoFree(usual);
    return copy;
}
