// test_cluster.c — the private Postgres, with the real thing: cold, warm, shared, killed, misplaced and refused.
#include "db/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "arena_fixture.h"
#include "base/clock.h"
#include "db/keeper.h"

static char root[64];        // of this run: removed at the end
static char shared_var[128]; // a cluster that several tests start and stop
static str failure;
static struct cluster *started[8];
static size_t started_count;

static int64_t ms_since(int64_t start_ns) {
    return (clock_monotonic_ns() - start_ns) / 1000000;
}

static const char *var_named(const char *name) {
    return arena_format(&arena, "%s/%s", root, name).ptr;
}

static int try_start(const char *var, struct cluster **ret_cluster) {
    struct cluster_options options = {.var = var, .is_throwaway = true};
    return cluster_start(&options, &arena, ret_cluster, &failure);
}

static struct cluster *start(const char *var) {
    struct cluster *cluster = NULL;
    int error = try_start(var, &cluster);
    if (error)
        fail_msg("cluster_start: %s: %.*s", strerror(-error), (int)failure.len, failure.ptr);
    started[started_count++] = cluster;
    return cluster;
}

static void stop(struct cluster *cluster) {
    for (size_t i = 0; i < started_count; i++)
        if (started[i] == cluster)
            started[i] = started[--started_count];
    cluster_stop(cluster);
}

static int stop_what_a_failed_test_left(void **state) {
    (void)state;
    while (started_count)
        stop(started[0]);
    return 0;
}

static const char *ask(const struct cluster *cluster, const char *sql) {
    PGconn *connection = PQconnectdb(cluster_conninfo(cluster));
    PGresult *result = PQexec(connection, sql);
    const char *answer = PQntuples(result) ? PQgetvalue(result, 0, 0) : PQresultErrorMessage(result);
    answer = arena_copy(&arena, (str){answer, strlen(answer) + 1}).ptr;
    PQclear(result);
    PQfinish(connection);
    return answer;
}

static int postmaster_of(const char *folder) {
    struct place place = {.data = arena_format(&arena, "%s/data", folder).ptr};
    return keeper_postmaster(&place);
}

static int keeper_of(int postmaster) {
    char path[64], name[64];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", postmaster);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d (%63[^)]) %*c %d", name, &parent), 2);
    fclose(file);
    return parent;
}

// Waits for another process to get somewhere: there is no clock to inject into the kernel.
static bool comes_true(bool (*is_true)(const char *), const char *arg) {
    int64_t begun_ns = clock_monotonic_ns();
    while (!is_true(arg)) {
        if (ms_since(begun_ns) > 20000)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return true;
}

static bool is_down(const char *folder) {
    return postmaster_of(folder) == 0;
}

static void remove_tree(const char *path) {
    const char *command = arena_format(&arena, "rm -rf '%s'", path).ptr;
    assert_int_equal(system(command), 0);
}

static void test_a_first_start_makes_a_database_that_answers(void **state) {
    (void)state;
    int64_t begun_ns = clock_monotonic_ns();

    struct cluster *cluster = start(shared_var);

    print_message("# cold start: %ld ms\n", (long)ms_since(begun_ns));
    assert_false(cluster_was_running(cluster));
    assert_string_equal(ask(cluster, "SELECT current_user || ' ' || current_database()"), "app app");
    assert_string_equal(ask(cluster, "SHOW listen_addresses"), "");
    assert_string_equal(ask(cluster, "SELECT lower('ÄÖ')"), "äö");
    assert_null(cluster_notice(cluster));
    struct stat folder;
    assert_int_equal(stat(cluster_folder(cluster), &folder), 0);
    assert_int_equal(folder.st_mode & 0777, 0700);
    stop(cluster);
}

static void test_a_second_start_is_quick_and_finds_the_data(void **state) {
    (void)state;
    struct cluster *cluster = start(shared_var);
    ask(cluster, "CREATE TABLE kept AS SELECT 42 AS answer");
    stop(cluster);
    int64_t begun_ns = clock_monotonic_ns();

    cluster = start(shared_var);

    print_message("# warm start: %ld ms\n", (long)ms_since(begun_ns));
    assert_string_equal(ask(cluster, "SELECT answer FROM kept"), "42");
    begun_ns = clock_monotonic_ns();
    stop(cluster);
    print_message("# stop: %ld ms\n", (long)ms_since(begun_ns));
}

static void test_stop_waits_until_postgres_is_gone_though_somebody_is_connected(void **state) {
    (void)state;
    struct cluster *cluster = start(shared_var);
    const char *folder = arena_format(&arena, "%s", cluster_folder(cluster)).ptr;
    PGconn *guest = PQconnectdb(cluster_conninfo(cluster));
    assert_int_equal(PQstatus(guest), CONNECTION_OK);

    stop(cluster);

    assert_int_equal(postmaster_of(folder), 0);
    assert_int_not_equal(access(arena_format(&arena, "%s/data/postmaster.pid", folder).ptr, F_OK), 0);
    PQfinish(guest);
}

static void test_a_cluster_lives_until_the_last_of_its_servers_stops(void **state) {
    (void)state;
    struct cluster *first = start(shared_var), *second = start(shared_var);
    assert_true(cluster_was_running(second));

    stop(first);

    assert_string_equal(ask(second, "SELECT 1"), "1");
    const char *folder = arena_format(&arena, "%s", cluster_folder(second)).ptr;
    stop(second);
    assert_int_equal(postmaster_of(folder), 0);
}

// A server in a process of its own, which says "up" on a pipe and then waits to be killed.
static pid_t start_in_a_child(const char *var, int *ret_up) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        struct cluster *cluster;
        char answer = try_start(var, &cluster) == 0 ? 'u' : 'x';
        if (write(ends[1], &answer, 1) == 1)
            pause();
        _exit(1);
    }
    close(ends[1]);
    *ret_up = ends[0];
    return child;
}

static void expect_up(int up) {
    char answer = 0;
    assert_int_equal(read(up, &answer, 1), 1);
    assert_int_equal(answer, 'u');
    close(up);
}

static void kill_and_wait(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void test_postgres_ends_when_its_server_is_killed(void **state) {
    (void)state;
    int up;
    pid_t child = start_in_a_child(shared_var, &up);
    expect_up(up);
    const char *folder = arena_format(&arena, "%s/pg", shared_var).ptr;
    assert_int_not_equal(postmaster_of(folder), 0);

    kill_and_wait(child);

    assert_true(comes_true(is_down, folder));
}

static void test_a_start_right_after_a_killed_server_succeeds(void **state) {
    (void)state;
    int up;
    pid_t child = start_in_a_child(shared_var, &up);
    expect_up(up);
    kill_and_wait(child);

    struct cluster *cluster = start(shared_var);

    assert_string_equal(ask(cluster, "SELECT 1"), "1");
    stop(cluster);
}

static void test_a_killed_server_leaves_postgres_to_the_others(void **state) {
    (void)state;
    int up;
    pid_t child = start_in_a_child(shared_var, &up);
    expect_up(up);
    struct cluster *cluster = start(shared_var);
    assert_true(cluster_was_running(cluster));

    kill_and_wait(child);

    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL); // what must not happen gives no sign: give it time to
    assert_string_equal(ask(cluster, "SELECT 1"), "1");
    const char *folder = arena_format(&arena, "%s", cluster_folder(cluster)).ptr;
    stop(cluster);
    assert_int_equal(postmaster_of(folder), 0);
}

static void test_postgres_ends_when_its_keeper_is_killed(void **state) {
    (void)state;
    struct cluster *cluster = start(shared_var);
    const char *folder = arena_format(&arena, "%s", cluster_folder(cluster)).ptr;

    kill(keeper_of(postmaster_of(folder)), SIGKILL);

    assert_true(comes_true(is_down, folder));
    stop(cluster);
}

static void test_a_postmaster_that_was_killed_is_recovered_with_what_was_committed(void **state) {
    (void)state;
    struct cluster *cluster = start(shared_var);
    const char *folder = arena_format(&arena, "%s", cluster_folder(cluster)).ptr;
    ask(cluster, "CREATE TABLE committed AS SELECT 7 AS answer");
    kill(postmaster_of(folder), SIGKILL);
    stop(cluster);

    cluster = start(shared_var);

    assert_false(cluster_was_running(cluster));
    assert_string_equal(ask(cluster, "SELECT answer FROM committed"), "7");
    stop(cluster);
}

static int revived(struct cluster *cluster) {
    int status = cluster_revive(cluster, &arena, &failure);
    if (status < 0)
        fail_msg("cluster_revive: %s: %.*s", strerror(-status), (int)failure.len, failure.ptr);
    return status;
}

static bool answers(const char *conninfo) {
    return PQping(conninfo) == PQPING_OK;
}

static void test_a_postmaster_that_was_killed_is_started_again_by_who_looks(void **state) {
    (void)state;
    struct cluster *first = start(shared_var), *second = start(shared_var);
    const char *folder = arena_format(&arena, "%s", cluster_folder(first)).ptr;
    ask(first, "CREATE TABLE kept_on AS SELECT 8 AS answer");
    assert_int_equal(revived(first), 0);
    kill(postmaster_of(folder), SIGKILL);
    assert_true(comes_true(is_down, folder));

    int status;
    while ((status = revived(second)) == 0) // its keeper may need a moment to end
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);

    assert_int_equal(status, 1);
    assert_int_equal(revived(first), 0);
    assert_true(comes_true(answers, cluster_conninfo(first)));
    assert_string_equal(ask(first, "SELECT answer FROM kept_on"), "8");
    stop(second);
    assert_string_equal(ask(first, "SELECT 1"), "1");
    stop(first);
    assert_int_equal(postmaster_of(folder), 0);
}

static void test_orphans_of_a_killed_postmaster_do_not_block_the_next_start(void **state) {
    (void)state;
    struct cluster *cluster = start(shared_var);
    const char *folder = arena_format(&arena, "%s", cluster_folder(cluster)).ptr;
    PGconn *busy = PQconnectdb(cluster_conninfo(cluster));
    // a loop that never looks at its latch, so that it does not notice that its postmaster died
    assert_int_equal(PQsendQuery(busy, "SELECT count(*) FROM generate_series(1, 100000000000)"), 1);
    PQflush(busy);
    assert_true(strcmp(ask(cluster, "SELECT pg_sleep(0.05)"), "") == 0);
    kill(postmaster_of(folder), SIGKILL);
    stop(cluster);

    cluster = start(shared_var);

    assert_string_equal(ask(cluster, "SELECT 1"), "1");
    stop(cluster);
    PQfinish(busy);
}

static void test_a_stale_pid_file_that_names_a_living_process_is_seen_through(void **state) {
    (void)state;
    const char *path = arena_format(&arena, "%s/pg/data/postmaster.pid", shared_var).ptr;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%d\n%s/pg/data\n1700000000\n5432\n%s/pg/run\n\n\nready   \n", getpid(), shared_var, shared_var);
    fclose(file);

    struct cluster *cluster = start(shared_var);

    assert_false(cluster_was_running(cluster));
    assert_string_equal(ask(cluster, "SELECT 1"), "1");
    stop(cluster);
}

static void test_a_server_that_other_hands_started_is_used_and_left_running(void **state) {
    (void)state;
    struct cluster *cluster = start(shared_var);
    const char *folder = arena_format(&arena, "%s", cluster_folder(cluster)).ptr;
    stop(cluster);
    struct programs programs;
    struct place place;
    assert_int_equal(place_open(shared_var, true, &arena, &place, &failure), 0);
    assert_int_equal(programs_find(place.data, &arena, &programs, &failure), 0);
    pid_t theirs = fork();
    if (theirs == 0) {
        programs_enter(&place);
        execl(programs.postgres, "postgres", "-D", place.data, "-k", place.run, "-c", "listen_addresses=", "-c", "fsync=off", NULL);
        _exit(127);
    }
    place_close(&place);
    for (int i = 0; i < 4000 && postmaster_of(folder) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);

    cluster = start(shared_var);

    assert_true(cluster_was_running(cluster));
    stop(cluster);
    assert_int_equal(postmaster_of(folder), theirs);
    kill(theirs, SIGINT);
    waitpid(theirs, NULL, 0);
}

static void test_the_postmaster_holds_none_of_our_descriptors(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0); // inheritable
    struct cluster *cluster = start(shared_var);
    int keeper = keeper_of(postmaster_of(cluster_folder(cluster)));

    close(ends[1]);
    char byte;
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(read(ends[0], &byte, 1), 0); // the end of the file: nobody else has the other end

    assert_int_not_equal(getsid(keeper), getsid(0));
    close(ends[0]);
    stop(cluster);
}

static void test_the_keeper_does_not_look_like_a_second_server(void **state) {
    (void)state;
    struct cluster *cluster = start(shared_var);
    char path[64], title[256] = "";
    snprintf(path, sizeof path, "/proc/%d/cmdline", keeper_of(postmaster_of(cluster_folder(cluster))));

    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(title, 1, sizeof title - 1, file) > 0);
    fclose(file);

    assert_memory_equal(title, "leat: keeper", 12);
    stop(cluster);
}

static void test_two_servers_that_start_at_once_share_one_new_cluster(void **state) {
    (void)state;
    const char *var = var_named("at-once");
    int up[3];
    pid_t children[3];
    for (int i = 0; i < 3; i++)
        children[i] = start_in_a_child(var, &up[i]);
    for (int i = 0; i < 3; i++)
        expect_up(up[i]);

    struct cluster *cluster = start(var);
    for (int i = 0; i < 3; i++)
        kill_and_wait(children[i]);

    assert_true(cluster_was_running(cluster));
    assert_string_equal(ask(cluster, "SELECT count(*) FROM pg_database WHERE datname = 'app'"), "1");
    stop(cluster);
}

static void test_what_an_interrupted_initdb_left_is_made_anew(void **state) {
    (void)state;
    const char *var = var_named("interrupted");
    stop(start(var));
    const char *data = arena_format(&arena, "%s/pg/data", var).ptr, *left = arena_format(&arena, "%s/pg/data.new", var).ptr;
    assert_int_equal(rename(data, left), 0);
    remove_tree(arena_format(&arena, "%s/base", left).ptr);

    struct cluster *cluster = start(var);

    assert_string_equal(ask(cluster, "SELECT 1"), "1");
    stop(cluster);
}

static void test_a_path_too_long_for_a_socket_puts_the_socket_elsewhere(void **state) {
    (void)state;
    const char *var = var_named("a-folder-with-a-name-that-leaves-no-room-for-the-name-of-a-socket/within-the-hundred-and-seven-bytes/var");

    struct cluster *cluster = start(var);

    assert_non_null(strstr(cluster_notice(cluster), "the socket of Postgres is in "));
    assert_null(strstr(cluster_conninfo(cluster), var));
    assert_string_equal(ask(cluster, "SELECT 1"), "1");
    char run[128] = "";
    assert_int_equal(sscanf(cluster_conninfo(cluster), "host=%127s", run), 1);
    stop(cluster);
    remove_tree(run);
}

static void test_a_path_that_needs_quotes_works(void **state) {
    (void)state;
    struct cluster *cluster = start(var_named("it's a \"path\", isn't it"));

    assert_string_equal(ask(cluster, "SELECT 1"), "1");
    char run[128] = "";
    assert_int_equal(sscanf(cluster_conninfo(cluster), "host=%127s", run), 1);
    stop(cluster);
    remove_tree(run);
}

static void test_root_below_a_folder_that_postgres_cannot_enter_uses_another_place(void **state) {
    (void)state;
    if (geteuid() != 0)
        skip();
    const char *closed = var_named("closed"), *var = var_named("closed/checkout/var");
    assert_int_equal(mkdir(closed, 0700), 0);

    struct cluster *cluster = start(var);

    assert_non_null(strstr(cluster_notice(cluster), "cannot enter"));
    assert_non_null(strstr(cluster_notice(cluster), cluster_folder(cluster)));
    assert_string_equal(ask(cluster, "SELECT 1"), "1");
    const char *folder = arena_format(&arena, "%s", cluster_folder(cluster)).ptr;
    stop(cluster);
    remove_tree(folder);
}

// Runs `body` in a child that has become the user nobody; true when it returned true.
static bool as_nobody(bool (*body)(void)) {
    const struct passwd *nobody = getpwnam("nobody");
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (!nobody || setgroups(0, NULL) != 0 || setgid(nobody->pw_gid) != 0 || setuid(nobody->pw_uid) != 0))
            _exit(2);
        _exit(body() ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool starts_and_stops(void) {
    struct cluster *cluster;
    if (try_start(var_named("open/var"), &cluster) != 0)
        return false;
    bool answers = strcmp(ask(cluster, "SELECT 1"), "1") == 0;
    cluster_stop(cluster);
    return answers;
}

static void test_a_user_who_is_not_root_has_a_cluster_too_and_root_may_use_it(void **state) {
    (void)state;
    const char *open = var_named("open");
    assert_int_equal(mkdir(open, 0777), 0);
    assert_int_equal(chmod(open, 0777), 0);

    assert_true(as_nobody(starts_and_stops));

    struct cluster *cluster = start(var_named("open/var")); // as the folder's owner, so that the user can go on afterwards
    assert_string_equal(ask(cluster, "SELECT 1"), "1");
    stop(cluster);
    assert_true(as_nobody(starts_and_stops));
}

static bool says_that_it_cannot_write(void) {
    struct cluster *cluster;
    return try_start(var_named("not-yours/var"), &cluster) == -EACCES && strstr(failure.ptr, "cannot make the folder") &&
           strstr(failure.ptr, "Permission denied") && strstr(failure.ptr, "DATABASE_URL");
}

static void test_a_folder_that_cannot_be_written_is_named_with_the_remedy(void **state) {
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(mkdir(var_named("not-yours"), 0755), 0);

    assert_true(as_nobody(says_that_it_cannot_write));
}

static bool says_whose_it_is(void) {
    struct cluster *cluster;
    return try_start(shared_var, &cluster) < 0 && strstr(failure.ptr, "start as that user (or root)");
}

static void test_a_cluster_of_another_user_is_refused_with_the_remedy(void **state) {
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_true(as_nobody(says_whose_it_is));
}

static void test_data_of_a_version_that_is_not_installed_names_the_package(void **state) {
    (void)state;
    const char *var = var_named("old");
    assert_int_equal(
        system(arena_format(&arena, "mkdir -p '%s/pg/data' && echo 9 > '%s/pg/data/PG_VERSION' && chmod 755 '%s/pg'", var, var, var).ptr),
        0);
    struct cluster *cluster;

    assert_int_equal(try_start(var, &cluster), -ENOENT);

    assert_non_null(strstr(failure.ptr, "made by Postgres 9"));
    assert_non_null(strstr(failure.ptr, "apt-get install -y postgresql-9"));
}

// Without a single Postgres: an empty folder hides the real one, in a mount namespace of the child's own.
static bool has_no_postgres_and_says_so(void) {
    struct cluster *cluster;
    setenv("PATH", "/nowhere", 1);
    return try_start(var_named("no-programs"), &cluster) == -ENOENT && strstr(failure.ptr, "Postgres is not installed") &&
           strstr(failure.ptr, "apt-get install -y postgresql");
}

static void test_a_missing_postgres_is_told_with_the_line_that_installs_it(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("none", "/usr/lib/postgresql", "tmpfs", 0, NULL) != 0)
            _exit(77);
        _exit(has_no_postgres_and_says_so() ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_a_postgres_that_does_not_come_up_shows_the_end_of_its_log(void **state) {
    (void)state;
    assert_int_equal(system(arena_format(&arena, "echo 'nonsense here' >> '%s/pg/data/postgresql.conf'", shared_var).ptr), 0);
    struct cluster *cluster;
    int64_t begun_ns = clock_monotonic_ns();

    assert_int_equal(try_start(shared_var, &cluster), -ECONNREFUSED);

    assert_true(ms_since(begun_ns) < 10000);
    assert_non_null(strstr(failure.ptr, "Postgres does not start"));
    assert_non_null(strstr(failure.ptr, "unrecognized configuration parameter"));
    assert_int_equal(postmaster_of(arena_format(&arena, "%s/pg", shared_var).ptr), 0);
}

static int set_up(void **state) {
    arena_set_up(state);
    strcpy(root, "/tmp/leat-test-cluster-XXXXXX");
    if (!mkdtemp(root) || chmod(root, 0755) != 0)
        return -1;
    snprintf(shared_var, sizeof shared_var, "%s/shared/var", root);
    return 0;
}

static int tear_down(void **state) {
    remove_tree(root);
    return arena_tear_down(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_first_start_makes_a_database_that_answers, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_second_start_is_quick_and_finds_the_data, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_stop_waits_until_postgres_is_gone_though_somebody_is_connected, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_cluster_lives_until_the_last_of_its_servers_stops, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_postgres_ends_when_its_server_is_killed, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_start_right_after_a_killed_server_succeeds, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_killed_server_leaves_postgres_to_the_others, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_postgres_ends_when_its_keeper_is_killed, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_postmaster_that_was_killed_is_recovered_with_what_was_committed, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_postmaster_that_was_killed_is_started_again_by_who_looks, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_orphans_of_a_killed_postmaster_do_not_block_the_next_start, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_stale_pid_file_that_names_a_living_process_is_seen_through, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_server_that_other_hands_started_is_used_and_left_running, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_the_postmaster_holds_none_of_our_descriptors, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_the_keeper_does_not_look_like_a_second_server, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_two_servers_that_start_at_once_share_one_new_cluster, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_what_an_interrupted_initdb_left_is_made_anew, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_path_too_long_for_a_socket_puts_the_socket_elsewhere, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_path_that_needs_quotes_works, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_root_below_a_folder_that_postgres_cannot_enter_uses_another_place, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_user_who_is_not_root_has_a_cluster_too_and_root_may_use_it, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_folder_that_cannot_be_written_is_named_with_the_remedy, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_cluster_of_another_user_is_refused_with_the_remedy, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_data_of_a_version_that_is_not_installed_names_the_package, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_missing_postgres_is_told_with_the_line_that_installs_it, stop_what_a_failed_test_left),
        cmocka_unit_test_teardown(test_a_postgres_that_does_not_come_up_shows_the_end_of_its_log, stop_what_a_failed_test_left),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
