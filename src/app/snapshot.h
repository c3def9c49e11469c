// snapshot.h — what one generation of plugins serves: routes, models, statements. Immutable once made.
//
// A core pins the snapshot for every request it begins and unpins it at its end, without atomics: the counts are the core's own. A new
// snapshot is published core by core; the old one is done on a core when its last request there ends, and done for good when every core has
// said so.
#ifndef APP_SNAPSHOT_H
#define APP_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <leat/plugin.h>
#include <leat/route.h>

#include "base/arena.h"
#include "db/statement.h"
#include "http/router.h"
#include "schema/model.h"

/** How far a plugin is, for all cores and generations that have it; zeroed at the beginning. */
struct plugin_life {
    atomic_uint holder_count; // generations on cores
    atomic_bool is_started;   // its ON_STARTs have run
};

/** Paths that begin with `from` begin with `to` instead; those that go nowhere ("") are not served. The first that fits counts. */
struct route_place {
    const char *from, *to;
    const char *setting; // that says so, for messages: "OPENAPI_URL"
};

/** A plugin whose descriptor has been checked (magic, ABI, sizes), with its items sorted by file and line. */
struct plugin_view {
    const leat_plugin *plugin;
    const leat_item *const *items;
    size_t item_count;
    uint64_t code;                    // what tells this build of it from another, on every machine; 0 where it is linked in
    struct plugin_life *life;         // NULL: no ON_START and ON_STOP of it are run
    const struct route_place *places; // ended by one without `from`; NULL: its routes are where they say
    str *verdict; // where what it is to blame for is appended, lines; NULL: it was there before, and is to blame for nothing
};

struct snapshot;
struct endpoint;
struct openapi_info;

/**
 * Compiles routes, providers, models and statements of all plugins, in their order. What is wrong is said all at once in `*ret_messages`, a
 * line each in the compiler's shape: a clash of routes, a missing or mismatched import, a cycle of providers, a path without its parameter,
 * a bad pattern, SQL that cannot be. Of two plugins that clash the one to blame is the one with a verdict, or else the later one. 0;
 * -EINVAL; -ENOMEM. The plugins must outlive the snapshot; their settings are bound already.
 */
int snapshot_create(const struct plugin_view *plugins, size_t plugin_count, struct arena *arena, struct snapshot **ret_snapshot,
                    str *ret_messages);
/** Makes the OpenAPI document that openapi_document() returns; before the snapshot is published. 0 or -ENOMEM. */
int snapshot_describe(struct snapshot *snapshot, const struct openapi_info *info);
/** The document; empty before snapshot_describe(). Lives as long as the snapshot. */
str snapshot_document(const struct snapshot *snapshot);
/** No core pins it. */
void snapshot_destroy(struct snapshot *snapshot);

/** Some plugin has an ON_START: one core is to be ready before the others begin. */
bool snapshot_has_starts(const struct snapshot *snapshot);
struct statement_set *snapshot_statements(struct snapshot *snapshot);
/** The name of the plugin whose statement that is. */
const char *snapshot_statement_plugin(const struct snapshot *snapshot, size_t index);
/** For `leat routes` and the documents: the endpoints in the order of their plugins and lines. */
size_t snapshot_endpoint_count(const struct snapshot *snapshot);
const struct endpoint *snapshot_endpoint(const struct snapshot *snapshot, size_t index);

/** The method and the whole path, prefix included. */
const leat_route *endpoint_route(const struct endpoint *endpoint);
const char *endpoint_path(const struct endpoint *endpoint);
const leat_plugin *endpoint_plugin(const struct endpoint *endpoint);

#endif
