// app_internal.h — the inside of an app, for the files of this floor.
#ifndef APP_APP_INTERNAL_H
#define APP_APP_INTERNAL_H

#include "app/app.h"
#include "app/snapshot_internal.h"
#include "base/list.h"

enum { REQUEST_ID_BYTES = 24, REQUEST_ID_NAME_BYTES = 14, REQUEST_ID_LINE = REQUEST_ID_NAME_BYTES + REQUEST_ID_BYTES + 2 };

/** A snapshot on one core: how many requests hold it. */
struct generation {
    struct list node;
    struct snapshot *snapshot;
    unsigned pin_count;
    bool is_current;
    struct route_figures **routes;  // this core's, by endpoint; NULL: not counted
    struct query_figures **queries; // the same by statement
    struct route_figures **calls;   // the same by call site
    void (*released)(void *arg);
    void *arg;
};

struct app {
    struct core *core;
    const struct app_options *options;
    struct generation *generation; // what new requests see
    uint64_t generation_count;     // published so far
    struct list generations;
    struct db *db;
    struct outbound *outbound;
    struct hasher hasher;
    const struct listener *listener;
    struct core_figures *figures;
    enum log_level log_level;      // of what belongs to no plugin
    char id_line[REQUEST_ID_LINE]; // "X-Request-ID: " and the id that was made last
    struct arena scratch;          // of one dispatch: a decoded path
    struct list live, spare;       // requests
    unsigned live_count, spare_count;
    struct list ready_tasks;
    struct deferred start_tasks;
    struct cache *cache;
    struct list ready_refreshes; // of cached answers
    struct deferred start_refreshes;
    unsigned refresh_count; // begun or ready
    bool is_stopping, is_db_stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

void generation_pin(struct generation *generation);
void generation_unpin(struct generation *generation);
/** After every end: goes on with app_stop() when nothing is left. */
void app_check_stopped(struct app *app);

extern const struct http_app app_http;

#endif
