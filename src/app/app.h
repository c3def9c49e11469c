// app.h — what serves requests on one core: its snapshot, its database, its policies.
#ifndef APP_APP_H
#define APP_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "app/cors.h"
#include "app/figures.h"
#include "app/readiness.h"
#include "app/roster.h"
#include "app/snapshot.h"
#include "auth/hasher.h"
#include "auth/jwt.h"
#include "cache/cache.h"
#include "db/db.h"
#include "engine/core.h"
#include "http/coding.h"
#include "http/session.h"
#include "outbound/outbound.h"

/** The same for all cores; lives as long as they do. */
struct app_options {
    struct http_limits http;
    struct db_options db;
    struct outbound_options outbound;
    struct cors cors;
    struct coding_options coding; // of bodies; bytes_min is SIZE_MAX where none is coded
    struct jwt_key jwt;           // an empty secret: jwt_issue and jwt_check fail the request with 500
    struct offload *connector;    // worker threads for connecting
    struct offload *hashing;      // worker threads for passwords
    struct offload *blocking;     // worker threads for .blocking handlers and providers
    struct offload *files;        // worker threads for what waits for a disk; NULL: uploads cannot be kept
    const char *upload_folder;    // of temporary files; NULL: uploads stay below 64 KiB
    struct password_cost password_cost;
    unsigned task_queue_max;           // tasks that wait on a core, 100,000: then who spawns is answered 503
    unsigned tasks_at_once_max;        // tasks that run on a core, 256
    uint32_t heartbeat_ms;             // 15 s: of events that have nothing to say
    uint32_t request_ms;               // 30 s: 504
    size_t request_bytes_max;          // 128 MiB of a request's memory: 503
    uint64_t upload_disk_bytes_max;    // 16 GiB of temporary files, a core: 507
    unsigned upload_file_count_max;    // 1024 of them, and of uploads that are read, a core: 503
    bool logs_requests;                // a line for each
    bool has_request_ids;              // true: X-Request-ID is taken or made, answered and logged
    struct figures *figures;           // NULL: nothing is counted
    struct roster *roster;             // NULL: nobody knows of plugins but those that serve
    const struct readiness *readiness; // NULL: always ready but for the database
    struct cache_options cache;
};
void app_options_init(struct app_options *options);

struct app;

/**
 * On the core's thread: makes the core's app and database and serves `snapshot` to the sessions that are opened from now on. 0 or a
 * negative errno.
 */
int app_create(struct core *core, const struct app_options *options, struct snapshot *snapshot, struct app **ret_app);
/**
 * Makes the first snapshot ready: values per core, the plugins' ON_STARTs. `started` is told when it is, or why it cannot be (valid during
 * the call); maybe from inside this one. No request is begun before.
 */
void app_start(struct app *app, void (*started)(void *arg, const char *failure), void *arg);
/** The same of another, beside the one that serves. 0 or -ENOMEM. */
int app_prepare(struct app *app, struct snapshot *snapshot, void (*ready)(void *arg, const char *failure), void *arg);
/** The plugin whose work failed last, where a snapshot could not be made ready; NULL where it was nobody's. On the core's thread. */
const leat_plugin *app_culprit(const struct app *app);
/** One that was prepared, or is being prepared, is not wanted: `released` runs when nothing of it is left on this core. */
void app_forget(struct app *app, struct snapshot *snapshot, void (*released)(void *arg), void *arg);
/** New requests see `snapshot`, which is ready; `released` runs when the last request of the one before has ended on this core. */
void app_publish(struct app *app, struct snapshot *snapshot, void (*released)(void *arg), void *arg);
/**
 * No request is begun any more but on connections that are open. `done` runs when no task is left and the database is closed. Connections
 * first: listener_drain().
 */
void app_stop(struct app *app, void (*done)(void *arg), void *arg);
void app_destroy(struct app *app);

/** Whose connections are counted; NULL: no more. */
void app_set_listener(struct app *app, const struct listener *listener);
struct db *app_db(struct app *app);
/** Requests and tasks that have begun and not ended. */
unsigned app_live_count(const struct app *app);

#endif
