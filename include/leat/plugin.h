// plugin.h — PLUGIN: the one exported symbol, from which the host sees everything before it runs anything.
#ifndef LEAT_PLUGIN_H
#define LEAT_PLUGIN_H
#pragma GCC system_header

#include "schema.h"

#pragma GCC visibility push(default)

extern const leat_item *const __start_leat_items[] __attribute__((weak, visibility("hidden")));
extern const leat_item *const __stop_leat_items[] __attribute__((weak, visibility("hidden")));

typedef struct leat_host leat_host; // the server, to a plugin that is being loaded

typedef struct leat_plugin {
    uint32_t magic;
    uint16_t abi_major, abi_minor;
    uint32_t size;
    const char *name, *built_with;
    const leat_item *const *items, *const *items_end;
    // author's options
    const char *version;
    const char *prefix; // before every route's path: "/v1"
    const char *tag;    // the documents' group of its routes
    const char *description;
    const char *migrations;                       // folder of its SQL files, from the server's working folder: "migrations/users"
    const char *const *requires;                  // other plugins by name, NULL-terminated: loaded and migrated first
    int (*on_load)(leat_host *);                  // once per load, before any route is live; nonzero refuses
    void (*on_unload)(leat_host *);               // after the last request of this generation
    int (*on_worker)(leat_host *, unsigned core); // once per core, before its first request
    const struct leat_provider *const *guards;    // GUARDS(...): before the own guards of every route of it
} leat_plugin;

#define LEAT_MAGIC 0x5441454cu // "LEAT"
/** PLUGIN(users, .version = "1.0.0", .prefix = "/v1", ...);  once in a plugin. */
#define PLUGIN(nm, ...)                                                                                                                    \
    extern const leat_plugin leat_plugin_entry;                                                                                            \
    __attribute__((visibility("default"), used)) const leat_plugin leat_plugin_entry = {.magic = LEAT_MAGIC,                               \
                                                                                        .abi_major = LEAT_ABI_MAJOR,                       \
                                                                                        .abi_minor = LEAT_ABI_MINOR,                       \
                                                                                        .size = sizeof(leat_plugin),                       \
                                                                                        .name = #nm,                                       \
                                                                                        .built_with = __VERSION__,                         \
                                                                                        .items = __start_leat_items,                       \
                                                                                        .items_end = __stop_leat_items,                    \
                                                                                        ##__VA_ARGS__}
/** The server's version, "0.1.0". */
const char *leat_version(void);

#pragma GCC visibility pop
#endif
