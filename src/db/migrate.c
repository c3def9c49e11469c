// migrate.c — plain SQL files, applied once and in order, each in one transaction with its row in the version table.
#include "migrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "db/migration_file.h"
#include "db/migration_history.h"
#include "db/migration_index.h"
#include "db/migration_run.h"
#include "db/migration_session.h"

struct migration {
    struct migration_session session;
    const struct migration_order *order;
    struct migration_history *histories; // one a folder
    bool *is_wanted;                     // of each
    struct arena *arena;
    struct migration_report *report;
    struct buffer script;
};

#define FAIL(migration, ...) migration_session_fail(&(migration)->session, -EINVAL, __VA_ARGS__)

// ---- what is there

static int find_files(struct migration *migration) {
    const struct migration_order *order = migration->order;
    migration->histories = arena_alloc(migration->arena, (order->folder_count + 1) * sizeof *migration->histories);
    migration->is_wanted = arena_alloc(migration->arena, order->folder_count + 1);
    if (!migration->histories || !migration->is_wanted)
        return -ENOMEM;
    for (unsigned i = 0; i < order->folder_count; i++) {
        struct migration_history *history = &migration->histories[i];
        history->plugin = order->folders[i].plugin;
        int error =
            migration_files_find(&order->folders[i], migration->arena, &history->files, &history->file_count, &migration->session.failure);
        if (error)
            return error;
    }
    return 0;
}

static int find_rows(struct migration *migration) {
    for (unsigned i = 0; i < migration->order->folder_count; i++) {
        struct migration_history *history = &migration->histories[i];
        int error = migration_session_applied(&migration->session, history->plugin, &history->rows, &history->row_count);
        if (error)
            return error;
    }
    return 0;
}

static int index_of(const struct migration_order *order, const char *plugin) {
    for (unsigned i = 0; i < order->folder_count; i++)
        if (strcmp(order->folders[i].plugin, plugin) == 0)
            return (int)i;
    return -1;
}

// The plugin that is meant and, for what goes up, those it requires: folders are in their order, so one look from behind is enough.
static int find_wanted(struct migration *migration) {
    const struct migration_order *order = migration->order;
    if (!order->plugin) {
        memset(migration->is_wanted, true, order->folder_count);
        return 0;
    }
    int at = index_of(order, order->plugin);
    if (at < 0)
        return FAIL(migration, "no plugin '%s' with migrations is loaded; --plugins names the folders they come from", order->plugin);
    migration->is_wanted[at] = true;
    for (; order->verb == MIGRATION_UP && at >= 0; at--)
        for (const char *const *name = order->folders[at].requires; migration->is_wanted[at] && name && *name; name++) {
            int required = index_of(order, *name);
            if (required >= 0)
                migration->is_wanted[required] = true;
        }
    return 0;
}

static struct migration_history *only_history(struct migration *migration) {
    return &migration->histories[index_of(migration->order, migration->order->plugin)];
}

static bool is_target(const struct migration *migration, const char *plugin) {
    return !migration->order->plugin || strcmp(migration->order->plugin, plugin) == 0;
}

// A version that stops no other plugin: what is required is applied whole.
static bool is_beyond(const struct migration *migration, const struct migration_file *file) {
    return migration->order->has_version && is_target(migration, file->plugin) && file->version > migration->order->version;
}

static bool is_due(const struct migration *migration, const struct migration_history *history, const struct migration_file *file) {
    return !migration_row_of(history, file->version) && !is_beyond(migration, file);
}

static int check_target(struct migration *migration) {
    const struct migration_order *order = migration->order;
    if (!order->has_version || order->version == 0)
        return 0;
    const struct migration_history *history = only_history(migration);
    if (migration_file_of(history, order->version) || migration_row_of(history, order->version))
        return 0;
    return FAIL(migration, "there is no version %lld of %s; `leat db status` shows those there are", (long long)order->version,
                order->plugin);
}

static unsigned pending_of(const struct migration *migration) {
    unsigned count = 0;
    for (unsigned i = 0; i < migration->order->folder_count; i++)
        for (unsigned n = 0; migration->is_wanted[i] && n < migration->histories[i].file_count; n++)
            count += !migration_row_of(&migration->histories[i], migration->histories[i].files[n].version);
    return count;
}

static int check_histories(struct migration *migration) {
    for (unsigned i = 0; i < migration->order->folder_count; i++) {
        int error = migration_history_check(&migration->session, &migration->histories[i]);
        if (error)
            return error;
    }
    return 0;
}

// ---- the report

enum { ENTRIES_MIN = 16 };

static int tell(struct migration *migration, struct migration_entry entry) {
    struct migration_report *report = migration->report;
    if (report->entry_count == 0 || (report->entry_count >= ENTRIES_MIN && (report->entry_count & (report->entry_count - 1)) == 0)) {
        size_t capacity = report->entry_count ? 2 * (size_t)report->entry_count : ENTRIES_MIN;
        struct migration_entry *entries = arena_alloc(migration->arena, capacity * sizeof *entries);
        if (!entries)
            return -ENOMEM;
        if (report->entry_count)
            memcpy(entries, report->entries, report->entry_count * sizeof *entries);
        report->entries = entries;
    }
    report->entries[report->entry_count++] = entry;
    return 0;
}

// ---- up

static int run_file(struct migration *migration, const struct migration_file *file, bool is_up) {
    struct migration_session *session = &migration->session;
    if (migration->order->only_prints)
        return migration_script(session, file, is_up, &migration->script);
    long ms;
    int error = migration_run(session, file, is_up, &ms);
    if (error)
        return error;
    migration->report->applied_count++;
    migration_session_say(session, "%s %.*s %s in %ld ms", file->plugin, (int)file->name.len, file->name.ptr, is_up ? "applied" : "undone",
                          ms);
    return tell(migration, (struct migration_entry){.plugin = file->plugin,
                                                    .version = file->version,
                                                    .name = file->name,
                                                    .state = is_up ? MIGRATION_APPLIED : MIGRATION_PENDING,
                                                    .applied_at = S(""),
                                                    .duration_ms = ms,
                                                    .file = is_up ? file->up : file->down});
}

static int apply(struct migration *migration) {
    migration->report->pending_count = pending_of(migration);
    for (unsigned i = 0; i < migration->order->folder_count; i++)
        for (unsigned n = 0; migration->is_wanted[i] && n < migration->histories[i].file_count; n++) {
            const struct migration_file *file = &migration->histories[i].files[n];
            if (!is_due(migration, &migration->histories[i], file))
                continue;
            migration->report->pending_count -= !migration->order->only_prints;
            int error = run_file(migration, file, true);
            if (error)
                return error;
        }
    return 0;
}

static int up(struct migration *migration) {
    int error = check_histories(migration);
    if (error == 0 && migration->order->only_prints && pending_of(migration)) {
        str head = migration_session_table_sql(&migration->session);
        error = head.ptr ? buffer_append(&migration->script, head.ptr, head.len) : -ENOMEM;
        if (error == 0)
            error = buffer_append(&migration->script, ";\n\n", 3);
    }
    return error ? error : apply(migration);
}

// ---- down, redo

static int undo(struct migration *migration, const struct migration_history *history, const struct applied_migration *row) {
    const struct migration_file *file = migration_file_of(history, row->version);
    if (file && file->down)
        return run_file(migration, file, false);
    int at = index_of(migration->order, history->plugin);
    return FAIL(migration, "%s/%.*s.down.sql: error: there is no such file, so this migration cannot be undone",
                migration->order->folders[at].path, (int)row->name.len, row->name.ptr);
}

static bool is_undone(const struct migration_order *order, const struct applied_migration *row, unsigned undone_count) {
    return order->has_version ? row->version > order->version : undone_count < order->count;
}

// How many of the newest are meant; refused before the first is touched where one of them has no way back.
static int count_undone(struct migration *migration, const struct migration_history *history, unsigned *ret_count) {
    unsigned count = 0;
    for (; count < history->row_count && is_undone(migration->order, &history->rows[history->row_count - 1 - count], count); count++) {
        const struct applied_migration *row = &history->rows[history->row_count - 1 - count];
        const struct migration_file *file = migration_file_of(history, row->version);
        if (!file || !file->down)
            return undo(migration, history, row);
    }
    *ret_count = count;
    return 0;
}

static int down(struct migration *migration) {
    const struct migration_history *history = only_history(migration);
    unsigned count = 0;
    int error = count_undone(migration, history, &count);
    for (unsigned i = 0; error == 0 && i < count; i++)
        error = undo(migration, history, &history->rows[history->row_count - 1 - i]);
    return error;
}

static int redo(struct migration *migration) {
    const struct migration_history *history = only_history(migration);
    unsigned count = 0;
    int error = count_undone(migration, history, &count);
    const struct applied_migration *rows = history->rows + history->row_count - count;
    for (unsigned i = count; error == 0 && i > 0; i--)
        error = undo(migration, history, &rows[i - 1]);
    for (unsigned i = 0; error == 0 && i < count; i++)
        error = run_file(migration, migration_file_of(history, rows[i].version), true);
    return error;
}

// ---- status, history

static int tell_entries(struct migration *migration, const struct migration_history *history) {
    int error = 0;
    for (unsigned i = 0; error == 0 && i < history->file_count; i++) {
        struct migration_entry entry = migration_entry_of(history, &history->files[i]);
        if (!migration->order->only_entries)
            migration_session_say(&migration->session, "%s %.*s %s%.*s", entry.plugin, (int)entry.name.len, entry.name.ptr,
                                  entry.state == MIGRATION_PENDING ? "pending" : "applied at ", (int)entry.applied_at.len,
                                  entry.applied_at.ptr);
        error = tell(migration, entry);
    }
    for (unsigned i = 0; error == 0 && i < history->row_count; i++)
        if (!migration_file_of(history, history->rows[i].version))
            error = tell(migration, migration_entry_of_row(history, &history->rows[i]));
    return error;
}

static int tell_status(struct migration *migration) {
    int error = 0;
    for (unsigned i = 0; error == 0 && i < migration->order->folder_count; i++)
        if (migration->is_wanted[i])
            error = tell_entries(migration, &migration->histories[i]);
    migration->report->pending_count = pending_of(migration);
    if (error == 0)
        error = concurrent_index_warn(&migration->session);
    return error ? error : check_histories(migration);
}

static struct migration_history *history_of(struct migration *migration, const char *plugin) {
    int at = index_of(migration->order, plugin);
    static struct migration_history none; // of a plugin that is not loaded: its files are not known
    return at >= 0 ? &migration->histories[at] : &none;
}

static int tell_history(struct migration *migration) {
    struct applied_migration *rows = NULL;
    unsigned count = 0;
    int error = migration_session_applied(&migration->session, NULL, &rows, &count);
    for (unsigned i = 0; error == 0 && i < count; i++) {
        if (!is_target(migration, rows[i].plugin))
            continue;
        static const char *const notes[] = {
            [MIGRATION_APPLIED] = "", [MIGRATION_EDITED] = ", edited since", [MIGRATION_MISSING] = ", no file here"};
        struct migration_entry entry = migration_entry_of_row(history_of(migration, rows[i].plugin), &rows[i]);
        if (!migration->order->only_entries)
            migration_session_say(&migration->session, "%.*s %s %.*s in %ld ms%s", (int)entry.applied_at.len, entry.applied_at.ptr,
                                  entry.plugin, (int)entry.name.len, entry.name.ptr, entry.duration_ms, notes[entry.state]);
        error = tell(migration, entry);
    }
    return error;
}

// ---- stamp

static int stamp_file(struct migration *migration, const struct migration_history *history, const struct migration_file *file) {
    struct migration_entry before = migration_entry_of(history, file);
    if (before.state == MIGRATION_APPLIED)
        return 0;
    migration_session_say(&migration->session, "%s %.*s stamped%s", file->plugin, (int)file->name.len, file->name.ptr,
                          before.state == MIGRATION_EDITED ? ": it counts as it is now" : ": it counts as applied");
    migration->report->applied_count++;
    before.state = MIGRATION_APPLIED;
    int error = tell(migration, before);
    return error ? error : migration_write_row(&migration->session, file, 0);
}

static int unstamp_row(struct migration *migration, const struct applied_migration *row) {
    migration_session_say(&migration->session, "%s %.*s stamped: it counts as pending", row->plugin, (int)row->name.len, row->name.ptr);
    migration->report->applied_count++;
    return migration_delete_row(&migration->session, row->plugin, row->version);
}

static int stamp_history(struct migration *migration, const struct migration_history *history) {
    int error = 0;
    for (unsigned i = 0; error == 0 && i < history->file_count; i++)
        if (!is_beyond(migration, &history->files[i]))
            error = stamp_file(migration, history, &history->files[i]);
    for (unsigned i = 0; error == 0 && migration->order->has_version && i < history->row_count; i++)
        if (history->rows[i].version > migration->order->version)
            error = unstamp_row(migration, &history->rows[i]);
    return error;
}

static int stamp(struct migration *migration) {
    int error = migration_session_command(&migration->session, "BEGIN");
    for (unsigned i = 0; error == 0 && i < migration->order->folder_count; i++)
        if (migration->is_wanted[i])
            error = stamp_history(migration, &migration->histories[i]);
    return error ? error : migration_session_command(&migration->session, "COMMIT");
}

// ---- reset

// What is of an extension stays, and the schema itself with its grants; one transaction, so that a reset that is killed did all or nothing.
static const char drop_everything[] =
    "DO $$ DECLARE x record; BEGIN "
    "FOR x IN SELECT c.oid::regclass AS name, CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN "
    "'SEQUENCE' "
    "WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END AS kind, c.oid FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') "
    "AND c.relnamespace = current_schema()::regnamespace "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('e', 'i')) LOOP "
    "IF EXISTS (SELECT FROM pg_class WHERE oid = x.oid) THEN EXECUTE format('DROP %s IF EXISTS %s CASCADE', x.kind, x.name); END IF; END "
    "LOOP; "
    "FOR x IN SELECT p.oid::regprocedure AS name, CASE p.prokind WHEN 'a' THEN 'AGGREGATE' ELSE 'ROUTINE' END AS kind, p.oid FROM pg_proc "
    "p "
    "WHERE p.pronamespace = current_schema()::regnamespace "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e') LOOP "
    "IF EXISTS (SELECT FROM pg_proc WHERE oid = x.oid) THEN EXECUTE format('DROP %s IF EXISTS %s CASCADE', x.kind, x.name); END IF; END "
    "LOOP; "
    "FOR x IN SELECT t.oid::regtype AS name, CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END AS kind, t.oid FROM pg_type t "
    "WHERE t.typnamespace = current_schema()::regnamespace AND t.typtype IN ('c', 'e', 'd', 'r') AND (t.typrelid = 0 OR "
    "(SELECT relkind FROM pg_class WHERE oid = t.typrelid) = 'c') "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.classid = 'pg_type'::regclass AND d.deptype = 'e') LOOP "
    "IF EXISTS (SELECT FROM pg_type WHERE oid = x.oid) THEN EXECUTE format('DROP %s IF EXISTS %s CASCADE', x.kind, x.name); END IF; END "
    "LOOP; "
    "END $$";

static int reset(struct migration *migration) {
    int error = migration_session_command(&migration->session, drop_everything);
    if (error == 0)
        error = migration_session_begin(&migration->session); // the version table went with the rest
    if (error)
        return error;
    migration_session_say(&migration->session, "dropped everything in the schema");
    for (unsigned i = 0; i < migration->order->folder_count; i++)
        migration->histories[i].row_count = 0;
    return apply(migration);
}

// ---- an order

static bool is_looking(const struct migration_order *order) {
    return order->verb == MIGRATION_STATUS || order->verb == MIGRATION_HISTORY || order->only_prints;
}

static int run(struct migration *migration) {
    static int (*const verbs[])(struct migration *) = {
        [MIGRATION_UP] = up,       [MIGRATION_STATUS] = tell_status,   [MIGRATION_DOWN] = down,
        [MIGRATION_REDO] = redo,   [MIGRATION_HISTORY] = tell_history, [MIGRATION_STAMP] = stamp,
        [MIGRATION_RESET] = reset,
    };
    int error = is_looking(migration->order) ? 0 : migration_session_begin(&migration->session);
    if (error == 0)
        error = find_rows(migration); // under the lock: what another server applied meanwhile is known
    if (error == 0)
        error = check_target(migration);
    return error ? error : verbs[migration->order->verb](migration);
}

// Files first: a name that follows no rule is told without a database.
static int open_and_run(struct migration *migration) {
    int error = find_files(migration);
    if (error == 0)
        error = find_wanted(migration);
    if (error == 0)
        error = migration_session_open(&migration->session, migration->order->conninfo);
    return error ? error : run(migration);
}

static str take_text(struct buffer *buffer, struct arena *arena) {
    str text = buffer_bytes(buffer) ? arena_copy(arena, (str){buffer_head(buffer), buffer_bytes(buffer)}) : S("");
    buffer_finish(buffer);
    return text;
}

int migrate_run(const struct migration_order *order, struct arena *arena, struct migration_report *ret_report) {
    *ret_report = (struct migration_report){.text = S(""), .script = S(""), .failure = S("")};
    struct migration migration = {
        .order = order,
        .arena = arena,
        .report = ret_report,
        .session = {.arena = arena, .wait_ms = order->wait_ms, .lock_timeout_ms = order->lock_timeout_ms, .failure = S("out of memory")},
    };
    int error = open_and_run(&migration);
    migration_session_close(&migration.session);
    ret_report->text = take_text(&migration.session.text, arena);
    ret_report->script = take_text(&migration.script, arena);
    if (error)
        ret_report->failure = migration.session.failure.ptr ? migration.session.failure : S("out of memory");
    return error;
}

int migrate_up(const char *conninfo, const struct migration_folder *folders, unsigned folder_count, struct arena *arena,
               struct migration_report *ret_report) {
    struct migration_order order = {.verb = MIGRATION_UP, .conninfo = conninfo, .folders = folders, .folder_count = folder_count};
    return migrate_run(&order, arena, ret_report);
}

int migrate_status(const char *conninfo, const struct migration_folder *folders, unsigned folder_count, struct arena *arena,
                   struct migration_report *ret_report) {
    struct migration_order order = {.verb = MIGRATION_STATUS, .conninfo = conninfo, .folders = folders, .folder_count = folder_count};
    return migrate_run(&order, arena, ret_report);
}

int migrate_down(const char *conninfo, const struct migration_folder *folder, unsigned count, struct arena *arena,
                 struct migration_report *ret_report) {
    struct migration_order order = {
        .verb = MIGRATION_DOWN, .conninfo = conninfo, .folders = folder, .folder_count = 1, .plugin = folder->plugin, .count = count};
    return migrate_run(&order, arena, ret_report);
}
