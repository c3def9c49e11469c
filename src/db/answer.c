// answer.c — what a message of the server means to the query at the head of a link's FIFO.
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "db/failure.h"
#include "db/row.h"
#include "db/state.h"

enum { ROW_CAPACITY_MIN = 4, ROWS_EXPECTED_BYTES_MAX = 64 * 1024 };

// ---- rows

static void fail_with_fault(struct db_slot *slot, const struct row_fault *fault) {
    const leat_query *query = slot->statement->query;
    struct arena *arena = slot_arena(slot);
    const char *name = fault->column->field ? field_column(fault->column->field) : "value";
    if (fault->kind == ROW_IS_NULL)
        slot->failure = failure_of(-EBADMSG, false, arena, "%s:%u: column '%s' is NULL, but its field is neither .nullable nor .optional",
                                   query->base.file, query->base.line, name);
    else if (fault->kind == ROW_LABEL)
        slot->failure = failure_of(-EBADMSG, false, arena, "%s:%u: '%.*s' in column '%s' is no value of %s", query->base.file,
                                   query->base.line, (int)fault->value.len, fault->value.ptr, name, fault->column->type->name);
    else if (fault->kind == ROW_NULL_ITEM)
        slot->failure = failure_of(-EBADMSG, false, arena, "%s:%u: the array in column '%s' holds NULL, which no item of a list can be",
                                   query->base.file, query->base.line, name);
    else if (fault->kind == ROW_DIMENSIONS)
        slot->failure = failure_of(-EBADMSG, false, arena, "%s:%u: the array in column '%s' has more than one dimension: a list has one",
                                   query->base.file, query->base.line, name);
    else
        slot->failure =
            failure_of(-EBADMSG, false, arena, "%s:%u: column '%s' is not what was described", query->base.file, query->base.line, name);
}

static size_t first_capacity(const struct db_slot *slot, size_t row_bytes) {
    if (slot->statement->query->shape != LEAT_MANY)
        return 1;
    size_t expected = slot->prepared ? slot->prepared->row_count_expected : 0, most = ROWS_EXPECTED_BYTES_MAX / row_bytes;
    expected = expected < most ? expected : most;
    return expected > ROW_CAPACITY_MIN ? expected : ROW_CAPACITY_MIN;
}

// Room for one more row; they lie side by side, so a longer list moves.
static char *row_room(struct db_slot *slot) {
    size_t row_bytes = slot->statement->query->row->bytes;
    if (slot->row_count < slot->row_capacity)
        return slot->rows + slot->row_count * row_bytes;
    size_t capacity = slot->row_capacity ? 2 * slot->row_capacity : first_capacity(slot, row_bytes);
    char *rows = arena_raw(slot_arena(slot), capacity * row_bytes);
    if (!rows)
        return NULL;
    if (slot->row_count)
        memcpy(rows, slot->rows, slot->row_count * row_bytes);
    slot->rows = rows;
    slot->row_capacity = capacity;
    return rows + slot->row_count * row_bytes;
}

static bool is_beyond_limits(struct db_slot *slot, size_t bytes) {
    const struct db_options *options = &slot->db->options;
    slot->result_bytes += bytes;
    if (slot->row_count < options->row_count_max && slot->result_bytes <= options->result_bytes_max)
        return false;
    const leat_query *query = slot->statement->query;
    slot->failure = failure_of(-EMSGSIZE, false, slot_arena(slot), "%s:%u: the result is beyond %u rows or %zu bytes", query->base.file,
                               query->base.line, options->row_count_max, options->result_bytes_max);
    return true;
}

void answer_too_large(struct db_slot *slot) {
    slot->has_row = true;
    if (slot->query && !slot->failure)
        slot->failure =
            failure_of(-EMSGSIZE, false, slot_arena(slot), "a row is larger than %zu bytes", slot->db->options.result_bytes_max);
}

// A script's result is the first value of its first row, as text (chapter "Message Formats", DataRow).
static int on_text_row(struct db_slot *slot, const struct wire_message *message) {
    struct wire_reader reader = wire_read(message);
    uint16_t column_count = wire_read_u16(&reader);
    uint32_t bytes = column_count ? wire_read_u32(&reader) : UINT32_MAX;
    if (bytes != UINT32_MAX && bytes > (size_t)(reader.end - reader.cursor))
        return -EPROTO;
    if (slot->query && slot->row_count++ == 0) {
        str *value = arena_alloc(slot->query->arena, sizeof *value);
        if (value && bytes != UINT32_MAX)
            *value = arena_copy(slot->query->arena, (str){reader.cursor, bytes});
        slot->rows = (char *)value;
    }
    return 0;
}

static int on_row(struct db_slot *slot, const struct wire_message *message) {
    if (slot->kind == SLOT_SCRIPT)
        return on_text_row(slot, message);
    slot->has_row = true;
    if (!slot->query || slot->failure)
        return 0;
    unsigned shape = slot->statement->query->shape;
    bool is_wanted = shape == LEAT_MANY || (shape != LEAT_EXEC && !slot->row_count);
    if (!is_wanted || is_beyond_limits(slot, message->bytes))
        return 0;
    char *row = row_room(slot);
    struct row_fault fault;
    int error = row ? row_decode(slot->prepared->plan, (str){message->body, message->bytes}, slot_arena(slot), row, &fault) : -ENOMEM;
    if (error == -ENOMEM)
        slot->failure = failure_of(-ENOMEM, false, slot_arena(slot), "no memory for the row");
    else if (error == -EBADMSG)
        fail_with_fault(slot, &fault);
    slot->row_count += error == 0;
    return error == -EPROTO ? error : 0;
}

// ---- ends

// "INSERT 0 5", "UPDATE 5", "SELECT 5": the last word, where it is a number.
static i64 touched_of(str tag) {
    size_t start = tag.len;
    while (start && tag.ptr[start - 1] >= '0' && tag.ptr[start - 1] <= '9')
        start--;
    i64 count = 0;
    for (size_t i = start; i < tag.len; i++)
        count = count * 10 + (tag.ptr[i] - '0');
    return count;
}

static int on_complete(struct db_slot *slot, const struct wire_message *message) {
    struct wire_reader reader = wire_read(message);
    str tag = wire_read_text(&reader);
    if (reader.is_short)
        return -EPROTO;
    slot->is_complete = true;
    slot->touched = touched_of(tag);
    bool was_rolled_back = slot->kind == SLOT_COMMIT && tag.len == 8 && memcmp(tag.ptr, "ROLLBACK", 8) == 0;
    if (was_rolled_back && slot->query && !slot->failure)
        slot->failure = failure_of_state("25P02", slot_arena(slot), "the transaction had failed before its COMMIT");
    return 0;
}

static void *make_list(struct db_slot *slot) {
    struct {
        void *items;
        size_t n;
    } *list = arena_raw(slot_arena(slot), sizeof *list);
    if (list) {
        list->items = slot->rows;
        list->n = slot->row_count;
    }
    return list;
}

// By shape; false without memory.
static bool make_result(struct db_slot *slot) {
    struct db_query *query = slot->query;
    query->found = slot->row_count > 0;
    switch (slot->statement->query->shape) {
    case LEAT_ONE:
        query->result = slot->rows;
        return true;
    case LEAT_MANY:
        return (query->result = make_list(slot)) != NULL;
    case LEAT_SCALAR:
        query->result = slot->rows ? slot->rows : arena_alloc(query->arena, slot->statement->query->row->bytes);
        return query->result;
    }
    query->found = slot->touched > 0;
    query->result = arena_raw(query->arena, sizeof(i64));
    if (query->result)
        *(i64 *)query->result = slot->touched;
    return query->result;
}

// Half of what was expected before and half of what came: a list's first guess of its length.
static void learn_row_count(struct db_slot *slot) {
    if (slot->prepared && slot->statement->query->shape == LEAT_MANY)
        slot->prepared->row_count_expected = (uint32_t)(slot->prepared->row_count_expected / 2 + (slot->row_count + 1) / 2);
}

static void finish_query(struct db_link *link, struct db_slot *slot) {
    if (link->use == LINK_READ)
        segment_learn(slot);
    if (slot->query && !slot->failure) {
        learn_row_count(slot);
        if (!make_result(slot))
            slot->failure = failure_of(-ENOMEM, false, slot_arena(slot), "no memory for the result");
    }
    slot_finish(slot);
}

// Nothing was executed: prepared anew under another name, it runs once more.
static void run_anew(struct db_link *link, struct db_slot *slot) {
    struct prepared *prepared = slot->prepared;
    slot_reset(slot);
    slot->is_rerun = true;
    if (prepared->state == PREPARED_READY)
        prepared->state = PREPARED_NONE;
    link_submit(link, slot);
}

// It was cancelled in another's place, and so was not executed.
static void run_elsewhere(struct db_slot *slot) {
    struct list again;
    list_init(&again);
    slot_reset(slot);
    slot->is_alone |= slot->is_for_reads;
    list_push(&again, &slot->node);
    queue_again(slot->db, &again);
    queue_wake(slot->db);
}

static void finish(struct db_link *link, struct db_slot *slot) {
    switch (slot->kind) {
    case SLOT_PREPARE:
        prepare_finish(link, slot);
        return;
    case SLOT_QUERY:
        if (slot->is_hit && slot->query)
            run_elsewhere(slot);
        else if (slot->is_stale && slot->query)
            run_anew(link, slot);
        else
            finish_query(link, slot);
        return;
    case SLOT_SCRIPT:
        if (slot->query)
            slot->query->result = slot->rows;
        slot_finish(slot);
        return;
    default:
        slot_finish(slot);
    }
}

// ---- errors

static void on_stale(struct db_link *link, struct db_slot *slot, const struct error_fields *fields) {
    if (slot->prepared && link->is_transactional)
        link_mark_stale(link, slot->prepared);
    slot->is_stale = slot->prepared && slot->query && !link->is_transactional && !slot->is_rerun;
    if (!slot->is_stale && slot->query)
        slot->failure = failure_of_error(fields, slot_arena(slot));
}

static bool may_run_again(const struct db_link *link, const struct db_slot *slot) {
    return slot->kind == SLOT_QUERY && !link->is_transactional && slot->statement && slot->statement->is_read && !slot->has_row &&
           !slot->is_retried;
}

static int on_error(struct db_link *link, struct db_slot *slot, const struct wire_message *message) {
    struct error_fields fields;
    int error = error_read(message, &fields);
    if (error)
        return error;
    if (fields.is_fatal) {
        link->is_fatal = true;
        link->is_shut_down |= error_is_shutdown(&fields);
        if (slot && slot->query && !slot->failure && !slot->is_complete && !may_run_again(link, slot))
            slot->failure = failure_of_error(&fields, slot_arena(slot));
        return -ECONNRESET;
    }
    if (!slot)
        return -EPROTO;
    if (slot->kind == SLOT_PREPARE)
        return prepare_answer(link, slot, message);
    link->is_cut = slot->shares_sync;
    if (slot->kind == SLOT_QUERY && link->cancel.is_sent && !link->is_transactional && error_is_cancel(&fields))
        slot->is_hit = true;
    else if (slot->kind == SLOT_QUERY && error_is_stale_statement(&fields))
        on_stale(link, slot, &fields);
    else if (slot->query && !slot->failure)
        slot->failure = failure_of_error(&fields, slot_arena(slot));
    return 0;
}

// ---- all of it

// The first of those that come together is the one that the others waited for; of a segment's it may be any.
static void note_time(struct db_link *link, const struct db_slot *slot) {
    int64_t now_ns = link->db->core->now_ns;
    if (link->answered_count++ == 0 && slot->kind == SLOT_QUERY && !link->segment_began_ns) {
        int64_t us = (now_ns - link->head_ns) / 1000;
        link->first_answered = slot->statement;
        link->first_answered_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
    }
    link->head_ns = now_ns;
}

static void take_off(struct db_link *link, struct db_slot *slot) {
    if (slot->shares_sync)
        segment_answering(link);
    list_remove(&slot->node);
    link->fifo_count--;
    note_time(link, slot);
    slot->link = NULL;
}

// Its neighbours' ReadyForQuery is not waited for: no later failure takes a read back.
static int on_end(struct db_link *link, struct db_slot *slot) {
    if (!slot->shares_sync)
        return 0;
    if (!slot->is_complete || link->is_cut)
        return -EPROTO;
    take_off(link, slot);
    slot->shares_sync = false;
    finish(link, slot);
    return 0;
}

static int on_ready(struct db_link *link, struct db_slot *slot, const struct wire_message *message) {
    if (message->bytes != 1)
        return -EPROTO;
    if (slot->shares_sync && (!link->is_cut || segment_is_unsent(link)))
        return -EPROTO;
    link->status = message->body[0];
    take_off(link, slot);
    if (link->use == LINK_READ)
        segment_answered(link, slot);
    bool left_open = !link->is_transactional && link->status != 'I';
    if (!list_is_empty(&link->db->waiting) || !list_is_empty(&link->db->reads_waiting))
        queue_wake(link->db);
    link_cancel_look(link);
    link_cancel_settle(link);
    finish(link, slot); // whoever is answered may submit more, or close the link
    if (link_is_up(link) && list_is_empty(&link->fifo) && link->is_leased && !link->has_begun)
        link_release(link);
    if (link->db->rehearsal)
        rehearsal_answered(link->db->rehearsal);
    return left_open ? -EPROTO : 0;
}

static int on_query_message(struct db_link *link, struct db_slot *slot, const struct wire_message *message) {
    int error;
    switch (message->type) {
    case '2': // BindComplete
    case 'T': // RowDescription: of a simple statement
        return 0;
    case 'D':
        return on_row(slot, message);
    case 'C':
        error = on_complete(slot, message);
        return error ? error : on_end(link, slot);
    case 'I': // EmptyQueryResponse
    case 's': // PortalSuspended
        slot->is_complete = true;
        return on_end(link, slot);
    }
    return -EPROTO; // COPY's among them
}

// An immediate shutdown, or a crash of another session, says so by a warning and then no more.
static void on_notice(struct db_link *link, const struct wire_message *message) {
    struct error_fields fields;
    if (error_read(message, &fields) == 0)
        link->is_shut_down |= error_is_shutdown(&fields);
}

int link_answer(struct db_link *link, const struct wire_message *message) {
    if (message->type == 'N')
        on_notice(link, message);
    if (message->type == 'N' || message->type == 'S' || message->type == 'A')
        return 0;
    struct db_slot *slot = list_is_empty(&link->fifo) ? NULL : container_of(link->fifo.next, struct db_slot, node);
    if (message->type == 'E')
        return on_error(link, slot, message);
    if (!slot)
        return -EPROTO;
    if (message->type == 'Z')
        return on_ready(link, slot, message);
    if (slot->kind == SLOT_PREPARE)
        return prepare_answer(link, slot, message);
    if (slot->kind == SLOT_CLOSE)
        return message->type == '3' ? 0 : -EPROTO;
    return segment_is_unsent(link) ? -EPROTO : on_query_message(link, slot, message);
}
