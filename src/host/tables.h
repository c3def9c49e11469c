// tables.h — the TABLEs of the plugins, each with what else its plugin declares of it.
#ifndef HOST_TABLES_H
#define HOST_TABLES_H

#include "db/declared.h"
#include "host/messages.h"
#include "host/plugins.h"

/**
 * In the order of plugins and lines: what is required comes first. `plugin`: of this one alone; NULL: of all. 0; -EINVAL and messages: a
 * table declared twice, a field that is no column, an INDEX of a SCHEMA that is no TABLE; -ENOMEM.
 */
int plugin_set_tables(const struct plugin_set *set, const char *plugin, struct arena *arena, struct messages *messages,
                      struct declared_table **ret_tables, unsigned *ret_count);

#endif
