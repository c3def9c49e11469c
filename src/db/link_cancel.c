// link_cancel.c — a query that nobody waits for any more is ended in Postgres, so that it neither burns there nor holds its link.
//
// Postgres takes a cancel on a connection of its own (chapter "Canceling Requests in Progress"), and it ends whatever the session is then
// at: that may be the next statement already. So a link being cancelled takes no more, and one of the others that is met, which was
// not executed then, runs again elsewhere.
#include <inttypes.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/log.h"
#include "db/state.h"

// What Postgres may be at and nobody waits for: the head, or, of reads that share a Sync, any of them. NULL: nothing of that kind.
static const struct db_slot *abandoned_of(const struct db_link *link) {
    list_each (node, &link->fifo) {
        const struct db_slot *slot = container_of(node, struct db_slot, node);
        if (slot == link->unsent)
            return NULL;
        if (slot->kind == SLOT_QUERY && !slot->query)
            return slot;
        if (!slot->shares_sync)
            return NULL;
    }
    return NULL;
}

int64_t link_cancel_due_ms(const struct db_link *link) {
    if (link->cancel.is_sent)
        return link->cancel.sent_ms + CANCEL_GRACE_MS;
    return abandoned_of(link) ? link->head_ns / 1000000 + CANCEL_AFTER_MS : INT64_MAX;
}

void link_cancel_look(struct db_link *link) {
    if (link_is_up(link) && !link->cancel.is_sent && abandoned_of(link))
        wheel_arm(&link->db->core->wheel, &link->timer, core_now_ms(link->db->core) + CANCEL_AFTER_MS);
}

static void work(struct job *job) {
    struct canceling *cancel = container_of(job, struct canceling, job);
    cancel->failure[0] = '\0';
    if (!PQcancel(cancel->handle, cancel->failure, sizeof cancel->failure) && !cancel->failure[0])
        cancel->failure[0] = '?';
}

static void say_failed(const struct db_link *link) {
    char cause[LOG_VALUE_BYTES];
    str text = {link->cancel.failure, strcspn(link->cancel.failure, "\n")};
    log_line(LOG_WARNING, "db_cancel_failed", "core=%u link=%u cause=%s", link->db->core->index, link->index, log_value(cause, text));
}

static void on_canceled(struct job *job) {
    struct db_link *link = container_of(job, struct db_link, cancel.job);
    PQfreeCancel(link->cancel.handle);
    link->cancel.handle = NULL;
    if (link->cancel.failure[0])
        say_failed(link);
    if (link_is_up(link))
        link_cancel_settle(link);
    else
        link_reap(link);
}

void link_cancel_settle(struct db_link *link) {
    if (!link->cancel.is_sent || link->cancel.handle || !list_is_empty(&link->fifo))
        return;
    link->cancel.is_sent = false;
    queue_wake(link->db);
}

void link_cancel(struct db_link *link) {
    struct db *db = link->db;
    const struct db_slot *slot = abandoned_of(link);
    link->cancel.job = (struct job){.work = work, .done = on_canceled};
    link->cancel.handle = PQgetCancel(link->conn);
    link->cancel.is_sent = true; // or given up: either way its time is bounded from now on
    link->cancel.sent_ms = core_now_ms(db->core);
    if (link->cancel.handle && offload_submit(db->connector, db->core, &link->cancel.job) != 0) {
        PQfreeCancel(link->cancel.handle);
        link->cancel.handle = NULL;
    }
    const leat_query *query = slot->statement ? slot->statement->query : NULL;
    log_line(LOG_WARNING, "db_query_cancelled", "core=%u link=%u at=%s:%u ms=%" PRId64 " cause=\"nobody waits for it any more\"",
             db->core->index, link->index, query ? query->base.file : "?", query ? query->base.line : 0,
             link->cancel.sent_ms - link->head_ns / 1000000);
}
