// db.c — the database of one core: its links, what they prepare, its figures, its end.
#include "db/db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/failure.h"
#include "db/state.h"

const struct db_options db_options_default = {
    .link_count = 2,
    .apart_link_count_max = 4,
    .transaction_link_count_max = 8,
    .queue_max = 4096,
    .link_queries_max = 256,
    .result_bytes_max = 128 * 1024 * 1024,
    .row_count_max = 10000,
    .down_wait_ms = 5000,
    .statement_timeout_ms = 30000,
    .backoff_ms_min = 50,
    .backoff_ms_max = 2000,
};

// ---- made

static void on_finish(struct deferred *deferred) {
    struct db *db = container_of(deferred, struct db, finish);
    struct list finished;
    list_init(&finished);
    list_append(&finished, &db->finished); // what is finished by these has its own turn
    for (struct list *node; (node = list_pop(&finished));)
        slot_finish(container_of(node, struct db_slot, node));
}

static void run_preparation(struct preparation *preparation) {
    list_remove(&preparation->node);
    preparation->done(preparation->arg);
    free(preparation);
}

static bool is_pending(const struct db_link *link, const struct statement_set *set) {
    for (unsigned k = 0; k < link->set_count; k++)
        if (link->sets[k].set == set && link->sets[k].pending_count)
            return true;
    return false;
}

// On one shared link at least, where there is one. The others may be at a statement that takes its time: nobody waits for that.
static bool is_prepared(const struct db *db, const struct statement_set *set) {
    bool any_up = false;
    for (unsigned i = 0; i < db->options.link_count; i++) {
        const struct db_link *link = &db->links[i];
        if (link_is_up(link) && !is_pending(link, set))
            return true;
        any_up |= link_is_up(link);
    }
    return !any_up;
}

static void on_prepared(struct deferred *deferred) {
    struct db *db = container_of(deferred, struct db, prepared);
    list_each_safe (node, &db->preparations) {
        struct preparation *preparation = container_of(node, struct preparation, node);
        if (is_prepared(db, preparation->set))
            run_preparation(preparation);
    }
}

void db_check_preparations(struct db *db) {
    if (!list_is_empty(&db->preparations))
        core_defer_to_next_turn(db->core, &db->prepared);
}

static void on_stop(struct deferred *deferred) {
    struct db *db = container_of(deferred, struct db, stop);
    db->stopped(db->stopped_arg);
}

static void init_lists(struct db *db) {
    list_init(&db->waiting);
    list_init(&db->reads_waiting);
    list_init(&db->leases_wanted);
    list_init(&db->finished);
    list_init(&db->preparations);
    list_init(&db->free_slots);
    list_init(&db->chunks);
    deferred_init(&db->dispatch, queue_dispatch);
    deferred_init(&db->finish, on_finish);
    deferred_init(&db->prepared, on_prepared);
    deferred_init(&db->stop, on_stop);
}

static enum link_use use_of(const struct db *db, unsigned index) {
    if (index < db_shared_count(db))
        return index < db->options.link_count ? LINK_SHARED : LINK_APART;
    return index == db->link_count - 1 ? LINK_READ : LINK_TRANSACTION;
}

static int make_links(struct db *db) {
    unsigned count = db_shared_count(db) + db->options.transaction_link_count_max + 1;
    db->links = calloc(count, sizeof *db->links);
    if (!db->links)
        return -ENOMEM;
    db->link_count = count;
    for (unsigned i = 0; i < count; i++)
        link_init(&db->links[i], db, i, use_of(db, i));
    return 0;
}

int db_create(struct core *core, struct offload *connector, const struct db_options *options, struct statement_set *set,
              struct db **ret_db) {
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        return -ENOMEM;
    db->core = core;
    db->connector = connector;
    db->options = *options;
    db->random = ((uint64_t)clock_monotonic_ns() ^ (uint64_t)(uintptr_t)db) | 1;
    init_lists(db);
    if (set)
        db->sets[db->set_count++] = set;
    db->conninfo = options->conninfo ? strdup(options->conninfo) : NULL;
    if ((options->conninfo && !db->conninfo) || (options->is_rehearsal && rehearsal_create(db)) || make_links(db)) {
        rehearsal_destroy(db->rehearsal);
        free(db->conninfo);
        free(db);
        return -ENOMEM;
    }
    for (unsigned i = 0; db->conninfo && i < db->options.link_count; i++)
        link_open(&db->links[i]);
    *ret_db = db;
    return 0;
}

// ---- its statements

static bool has_set(const struct db *db, const struct statement_set *set) {
    for (unsigned i = 0; i < db->set_count; i++)
        if (db->sets[i] == set)
            return true;
    return false;
}

static void add_set(struct db *db, struct statement_set *set) {
    if (has_set(db, set))
        return;
    if (db->set_count == SETS_MAX) { // its queries fail, and say that their statements were never prepared
        log_line(LOG_ERROR, "statements_not_prepared", "cause=\"%d plugin generations are alive\"", SETS_MAX);
        return;
    }
    db->sets[db->set_count++] = set;
    for (unsigned i = 0; i < db->link_count; i++) {
        struct db_link *link = &db->links[i];
        int error = link_is_up(link) ? link_prepare_set(link, set) : 0;
        if (error)
            link_close(link, error);
    }
}

void db_prepare(struct db *db, struct statement_set *set, void (*done)(void *arg), void *arg) {
    add_set(db, set);
    struct preparation *preparation = calloc(1, sizeof *preparation);
    if (!preparation) {
        done(arg); // early: what is not prepared yet is held until it is
        return;
    }
    *preparation = (struct preparation){.set = set, .done = done, .arg = arg};
    list_push(&db->preparations, &preparation->node);
    db_check_preparations(db);
}

static void fail_waiting(struct list *list, const struct statement_set *set, const char *why) {
    list_each_safe (node, list) {
        struct db_slot *slot = container_of(node, struct db_slot, node);
        if (!set || (slot->statement && slot->statement->set == set))
            slot_fail_later(slot, failure_of(-ECANCELED, false, slot_arena(slot), "%s", why));
    }
}

static void drop_preparations(struct db *db, const struct statement_set *set) {
    list_each_safe (node, &db->preparations) {
        struct preparation *preparation = container_of(node, struct preparation, node);
        if (preparation->set != set)
            continue;
        list_remove(node);
        free(preparation);
    }
}

void db_forget(struct db *db, struct statement_set *set) {
    drop_preparations(db, set);
    for (unsigned i = 0; i < db->set_count; i++)
        if (db->sets[i] == set)
            db->sets[i--] = db->sets[--db->set_count];
    fail_waiting(&db->waiting, set, "its plugin is gone");
    fail_waiting(&db->reads_waiting, set, "its plugin is gone");
    fail_waiting(&db->leases_wanted, set, "its plugin is gone");
    for (unsigned i = 0; i < db->link_count; i++)
        if (link_is_up(&db->links[i]))
            link_forget_set(&db->links[i], set);
}

// ---- its end

void db_link_is_down(struct db *db) {
    for (unsigned i = 0; i < db->link_count; i++)
        if (db->links[i].state != LINK_DOWN)
            return;
    core_defer_to_next_turn(db->core, &db->stop);
}

void db_stop(struct db *db, void (*done)(void *arg), void *arg) {
    db->is_stopping = true;
    db->stopped = done;
    db->stopped_arg = arg;
    fail_waiting(&db->waiting, NULL, "the server stops");
    fail_waiting(&db->reads_waiting, NULL, "the server stops");
    fail_waiting(&db->leases_wanted, NULL, "the server stops");
    for (unsigned i = 0; i < db->link_count; i++) {
        wheel_disarm(&db->core->wheel, &db->links[i].timer);
        if (link_is_up(&db->links[i]))
            link_close(&db->links[i], -ESHUTDOWN);
    }
    fail_waiting(&db->waiting, NULL, "the server stops"); // those that a link had held
    fail_waiting(&db->reads_waiting, NULL, "the server stops");
    db_link_is_down(db);
}

void db_destroy(struct db *db) {
    if (!db)
        return;
    on_finish(&db->finish); // nobody is left without an answer
    for (struct list *node; (node = db->preparations.next) != &db->preparations;)
        run_preparation(container_of(node, struct preparation, node));
    deferred_cancel(&db->dispatch);
    deferred_cancel(&db->finish);
    deferred_cancel(&db->prepared);
    deferred_cancel(&db->stop);
    for (unsigned i = 0; i < db->link_count; i++)
        link_finish(&db->links[i]);
    rehearsal_destroy(db->rehearsal);
    slots_free(db);
    free(db->links);
    free(db->conninfo);
    free(db);
}

// ---- its figures

bool db_is_ready(const struct db *db) {
    for (unsigned i = 0; i < db->link_count; i++)
        if (db->links[i].state == LINK_READY && (i < db->options.link_count || db->rehearsal))
            return true;
    return false;
}

static unsigned length(const struct list *list) {
    unsigned count = 0;
    list_each (node, list)
        count++;
    return count;
}

void db_figures(const struct db *db, struct db_figures *ret_figures) {
    struct db_figures figures = {.query_count = db->query_count,
                                 .failure_count = db->failure_count,
                                 .reconnect_count = db->reconnect_count,
                                 .flush_count = db->flush_count};
    for (unsigned i = 0; i < db->link_count; i++) {
        const struct db_link *link = &db->links[i];
        figures.links_ready += link->state == LINK_READY;
        figures.links_wanted += link->use == LINK_SHARED || link->state != LINK_DOWN;
        figures.queries_in_flight += link->fifo_count;
    }
    figures.queries_waiting = length(&db->waiting) + length(&db->reads_waiting) + length(&db->leases_wanted);
    *ret_figures = figures;
}
