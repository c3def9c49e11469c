// migrate.c — plain SQL files, applied once and in order, each in one transaction with its row in the version table.
#include "migrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "db/migration_file.h"
#include "db/migration_session.h"

// One plugin's files beside what the database knows of them.
struct history {
    struct migration_file *files;
    struct applied_migration *rows;
    unsigned file_count, row_count;
};

struct migration {
    struct migration_session session;
    const struct migration_folder *folders;
    unsigned folder_count;
    struct history *histories; // one a folder
    struct arena *arena;
    struct migration_report *report;
    struct buffer text;
};

// ---- the report

static void say(struct migration *migration, const char *format, ...) __attribute__((format(printf, 2, 3)));

// A line that memory has no room for is left out: the counts tell all the same.
static void say(struct migration *migration, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    bytes = bytes < (int)sizeof line - 1 ? bytes : (int)sizeof line - 2;
    line[bytes] = '\n';
    buffer_append(&migration->text, line, (size_t)bytes + 1);
}

static int fail_with(struct migration *migration, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int fail_with(struct migration *migration, int error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    migration->session.failure = arena_vformat(migration->arena, format, args);
    va_end(args);
    return error;
}

// ---- what is there

static int find_files(struct migration *migration) {
    migration->histories = arena_alloc(migration->arena, migration->folder_count * sizeof *migration->histories);
    if (!migration->histories)
        return fail_with(migration, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < migration->folder_count; i++) {
        struct history *history = &migration->histories[i];
        int error = migration_files_find(&migration->folders[i], migration->arena, &history->files, &history->file_count,
                                         &migration->session.failure);
        if (error)
            return error;
    }
    return 0;
}

static int find_rows(struct migration *migration) {
    for (unsigned i = 0; i < migration->folder_count; i++) {
        struct history *history = &migration->histories[i];
        int error = migration_session_applied(&migration->session, migration->folders[i].plugin, &history->rows, &history->row_count);
        if (error)
            return error;
    }
    return 0;
}

static const struct applied_migration *row_of(const struct history *history, int64_t version) {
    for (unsigned i = 0; i < history->row_count; i++)
        if (history->rows[i].version == version)
            return &history->rows[i];
    return NULL;
}

static const struct migration_file *file_of(const struct history *history, int64_t version) {
    for (unsigned i = 0; i < history->file_count; i++)
        if (history->files[i].version == version)
            return &history->files[i];
    return NULL;
}

static int check_checksum(struct migration *migration, const struct migration_file *file, const struct applied_migration *row) {
    if (row->checksum.len == CHECKSUM_BYTES && memcmp(row->checksum.ptr, file->checksum, CHECKSUM_BYTES) == 0)
        return 0;
    return fail_with(
        migration, -EINVAL,
        "%s: error: was edited after it was applied at %.*s: an applied file never changes; restore it and put the change into a "
        "new one (in development: leat db down, then up)",
        file->up, (int)row->applied_at.len, row->applied_at.ptr);
}

// Every applied file is still the one that was applied. Warns of what a branch or a rolled back release leaves behind.
static int check_history(struct migration *migration, const char *plugin, const struct history *history) {
    for (unsigned i = 0; i < history->row_count; i++)
        if (!file_of(history, history->rows[i].version))
            say(migration, "%s %.*s warning: applied, but has no file here: the database is newer than this checkout", plugin,
                (int)history->rows[i].name.len, history->rows[i].name.ptr);
    int64_t newest = history->row_count ? history->rows[history->row_count - 1].version : 0;
    for (unsigned i = 0; i < history->file_count; i++) {
        const struct migration_file *file = &history->files[i];
        const struct applied_migration *row = row_of(history, file->version);
        int error = row ? check_checksum(migration, file, row) : 0;
        if (error)
            return error;
        if (!row && file->version < newest)
            say(migration, "%s %.*s warning: out of order: version %lld is applied already", plugin, (int)file->name.len, file->name.ptr,
                (long long)newest);
    }
    return 0;
}

static unsigned pending_of(const struct migration *migration) {
    unsigned count = 0;
    for (unsigned i = 0; i < migration->folder_count; i++)
        for (unsigned n = 0; n < migration->histories[i].file_count; n++)
            count += row_of(&migration->histories[i], migration->histories[i].files[n].version) == NULL;
    return count;
}

static int check_histories(struct migration *migration) {
    for (unsigned i = 0; i < migration->folder_count; i++) {
        int error = check_history(migration, migration->folders[i].plugin, &migration->histories[i]);
        if (error)
            return error;
    }
    return 0;
}

// ---- up, status, down

static int run_file(struct migration *migration, const struct migration_file *file, bool is_up) {
    long ms;
    int error = migration_session_run(&migration->session, file, is_up, &ms);
    if (error == 0) {
        migration->report->applied_count++;
        say(migration, "%s %.*s %s in %ld ms", file->plugin, (int)file->name.len, file->name.ptr, is_up ? "applied" : "undone", ms);
    }
    return error;
}

static int apply_pending(struct migration *migration) {
    migration->report->pending_count = pending_of(migration);
    for (unsigned i = 0; i < migration->folder_count; i++)
        for (unsigned n = 0; n < migration->histories[i].file_count; n++) {
            const struct migration_file *file = &migration->histories[i].files[n];
            if (row_of(&migration->histories[i], file->version))
                continue;
            migration->report->pending_count--;
            int error = run_file(migration, file, true);
            if (error)
                return error;
        }
    return 0;
}

static int up(struct migration *migration) {
    int error = migration_session_begin(&migration->session);
    if (error == 0)
        error = find_rows(migration); // under the lock: what another server applied meanwhile is known
    if (error == 0)
        error = check_histories(migration);
    return error ? error : apply_pending(migration);
}

static int tell_status(struct migration *migration) {
    int error = find_rows(migration);
    if (error)
        return error;
    for (unsigned i = 0; i < migration->folder_count; i++)
        for (unsigned n = 0; n < migration->histories[i].file_count; n++) {
            const struct migration_file *file = &migration->histories[i].files[n];
            const struct applied_migration *row = row_of(&migration->histories[i], file->version);
            say(migration, "%s %.*s %s%.*s", file->plugin, (int)file->name.len, file->name.ptr, row ? "applied at " : "pending",
                row ? (int)row->applied_at.len : 0, row ? row->applied_at.ptr : "");
        }
    migration->report->pending_count = pending_of(migration);
    return check_histories(migration);
}

static int undo(struct migration *migration, const struct applied_migration *row) {
    const struct migration_file *file = file_of(migration->histories, row->version);
    if (!file || !file->down)
        return fail_with(migration, -EINVAL, "%s/%.*s.down.sql: error: there is no such file, so this migration cannot be undone",
                         migration->folders->path, (int)row->name.len, row->name.ptr);
    return run_file(migration, file, false);
}

static int down(struct migration *migration, unsigned count) {
    int error = migration_session_begin(&migration->session);
    if (error == 0)
        error = find_rows(migration);
    const struct history *history = migration->histories;
    for (unsigned i = history->row_count; error == 0 && i > 0 && count > 0; i--, count--)
        error = undo(migration, &history->rows[i - 1]);
    return error;
}

static int finish(struct migration *migration, int error) {
    migration_session_close(&migration->session);
    struct migration_report *report = migration->report;
    report->text = buffer_bytes(&migration->text)
                       ? arena_copy(migration->arena, (str){buffer_head(&migration->text), buffer_bytes(&migration->text)})
                       : S("");
    buffer_finish(&migration->text);
    if (error)
        report->failure = migration->session.failure.ptr ? migration->session.failure : S("out of memory");
    return error;
}

// Files first: a name that follows no rule is told without a database.
static int open_all(struct migration *migration, const char *conninfo) {
    *migration->report = (struct migration_report){.text = S(""), .failure = S("")};
    int error = find_files(migration);
    if (error)
        return error;
    struct migration_session *session = &migration->session;
    return migration_session_open(session, conninfo, migration->arena);
}

int migrate_up(const char *conninfo, const struct migration_folder *folders, unsigned folder_count, struct arena *arena,
               struct migration_report *ret_report) {
    struct migration migration = {.folders = folders, .folder_count = folder_count, .arena = arena, .report = ret_report};
    int error = open_all(&migration, conninfo);
    return finish(&migration, error ? error : up(&migration));
}

int migrate_status(const char *conninfo, const struct migration_folder *folders, unsigned folder_count, struct arena *arena,
                   struct migration_report *ret_report) {
    struct migration migration = {.folders = folders, .folder_count = folder_count, .arena = arena, .report = ret_report};
    int error = open_all(&migration, conninfo);
    return finish(&migration, error ? error : tell_status(&migration));
}

int migrate_down(const char *conninfo, const struct migration_folder *folder, unsigned count, struct arena *arena,
                 struct migration_report *ret_report) {
    struct migration migration = {.folders = folder, .folder_count = 1, .arena = arena, .report = ret_report};
    int error = open_all(&migration, conninfo);
    return finish(&migration, error ? error : down(&migration, count));
}
