// db_draft.c — leat db new and check: what the plugins declare beside what the database has.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/db.h"
#include "cli/json_print.h"
#include "db/draft.h"
#include "db/migration_file.h"
#include "host/tables.h"

enum { EXIT_DRIFT = 4, RENAMES_MAX = 256, ANSWER_BYTES_MAX = 64 };

// A draft that is being made.
struct request {
    struct workspace *workspace;
    const struct migration_folder *folder; // NULL: check
    struct declared_table *tables;
    struct draft_rename renames[RENAMES_MAX];
    struct draft_order order;
    struct draft draft;
};

// ---- what was asked

// "users.full_name:name" is a column, "people:users" a table.
static bool read_rename(char *text, struct draft_rename *ret_rename) {
    char *colon = strchr(text, ':'), *dot;
    if (!colon || colon == text || !colon[1])
        return false;
    *colon = '\0';
    dot = strrchr(text, '.');
    bool is_column = dot && !strchr(colon + 1, '.');
    if (is_column)
        *dot = '\0';
    *ret_rename = (struct draft_rename){is_column ? text : NULL, is_column ? dot + 1 : text, colon + 1};
    return true;
}

static int read_renames(struct request *request) {
    str given = environment_value(request->workspace->environment, "--rename");
    char *text = given.ptr ? (char *)arena_format(request->workspace->arena, "%.*s", (int)given.len, given.ptr).ptr : NULL, *next = NULL;
    for (char *one = text ? strtok_r(text, ",", &next) : NULL; one; one = strtok_r(NULL, ",", &next)) {
        if (request->order.rename_count == RENAMES_MAX || !read_rename(one, &request->renames[request->order.rename_count++])) {
            fputs("leat: error: --rename wants TABLE.COLUMN:NEW_NAME, or TABLE:NEW_NAME\n", stderr);
            return 2;
        }
    }
    return 0;
}

static int open_request(struct workspace *workspace, const char *plugin, struct request *request) {
    struct migration_order order;
    unsigned count = 0;
    *request = (struct request){.workspace = workspace};
    if (!db_order_open(workspace, MIGRATION_STATUS, &order))
        return 2;
    if (plugin_set_tables(workspace->plugins, plugin, workspace->arena, &workspace->messages, &request->tables, &count) < 0) {
        workspace_refuse(workspace);
        return 1;
    }
    request->order = (struct draft_order){
        .conninfo = order.conninfo,
        .tables = request->tables,
        .table_count = count,
        .renames = request->renames,
        .drops = db_has_flag(workspace, "--drop"),
        .wait_ms = order.wait_ms,
        .lock_timeout_ms = order.lock_timeout_ms,
    };
    return read_renames(request);
}

// A draft beside migrations that are not applied would do what they do.
static int check_pending(struct workspace *workspace) {
    struct migration_order order;
    struct migration_report report;
    if (!db_order_open(workspace, MIGRATION_STATUS, &order))
        return 2;
    order.only_entries = true;
    order.only_prints = false;
    int status = migrate_run(&order, workspace->arena, &report);
    db_say_failure(status, report.failure);
    if (status < 0)
        return 1;
    if (report.pending_count == 0)
        return 0;
    fprintf(stderr, "leat: error: %u migrations are pending; `leat db up` applies them first\n", report.pending_count);
    return DB_EXIT_PENDING;
}

static int make_draft(struct request *request) {
    int status = draft_make(&request->order, request->workspace->arena, &request->draft);
    db_say_failure(status, request->draft.failure);
    return status < 0 ? 1 : 0;
}

// ---- check

SCHEMA(ToldDifference, (str, plugin), (str, table), (str, file), (i64, line), (str, message), (str, sql), (bool, drops));

static unsigned line_of(const struct request *request, const struct difference *difference) {
    return difference->line ? difference->line : request->tables[difference->table].line;
}

static void print_json(const struct request *request) {
    const struct drift *drift = &request->draft.drift;
    ToldDifference_list list = {.items = arena_alloc(request->workspace->arena, (drift->count + 1) * sizeof *list.items)};
    for (unsigned i = 0; list.items && i < drift->count; i++) {
        const struct declared_table *table = &request->tables[drift->items[i].table];
        if (drift->items[i].message.len)
            list.items[list.n++] = (ToldDifference){.plugin = str_of(table->plugin),
                                                    .table = str_of(table->name),
                                                    .file = str_of(table->file),
                                                    .line = line_of(request, &drift->items[i]),
                                                    .message = drift->items[i].message,
                                                    .sql = drift->items[i].sql,
                                                    .drops = drift->items[i].is_drop};
    }
    if (list.items)
        json_print(&ToldDifference_list__schema, &list, request->workspace->arena);
}

static void print_lines(const struct request *request) {
    for (unsigned i = 0; i < request->draft.drift.count; i++) {
        const struct difference *difference = &request->draft.drift.items[i];
        if (difference->message.len)
            fprintf(stderr, "%s:%u: error: %.*s\n", request->tables[difference->table].file, line_of(request, difference),
                    (int)difference->message.len, difference->message.ptr);
    }
}

int db_check(struct workspace *workspace, char **arguments) {
    struct request request;
    int code = check_pending(workspace);
    if (code == 0)
        code = open_request(workspace, arguments[0], &request);
    request.order.only_compares = true;
    if (code == 0)
        code = make_draft(&request);
    if (code)
        return code;
    if (db_has_flag(workspace, "--json"))
        print_json(&request);
    else
        print_lines(&request);
    if (request.draft.drift.count == 0 && !db_has_flag(workspace, "--json"))
        printf("%u tables are as they are declared\n", request.order.table_count);
    return request.draft.drift.count ? EXIT_DRIFT : 0;
}

// ---- renames

static void write_candidate(const struct draft_rename *rename, char *out, size_t bytes) {
    snprintf(out, bytes, "%s%s%s:%s", rename->table ? rename->table : "", rename->table ? "." : "", rename->from, rename->to);
}

static bool answers_yes(const struct draft_rename *rename) {
    char answer[ANSWER_BYTES_MAX];
    if (rename->table)
        fprintf(stderr, "%s.%s is declared and new, %s is gone: was it renamed? [y/N] ", rename->table, rename->to, rename->from);
    else
        fprintf(stderr, "the table %s is declared and new, nobody declares %s: was it renamed? [y/N] ", rename->to, rename->from);
    return fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y');
}

// Of several pairs of one column the first yes is it. True: there is a rename more, so the draft is another one.
static bool ask_about_renames(struct request *request) {
    for (unsigned i = 0; i < request->draft.candidate_count && request->order.rename_count < RENAMES_MAX; i++)
        if (answers_yes(&request->draft.candidates[i])) {
            request->renames[request->order.rename_count++] = request->draft.candidates[i];
            return true;
        }
    return false;
}

static void hint_at_renames(const struct request *request) {
    for (unsigned i = 0; i < request->draft.candidate_count; i++) {
        char text[256];
        write_candidate(&request->draft.candidates[i], text, sizeof text);
        fprintf(stderr, "leat: note: if this is a rename, say so and begin anew: --rename %s\n", text);
    }
}

static int settle_renames(struct request *request) {
    int code = make_draft(request);
    bool asks = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    while (code == 0 && asks && request->draft.candidate_count && ask_about_renames(request))
        code = make_draft(request);
    if (code == 0 && !asks)
        hint_at_renames(request);
    return code;
}

// ---- files

static bool is_name(const char *name) {
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name) && strlen(name) < 128;
}

// Now, as 20261120093000; behind every version that is there.
static int next_version(const struct request *request, int64_t *ret_version) {
    struct migration_file *files = NULL;
    unsigned count = 0;
    str failure = {0};
    int error = migration_files_find(request->folder, request->workspace->arena, &files, &count, &failure);
    if (error) {
        db_say_failure(error, failure);
        return 1;
    }
    time_t now = time(NULL);
    struct tm utc;
    char text[32];
    gmtime_r(&now, &utc);
    strftime(text, sizeof text, "%Y%m%d%H%M%S", &utc);
    int64_t version = strtoll(text, NULL, 10), newest = count ? files[count - 1].version : 0;
    *ret_version = version > newest ? version : newest + 1;
    return 0;
}

// Under a name that the finder overlooks, then under its own: there is never half a file.
static int write_file(const char *path, const char *hidden, str text) {
    int fd = open(hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool is_written = fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    if (fd >= 0 && close(fd) < 0)
        is_written = false;
    if (is_written && link(hidden, path) == 0) { // not rename(2): somebody else's of that name stays
        unlink(hidden);
        return 0;
    }
    fprintf(stderr, "%s: error: %s\n", path, strerror(errno));
    unlink(hidden);
    return 1;
}

static int write_migration(struct request *request, const char *name, int64_t version, const char *kind, str text) {
    struct arena *arena = request->workspace->arena;
    const char *folder = request->folder->path;
    const char *path = arena_format(arena, "%s/%lld_%s.%s.sql", folder, (long long)version, name, kind).ptr,
               *hidden = arena_format(arena, "%s/.%lld_%s.%s.sql.%d", folder, (long long)version, name, kind, (int)getpid()).ptr;
    if (!path || !hidden || !text.ptr)
        return 1;
    int code = write_file(path, hidden, text);
    if (code == 0)
        printf("%s\n", path);
    return code;
}

static str up_text(struct request *request, const char *name) {
    struct arena *arena = request->workspace->arena;
    const struct draft *draft = &request->draft;
    if (!draft->up.len)
        return arena_format(arena, "-- %s\n", name);
    str trial = draft->trial.len ? arena_format(arena, "-- Postgres refused this draft when it was tried: %.*s\n", (int)draft->trial.len,
                                                draft->trial.ptr)
                                 : S("");
    return arena_format(arena, "-- %s: drafted from the declarations of '%s'; read it before it is applied\n%s\n%s", name,
                        request->folder->plugin, trial.ptr ? trial.ptr : "", draft->up.ptr);
}

static str down_text(struct request *request, const char *name) {
    struct arena *arena = request->workspace->arena;
    return request->draft.down.len ? arena_format(arena, "-- the way back; what is dropped is lost\n\n%s", request->draft.down.ptr)
                                   : arena_format(arena, "-- the way back of %s\n", name);
}

static int write_files(struct request *request, const char *name) {
    int64_t version;
    int code = next_version(request, &version);
    if (code == 0)
        code = write_migration(request, name, version, "up", up_text(request, name));
    return code ? code : write_migration(request, name, version, "down", down_text(request, name));
}

static void say_what_to_look_at(const struct request *request) {
    if (request->draft.kept_count)
        fprintf(stderr, "leat: note: %u statements would drop what is not declared, and are comments; --drop makes them statements\n",
                request->draft.kept_count);
    if (request->draft.trial.len)
        fprintf(stderr, "leat: warning: Postgres refused the draft when it was tried: %.*s; correct it before it is applied\n",
                (int)request->draft.trial.len, request->draft.trial.ptr);
}

static int draft_and_write(struct request *request, const char *name) {
    int code = check_pending(request->workspace);
    if (code == 0)
        code = settle_renames(request);
    if (code)
        return code;
    if (!request->draft.up.len) {
        fprintf(stderr, "leat: error: the database is as '%s' declares it: there is nothing to draft; --empty makes an empty file\n",
                request->folder->plugin);
        return 1;
    }
    if (db_has_flag(request->workspace, "--sql")) {
        fwrite(request->draft.up.ptr, 1, request->draft.up.len, stdout);
        say_what_to_look_at(request);
        return 0;
    }
    code = write_files(request, name);
    say_what_to_look_at(request);
    return code;
}

static const struct migration_folder *find_folder(const struct workspace *workspace, const char *plugin) {
    for (unsigned i = 0; plugin && i < workspace->migration_count; i++)
        if (strcmp(workspace->migrations[i].plugin, plugin) == 0)
            return &workspace->migrations[i];
    return NULL;
}

int db_new(struct workspace *workspace, char **arguments) {
    const char *plugin = arguments[0], *name = plugin ? arguments[1] : NULL;
    if (!name || !is_name(name)) {
        fputs("leat: error: leat db new wants a plugin and a name of letters, digits, _ and -: leat db new users add_bio\n", stderr);
        return 2;
    }
    const struct migration_folder *folder = find_folder(workspace, plugin);
    if (!folder) {
        fprintf(stderr,
                "leat: error: no plugin '%s' with migrations is loaded: PLUGIN(%s, .migrations = \"migrations/%s\") says where they are\n",
                plugin, plugin, plugin);
        return 2;
    }
    struct request request;
    int code = open_request(workspace, plugin, &request);
    request.folder = folder;
    if (code)
        return code;
    if (db_has_flag(workspace, "--empty")) // its strings are empty, and no database is asked
        return write_files(&request, name);
    if (!workspace_start_database(workspace))
        return 1;
    request.order.conninfo = workspace->config.app.db.conninfo;
    return draft_and_write(&request, name);
}
