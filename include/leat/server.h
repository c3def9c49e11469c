// server.h — what the server knows of itself: its figures, its routes, and whether it should be sent requests.
#ifndef LEAT_SERVER_H
#define LEAT_SERVER_H
#pragma GCC system_header

#include "request.h"

#pragma GCC visibility push(default)

/**
 * All figures in Prometheus' text format, version 0.0.4: of routes, queries, the database's links, the rings, the process. `ptr` is NULL
 * with METRICS=off. Suspends until every core has told its own, some 16 ms; one that does not within 200 ms is as it was.
 */
str metrics_text(req *);
/**
 * What speaks against sending requests here: "database" (this core has no link that is ready), "migrations" (not applied, or not known to
 * be), "draining" (the server is about to end), between ", "; empty where nothing does. Asks nobody: neither suspends nor blocks.
 */
str not_ready_because(req *);
/**
 * True while a file of the plugin folders does not serve as it lies there: its load was refused, or it is in quarantine. All others serve,
 * and a version of it that served before may. `leat plugins` names them. Neither suspends nor blocks.
 */
bool is_degraded(req *);
/** API_TITLE, as the documents say it. */
str api_title(req *);
/**
 * The whole path of the route whose handler has that name, of this plugin or else of another, prefix included and parameters still in
 * braces; `ptr` is NULL where there is none.
 */
str route_path(req *, const char *handler);

#pragma GCC visibility pop
#endif
