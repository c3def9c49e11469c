// migration_fixture.h — a private Postgres for a file's tests of migrations, and a database and a folder of its own for each test.
#ifndef TESTS_DB_MIGRATION_FIXTURE_H
#define TESTS_DB_MIGRATION_FIXTURE_H

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

static inline const char *ask_on(const char *where, const char *sql) {
    PGconn *connection = PQconnectdb(where);
    PGresult *result = PQexec(connection, sql);
    const char *answer = PQntuples(result) ? PQgetvalue(result, 0, 0) : PQresultErrorMessage(result);
    answer = arena_copy(&arena, (str){answer, strlen(answer) + 1}).ptr;
    PQclear(result);
    PQfinish(connection);
    return answer;
}

static inline const char *ask(const char *sql) {
    return ask_on(conninfo, sql);
}

static inline void expect_table(const char *name, bool is_there) {
    const char *sql = arena_format(&arena, "SELECT to_regclass('%s') IS NOT NULL", name).ptr;
    assert_string_equal(ask(sql), is_there ? "t" : "f");
}

// ---- the files

static inline void put(const char *name, const char *text) {
    FILE *file = fopen(arena_format(&arena, "%s/%s", folder, name).ptr, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
}

static inline void put_two_tables(void) {
    put("0001_create_a.up.sql", "CREATE TABLE a (id int);\n");
    put("0001_create_a.down.sql", "DROP TABLE a;\n");
    put("0002_create_b.up.sql", "CREATE TABLE b (id int);\nINSERT INTO b VALUES (1), (2);\n");
    put("0002_create_b.down.sql", "DROP TABLE b;\n");
}

static inline int up(void) {
    struct migration_folder folders[] = {{"shop", folder}};
    return migrate_up(conninfo, folders, 1, &arena, &report);
}

static inline int status(void) {
    struct migration_folder folders[] = {{"shop", folder}};
    return migrate_status(conninfo, folders, 1, &arena, &report);
}

static inline int down(unsigned count) {
    struct migration_folder one = {"shop", folder};
    return migrate_down(conninfo, &one, count, &arena, &report);
}

static inline void expect_good(int error) {
    if (error)
        fail_msg("%s: %.*s", strerror(-error), (int)report.failure.len, report.failure.ptr);
    assert_int_equal(report.failure.len, 0);
}

static inline bool holds(str text, const char *part) {
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static inline void expect_failure(const char *part) {
    if (!holds(report.failure, part))
        fail_msg("'%s' is not in: %.*s", part, (int)report.failure.len, report.failure.ptr);
}

static inline int set_up(void **state) {
    (void)state;
    const char *name = arena_format(&arena, "db%u", ++test_count).ptr;
    ask_on(cluster_conninfo(cluster), arena_format(&arena, "CREATE DATABASE %s STRATEGY file_copy", name).ptr);
    conninfo = arena_format(&arena, "%s dbname=%s", cluster_conninfo(cluster), name).ptr;
    folder = arena_format(&arena, "%s/%s", root, name).ptr;
    return mkdir(folder, 0755);
}

static inline pid_t up_in_a_child(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(up() == 0 ? 0 : 1);
    return child;
}

static inline void expect_success_of(pid_t child) {
    int exit_status;
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_true(WIFEXITED(exit_status));
    assert_int_equal(WEXITSTATUS(exit_status), 0);
}

static inline bool comes_true(const char *sql) {
    for (int i = 0; i < 2000; i++) {
        if (strcmp(ask(sql), "t") == 0)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return false;
}

static inline int run(struct migration_order order) {
    static struct migration_folder folders[1];
    folders[0] = (struct migration_folder){"shop", folder, NULL};
    order.conninfo = conninfo;
    order.folders = folders;
    order.folder_count = 1;
    order.plugin = "shop";
    order.count = order.count ? order.count : 1;
    return migrate_run(&order, &arena, &report);
}

static inline int set_up_cluster(void **state) {
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

static inline int tear_down_cluster(void **state) {
    cluster_stop(cluster);
    int removed = system(arena_format(&arena, "rm -rf '%s'", root).ptr);
    arena_tear_down(state);
    return removed;
}

#define with_database(test) cmocka_unit_test_setup(test, set_up)

#endif
