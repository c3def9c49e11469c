// slot.c — a query between its submission and its answer: taken from a pool of the core, ended once.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "db/failure.h"
#include "db/state.h"

struct chunk {
    struct list node;
    struct db_slot slots[SLOTS_A_CHUNK];
};

static void on_deadline(struct timer *timer);

static bool grow(struct db *db) {
    struct chunk *chunk = calloc(1, sizeof *chunk);
    if (!chunk)
        return false;
    list_push(&db->chunks, &chunk->node);
    for (size_t i = 0; i < SLOTS_A_CHUNK; i++) {
        chunk->slots[i].db = db;
        timer_init(&chunk->slots[i].timer, on_deadline);
        list_push(&db->free_slots, &chunk->slots[i].node);
    }
    return true;
}

void slots_free(struct db *db) {
    for (struct list *node; (node = list_pop(&db->chunks));)
        free(container_of(node, struct chunk, node));
}

struct db_slot *slot_take(struct db *db, enum slot_kind kind) {
    if (list_is_empty(&db->free_slots) && !grow(db))
        return NULL;
    struct db_slot *slot = container_of(list_pop(&db->free_slots), struct db_slot, node);
    slot->kind = kind;
    return slot;
}

void slot_reset(struct db_slot *slot) {
    slot->prepared = NULL;
    slot->failure = NULL;
    slot->is_stale = slot->is_hit = slot->has_row = slot->is_complete = slot->shares_sync = false;
    slot->rows = NULL;
    slot->row_count = slot->row_capacity = slot->result_bytes = 0;
    slot->touched = 0;
}

void slot_give_back(struct db_slot *slot) {
    struct db *db = slot->db;
    wheel_disarm(&db->core->wheel, &slot->timer);
    if (slot->is_counted)
        db->live_count--;
    slot_reset(slot);
    slot->link = NULL;
    slot->lane = NULL;
    slot->query = NULL;
    slot->statement = NULL;
    slot->script = NULL;
    slot->values = NULL;
    slot->is_counted = slot->is_retried = slot->is_rerun = slot->is_for_reads = slot->is_alone = false;
    list_push_front(&db->free_slots, &slot->node);
}

struct arena *slot_arena(struct db_slot *slot) {
    return slot->query ? slot->query->arena : NULL;
}

static void tell(struct db *db, struct db_query *query, const struct db_failure *failure) {
    query->slot = NULL;
    query->failure = failure;
    db->failure_count += failure != NULL;
    query->done(query);
}

void slot_finish(struct db_slot *slot) {
    struct db *db = slot->db;
    struct db_query *query = slot->query;
    const struct db_failure *failure = slot->failure;
    slot_give_back(slot); // first, so that `done` finds room for another
    if (query)
        tell(db, query, failure);
}

void slot_fail_later(struct db_slot *slot, const struct db_failure *failure) {
    struct db *db = slot->db;
    list_remove(&slot->node);
    if (!slot->query) {
        slot_give_back(slot);
        return;
    }
    wheel_disarm(&db->core->wheel, &slot->timer);
    slot->link = NULL;
    slot->failure = failure;
    list_push(&db->finished, &slot->node);
    core_defer_to_next_turn(db->core, &db->finish);
}

// The answer of one that was sent is still read, by a slot that nobody waits for.
static void on_deadline(struct timer *timer) {
    struct db_slot *slot = container_of(timer, struct db_slot, timer);
    struct arena *arena = slot_arena(slot);
    if (slot->link) {
        struct db_query *query = slot->query;
        slot->query = NULL;
        link_cancel_look(slot->link);
        tell(slot->db, query, failure_of(-ETIMEDOUT, true, arena, "no answer by the query's deadline"));
        return;
    }
    list_remove(&slot->node);
    slot->failure = queue_is_served(slot) ? failure_of(-ETIMEDOUT, false, arena, "it waited for a link until its deadline")
                                          : failure_of(-ENOTCONN, false, arena, "no link to Postgres until its deadline");
    slot_finish(slot);
}

void db_query_detach(struct db_query *query) {
    struct db_slot *slot = query->slot;
    if (!slot)
        return;
    query->slot = NULL;
    slot->query = NULL;
    wheel_disarm(&slot->db->core->wheel, &slot->timer);
    if (slot->link) {
        link_cancel_look(slot->link);
        return;
    }
    list_remove(&slot->node);
    slot_give_back(slot);
}
