// scratch.c — a database of one process, made and dropped: for tests.
#include "scratch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>

#define PREFIX "leat_scratch_"

static void drop(PGconn *conn, const char *name) {
    char sql[160];
    snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %.63s WITH (FORCE)", name);
    PQclear(PQexec(conn, sql));
}

// Of processes that are no more.
static void drop_leftovers(PGconn *conn) {
    PGresult *result = PQexec(conn, "SELECT datname FROM pg_database WHERE datname ~ '^" PREFIX "[0-9]+$'");
    for (int i = 0; i < PQntuples(result); i++) {
        const char *name = PQgetvalue(result, i, 0);
        pid_t owner = (pid_t)strtol(name + strlen(PREFIX), NULL, 10);
        if (owner == getpid() || (kill(owner, 0) < 0 && errno == ESRCH))
            drop(conn, name);
    }
    PQclear(result);
}

static int create(PGconn *conn, struct arena *arena, str *ret_failure) {
    char sql[128];
    snprintf(sql, sizeof sql, "CREATE DATABASE " PREFIX "%d TEMPLATE template0", (int)getpid());
    PGresult *result = PQexec(conn, sql);
    bool is_made = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!is_made)
        *ret_failure = arena_format(arena, "a scratch database cannot be made: %s", PQerrorMessage(conn));
    PQclear(result);
    return is_made ? 0 : -EINVAL;
}

static void ignore_notice(void *arg, const char *message) {
    (void)arg;
    (void)message;
}

int scratch_create(const char *conninfo, struct arena *arena, const char **ret_conninfo, str *ret_failure) {
    PGconn *conn = PQconnectdb(conninfo);
    int error = -ECONNREFUSED;
    if (PQstatus(conn) == CONNECTION_OK) {
        PQsetNoticeProcessor(conn, ignore_notice, NULL);
        drop_leftovers(conn);
        error = create(conn, arena, ret_failure);
    } else {
        *ret_failure = arena_format(arena, "no connection to Postgres: %s", PQerrorMessage(conn));
    }
    PQfinish(conn);
    const char *own = arena_format(arena, "%s dbname=" PREFIX "%d", conninfo, (int)getpid()).ptr; // the last dbname holds
    if (error == 0 && !own)
        error = -ENOMEM;
    if (error == 0)
        *ret_conninfo = own;
    return error;
}

void scratch_drop(const char *conninfo) {
    char name[64];
    snprintf(name, sizeof name, PREFIX "%d", (int)getpid());
    PGconn *conn = PQconnectdb(conninfo);
    if (PQstatus(conn) == CONNECTION_OK) {
        PQsetNoticeProcessor(conn, ignore_notice, NULL);
        drop(conn, name);
    }
    PQfinish(conn);
}
