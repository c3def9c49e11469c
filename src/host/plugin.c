// plugin.c — one plugin in the process: its file judged, copied, loaded, its descriptor checked; taken out again.
#include "plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <leat/leat.h>

#include "base/clock.h"
#include "cache/hash.h"
#include "host/copy.h"
#include "host/crash.h"
#include "host/object.h"
#include "host/symbols.h"

#define ENTRY "leat_plugin_entry"
// an older plugin has at least this much
enum { ENTRY_BYTES_MIN = offsetof(leat_plugin, version), ENTRY_BYTES_MAX = 1 << 16 };

static int refuse(struct messages *messages, const char *path, const char *problem) {
    messages_add(messages, "%s: error: %s", path, problem);
    return -EINVAL;
}

static struct plugin *plugin_create(const char *path, unsigned generation) {
    struct plugin *plugin = calloc(1, sizeof *plugin);
    if (!plugin)
        return NULL;
    arena_pool_init(&plugin->pool, 0);
    arena_init(&plugin->arena, &plugin->pool, PLUGIN_BYTES_MAX);
    plugin->host.plugin = plugin;
    plugin->generation = generation;
    plugin->holder_count = 1;
    plugin->copy_fd = -1;
    plugin->since_us = clock_wall_us();
    plugin->path = arena_format(&plugin->arena, "%s", path).ptr;
    if (plugin->path)
        return plugin;
    free(plugin);
    return NULL;
}

void plugin_hold(struct plugin *plugin) {
    plugin->holder_count++;
}

void plugin_close(struct plugin *plugin) {
    if (!plugin || --plugin->holder_count)
        return;
    if (plugin->is_live && plugin->entry.on_unload)
        plugin->entry.on_unload(&plugin->host);
    while (plugin->state_count)
        state_release(plugin->states[--plugin->state_count]);
    if (plugin->start)
        crash_forget(plugin->start);
    symbols_free(plugin->symbols);
    if (plugin->handle)
        dlclose(plugin->handle);
    if (plugin->copy_path)
        copy_remove(plugin->copy_path, plugin->copy_fd);
    arena_reset(&plugin->arena);
    free(plugin);
}

void *host_state(leat_host *host, const char *name, size_t size, unsigned version) {
    struct plugin *plugin = host->plugin;
    return states_take(plugin->entry.name, name, size, version, plugin->states, &plugin->state_count);
}

struct plugin_view plugin_view(struct plugin *plugin) {
    return (struct plugin_view){&plugin->entry, plugin->items, plugin->item_count, plugin->code, &plugin->life};
}

// ---- before anything of it is mapped

static int check_numbers(const struct plugin *plugin, const void *data, size_t bytes, struct messages *messages) {
    if (bytes < ENTRY_BYTES_MIN)
        return refuse(messages, plugin->path, "its " ENTRY " is no plugin's descriptor; make it with PLUGIN(name, ...)");
    const leat_plugin *entry = data; // as far as `size`, and no pointer of it: the file's are not relocated
    if (entry->magic != LEAT_MAGIC)
        return refuse(messages, plugin->path, "its " ENTRY " does not begin with leat's magic number; make it with PLUGIN(name, ...)");
    if (entry->abi_major != LEAT_ABI_MAJOR) {
        messages_add(messages,
                     "%s: error: is built for version %u of leat's plugin interface, and this server speaks version %u; build it again "
                     "with this server's headers",
                     plugin->path, entry->abi_major, LEAT_ABI_MAJOR);
        return -EINVAL;
    }
    if (entry->size < ENTRY_BYTES_MIN || entry->size > bytes || entry->size > ENTRY_BYTES_MAX)
        return refuse(messages, plugin->path, "its " ENTRY " tells a size that cannot be; make it with PLUGIN(name, ...)");
    return 0;
}

// A sanitizer's runtime that comes late ends the process from its constructor.
static const char *sanitizer_problem(const struct object *object) {
    if (object_needs(object, "libasan.so") && !dlsym(RTLD_DEFAULT, "__asan_init"))
        return "is built with AddressSanitizer and this server is not; build it without, or the server with `-Db_sanitize=address`";
    if (object_needs(object, "libtsan.so") && !dlsym(RTLD_DEFAULT, "__tsan_init"))
        return "is built with ThreadSanitizer and this server is not; build it without, or the server with `-Db_sanitize=thread`";
    return NULL;
}

static int check_object(struct plugin *plugin, const void *bytes, size_t size, struct object *ret_object, uint64_t *ret_entry,
                        struct messages *messages) {
    const char *problem = object_read(bytes, size, ret_object);
    if (problem)
        return refuse(messages, plugin->path, problem);
    const void *data;
    size_t data_bytes;
    if (!object_symbol(ret_object, ENTRY, &data, &data_bytes, ret_entry))
        return refuse(messages, plugin->path, "exports no " ENTRY "; write PLUGIN(name, ...) in one of its files");
    if ((problem = sanitizer_problem(ret_object)))
        return refuse(messages, plugin->path, problem);
    return check_numbers(plugin, data, data_bytes, messages);
}

// ---- the loader

// "/var/x.1.so: undefined symbol: leat_foo" and its kin, as sentences.
static int refuse_load(const struct plugin *plugin, const char *said, struct messages *messages) {
    const char *symbol = strstr(said, "undefined symbol: ");
    if (symbol) {
        symbol += strlen("undefined symbol: ");
        int length = (int)strcspn(symbol, " ,\n");
        bool is_ours = strncmp(symbol, "leat_", 5) == 0;
        messages_add(messages, "%s: error: uses the function '%.*s', which %s; %s", plugin->path, length, symbol,
                     is_ours ? "this server does not have" : "neither this server nor a library of the plugin has",
                     is_ours ? "build it with this server's headers, or update the server"
                             : "add the missing source file or library to its link");
        return -EINVAL;
    }
    const char *missing = strstr(said, ": cannot open shared object file");
    if (missing && !strstr(said, plugin->copy_path))
        messages_add(messages, "%s: error: needs the library %.*s, which is not installed here; install it, or link it statically",
                     plugin->path, (int)(missing - said), said);
    else if (strstr(said, "failed to map segment"))
        messages_add(
            messages,
            "%s: error: its copy %s may not be mapped as code; is the file system mounted noexec? Choose another folder with --var",
            plugin->path, plugin->copy_path);
    else
        messages_add(messages, "%s: error: the loader refuses it: %s", plugin->path, said);
    return -EINVAL;
}

static int load(struct plugin *plugin, struct messages *messages) {
    dlerror();
    plugin->handle = dlopen(plugin->copy_path, RTLD_NOW | RTLD_LOCAL);
    if (plugin->handle)
        return 0;
    const char *said = dlerror();
    return refuse_load(plugin, said ? said : "no reason was given", messages);
}

// ---- what it says of itself

// Where pointers of its descriptors may lead; `object` is NULL for the one that is linked in, whose pointers the linker vouches for.
struct image {
    const struct object *object;
    uint64_t base;
};

static bool holds(const struct image *image, const void *address, size_t bytes) {
    return address && (!image->object || object_holds(image->object, image->base, address, bytes));
}

static bool holds_text(const struct image *image, const char *text, size_t bytes_max) {
    for (size_t i = 0; i <= bytes_max; i++) {
        if (!holds(image, text + i, 1))
            return false;
        if (!text[i])
            return true;
    }
    return false;
}

static bool is_zero(const void *data, size_t bytes) {
    const char *byte = data;
    for (size_t i = 0; i < bytes; i++)
        if (byte[i])
            return false;
    return true;
}

static bool is_name(const char *name) {
    if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", *name) || !*name)
        return false;
    for (; *name; name++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", *name))
            return false;
    return true;
}

static const char *built_for(const leat_plugin *entry, struct arena *arena) {
    str text = arena_format(arena, "it is built for version %u.%u of the plugin interface, this server for %u.%u", entry->abi_major,
                            entry->abi_minor, LEAT_ABI_MAJOR, LEAT_ABI_MINOR);
    return text.ptr ? text.ptr : "it is built for another version";
}

// Options that are text, or may be NULL.
static const size_t texts[] = {
    offsetof(leat_plugin, built_with), offsetof(leat_plugin, version),     offsetof(leat_plugin, prefix),
    offsetof(leat_plugin, tag),        offsetof(leat_plugin, description), offsetof(leat_plugin, migrations),
};
enum { TEXT_BYTES_MAX = 64 * 1024, REQUIRES_MAX = 64, GUARDS_MAX = 64 };

static const char *texts_problem(const leat_plugin *entry, const struct image *image) {
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = *(const char *const *)((const char *)entry + texts[i]);
        if (text && !holds_text(image, text, TEXT_BYTES_MAX))
            return "an option of its PLUGIN points outside of it; give options as literals";
    }
    for (size_t i = 0; entry->requires; i++) {
        if (i == REQUIRES_MAX || !holds(image, &entry->requires[i], sizeof(char *)))
            return "its .requires has no NULL at its end; write {\"users\", NULL}";
        if (!entry->requires[i])
            break;
        if (!holds_text(image, entry->requires[i], PLUGIN_NAME_BYTES_MAX))
            return "its .requires holds what is no plugin's name";
    }
    if (entry->prefix && *entry->prefix && (*entry->prefix != '/' || entry->prefix[strlen(entry->prefix) - 1] == '/'))
        return "its .prefix does not begin with '/', or ends with one; write \"/v1\"";
    return NULL;
}

static const char *guards_problem(const leat_plugin *entry, const struct image *image) {
    for (size_t i = 0; entry->guards; i++) {
        if (i == GUARDS_MAX || !holds(image, &entry->guards[i], sizeof entry->guards[i]))
            return "its .guards has no NULL at its end; write GUARDS(get_current_user)";
        if (!entry->guards[i])
            break;
        if (image->object &&
            (!holds(image, entry->guards[i], sizeof(leat_item)) || !holds(image, entry->guards[i], entry->guards[i]->base.size)))
            return "its .guards holds what is no provider; write GUARDS(get_current_user)";
    }
    return NULL;
}

static int read_entry(struct plugin *plugin, const leat_plugin *entry, const struct image *image, struct messages *messages) {
    size_t known = entry->size < sizeof plugin->entry ? entry->size : sizeof plugin->entry;
    memcpy(&plugin->entry, entry, known);
    if (entry->size > sizeof plugin->entry && !is_zero((const char *)entry + sizeof plugin->entry, entry->size - sizeof plugin->entry)) {
        messages_add(messages,
                     "%s: error: its PLUGIN uses an option that this server does not know (%s); update the server, or leave the option out",
                     plugin->path, built_for(entry, &plugin->arena));
        return -EINVAL;
    }
    const char *name = plugin->entry.name;
    if (!name || !holds_text(image, name, PLUGIN_NAME_BYTES_MAX) || !is_name(name))
        return refuse(messages, plugin->path,
                      "its name is no name: a letter or '_', then letters, digits and '_', 63 at most; write PLUGIN(orders, ...)");
    const char *problem = texts_problem(&plugin->entry, image);
    if (!problem)
        problem = guards_problem(&plugin->entry, image);
    return problem ? refuse(messages, plugin->path, problem) : 0;
}

// What each kind of item was when it came, in version 1.0 of the interface for most (tests/abi/leat-1.0.abi): that stays, whatever is put
// to its end; and what it is now.
static const struct {
    const char *name;
    size_t bytes_min, bytes;
} kinds[] = {
    [LEAT_ITEM_ROUTE] = {"route", 168, sizeof(leat_route)},
    [LEAT_ITEM_QUERY] = {"query", 96, sizeof(leat_query)},
    [LEAT_ITEM_SETTINGS] = {"SETTINGS", 32, sizeof(struct leat_settings)},
    [LEAT_ITEM_TABLE] = {"TABLE", 24, sizeof(struct leat_table)},
    [LEAT_ITEM_VALIDATOR] = {"VALIDATE", 32, sizeof(struct leat_validator)},
    [LEAT_ITEM_TASK] = {"TASK", 40, sizeof(struct leat_task)},
    [LEAT_ITEM_ON_ERROR] = {"ON_ERROR", 32, sizeof(struct leat_on_error)},
    [LEAT_ITEM_INDEX] = {"INDEX", 64, sizeof(struct leat_index)},
    [LEAT_ITEM_PROVIDER] = {"provider", 104, sizeof(leat_provider)},
    [LEAT_ITEM_IMPORT] = {"IMPORT", 104, sizeof(leat_provider)},
    [LEAT_ITEM_HOOK] = {"hook", 80, sizeof(leat_hook)},
    [LEAT_ITEM_WORK] = {"work", 72, sizeof(leat_work)},
    [LEAT_ITEM_SCHEMA] = {"SCHEMA", 24, sizeof(struct leat_declared_schema)},
    [LEAT_ITEM_ERROR_SHAPE] = {"ERROR_SHAPE", 48, sizeof(struct leat_error_shape)},
    [LEAT_ITEM_CALL] = {"call", 40, sizeof(leat_call)},
    [LEAT_ITEM_CONSTRAINT] = {"CONSTRAINT", 40, sizeof(struct leat_constraint)},
    [LEAT_ITEM_COLUMN_TYPE] = {"COLUMN_TYPE", 40, sizeof(struct leat_column_type)},
};

static int check_item(struct plugin *plugin, const leat_item *item, const struct image *image, struct messages *messages) {
    if ((uintptr_t)item % 8 || !holds(image, item, sizeof *item) || !holds(image, item, item->size) || !holds_text(image, item->file, 4096))
        return refuse(messages, plugin->path, "its section leat_items holds what leat's headers did not put there; build it again");
    if (item->kind == 0 || item->kind >= sizeof kinds / sizeof kinds[0]) {
        messages_add(messages, "%s:%u: error: a declaration of kind %u is unknown to this server (%s); update the server", item->file,
                     item->line, item->kind, built_for(&plugin->entry, &plugin->arena));
        return -EINVAL;
    }
    size_t known = kinds[item->kind].bytes;
    if (item->size < kinds[item->kind].bytes_min) {
        messages_add(messages,
                     "%s:%u: error: this %s is smaller than any that leat's headers make; build it again with this server's headers",
                     item->file, item->line, kinds[item->kind].name);
        return -EINVAL;
    }
    if (item->size > known && !is_zero((const char *)item + known, item->size - known)) {
        messages_add(messages,
                     "%s:%u: error: this %s uses an option that this server does not know (%s); update the server, or leave the option out",
                     item->file, item->line, kinds[item->kind].name, built_for(&plugin->entry, &plugin->arena));
        return -EINVAL;
    }
    return 0;
}

static int by_file_and_line(const void *left, const void *right) {
    const leat_item *a = *(const leat_item *const *)left, *b = *(const leat_item *const *)right;
    int order = strcmp(a->file, b->file);
    if (order)
        return order;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a < b ? -1 : a > b;
}

static int read_items(struct plugin *plugin, const struct image *image, struct messages *messages) {
    const leat_item *const *items = plugin->entry.items, *const *items_end = plugin->entry.items_end;
    if (!items && !items_end)
        return 0; // it declares nothing
    if ((uintptr_t)items % 8 || (uintptr_t)items_end % 8 || items_end < items || items_end - items > PLUGIN_ITEMS_MAX ||
        !holds(image, items, (size_t)((const char *)items_end - (const char *)items)))
        return refuse(messages, plugin->path,
                      "its section leat_items is not where its PLUGIN says; link it with -Wl,-z,start-stop-visibility=hidden");
    size_t count = (size_t)(items_end - items);
    plugin->items = arena_alloc(&plugin->arena, count * sizeof *plugin->items);
    if (!plugin->items)
        return -ENOMEM;
    int status = 0;
    for (size_t i = 0; i < count; i++) {
        plugin->items[i] = items[i];
        int refused = check_item(plugin, items[i], image, messages);
        if (refused)
            status = refused;
    }
    if (status)
        return status;
    qsort(plugin->items, count, sizeof *plugin->items, by_file_and_line);
    plugin->item_count = count;
    return 0;
}

static int read_loaded(struct plugin *plugin, const struct object *object, uint64_t entry_address, struct messages *messages) {
    struct link_map *map;
    if (dlinfo(plugin->handle, RTLD_DI_LINKMAP, &map) != 0)
        return refuse(messages, plugin->path, "the loader does not say where it was loaded");
    struct image image = {object, map->l_addr};
    const leat_plugin *entry = (const leat_plugin *)(map->l_addr + entry_address);
    int status = read_entry(plugin, entry, &image, messages);
    return status ? status : read_items(plugin, &image, messages);
}

// Before its hooks run, any of which may crash.
static void make_known(struct plugin *plugin, const struct object *object, const void *bytes, size_t size) {
    struct link_map *map;
    if (dlinfo(plugin->handle, RTLD_DI_LINKMAP, &map) != 0)
        return;
    uint64_t end = 0;
    for (size_t i = 0; i < object->segment_count; i++) {
        const Elf64_Phdr *segment = &object->segments[i];
        if (segment->p_type == PT_LOAD && segment->p_vaddr + segment->p_memsz > end)
            end = segment->p_vaddr + segment->p_memsz;
    }
    plugin->start = map->l_addr;
    plugin->symbols = symbols_read(bytes, size);
    crash_know(&(struct crash_plugin){.name = plugin->entry.name,
                                      .path = plugin->path,
                                      .mark = &plugin->mark,
                                      .start = map->l_addr,
                                      .end = map->l_addr + end,
                                      .symbols = plugin->symbols});
}

// ---- open

static uint64_t code_of(const void *bytes, size_t size) {
    struct digest digest = digest_of((str){bytes, size});
    return digest_number(&digest);
}

static int open_copy(struct plugin *plugin, struct messages *messages) {
    size_t size;
    void *bytes = copy_map(plugin->copy_fd, &size);
    if (!bytes) {
        messages_add(messages, "%s: error: its copy %s cannot be read: %s", plugin->path, plugin->copy_path, strerror(errno));
        return -EINVAL;
    }
    struct object object;
    uint64_t entry = 0;
    int status = check_object(plugin, bytes, size, &object, &entry, messages);
    if (status == 0)
        status = load(plugin, messages);
    if (status == 0)
        status = read_loaded(plugin, &object, entry, messages);
    if (status == 0)
        plugin->code = code_of(bytes, size);
    if (status == 0)
        make_known(plugin, &object, bytes, size);
    copy_unmap(bytes, size);
    return status;
}

int plugin_open(const struct plugin_place *place, const char *name, struct messages *messages, struct plugin **ret_plugin) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", place->folder, name);
    struct plugin *plugin = plugin_create(path, place->generation);
    if (!plugin)
        return -ENOMEM;
    struct stat file; // before it is copied: a file that changes meanwhile has another mark at the next look
    if (fstatat(place->folder_fd, name, &file, 0) == 0)
        plugin->mark = file_mark(&file);
    struct copy_request wanted = {.folder_fd = place->folder_fd,
                                  .name = name,
                                  .path = plugin->path,
                                  .instead_fd = place->previous_fd,
                                  .private_folder = place->private_folder,
                                  .generation = place->generation,
                                  .bytes_max = PLUGIN_FILE_BYTES_MAX};
    plugin->is_previous = place->previous_fd >= 0;
    int status = copy_make(&wanted, messages, &plugin->copy_path, &plugin->copy_fd);
    if (status == 0)
        status = open_copy(plugin, messages);
    if (status < 0) {
        plugin_close(plugin);
        return status;
    }
    *ret_plugin = plugin;
    return 0;
}

int plugin_open_builtin(const leat_plugin *entry, unsigned generation, struct messages *messages, struct plugin **ret_plugin) {
    struct plugin *plugin = plugin_create(entry->name, generation);
    if (!plugin)
        return -ENOMEM;
    struct image image = {0};
    int status = read_entry(plugin, entry, &image, messages);
    if (status == 0)
        status = read_items(plugin, &image, messages);
    if (status < 0) {
        plugin_close(plugin);
        return status;
    }
    *ret_plugin = plugin;
    return 0;
}
