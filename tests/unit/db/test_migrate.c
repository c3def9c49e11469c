// test_migrate.c — migrations against a real Postgres: a database of its own for each test.
#include "migration_fixture.h"

// ---- tests

static void test_up_applies_what_is_pending_in_order_and_once(void **state) {
    (void)state;
    put_two_tables();
    put("0010_after_two.up.sql", "INSERT INTO b VALUES (3);");
    put("3_between.up.sql", "ALTER TABLE b ADD note text;");

    expect_good(up());

    assert_int_equal(report.applied_count, 4);
    assert_true(holds(report.text, "shop 0001_create_a applied in "));
    assert_string_equal(ask("SELECT string_agg(version::text, ' ' ORDER BY applied_at, version) FROM leat_migrations"), "1 2 3 10");
    assert_string_equal(ask("SELECT count(*) FROM b"), "3");
    expect_good(up());
    assert_int_equal(report.applied_count, 0);
    assert_int_equal(report.pending_count, 0);
}

static void test_the_checksum_is_the_sha256_of_the_file(void **state) {
    (void)state;
    put("0001_one.up.sql", "SELECT 1;\n");

    expect_good(up());

    assert_string_equal(ask("SELECT checksum = encode(sha256(E'SELECT 1;\\n'), 'hex') FROM leat_migrations"), "t");
}

static void test_status_counts_what_is_pending_and_changes_nothing(void **state) {
    (void)state;
    put_two_tables();

    expect_good(status());

    assert_int_equal(report.pending_count, 2);
    assert_true(holds(report.text, "shop 0001_create_a pending"));
    expect_table("leat_migrations", false);
    expect_good(up());
    expect_good(status());
    assert_int_equal(report.pending_count, 0);
    assert_true(holds(report.text, "shop 0002_create_b applied at 20"));
}

static void test_down_undoes_the_newest(void **state) {
    (void)state;
    put_two_tables();
    expect_good(up());

    expect_good(down(1));

    expect_table("a", true);
    expect_table("b", false);
    expect_good(status());
    assert_int_equal(report.pending_count, 1);
    expect_good(down(5));
    expect_table("a", false);
    assert_string_equal(ask("SELECT count(*) FROM leat_migrations"), "0");
}

static void test_down_without_a_down_file_is_refused(void **state) {
    (void)state;
    put("0001_one.up.sql", "CREATE TABLE one (id int)");
    expect_good(up());

    assert_int_equal(down(1), -EINVAL);

    expect_failure("0001_one.down.sql: error: there is no such file");
    expect_table("one", true);
}

static void test_an_edited_file_that_was_applied_is_refused_before_anything_runs(void **state) {
    (void)state;
    put_two_tables();
    expect_good(up());
    put("0001_create_a.up.sql", "CREATE TABLE a (id bigint);\n");
    put("0003_new.up.sql", "CREATE TABLE c (id int);");

    assert_int_equal(up(), -EINVAL);

    expect_failure("0001_create_a.up.sql: error: was edited after it was applied at 20");
    expect_table("c", false);
    assert_int_equal(status(), -EINVAL);
    expect_failure("was edited");
    assert_int_equal(report.pending_count, 1);
}

static void test_a_version_below_the_newest_is_applied_with_a_warning(void **state) {
    (void)state;
    put("0002_two.up.sql", "CREATE TABLE two (id int);");
    expect_good(up());
    put("0001_one.up.sql", "CREATE TABLE one (id int);");

    expect_good(up());

    assert_true(holds(report.text, "shop 0001_one warning: out of order: version 2 is applied already"));
    expect_table("one", true);
}

static void test_an_applied_version_without_a_file_is_a_warning(void **state) {
    (void)state;
    put_two_tables();
    expect_good(up());
    assert_int_equal(unlink(arena_format(&arena, "%s/0002_create_b.up.sql", folder).ptr), 0);
    assert_int_equal(unlink(arena_format(&arena, "%s/0002_create_b.down.sql", folder).ptr), 0);

    expect_good(up());

    assert_true(holds(report.text, "shop 0002_create_b warning: applied, but has no file here"));
}

static void test_a_name_that_follows_no_rule_is_refused_without_a_database(void **state) {
    (void)state;
    conninfo = "host=/nowhere";
    static const char *const bad[] = {"create_users.sql",  "0001_users.sql",     "0001.up.sql", "one_users.up.sql",
                                      "0001-users.up.sql", "0001_us ers.up.sql", "README.md",   "1234567890123456789_long.up.sql"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put(bad[i], "");
        assert_int_equal(up(), -EINVAL);
        expect_failure(bad[i]);
        expect_failure("a migration is called <digits>_<name>.up.sql");
        assert_int_equal(unlink(arena_format(&arena, "%s/%s", folder, bad[i]).ptr), 0);
    }
}

static void test_what_editors_leave_behind_is_overlooked(void **state) {
    (void)state;
    put_two_tables();
    put(".0001_create_a.up.sql.swp", "x");
    put(".gitkeep", "");
    put("0001_create_a.up.sql~", "x");

    expect_good(up());
}

static void test_two_files_of_one_version_are_refused(void **state) {
    (void)state;
    put("0001_one.up.sql", "SELECT 1");
    put("1_other.up.sql", "SELECT 1");
    assert_int_equal(up(), -EINVAL);
    expect_failure("its version is taken");
}

static void test_a_down_file_without_its_up_file_is_refused(void **state) {
    (void)state;
    put("0001_one.down.sql", "SELECT 1");
    assert_int_equal(up(), -EINVAL);
    expect_failure("0001_one.down.sql: error: has no up file beside it");
}

static void test_a_missing_folder_is_named_with_its_plugin(void **state) {
    (void)state;
    folder = "/nowhere/migrations/shop";
    assert_int_equal(up(), -EINVAL);
    expect_failure("/nowhere/migrations/shop: error: No such file or directory; make the folder for the migrations of 'shop'");
}

static void test_no_database_is_told_with_the_remedy_and_without_the_password(void **state) {
    (void)state;
    put_two_tables();
    conninfo = "postgresql://app:hunter2@127.0.0.1:1/app";

    assert_int_equal(up(), -ECONNREFUSED);

    expect_failure("no connection to the database");
    expect_failure("check DATABASE_URL");
    assert_false(holds(report.failure, "hunter2"));
}

static void test_plugins_keep_versions_of_their_own(void **state) {
    (void)state;
    put("0001_one.up.sql", "CREATE TABLE one (id int PRIMARY KEY);");
    const char *first = folder;
    folder = arena_format(&arena, "%s/second", root).ptr;
    assert_int_equal(mkdir(folder, 0755), 0);
    put("0001_two.up.sql", "CREATE TABLE two (one int REFERENCES one);");
    struct migration_folder folders[] = {{"first", first}, {"second", folder}};

    expect_good(migrate_up(conninfo, folders, 2, &arena, &report));

    assert_string_equal(ask("SELECT string_agg(plugin || version, ' ' ORDER BY plugin) FROM leat_migrations"), "first1 second1");
    assert_int_equal(report.applied_count, 2);
}

// ---- with others

static void test_servers_that_start_at_once_migrate_once(void **state) {
    (void)state;
    put("0001_slow.up.sql", "CREATE TABLE t (id int);\nSELECT pg_sleep(0.2);\n");
    put("0002_index.up.sql", "-- no transaction\nCREATE INDEX CONCURRENTLY t_id_idx ON t (id);\n");
    pid_t children[4];
    for (int i = 0; i < 4; i++)
        children[i] = up_in_a_child();

    for (int i = 0; i < 4; i++)
        expect_success_of(children[i]);

    assert_string_equal(ask("SELECT count(*) FROM leat_migrations"), "2");
}

static void test_a_migration_that_is_killed_half_way_leaves_nothing_and_does_not_block_the_next(void **state) {
    (void)state;
    put_two_tables();
    put("0003_slow.up.sql", "CREATE TABLE c (id int);\nSELECT pg_sleep(60);\nCREATE TABLE d (id int);\n");
    pid_t child = up_in_a_child();
    assert_true(
        comes_true("SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND datname = current_database()"));

    kill(child, SIGKILL);
    waitpid(child, NULL, 0);

    put("0003_slow.up.sql", "CREATE TABLE c (id int);\nCREATE TABLE d (id int);\n");
    int64_t begun_ns = clock_monotonic_ns();
    expect_good(up());
    assert_true(clock_monotonic_ns() - begun_ns < 20000000000);
    assert_int_equal(report.applied_count, 1);
    assert_string_equal(ask("SELECT string_agg(version::text, ' ' ORDER BY version) FROM leat_migrations"), "1 2 3");
}

// ---- targets, stamps, a second try

static void put_three_tables(void) {
    put_two_tables();
    put("0003_create_c.up.sql", "CREATE TABLE c (id int);\n");
    put("0003_create_c.down.sql", "DROP TABLE c;\n");
}

static void test_up_stops_at_its_target(void **state) {
    (void)state;
    put_three_tables();

    expect_good(run((struct migration_order){.verb = MIGRATION_UP, .has_version = true, .version = 2}));

    expect_table("b", true);
    expect_table("c", false);
    assert_int_equal(run((struct migration_order){.verb = MIGRATION_UP, .has_version = true, .version = 7}), -EINVAL);
    expect_failure("there is no version 7 of shop");
}

static void test_down_leaves_its_target(void **state) {
    (void)state;
    put_three_tables();
    expect_good(up());

    expect_good(run((struct migration_order){.verb = MIGRATION_DOWN, .has_version = true, .version = 1}));

    expect_table("a", true);
    expect_table("b", false);
    expect_good(run((struct migration_order){.verb = MIGRATION_DOWN, .has_version = true}));
    expect_table("a", false);
}

static void test_down_undoes_nothing_where_one_of_them_has_no_way_back(void **state) {
    (void)state;
    put("0001_one.up.sql", "CREATE TABLE one (id int)");
    put("0002_two.up.sql", "CREATE TABLE two (id int)");
    put("0002_two.down.sql", "DROP TABLE two");
    expect_good(up());

    assert_int_equal(down(2), -EINVAL);

    expect_table("two", true);
}

static void test_redo_applies_what_the_file_says_now(void **state) {
    (void)state;
    put_two_tables();
    expect_good(up());
    put("0002_create_b.up.sql", "CREATE TABLE b (id int, note text);\n");
    assert_int_equal(status(), -EINVAL);

    expect_good(run((struct migration_order){.verb = MIGRATION_REDO}));

    assert_string_equal(ask("SELECT count(*) FROM information_schema.columns WHERE table_name = 'b'"), "2");
    expect_good(status());
    assert_int_equal(report.pending_count, 0);
}

static void test_the_remedy_for_an_edited_file_undoes_those_behind_it_first(void **state) {
    (void)state;
    put_two_tables();
    expect_good(up());
    put("0002_create_b.up.sql", "CREATE TABLE b (id int, note text);\n");
    assert_int_equal(status(), -EINVAL);
    expect_failure("(in development: leat db redo shop; where");
    put("0001_create_a.up.sql", "CREATE TABLE a (id int, note text);\n");
    assert_int_equal(status(), -EINVAL);
    expect_failure("0001_create_a.up.sql: error: was edited");
    expect_failure("(in development: leat db redo shop 2; where");

    expect_good(run((struct migration_order){.verb = MIGRATION_REDO, .count = 2}));

    expect_good(status());
}

static void test_a_stamp_writes_rows_and_runs_nothing(void **state) {
    (void)state;
    put_three_tables();

    expect_good(run((struct migration_order){.verb = MIGRATION_STAMP, .has_version = true, .version = 2}));

    expect_table("b", false);
    expect_good(status());
    assert_int_equal(report.pending_count, 1);
    expect_good(run((struct migration_order){.verb = MIGRATION_STAMP, .has_version = true, .version = 1}));
    expect_good(status());
    assert_int_equal(report.pending_count, 2);
}

static void test_a_stamp_takes_an_edited_file_as_it_is(void **state) {
    (void)state;
    put_two_tables();
    expect_good(up());
    put("0001_create_a.up.sql", "-- words\nCREATE TABLE a (id int);\n");
    assert_int_equal(up(), -EINVAL);
    expect_failure("leat db stamp shop");

    expect_good(run((struct migration_order){.verb = MIGRATION_STAMP}));

    expect_good(up());
}

static void test_the_history_tells_in_what_order_it_went(void **state) {
    (void)state;
    put_two_tables();
    put("0004_four.up.sql", "SELECT 1");
    expect_good(up());
    put("0003_three.up.sql", "SELECT 1");
    expect_good(up());

    expect_good(run((struct migration_order){.verb = MIGRATION_HISTORY}));

    assert_int_equal(report.entry_count, 4);
    assert_int_equal(report.entries[3].version, 3);
    assert_int_equal(report.entries[3].state, MIGRATION_APPLIED);
}

static void test_a_reset_leaves_what_the_files_make(void **state) {
    (void)state;
    put_two_tables();
    expect_good(up());
    ask("CREATE TYPE mood AS ENUM ('good'); CREATE TABLE \"Odd one\" (m mood, id serial); CREATE VIEW v AS SELECT * FROM a; "
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE DOMAIN d AS text; CREATE EXTENSION pg_trgm");

    expect_good(run((struct migration_order){.verb = MIGRATION_RESET}));

    assert_string_equal(ask("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind IN ('r', 'v', 'S') "
                            "AND relnamespace = 'public'::regnamespace"),
                        "a b leat_migrations");
    assert_string_equal(ask("SELECT to_regtype('mood') IS NULL AND to_regtype('d') IS NULL AND to_regproc('f') IS NULL "
                            "AND to_regproc('similarity') IS NOT NULL"),
                        "t");
}

static void test_what_would_run_is_a_script_that_does_the_same(void **state) {
    (void)state;
    put_two_tables();
    put("0003_index.up.sql", "-- no transaction\nCREATE INDEX CONCURRENTLY b_id_idx ON b (id); -- the end");

    expect_good(run((struct migration_order){.verb = MIGRATION_UP, .only_prints = true}));

    expect_table("a", false);
    const char *script = arena_format(&arena, "%.*s", (int)report.script.len, report.script.ptr).ptr;
    char *path = arena_format(&arena, "%s/.script", folder).ptr ? (char *)arena_format(&arena, "%s/.script", folder).ptr : NULL;
    put(".script", script);
    assert_int_equal(system(arena_format(&arena, "psql -qX -v ON_ERROR_STOP=1 '%s' -f '%s'", conninfo, path).ptr), 0);
    expect_good(status());
    assert_int_equal(report.pending_count, 0);
    expect_table("b_id_idx", true);
}

static void test_a_plugin_brings_those_it_requires(void **state) {
    (void)state;
    const char *paths[3], *names[] = {"one", "two", "three"}, *const requires_one[] = {"one", NULL};
    for (int i = 0; i < 3; i++) {
        paths[i] = arena_format(&arena, "%s/%s", folder, names[i]).ptr;
        assert_int_equal(mkdir(paths[i], 0755), 0);
        put(arena_format(&arena, "%s/1_it.up.sql", names[i]).ptr, arena_format(&arena, "CREATE TABLE %s ()", names[i]).ptr);
    }
    struct migration_folder folders[] = {{"one", paths[0], NULL}, {"two", paths[1], NULL}, {"three", paths[2], requires_one}};

    expect_good(migrate_run(&(struct migration_order){.conninfo = conninfo, .folders = folders, .folder_count = 3, .plugin = "three"},
                            &arena, &report));

    expect_table("one", true);
    expect_table("two", false);
    expect_table("three", true);
    struct migration_order status_of = {.verb = MIGRATION_STATUS, .conninfo = conninfo, .folders = folders, .folder_count = 3};
    expect_good(migrate_run(&status_of, &arena, &report));
    assert_int_equal(report.pending_count, 1);
    status_of.plugin = "three";
    expect_good(migrate_run(&status_of, &arena, &report));
    assert_int_equal(report.pending_count, 0);
}

// ---- the migrations that ship

static const struct migration_folder shipped[] = {{"users", SOURCE_ROOT "/migrations/users"}, {"posts", SOURCE_ROOT "/migrations/posts"}};

static const char ada[] = "INSERT INTO users (email, password_hash, first_name, last_name) VALUES ('ada@example.com', 'x', 'Ada', 'L') "
                          "RETURNING role || is_active::text || (created_at = updated_at)::text";

static void test_the_service_has_its_tables_after_up_and_none_after_down(void **state) {
    (void)state;
    expect_good(migrate_up(conninfo, shipped, 2, &arena, &report));
    expect_table("users", true);
    expect_table("posts", true);
    assert_string_equal(ask(ada), "usertruetrue");

    expect_good(migrate_down(conninfo, &shipped[1], 1, &arena, &report));
    expect_good(migrate_down(conninfo, &shipped[0], 1, &arena, &report));

    expect_table("users", false);
    expect_table("posts", false);
    expect_good(migrate_up(conninfo, shipped, 2, &arena, &report));
}

static void test_the_service_refuses_what_its_constraints_forbid(void **state) {
    (void)state;
    expect_good(migrate_up(conninfo, shipped, 2, &arena, &report));
    ask(ada);

    assert_non_null(strstr(ask(ada), "\"users_email_key\""));
    assert_non_null(strstr(ask("UPDATE users SET role = 'root'"), "\"users_role_check\""));
    assert_non_null(
        strstr(ask("INSERT INTO posts (title, content, author_id) VALUES ('t', 'c', gen_random_uuid())"), "\"posts_author_id_fkey\""));
}

static void test_the_posts_of_a_deleted_user_go_too(void **state) {
    (void)state;
    expect_good(migrate_up(conninfo, shipped, 2, &arena, &report));
    ask(ada);
    ask("INSERT INTO posts (title, content, author_id) SELECT 't', 'c', id FROM users");
    assert_string_equal(ask("SELECT count(*) FROM posts WHERE NOT published"), "1");
    ask("DELETE FROM users");
    assert_string_equal(ask("SELECT count(*) FROM posts"), "0");
}

static void expect_index(const char *sql, const char *index) {
    const char *explain = arena_format(&arena, "SET enable_seqscan = off; SET enable_sort = off; EXPLAIN (FORMAT json) %s", sql).ptr;
    const char *plan = ask(explain);
    if (!strstr(plan, index) || strstr(plan, "\"Sort\""))
        fail_msg("%s is not used: %s", index, plan);
}

static void test_the_lists_of_the_service_have_their_indexes(void **state) {
    (void)state;
    expect_good(migrate_up(conninfo, shipped, 2, &arena, &report));

    expect_index("SELECT * FROM users ORDER BY created_at, id OFFSET 5 LIMIT 20", "users_created_at_id_idx");
    expect_index("SELECT * FROM posts WHERE published ORDER BY created_at DESC, id DESC OFFSET 5 LIMIT 20",
                 "posts_published_created_at_id_idx");
    expect_index("SELECT count(*) FROM posts WHERE published", "posts_published_created_at_id_idx");
    expect_index("SELECT * FROM users WHERE email = 'ada@example.com'", "users_email_key");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_database(test_up_applies_what_is_pending_in_order_and_once),
        with_database(test_the_checksum_is_the_sha256_of_the_file),
        with_database(test_status_counts_what_is_pending_and_changes_nothing),
        with_database(test_down_undoes_the_newest),
        with_database(test_down_without_a_down_file_is_refused),
        with_database(test_an_edited_file_that_was_applied_is_refused_before_anything_runs),
        with_database(test_a_version_below_the_newest_is_applied_with_a_warning),
        with_database(test_an_applied_version_without_a_file_is_a_warning),
        with_database(test_a_name_that_follows_no_rule_is_refused_without_a_database),
        with_database(test_what_editors_leave_behind_is_overlooked),
        with_database(test_two_files_of_one_version_are_refused),
        with_database(test_a_down_file_without_its_up_file_is_refused),
        with_database(test_a_missing_folder_is_named_with_its_plugin),
        with_database(test_no_database_is_told_with_the_remedy_and_without_the_password),
        with_database(test_plugins_keep_versions_of_their_own),
        with_database(test_servers_that_start_at_once_migrate_once),
        with_database(test_a_migration_that_is_killed_half_way_leaves_nothing_and_does_not_block_the_next),
        with_database(test_up_stops_at_its_target),
        with_database(test_down_leaves_its_target),
        with_database(test_down_undoes_nothing_where_one_of_them_has_no_way_back),
        with_database(test_redo_applies_what_the_file_says_now),
        with_database(test_the_remedy_for_an_edited_file_undoes_those_behind_it_first),
        with_database(test_a_stamp_writes_rows_and_runs_nothing),
        with_database(test_a_stamp_takes_an_edited_file_as_it_is),
        with_database(test_the_history_tells_in_what_order_it_went),
        with_database(test_a_reset_leaves_what_the_files_make),
        with_database(test_what_would_run_is_a_script_that_does_the_same),
        with_database(test_a_plugin_brings_those_it_requires),
        with_database(test_the_service_has_its_tables_after_up_and_none_after_down),
        with_database(test_the_service_refuses_what_its_constraints_forbid),
        with_database(test_the_posts_of_a_deleted_user_go_too),
        with_database(test_the_lists_of_the_service_have_their_indexes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_cluster, tear_down_cluster);
}
