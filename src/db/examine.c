// examine.c — what a Postgres is like, asked before anything depends on it: for whoever looks for trouble.
#include "db/examine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "base/str.h"

enum { TRIES = 5 };

static PGconn *connect_to(const char *conninfo) {
    const char *const names[] = {"dbname", "connect_timeout", "application_name", NULL};
    const char *const values[] = {conninfo, "5", "leat doctor", NULL};
    return PQconnectdbParams(names, values, 1); // conninfo is expanded, what follows it wins
}

static int64_t answer_us(PGconn *conn) {
    int64_t least_us = INT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        int64_t begun_ns = clock_monotonic_ns();
        PQclear(PQexec(conn, "SELECT 1"));
        int64_t us = (clock_monotonic_ns() - begun_ns) / 1000;
        least_us = us < least_us ? us : least_us;
    }
    return least_us;
}

static const char question[] =
    "SELECT current_setting('max_connections'), (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
    "current_setting('superuser_reserved_connections'), pg_is_in_recovery(), getdatabaseencoding()";

static int ask(PGconn *conn, struct examination *examination) {
    PGresult *result = PQexec(conn, question);
    bool is_answered = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    if (is_answered) {
        examination->connection_count_max = atoi(PQgetvalue(result, 0, 0));
        examination->connection_count = atoi(PQgetvalue(result, 0, 1)) - 1; // without ours
        examination->reserved_count = atoi(PQgetvalue(result, 0, 2));
        examination->is_standby = *PQgetvalue(result, 0, 3) == 't';
        examination->is_utf8 = !strcmp(PQgetvalue(result, 0, 4), "UTF8");
    }
    PQclear(result);
    return is_answered ? 0 : -EPROTO;
}

int db_examine(const char *conninfo, struct arena *arena, struct examination *ret_examination, str *ret_failure) {
    struct examination examination = {0};
    int64_t begun_ns = clock_monotonic_ns();
    PGconn *conn = connect_to(conninfo);
    int error = PQstatus(conn) == CONNECTION_OK ? 0 : -ECONNREFUSED;
    examination.connect_us = (clock_monotonic_ns() - begun_ns) / 1000;
    if (error == 0) {
        examination.version = PQserverVersion(conn);
        examination.has_tls = PQsslInUse(conn);
        error = ask(conn, &examination);
        examination.answer_us = answer_us(conn);
    }
    if (error < 0)
        *ret_failure = arena_copy(arena, str_of(PQerrorMessage(conn)));
    else
        *ret_examination = examination;
    PQfinish(conn);
    return error;
}
