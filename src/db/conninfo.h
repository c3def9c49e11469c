// conninfo.h — a connection string, judged before anybody connects.
#ifndef DB_CONNINFO_H
#define DB_CONNINFO_H

#include <stdbool.h>

/** True when libpq can read it: "host=... dbname=..." or postgresql://... (Postgres 15, 34.1.1). Connects to nothing. */
bool conninfo_is_valid(const char *conninfo);

#endif
