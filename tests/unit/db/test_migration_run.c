// test_migration_run.c — one file of a migration: its statements, its locks, and what an interrupted one leaves.
#include "db/migration_run.h"

#include "migration_fixture.h"

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

static void test_a_psql_command_is_refused_with_its_line(void **state) {
    (void)state;
    put("0001_meta.up.sql", "CREATE TABLE t (note text DEFAULT E'\\n');\nSELECT 1\n  \\gset\n;");

    assert_int_equal(up(), -EINVAL);

    expect_failure("0001_meta.up.sql:3: error: a backslash begins a command of psql");
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

static void test_a_table_that_another_holds_is_waited_for(void **state) {
    (void)state;
    put("0001_table.up.sql", "CREATE TABLE t (id int);");
    expect_good(up());
    put("0002_alter.up.sql", "CREATE TABLE u (id int);\nSET LOCAL lock_timeout = '100ms';\nALTER TABLE t ADD note text;");
    PGconn *holder = PQconnectdb(conninfo);
    PQclear(PQexec(holder, "BEGIN"));
    PQclear(PQexec(holder, "LOCK TABLE t"));
    pid_t child = up_in_a_child();
    assert_true(comes_true("SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%locks are held by%' AND pid <> "
                           "pg_backend_pid()")); // given up once

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

// ---- an index that is built beside the traffic

static void test_an_invalid_index_is_said_dropped_and_built_again(void **state) {
    (void)state;
    put("0001_table.up.sql", "CREATE TABLE t (id int); INSERT INTO t VALUES (1), (1);");
    put("0002_index.up.sql", "-- no transaction\nSET maintenance_work_mem = '32MB';\nCREATE UNIQUE INDEX CONCURRENTLY t_id_idx ON t (id);");
    assert_int_equal(up(), -EINVAL);
    expect_failure("0002_index.up.sql:3: error: could not create unique index");
    assert_string_equal(ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_id_idx'::regclass"), "f");
    expect_good(status());
    assert_true(holds(report.text, "warning: the index t_id_idx of t is invalid"));
    ask("DELETE FROM t");

    expect_good(up());

    assert_true(holds(report.text, "dropped the invalid index t_id_idx"));
    assert_string_equal(ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_id_idx'::regclass"), "t");
}

static void test_a_file_without_a_transaction_goes_on_where_it_failed(void **state) {
    (void)state;
    put("0001_steps.up.sql", "-- no transaction\nCREATE TABLE t (id int);\nCREATE TABLE u (id int);\nSELECT nonsense;\nCREATE TABLE v ();");
    assert_int_equal(up(), -EINVAL);
    expect_failure("the next run goes on here");
    put("0001_steps.up.sql", "-- no transaction\nCREATE TABLE t (id int);\nCREATE TABLE u (id int);\nSELECT 1;\nCREATE TABLE v ();");

    expect_good(up());

    assert_true(holds(report.text, "goes on behind statement 2"));
    expect_table("v", true);
    assert_string_equal(ask("SELECT count(*) FROM leat_migration_steps"), "0");
}

static void test_an_edit_of_what_ran_already_is_refused(void **state) {
    (void)state;
    put("0001_steps.up.sql", "-- no transaction\nCREATE TABLE t (id int);\nSELECT nonsense;");
    assert_int_equal(up(), -EINVAL);
    put("0001_steps.up.sql", "-- no transaction\nCREATE TABLE t (id int, note text);\nSELECT 1;");

    assert_int_equal(up(), -EINVAL);

    expect_failure("they were edited since");
}

static void test_an_index_of_a_killed_run_is_built_by_the_next(void **state) {
    (void)state;
    put("0001_table.up.sql", "CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 1000);");
    expect_good(up());
    put("0002_index.up.sql",
        "-- no transaction\nCREATE INDEX CONCURRENTLY t_id_idx ON t (id);\nCREATE INDEX CONCURRENTLY t_neg_idx ON t ((-id));");
    PGconn *holder = PQconnectdb(conninfo); // a snapshot that the index has to wait for
    PQclear(PQexec(holder, "BEGIN ISOLATION LEVEL REPEATABLE READ"));
    PQclear(PQexec(holder, "INSERT INTO t VALUES (0)"));
    pid_t child = up_in_a_child();
    assert_true(comes_true("SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'"));

    kill(child, SIGKILL);
    waitpid(child, NULL, 0);

    assert_true(comes_true("SELECT count(*) = 0 FROM pg_stat_progress_create_index")); // the server has noticed
    PQclear(PQexec(holder, "COMMIT"));
    PQfinish(holder);
    assert_string_equal(ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_id_idx'::regclass"), "f");
    expect_good(up());
    assert_string_equal(ask("SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 't'::regclass"), "t");
    assert_string_equal(ask("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass"), "2");
}

static void test_an_index_that_was_finished_without_its_row_is_taken_as_it_is(void **state) {
    (void)state;
    put("0001_table.up.sql", "CREATE TABLE t (id int);");
    expect_good(up());
    ask("CREATE INDEX t_id_idx ON t (id)"); // what a run that was killed behind the build left
    put("0002_index.up.sql", "-- no transaction\nCREATE INDEX CONCURRENTLY t_id_idx ON t (id);");

    expect_good(up());

    assert_true(holds(report.text, "t_id_idx was there already"));
}

static void test_a_blocker_that_does_not_go_is_named(void **state) {
    (void)state;
    put("0001_table.up.sql", "CREATE TABLE t (id int);");
    expect_good(up());
    put("0002_alter.up.sql", "ALTER TABLE t ADD note text;");
    PGconn *holder = PQconnectdb(arena_format(&arena, "%s application_name=nightly_report", conninfo).ptr);
    PQclear(PQexec(holder, "BEGIN"));
    PQclear(PQexec(holder, "LOCK TABLE t"));

    int error = run((struct migration_order){.verb = MIGRATION_UP, .lock_timeout_ms = 20});

    PQfinish(holder);
    assert_int_equal(error, -EINVAL);
    expect_failure("0002_alter.up.sql:1: error: canceling statement due to lock timeout (SQLSTATE 55P03)");
    expect_failure("of nightly_report, idle in transaction");
    assert_true(holds(report.text, "waits for a table, try 5 of 5"));
    expect_good(up());
}

static void test_waiting_for_the_lock_ends_when_it_was_told_to(void **state) {
    (void)state;
    put_two_tables();
    PGconn *holder = PQconnectdb(conninfo);
    PQclear(PQexec(holder, "SELECT pg_advisory_lock(7811887846218853)"));

    int error = run((struct migration_order){.verb = MIGRATION_UP, .wait_ms = 150});

    PQfinish(holder);
    assert_int_equal(error, -EINVAL);
    expect_failure("another server has been migrating this database");
}

static void test_a_run_killed_in_any_verb_leaves_what_the_next_completes(void **state) {
    (void)state;
    put_two_tables();
    put("0001_create_a.down.sql", "DROP TABLE a;\nSELECT pg_sleep(60);\n");
    expect_good(up());
    struct migration_order orders[] = {{.verb = MIGRATION_DOWN, .count = 2}, {.verb = MIGRATION_REDO, .count = 1}};
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(run(orders[i]) == 0 ? 0 : 1);
        assert_true(comes_true("SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND datname = "
                               "current_database()"));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_true(comes_true("SELECT count(*) = 0 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND datname = "
                               "current_database()"));
        expect_table("a", true);
        expect_table("b", false);
        assert_string_equal(ask("SELECT string_agg(version::text, ' ') FROM leat_migrations"), "1");
    }

    expect_good(up());

    expect_table("b", true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_database(test_a_file_without_a_transaction_may_build_an_index_concurrently),
        with_database(test_a_file_without_a_transaction_that_fails_says_what_stays),
        with_database(test_transaction_control_inside_a_file_is_refused_before_anything_runs),
        with_database(test_a_quote_that_never_ends_is_refused_before_anything_runs),
        with_database(test_copy_from_stdin_is_refused),
        with_database(test_what_a_file_sets_for_its_session_touches_neither_its_row_nor_the_next_file),
        with_database(test_a_psql_command_is_refused_with_its_line),
        with_database(test_a_statement_that_fails_leaves_nothing_of_its_file_and_all_of_the_earlier_ones),
        with_database(test_a_constraint_that_is_judged_at_commit_leaves_nothing),
        with_database(test_a_table_that_another_holds_is_waited_for),
        with_database(test_a_connection_lost_half_way_is_told),
        with_database(test_an_invalid_index_is_said_dropped_and_built_again),
        with_database(test_a_file_without_a_transaction_goes_on_where_it_failed),
        with_database(test_an_edit_of_what_ran_already_is_refused),
        with_database(test_an_index_of_a_killed_run_is_built_by_the_next),
        with_database(test_an_index_that_was_finished_without_its_row_is_taken_as_it_is),
        with_database(test_a_blocker_that_does_not_go_is_named),
        with_database(test_waiting_for_the_lock_ends_when_it_was_told_to),
        with_database(test_a_run_killed_in_any_verb_leaves_what_the_next_completes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_cluster, tear_down_cluster);
}
