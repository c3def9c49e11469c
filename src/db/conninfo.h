// conninfo.h — a connection string, judged before anybody connects.
#ifndef DB_CONNINFO_H
#define DB_CONNINFO_H

#include <stdbool.h>

#include "base/arena.h"

/** True when libpq can read it: "host=... dbname=..." or postgresql://... (Postgres 15, 34.1.1). Connects to nothing. */
bool conninfo_is_valid(const char *conninfo);
/** The database that it names, or that libpq would take where it names none; NULL where it cannot be said. */
const char *conninfo_database(const char *conninfo, struct arena *arena);

#endif
