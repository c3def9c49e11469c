// examine.h — what a Postgres is like, asked before anything depends on it: for whoever looks for trouble.
#ifndef DB_EXAMINE_H
#define DB_EXAMINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct examination {
    int version;                                                // 150004: 15.4
    int connection_count_max, connection_count, reserved_count; // max_connections; those there are; those kept for superusers
    int64_t connect_us, answer_us;                              // to connect; of the quickest of some SELECT 1
    bool has_tls, is_standby;
    bool is_utf8; // of the database
};

/** Connects, asks and leaves; blocking, some seconds at most. 0, or a negative errno and what libpq says in `*ret_failure`. */
int db_examine(const char *conninfo, struct arena *arena, struct examination *ret_examination, str *ret_failure);

#endif
