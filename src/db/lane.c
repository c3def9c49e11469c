// lane.c — what a request sees of Postgres: shared links, a turn's queries on one of them; or a transaction's own link.
#include <errno.h>
#include <stddef.h>

#include "db/bind.h"
#include "db/failure.h"
#include "db/state.h"

void lane_init(struct lane *lane, struct db *db, bool is_transaction) {
    *lane = (struct lane){.db = db, .is_transaction = is_transaction};
}

// ---- autocommit

// What the lane submitted before in this turn still waits: this one waits behind it.
static struct db_slot *waits_this_turn(const struct lane *lane) {
    struct db_slot *last = lane->turn == lane->db->core->turn_count ? lane->last : NULL;
    return last && last->query && last->lane == lane && last->turn == lane->turn && !last->link ? last : NULL;
}

static bool is_ready(const struct db_link *link) {
    return link && link->state == LINK_READY;
}

// A turn's statements share a link, so that they are executed in order. A read that was slow before is let out of that while nothing but
// reads came: it would hold up whoever is behind. A write that comes behind it goes where it went.
static struct db_link *link_of_turn(struct lane *lane, const struct statement *statement) {
    bool is_aside = queue_is_apart(statement) && statement->is_read && !lane->has_written && lane->link->use == LINK_SHARED;
    if (is_aside) {
        struct db_link *link = queue_pick(lane->db, statement);
        if (link && link != lane->link) {
            lane->aside = link;
            return link;
        }
    }
    if (!statement->is_read && is_ready(lane->aside))
        lane->link = lane->aside;
    return lane->link;
}

static struct db_link *link_for(struct lane *lane, const struct db_slot *slot, const struct db_slot *before) {
    struct db *db = lane->db;
    if (lane->turn == db->core->turn_count && is_ready(lane->link))
        return link_of_turn(lane, slot->statement);
    lane->aside = NULL;
    lane->has_written = false;
    lane->link = before || !list_is_empty(&db->waiting) ? NULL : queue_pick(db, slot->statement);
    return lane->link;
}

static void send_shared(struct lane *lane, struct db_slot *slot) {
    struct db *db = lane->db;
    struct db_slot *before = waits_this_turn(lane);
    struct db_link *link = link_for(lane, slot, before);
    lane->has_written |= !slot->statement->is_read;
    lane->turn = slot->turn = db->core->turn_count;
    lane->last = slot;
    slot->lane = lane;
    if (link)
        link_submit(link, slot);
    else
        queue_wait(slot, before);
}

// ---- reads

void lane_init_for_reads(struct lane *lane, struct db *db) {
    *lane = (struct lane){.db = db, .is_for_reads = true};
}

// Nothing among them writes, so their order matters to nobody; they keep it where they go to the same link.
static void send_read(struct db *db, struct db_slot *slot) {
    slot->is_for_reads = true;
    struct db_link *link = list_is_empty(&db->reads_waiting) ? queue_pick_for_reads(db, slot->statement) : NULL;
    if (link)
        link_submit(link, slot);
    else
        queue_wait(slot, NULL);
}

// ---- transactions

static void send_commit(struct lane *lane, struct db_slot *slot) {
    int error = link_put_simple(lane->link, slot, "COMMIT");
    if (error)
        slot_fail_later(slot, failure_of(error, false, slot_arena(slot), "no memory for COMMIT"));
    else
        lane->has_begun = lane->link->has_begun = false;
}

void lane_send(struct lane *lane, struct db_slot *slot) {
    struct db_link *link = lane->link;
    slot->lane = NULL; // from here on its link's lane is asked
    if (slot->kind == SLOT_COMMIT) {
        send_commit(lane, slot);
        return;
    }
    if (!link->has_begun) {
        int error = link_say(link, SLOT_BEGIN, "BEGIN");
        if (error) {
            slot_fail_later(slot, failure_of(error, false, slot_arena(slot), "no memory for BEGIN"));
            return;
        }
        link->has_begun = true;
    }
    if (slot->kind == SLOT_QUERY)
        link_submit(link, slot);
    else if (link_put_simple(link, slot, slot->script))
        slot_fail_later(slot, failure_of(-ENOMEM, false, slot_arena(slot), "no memory for the statement"));
}

static void send_in_transaction(struct lane *lane, struct db_slot *slot) {
    if (slot->kind == SLOT_QUERY)
        lane->has_begun = true;
    if (lane->link) {
        lane_send(lane, slot);
        return;
    }
    slot->lane = lane;
    list_push(&lane->db->leases_wanted, &slot->node);
    queue_limit(slot);
    queue_wake(lane->db);
}

// ---- both

static int slot_for(struct lane *lane, struct db_query *query, enum slot_kind kind, struct db_slot **ret_slot) {
    struct db *db = lane->db;
    if (!db->conninfo || db->is_stopping)
        return -ENOTCONN;
    if (db->live_count >= db->options.queue_max)
        return -EAGAIN;
    struct db_slot *slot = slot_take(db, kind);
    if (!slot)
        return -ENOMEM;
    slot->statement = query->statement;
    slot->turn = db->core->turn_count;
    if (kind == SLOT_QUERY && bind_copy(query->statement, query->args, query->arena, &slot->values)) {
        slot_give_back(slot);
        return -ENOMEM;
    }
    *ret_slot = slot;
    return 0;
}

static void begin_query(struct db_slot *slot, struct db_query *query) {
    struct db *db = slot->db;
    slot->is_counted = true;
    db->live_count++;
    db->query_count++;
    slot->query = query;
    query->slot = slot;
    query->failure = NULL;
    query->result = NULL;
    query->found = false;
    wheel_arm(&db->core->wheel, &slot->timer, query->due_ms);
}

int lane_submit(struct lane *lane, struct db_query *query) {
    if (lane->is_transaction && lane->has_failed && !lane->link)
        return -ENOTCONN; // its transaction went with its link
    struct db_slot *slot;
    int error = slot_for(lane, query, SLOT_QUERY, &slot);
    if (error)
        return error;
    begin_query(slot, query);
    if (lane->db->rehearsal)
        rehearsal_take(lane, slot);
    else if (lane->is_transaction)
        send_in_transaction(lane, slot);
    else if (lane->is_for_reads)
        send_read(lane->db, slot);
    else
        send_shared(lane, slot);
    return 0;
}

int lane_submit_script(struct lane *lane, const char *sql, struct db_query *query) {
    query->statement = NULL;
    struct db_slot *slot;
    int error = slot_for(lane, query, SLOT_SCRIPT, &slot);
    if (error)
        return error;
    begin_query(slot, query);
    slot->script = sql;
    rehearsal_take(lane, slot);
    return 0;
}

int lane_commit(struct lane *lane, struct db_query *query) {
    query->statement = NULL;
    struct db_slot *slot;
    bool has_nothing = !lane->is_transaction || !lane->has_begun;
    int error = slot_for(lane, query, SLOT_COMMIT, &slot);
    if (error)
        return error;
    begin_query(slot, query);
    if (lane->is_transaction && lane->has_failed && !lane->link)
        slot_fail_later(slot, failure_of(-ECONNRESET, false, query->arena, "the transaction went with its link"));
    else if (has_nothing)
        slot_fail_later(slot, NULL);
    else if (lane->db->rehearsal)
        rehearsal_take(lane, slot);
    else
        send_in_transaction(lane, slot);
    return 0;
}

// Queries that still waited for a link of this transaction.
static void drop_waiting(struct lane *lane) {
    list_each_safe (node, &lane->db->leases_wanted) {
        struct db_slot *slot = container_of(node, struct db_slot, node);
        if (slot->lane == lane)
            slot_fail_later(slot, failure_of(-ECANCELED, false, slot_arena(slot), "its transaction was given up"));
    }
}

static void leave(struct db_link *link) {
    link->lane = NULL;
    if (link->has_begun && link_say(link, SLOT_ROLLBACK, "ROLLBACK")) {
        link_close(link, -ENOMEM);
        return;
    }
    link->has_begun = false;
    if (list_is_empty(&link->fifo))
        link_release(link);
}

void lane_finish(struct lane *lane) {
    if (lane->is_transaction && lane->db) {
        drop_waiting(lane);
        if (lane->db->rehearsal)
            rehearsal_leave(lane);
        if (lane->link)
            leave(lane->link);
    }
    lane->link = NULL;
    lane->has_begun = lane->has_failed = false;
}
