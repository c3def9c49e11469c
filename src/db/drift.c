// drift.c — where two images of a table differ, in a sentence and in the SQL that makes one into the other.
#include "drift.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"

#define NOTE_NOT_NULL "where the table has rows, this needs a DEFAULT, or an UPDATE that fills the column before it is SET NOT NULL"
#define NOTE_INDEX                                                                                                                         \
    "writes wait while it is built; for a large table: CREATE INDEX CONCURRENTLY, in a file of its own that begins with -- no transaction"
#define NOTE_BY_HAND "how is for a person to say: DROP COLUMN and ADD COLUMN, or a column beside it that is filled first"

struct comparison {
    struct drift *drift;
    const struct table_image *tables; // the wanted ones, all
    unsigned index;
    const struct table_image *wanted, *present;
};

static struct difference *add(struct comparison *c, enum drift_step step, unsigned line) {
    static struct difference spare;
    struct drift *drift = c->drift;
    if (drift->count == drift->capacity) {
        unsigned capacity = drift->capacity ? 2 * drift->capacity : 32;
        struct difference *items = arena_alloc(drift->arena, capacity * sizeof *items);
        if (!items) {
            drift->is_out_of_memory = true;
            return &spare;
        }
        if (drift->count)
            memcpy(items, drift->items, drift->count * sizeof *items);
        drift->items = items;
        drift->capacity = capacity;
    }
    struct difference *difference = &drift->items[drift->count++];
    *difference = (struct difference){.step = step, .table = c->index, .line = line, .message = S(""), .sql = S("")};
    return difference;
}

static str text(struct comparison *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static str text(struct comparison *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str made = arena_vformat(c->drift->arena, format, args);
    va_end(args);
    c->drift->is_out_of_memory |= !made.ptr;
    return made.ptr ? made : S("");
}

// ---- the pieces of SQL

static str value_sql(struct comparison *c, const struct column_image *column) {
    if (column->is_generated)
        return text(c, " GENERATED ALWAYS AS (%s) STORED", column->value);
    if (column->identity)
        return text(c, " GENERATED %s AS IDENTITY", column->identity == 'a' ? "ALWAYS" : "BY DEFAULT");
    return *column->value ? text(c, " DEFAULT %s", column->value) : S("");
}

static str column_sql(struct comparison *c, const struct column_image *column, int name_width, int type_width) {
    str value = value_sql(c, column);
    const char *null = column->is_not_null ? " NOT NULL" : "";
    bool has_more = value.len || column->is_not_null;
    return text(c, "%-*s %-*s%s%.*s", name_width, column->name, has_more ? type_width : 0, column->type, null, (int)value.len, value.ptr);
}

static const char *constraint_sql(const struct constraint_image *constraint) {
    return constraint->written ? constraint->written : constraint->definition;
}

static str index_sql(struct comparison *c, const struct index_image *index) {
    bool is_usual = strncmp(index->definition, "btree ", 6) == 0;
    return text(c, "CREATE %sINDEX %s ON %s %s%s;\n", index->is_unique ? "UNIQUE " : "", index->name, c->wanted->name,
                is_usual ? "" : "USING ", index->definition + (is_usual ? 6 : 0));
}

// ---- whole tables

// It is made later than this one.
static bool is_later(const struct comparison *c, const struct constraint_image *constraint) {
    if (constraint->kind != 'f')
        return false;
    for (unsigned i = c->index + 1; c->tables[i].name; i++)
        if (strcmp(c->tables[i].name, constraint->references) == 0)
            return true;
    return false;
}

static void add_foreign(struct comparison *c, const struct constraint_image *constraint) {
    struct difference *difference = add(c, DRIFT_ADD_FOREIGN, constraint->line);
    difference->sql = text(c, "ALTER TABLE %s ADD CONSTRAINT %s %s;\n", c->wanted->name, constraint->name, constraint_sql(constraint));
}

static void create_table(struct comparison *c) {
    const struct table_image *wanted = c->wanted;
    int name_width = 0, type_width = 0;
    for (unsigned i = 0; i < wanted->column_count; i++) {
        int name = (int)strlen(wanted->columns[i].name), type = (int)strlen(wanted->columns[i].type);
        name_width = name > name_width ? name : name_width;
        type_width = type > type_width ? type : type_width;
    }
    str sql = text(c, "CREATE TABLE %s (", wanted->name);
    for (unsigned i = 0; i < wanted->column_count; i++)
        sql = text(c, "%s%s\n    %s", sql.ptr, i ? "," : "", column_sql(c, &wanted->columns[i], name_width, type_width).ptr);
    for (unsigned i = 0; i < wanted->constraint_count; i++)
        if (is_later(c, &wanted->constraints[i]))
            add_foreign(c, &wanted->constraints[i]);
        else
            sql = text(c, "%s%s\n    CONSTRAINT %s %s", sql.ptr, i || wanted->column_count ? "," : "", wanted->constraints[i].name,
                       constraint_sql(&wanted->constraints[i]));
    sql = text(c, "%s\n);\n", sql.ptr);
    for (unsigned i = 0; i < wanted->index_count; i++)
        sql = text(c, "%s%s%s", sql.ptr, i ? "" : "\n", index_sql(c, &wanted->indexes[i]).ptr);
    struct difference *difference = add(c, DRIFT_CREATE_TABLE, 0);
    difference->message = text(c, "the table %s is declared, and not in the database", wanted->name);
    difference->sql = sql;
}

static void drop_table(struct comparison *c) {
    for (unsigned i = 0; i < c->present->constraint_count; i++)
        if (is_later(c, &c->present->constraints[i])) { // which goes before this one
            struct difference *first = add(c, DRIFT_DROP_RULE, 0);
            first->sql = text(c, "ALTER TABLE %s DROP CONSTRAINT %s;\n", c->present->name, c->present->constraints[i].name);
            first->is_drop = true;
        }
    struct difference *difference = add(c, DRIFT_DROP_TABLE, 0);
    difference->message = text(c, "the table %s is in the database, and not declared", c->present->name);
    difference->sql = text(c, "DROP TABLE %s;\n", c->present->name);
    difference->is_drop = true;
}

// ---- columns

static void add_column(struct comparison *c, const struct column_image *column) {
    struct difference *difference = add(c, DRIFT_COLUMN, column->line);
    difference->message = text(c, "%s.%s is declared, and not in the database", c->wanted->name, column->name);
    difference->sql = text(c, "ALTER TABLE %s ADD COLUMN %s;\n", c->wanted->name, column_sql(c, column, 0, 0).ptr);
    if (column->is_not_null && !*column->value && !column->identity)
        difference->note = NOTE_NOT_NULL;
}

static void drop_column(struct comparison *c, const struct column_image *column) {
    struct difference *difference = add(c, DRIFT_DROP_COLUMN, 0);
    difference->message = text(c, "%s.%s is in the database, and not declared", c->present->name, column->name);
    difference->sql = text(c, "ALTER TABLE %s DROP COLUMN %s;\n", c->wanted->name, column->name);
    difference->is_drop = true;
}

#define ALTER(format, ...) text(c, "ALTER TABLE %s ALTER COLUMN %s " format ";\n", c->wanted->name, wanted->name, ##__VA_ARGS__)

static void compare_type(struct comparison *c, const struct column_image *wanted, const struct column_image *present) {
    if (strcmp(wanted->type, present->type) == 0)
        return;
    struct difference *difference = add(c, DRIFT_COLUMN, wanted->line);
    difference->message =
        text(c, "%s.%s is %s in the database, and declared %s", c->wanted->name, wanted->name, present->type, wanted->type);
    bool has_default = *present->value && !present->is_generated;
    str first = has_default ? ALTER("DROP DEFAULT") : S(""), then = ALTER("TYPE %s USING %s::%s", wanted->type, wanted->name, wanted->type);
    str last = has_default && *wanted->value && !wanted->is_generated ? ALTER("SET DEFAULT %s", wanted->value) : S("");
    difference->sql = text(c, "%s%s%s", first.ptr, then.ptr, last.ptr);
}

static str identity_sql(struct comparison *c, const struct column_image *wanted, const struct column_image *present) {
    if (!wanted->identity)
        return ALTER("DROP IDENTITY");
    const char *when = wanted->identity == 'a' ? "ALWAYS" : "BY DEFAULT";
    return present->identity ? ALTER("SET GENERATED %s", when) : ALTER("ADD GENERATED %s AS IDENTITY", when);
}

static const char *value_words(struct comparison *c, const struct column_image *column) {
    str sql = value_sql(c, column);
    return sql.len ? sql.ptr + 1 : "no DEFAULT";
}

static void compare_value(struct comparison *c, const struct column_image *wanted, const struct column_image *present) {
    bool is_same_value = strcmp(wanted->value, present->value) == 0, is_same_kind = wanted->is_generated == present->is_generated;
    if (is_same_value && is_same_kind && wanted->identity == present->identity)
        return;
    struct difference *difference = add(c, DRIFT_COLUMN, wanted->line);
    difference->message = text(c, "%s.%s has %s in the database, and is declared with %s", c->wanted->name, wanted->name,
                               value_words(c, present), value_words(c, wanted));
    if (wanted->is_generated || present->is_generated) {
        difference->note = NOTE_BY_HAND;
        return;
    }
    bool was_set_with_type = strcmp(wanted->type, present->type) != 0 && *present->value;
    str drop = !is_same_value && !*wanted->value && !was_set_with_type ? ALTER("DROP DEFAULT") : S("");
    str set = !is_same_value && *wanted->value && !was_set_with_type ? ALTER("SET DEFAULT %s", wanted->value) : S("");
    str identity = wanted->identity != present->identity ? identity_sql(c, wanted, present) : S("");
    difference->sql = wanted->identity ? text(c, "%s%s", drop.ptr, identity.ptr) : text(c, "%s%s%s", identity.ptr, drop.ptr, set.ptr);
}

static void compare_null(struct comparison *c, const struct column_image *wanted, const struct column_image *present) {
    if (wanted->is_not_null == present->is_not_null)
        return;
    struct difference *difference = add(c, DRIFT_COLUMN, wanted->line);
    difference->message = wanted->is_not_null
                              ? text(c, "%s.%s may be NULL in the database, and is declared NOT NULL", c->wanted->name, wanted->name)
                              : text(c, "%s.%s is NOT NULL in the database, and declared .nullable", c->wanted->name, wanted->name);
    difference->sql = wanted->is_not_null ? ALTER("SET NOT NULL") : ALTER("DROP NOT NULL");
    difference->note = wanted->is_not_null ? NOTE_NOT_NULL : NULL;
}

static void compare_columns(struct comparison *c) {
    for (unsigned i = 0; i < c->wanted->column_count; i++) {
        const struct column_image *wanted = &c->wanted->columns[i];
        int at = image_column(c->present, wanted->name);
        if (at < 0) {
            add_column(c, wanted);
            continue;
        }
        compare_type(c, wanted, &c->present->columns[at]);
        compare_value(c, wanted, &c->present->columns[at]);
        compare_null(c, wanted, &c->present->columns[at]);
    }
    for (unsigned i = 0; i < c->present->column_count; i++)
        if (image_column(c->wanted, c->present->columns[i].name) < 0)
            drop_column(c, &c->present->columns[i]);
}

// ---- constraints and indexes: by name; then, of those that are left, by what they say

enum { RULES_MAX = 1024 };

struct matching {
    bool is_wanted_matched[RULES_MAX], is_present_matched[RULES_MAX];
};

static void add_constraint(struct comparison *c, const struct constraint_image *constraint, const char *instead_of) {
    struct difference *difference = add(c, constraint->kind == 'f' ? DRIFT_ADD_FOREIGN : DRIFT_ADD_RULE, constraint->line);
    difference->message =
        instead_of ? text(c, "%s is %s in the database, and declared %s", constraint->name, instead_of, constraint_sql(constraint))
                   : text(c, "%s %s is declared, and not in the database", constraint->name, constraint_sql(constraint));
    difference->sql = text(c, "ALTER TABLE %s ADD CONSTRAINT %s %s;\n", c->wanted->name, constraint->name, constraint_sql(constraint));
}

static void drop_constraint(struct comparison *c, const struct constraint_image *constraint, bool is_drop) {
    struct difference *difference = add(c, DRIFT_DROP_RULE, 0);
    if (is_drop)
        difference->message = text(c, "%s %s is in the database, and not declared", constraint->name, constraint_sql(constraint));
    difference->sql = text(c, "ALTER TABLE %s DROP CONSTRAINT %s;\n", c->wanted->name, constraint->name);
    difference->is_drop = is_drop;
}

static void match_constraints_by_name(struct comparison *c, struct matching *matching) {
    for (unsigned i = 0; i < c->wanted->constraint_count; i++)
        for (unsigned n = 0; n < c->present->constraint_count; n++) {
            const struct constraint_image *wanted = &c->wanted->constraints[i], *present = &c->present->constraints[n];
            if (strcmp(wanted->name, present->name) != 0)
                continue;
            matching->is_wanted_matched[i] = matching->is_present_matched[n] = true;
            if (strcmp(wanted->definition, present->definition) == 0)
                break;
            drop_constraint(c, present, false);
            add_constraint(c, wanted, present->definition);
        }
}

static void match_constraints_by_definition(struct comparison *c, struct matching *matching) {
    for (unsigned i = 0; i < c->wanted->constraint_count; i++)
        for (unsigned n = 0; n < c->present->constraint_count && !matching->is_wanted_matched[i]; n++) {
            const struct constraint_image *wanted = &c->wanted->constraints[i], *present = &c->present->constraints[n];
            if (matching->is_present_matched[n] || strcmp(wanted->definition, present->definition) != 0)
                continue;
            matching->is_wanted_matched[i] = matching->is_present_matched[n] = true;
            struct difference *difference = add(c, DRIFT_RENAME, wanted->line);
            difference->message = text(c, "%s is called %s in the database", wanted->name, present->name);
            difference->sql = text(c, "ALTER TABLE %s RENAME CONSTRAINT %s TO %s;\n", c->wanted->name, present->name, wanted->name);
        }
}

static void compare_constraints(struct comparison *c) {
    struct matching matching = {0};
    match_constraints_by_name(c, &matching);
    match_constraints_by_definition(c, &matching);
    for (unsigned i = 0; i < c->wanted->constraint_count; i++)
        if (!matching.is_wanted_matched[i])
            add_constraint(c, &c->wanted->constraints[i], NULL);
    for (unsigned i = 0; i < c->present->constraint_count; i++)
        if (!matching.is_present_matched[i])
            drop_constraint(c, &c->present->constraints[i], true);
}

static bool is_same_index(const struct index_image *a, const struct index_image *b) {
    return a->is_unique == b->is_unique && strcmp(a->definition, b->definition) == 0;
}

static void add_index(struct comparison *c, const struct index_image *index, const struct index_image *instead_of) {
    struct difference *difference = add(c, DRIFT_ADD_INDEX, index->line);
    difference->message =
        !instead_of ? text(c, "the index %s is declared, and not in the database", index->name)
        : instead_of->is_valid
            ? text(c, "the index %s is %s%s in the database, and declared %s%s", index->name, instead_of->is_unique ? "UNIQUE " : "",
                   instead_of->definition, index->is_unique ? "UNIQUE " : "", index->definition)
            : text(c, "the index %s is invalid: an interrupted CREATE INDEX CONCURRENTLY left it", index->name);
    difference->sql = index_sql(c, index);
    difference->note = NOTE_INDEX;
}

static const char *qualifier_of(struct comparison *c) {
    const char *dot = strrchr(c->wanted->name, '.');
    return dot ? text(c, "%.*s", (int)(dot + 1 - c->wanted->name), c->wanted->name).ptr : "";
}

static void drop_index(struct comparison *c, const struct index_image *index, bool is_drop) {
    struct difference *difference = add(c, DRIFT_DROP_RULE, 0);
    if (is_drop)
        difference->message =
            text(c, "the index %s (%s) of %s is in the database, and not declared", index->name, index->definition, c->present->name);
    difference->sql = text(c, "DROP INDEX %s%s;\n", qualifier_of(c), index->name);
    difference->is_drop = is_drop;
}

static void match_indexes_by_name(struct comparison *c, struct matching *matching) {
    for (unsigned i = 0; i < c->wanted->index_count; i++)
        for (unsigned n = 0; n < c->present->index_count; n++) {
            const struct index_image *wanted = &c->wanted->indexes[i], *present = &c->present->indexes[n];
            if (strcmp(wanted->name, present->name) != 0)
                continue;
            matching->is_wanted_matched[i] = matching->is_present_matched[n] = true;
            if (is_same_index(wanted, present) && present->is_valid)
                break;
            drop_index(c, present, false);
            add_index(c, wanted, present);
        }
}

static void match_indexes_by_definition(struct comparison *c, struct matching *matching) {
    for (unsigned i = 0; i < c->wanted->index_count; i++)
        for (unsigned n = 0; n < c->present->index_count && !matching->is_wanted_matched[i]; n++) {
            const struct index_image *wanted = &c->wanted->indexes[i], *present = &c->present->indexes[n];
            if (matching->is_present_matched[n] || !is_same_index(wanted, present) || !present->is_valid)
                continue;
            matching->is_wanted_matched[i] = matching->is_present_matched[n] = true;
            struct difference *difference = add(c, DRIFT_RENAME, wanted->line);
            difference->message = text(c, "the index %s is called %s in the database", wanted->name, present->name);
            difference->sql = text(c, "ALTER INDEX %s%s RENAME TO %s;\n", qualifier_of(c), present->name, wanted->name);
        }
}

static void compare_indexes(struct comparison *c) {
    struct matching matching = {0};
    match_indexes_by_name(c, &matching);
    match_indexes_by_definition(c, &matching);
    for (unsigned i = 0; i < c->wanted->index_count; i++)
        if (!matching.is_wanted_matched[i])
            add_index(c, &c->wanted->indexes[i], NULL);
    for (unsigned i = 0; i < c->present->index_count; i++)
        if (!matching.is_present_matched[i])
            drop_index(c, &c->present->indexes[i], true);
}

// ---- all tables

static bool is_table(const struct table_image *image) {
    return image->kind == 'r' || image->kind == 'p';
}

static void compare(struct comparison *c) {
    if (c->wanted->constraint_count > RULES_MAX || c->present->constraint_count > RULES_MAX || c->wanted->index_count > RULES_MAX ||
        c->present->index_count > RULES_MAX) {
        add(c, DRIFT_COLUMN, 0)->message =
            text(c, "%s has more than %d constraints or indexes: it is not compared", c->wanted->name, RULES_MAX);
    } else if (c->wanted->is_there && !c->present->is_there) {
        create_table(c);
    } else if (!c->wanted->is_there && c->present->is_there) {
        drop_table(c);
    } else if (c->wanted->is_there && (!is_table(c->present) || !is_table(c->wanted))) {
        add(c, DRIFT_COLUMN, 0)->message =
            text(c, "%s is no table in the database, but a view or the like: a SCHEMA reads it", c->wanted->name);
    } else if (c->wanted->is_there) {
        compare_columns(c);
        compare_constraints(c);
        compare_indexes(c);
    }
}

int drift_find(struct drift *drift, const struct table_image *wanted, const struct table_image *present, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        compare(&(struct comparison){drift, wanted, i, &wanted[i], &present[i]});
    return drift->is_out_of_memory ? -ENOMEM : 0;
}

// ---- as a script

static int put(struct buffer *script, const char *bytes, size_t count) {
    return buffer_append(script, bytes, count);
}

// Each line behind two dashes.
static int put_comment(struct buffer *script, str sql) {
    int error = 0;
    while (error == 0 && sql.len) {
        const char *end = memchr(sql.ptr, '\n', sql.len);
        size_t bytes = end ? (size_t)(end + 1 - sql.ptr) : sql.len;
        error = put(script, "-- ", 3);
        if (error == 0)
            error = put(script, sql.ptr, bytes);
        sql = (str){sql.ptr + bytes, sql.len - bytes};
    }
    return error;
}

static int put_note(struct buffer *script, const char *note) {
    int error = put_comment(script, str_of(note));
    return error ? error : put(script, "\n", 1);
}

static int put_difference(struct buffer *script, const struct difference *difference, bool drops) {
    bool is_comment = difference->is_drop && !drops;
    const char *note = is_comment ? "dropped only with --drop:" : difference->note;
    int error = !difference->sql.len ? put_note(script, difference->message.ptr) : 0;
    if (error == 0 && note)
        error = put_note(script, note);
    if (error == 0)
        error = is_comment ? put_comment(script, difference->sql) : put(script, difference->sql.ptr, difference->sql.len);
    return error == 0 && difference->step == DRIFT_CREATE_TABLE ? put(script, "\n", 1) : error;
}

int drift_script(const struct drift *drift, bool drops, struct buffer *script, unsigned *ret_drop_count) {
    int error = 0;
    *ret_drop_count = 0;
    for (unsigned step = 0; step < DRIFT_STEPS; step++)
        for (unsigned i = 0; error == 0 && i < drift->count; i++) {
            // tables go in the opposite order of their making
            const struct difference *difference = &drift->items[step == DRIFT_DROP_TABLE ? drift->count - 1 - i : i];
            if (difference->step != step)
                continue;
            *ret_drop_count += difference->is_drop && !drops;
            error = put_difference(script, difference, drops);
        }
    return error;
}
