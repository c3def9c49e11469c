// migrate.h — plain SQL files, applied once and in order, each in one transaction with its row in the version table.
//
// migrations/<plugin>/<version>_<name>.up.sql (and .down.sql); versions are digits (a timestamp, or 0001), compared as numbers. One
// advisory lock for the database: N servers that start at once migrate once. A file that begins with the line `-- no transaction` runs
// outside one (CREATE INDEX CONCURRENTLY). Whenever a run ends, killed or not, what is in the version table is what is in the database, and
// the next run goes on from there.
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include <stdbool.h>

#include "base/arena.h"

/**
 * The migrations of one plugin: its name, and the folder of its files. In the order in which they are to be applied: what is required comes
 * first.
 */
struct migration_folder {
    const char *plugin, *path;
    const char *const *requires; // plugins, NULL-terminated; NULL: none
};

enum migration_state {
    MIGRATION_PENDING,
    MIGRATION_APPLIED,
    MIGRATION_EDITED,  // applied, and the file is another one now
    MIGRATION_MISSING, // applied, and there is no file
};

/** What a script would read. */
struct migration_entry {
    const char *plugin;
    int64_t version;
    str name; // "0001_create_users"
    enum migration_state state;
    bool is_out_of_order; // pending, and a newer one of the plugin is applied
    str applied_at;       // ISO 8601, UTC; empty while pending
    long duration_ms;
    const char *file; // of the up file; NULL where it is missing
};

struct migration_report {
    unsigned applied_count;          // or undone, or stamped
    unsigned pending_count;          // of what was asked about: after a dry run, or behind the one that failed
    str text;                        // a line for each file: "users 0001_create_users applied in 12 ms"
    str script;                      // where only_prints: the SQL
    str failure;                     // what is wrong, where (file:line, SQLSTATE, Postgres' words) and what to do; empty if nothing
    struct migration_entry *entries; // STATUS: by plugin and version; HISTORY: as they were applied; else those that ran
    unsigned entry_count;
};

enum migration_verb {
    MIGRATION_UP,      // applies what is pending
    MIGRATION_STATUS,  // tells, and changes nothing
    MIGRATION_DOWN,    // undoes the newest of one plugin by their .down.sql
    MIGRATION_REDO,    // undoes the newest of one plugin and applies them again
    MIGRATION_HISTORY, // tells what was applied, whatever the files are now
    MIGRATION_STAMP,   // writes the rows and runs nothing: for a database that was made by other means
    MIGRATION_RESET,   // drops all that is in the current schema and applies everything
};

struct migration_order {
    enum migration_verb verb;
    const char *conninfo;
    const struct migration_folder *folders;
    unsigned folder_count;
    const char *plugin; // NULL: all; UP: those it requires too
    bool has_version;   // UP, STAMP: up to this one; DOWN: this one stays, 0 undoes all
    int64_t version;
    unsigned count;           // DOWN, REDO: how many where there is no version; at least 1
    bool only_prints;         // UP, DOWN: report->script is what would run
    bool only_entries;        // STATUS, HISTORY: what the entries say is left out of report->text, warnings stay
    uint32_t wait_ms;         // for a database that is not there yet, and for others who migrate; 0: connects once, waits 10 minutes
    uint32_t lock_timeout_ms; // of a statement that waits for a table, five times; 0: 5 s
};

/**
 * Blocking. 0, or -EINVAL, -ECONNREFUSED, -ENOMEM with `failure` set: an edited file that was applied, SQL that fails, no database ... What
 * was applied before it failed stays.
 */
int migrate_run(const struct migration_order *order, struct arena *arena, struct migration_report *ret_report);

/** MIGRATION_UP of all. */
int migrate_up(const char *conninfo, const struct migration_folder *folders, unsigned folder_count, struct arena *arena,
               struct migration_report *ret_report);
/** MIGRATION_STATUS of all: pending_count, and failure for files edited after they were applied. */
int migrate_status(const char *conninfo, const struct migration_folder *folders, unsigned folder_count, struct arena *arena,
                   struct migration_report *ret_report);
/** MIGRATION_DOWN: undoes the newest `count` of one plugin by their .down.sql files. */
int migrate_down(const char *conninfo, const struct migration_folder *folder, unsigned count, struct arena *arena,
                 struct migration_report *ret_report);

#endif
