// config.h — the server's own settings: one schema, read as a plugin's SETTINGS are.
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include <stdbool.h>

#include "base/log.h"
#include "host/environment.h"
#include "host/messages.h"
#include "host/server.h"

struct config {
    struct app_options app;
    struct server_options server; // server.app is not set
    struct openapi_info api;
    enum log_level log_level;
    enum log_format log_format;
    bool has_metrics;
    i32 plugin_load_ms;       // how long a new plugin may take to load, where it is tried; 0: it is not tried
    i32 plugin_retry_s;       // until one that refused to begin is tried again, doubled each time; 0: never
    bool is_strict;           // a plugin that is wrong is not left out: it refuses the start, and the load of all others
    i32 watchdog_ms;          // a handler that holds its core for longer is named; 0: none
    i32 drain_delay_ms;       // not ready, and serving, before it drains
    const char *database_url; // NULL: a private cluster
    const char *var, *root;
    const char *const *folders; // of plugins
    size_t folder_count;
    const char *unbuilt; // the folder of the project here whose build is not there yet; NULL: it is, or there is no project
    bool has_places;     // var, root and folders are as they were asked for
    bool is_production;
};

/**
 * Reads all of them. What is not set has its default even on failure. 0; -EINVAL and a message for each that is wrong; -ENOMEM.
 * `is_serving`: SECRET_KEY is judged as well, which other verbs have no use for.
 */
int config_read(const struct environment *environment, bool is_serving, struct arena *arena, struct messages *messages,
                struct config *ret_config);
/** The settings of the server, one part of them after the other; NULL behind the last. */
const leat_schema *config_schema(size_t index);
/** The names of the settings with their meaning, for --help: a line each. */
void config_describe(void (*line)(const char *variable, const char *description));

#endif
