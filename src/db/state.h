// state.h — what one core's db is made of: its links, the queries on them, and those that wait for one. For this floor alone.
//
// Invariants. A slot is in exactly one list: the free ones, `waiting`, `reads_waiting`, `leases_wanted`, a link's FIFO, the held ones of a
// prepared statement, or `finished`. A link's FIFO is the order in which Postgres answers: every slot in it ends with a ReadyForQuery, or,
// where it shares that with those behind it, with its CommandComplete. Callbacks of the floors above run from a message, a timer or the
// next turn, never from inside a call of theirs. A link is DOWN only when the kernel holds none of its operations and no worker its job.
#ifndef DB_STATE_H
#define DB_STATE_H

#include <libpq-fe.h>

#include "base/buffer.h"
#include "db/db.h"
#include "db/plan.h"
#include "db/wire.h"
#include "engine/core.h"
#include "engine/offload.h"
#include "engine/tls_stream.h"

enum {
    SETS_MAX = 64,                        // plugin generations alive at once
    LINK_BUFFER_BYTES = 16 * 1024,        // of each receive and send buffer, at first
    LINK_OUTPUT_BYTES_MAX = 256 * 1024,   // unsent: past it the link takes no more
    LINK_BUFFER_BYTES_KEPT = 1024 * 1024, // of a receive or send buffer that was stretched
    LINK_GRACE_MS = 1000,                 // on top of the server's statement_timeout, until the link is given up
    CANCEL_AFTER_MS = 100,                // a query that nobody waits for is cancelled when it has run for so long
    CANCEL_GRACE_MS = 5000,               // and its link is given up when that does not end it
    REPREPARE_MS = 1000,                  // between two tries of a statement that the server refused
    STUCK_MS = 20,                        // without a byte while something is asked: other links are taken first
    SLOW_US = 2000,                       // a statement that took so long is slow,
    SLOW_AT_ONCE_US = 50 * 1000,          // ... one that took so long by itself,
    QUICK_US = 1000,                      // ... and below this it is on its way back
    SLOW_SCORE = 3,
    SLOW_SCORE_MAX = 8, // how often, before it goes apart; and how often at most it is remembered
    SLOW_BATCH_MAX = 8, // answers that came together: of more, the first one's time says nothing
    SLOTS_A_CHUNK = 128,
    SEGMENT_MAX = 32,        // reads that share a Sync
    SEGMENT_PROBES = 64,     // reads with a Sync each, behind a segment that took SLOW_US: so that the slow one shows itself,
    SEGMENT_PROBES_MS = 100, // ... once in so long: a busy machine makes any segment slow
};

// ---- a query on its way

enum slot_kind { SLOT_QUERY, SLOT_SCRIPT, SLOT_PREPARE, SLOT_CLOSE, SLOT_BEGIN, SLOT_COMMIT, SLOT_ROLLBACK };

struct db_slot {
    struct list node;
    struct timer timer; // its query's deadline
    struct db *db;
    struct db_link *link;   // in whose FIFO it is
    struct lane *lane;      // whose it is, while it waits; not followed for autocommit: the lane may be gone
    uint64_t turn;          // of its submission
    struct db_query *query; // NULL: nobody waits for the answer
    const struct statement *statement;
    const char *script;        // SLOT_SCRIPT: SQL of its own, answered in text
    struct prepared *prepared; // on its link
    const leat_arg *values;    // in the query's arena
    const struct db_failure *failure;
    enum slot_kind kind;
    bool is_counted;   // in queue_max
    bool is_retried;   // its link was lost once, perhaps by its fault
    bool is_rerun;     // its statement was stale once
    bool is_stale;     // the server said so: run it again
    bool is_hit;       // by a cancel that was another one's
    bool is_for_reads; // of the read lane
    bool is_alone;     // there, but its Sync is its own
    bool shares_sync;  // in a link's FIFO: the Sync stands behind a later one
    bool has_row;      // at least one has come
    bool is_complete;  // CommandComplete has come; the commit is certain only with ReadyForQuery
    char *rows;        // the result so far
    size_t row_count, row_capacity, result_bytes;
    i64 touched;
};

// ---- a statement on a link

enum prepared_state { PREPARED_NONE, PREPARED_PENDING, PREPARED_READY, PREPARED_BROKEN };

struct prepared {
    const struct statement *statement;
    enum prepared_state state;
    const struct plan *plan; // READY, or BROKEN because it is unfit
    char name[STATEMENT_NAME_BYTES];
    bool is_stale;               // to be prepared anew once its transaction has ended
    uint32_t row_count_expected; // of the last answers
    int64_t broken_ms;           // since when
    char sqlstate[6];            // of the server's refusal
    char *message;               // of the server's refusal; NULL: plan->unfit says it
    struct list held;            // slots that wait for it
};

struct prepared_set {
    struct statement_set *set;
    unsigned pending_count, stale_count;
    struct prepared *items;
};

// ---- a link

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_PREPARING, LINK_READY, LINK_CLOSING };

/** Of the shared and of those apart together what autocommit queries may go to; behind them those of transactions; the read lane's is last.
 */
enum link_use { LINK_SHARED, LINK_APART, LINK_TRANSACTION, LINK_READ };

/** How bytes come and go once libpq has connected. */
struct transport {
    /** 0 or a negative errno. */
    int (*start)(struct db_link *link);
    /** Sends what is in `output[filling]` unless something is being sent. */
    void (*flush)(struct db_link *link);
    /** Terminate, if it can leave at once. */
    void (*say_goodbye)(struct db_link *link);
};
extern const struct transport transport_ring, transport_tls;

/** What a worker thread does: everything up to the first ReadyForQuery of an idle session. */
struct connecting {
    struct job job;
    const char *conninfo;
    uint32_t statement_timeout_ms;
    bool is_read_only;
    PGconn *conn;      // NULL: it failed
    char failure[256]; // libpq's words
};

/** What a worker thread does to end a query. */
struct canceling {
    struct job job;
    PGcancel *handle; // NULL: no job is on its way
    bool is_sent;     // and the FIFO has not been empty since: whatever is in it may be met
    int64_t sent_ms;
    char failure[256]; // libpq's words; "" for none
};

struct db_link {
    struct db *db;
    unsigned index;
    enum link_use use;
    bool is_transactional; // use == LINK_TRANSACTION
    enum link_state state;
    struct connecting connecting;
    struct canceling cancel;
    struct timer timer; // DOWN: until the next attempt; up: the watch on the head of the FIFO
    unsigned attempt_count;
    int64_t ready_ms;

    PGconn *conn;
    int fd;
    const struct transport *transport;
    struct op recv_op, send_op;
    struct tls_stream tls; // in their place where libpq speaks TLS
    struct deferred flush, reap;
    struct buffer input; // a message that is not whole yet
    size_t skip_bytes;   // of a row too large to be kept
    struct buffer output[2];
    unsigned filling;
    bool is_sending;

    struct list fifo;
    unsigned fifo_count;
    struct db_slot *unsent;                 // the first in the FIFO that the kernel has not been given
    int64_t progress_ms;                    // when bytes last came, or the FIFO began
    int64_t head_ns;                        // since when the head of the FIFO is the head
    const struct statement *first_answered; // of what is being read; NULL: nothing yet
    uint32_t first_answered_us;
    unsigned answered_count;
    char status;       // of the last ReadyForQuery: 'I', 'T', 'E'
    bool is_fatal;     // the server has ended the session
    bool is_shut_down; // ... and it was no query's fault

    struct prepared_set sets[SETS_MAX];
    unsigned set_count;
    unsigned pending_count; // preparations in the FIFO
    unsigned prepare_number;
    struct description description; // being received

    struct lane *lane; // of a transaction
    bool is_leased, has_begun;

    // of the read lane
    unsigned segment_count;   // at the end of the FIFO, whose Sync is not put yet
    unsigned probe_count;     // reads that get a Sync each
    int64_t probed_ms;        // when they began
    int64_t segment_began_ns; // when the segment that is being answered came to the head; 0: no answer of it has come
    bool is_cut;              // one of that segment failed: Postgres skips the others
};

// ---- a core's

struct preparation {
    struct list node;
    struct statement_set *set;
    void (*done)(void *arg);
    void *arg;
};

struct db {
    struct core *core;
    struct offload *connector;
    struct db_options options;
    char *conninfo;
    struct statement_set *sets[SETS_MAX];
    unsigned set_count;
    struct db_link *links; // the shared ones, those apart, those of transactions
    unsigned link_count;
    struct list waiting;       // autocommit queries without a link
    struct list reads_waiting; // of the read lane
    struct list leases_wanted; // slots of transactions without a link
    struct list finished;      // slots whose end is told in the next turn
    struct list preparations;
    struct deferred dispatch, finish, prepared;
    struct list free_slots, chunks;
    unsigned live_count; // slots in queue_max
    uint64_t query_count, failure_count, reconnect_count, flush_count;
    uint64_t random;
    struct rehearsal *rehearsal; // NULL but in tests
    bool is_unreachable;         // and was said to be
    bool is_stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;
    struct deferred stop;
};

// slot.c

/** NULL without memory. */
struct db_slot *slot_take(struct db *db, enum slot_kind kind);
void slot_give_back(struct db_slot *slot);
void slots_free(struct db *db);
/** Ends the query of a slot that is in no list, and gives the slot back; `done` runs now. */
void slot_finish(struct db_slot *slot);
/** The same in the next turn, with `failure`. Takes it out of whatever list it is in. */
void slot_fail_later(struct db_slot *slot, const struct db_failure *failure);
/** The arena of whoever waits; NULL when nobody does. */
struct arena *slot_arena(struct db_slot *slot);
/** Forgets what came so far, for another run. */
void slot_reset(struct db_slot *slot);

// link.c

void link_init(struct db_link *link, struct db *db, unsigned index, enum link_use use);
void link_finish(struct db_link *link);
/** DOWN: begins to connect, now. */
void link_open(struct db_link *link);
/** Up: no more of it; fails or sends elsewhere what is in its FIFO. `error` is what happened. */
void link_close(struct db_link *link, int error);
/** DOWN after a failure: connects again after a while. */
void link_back_off(struct db_link *link);
static inline bool link_is_up(const struct db_link *link) {
    return link->state == LINK_PREPARING || link->state == LINK_READY;
}
/** Ready, and not full. */
bool link_has_room(const struct db_link *link);
/** The buffer that messages are put into, behind the Sync of whatever reads were there. */
struct buffer *link_output(struct db_link *link);
/** A slot whose message was just put goes to the end of the FIFO, and the link is flushed at the end of the turn. */
void link_push(struct db_link *link, struct db_slot *slot);
/** Sends a query on its way: encoded, held until its statement is prepared, or failed in the next turn. */
void link_submit(struct db_link *link, struct db_slot *slot);
/** A simple statement of our own. 0 or -ENOMEM. */
int link_put_simple(struct db_link *link, struct db_slot *slot, const char *sql);
/** The same, for whose answer nobody waits. */
int link_say(struct db_link *link, enum slot_kind kind, const char *sql);
/** For the transports: bytes came. They may close the link. */
void link_received(struct db_link *link, const char *data, size_t bytes);
/** For the transports: all of the buffer being sent has gone. */
void link_sent(struct db_link *link);
/** For the transports: an operation of a link that is closing came back. */
void link_reap(struct db_link *link);

// segment.c

/** The read may share a Sync with others of this link. */
bool segment_is_open_to(struct db_link *link, const struct db_slot *slot);
/** Where it is put: behind those that are there. */
struct buffer *segment_output(struct db_link *link);
/** It was put, without a Sync, and pushed. */
void segment_add(struct db_link *link, struct db_slot *slot);
/** The Sync, if one is due. */
void segment_close(struct db_link *link);
/** What is at the head of the FIFO has no Sync yet, so nothing can answer it. */
static inline bool segment_is_unsent(const struct db_link *link) {
    return link->segment_count && link->segment_count == link->fifo_count;
}
/** One that shares a Sync is about to be taken off. */
void segment_answering(struct db_link *link);
/** Its ReadyForQuery. `slot`, off the FIFO already, was the head: where it shares its Sync, those behind it were skipped and go again,
 * alone. */
void segment_answered(struct db_link *link, const struct db_slot *slot);
/** What its answer says of the statement: Postgres has it read, or refuses it as a write. */
void segment_learn(const struct db_slot *slot);
/** The link is lost. */
void segment_forget(struct db_link *link);

// link_connect.c

/** 0, or -EAGAIN when the workers have too much to do. */
int link_connect(struct db_link *link);
/** Everything is prepared: it takes queries. */
void link_ready(struct db_link *link);
/** The kernel holds nothing of it any more: libpq says goodbye and closes the socket. */
void link_disconnect(struct db_link *link);

// link_cancel.c

/** When the query at the head is to be cancelled, or, once it was, its link given up. INT64_MAX: not at all. */
int64_t link_cancel_due_ms(const struct db_link *link);
/** A waiter has left, or another slot is at the head: watches it where nobody waits for it. */
void link_cancel_look(struct db_link *link);
/** Ends the query at the head. */
void link_cancel(struct db_link *link);
/** All that a cancel could have met is answered: the link takes queries again. */
void link_cancel_settle(struct db_link *link);

// link_prepare.c

struct prepared *link_prepared(struct db_link *link, const struct statement *statement);
/** All statements of the set in one burst. 0 or -ENOMEM. */
int link_prepare_set(struct db_link *link, struct statement_set *set);
/** One anew, under a new name. 0 or -ENOMEM. */
int link_prepare_again(struct db_link *link, struct prepared *prepared);
/** It is to be prepared again when the transaction has ended. */
void link_mark_stale(struct db_link *link, struct prepared *prepared);
/** Those that became stale during a transaction. How many, or -ENOMEM. */
int link_prepare_stale(struct db_link *link);
void link_forget_set(struct db_link *link, struct statement_set *set);
void link_forget_all(struct db_link *link);
/** What a server says to a SLOT_PREPARE. 0 or -EPROTO. */
int prepare_answer(struct db_link *link, struct db_slot *slot, const struct wire_message *message);
/** Its ReadyForQuery: held queries go on. */
void prepare_finish(struct db_link *link, struct db_slot *slot);
/** Why a query cannot run on a broken statement. */
const struct db_failure *prepared_failure(const struct prepared *prepared, struct arena *arena);

// answer.c

/** A message for the slot at the head of the FIFO. 0; -EPROTO: the stream is lost; -ECONNRESET: the server has ended the session. */
int link_answer(struct db_link *link, const struct wire_message *message);
/** A row so large that it is skipped. */
void answer_too_large(struct db_slot *slot);

// queue.c

/** The slot waits for a link; `behind` another one, or at the end (NULL). */
void queue_limit(struct db_slot *slot);
/** A link that it could go to is up. */
bool queue_is_served(const struct db_slot *slot);
void queue_wait(struct db_slot *slot, struct db_slot *behind);
/** They go first, in this order: they were sent once already. */
void queue_again(struct db *db, struct list *slots);
/** The link for an autocommit query: the least busy with room, apart where the statement wants that; or NULL. */
struct db_link *queue_pick(struct db *db, const struct statement *statement);
/** The link for a query of the read lane, which is opened where it is not; NULL: it waits. */
struct db_link *queue_pick_for_reads(struct db *db, const struct statement *statement);
/** It goes to a link apart, where there are such. */
bool queue_is_apart(const struct statement *statement);
/** What is behind it would wait. */
bool link_is_stuck(const struct db_link *link);
/** At the end of the turn: whatever waits goes to links that can take it. */
void queue_wake(struct db *db);
void queue_dispatch(struct deferred *deferred);
/** Nothing is left in its FIFO: back to the transactions that wait, if it was one's. */
void link_release(struct db_link *link);

// lane.c

/** On the lane's link: BEGIN first where that is due. */
void lane_send(struct lane *lane, struct db_slot *slot);
/** SQL in text, of a rehearsal. As lane_submit(). */
int lane_submit_script(struct lane *lane, const char *sql, struct db_query *query);

// rehearsal.c

/** 0 or -ENOMEM; the db has one link from now on. */
int rehearsal_create(struct db *db);
void rehearsal_destroy(struct rehearsal *rehearsal);
/** A query or a COMMIT of the lane, in its turn. */
void rehearsal_take(struct lane *lane, struct db_slot *slot);
/** The lane's transaction is over; undone where it was not committed. */
void rehearsal_leave(const struct lane *lane);
/** Something on the link has been answered. */
void rehearsal_answered(struct rehearsal *rehearsal);

static inline struct db_link *db_read_link(const struct db *db) {
    return &db->links[db->link_count - 1];
}
/** Where the links of transactions begin. They end at the read lane's. */
static inline unsigned db_shared_count(const struct db *db) {
    return db->options.link_count + db->options.apart_link_count_max;
}

// db.c

/** Something about a set being prepared has changed. */
void db_check_preparations(struct db *db);
/** A link is down; the last one, when the db is stopping, ends it. */
void db_link_is_down(struct db *db);

#endif
