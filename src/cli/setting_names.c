// setting_names.c — every setting there is, the server's and those of the plugins that are loaded, by name.
#include "cli/setting_names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/config.h"
#include "cli/flags.h"
#include "host/settings.h"

static size_t count_fields(const struct plugin_set *plugins) {
    size_t count = 0;
    for (size_t i = 0; config_schema(i); i++)
        count += config_schema(i)->nfields;
    for (size_t p = 0; plugins && p < plugins->count; p++)
        for (size_t i = 0; i < plugins->plugins[p]->item_count; i++)
            if (plugins->plugins[p]->items[i]->kind == LEAT_ITEM_SETTINGS)
                count += ((const struct leat_settings *)plugins->plugins[p]->items[i])->schema->nfields;
    return count;
}

// "files_folder" of the plugin "files": nobody would write FILES_FILES_FOLDER.
static bool has_prefix(const char *name, const char *prefix) {
    size_t bytes = prefix ? strlen(prefix) : 0;
    return bytes && strncasecmp(name, prefix, bytes) == 0 && name[bytes] == '_';
}

static size_t add(struct setting *settings, size_t count, const leat_schema *schema, const char *owner, const char *prefix,
                  struct arena *arena) {
    for (unsigned i = 0; i < schema->nfields; i++) {
        char variable[SETTINGS_VARIABLE_BYTES_MAX];
        settings_variable(&schema->fields[i], has_prefix(schema->fields[i].name, prefix) ? NULL : prefix, variable);
        const char *copy = arena_format(arena, "%s", variable).ptr;
        if (copy)
            settings[count++] = (struct setting){copy, owner, &schema->fields[i]};
    }
    return count;
}

struct setting *setting_names(const struct plugin_set *plugins, struct arena *arena, size_t *ret_count) {
    struct setting *settings = arena_alloc(arena, (count_fields(plugins) + 1) * sizeof *settings);
    if (!settings)
        return NULL;
    size_t count = 0;
    for (size_t i = 0; config_schema(i); i++)
        count = add(settings, count, config_schema(i), "leat", NULL, arena);
    for (size_t p = 0; plugins && p < plugins->count; p++) {
        const struct plugin *plugin = plugins->plugins[p];
        for (size_t i = 0; i < plugin->item_count; i++)
            if (plugin->items[i]->kind == LEAT_ITEM_SETTINGS)
                count = add(settings, count, ((const struct leat_settings *)plugin->items[i])->schema, plugin->entry.name,
                            plugin->entry.name, arena);
    }
    *ret_count = count;
    return settings;
}

// ---- names that are nearly one

// A plugin's setting is found without the plugin's name as well.
static bool is_known(const struct setting *settings, size_t count, const char *name) {
    if (strncasecmp(name, "LOG_LEVEL_", 10) == 0 || strcasecmp(name, "LEAT_CONFIG") == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(settings[i].variable, name) == 0 || strcasecmp(settings[i].field->name, name) == 0)
            return true;
    return false;
}

static void warn(const struct setting *settings, size_t count, const struct variable *variable, struct arena *arena) {
    const char **names = arena_alloc(arena, (count * 2 + 1) * sizeof *names);
    str upper = arena_format(arena, "%.*s", (int)variable->name.len, variable->name.ptr);
    if (!names || !upper.ptr || is_known(settings, count, upper.ptr))
        return;
    for (char *c = (char *)upper.ptr; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    for (size_t i = 0; i < count; i++)
        names[i] = settings[i].variable;
    const char *near = nearest(upper.ptr, names);
    if (near)
        log_say(LOG_WARNING, "no_setting", "leat: warning: %.*s %s is no setting; did you mean %s?", (int)variable->name.len,
                variable->name.ptr, variable->source == FROM_FILE ? "in .env" : "in the file of LEAT_CONFIG", near);
}

void setting_names_warn(const struct plugin_set *plugins, const struct environment *environment, struct arena *arena) {
    static const enum environment_source files[] = {FROM_FILE, FROM_CONFIG};
    size_t count;
    struct setting *settings = setting_names(plugins, arena, &count);
    for (size_t i = 0; settings && i < sizeof files / sizeof *files; i++)
        for (const struct variable *variable = environment->first[files[i]]; variable; variable = variable->next)
            warn(settings, count, variable, arena);
}
