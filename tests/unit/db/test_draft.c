// test_draft.c — declarations of C beside a real Postgres: a draft that was applied leaves nothing to draft.
#include "db/draft.h"

#include <leat/leat.h>
#undef fail // cmocka's here

#include "migration_fixture.h"

#include "base/str.h"
#include "db/migration_run.h"

// ---- the tables of the tests; what the macros register is not looked at

// clang-format off
ENUM(Mood, good, bad);
TABLE(Kinds, "kinds",
    (i64,        id,       .primary_key = true, .server_default = "GENERATED ALWAYS AS IDENTITY"),
    (str,        name,     .max_length = 40, .unique = true),
    (str,        note,     .nullable = true, .index = true),
    (i32,        small,    .server_default = "7"),
    (f64,        real,     .nullable = true),
    (bool,       is_on,    .server_default = "true"),
    (uuid,       key,      .server_default = "gen_random_uuid()"),
    (timestamp,  at,       .server_default = "now() + interval '1 day'"),
    (json_value, more,     .server_default = "'{}'"),
    (Mood,       mood,     .server_default = "'good'"),
    (str,        total,    .server_default = "0"),
    (str_list,   tags,     .server_default = "'{}'"),
    (i64_list,   marks,    .nullable = true),
    (str,        loud,     .server_default = "GENERATED ALWAYS AS (upper(name)) STORED", .nullable = true),
    (str,        order,    .column = "order", .nullable = true),
    (i64,        parent,   .references = "kinds(id) ON DELETE SET NULL", .nullable = true));
COLUMN_TYPE(Kinds, total, "numeric(12, 2)");
CONSTRAINT(Kinds, kinds_total_check, "CHECK (total >= 0 AND \"order\" <> 'x')");
CONSTRAINT(Kinds, kinds_pair_key, "UNIQUE (small, name) DEFERRABLE INITIALLY DEFERRED");
INDEX(Kinds, kinds_at_id_idx, at, id);
UNIQUE_INDEX(Kinds, kinds_key_idx, key);
INDEX_ON(Kinds, kinds_lower_idx, "(lower(name) DESC NULLS LAST, id) INCLUDE (small) WHERE is_on AND mood = 'good'", .unique = true);
INDEX_ON(Kinds, kinds_more_idx, "USING gin (more)");

TABLE(Left, "left_side", (i64, id, .primary_key = true), (i64, other, .references = "right_side"));
TABLE(Right, "right_side", (i64, id, .primary_key = true), (i64, other, .references = "left_side(id)"));
TABLE(Member, "member", (i64, team, .primary_key = true), (uuid, person, .primary_key = true), (str, role, .max_length = 9));

#define V1 (i64, id, .primary_key = true), (str, full_name, .max_length = 50), (Mood, mood), (str, legacy, .nullable = true, .index = true)
TABLE(First, "people", V1, (str, email, .unique = true));
ENUM(MoodLater, good, bad, ugly);
TABLE(Second, "people", (i64, id, .primary_key = true), (str, full_name, .max_length = 80), (MoodLater, mood, .server_default = "'good'"),
    (str, email, .unique = true, .nullable = true), (timestamp, seen_at, .server_default = "now()"));
INDEX(Second, people_seen_at_idx, seen_at);
TABLE(Renamed, "people", (i64, id, .primary_key = true), (str, name, .max_length = 50), (Mood, mood),
    (str, legacy, .nullable = true, .index = true), (str, mail, .unique = true));
TABLE(Moved, "persons", V1, (str, email, .unique = true));
TABLE(Strict, "people", V1, (str, email, .unique = true), (str, bio));
TABLE(Wrong, "wrong", (i64, id, .primary_key = true), (str, a, .server_default = "nonsense("), (str, b, .references = "nowhere(id)"));
TABLE(Elsewhere, "shop.orders", (i64, id, .primary_key = true), (str, user, .column = "user", .index = true));
TABLE(Nested, "nested", (i64, id), (Member_list, members));
// clang-format on

static const leat_item *const of_kinds[] = {
    &Kinds__type_of_total.base, &kinds_total_check__constraint.base, &kinds_pair_key__constraint.base, &kinds_at_id_idx__index.base,
    &kinds_key_idx__index.base, &kinds_lower_idx__index.base,        &kinds_more_idx__index.base};
static const leat_item *const of_second[] = {&people_seen_at_idx__index.base};

static struct draft draft;
static unsigned draft_count;

static struct declared_table declared(const leat_schema *schema, const leat_item *const *items, size_t item_count) {
    struct declared_table table;
    str message = S("");
    struct declaration_of_table declaration = {"shop", schema, items, item_count};
    if (declared_table_make(&declaration, &arena, &table, &message) != 0)
        fail_msg("%.*s", (int)message.len, message.ptr);
    return table;
}

#define ALONE(T) declared(&T##__schema, NULL, 0)

static int make(struct draft_order order) {
    order.conninfo = conninfo;
    return draft_make(&order, &arena, &draft);
}

static void expect_made(struct draft_order order) {
    if (make(order) != 0)
        fail_msg("%.*s", (int)draft.failure.len, draft.failure.ptr);
}

static void expect_nothing_to_draft(const struct declared_table *tables, unsigned count) {
    expect_made((struct draft_order){.tables = tables, .table_count = count});
    if (draft.drift.count)
        fail_msg("%.*s\n%.*s", (int)draft.drift.items[0].message.len, draft.drift.items[0].message.ptr, (int)draft.up.len, draft.up.ptr);
    assert_int_equal(draft.up.len, 0);
}

// Everything that a table is, for a comparison before and after.
static const char *catalog(void) {
    return ask("SELECT coalesce(string_agg(line, E'\\n' ORDER BY line), '') FROM ("
               "SELECT format('%s.%s %s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, "
               "pg_get_expr(adbin, adrelid)) AS line FROM pg_attribute a LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum "
               "JOIN pg_class c ON c.oid = attrelid WHERE attnum > 0 AND NOT attisdropped AND relkind = 'r' AND relname NOT LIKE 'leat%' "
               "AND relnamespace::regnamespace::text IN ('public', 'shop') "
               "UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint "
               "WHERE connamespace::regnamespace::text IN ('public', 'shop') AND conrelid::regclass::text NOT LIKE 'leat%' "
               "UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid::regclass::text NOT LIKE 'leat%' "
               "AND indrelid::regclass::text NOT LIKE 'pg_%') AS x");
}

static void apply_draft(void) {
    const char *number = arena_format(&arena, "%04u", ++draft_count).ptr;
    put(arena_format(&arena, "%s_draft.up.sql", number).ptr, draft.up.ptr);
    put(arena_format(&arena, "%s_draft.down.sql", number).ptr, draft.down.ptr);
    int error = up();
    if (error)
        fail_msg("%.*s\n%s", (int)report.failure.len, report.failure.ptr, draft.up.ptr);
}

// Drafted, applied, undone, applied again: the catalog is what it was, and nothing is left to draft.
static void expect_there_and_back(struct draft_order order) {
    expect_made(order);
    if (draft.trial.len)
        fail_msg("%s\n%s", draft.trial.ptr, draft.up.ptr);
    const char *before = catalog();
    apply_draft();
    const char *after = catalog();
    assert_string_not_equal(before, after);
    if (down(1) != 0)
        fail_msg("%.*s\n%s", (int)report.failure.len, report.failure.ptr, draft.down.ptr);
    assert_string_equal(catalog(), before);
    expect_good(up());
    assert_string_equal(catalog(), after);
}

static void begin_with_people(void) {
    struct declared_table first = ALONE(First);
    expect_made((struct draft_order){.tables = &first, .table_count = 1});
    apply_draft();
}

static void expect_difference(const char *message) {
    for (unsigned i = 0; i < draft.drift.count; i++)
        if (str_eq(draft.drift.items[i].message, str_of(message)))
            return;
    for (unsigned i = 0; i < draft.drift.count; i++)
        print_message("# %.*s\n", (int)draft.drift.items[i].message.len, draft.drift.items[i].message.ptr);
    fail_msg("no difference says '%s'", message);
}

static void expect_up(const char *part) {
    if (!holds(draft.up, part))
        fail_msg("'%s' is not in:\n%s", part, draft.up.ptr);
}

// ---- tests

static void test_a_draft_of_every_kind_of_declaration_applied_leaves_nothing_to_draft(void **state) {
    (void)state;
    struct declared_table kinds = declared(&Kinds__schema, of_kinds, sizeof of_kinds / sizeof *of_kinds);

    expect_there_and_back((struct draft_order){.tables = &kinds, .table_count = 1});

    expect_nothing_to_draft(&kinds, 1);
    expect_table("kinds_note_idx", true);
    assert_string_equal(ask("SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'kinds'::regclass"),
                        "kinds_mood_check kinds_name_key kinds_pair_key kinds_parent_fkey kinds_pkey kinds_total_check");
}

static void test_tables_that_reference_one_another_are_drafted_whole(void **state) {
    (void)state;
    struct declared_table tables[] = {ALONE(Left), ALONE(Right), ALONE(Member)};

    expect_there_and_back((struct draft_order){.tables = tables, .table_count = 3});

    expect_up("CONSTRAINT member_pkey PRIMARY KEY (team, person)");
    expect_nothing_to_draft(tables, 3);
}

static void test_what_changed_is_altered_and_nothing_is_dropped_unasked(void **state) {
    (void)state;
    begin_with_people();
    ask("INSERT INTO people VALUES (1, 'Ada', 'bad', 'kept', 'a@b.c')");
    struct declared_table second = declared(&Second__schema, of_second, 1);

    expect_there_and_back((struct draft_order){.tables = &second, .table_count = 1});

    expect_difference("people.full_name is varchar(50) in the database, and declared varchar(80)");
    expect_difference("people.email is NOT NULL in the database, and declared .nullable");
    expect_difference("people.seen_at is declared, and not in the database");
    expect_difference("people.legacy is in the database, and not declared");
    expect_up("-- ALTER TABLE people DROP COLUMN legacy;");
    assert_int_equal(draft.kept_count, 2);
    assert_string_equal(ask("SELECT legacy || mood || (seen_at IS NOT NULL) FROM people"), "keptbadtrue");
}

static void test_what_is_not_declared_goes_when_that_was_said(void **state) {
    (void)state;
    begin_with_people();
    struct declared_table second = declared(&Second__schema, of_second, 1);

    expect_there_and_back((struct draft_order){.tables = &second, .table_count = 1, .drops = true});

    expect_nothing_to_draft(&second, 1);
}

static void test_what_is_gone_and_what_is_new_may_be_a_rename(void **state) {
    (void)state;
    begin_with_people();
    ask("INSERT INTO people VALUES (1, 'Ada', 'bad', 'kept', 'a@b.c')");
    struct declared_table renamed = ALONE(Renamed);
    struct draft_order order = {.tables = &renamed, .table_count = 1};
    expect_made(order);
    assert_int_equal(draft.candidate_count, 2);
    assert_string_equal(draft.candidates[0].from, "full_name");
    assert_string_equal(draft.candidates[0].to, "name");

    order.renames = draft.candidates;
    order.rename_count = 2;
    expect_there_and_back(order);

    expect_up("ALTER TABLE people RENAME COLUMN full_name TO name;");
    expect_up("RENAME CONSTRAINT people_email_key TO people_mail_key;");
    expect_nothing_to_draft(&renamed, 1);
    assert_string_equal(ask("SELECT name || mail FROM people"), "Adaa@b.c");
}

static void test_a_table_that_is_called_otherwise_may_be_a_rename(void **state) {
    (void)state;
    begin_with_people();
    struct declared_table moved = ALONE(Moved);
    struct draft_order order = {.tables = &moved, .table_count = 1};
    expect_made(order);
    assert_int_equal(draft.candidate_count, 1);
    assert_string_equal(draft.candidates[0].from, "people");

    order.renames = draft.candidates;
    order.rename_count = 1;
    expect_there_and_back(order);

    expect_up("ALTER TABLE people RENAME TO persons;");
    expect_up("RENAME CONSTRAINT people_pkey TO persons_pkey;");
    expect_nothing_to_draft(&moved, 1);
}

static void test_a_rename_of_what_is_not_there_is_refused(void **state) {
    (void)state;
    begin_with_people();
    struct declared_table renamed = ALONE(Renamed);
    struct draft_rename rename = {"people", "nobody", "name"};

    assert_int_equal(make((struct draft_order){.tables = &renamed, .table_count = 1, .renames = &rename, .rename_count = 1}), -EINVAL);

    assert_true(holds(draft.failure, "--rename people.nobody:name: "));
}

static void test_a_draft_that_rows_are_in_the_way_of_says_so(void **state) {
    (void)state;
    begin_with_people();
    ask("INSERT INTO people VALUES (1, 'Ada', 'bad', 'kept', 'a@b.c')");
    struct declared_table strict = ALONE(Strict);

    expect_made((struct draft_order){.tables = &strict, .table_count = 1});

    assert_true(holds(draft.trial, "column \"bio\" of relation \"people\" contains null values"));
    expect_up("-- where the table has rows, this needs a DEFAULT");
    assert_true(holds(draft.down, "ALTER TABLE people DROP COLUMN bio;"));
}

static void test_what_postgres_refuses_of_a_declaration_has_its_line(void **state) {
    (void)state;
    struct declared_table wrong = ALONE(Wrong);

    assert_int_equal(make((struct draft_order){.tables = &wrong, .table_count = 1}), -EINVAL);

    assert_true(holds(draft.failure, arena_format(&arena, "test_draft.c:%u: error: ", wrong.columns[1].line).ptr));
    wrong.columns[1].value = NULL;
    assert_int_equal(make((struct draft_order){.tables = &wrong, .table_count = 1}), -EINVAL);
    assert_true(holds(draft.failure, "error: it references the table 'nowhere', which no TABLE declares and the database does not have"));
}

static void test_a_field_that_no_column_can_hold_is_refused(void **state) {
    (void)state;
    struct declared_table table;
    str message = S("");

    assert_int_equal(declared_table_make(&(struct declaration_of_table){"shop", &Nested__schema, NULL, 0}, &arena, &table, &message),
                     -EINVAL);

    assert_true(holds(message, "error: 'members' of TABLE Nested is no value of one column"));
}

static void test_a_table_of_another_schema_is_compared_there(void **state) {
    (void)state;
    ask("CREATE SCHEMA shop");
    struct declared_table orders = ALONE(Elsewhere);

    expect_there_and_back((struct draft_order){.tables = &orders, .table_count = 1});

    expect_nothing_to_draft(&orders, 1);
    assert_string_equal(ask("SELECT to_regclass('shop.orders_user_idx') IS NOT NULL"), "t");
}

static void test_what_somebody_did_by_hand_is_a_difference(void **state) {
    (void)state;
    begin_with_people();
    ask("ALTER TABLE people ADD nick text; ALTER TABLE people RENAME CONSTRAINT people_email_key TO uq_email; "
        "DROP INDEX people_legacy_idx; CREATE INDEX people_legacy_idx ON people (legacy DESC); ALTER TABLE people ALTER mood SET DEFAULT "
        "'good'; "
        "ALTER TABLE people ADD CHECK (id > 0)");
    struct declared_table first = ALONE(First);

    expect_made((struct draft_order){.tables = &first, .table_count = 1, .only_compares = true});

    expect_difference("people.nick is in the database, and not declared");
    expect_difference("people_email_key is called uq_email in the database");
    expect_difference("the index people_legacy_idx is btree (legacy DESC) in the database, and declared btree (legacy)");
    expect_difference("people.mood has DEFAULT 'good'::text in the database, and is declared with no DEFAULT");
    expect_difference("people_id_check CHECK ((id > 0)) is in the database, and not declared");
    assert_int_equal(draft.drift.count, 6); // the index is dropped and made
    expect_there_and_back((struct draft_order){.tables = &first, .table_count = 1, .drops = true});
    expect_nothing_to_draft(&first, 1);
}

static void test_an_invalid_index_is_a_difference(void **state) {
    (void)state;
    begin_with_people();
    ask("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'people_legacy_idx'::regclass");
    struct declared_table first = ALONE(First);

    expect_made((struct draft_order){.tables = &first, .table_count = 1});

    expect_difference("the index people_legacy_idx is invalid: an interrupted CREATE INDEX CONCURRENTLY left it");
    apply_draft();
    expect_nothing_to_draft(&first, 1);
}

static void test_a_comparison_leaves_nothing_behind_and_locks_nothing(void **state) {
    (void)state;
    begin_with_people();
    struct declared_table second = declared(&Second__schema, of_second, 1);
    PGconn *holder = PQconnectdb(conninfo); // a writer, whose lock a migration would wait for
    PQclear(PQexec(holder, "BEGIN"));
    PQclear(PQexec(holder, "INSERT INTO people VALUES (1, 'Ada', 'bad', 'kept', 'a@b.c')"));
    const char *before = catalog();

    int error = make((struct draft_order){.tables = &second, .table_count = 1, .only_compares = true, .lock_timeout_ms = 100});

    PQfinish(holder);
    assert_int_equal(error, 0);
    assert_string_equal(catalog(), before);
}

static void test_a_view_of_that_name_is_no_table(void **state) {
    (void)state;
    ask("CREATE VIEW people AS SELECT 1 AS id");
    struct declared_table first = ALONE(First);

    expect_made((struct draft_order){.tables = &first, .table_count = 1, .only_compares = true});

    expect_difference("people is no table in the database, but a view or the like: a SCHEMA reads it");
}

static void test_names_are_cut_as_postgres_cuts_them(void **state) {
    (void)state;
    static const char *const tables[] = {"a_table_with_a_rather_long_name_that_goes_on_and_on", "short",
                                         "täble_with_ümläuts_in_its_näme_and_möre_ünd_so"};
    static const char *const columns[] = {"a_column_with_a_rather_long_name_that_goes_on",
                                          "another_column_with_a_name_that_is_far_too_long_for_it", "cölümn_with_ümläuts_in_its_näme"};
    for (int i = 0; i < 3; i++) {
        leat_schema schema = First__schema;
        leat_field fields[2] = {First__fields[0], First__fields[4]};
        struct leat_common_opts options[2] = {{.size = sizeof options[0]},
                                              {.size = sizeof options[0], .unique = true, .column = columns[i]}};
        fields[0].opts = &options[0];
        fields[1].opts = &options[1];
        schema.table = tables[i];
        schema.fields = fields;
        schema.nfields = 2;
        struct declared_table table = declared(&schema, NULL, 0);
        ask(arena_format(&arena, "CREATE TABLE \"%s\" (\"%s\" text UNIQUE)", tables[i], columns[i]).ptr);
        assert_string_equal(
            ask(arena_format(&arena, "SELECT conname FROM pg_constraint WHERE conrelid = '\"%s\"'::regclass", tables[i]).ptr),
            table.constraints[0].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_database(test_a_draft_of_every_kind_of_declaration_applied_leaves_nothing_to_draft),
        with_database(test_tables_that_reference_one_another_are_drafted_whole),
        with_database(test_what_changed_is_altered_and_nothing_is_dropped_unasked),
        with_database(test_what_is_not_declared_goes_when_that_was_said),
        with_database(test_what_is_gone_and_what_is_new_may_be_a_rename),
        with_database(test_a_table_that_is_called_otherwise_may_be_a_rename),
        with_database(test_a_rename_of_what_is_not_there_is_refused),
        with_database(test_a_draft_that_rows_are_in_the_way_of_says_so),
        with_database(test_what_postgres_refuses_of_a_declaration_has_its_line),
        with_database(test_a_field_that_no_column_can_hold_is_refused),
        with_database(test_a_table_of_another_schema_is_compared_there),
        with_database(test_what_somebody_did_by_hand_is_a_difference),
        with_database(test_an_invalid_index_is_a_difference),
        with_database(test_a_comparison_leaves_nothing_behind_and_locks_nothing),
        with_database(test_a_view_of_that_name_is_no_table),
        with_database(test_names_are_cut_as_postgres_cuts_them),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_cluster, tear_down_cluster);
}
