// link.c — one connection to Postgres: opened, fed, read and closed; its FIFO is the order of the answers.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "db/bind.h"
#include "db/failure.h"
#include "db/state.h"

static void on_timer(struct timer *timer);
static void on_reap(struct deferred *deferred);

static void on_flush(struct deferred *deferred) {
    struct db_link *link = container_of(deferred, struct db_link, flush);
    if (!link_is_up(link))
        return;
    if (!link->is_sending)
        segment_close(link); // until then more may join
    link->transport->flush(link);
}

void link_init(struct db_link *link, struct db *db, unsigned index, enum link_use use) {
    *link = (struct db_link){.db = db, .index = index, .use = use, .is_transactional = use == LINK_TRANSACTION, .fd = -1};
    timer_init(&link->timer, on_timer);
    deferred_init(&link->flush, on_flush);
    deferred_init(&link->reap, on_reap);
    list_init(&link->fifo);
}

void link_finish(struct db_link *link) {
    wheel_disarm(&link->db->core->wheel, &link->timer);
    deferred_cancel(&link->flush);
    deferred_cancel(&link->reap);
    buffer_finish(&link->input);
    buffer_finish(&link->output[0]);
    buffer_finish(&link->output[1]);
}

// ---- opened

void link_open(struct db_link *link) {
    link->state = LINK_CONNECTING;
    if (link_connect(link) == 0)
        return;
    link->state = LINK_DOWN;
    link_back_off(link);
}

static uint64_t next_random(struct db *db) { // xorshift64: for jitter alone
    db->random ^= db->random << 13;
    db->random ^= db->random >> 7;
    db->random ^= db->random << 17;
    return db->random;
}

// Full jitter: anything up to min x 1.6^n, so that a thousand servers do not come back as one.
void link_back_off(struct db_link *link) {
    struct db *db = link->db;
    double most_ms = db->options.backoff_ms_min;
    for (unsigned i = 0; i < link->attempt_count && most_ms < db->options.backoff_ms_max; i++)
        most_ms *= 1.6;
    if (most_ms > db->options.backoff_ms_max)
        most_ms = db->options.backoff_ms_max;
    link->attempt_count++;
    int64_t wait_ms = (int64_t)(next_random(db) % ((uint64_t)most_ms + 1));
    wheel_arm(&db->core->wheel, &link->timer, core_now_ms(db->core) + wait_ms);
}

// Without a statement_timeout the server may take as long as it likes.
static int64_t patience_ms(const struct db_link *link) {
    uint32_t timeout_ms = link->db->options.statement_timeout_ms;
    return timeout_ms ? (int64_t)timeout_ms + LINK_GRACE_MS : INT32_MAX;
}

// The server's own statement_timeout should have spoken by now: it is stopped, or the network is.
static void watch(struct db_link *link) {
    if (list_is_empty(&link->fifo))
        return;
    int64_t now_ms = core_now_ms(link->db->core), due_ms = link->progress_ms + patience_ms(link), cancel_ms = link_cancel_due_ms(link);
    if (now_ms >= due_ms || (link->cancel.is_sent && now_ms >= cancel_ms)) {
        link_close(link, -ETIMEDOUT);
        return;
    }
    if (now_ms >= cancel_ms) {
        link_cancel(link);
        cancel_ms = link_cancel_due_ms(link);
    }
    wheel_arm(&link->db->core->wheel, &link->timer, cancel_ms < due_ms ? cancel_ms : due_ms);
}

static void on_timer(struct timer *timer) {
    struct db_link *link = container_of(timer, struct db_link, timer);
    bool is_wanted = !link->is_transactional || !list_is_empty(&link->db->leases_wanted);
    if (link_is_up(link))
        watch(link);
    else if (link->state == LINK_DOWN && is_wanted && !link->db->is_stopping)
        link_open(link);
}

// ---- fed

bool link_has_room(const struct db_link *link) {
    return link->state == LINK_READY && !link->cancel.is_sent && link->fifo_count < link->db->options.link_queries_max &&
           buffer_bytes(&link->output[link->filling]) < LINK_OUTPUT_BYTES_MAX;
}

struct buffer *link_output(struct db_link *link) {
    segment_close(link);
    return &link->output[link->filling];
}

void link_push(struct db_link *link, struct db_slot *slot) {
    struct core *core = link->db->core;
    if (list_is_empty(&link->fifo)) {
        link->progress_ms = core_now_ms(core);
        link->head_ns = core->now_ns;
        if (!timer_is_armed(&link->timer))
            wheel_arm(&core->wheel, &link->timer, link->progress_ms + patience_ms(link));
    }
    slot->link = link;
    list_push(&link->fifo, &slot->node);
    link->fifo_count++;
    if (!link->unsent)
        link->unsent = slot;
    core_defer(core, &link->flush);
}

int link_put_simple(struct db_link *link, struct db_slot *slot, const char *sql) {
    int error = wire_put_query(link_output(link), sql);
    if (!error)
        link_push(link, slot);
    return error;
}

int link_say(struct db_link *link, enum slot_kind kind, const char *sql) {
    struct db_slot *slot = slot_take(link->db, kind);
    if (!slot)
        return -ENOMEM;
    int error = link_put_simple(link, slot, sql);
    if (error)
        slot_give_back(slot);
    return error;
}

static const struct db_failure *why_not_encoded(struct db_slot *slot, int error, unsigned parameter) {
    struct arena *arena = slot_arena(slot);
    if (error != -ERANGE)
        return failure_of(error, false, arena, error == -ENOMEM ? "no memory for the query" : "the query is too long");
    const struct statement_parameter *which = &slot->statement->parameters[parameter];
    if (which->field)
        return failure_of_state("22003", arena, "field '%s' of the SET is out of its column's range", which->field->name);
    return failure_of_state("22003", arena, "$%u is out of its parameter's range", which->argument + 1);
}

static void encode(struct db_link *link, struct db_slot *slot) {
    unsigned parameter = 0;
    bool joins = link->use == LINK_READ && segment_is_open_to(link, slot);
    struct buffer *out = joins ? segment_output(link) : link_output(link);
    int error = bind_put(out, slot->prepared->name, slot->prepared->plan, slot->values, !joins, &parameter);
    if (error) {
        slot_fail_later(slot, why_not_encoded(slot, error, parameter));
        return;
    }
    link_push(link, slot);
    if (joins)
        segment_add(link, slot);
}

// A statement that the server refused may have got its table since. Inside a transaction the refusal would end that, so there it waits.
static void try_again(struct db_link *link, struct prepared *prepared) {
    bool is_due = core_now_ms(link->db->core) - prepared->broken_ms >= REPREPARE_MS;
    if (prepared->state == PREPARED_NONE || (prepared->state == PREPARED_BROKEN && is_due && !link->is_transactional))
        link_prepare_again(link, prepared);
    else if (prepared->state == PREPARED_BROKEN && is_due)
        link_mark_stale(link, prepared);
}

void link_submit(struct db_link *link, struct db_slot *slot) {
    struct prepared *prepared = slot->prepared = link_prepared(link, slot->statement);
    if (!prepared) {
        slot_fail_later(slot, failure_of(-EINVAL, false, slot_arena(slot), "its statement was never prepared"));
        return;
    }
    try_again(link, prepared);
    if (prepared->state == PREPARED_READY)
        encode(link, slot);
    else if (prepared->state == PREPARED_PENDING)
        list_push(&prepared->held, &slot->node);
    else
        slot_fail_later(slot, prepared_failure(prepared, slot_arena(slot)));
}

void link_sent(struct db_link *link) {
    struct buffer *sent = &link->output[!link->filling];
    if (sent->capacity > LINK_BUFFER_BYTES_KEPT)
        buffer_finish(sent);
    if (buffer_bytes(&link->output[link->filling]))
        core_defer(link->db->core, &link->flush);
}

// ---- read

static bool is_too_large(const struct db_link *link, char type, int64_t length) {
    return type == 'D' && (size_t)length > link->db->options.result_bytes_max;
}

// The row is dropped as it comes; its query fails.
static int skip_row(struct db_link *link, int64_t length, size_t here) {
    if (list_is_empty(&link->fifo))
        return -EPROTO;
    answer_too_large(container_of(link->fifo.next, struct db_slot, node));
    link->skip_bytes = (size_t)length - here;
    return 0;
}

static int append(struct db_link *link, const char *data, size_t bytes) {
    return buffer_append(&link->input, data, bytes);
}

// Completes the message at the head of the input: first its header, then all of it.
static int take_behind_input(struct db_link *link, const char *data, size_t bytes, size_t *ret_taken) {
    size_t have = buffer_bytes(&link->input);
    int64_t wanted = have < WIRE_HEAD_BYTES ? WIRE_HEAD_BYTES : wire_length(buffer_head(&link->input));
    size_t taken = (size_t)wanted - have < bytes ? (size_t)wanted - have : bytes;
    int error = append(link, data, taken);
    if (error)
        return error;
    *ret_taken = taken;
    have += taken;
    int64_t length = have < WIRE_HEAD_BYTES ? 0 : wire_length(buffer_head(&link->input));
    if (length < 0 || have < WIRE_HEAD_BYTES)
        return (int)length;
    if (is_too_large(link, *buffer_head(&link->input), length)) {
        buffer_consume(&link->input, have);
        return skip_row(link, length, have);
    }
    if (have < (size_t)length)
        return buffer_reserve(&link->input, (size_t)length - have) ? 0 : -ENOMEM;
    struct wire_message message;
    wire_next(buffer_head(&link->input), have, &message);
    error = link_answer(link, &message);
    buffer_consume(&link->input, have);
    if (link->input.capacity > LINK_BUFFER_BYTES_KEPT)
        buffer_finish(&link->input);
    return error;
}

// Takes one message, or what there is of it.
static int take(struct db_link *link, const char *data, size_t bytes, size_t *ret_taken) {
    if (link->skip_bytes) {
        *ret_taken = link->skip_bytes < bytes ? link->skip_bytes : bytes;
        link->skip_bytes -= *ret_taken;
        return 0;
    }
    if (buffer_bytes(&link->input))
        return take_behind_input(link, data, bytes, ret_taken);
    struct wire_message message;
    int64_t length = wire_next(data, bytes, &message);
    if (length < 0)
        return (int)length;
    *ret_taken = length ? (size_t)length : bytes;
    if (length)
        return link_answer(link, &message);
    if (bytes >= WIRE_HEAD_BYTES && is_too_large(link, data[0], wire_length(data)))
        return skip_row(link, wire_length(data), bytes);
    return append(link, data, bytes);
}

// Remembers how long a statement took: whether it goes apart the next time. Answers that come together were waited for by the first alone.
static void learn_slowness(struct db_link *link) {
    const struct statement *statement = link->first_answered;
    uint32_t us = link->first_answered_us;
    link->first_answered = NULL;
    if (!statement || link->answered_count > SLOW_BATCH_MAX)
        return;
    _Atomic(uint8_t) *score = &((struct statement *)statement)->slow_score;
    unsigned before = atomic_load_explicit(score, memory_order_relaxed), after = before;
    if (us >= SLOW_AT_ONCE_US && before < SLOW_SCORE)
        after = SLOW_SCORE;
    else if (us >= SLOW_US)
        after = before < SLOW_SCORE_MAX ? before + 1 : before;
    else if (us < QUICK_US && before)
        after = before - 1;
    if (after != before)
        atomic_store_explicit(score, (uint8_t)after, memory_order_relaxed);
}

void link_received(struct db_link *link, const char *data, size_t bytes) {
    link->progress_ms = core_now_ms(link->db->core);
    link->answered_count = 0;
    while (bytes && link_is_up(link)) { // whoever is answered may close it
        size_t taken = 0;
        int error = take(link, data, bytes, &taken);
        if (error && link_is_up(link))
            link_close(link, error);
        data += taken;
        bytes -= taken;
    }
    learn_slowness(link);
}

// ---- closed

/** How the slots of a link that is lost end, from the head of its FIFO on. */
struct loss {
    struct db_link *link;
    int error;
    bool is_head, is_unsent;
    bool is_among_several; // which share a Sync: Postgres may have been at any of them
    struct list again;
};

// What Postgres was at, as far as can be told.
static bool is_blamed(const struct loss *loss) {
    return loss->is_head && !loss->is_among_several;
}

// Certainly not executed, or a read of which nothing was seen.
static bool can_run_again(const struct loss *loss, const struct db_slot *slot) {
    if (slot->kind != SLOT_QUERY || loss->link->is_transactional || slot->failure || loss->link->db->is_stopping)
        return false;
    if (loss->is_unsent)
        return true;
    bool hung = is_blamed(loss) && loss->error == -ETIMEDOUT;
    return slot->statement->is_read && !slot->has_row && !slot->is_retried && !hung;
}

// A FATAL comes in the order of the answers: what is behind it was never begun, and what it met was rolled back.
static bool is_outcome_unknown(const struct loss *loss, const struct db_slot *slot) {
    if (loss->is_unsent)
        return false;
    if (slot->kind == SLOT_COMMIT)
        return true;
    if (loss->link->is_transactional)
        return false; // its transaction was never committed
    return !loss->link->is_fatal || (loss->is_head && slot->is_complete);
}

static const struct db_failure *why_lost(const struct loss *loss, struct db_slot *slot) {
    if (slot->failure)
        return slot->failure;
    bool hung = is_blamed(loss) && loss->error == -ETIMEDOUT;
    int error = loss->link->db->is_stopping ? -ECANCELED : hung ? -ETIMEDOUT : -ECONNRESET;
    return failure_of(error, is_outcome_unknown(loss, slot), slot_arena(slot), "the link to Postgres was lost: %s",
                      hung ? "no answer" : strerror(-loss->error));
}

static void settle(struct loss *loss, struct db_slot *slot) {
    slot->link = NULL;
    if (!slot->query) {
        slot_give_back(slot);
    } else if (can_run_again(loss, slot)) {
        slot->is_retried |= is_blamed(loss) && !loss->is_unsent && !loss->link->is_shut_down; // a query may kill its backend: not twice
        slot->is_alone |= loss->is_among_several && !loss->is_unsent;
        slot_reset(slot);
        list_push(&loss->again, &slot->node);
    } else {
        slot_fail_later(slot, why_lost(loss, slot));
    }
}

static void settle_fifo(struct db_link *link, int error) {
    struct loss loss = {.link = link, .error = error, .is_head = true};
    list_init(&loss.again);
    for (struct list *node; (node = list_pop(&link->fifo)); loss.is_head = false) {
        struct db_slot *slot = container_of(node, struct db_slot, node);
        bool shares_sync = slot->shares_sync;
        loss.is_unsent |= slot == link->unsent;
        loss.is_among_several |= loss.is_head && shares_sync;
        settle(&loss, slot);
        loss.is_among_several &= shares_sync;
    }
    link->fifo_count = 0;
    segment_forget(link);
    link->unsent = NULL;
    queue_again(link->db, &loss.again);
}

static void leave_lane(struct db_link *link) {
    if (link->lane) {
        link->lane->link = NULL;
        link->lane->has_failed |= link->has_begun;
    }
    link->lane = NULL;
    link->is_leased = link->has_begun = false;
}

static void say_lost(struct db_link *link, int error) {
    if (link->db->is_stopping)
        return;
    log_line(LOG_WARNING, "db_link_lost", "core=%u link=%u queries=%u cause=\"%s\"", link->db->core->index, link->index, link->fifo_count,
             link->is_fatal ? "ended by the server" : strerror(-error));
}

void link_close(struct db_link *link, int error) {
    struct db *db = link->db;
    say_lost(link, error);
    if (link->state == LINK_READY && core_now_ms(db->core) - link->ready_ms > db->options.backoff_ms_max)
        link->attempt_count = 0;
    link->state = LINK_CLOSING;
    db->reconnect_count += !db->is_stopping;
    wheel_disarm(&db->core->wheel, &link->timer);
    deferred_cancel(&link->flush);
    leave_lane(link);
    settle_fifo(link, error);
    link_forget_all(link);
    if (db->is_stopping && !link->is_sending)
        link->transport->say_goodbye(link);
    tls_stream_stop(&link->tls);
    shutdown(link->fd, SHUT_RDWR); // ends every operation in flight
    core_defer(db->core, &link->reap);
    db_check_preparations(db);
    queue_wake(db);
}

void link_reap(struct db_link *link) {
    if (link->state == LINK_CLOSING)
        core_defer(link->db->core, &link->reap);
}

static void reset_buffer(struct buffer *buffer) {
    if (buffer->capacity > LINK_BUFFER_BYTES_KEPT)
        buffer_finish(buffer);
    else
        buffer_consume(buffer, buffer_bytes(buffer));
}

static void on_reap(struct deferred *deferred) {
    struct db_link *link = container_of(deferred, struct db_link, reap);
    if (op_is_in_flight(&link->recv_op) || op_is_in_flight(&link->send_op) || tls_stream_is_busy(&link->tls) || link->cancel.handle)
        return; // each comes back, and asks again
    link_disconnect(link);
    reset_buffer(&link->input);
    reset_buffer(&link->output[0]);
    reset_buffer(&link->output[1]);
    link->skip_bytes = 0;
    link->is_sending = link->cancel.is_sent = false;
    link->state = LINK_DOWN;
    if (link->db->is_stopping)
        db_link_is_down(link->db);
    else if (!link->is_transactional || !list_is_empty(&link->db->leases_wanted))
        link_back_off(link);
}
