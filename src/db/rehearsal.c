// rehearsal.c — everything a db is asked, in one transaction that is never committed: for tests.
#include "rehearsal.h"

#include <errno.h>
#include <stdlib.h>

#include "db/failure.h"
#include "db/state.h"

#define STATEMENT_BEGIN "SAVEPOINT leat_statement"
#define STATEMENT_END "RELEASE SAVEPOINT leat_statement"
#define STATEMENT_UNDO "ROLLBACK TO SAVEPOINT leat_statement; " STATEMENT_END
#define TRANSACTION_BEGIN "SAVEPOINT leat_transaction"
#define TRANSACTION_UNDO "ROLLBACK TO SAVEPOINT leat_transaction; RELEASE SAVEPOINT leat_transaction"
// deferred constraints are judged now, as COMMIT would, and stay deferred for the next transaction
#define TRANSACTION_END                                                                                                                    \
    "SAVEPOINT leat_check; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO SAVEPOINT leat_check; RELEASE SAVEPOINT leat_transaction"

// A script stands in a savepoint of its own, which would take an inner one with it.
const char rehearsal_mark[] = STATEMENT_END "; SAVEPOINT leat_mark; " STATEMENT_BEGIN;
const char rehearsal_return[] = STATEMENT_END "; ROLLBACK TO SAVEPOINT leat_mark; RELEASE SAVEPOINT leat_mark; " STATEMENT_BEGIN;

struct rehearsal {
    struct db *db;
    struct lane root;    // the transaction that all is in
    struct lane scripts; // the test's own statements
    struct list waiting;
    struct deferred step;
    const struct lane *transaction; // the lane whose savepoint is open
    bool has_statement;             // an autocommit one, whose savepoint is open
    bool is_ending;                 // the transaction's savepoint is being released
    bool must_undo;                 // the transaction was given up
    bool is_wanted;                 // a link was asked for
};

// ---- the link

static void want_link(struct rehearsal *rehearsal) {
    struct db_slot *slot = rehearsal->is_wanted ? NULL : slot_take(rehearsal->db, SLOT_SCRIPT);
    if (!slot)
        return;
    rehearsal->is_wanted = true;
    slot->script = STATEMENT_BEGIN "; " STATEMENT_END; // BEGIN stands before the first
    slot->lane = &rehearsal->root;
    list_push(&rehearsal->db->leases_wanted, &slot->node);
    queue_wake(rehearsal->db);
}

// The link went, and the transaction with it: nothing that a test would see from now on were true.
static void fail_waiting(struct rehearsal *rehearsal, int error, const char *why) {
    list_each_safe (node, &rehearsal->waiting) {
        struct db_slot *slot = container_of(node, struct db_slot, node);
        slot_fail_later(slot, failure_of(error, false, slot_arena(slot), "%s", why));
    }
}

static void say(struct rehearsal *rehearsal, const char *sql) {
    if (link_say(rehearsal->root.link, SLOT_ROLLBACK, sql))
        link_close(rehearsal->root.link, -ENOMEM);
}

// ---- one at a time

static void put(struct rehearsal *rehearsal, struct db_slot *slot) {
    struct db_link *link = rehearsal->root.link;
    if (!link)
        return; // it was lost for want of memory
    list_remove(&slot->node);
    slot->lane = NULL;
    if (slot->kind == SLOT_QUERY)
        link_submit(link, slot);
    else if (link_put_simple(link, slot, slot->script))
        slot_fail_later(slot, failure_of(-ENOMEM, false, slot_arena(slot), "no memory for the statement"));
}

static void send_statement(struct rehearsal *rehearsal, struct db_slot *slot) {
    say(rehearsal, STATEMENT_BEGIN);
    rehearsal->has_statement = true;
    put(rehearsal, slot);
}

// A statement of the transaction failed before: then this is a ROLLBACK, and its tag says so to whoever asked for a COMMIT.
static void send_commit(struct rehearsal *rehearsal, struct db_slot *slot) {
    bool has_failed = rehearsal->root.link->status == 'E';
    slot->script = has_failed ? TRANSACTION_UNDO : TRANSACTION_END;
    slot->kind = has_failed ? SLOT_COMMIT : SLOT_SCRIPT;
    rehearsal->is_ending = true;
    rehearsal->transaction = NULL;
    put(rehearsal, slot);
}

static void send_in_transaction(struct rehearsal *rehearsal, struct lane *lane, struct db_slot *slot) {
    if (!rehearsal->transaction)
        say(rehearsal, TRANSACTION_BEGIN);
    if (slot->kind == SLOT_COMMIT) {
        lane->has_begun = false;
        send_commit(rehearsal, slot);
        return;
    }
    rehearsal->transaction = lane;
    put(rehearsal, slot);
}

// The first that may go: a second transaction waits for the end of the one that is open.
static void send_next(struct rehearsal *rehearsal) {
    list_each_safe (node, &rehearsal->waiting) {
        struct db_slot *slot = container_of(node, struct db_slot, node);
        if (!slot->lane) {
            send_statement(rehearsal, slot);
            return;
        }
        if (!rehearsal->transaction || rehearsal->transaction == slot->lane) {
            send_in_transaction(rehearsal, slot->lane, slot);
            return;
        }
    }
}

static void undo_transaction(struct rehearsal *rehearsal) {
    rehearsal->must_undo = false;
    say(rehearsal, TRANSACTION_UNDO);
}

// Nothing is under way: what ended last is closed, or the next is sent.
static void go_on(struct rehearsal *rehearsal) {
    bool has_failed = rehearsal->root.link->status == 'E', was_ending = rehearsal->is_ending;
    rehearsal->is_ending = false;
    if (rehearsal->has_statement) {
        rehearsal->has_statement = false;
        say(rehearsal, has_failed ? STATEMENT_UNDO : STATEMENT_END);
    } else if (rehearsal->must_undo || (was_ending && has_failed)) {
        undo_transaction(rehearsal);
    } else {
        send_next(rehearsal);
    }
}

static void on_step(struct deferred *deferred) {
    struct rehearsal *rehearsal = container_of(deferred, struct rehearsal, step);
    const struct db_link *link = rehearsal->root.link;
    if (link && link->state == LINK_READY && list_is_empty(&link->fifo))
        go_on(rehearsal);
    else if (!link && rehearsal->root.has_failed)
        fail_waiting(rehearsal, -ECONNRESET, "the test's transaction went with its link");
    else if (!link && !list_is_empty(&rehearsal->waiting))
        want_link(rehearsal);
}

// ---- for lanes and links

void rehearsal_take(struct lane *lane, struct db_slot *slot) {
    struct rehearsal *rehearsal = lane->db->rehearsal;
    lane->has_begun |= lane->is_transaction;
    slot->lane = lane->is_transaction ? lane : NULL;
    list_push(&rehearsal->waiting, &slot->node);
    core_defer(rehearsal->db->core, &rehearsal->step);
}

void rehearsal_answered(struct rehearsal *rehearsal) {
    core_defer(rehearsal->db->core, &rehearsal->step);
}

void rehearsal_leave(const struct lane *lane) {
    struct rehearsal *rehearsal = lane->db->rehearsal;
    list_each_safe (node, &rehearsal->waiting) {
        struct db_slot *slot = container_of(node, struct db_slot, node);
        if (slot->lane == lane)
            slot_fail_later(slot, failure_of(-ECANCELED, false, slot_arena(slot), "its transaction was given up"));
    }
    if (rehearsal->transaction != lane)
        return;
    rehearsal->transaction = NULL;
    rehearsal->must_undo = true;
    core_defer(rehearsal->db->core, &rehearsal->step);
}

int rehearsal_create(struct db *db) {
    struct rehearsal *rehearsal = calloc(1, sizeof *rehearsal);
    if (!rehearsal)
        return -ENOMEM;
    rehearsal->db = db;
    lane_init(&rehearsal->root, db, true);
    lane_init(&rehearsal->scripts, db, false);
    list_init(&rehearsal->waiting);
    deferred_init(&rehearsal->step, on_step);
    db->options.link_count = db->options.apart_link_count_max = 0;
    db->options.transaction_link_count_max = 1;
    db->rehearsal = rehearsal;
    return 0;
}

void rehearsal_destroy(struct rehearsal *rehearsal) {
    if (rehearsal)
        deferred_cancel(&rehearsal->step);
    free(rehearsal);
}

// ---- for tests

int rehearsal_run(struct db *db, const char *sql, struct db_query *query) {
    return lane_submit_script(&db->rehearsal->scripts, sql, query);
}

void rehearsal_end(struct db *db) {
    struct rehearsal *rehearsal = db->rehearsal;
    fail_waiting(rehearsal, -ECANCELED, "the test has ended");
    lane_finish(&rehearsal->root);
    rehearsal->transaction = NULL;
    rehearsal->has_statement = rehearsal->is_ending = rehearsal->must_undo = rehearsal->is_wanted = false;
}
