// config_caching.h — the settings of cached answers, and of the Redis that shares them.
#ifndef CLI_CONFIG_CACHING_H
#define CLI_CONFIG_CACHING_H

#include "cache/cache.h"
#include "host/environment.h"
#include "host/messages.h"
#include "schema/model.h"

/** For --help. */
extern const leat_schema *const config_caching_schema;

/** As config_read(). What is not set stays as it is. */
int config_read_caching(struct model_set *models, const struct environment *environment, struct arena *arena, struct messages *messages,
                        struct cache_options *cache);

#endif
