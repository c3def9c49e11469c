// draft.c — what the plugins declare beside what the database has: told, or written as a migration up and down.
#include "draft.h"

#include <errno.h>
#include <string.h>

#include <libpq-fe.h>

#include "db/shadow.h"
#include "db/sql_split.h"

struct drafting {
    struct migration_session session;
    const struct draft_order *order;
    struct arena *arena;
    struct draft *draft;
    struct shadow *shadows;
    struct table_image *wanted, *present; // of each table; one more, without a name, ends them
};

static int put(struct buffer *script, str sql) {
    return sql.ptr ? buffer_append(script, sql.ptr, sql.len) : -ENOMEM;
}

static str take(struct buffer *script, struct arena *arena) {
    str text = arena_format(arena, "%.*s", (int)buffer_bytes(script), buffer_bytes(script) ? buffer_head(script) : "");
    buffer_finish(script);
    return text;
}

// ---- renames

static str rename_sql(struct drafting *drafting, const struct draft_rename *rename, bool is_back) {
    const char *from = is_back ? rename->to : rename->from, *to = is_back ? rename->from : rename->to;
    if (rename->table)
        return arena_format(drafting->arena, "ALTER TABLE %s RENAME COLUMN %s TO %s;\n", rename->table, from, to);
    const char *dot = strrchr(to, '.'); // RENAME TO takes no schema
    return arena_format(drafting->arena, "ALTER TABLE %s RENAME TO %s;\n", from, dot ? dot + 1 : to);
}

static int put_renames(struct drafting *drafting, bool is_back, struct buffer *script) {
    unsigned count = drafting->order->rename_count;
    int error = 0;
    for (unsigned i = 0; error == 0 && i < count; i++)
        error = put(script, rename_sql(drafting, &drafting->order->renames[is_back ? count - 1 - i : i], is_back));
    return error;
}

static int carry_out_renames(struct drafting *drafting) {
    int error = 0;
    for (unsigned i = 0; error == 0 && i < drafting->order->rename_count; i++) {
        const struct draft_rename *rename = &drafting->order->renames[i];
        str sql = rename_sql(drafting, rename, false);
        error = sql.ptr ? migration_session_command(&drafting->session, sql.ptr) : -ENOMEM;
        if (error == -EINVAL)
            migration_session_fail(&drafting->session, error, "--rename %s%s%s:%s: %s", rename->table ? rename->table : "",
                                   rename->table ? "." : "", rename->from, rename->to, PQerrorMessage(drafting->session.connection));
    }
    return error;
}

// ---- the images

static int make_room(struct drafting *drafting) {
    size_t bytes = (drafting->order->table_count + 1) * sizeof *drafting->wanted;
    drafting->wanted = arena_alloc(drafting->arena, bytes);
    drafting->present = arena_alloc(drafting->arena, bytes);
    return drafting->wanted && drafting->present ? 0 : -ENOMEM;
}

static int read_present(struct drafting *drafting) {
    int error = 0;
    for (unsigned i = 0; error == 0 && i < drafting->order->table_count; i++) {
        const struct shadow *shadow = &drafting->shadows[i];
        drafting->wanted[i] = shadow->image;
        drafting->present[i] = (struct table_image){.name = shadow->image.name};
        if (shadow->real_oid)
            error = image_read(&drafting->session, shadow->real_oid, shadow->image.name, NULL, 0, &drafting->present[i]);
    }
    return error;
}

// ---- what may be a rename

static int add_candidate(struct drafting *drafting, struct draft_rename rename) {
    struct draft *draft = drafting->draft;
    struct draft_rename *candidates = arena_alloc(drafting->arena, (draft->candidate_count + 1) * sizeof *candidates);
    if (!candidates)
        return -ENOMEM;
    if (draft->candidate_count)
        memcpy(candidates, draft->candidates, draft->candidate_count * sizeof *candidates);
    candidates[draft->candidate_count++] = rename;
    draft->candidates = candidates;
    return 0;
}

static int find_renamed_columns(struct drafting *drafting, const struct table_image *wanted, const struct table_image *present) {
    for (unsigned i = 0; i < wanted->column_count; i++)
        for (unsigned n = 0; image_column(present, wanted->columns[i].name) < 0 && n < present->column_count; n++) {
            const struct column_image *gone = &present->columns[n];
            if (image_column(wanted, gone->name) >= 0 || strcmp(gone->type, wanted->columns[i].type) != 0)
                continue;
            int error = add_candidate(drafting, (struct draft_rename){wanted->name, gone->name, wanted->columns[i].name});
            if (error)
                return error;
        }
    return 0;
}

// A table that nobody declares and that has half of the columns or more.
static int find_renamed_table(struct drafting *drafting, const struct shadow *shadow) {
    struct arena *arena = drafting->arena;
    str declared = S("0");
    for (unsigned i = 0; declared.ptr && i < drafting->order->table_count; i++)
        if (drafting->shadows[i].real_oid)
            declared = arena_format(arena, "%s, %s", declared.ptr, drafting->shadows[i].real_oid);
    const char *sql = arena_format(arena,
                                   "SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
                                   "JOIN pg_attribute s ON s.attrelid = $1::oid AND s.attnum > 0 AND s.attname = a.attname "
                                   "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND c.oid NOT IN (%s) "
                                   "AND c.relname NOT LIKE 'leat\\_migration%%' GROUP BY c.oid "
                                   "HAVING 2 * count(*) >= (SELECT count(*) FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0) "
                                   "ORDER BY count(*) DESC, c.relname LIMIT 1",
                                   declared.ptr ? declared.ptr : "0")
                          .ptr;
    PGresult *result = NULL;
    int error = sql ? migration_session_query(&drafting->session, sql, &shadow->oid, 1, &result) : -ENOMEM;
    if (error)
        return error;
    const char *name = PQntuples(result) ? arena_format(arena, "%s", PQgetvalue(result, 0, 0)).ptr : NULL;
    PQclear(result);
    return name ? add_candidate(drafting, (struct draft_rename){NULL, name, shadow->image.name}) : 0;
}

static int find_candidates(struct drafting *drafting) {
    int error = 0;
    for (unsigned i = 0; error == 0 && i < drafting->order->table_count; i++)
        error = drafting->present[i].is_there ? find_renamed_columns(drafting, &drafting->wanted[i], &drafting->present[i])
                                              : find_renamed_table(drafting, &drafting->shadows[i]);
    return error;
}

// ---- the draft, tried

static int try_statement(struct drafting *drafting, const struct sql_statement *statement) {
    str sql = arena_format(drafting->arena, "%.*s", (int)statement->text.len, statement->text.ptr);
    PGresult *result = sql.ptr ? PQexec(drafting->session.connection, sql.ptr) : NULL;
    if (!migration_result_is_good(result)) {
        const char *said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        drafting->draft->trial =
            arena_format(drafting->arena, "%s (SQLSTATE %s)", said ? said : "the connection is lost", state ? state : "none");
    }
    PQclear(result);
    return drafting->draft->trial.len ? -EINVAL : 0;
}

static int try_draft(struct drafting *drafting, str script) {
    struct sql_split split;
    struct sql_statement statement;
    sql_split_init(&split, script);
    // the shadows go: an unqualified name is looked for among temporary tables first
    int error = migration_session_command(&drafting->session, "ROLLBACK TO leat_shadows; SAVEPOINT leat_trial");
    while (error == 0 && sql_split_next(&split, &statement) == 1)
        error = try_statement(drafting, &statement);
    return error;
}

static int read_made(struct drafting *drafting, struct table_image *made) {
    int error = 0;
    for (unsigned i = 0; error == 0 && i < drafting->order->table_count; i++) {
        PGresult *result = NULL;
        made[i] = (struct table_image){.name = drafting->wanted[i].name};
        error = migration_session_query(&drafting->session, "SELECT to_regclass($1)::oid", &made[i].name, 1, &result);
        if (error)
            return error;
        const char *oid = PQgetisnull(result, 0, 0) ? NULL : arena_format(drafting->arena, "%s", PQgetvalue(result, 0, 0)).ptr;
        PQclear(result);
        if (oid)
            error = image_read(&drafting->session, oid, made[i].name, NULL, 0, &made[i]);
    }
    return error;
}

static bool has_constraint(const struct table_image *image, const char *name) {
    for (unsigned i = 0; i < image->constraint_count; i++)
        if (strcmp(image->constraints[i].name, name) == 0)
            return true;
    return false;
}

static bool has_index(const struct table_image *image, const char *name) {
    for (unsigned i = 0; i < image->index_count; i++)
        if (strcmp(image->indexes[i].name, name) == 0)
            return true;
    return false;
}

// What was there and stays, because nobody said --drop.
static int keep_undeclared(struct drafting *drafting, const struct table_image *present, struct table_image *made) {
    struct column_image *columns = arena_alloc(drafting->arena, (made->column_count + present->column_count + 1) * sizeof *columns);
    struct constraint_image *constraints =
        arena_alloc(drafting->arena, (made->constraint_count + present->constraint_count + 1) * sizeof *constraints);
    struct index_image *indexes = arena_alloc(drafting->arena, (made->index_count + present->index_count + 1) * sizeof *indexes);
    if (!columns || !constraints || !indexes)
        return -ENOMEM;
    memcpy(columns, made->columns, made->column_count * sizeof *columns);
    memcpy(constraints, made->constraints, made->constraint_count * sizeof *constraints);
    memcpy(indexes, made->indexes, made->index_count * sizeof *indexes);
    made->columns = columns;
    made->constraints = constraints;
    made->indexes = indexes;
    for (unsigned i = 0; i < present->column_count; i++)
        if (image_column(made, present->columns[i].name) < 0)
            columns[made->column_count++] = present->columns[i];
    for (unsigned i = 0; i < present->constraint_count; i++)
        if (!has_constraint(made, present->constraints[i].name))
            constraints[made->constraint_count++] = present->constraints[i];
    for (unsigned i = 0; i < present->index_count; i++)
        if (!has_index(made, present->indexes[i].name))
            indexes[made->index_count++] = present->indexes[i];
    return 0;
}

// The rows were in its way: what it would have made without them.
static int imagine_made(struct drafting *drafting, struct table_image *made) {
    int error = migration_session_command(&drafting->session, "ROLLBACK TO leat_trial");
    for (unsigned i = 0; error == 0 && i < drafting->order->table_count; i++) {
        made[i] = drafting->wanted[i];
        if (!drafting->order->drops && drafting->present[i].is_there && made[i].column_count)
            error = keep_undeclared(drafting, &drafting->present[i], &made[i]);
    }
    return error;
}

static int write_down(struct drafting *drafting, const struct table_image *made) {
    struct drift back = {.arena = drafting->arena};
    struct buffer script = {0};
    unsigned none;
    int error = drift_find(&back, drafting->present, made, drafting->order->table_count);
    if (error == 0)
        error = drift_script(&back, true, &script, &none);
    if (error == 0)
        error = put_renames(drafting, true, &script);
    drafting->draft->down = take(&script, drafting->arena);
    return error;
}

static int write_scripts(struct drafting *drafting) {
    struct draft *draft = drafting->draft;
    struct buffer renames = {0}, changes = {0};
    struct table_image *made = arena_alloc(drafting->arena, (drafting->order->table_count + 1) * sizeof *made);
    int error = made ? put_renames(drafting, false, &renames) : -ENOMEM;
    if (error == 0)
        error = drift_script(&draft->drift, drafting->order->drops, &changes, &draft->kept_count);
    str before = take(&renames, drafting->arena), after = take(&changes, drafting->arena);
    draft->up = arena_format(drafting->arena, "%s%s", before.ptr ? before.ptr : "", after.ptr ? after.ptr : "");
    if (error == 0)
        error = try_draft(drafting, after);
    if (error == 0)
        error = read_made(drafting, made);
    else if (draft->trial.len)
        error = imagine_made(drafting, made);
    return error ? error : write_down(drafting, made);
}

static int run(struct drafting *drafting) {
    int error = migration_session_command(&drafting->session, "BEGIN");
    if (error == 0)
        error = carry_out_renames(drafting);
    if (error == 0)
        error = make_room(drafting);
    if (error == 0)
        error = migration_session_command(&drafting->session, "SAVEPOINT leat_shadows");
    if (error == 0)
        error = shadows_make(&drafting->session, drafting->order->tables, drafting->order->table_count, &drafting->shadows);
    if (error == 0)
        error = read_present(drafting);
    if (error == 0)
        error = drift_find(&drafting->draft->drift, drafting->wanted, drafting->present, drafting->order->table_count);
    if (error == 0)
        error = find_candidates(drafting);
    bool differs = drafting->draft->drift.count || drafting->order->rename_count;
    return error || drafting->order->only_compares || !differs ? error : write_scripts(drafting);
}

int draft_make(const struct draft_order *order, struct arena *arena, struct draft *ret_draft) {
    *ret_draft = (struct draft){.drift = {.arena = arena}, .up = S(""), .down = S(""), .trial = S(""), .failure = S("")};
    struct drafting drafting = {.order = order,
                                .arena = arena,
                                .draft = ret_draft,
                                .session = {.arena = arena, .wait_ms = order->wait_ms, .lock_timeout_ms = order->lock_timeout_ms}};
    int error = migration_session_open(&drafting.session, order->conninfo);
    if (error == 0)
        error = run(&drafting);
    migration_session_close(&drafting.session); // and with it the transaction
    buffer_finish(&drafting.session.text);
    if (error)
        ret_draft->failure = drafting.session.failure.ptr ? drafting.session.failure : S("out of memory");
    return error;
}
