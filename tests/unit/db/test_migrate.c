// test_migrate.c — migrations against a real Postgres: a database of its own for each test.
#include "db/migrate.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "arena_fixture.h"
#include "base/clock.h"
#include "db/cluster.h"

static char root[64];
static struct cluster *cluster;
static const char *conninfo; // of this test's database
static const char *folder;   // of this test's files
static unsigned test_count;
static struct migration_report report;

// ---- the test's own connection

static const char *ask_on(const char *where, const char *sql) {
    PGconn *connection = PQconnectdb(where);
    PGresult *result = PQexec(connection, sql);
    const char *answer = PQntuples(result) ? PQgetvalue(result, 0, 0) : PQresultErrorMessage(result);
    answer = arena_copy(&arena, (str){answer, strlen(answer) + 1}).ptr;
    PQclear(result);
    PQfinish(connection);
    return answer;
}

static const char *ask(const char *sql) {
    return ask_on(conninfo, sql);
}

static void expect_table(const char *name, bool is_there) {
    const char *sql = arena_format(&arena, "SELECT to_regclass('%s') IS NOT NULL", name).ptr;
    assert_string_equal(ask(sql), is_there ? "t" : "f");
}

// ---- the files

static void put(const char *name, const char *text) {
    FILE *file = fopen(arena_format(&arena, "%s/%s", folder, name).ptr, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
}

static void put_two_tables(void) {
    put("0001_create_a.up.sql", "CREATE TABLE a (id int);\n");
    put("0001_create_a.down.sql", "DROP TABLE a;\n");
    put("0002_create_b.up.sql", "CREATE TABLE b (id int);\nINSERT INTO b VALUES (1), (2);\n");
    put("0002_create_b.down.sql", "DROP TABLE b;\n");
}

static int up(void) {
    struct migration_folder folders[] = {{"shop", folder}};
    return migrate_up(conninfo, folders, 1, &arena, &report);
}

static int status(void) {
    struct migration_folder folders[] = {{"shop", folder}};
    return migrate_status(conninfo, folders, 1, &arena, &report);
}

static int down(unsigned count) {
    struct migration_folder one = {"shop", folder};
    return migrate_down(conninfo, &one, count, &arena, &report);
}

static void expect_good(int error) {
    if (error)
        fail_msg("%s: %.*s", strerror(-error), (int)report.failure.len, report.failure.ptr);
    assert_int_equal(report.failure.len, 0);
}

static bool holds(str text, const char *part) {
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void expect_failure(const char *part) {
    if (!holds(report.failure, part))
        fail_msg("'%s' is not in: %.*s", part, (int)report.failure.len, report.failure.ptr);
}

static int set_up(void **state) {
    (void)state;
    const char *name = arena_format(&arena, "db%u", ++test_count).ptr;
    ask_on(cluster_conninfo(cluster), arena_format(&arena, "CREATE DATABASE %s STRATEGY file_copy", name).ptr);
    conninfo = arena_format(&arena, "%s dbname=%s", cluster_conninfo(cluster), name).ptr;
    folder = arena_format(&arena, "%s/%s", root, name).ptr;
    return mkdir(folder, 0755);
}

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

static void test_a_statement_that_fails_leaves_nothing_of_its_file_and_all_of_the_earlier_ones(void **state) {
    (void)state;
    put_two_tables();
    put("0003_bad.up.sql", "CREATE TABLE c (id int);\nINSERT INTO c VALUES (1);\n\nINSERT INTO c\n  VALUES ('ä', nonsense);\nSELECT 1;\n");
    put("0004_later.up.sql", "CREATE TABLE d (id int);");

    assert_int_equal(up(), -EINVAL);

    assert_int_equal(report.applied_count, 2);
    assert_int_equal(report.pending_count, 1);
    expect_failure("0003_bad.up.sql:5: error: column \"nonsense\" does not exist (SQLSTATE 42703)");
    expect_failure("nothing of this file is applied");
    expect_table("b", true);
    expect_table("c", false);
    expect_table("d", false);
    assert_string_equal(ask("SELECT max(version) FROM leat_migrations"), "2");
    put("0003_bad.up.sql", "CREATE TABLE c (id int);");
    expect_good(up());
    assert_int_equal(report.applied_count, 2);
}

static void test_a_constraint_that_is_judged_at_commit_leaves_nothing(void **state) {
    (void)state;
    put("0001_deferred.up.sql", "CREATE TABLE p (id int PRIMARY KEY);\nCREATE TABLE q (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);\n"
                                "INSERT INTO q VALUES (1);\n");

    assert_int_equal(up(), -EINVAL);

    expect_failure("(SQLSTATE 23503)");
    expect_table("p", false);
    assert_string_equal(ask("SELECT count(*) FROM leat_migrations"), "0");
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

static void test_a_file_without_a_transaction_may_build_an_index_concurrently(void **state) {
    (void)state;
    put("0001_table.up.sql", "CREATE TABLE t (id int);");
    put("0002_index.up.sql", "-- no transaction\nCREATE INDEX CONCURRENTLY t_id_idx ON t (id);\nVACUUM t;\n");

    expect_good(up());

    assert_string_equal(ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_id_idx'::regclass"), "t");
}

static void test_a_file_without_a_transaction_that_fails_says_what_stays(void **state) {
    (void)state;
    put("0001_bad.up.sql", "-- no transaction \nCREATE TABLE t (id int);\nSELECT nonsense;\n");

    assert_int_equal(up(), -EINVAL);

    expect_failure("0001_bad.up.sql:3: error: column \"nonsense\" does not exist");
    expect_failure("the statements before this one stay");
    expect_table("t", true);
    assert_string_equal(ask("SELECT count(*) FROM leat_migrations"), "0");
}

static void test_transaction_control_inside_a_file_is_refused_before_anything_runs(void **state) {
    (void)state;
    put("0001_own.up.sql", "CREATE TABLE t (id int);\nCOMMIT;\n");

    assert_int_equal(up(), -EINVAL);

    expect_failure("0001_own.up.sql:2: error: the file is one transaction already");
    expect_table("t", false);
}

static void test_a_quote_that_never_ends_is_refused_before_anything_runs(void **state) {
    (void)state;
    put("0001_open.up.sql", "CREATE TABLE t (id int);\nINSERT INTO t VALUES ('1);\n");

    assert_int_equal(up(), -EINVAL);

    expect_failure("0001_open.up.sql:2: error: the quote or comment that begins here never ends");
    expect_table("t", false);
}

static void test_copy_from_stdin_is_refused(void **state) {
    (void)state;
    put("0001_copy.up.sql", "CREATE TABLE t (id int);\nCOPY t FROM STDIN;\n");

    assert_int_equal(up(), -EINVAL);

    expect_failure("0001_copy.up.sql:2: error: COPY");
    expect_table("t", false);
}

static void test_what_a_file_sets_for_its_session_touches_neither_its_row_nor_the_next_file(void **state) {
    (void)state;
    put("0001_sets.up.sql", "CREATE ROLE nobody_much;\nCREATE SCHEMA other;\nSET search_path = other;\nSET lock_timeout = 1;\n"
                            "SET ROLE nobody_much;\n");
    put("0002_next.up.sql", "CREATE TABLE t (id int);");

    expect_good(up());

    expect_table("public.t", true);
    assert_string_equal(ask("SELECT count(*) FROM public.leat_migrations"), "2");
    ask("DROP ROLE nobody_much");
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

static pid_t up_in_a_child(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(up() == 0 ? 0 : 1);
    return child;
}

static void expect_success_of(pid_t child) {
    int exit_status;
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_true(WIFEXITED(exit_status));
    assert_int_equal(WEXITSTATUS(exit_status), 0);
}

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

static bool comes_true(const char *sql) {
    for (int i = 0; i < 2000; i++) {
        if (strcmp(ask(sql), "t") == 0)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return false;
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

static void test_a_table_that_another_holds_is_waited_for(void **state) {
    (void)state;
    put("0001_table.up.sql", "CREATE TABLE t (id int);");
    expect_good(up());
    put("0002_alter.up.sql", "CREATE TABLE u (id int);\nSET LOCAL lock_timeout = '100ms';\nALTER TABLE t ADD note text;");
    PGconn *holder = PQconnectdb(conninfo);
    PQclear(PQexec(holder, "BEGIN"));
    PQclear(PQexec(holder, "LOCK TABLE t"));
    pid_t child = up_in_a_child();
    assert_true(comes_true("SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'ROLLBACK%' AND state = 'idle'")); // given up once

    PQclear(PQexec(holder, "COMMIT"));

    expect_success_of(child);
    PQfinish(holder);
    expect_table("u", true);
    assert_string_equal(ask("SELECT count(*) FROM information_schema.columns WHERE table_name = 't'"), "2");
}

static void test_a_connection_lost_half_way_is_told(void **state) {
    (void)state;
    put("0001_suicide.up.sql", "CREATE TABLE t (id int);\nSELECT pg_terminate_backend(pg_backend_pid());\n");

    int error = up();

    assert_true(error == -ECONNREFUSED || error == -EINVAL);
    expect_failure("0001_suicide.up.sql:2: error: ");
    expect_table("t", false);
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

static int set_up_cluster(void **state) {
    arena_set_up(state);
    strcpy(root, "/tmp/leat-test-migrate-XXXXXX");
    if (!mkdtemp(root) || chmod(root, 0755) != 0)
        return -1;
    str failure;
    struct cluster_options options = {.var = arena_format(&arena, "%s/var", root).ptr, .is_throwaway = true};
    if (cluster_start(&options, &arena, &cluster, &failure) != 0)
        fail_msg("%.*s", (int)failure.len, failure.ptr);
    return 0;
}

static int tear_down_cluster(void **state) {
    cluster_stop(cluster);
    int removed = system(arena_format(&arena, "rm -rf '%s'", root).ptr);
    arena_tear_down(state);
    return removed;
}

#define with_database(test) cmocka_unit_test_setup(test, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_database(test_up_applies_what_is_pending_in_order_and_once),
        with_database(test_the_checksum_is_the_sha256_of_the_file),
        with_database(test_status_counts_what_is_pending_and_changes_nothing),
        with_database(test_down_undoes_the_newest),
        with_database(test_down_without_a_down_file_is_refused),
        with_database(test_a_statement_that_fails_leaves_nothing_of_its_file_and_all_of_the_earlier_ones),
        with_database(test_a_constraint_that_is_judged_at_commit_leaves_nothing),
        with_database(test_an_edited_file_that_was_applied_is_refused_before_anything_runs),
        with_database(test_a_version_below_the_newest_is_applied_with_a_warning),
        with_database(test_an_applied_version_without_a_file_is_a_warning),
        with_database(test_a_file_without_a_transaction_may_build_an_index_concurrently),
        with_database(test_a_file_without_a_transaction_that_fails_says_what_stays),
        with_database(test_transaction_control_inside_a_file_is_refused_before_anything_runs),
        with_database(test_a_quote_that_never_ends_is_refused_before_anything_runs),
        with_database(test_copy_from_stdin_is_refused),
        with_database(test_what_a_file_sets_for_its_session_touches_neither_its_row_nor_the_next_file),
        with_database(test_a_name_that_follows_no_rule_is_refused_without_a_database),
        with_database(test_what_editors_leave_behind_is_overlooked),
        with_database(test_two_files_of_one_version_are_refused),
        with_database(test_a_down_file_without_its_up_file_is_refused),
        with_database(test_a_missing_folder_is_named_with_its_plugin),
        with_database(test_no_database_is_told_with_the_remedy_and_without_the_password),
        with_database(test_plugins_keep_versions_of_their_own),
        with_database(test_servers_that_start_at_once_migrate_once),
        with_database(test_a_migration_that_is_killed_half_way_leaves_nothing_and_does_not_block_the_next),
        with_database(test_a_table_that_another_holds_is_waited_for),
        with_database(test_a_connection_lost_half_way_is_told),
        with_database(test_the_service_has_its_tables_after_up_and_none_after_down),
        with_database(test_the_service_refuses_what_its_constraints_forbid),
        with_database(test_the_posts_of_a_deleted_user_go_too),
        with_database(test_the_lists_of_the_service_have_their_indexes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_cluster, tear_down_cluster);
}
