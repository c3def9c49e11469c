// migration_history.h — one plugin's files beside what the database knows of them.
#ifndef DB_MIGRATION_HISTORY_H
#define DB_MIGRATION_HISTORY_H

#include "db/migration_session.h"

struct migration_history {
    const char *plugin;
    struct migration_file *files;
    struct applied_migration *rows;
    unsigned file_count, row_count;
};

/** NULL where it is not applied, or has no file. */
const struct applied_migration *migration_row_of(const struct migration_history *history, int64_t version);
const struct migration_file *migration_file_of(const struct migration_history *history, int64_t version);
/**
 * Every applied file is still the one that was applied: else -EINVAL and session->failure. Warns of what a branch or a rolled back release
 * leaves behind.
 */
int migration_history_check(struct migration_session *session, const struct migration_history *history);
/** A file's entry, and that of a row without one. */
struct migration_entry migration_entry_of(const struct migration_history *history, const struct migration_file *file);
struct migration_entry migration_entry_of_row(const struct migration_history *history, const struct applied_migration *row);

#endif
