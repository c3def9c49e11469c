// conninfo.c — a connection string, judged before anybody connects.
#include "conninfo.h"

#include <stddef.h>

#include <libpq-fe.h>

bool conninfo_is_valid(const char *conninfo) {
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    PQconninfoFree(options);
    return options != NULL;
}
