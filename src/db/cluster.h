// cluster.h — a private Postgres under var/: made, started and stopped by us, on a unix socket only.
//
// For development and tests, and for a first run: never touched when DATABASE_URL is set. As root, initdb and postgres run as the user
// `postgres`. A cluster that is already running is used and left running.
#ifndef DB_CLUSTER_H
#define DB_CLUSTER_H

#include <stdbool.h>

#include "base/arena.h"

struct cluster;

struct cluster_options {
    const char
        *var; // the folder: data in var/pg/data, log in var/pg/log, socket in var/pg/run (or elsewhere, where that path would be too long)
    bool is_throwaway; // a test's: fsync off
};

/** Blocking: under a second the first time. 0, or a negative errno and `*ret_failure` says what is wrong and what to do. */
int cluster_start(const struct cluster_options *options, struct arena *arena, struct cluster **ret_cluster, str *ret_failure);
/** "host=... dbname=app user=app". Lives as long as the cluster. */
const char *cluster_conninfo(const struct cluster *cluster);
/** The command line to look inside: "psql 'host=...'". */
const char *cluster_psql(const struct cluster *cluster);
bool cluster_was_running(const struct cluster *cluster);
/** Stops it (fast shutdown, waits) if we started it, and frees. */
void cluster_stop(struct cluster *cluster);

#endif
