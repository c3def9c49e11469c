// segment.c — reads that share one Sync, and so one transaction: put together, answered one by one, sent again where a neighbour failed.
//
// Behind an error Postgres skips everything up to the Sync (chapter "Extended Query"), so those behind it were not executed: they go again,
// each with a Sync of its own. Those before it stand, since they only read. What is slow in a segment cannot be told from its neighbours,
// whose answers Postgres holds back with it: so behind a slow segment some are sent by themselves, and the slow one is learnt there.
#include <assert.h>
#include <string.h>

#include "db/state.h"

// ---- put

bool segment_is_open_to(struct db_link *link, const struct db_slot *slot) {
    if (slot->is_alone || slot->statement->is_alone)
        return false;
    if (!link->probe_count)
        return true;
    link->probe_count--;
    return false;
}

struct buffer *segment_output(struct db_link *link) {
    return &link->output[link->filling];
}

void segment_add(struct db_link *link, struct db_slot *slot) {
    slot->shares_sync = true;
    if (++link->segment_count == SEGMENT_MAX)
        segment_close(link);
}

void segment_close(struct db_link *link) {
    if (!link->segment_count)
        return;
    struct buffer *out = segment_output(link);
    char *p = buffer_reserve(out, WIRE_HEAD_BYTES);
    assert(p); // bind_put() has left room
    wire_put_sync(p);
    buffer_commit(out, WIRE_HEAD_BYTES);
    container_of(link->fifo.prev, struct db_slot, node)->shares_sync = false;
    link->segment_count = 0;
}

// ---- answered

void segment_answering(struct db_link *link) {
    if (!link->segment_began_ns)
        link->segment_began_ns = link->head_ns;
}

static void look_for_slow_ones(struct db_link *link) {
    const struct core *core = link->db->core;
    bool is_slow = link->segment_began_ns && core->now_ns - link->segment_began_ns >= (int64_t)SLOW_US * 1000;
    if (!is_slow || core_now_ms(core) - link->probed_ms < SEGMENT_PROBES_MS)
        return;
    link->probe_count = SEGMENT_PROBES;
    link->probed_ms = core_now_ms(core);
}

static void send_again(struct db_link *link) {
    struct list again;
    list_init(&again);
    for (bool is_last = false; !is_last;) {
        struct db_slot *slot = container_of(list_pop(&link->fifo), struct db_slot, node);
        link->fifo_count--;
        is_last = !slot->shares_sync;
        slot->link = NULL;
        if (!slot->query) {
            slot_give_back(slot);
            continue;
        }
        slot_reset(slot);
        slot->is_alone = true;
        list_push(&again, &slot->node);
    }
    queue_again(link->db, &again);
    queue_wake(link->db);
}

void segment_answered(struct db_link *link, const struct db_slot *slot) {
    look_for_slow_ones(link);
    if (slot->shares_sync)
        send_again(link);
    link->segment_began_ns = 0;
    link->is_cut = false;
}

void segment_learn(const struct db_slot *slot) {
    if (!slot->query || !slot->statement)
        return;
    bool is_refused = slot->failure && strcmp(slot->failure->sqlstate, "25006") == 0;
    if (slot->failure && !is_refused)
        return;
    _Atomic(uint8_t) *proof = &((struct statement *)slot->statement)->read_proof;
    uint8_t before = atomic_load_explicit(proof, memory_order_relaxed), after = is_refused ? READ_REFUSED : READ_PROVEN;
    if (before != after && before != READ_REFUSED)
        atomic_store_explicit(proof, after, memory_order_relaxed);
}

void segment_forget(struct db_link *link) {
    link->segment_count = link->probe_count = 0;
    link->segment_began_ns = 0;
    link->is_cut = false;
}
