// words.h — what the command and a running server say to each other: JSON, told by the same schemas on both sides.
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <leat/schema.h>

#include "base/arena.h"
#include "base/str.h"

// clang-format off
SCHEMA(ControlRequest,
    (str, verb),                    // "plugins", "reload", "unload", "rollback", "readings"
    (str, plugin, .optional = true)); // whose; "" means all

/** What holds a generation that nobody else needs any more, or simply what is under way. */
SCHEMA(Holder,
    (str, kind),          // "route", "task", "EVERY", "ON_START", "ON_STOP", "per_worker"
    (str, method), (str, route), // of a route
    (str, handler), (str, at), (i64, requests), (i64, longest_ms));

SCHEMA(PluginRow,
    (str, name),
    (str, version),
    (str, state),     // "serving", "refused", "draining", "quarantined", "unloaded"
    (str, file),
    (i64, generation),
    (str, since),     // RFC 3339; "" where it is not known
    (i64, routes),
    (i64, requests),  // in flight
    (str, why),       // of every state but "serving"
    (Holder_list, held_by));

SCHEMA(PluginsAnswer,
    (str, error), // "" or a sentence, and nothing else of the answer is meant
    (i64, pid),
    (str, address),
    (str, leat),
    (i64, silent_cores), // they are held by a handler, and what is under way there is not counted
    (PluginRow_list, plugins));

SCHEMA(ChangeAnswer,
    (str, error),      // as above
    (str, outcome),    // "loaded", "partly" (others serve, and files were left out), "unchanged", "refused"
    (i64, generation),
    (i64, ms),
    (str, messages));  // of what was refused or left out, lines

/** What is counted of a route or a query since the server began. */
SCHEMA(Reading,
    (str, kind),   // "route", "query"
    (str, label),  // "GET /v1/users", "plugins/users/users.c:83"
    (str, plugin),
    (i64, count),
    (i64, failed), // 5xx, and requests that were never answered; queries that failed
    (i64_list, latency)); // pairs: a bucket of figures.h, and how many fell into it

SCHEMA(ReadingsAnswer,
    (str, error), // as above
    (i64, pid),
    (str, address),
    (i64, at_us), // CLOCK_MONOTONIC
    (i64, connections),
    (i64, requests), // in flight; this and the one above are some moments old
    (Reading_list, readings));
// clang-format on

/** Reads one JSON text as the schema; strings are slices of `text`, or of the arena. 0, -EINVAL or -ENOMEM. */
int words_read(const leat_schema *schema, str text, struct arena *arena, void *out);
/** The JSON text; `ptr` is NULL without memory. */
str words_write(const leat_schema *schema, const void *value, struct arena *arena);

#endif
