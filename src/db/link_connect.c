// link_connect.c — a link's beginning: libpq connects and authenticates on a worker thread, then its socket is ours.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "db/state.h"

// ---- on a worker thread

static bool run(PGconn *conn, const char *sql) {
    PGresult *result = PQexec(conn, sql);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return ok;
}

// statement_timeout is the server's side of a deadline; the rest of a session is left as its role has it.
//
// Reads that share a Sync share a transaction: each sees what was committed when it began, as it would by itself.
static bool set_up_session(PGconn *conn, const struct connecting *connecting) {
    char sql[192];
    snprintf(sql, sizeof sql, "SET statement_timeout = %u%s", connecting->statement_timeout_ms,
             connecting->is_read_only ? "; SET default_transaction_read_only = on; SET default_transaction_isolation = 'read committed'"
                                      : "");
    return run(conn, sql) && PQsetnonblocking(conn, 1) == 0;
}

static PGconn *connect_to(const char *conninfo) {
    // what stands before dbname may be said otherwise by the connection string, what stands behind may not
    const char *const keywords[] = {
        "connect_timeout",           "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
        "fallback_application_name", "dbname",          "client_encoding",     "gssencmode",       NULL};
    const char *const values[] = {"10", "10", "5", "3", "5000", "leat", conninfo, "UTF8", "disable", NULL};
    return PQconnectdbParams(keywords, values, 1);
}

static void work(struct job *job) {
    struct connecting *connecting = container_of(job, struct connecting, job);
    PGconn *conn = connect_to(connecting->conninfo);
    if (PQstatus(conn) == CONNECTION_OK && set_up_session(conn, connecting)) {
        connecting->conn = conn;
        return;
    }
    snprintf(connecting->failure, sizeof connecting->failure, "%s", conn ? PQerrorMessage(conn) : "no memory");
    PQfinish(conn);
    connecting->conn = NULL;
}

// ---- on the core's thread

static void say_unreachable(struct db_link *link) {
    struct db *db = link->db;
    if (db->is_unreachable)
        return;
    db->is_unreachable = true;
    char cause[LOG_VALUE_BYTES];
    str text = {link->connecting.failure, strcspn(link->connecting.failure, "\n")};
    log_line(LOG_WARNING, "db_unreachable", "core=%u link=%u cause=%s", db->core->index, link->index, log_value(cause, text));
}

// Now, so that no query in steady state asks the heap.
static int make_buffers(struct db_link *link) {
    bool ok = buffer_reserve(&link->input, LINK_BUFFER_BYTES) && buffer_reserve(&link->output[0], LINK_BUFFER_BYTES) &&
              buffer_reserve(&link->output[1], LINK_BUFFER_BYTES);
    return ok ? 0 : -ENOMEM;
}

static int take_over(struct db_link *link) {
    link->conn = link->connecting.conn;
    link->fd = PQsocket(link->conn);
    link->transport = PQsslInUse(link->conn) ? &transport_tls : &transport_ring;
    link->status = 'I';
    link->is_fatal = link->is_shut_down = false;
    link->state = LINK_PREPARING;
    int error = make_buffers(link);
    for (unsigned i = 0; i < link->db->set_count && !error; i++)
        error = link_prepare_set(link, link->db->sets[i]);
    return error ? error : link->transport->start(link);
}

static void on_connected(struct job *job) {
    struct db_link *link = container_of(job, struct db_link, connecting.job);
    struct db *db = link->db;
    if (db->is_stopping) {
        PQfinish(link->connecting.conn);
        link->state = LINK_DOWN;
        db_link_is_down(db);
        return;
    }
    if (!link->connecting.conn) {
        say_unreachable(link);
        link->state = LINK_DOWN;
        link_back_off(link);
        return;
    }
    int error = take_over(link);
    if (error && link_is_up(link))
        link_close(link, error);
    else if (link->state == LINK_PREPARING && !link->pending_count)
        link_ready(link);
}

int link_connect(struct db_link *link) {
    struct db *db = link->db;
    link->connecting = (struct connecting){.job = {.work = work, .done = on_connected},
                                           .conninfo = db->conninfo,
                                           .statement_timeout_ms = db->options.statement_timeout_ms,
                                           .is_read_only = link->use == LINK_READ};
    return offload_submit(db->connector, db->core, &link->connecting.job);
}

static bool all_shared_are_ready(const struct db *db) {
    for (unsigned i = 0; i < db->options.link_count; i++)
        if (db->links[i].state != LINK_READY)
            return false;
    return true;
}

void link_ready(struct db_link *link) {
    struct db *db = link->db;
    link->state = LINK_READY;
    link->ready_ms = core_now_ms(db->core);
    if (db->is_unreachable && all_shared_are_ready(db)) {
        db->is_unreachable = false;
        log_line(LOG_INFO, "db_reachable", "core=%u", db->core->index);
    }
    db_check_preparations(db);
    queue_wake(db);
}

void link_disconnect(struct db_link *link) {
    fcntl(link->fd, F_SETFL, fcntl(link->fd, F_GETFL) | O_NONBLOCK); // PQfinish() says goodbye, and must not wait to
    PQfinish(link->conn);
    link->conn = NULL;
    link->fd = -1;
}
