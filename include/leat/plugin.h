// plugin.h — PLUGIN: the one exported symbol, from which the host sees everything before it runs anything.
#ifndef LEAT_PLUGIN_H
#define LEAT_PLUGIN_H
#pragma GCC system_header

#include "schema.h"

#pragma GCC visibility push(default)

extern const leat_item *const __start_leat_items[] __attribute__((weak, visibility("hidden")));
extern const leat_item *const __stop_leat_items[] __attribute__((weak, visibility("hidden")));

typedef struct leat_host leat_host; // the server, to a plugin that is being loaded

/** The descriptor that a plugin exports (ABI). */
typedef struct leat_plugin {
    uint32_t magic;                    /**< LEAT_MAGIC */
    uint16_t abi_major;                /**< of the headers it was built with; another than the server's is refused */
    uint16_t abi_minor;                /**< likewise; a newer one is taken, unless it uses what this server does not have */
    uint32_t size;                     /**< of this descriptor: a newer host zero-fills what an older plugin lacks */
    const char *name;                  /**< by which .requires and IMPORT name it: a letter or '_', then also digits, 63 at most */
    const char *built_with;            /**< the compiler's __VERSION__ */
    const leat_item *const *items;     /**< all that it declares, in the linker's order */
    const leat_item *const *items_end; /**< behind the last of them */
    // author's options
    const char *version;                          /**< of the plugin, for `leat plugins`: "1.0.0" */
    const char *prefix;                           /**< before every route's path: "/v1" */
    const char *tag;                              /**< the documents' group of its routes; its name where not given */
    const char *description;                      /**< of its group of routes, for the documents */
    const char *migrations;                       /**< folder of its SQL files, from the server's working folder: "migrations/users" */
    const char *const *requires;                  /**< REQUIRES(...): loaded and migrated first */
    int (*on_load)(leat_host *);                  /**< once per load, before any route is live; nonzero refuses */
    void (*on_unload)(leat_host *);               /**< after the last request of this generation */
    int (*on_worker)(leat_host *, unsigned core); /**< once per core, before its first request */
    const struct leat_provider *const *guards;    /**< GUARDS(...): before the own guards of every route of it */
} leat_plugin;

/** A list for `.requires`: other plugins by name. */
#define REQUIRES(...) ((const char *const[]){__VA_ARGS__, NULL})

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
/**
 * Memory of this plugin that outlives a reload: for what a fresh start would cost too much, a cache, counters, an open connection. `name`
 * is the plugin's own; the server copies it. The first time it is zeroed; a later generation that asks for the same name, size and version
 * is handed the very same memory, aligned to 64 bytes. Another version, or another size, is other memory, zeroed: so raise `version`
 * whenever the meaning of the bytes changes.
 *
 * The server owns it: it is freed, and nothing in it is looked at, when the last generation that asked for it is gone (unloaded, or
 * replaced by one that asks no more), after on_unload. What it points to is the plugin's own to free, and may point into no plugin's code
 * or data: functions, literals and statics go with their generation.
 *
 * While a generation drains, both use it, on every core: whatever is shared between threads is so here as well (stdatomic.h, pthread.h).
 * Call it in on_load or on_worker, and keep the pointer in a static; NULL without memory, for a `name` longer than 63 bytes, a `size` of 0
 * or beyond 1 GiB, or past 64 of them. Neither suspends nor runs code of the plugin.
 */
void *host_state(leat_host *, const char *name, size_t size, unsigned version);
/** The server's version, "0.1.0". */
const char *leat_version(void);

#pragma GCC visibility pop
#endif
