// cluster.h — a private Postgres under var/: made, started and stopped by us, on a unix socket only.
//
// For development and tests, and for a first run: never touched when DATABASE_URL is set. As root, initdb and postgres run as the user
// `postgres` (or as the owner of var/pg). It runs as long as somebody uses it: several servers may share one var/, the last one that
// stops or dies, kill -9 included, takes Postgres with it (see keeper.h). One that was started by other hands is used and left running.
// Should Postgres end by itself (the kernel ran out of memory, somebody killed it), a server that looks brings it up again.
#ifndef DB_CLUSTER_H
#define DB_CLUSTER_H

#include <stdbool.h>

#include "base/arena.h"

struct cluster;

struct cluster_options {
    const char *var;   // the folder: data in var/pg/data, log in var/pg/log, socket in var/pg/run; place.h tells when they are elsewhere
    bool is_throwaway; // a test's: fsync off
};

/**
 * Blocking: under a second the first time. Any thread; before there are many, as it forks. 0, or a negative errno and `*ret_failure` says
 * what is wrong and what to do. `arena` lives as long as the cluster.
 */
int cluster_start(const struct cluster_options *options, struct arena *arena, struct cluster **ret_cluster, str *ret_failure);
/**
 * Where neither a postmaster nor a keeper lives any more, starts Postgres again and does not wait for it: links come back by themselves.
 * From the thread that called cluster_start(), now and then; takes some ms where there is something to do. 1: it was started; 0: it lives,
 * or another server is at it; or a negative errno and `*ret_failure` says in a line what is wrong.
 */
int cluster_revive(struct cluster *cluster, struct arena *arena, str *ret_failure);
/** The connection string of the one of that var, where its socket is there; NULL. Starts nothing. */
const char *cluster_find(const char *var, struct arena *arena);
/** "host=... port=5432 dbname=app user=app". Lives as long as the cluster. */
const char *cluster_conninfo(const struct cluster *cluster);
/** The command line to look inside: "psql 'host=...'". */
const char *cluster_psql(const struct cluster *cluster);
/** The folder that holds data and log; to remove a throw-away cluster, remove it. */
const char *cluster_folder(const struct cluster *cluster);
/** A sentence for the user when a part of it is not below var/, and why; else NULL. */
const char *cluster_notice(const struct cluster *cluster);
/** It ran before cluster_start(). */
bool cluster_was_running(const struct cluster *cluster);
/** Leaves it and frees. Where no other server uses it, and we or another server of ours started it: fast shutdown, and waits for it. */
void cluster_stop(struct cluster *cluster);

#endif
