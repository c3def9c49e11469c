// census.c — what a core's requests and tasks are at: how many of each route, and since when.
#include "app/census.h"

#include "app/request.h"

void census_add(struct census *census, const struct census_entry *more) {
    for (unsigned i = 0; i < census->entry_count; i++) {
        struct census_entry *entry = &census->entries[i];
        if (entry->snapshot != more->snapshot || entry->activity != more->activity)
            continue;
        entry->count += more->count;
        entry->oldest_ns = more->oldest_ns < entry->oldest_ns ? more->oldest_ns : entry->oldest_ns;
        return;
    }
    if (census->entry_count < CENSUS_ENTRIES_MAX)
        census->entries[census->entry_count++] = *more;
    else
        census->uncounted += more->count;
}

void app_census(const struct app *app, struct census *ret_census) {
    struct census census = {0};
    const struct list *const lists[] = {&app->live, &app->ready_tasks};
    for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++)
        list_each (node, lists[i]) {
            const req *r = container_of(node, req, node);
            census_add(&census, &(struct census_entry){r->generation->snapshot, request_activity(r), 1, r->began_ns});
        }
    *ret_census = census;
}
