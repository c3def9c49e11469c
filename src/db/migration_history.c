// migration_history.c — one plugin's files beside what the database knows of them.
#include "migration_history.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct applied_migration *migration_row_of(const struct migration_history *history, int64_t version) {
    for (unsigned i = 0; i < history->row_count; i++)
        if (history->rows[i].version == version)
            return &history->rows[i];
    return NULL;
}

const struct migration_file *migration_file_of(const struct migration_history *history, int64_t version) {
    for (unsigned i = 0; i < history->file_count; i++)
        if (history->files[i].version == version)
            return &history->files[i];
    return NULL;
}

static bool is_same_text(const struct migration_file *file, const struct applied_migration *row) {
    return row->checksum.len == CHECKSUM_BYTES && memcmp(row->checksum.ptr, file->checksum, CHECKSUM_BYTES) == 0;
}

// The remedy undoes the newest first: all down to this one. " 3", and nothing for the newest itself.
static void count_down_to(const struct migration_history *history, const struct applied_migration *row, char ret_text[16]) {
    unsigned count = (unsigned)(history->rows + history->row_count - row);
    ret_text[0] = '\0';
    if (count > 1)
        snprintf(ret_text, 16, " %u", count);
}

static int check_checksum(struct migration_session *session, const struct migration_history *history, const struct migration_file *file,
                          const struct applied_migration *row) {
    char count[16];
    if (is_same_text(file, row))
        return 0;
    count_down_to(history, row, count);
    return migration_session_fail(
        session, -EINVAL,
        "%s: error: was edited after it was applied at %.*s: an applied file never changes; restore it and put the change into a "
        "new one (in development: leat db redo %s%s; where only words of it changed: leat db stamp %s)",
        file->up, (int)row->applied_at.len, row->applied_at.ptr, file->plugin, count, file->plugin);
}

static int64_t newest_of(const struct migration_history *history) {
    return history->row_count ? history->rows[history->row_count - 1].version : 0;
}

int migration_history_check(struct migration_session *session, const struct migration_history *history) {
    for (unsigned i = 0; i < history->row_count; i++)
        if (!migration_file_of(history, history->rows[i].version))
            migration_session_say(session, "%s %.*s warning: applied, but has no file here: the database is newer than this checkout",
                                  history->plugin, (int)history->rows[i].name.len, history->rows[i].name.ptr);
    for (unsigned i = 0; i < history->file_count; i++) {
        const struct migration_file *file = &history->files[i];
        const struct applied_migration *row = migration_row_of(history, file->version);
        int error = row ? check_checksum(session, history, file, row) : 0;
        if (error)
            return error;
        if (!row && file->version < newest_of(history))
            migration_session_say(session, "%s %.*s warning: out of order: version %lld is applied already", history->plugin,
                                  (int)file->name.len, file->name.ptr, (long long)newest_of(history));
    }
    return 0;
}

struct migration_entry migration_entry_of_row(const struct migration_history *history, const struct applied_migration *row) {
    const struct migration_file *file = migration_file_of(history, row->version);
    return (struct migration_entry){
        .plugin = row->plugin,
        .version = row->version,
        .name = row->name,
        .state = !file                     ? MIGRATION_MISSING
                 : is_same_text(file, row) ? MIGRATION_APPLIED
                                           : MIGRATION_EDITED,
        .applied_at = row->applied_at,
        .duration_ms = row->duration_ms,
        .file = file ? file->up : NULL,
    };
}

struct migration_entry migration_entry_of(const struct migration_history *history, const struct migration_file *file) {
    const struct applied_migration *row = migration_row_of(history, file->version);
    if (row)
        return migration_entry_of_row(history, row);
    return (struct migration_entry){
        .plugin = file->plugin,
        .version = file->version,
        .name = file->name,
        .state = MIGRATION_PENDING,
        .is_out_of_order = file->version < newest_of(history),
        .applied_at = S(""),
        .file = file->up,
    };
}
