// snapshot_internal.h — the inside of a snapshot, for the files of this floor.
#ifndef APP_SNAPSHOT_INTERNAL_H
#define APP_SNAPSHOT_INTERNAL_H

#include <leat/middleware.h>

#include "app/call_site.h"
#include "app/endpoint.h"
#include "app/snapshot.h"

/** An ON_REQUEST or one of its kin, and who declares it. */
struct placed_hook {
    const leat_hook *hook;
    const leat_plugin *plugin;
};

struct work;

struct snapshot {
    struct arena_pool pool;
    struct arena arena; // endpoints, programs, paths
    struct router *router;
    struct model_set *models;
    struct statement_set *statements;
    struct endpoint *endpoints;
    size_t endpoint_count;
    const struct leat_on_error **on_errors;
    size_t on_error_count;
    struct placed_hook *hooks; // in their order
    size_t hook_count;
    const struct leat_error_shape *shape;                       // NULL: {"detail": ...}
    const struct work **makers, **starts, **stops, **periodics; // makers: what one needs comes before it
    size_t maker_count, start_count, stop_count, periodic_count;
    const leat_plugin **plugins;
    struct plugin_life **lives; // of the plugins; some may be NULL
    size_t plugin_count;
    const char **statement_plugins; // whose each statement is
    struct call_sites calls;        // to other servers
    str title;                      // the documents'
    str document;                   // OpenAPI
    struct task_name {
        const struct leat_task *task;
        struct activity *activity;
    } * tasks; // by address
    size_t task_count;
};
/** What a task of one of its plugins is called; the one called "other" for a stranger. */
struct activity *snapshot_task_activity(const struct snapshot *snapshot, const struct leat_task *task);

/** A snapshot that is being made, and what is wrong with it so far. */
struct compilation {
    struct snapshot *snapshot;
    const struct plugin_view *plugins;
    size_t plugin_count;
    const struct plugin_view *at;     // whose items are looked at
    const struct plugin_view *beside; // whom they are compared with; NULL: nobody
    struct arena *arena;              // of the messages
    str messages;
    const struct making *making;      // values per core that are being looked at, the innermost first
    const struct override *overrides; // none but in tests
    size_t override_count;
};
/** What endpoint_compile_work() is to look at. */
struct work_source {
    const leat_item *item;
    const char *kind, *name; // "ON_START", "warm_up"
    const leat_param *params;
    unsigned param_count;
    uint32_t args_bytes;
    const leat_error *const *errors;
    bool is_of_core; // it makes a value per core, and may depend on nothing that is made for each request
};
/** Compiles a route of `plugin` into `*ret_endpoint`. Messages of what is wrong are appended to `messages`; 0, -EINVAL or -ENOMEM. */
int endpoint_compile(struct compilation *compilation, const leat_plugin *plugin, const leat_route *route, struct endpoint *ret_endpoint);
/**
 * Compiles what runs without a request and can take nothing from one: dependencies alone. As endpoint_compile().
 */
int endpoint_compile_work(struct compilation *compilation, const leat_plugin *plugin, const struct work_source *source,
                          struct endpoint *ret_program);
/** Appends "file:line: error: text" as a line. Returns -EINVAL, for the caller to return. */
int compilation_refuse(struct compilation *compilation, const leat_item *item, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** The provider that `stub` stands for: itself, or what an IMPORT names; NULL after a message. */
const leat_provider *compilation_resolve(struct compilation *compilation, const leat_provider *stub);
/** The plugin that declares the item; NULL for one of nobody's. */
const struct plugin_view *compilation_plugin_of(const struct compilation *compilation, const leat_item *item);
/** The value in the provider's place, or NULL. */
const void *compilation_override(const struct compilation *compilation, const leat_provider *provider);

#endif
