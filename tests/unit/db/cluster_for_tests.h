// cluster_for_tests.h — a private throw-away Postgres for one test binary: made at the first use, gone at its exit.
#ifndef TESTS_DB_CLUSTER_FOR_TESTS_H
#define TESTS_DB_CLUSTER_FOR_TESTS_H

#include <stdbool.h>

/** With a self-signed certificate, on 127.0.0.1 as well. Before the first pg_conninfo(). */
void pg_want_tls(void);
/** A setting, "max_connections=8". Before the first pg_conninfo(). */
void pg_want(const char *setting);
/** "host=... dbname=postgres user=postgres", by the unix socket. Starts the cluster when it is not there. */
const char *pg_conninfo(void);
/** The same by TCP and TLS. */
const char *pg_conninfo_tls(void);
/** Stops it: SIGINT fast, SIGQUIT immediate; and starts it again. */
void pg_stop(int signal);
void pg_start(void);
/** Runs statements as an onlooker; the first value of the last, in a buffer of the next call. Fails the test on an error. */
const char *pg_exec(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
