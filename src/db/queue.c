// queue.c — queries that wait for a link, and transactions that wait for one of their own.
#include <errno.h>

#include "db/state.h"

// ---- waiting

bool queue_is_served(const struct db_slot *slot) {
    return slot->is_for_reads ? db_read_link(slot->db)->state == LINK_READY : db_is_ready(slot->db);
}

// While no link is up a query waits for one a short while only: a client that is told soon may try another server.
void queue_limit(struct db_slot *slot) {
    struct db *db = slot->db;
    int64_t soon_ms = core_now_ms(db->core) + db->options.down_wait_ms;
    if (slot->query && !queue_is_served(slot) && soon_ms < slot->query->due_ms)
        wheel_arm(&db->core->wheel, &slot->timer, soon_ms);
}

// It has its link, and its own deadline again.
static void unlimit(struct db_slot *slot) {
    if (slot->query)
        wheel_arm(&slot->db->core->wheel, &slot->timer, slot->query->due_ms);
}

void queue_wait(struct db_slot *slot, struct db_slot *behind) {
    if (behind)
        list_push(behind->node.next, &slot->node);
    else
        list_push(slot->is_for_reads ? &slot->db->reads_waiting : &slot->db->waiting, &slot->node);
    queue_limit(slot);
}

static void put_first(struct list *slots, struct list *waiting) {
    list_append(slots, waiting);
    list_append(waiting, slots);
}

void queue_again(struct db *db, struct list *slots) {
    struct list reads;
    list_init(&reads);
    list_each_safe (node, slots) {
        struct db_slot *slot = container_of(node, struct db_slot, node);
        queue_limit(slot);
        if (!slot->is_for_reads)
            continue;
        list_remove(node);
        list_push(&reads, node);
    }
    put_first(slots, &db->waiting);
    put_first(&reads, &db->reads_waiting);
}

void queue_wake(struct db *db) {
    core_defer(db->core, &db->dispatch);
}

// ---- which link

bool queue_is_apart(const struct statement *statement) {
    return statement && (!statement->is_read || atomic_load_explicit(&statement->slow_score, memory_order_relaxed) >= SLOW_SCORE);
}

bool link_is_stuck(const struct db_link *link) {
    return !list_is_empty(&link->fifo) && core_now_ms(link->db->core) - link->progress_ms > STUCK_MS;
}

static bool is_better(const struct db_link *link, const struct db_link *than) {
    bool is_stuck = link_is_stuck(link), other = link_is_stuck(than);
    return is_stuck != other ? other : link->fifo_count < than->fifo_count;
}

static struct db_link *least_busy(struct db *db, unsigned from, unsigned to) {
    struct db_link *least = NULL;
    for (unsigned i = from; i < to; i++) {
        struct db_link *link = &db->links[i];
        if (link_has_room(link) && (!least || is_better(link, least)))
            least = link;
    }
    return least;
}

// One at a time: whoever asks while it comes is served elsewhere.
static void open_another_apart(struct db *db) {
    struct db_link *down = NULL;
    for (unsigned i = db->options.link_count; i < db_shared_count(db); i++) {
        struct db_link *link = &db->links[i];
        if (link->state == LINK_CONNECTING || link->state == LINK_PREPARING)
            return;
        if (link->state == LINK_DOWN && !timer_is_armed(&link->timer))
            down = down ? down : link;
    }
    if (down)
        link_open(down);
}

static struct db_link *pick_apart(struct db *db) {
    struct db_link *link = least_busy(db, db->options.link_count, db_shared_count(db));
    if (!link || link->fifo_count)
        open_another_apart(db);
    return link;
}

struct db_link *queue_pick(struct db *db, const struct statement *statement) {
    struct db_link *link = queue_is_apart(statement) ? pick_apart(db) : NULL;
    if (link)
        return link;
    link = least_busy(db, 0, db->options.link_count);
    if (link && !link_is_stuck(link))
        return link;
    struct db_link *other = least_busy(db, db->options.link_count, db_shared_count(db));
    return other && !link_is_stuck(other) ? other : link;
}

// A link that is lost or held up is gone round, by what it has answered before: nothing else would refuse a write there.
struct db_link *queue_pick_for_reads(struct db *db, const struct statement *statement) {
    struct db_link *link = db_read_link(db), *other = NULL;
    if (link->state == LINK_DOWN && !timer_is_armed(&link->timer))
        link_open(link);
    bool is_known = atomic_load_explicit(&statement->read_proof, memory_order_relaxed) == READ_PROVEN;
    if (is_known && queue_is_apart(statement))
        other = pick_apart(db);
    bool is_well = link->state == LINK_READY && !link->cancel.is_sent && !link_is_stuck(link);
    if (!other && !is_well && is_known)
        other = queue_pick(db, statement);
    return other ? other : link_has_room(link) ? link : NULL;
}

static void dispatch_reads(struct db *db) {
    while (!list_is_empty(&db->reads_waiting)) {
        struct db_slot *slot = container_of(db->reads_waiting.next, struct db_slot, node);
        struct db_link *link = queue_pick_for_reads(db, slot->statement);
        if (!link)
            return;
        list_remove(&slot->node);
        unlimit(slot);
        link_submit(link, slot);
    }
}

// Queries that one lane submitted in one turn stay together, so that they stay in order.
static void dispatch_waiting(struct db *db) {
    struct db_link *link = NULL;
    const struct lane *lane = NULL;
    uint64_t turn = 0;
    while (!list_is_empty(&db->waiting)) {
        struct db_slot *slot = container_of(db->waiting.next, struct db_slot, node);
        bool is_together = link && link->state == LINK_READY && slot->lane == lane && slot->turn == turn;
        if (!is_together && !(link = queue_pick(db, slot->statement)))
            return;
        lane = slot->lane;
        turn = slot->turn;
        list_remove(&slot->node);
        unlimit(slot);
        link_submit(link, slot);
    }
}

// ---- transactions

static struct db_link *free_link(struct db *db) {
    for (unsigned i = db_shared_count(db); i < db->link_count - 1; i++) {
        struct db_link *link = &db->links[i];
        if (link->state == LINK_READY && !link->is_leased && list_is_empty(&link->fifo))
            return link;
    }
    return NULL;
}

static unsigned lanes_waiting(const struct db *db, unsigned most) {
    unsigned count = 0;
    const struct lane *before = NULL;
    list_each (node, &db->leases_wanted) {
        const struct db_slot *slot = container_of(node, struct db_slot, node);
        count += slot->lane != before;
        before = slot->lane;
        if (count == most)
            break;
    }
    return count;
}

// As many as there are lanes that wait, those that are about to be there counted.
static void open_more(struct db *db) {
    unsigned coming = 0, wanted = lanes_waiting(db, db->link_count);
    for (unsigned i = db_shared_count(db); i < db->link_count - 1; i++)
        coming += db->links[i].state == LINK_CONNECTING || db->links[i].state == LINK_PREPARING ||
                  (db->links[i].state == LINK_DOWN && timer_is_armed(&db->links[i].timer));
    for (unsigned i = db_shared_count(db); i < db->link_count - 1 && coming < wanted; i++) {
        struct db_link *link = &db->links[i];
        if (link->state != LINK_DOWN || timer_is_armed(&link->timer))
            continue;
        link_open(link);
        coming++;
    }
}

static void lease(struct db_link *link, struct lane *lane) {
    struct db *db = link->db;
    link->is_leased = true;
    link->lane = lane;
    lane->link = link;
    list_each_safe (node, &db->leases_wanted) {
        struct db_slot *slot = container_of(node, struct db_slot, node);
        if (slot->lane != lane)
            continue;
        list_remove(node);
        unlimit(slot);
        lane_send(lane, slot);
    }
}

static void dispatch_leases(struct db *db) {
    while (!list_is_empty(&db->leases_wanted)) {
        struct db_link *link = free_link(db);
        if (!link) {
            open_more(db);
            return;
        }
        lease(link, container_of(db->leases_wanted.next, struct db_slot, node)->lane);
    }
}

void link_release(struct db_link *link) {
    if (link->lane)
        link->lane->link = NULL;
    link->lane = NULL;
    if (link->status != 'I') {
        link_close(link, -EPROTO); // what it is in the middle of must not meet another request
        return;
    }
    int stale = link_prepare_stale(link);
    if (stale < 0) {
        link_close(link, stale);
        return;
    }
    link->is_leased = false; // preparations in its FIFO keep it busy until they are answered
    queue_wake(link->db);
}

void queue_dispatch(struct deferred *deferred) {
    struct db *db = container_of(deferred, struct db, dispatch);
    if (db->is_stopping)
        return;
    dispatch_waiting(db);
    dispatch_reads(db);
    dispatch_leases(db);
}
