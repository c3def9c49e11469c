// db.h — Postgres on a ring: the queries of many requests on a few pipelined links.
//
// Each core has its own links. A link is connected and authenticated by libpq on a worker thread; from then on our codec speaks the
// extended protocol on its socket: Bind, Execute and Sync for each query, so that one that fails touches no other; everything a turn
// produced leaves in one send, and replies come by a multishot recv. A link that uses TLS is spoken to through libpq's own SSL object.
// Queries of one request in one turn go to one link, in order.
//
// The read lane's queries have a link of their own, whose session refuses writes: those of a turn share one Sync, which spares Postgres a
// transaction each. When one fails Postgres skips those behind it, and they are sent again, each by itself.
//
// What takes long would hold up what is behind it on its link. So statements that write (each waits for its own commit) and those that were
// slow before go to links apart, where several commits also share a sync of the disk; and no query goes behind a statement that
// has been running for a while as long as another link has room.
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "db/statement.h"
#include "engine/core.h"
#include "engine/offload.h"

struct db_options {
    const char *conninfo;                    // a libpq connection string or URI; NULL: there is no database, every query fails at once
    unsigned link_count;                     // 2: shared, autocommit
    unsigned apart_link_count_max;           // 4: for statements that write or were slow, opened as needed and kept; 0: on the shared ones
    unsigned transaction_link_count_max;     // 8: pinned, opened as needed and kept; one more for reads, if asked for
    unsigned queue_max;                      // 4096 queries a core, waiting or sent: beyond it -EAGAIN
    unsigned link_queries_max;               // 256 sent to one link
    size_t result_bytes_max;                 // 128 MiB
    unsigned row_count_max;                  // 10,000
    uint32_t down_wait_ms;                   // 5 s: how long a query waits for a link while none is up; then 503
    uint32_t statement_timeout_ms;           // set on the server's side as well: 30 s; 0: none
    uint32_t backoff_ms_min, backoff_ms_max; // 50, 2000; full jitter
    bool is_rehearsal; // a test's: all on one link, in one transaction, see rehearsal.h; the link counts are not looked at
};
extern const struct db_options db_options_default;

struct db; // of one core
struct db_link;

/** On the core's thread. Links are opened by `connector` and prepare `set`; never blocks. 0 or -ENOMEM. */
int db_create(struct core *core, struct offload *connector, const struct db_options *options, struct statement_set *set,
              struct db **ret_db);
/** Closes the links (Terminate), fails what waits. `done` runs when the kernel holds nothing of it any more; then db_destroy(). */
void db_stop(struct db *db, void (*done)(void *arg), void *arg);
void db_destroy(struct db *db);
/** At least one link is ready. */
bool db_is_ready(const struct db *db);
/**
 * Prepares `set` on every link that is up (and on all that come); `done` runs when it can be used: when one shared link has it, or none is
 * up. On the others its queries wait until they have. For a plugin generation that is being loaded.
 */
void db_prepare(struct db *db, struct statement_set *set, void (*done)(void *arg), void *arg);
/**
 * For a generation that is gone: its statements are closed on every link, and `set` is referred to no more. Queries of it have ended or
 * been detached before. A db_prepare() of it that is under way is given up: its `done` never runs.
 */
void db_forget(struct db *db, struct statement_set *set);

/** Why a query failed. Lives in the query's arena. */
struct db_failure {
    // negative errno where it never got to Postgres or back: -ETIMEDOUT, -ECONNRESET, -ENOTCONN no link by the deadline, -ECANCELED given
    // up by us, -ENOMEM; -EBADMSG a value that does not fit its member, -EMSGSIZE a result beyond the limits, -EINVAL a statement that
    // does not fit the database; else 0
    int error;
    char sqlstate[6]; // "23505"
    str message;      // for the log only
    str constraint, column, table;
    bool outcome_unknown; // it was sent, and the link went before the answer came
};
/** What the client is answered: postgres.md, section 4. 409, 422, 500, 503 or 504; `*ret_retry_after_s` is 0 where there is none. */
unsigned db_failure_status(const struct db_failure *failure, unsigned *ret_retry_after_s);

/**
 * A query, from its submission to `done`. Embedded in the waiter; args, arena and the query itself live until `done` or db_query_detach().
 */
struct db_query {
    const struct statement *statement;
    const leat_arg *args;                 // copied or encoded by lane_submit(): they may go afterwards
    struct arena *arena;                  // rows are decoded into it
    int64_t due_ms;                       // core_now_ms() of its deadline
    void (*done)(struct db_query *query); // exactly once, never from inside lane_submit()
    // the answer
    const struct db_failure *failure; // NULL: it went well
    void *result;                     // by shape: the row or NULL; T_list *; the scalar; an i64 * of rows touched
    bool found;                       // at least one row was returned or touched
    struct db_slot *slot;             // db's own
};
/** The waiter leaves: `done` never runs, the answer is read and dropped. Harmless after `done`. */
void db_query_detach(struct db_query *query);

/** What a request sees of Postgres: get_db's lane, get_read's or get_tx's. */
struct lane {
    struct db *db;
    struct db_link *link;  // of this turn, or pinned by the transaction
    struct db_link *aside; // where this turn's slow reads went, if not there
    struct db_slot *last;  // submitted in this turn
    uint64_t turn;
    bool is_transaction, has_begun, has_failed;
    bool is_for_reads;
    bool has_written; // in this turn
};
void lane_init(struct lane *lane, struct db *db, bool is_transaction);
void lane_init_for_reads(struct lane *lane, struct db *db);
/**
 * 0; -EAGAIN (queue full), -ENOTCONN (no database, it is stopping, or this transaction went with its link; that none is up is judged by the
 * query's deadline, not here), -ENOMEM. The query is then not taken.
 */
int lane_submit(struct lane *lane, struct db_query *query);
/**
 * Ends the transaction: `query->done` tells how COMMIT went; only done, arena and due_ms of the query are looked at. A lane that has not
 * begun, or is none, is done at the next turn's beginning. Returns as lane_submit().
 */
int lane_commit(struct lane *lane, struct db_query *query);
/**
 * Rolls back what was not committed, and gives the link back once Postgres has confirmed. Queries that still wait for a link end with
 * -ECANCELED; those sent are answered unless they are detached. Never fails, may be called at any time, twice too.
 */
void lane_finish(struct lane *lane);

/** Figures of one core. */
struct db_figures {
    unsigned links_ready, links_wanted, queries_in_flight, queries_waiting;
    uint64_t query_count, failure_count, reconnect_count, flush_count;
};
void db_figures(const struct db *db, struct db_figures *ret_figures);

#endif
