// migrate.h — plain SQL files, applied once and in order, each in one transaction with its row in the version table.
//
// migrations/<plugin>/<version>_<name>.up.sql (and .down.sql); versions are digits (a timestamp, or 0001), compared as numbers. One
// advisory lock for the database: N servers that start at once migrate once. A file that begins with the line `-- no transaction` runs
// outside one (CREATE INDEX CONCURRENTLY).
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "base/arena.h"

/**
 * The migrations of one plugin: its name, and the folder of its files. In the order in which they are to be applied: what is required comes
 * first.
 */
struct migration_folder {
    const char *plugin, *path;
};

struct migration_report {
    unsigned applied_count, pending_count; // pending: after a dry run, or those behind the one that failed
    str text;                              // a line for each file: "users 0001_create_users applied in 12 ms"
    str failure;                           // what is wrong, where (file:line, SQLSTATE, Postgres' words) and what to do; empty if nothing
};

/**
 * Applies what is pending. Blocking. 0, or -EINVAL, -ECONNREFUSED, -ENOMEM with `failure` set: an edited file that was applied, SQL that
 * fails, no database ...
 */
int migrate_up(const char *conninfo, const struct migration_folder *folders, unsigned folder_count, struct arena *arena,
               struct migration_report *ret_report);
/** The same without applying anything: pending_count, and failure for files edited after they were applied. */
int migrate_status(const char *conninfo, const struct migration_folder *folders, unsigned folder_count, struct arena *arena,
                   struct migration_report *ret_report);
/** Undoes the newest `count` of one plugin by their .down.sql files. */
int migrate_down(const char *conninfo, const struct migration_folder *folder, unsigned count, struct arena *arena,
                 struct migration_report *ret_report);

#endif
