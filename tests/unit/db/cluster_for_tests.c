// cluster_for_tests.c — a private throw-away Postgres for one test binary.
#include "cluster_for_tests.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#include <setjmp.h>
#include <stddef.h>

#include <cmocka.h>

#define BIN "/usr/lib/postgresql/15/bin/"

static char folder[64], data[96], conninfo[256], conninfo_tls[256], port_text[16];
static const char *wanted[16];
static unsigned wanted_count;
static bool wants_tls;
static pid_t owner, postmaster;

void pg_want_tls(void) {
    wants_tls = true;
}

void pg_want(const char *setting) {
    wanted[wanted_count++] = setting;
}

// initdb and postgres refuse to be root.
static void become_postgres(void) {
    if (geteuid() != 0)
        return;
    const struct passwd *user = getpwnam("postgres");
    if (!user || setgroups(0, NULL) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
        _exit(126);
}

static pid_t run(char *const argv[]) {
    pid_t pid = fork();
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    become_postgres();
    if (chdir(folder) || !freopen("log", "a", stdout) || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT); // changing user took it away
    execv(argv[0], argv);
    _exit(127);
}

static void run_to_end(char *const argv[]) {
    int status = -1;
    assert_true(waitpid(run(argv), &status, 0) > 0);
    if (status)
        fail_msg("%s failed with %d", argv[0], status);
}

static uint16_t free_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void remove_folder(void) {
    if (getpid() != owner)
        return;
    pg_stop(SIGQUIT);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/rm", "rm", "-rf", folder, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

static void make_certificate(void) {
    char *openssl[] = {(char *)"/usr/bin/openssl",
                       (char *)"req",
                       (char *)"-new",
                       (char *)"-x509",
                       (char *)"-days",
                       (char *)"2",
                       (char *)"-nodes",
                       (char *)"-text",
                       (char *)"-out",
                       (char *)"data/server.crt",
                       (char *)"-keyout",
                       (char *)"data/server.key",
                       (char *)"-subj",
                       (char *)"/CN=localhost",
                       NULL};
    run_to_end(openssl);
}

static void make(void) {
    owner = getpid();
    strcpy(folder, "/tmp/leat-pg-XXXXXX");
    assert_non_null(mkdtemp(folder));
    atexit(remove_folder);
    const struct passwd *user = geteuid() ? NULL : getpwnam("postgres");
    if (user)
        assert_int_equal(chown(folder, user->pw_uid, user->pw_gid), 0);
    snprintf(data, sizeof data, "%s/data", folder);
    char *initdb[] = {(char *)BIN "initdb",
                      (char *)"-D",
                      data,
                      (char *)"-U",
                      (char *)"postgres",
                      (char *)"-A",
                      (char *)"trust",
                      (char *)"-E",
                      (char *)"UTF8",
                      (char *)"--locale=C.UTF-8",
                      (char *)"--no-sync",
                      NULL};
    run_to_end(initdb);
    if (wants_tls)
        make_certificate();
    uint16_t port = free_port();
    snprintf(port_text, sizeof port_text, "%u", port);
    snprintf(conninfo, sizeof conninfo, "host=%s port=%u dbname=postgres user=postgres", folder, port);
    snprintf(conninfo_tls, sizeof conninfo_tls, "host=127.0.0.1 port=%u dbname=postgres user=postgres sslmode=require", port);
}

void pg_start(void) {
    char *argv[64] = {(char *)BIN "postgres", (char *)"-D", data, (char *)"-k", folder, (char *)"-p", port_text};
    unsigned argc = 7;
    const char *settings[] = {"fsync=off",
                              "synchronous_commit=off",
                              "full_page_writes=off",
                              "shared_buffers=16MB",
                              "autovacuum=off",
                              wants_tls ? "ssl=on" : "ssl=off",
                              wants_tls ? "listen_addresses=127.0.0.1" : "listen_addresses="};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        argv[argc++] = (char *)"-c";
        argv[argc++] = (char *)settings[i];
    }
    for (unsigned i = 0; i < wanted_count; i++) {
        argv[argc++] = (char *)"-c";
        argv[argc++] = (char *)wanted[i];
    }
    postmaster = run(argv);
    for (int i = 0; i < 3000 && PQping(conninfo) != PQPING_OK; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_int_equal(PQping(conninfo), PQPING_OK);
}

void pg_stop(int signal) {
    if (!postmaster)
        return;
    kill(postmaster, signal);
    waitpid(postmaster, NULL, 0);
    postmaster = 0;
}

const char *pg_conninfo(void) {
    if (!owner)
        make();
    if (!postmaster)
        pg_start();
    return conninfo;
}

const char *pg_conninfo_tls(void) {
    pg_conninfo();
    return conninfo_tls;
}

static void ignore_notice(void *arg, const char *message) {
    (void)arg;
    (void)message;
}

const char *pg_exec(const char *format, ...) {
    static char value[4096];
    char sql[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    PGconn *conn = PQconnectdb(pg_conninfo());
    PQsetNoticeProcessor(conn, ignore_notice, NULL);
    PGresult *result = PQexec(conn, sql);
    for (int i = 0; i < 1000 && PQstatus(conn) != CONNECTION_OK; i++) { // it recovers from a crash, or ended this backend with the others
        PQclear(result);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        PQreset(conn);
        result = PQexec(conn, sql);
    }
    ExecStatusType status = PQresultStatus(result);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    snprintf(value, sizeof value, "%s", ok ? PQntuples(result) ? PQgetvalue(result, 0, 0) : "" : PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    if (!ok)
        fail_msg("%s: %s", sql, value);
    return value;
}
