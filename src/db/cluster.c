// cluster.c — a private Postgres under var/: made, started and stopped by us, on a unix socket only.
#include "cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "db/keeper.h"
#include "db/place.h"
#include "db/programs.h"
#include "db/range_lock.h"

enum {
    INITDB_MS_MAX = 120000,
    START_MS_MAX = 90000, // crash recovery takes seconds, on a slow disk many
    STOP_MS_MAX = 45000,  // the keeper's own limits, and a little
    POLL_MS = 5,
    RELAUNCH_MS = 200,
    LAUNCH_COUNT_MAX = 3,
    KEEPER_MS_MAX = 1000,    // until a keeper that was started holds its lock
    LOG_BYTES_MAX = 8 << 20, // then the log becomes log.old
};

struct cluster {
    char *conninfo, *psql, *folder, *notice, *lock_path;
    int lock_fd;
    pid_t keeper;       // ours; 0: not started by us
    struct place place; // its strings are in the arena of cluster_start()
    bool is_throwaway;
};

// One attempt to bring it up.
struct start {
    const struct cluster_options *options;
    struct arena *arena;
    struct place place;
    struct cluster *cluster;
    int64_t due_ns;
    unsigned launch_count;
    char problem[512]; // what a connection said last
    str failure;
};

static void nap_ms(long ms) {
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static int64_t ns_from_now(int ms) {
    return clock_monotonic_ns() + (int64_t)ms * 1000000;
}

// Takes the log's tail along: Postgres says there what it does not tell a client.
static int fail_with_log(struct start *start, int error, const char *what) {
    str tail = programs_log_tail(&start->place, start->arena);
    start->failure = arena_format(start->arena, "%s; the end of %s:\n%.*s", what, start->place.log, (int)tail.len, tail.ptr);
    return error;
}

// ---- the data folder

static bool has_data(const struct start *start) {
    const char *path = arena_format(start->arena, "%s/PG_VERSION", start->place.data).ptr;
    return path && access(path, F_OK) == 0;
}

// Into a folder beside it, then renamed: one that was interrupted is never taken for a cluster.
static int make_data(struct start *start, const struct programs *programs) {
    const struct place *place = &start->place;
    char *remove[] = {(char *)"/bin/rm", (char *)"-rf", (char *)place->data_new, NULL};
    char *initdb[] = {(char *)programs->initdb,
                      (char *)"-D",
                      (char *)place->data_new,
                      (char *)"-U",
                      (char *)"app",
                      (char *)"-A",
                      (char *)"trust",
                      (char *)"-E",
                      (char *)"UTF8",
                      (char *)"--locale=C.UTF-8",
                      (char *)"--no-instructions",
                      start->options->is_throwaway ? (char *)"--no-sync" : NULL,
                      NULL};
    int status = programs_run(place, remove, INITDB_MS_MAX);
    if (status == 0)
        status = programs_run(place, initdb, INITDB_MS_MAX);
    if (status == -ETIMEDOUT)
        return fail_with_log(start, status, "initdb took longer than two minutes");
    if (status != 0)
        return fail_with_log(start, status < 0 ? status : -EIO, "initdb failed");
    if (rename(place->data_new, place->data) == 0)
        return 0;
    start->failure =
        arena_format(start->arena, "%s is there but holds no Postgres cluster: move it away, or set DATABASE_URL", place->data);
    return -ENOTEMPTY;
}

static void rotate_log(const struct start *start) {
    struct stat log;
    const char *old = arena_format(start->arena, "%s.old", start->place.log).ptr;
    if (old && lstat(start->place.log, &log) == 0 && log.st_size > LOG_BYTES_MAX)
        rename(start->place.log, old); // when this fails, the log grows on
}

// ---- starting

static int launch(struct start *start) {
    struct programs programs;
    int error = programs_find(start->place.data, start->arena, &programs, &start->failure);
    if (error)
        return error;
    rotate_log(start);
    if (!has_data(start) && (error = make_data(start, &programs)) != 0)
        return error;
    keeper_end_orphans(&start->place);
    int keeper = keeper_start(&start->place, &programs, start->options->is_throwaway);
    if (keeper < 0) {
        start->failure = arena_format(start->arena, "cannot start a process: %s", strerror(-keeper));
        return keeper;
    }
    start->cluster->keeper = keeper;
    start->launch_count++;
    return 0;
}

// True once our keeper, and Postgres with it, has ended.
static bool has_ended(struct cluster *cluster) {
    if (!cluster->keeper || waitpid(cluster->keeper, NULL, WNOHANG) == 0)
        return false;
    cluster->keeper = 0;
    return true;
}

static bool run_sql(PGconn *connection, const char *sql, bool *ret_has_row) {
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    *ret_has_row = PQntuples(result) > 0;
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

// The database `app`, made where it is missing. False when Postgres would not have it yet; start->problem says why.
static bool has_database(struct start *start, const char *conninfo) {
    PGconn *connection = PQconnectdb(conninfo);
    bool has_row = false, is_there = PQstatus(connection) == CONNECTION_OK &&
                                     run_sql(connection, "SELECT 1 FROM pg_database WHERE datname = 'app'", &has_row) &&
                                     (has_row || run_sql(connection, "CREATE DATABASE app", &has_row));
    if (!is_there)
        snprintf(start->problem, sizeof start->problem, "%s", PQerrorMessage(connection));
    PQfinish(connection);
    return is_there;
}

static int give_up(struct start *start) {
    int pid = keeper_postmaster(&start->place);
    const char *what =
        arena_format(start->arena, "Postgres (process %d) did not answer on %s within %d s: %s%s", pid, start->place.run,
                     START_MS_MAX / 1000, start->problem, pid ? "; end it with kill -INT and start again, or set DATABASE_URL" : "")
            .ptr;
    return fail_with_log(start, -ETIMEDOUT, what ? what : "Postgres did not answer");
}

static int bring_up(struct start *start) {
    const char *probe =
        arena_format(start->arena, "host=%s port=" PLACE_PORT " dbname=postgres user=app connect_timeout=2", start->place.run).ptr;
    if (!probe)
        return -ENOMEM;
    while (clock_monotonic_ns() < start->due_ns) {
        if (PQping(probe) == PQPING_OK && has_database(start, probe))
            return 0;
        if (has_ended(start->cluster)) {
            if (start->launch_count == LAUNCH_COUNT_MAX)
                return fail_with_log(start, -ECONNREFUSED, "Postgres does not start");
            nap_ms(RELAUNCH_MS);
        }
        int error = start->cluster->keeper || keeper_postmaster(&start->place) ? 0 : launch(start);
        if (error)
            return error;
        nap_ms(POLL_MS);
    }
    return give_up(start);
}

static int take_lease(struct start *start) {
    int error = range_lock(start->cluster->lock_fd, LOCK_START, F_WRLCK, START_MS_MAX);
    if (error == 0)
        error = range_lock(start->cluster->lock_fd, LOCK_USERS, F_RDLCK, STOP_MS_MAX); // a keeper may just be shutting down
    if (error)
        start->failure = arena_format(start->arena, "another server holds %s/lock: %s; look for one that hangs, or set DATABASE_URL",
                                      start->place.folder, strerror(-error));
    return error;
}

static int describe(struct cluster *cluster, const struct place *place) {
    bool is_made = asprintf(&cluster->conninfo, "host=%s port=" PLACE_PORT " dbname=app user=app", place->run) > 0 &&
                   asprintf(&cluster->psql, "psql '%s'", cluster->conninfo) > 0 &&
                   asprintf(&cluster->lock_path, "%s/lock", place->folder) > 0 && (cluster->folder = strdup(place->folder)) &&
                   (!place->notice || (cluster->notice = strdup(place->notice)));
    return is_made ? 0 : -ENOMEM;
}

static void destroy(struct cluster *cluster) {
    if (cluster->lock_fd >= 0)
        close(cluster->lock_fd);
    free(cluster->conninfo);
    free(cluster->psql);
    free(cluster->folder);
    free(cluster->notice);
    free(cluster->lock_path);
    free(cluster);
}

int cluster_start(const struct cluster_options *options, struct arena *arena, struct cluster **ret_cluster, str *ret_failure) {
    struct start start = {.options = options, .arena = arena, .failure = S("out of memory")};
    int error = place_open(options->var, options->is_throwaway, arena, &start.place, &start.failure);
    if (error == 0 && !(start.cluster = calloc(1, sizeof *start.cluster))) {
        place_close(&start.place);
        error = -ENOMEM;
    }
    if (error) {
        *ret_failure = start.failure;
        return error;
    }
    start.cluster->lock_fd = start.place.lock_fd;
    start.cluster->place = start.place;
    start.cluster->is_throwaway = options->is_throwaway;
    error = describe(start.cluster, &start.place);
    if (error == 0)
        error = take_lease(&start);
    start.due_ns = ns_from_now(START_MS_MAX);
    if (error == 0)
        error = bring_up(&start);
    range_lock(start.cluster->lock_fd, LOCK_START, F_UNLCK, 0);
    if (error) {
        *ret_failure = start.failure;
        cluster_stop(start.cluster);
        return error;
    }
    *ret_cluster = start.cluster;
    return 0;
}

// ---- starting again

static bool is_kept(struct cluster *cluster) {
    bool is_ours = cluster->keeper && !has_ended(cluster);
    return is_ours || range_lock_of_others(cluster->lock_fd, LOCK_KEEPER) == F_WRLCK || keeper_postmaster(&cluster->place);
}

// Until then another server that looks would think there is none.
static void wait_for_keeper(struct cluster *cluster) {
    int64_t due_ns = ns_from_now(KEEPER_MS_MAX);
    while (!has_ended(cluster) && range_lock_of_others(cluster->lock_fd, LOCK_KEEPER) != F_WRLCK && clock_monotonic_ns() < due_ns)
        nap_ms(POLL_MS);
}

static int launch_again(struct start *start) {
    if (!has_data(start)) { // an empty database in its place would only hide that
        start->failure = arena_format(
            start->arena, "%s is gone; stop the server, and start it again with an empty database, or bring it back", start->place.data);
        return -ENOENT;
    }
    int error = launch(start);
    if (error == 0)
        wait_for_keeper(start->cluster);
    return error;
}

int cluster_revive(struct cluster *cluster, struct arena *arena, str *ret_failure) {
    if (is_kept(cluster) || range_lock(cluster->lock_fd, LOCK_START, F_WRLCK, 0) != 0)
        return 0;
    struct cluster_options options = {.is_throwaway = cluster->is_throwaway};
    struct start start = {.options = &options, .arena = arena, .place = cluster->place, .cluster = cluster, .failure = S("out of memory")};
    bool is_back = is_kept(cluster); // meanwhile, by another server
    int error = is_back ? 0 : launch_again(&start);
    range_lock(cluster->lock_fd, LOCK_START, F_UNLCK, 0);
    if (error)
        *ret_failure = start.failure;
    return error ? error : !is_back;
}

const char *cluster_find(const char *var, struct arena *arena) {
    struct place place;
    str failure;
    if (place_open(var, false, arena, &place, &failure) < 0)
        return NULL;
    const char *socket = arena_format(arena, "%s/.s.PGSQL." PLACE_PORT, place.run).ptr;
    bool is_there = socket && access(socket, F_OK) == 0;
    place_close(&place);
    return is_there ? arena_format(arena, "host=%s port=" PLACE_PORT " dbname=app user=app", place.run).ptr : NULL;
}

const char *cluster_conninfo(const struct cluster *cluster) {
    return cluster->conninfo;
}

const char *cluster_psql(const struct cluster *cluster) {
    return cluster->psql;
}

const char *cluster_folder(const struct cluster *cluster) {
    return cluster->folder;
}

const char *cluster_notice(const struct cluster *cluster) {
    return cluster->notice;
}

bool cluster_was_running(const struct cluster *cluster) {
    return !cluster->keeper;
}

// ---- stopping

// Nobody but the keeper is left, and it has not ended yet.
static bool is_shutting_down(struct cluster *cluster, int lock_fd) {
    if (cluster->keeper ? has_ended(cluster) : range_lock_of_others(lock_fd, LOCK_KEEPER) != F_WRLCK)
        return false;
    return range_lock_of_others(lock_fd, LOCK_USERS) != F_RDLCK;
}

void cluster_stop(struct cluster *cluster) {
    if (!cluster)
        return;
    int watch = cluster->lock_path ? open(cluster->lock_path, O_RDWR | O_CLOEXEC) : -1; // locks of an open file are no news to itself
    close(cluster->lock_fd);
    cluster->lock_fd = watch;
    int64_t due_ns = ns_from_now(STOP_MS_MAX);
    while (watch >= 0 && is_shutting_down(cluster, watch) && clock_monotonic_ns() < due_ns)
        nap_ms(POLL_MS);
    destroy(cluster);
}
