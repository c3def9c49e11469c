// link_prepare.c — the statements that a link knows: prepared in one burst, described once, their queries held meanwhile.
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "db/failure.h"
#include "db/state.h"

static struct prepared_set *find_set(struct db_link *link, const struct statement_set *set) {
    for (unsigned i = link->set_count; i--;) // the newest generation has the most traffic
        if (link->sets[i].set == set)
            return &link->sets[i];
    return NULL;
}

struct prepared *link_prepared(struct db_link *link, const struct statement *statement) {
    struct prepared_set *set = find_set(link, statement->set);
    return set && statement->index < statement_count(set->set) ? &set->items[statement->index] : NULL;
}

// ---- asked

int link_prepare_again(struct db_link *link, struct prepared *prepared) {
    struct prepared_set *set = find_set(link, prepared->statement->set);
    struct db_slot *slot = slot_take(link->db, SLOT_PREPARE);
    if (!slot)
        return -ENOMEM;
    char name[STATEMENT_NAME_BYTES];
    snprintf(name, sizeof name, "s%016" PRIx64 "_%u", prepared->statement->hash, link->prepare_number);
    int error = wire_put_prepare(link_output(link), name, prepared->statement->sql);
    if (error) {
        slot_give_back(slot);
        return error;
    }
    link->prepare_number++;
    memcpy(prepared->name, name, sizeof name);
    prepared->state = PREPARED_PENDING;
    set->stale_count -= prepared->is_stale;
    prepared->is_stale = false;
    free(prepared->message);
    prepared->message = NULL;
    slot->statement = prepared->statement;
    slot->prepared = prepared;
    link->pending_count++;
    set->pending_count++;
    link_push(link, slot);
    return 0;
}

void link_mark_stale(struct db_link *link, struct prepared *prepared) {
    if (prepared->is_stale)
        return;
    prepared->is_stale = true;
    find_set(link, prepared->statement->set)->stale_count++;
}

int link_prepare_set(struct db_link *link, struct statement_set *set) {
    size_t count = statement_count(set);
    struct prepared *items = calloc(count ? count : 1, sizeof *items);
    if (!items)
        return -ENOMEM;
    link->sets[link->set_count++] = (struct prepared_set){.set = set, .items = items};
    for (size_t i = 0; i < count; i++) {
        items[i].statement = statement_at(set, i);
        list_init(&items[i].held);
    }
    int error = 0;
    for (size_t i = 0; i < count && !error; i++)
        if (link->is_leased) // a transaction that has failed would refuse them all
            link_mark_stale(link, &items[i]);
        else
            error = link_prepare_again(link, &items[i]);
    return error;
}

int link_prepare_stale(struct db_link *link) {
    int count = 0;
    for (unsigned i = 0; i < link->set_count; i++) {
        struct prepared_set *set = &link->sets[i];
        for (size_t k = 0; set->stale_count && k < statement_count(set->set); k++) {
            if (!set->items[k].is_stale)
                continue;
            int error = link_prepare_again(link, &set->items[k]);
            if (error)
                return error;
            count++;
        }
    }
    return count;
}

// ---- answered

static void break_with(struct db_link *link, struct prepared *prepared, const struct plan *plan) {
    prepared->state = PREPARED_BROKEN;
    prepared->plan = plan;
    prepared->broken_ms = core_now_ms(link->db->core);
}

static int on_parameters(struct db_link *link, const struct wire_message *message) {
    struct wire_reader reader = wire_read(message);
    link->description.parameter_count = wire_read_u16(&reader);
    for (unsigned i = 0; i < link->description.parameter_count; i++) {
        uint32_t oid = wire_read_u32(&reader);
        if (i < STATEMENT_PARAMETERS_MAX)
            link->description.parameters[i].oid = oid;
    }
    return reader.is_short ? -EPROTO : 0;
}

static int read_columns(struct description *description, const struct wire_message *message) {
    struct wire_reader reader = wire_read(message);
    description->column_count = wire_read_u16(&reader);
    for (unsigned i = 0; i < description->column_count; i++) {
        str name = wire_read_text(&reader);
        wire_read_u32(&reader); // its table
        wire_read_u16(&reader); // and its number there
        uint32_t oid = wire_read_u32(&reader);
        wire_read_u16(&reader); // size
        wire_read_u32(&reader); // modifier
        wire_read_u16(&reader); // format: not known yet
        if (i < DESCRIPTION_COLUMNS_MAX) {
            description->columns[i].name = name;
            description->columns[i].oid = oid;
        }
    }
    return reader.is_short ? -EPROTO : 0;
}

static void say_unfit(const struct plan *plan) {
    log_line(LOG_ERROR, "statement_unfit", "%.*s", (int)plan->unfit.len, plan->unfit.ptr);
}

// The description is whole: names in it are slices of this message, so it is judged at once.
static void judge(struct db_link *link, struct prepared *prepared) {
    const struct plan *plan;
    bool is_new;
    int error = plan_of(prepared->statement, &link->description, &plan, &is_new);
    if (error) {
        break_with(link, prepared, NULL);
        return;
    }
    if (is_new && plan->unfit.ptr)
        say_unfit(plan);
    if (plan->unfit.ptr) {
        break_with(link, prepared, plan);
        return;
    }
    prepared->state = PREPARED_READY;
    prepared->plan = plan;
    atomic_store_explicit(&((struct statement *)prepared->statement)->refusal, 0, memory_order_relaxed);
}

// By one link of all that share the statement, and again only when the reason changes.
static void say_refused(const struct prepared *prepared) {
    uint64_t state = 0;
    memcpy(&state, prepared->sqlstate, sizeof prepared->sqlstate);
    struct statement *statement = (struct statement *)prepared->statement;
    if (atomic_exchange_explicit(&statement->refusal, state, memory_order_relaxed) == state)
        return;
    const leat_query *query = statement->query;
    log_line(LOG_ERROR, "statement_refused", "%s:%u: error: %s (%s)", query->base.file, query->base.line,
             prepared->message ? prepared->message : "", prepared->sqlstate);
}

static int on_refused(struct db_link *link, struct prepared *prepared, const struct wire_message *message) {
    struct error_fields fields;
    int error = error_read(message, &fields);
    if (error || !prepared)
        return error;
    if (link->cancel.is_sent && error_is_cancel(&fields)) { // meant for another: asked again when it is wanted
        prepared->state = PREPARED_NONE;
        return 0;
    }
    break_with(link, prepared, NULL);
    memcpy(prepared->sqlstate, fields.sqlstate, sizeof prepared->sqlstate);
    prepared->message = strndup(fields.message.ptr ? fields.message.ptr : "", fields.message.len);
    say_refused(prepared);
    return 0;
}

int prepare_answer(struct db_link *link, struct db_slot *slot, const struct wire_message *message) {
    int error = 0;
    switch (message->type) {
    case '1':
        return 0;
    case 't':
        return on_parameters(link, message);
    case 'n':
        link->description.column_count = 0;
        break;
    case 'T':
        error = read_columns(&link->description, message);
        break;
    case 'E':
        return on_refused(link, slot->prepared, message);
    default:
        return -EPROTO;
    }
    if (!error && slot->prepared) // NULL: forgotten meanwhile
        judge(link, slot->prepared);
    return error;
}

static void release_held(struct db_link *link, struct prepared *prepared) {
    struct list held;
    list_init(&held);
    list_append(&held, &prepared->held);
    for (struct list *node; (node = list_pop(&held));)
        link_submit(link, container_of(node, struct db_slot, node));
}

void prepare_finish(struct db_link *link, struct db_slot *slot) {
    struct prepared *prepared = slot->prepared;
    slot_give_back(slot);
    link->pending_count--;
    if (prepared) {
        find_set(link, prepared->statement->set)->pending_count--;
        if (prepared->state == PREPARED_PENDING) // no description came
            break_with(link, prepared, NULL);
        release_held(link, prepared);
    }
    if (link->pending_count == 0 && link->state == LINK_PREPARING)
        link_ready(link);
    db_check_preparations(link->db);
}

const struct db_failure *prepared_failure(const struct prepared *prepared, struct arena *arena) {
    if (prepared->message)
        return failure_of_state(prepared->sqlstate, arena, "%s", prepared->message);
    if (prepared->plan)
        return failure_of(-EINVAL, false, arena, "%.*s", (int)prepared->plan->unfit.len, prepared->plan->unfit.ptr);
    return failure_of(-EINVAL, false, arena, "its types could not be had");
}

// ---- forgotten

static void let_go_of_held(struct db_link *link, struct prepared *prepared) {
    for (struct list *node; (node = list_pop(&prepared->held));) {
        struct db_slot *slot = container_of(node, struct db_slot, node);
        slot->prepared = NULL;
        if (link->is_transactional)
            slot_fail_later(slot, failure_of(-ECONNRESET, false, slot_arena(slot), "the link to Postgres was lost"));
        else
            queue_wait(slot, NULL);
    }
}

static void drop_items(struct db_link *link, struct prepared_set *set) {
    for (size_t i = 0; i < statement_count(set->set); i++) {
        let_go_of_held(link, &set->items[i]);
        free(set->items[i].message);
    }
    free(set->items);
}

void link_forget_all(struct db_link *link) {
    for (unsigned i = 0; i < link->set_count; i++)
        drop_items(link, &link->sets[i]);
    link->set_count = link->pending_count = 0;
}

static void close_items(struct db_link *link, struct prepared_set *set) {
    for (size_t i = 0; i < statement_count(set->set); i++) {
        struct db_slot *slot = set->items[i].name[0] ? slot_take(link->db, SLOT_CLOSE) : NULL;
        if (!slot)
            continue; // it stays with the server for as long as the link lives
        if (wire_put_close(link_output(link), set->items[i].name) == 0)
            link_push(link, slot);
        else
            slot_give_back(slot);
    }
}

// What is in the FIFO no longer refers to the set: its answers are read and dropped.
static void orphan_slots(struct db_link *link, const struct statement_set *set) {
    list_each (node, &link->fifo) {
        struct db_slot *slot = container_of(node, struct db_slot, node);
        if (slot->statement && slot->statement->set == set) {
            assert(!slot->query); // db_forget() promises that nobody uses the set any more
            slot->prepared = NULL;
            slot->statement = NULL;
        }
    }
}

void link_forget_set(struct db_link *link, struct statement_set *set) {
    struct prepared_set *prepared = find_set(link, set);
    if (!prepared)
        return;
    orphan_slots(link, set);
    close_items(link, prepared);
    drop_items(link, prepared);
    *prepared = link->sets[--link->set_count]; // order is no matter: they are found by address
}
