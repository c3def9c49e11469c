// tables.c — the TABLEs of the plugins, each with what else its plugin declares of it.
#include "tables.h"

#include <errno.h>
#include <string.h>

struct gathering {
    struct arena *arena;
    struct messages *messages;
    struct declared_table *tables;
    unsigned count;
    int status;
};

// A header that is part of two files of a plugin declares what is in it twice.
static bool is_repeated(const struct plugin *plugin, size_t index) {
    if (index == 0)
        return false;
    const leat_item *a = plugin->items[index - 1], *b = plugin->items[index];
    return a->kind == b->kind && a->line == b->line && strcmp(a->file, b->file) == 0;
}

static const leat_schema *schema_of(const leat_item *item) {
    switch (item->kind) {
    case LEAT_ITEM_INDEX:
        return ((const struct leat_index *)item)->schema;
    case LEAT_ITEM_CONSTRAINT:
        return ((const struct leat_constraint *)item)->schema;
    case LEAT_ITEM_COLUMN_TYPE:
        return ((const struct leat_column_type *)item)->schema;
    default:
        return NULL;
    }
}

static void refuse(struct gathering *gathering, const leat_item *item, const char *why) {
    messages_add(gathering->messages, "%s:%u: error: %s", item->file, item->line, why);
    gathering->status = -EINVAL;
}

static int gather_items(struct gathering *gathering, const struct plugin *plugin, struct declaration_of_table *declaration) {
    const leat_item **items = arena_alloc(gathering->arena, (plugin->item_count + 1) * sizeof *items);
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < plugin->item_count; i++) {
        const leat_schema *schema = schema_of(plugin->items[i]);
        if (schema && schema->table && strcmp(schema->table, declaration->schema->table) == 0 && !is_repeated(plugin, i))
            items[declaration->item_count++] = plugin->items[i];
    }
    declaration->items = items;
    return 0;
}

static const struct declared_table *find(const struct gathering *gathering, const char *name) {
    for (unsigned i = 0; i < gathering->count; i++)
        if (strcmp(gathering->tables[i].name, name) == 0)
            return &gathering->tables[i];
    return NULL;
}

static int add_table(struct gathering *gathering, const struct plugin *plugin, const struct leat_table *table) {
    struct declaration_of_table declaration = {.plugin = plugin->entry.name, .schema = table->schema};
    const struct declared_table *other = find(gathering, table->schema->table);
    if (other) {
        messages_add(gathering->messages, "%s:%u: error: the table '%s' is declared by %s:%u already: a SCHEMA holds a part of its columns",
                     table->base.file, table->base.line, other->name, other->file, other->line);
        gathering->status = -EINVAL;
        return 0;
    }
    str message = {0};
    int error = gather_items(gathering, plugin, &declaration);
    if (error == 0)
        error = declared_table_make(&declaration, gathering->arena, &gathering->tables[gathering->count], &message);
    if (error == -EINVAL) {
        messages_add_lines(gathering->messages, message);
        gathering->status = error;
        return 0;
    }
    gathering->count += error == 0;
    return error;
}

static int gather(struct gathering *gathering, const struct plugin *plugin) {
    for (size_t i = 0; i < plugin->item_count; i++) {
        const leat_item *item = plugin->items[i];
        const leat_schema *schema = schema_of(item);
        if (schema && !schema->table)
            refuse(gathering, item, "this is about a SCHEMA, which has no table: declare it as TABLE(Name, \"table\", ...)");
        int error =
            item->kind == LEAT_ITEM_TABLE && !is_repeated(plugin, i) ? add_table(gathering, plugin, (const struct leat_table *)item) : 0;
        if (error)
            return error;
    }
    return 0;
}

int plugin_set_tables(const struct plugin_set *set, const char *plugin, struct arena *arena, struct messages *messages,
                      struct declared_table **ret_tables, unsigned *ret_count) {
    struct gathering gathering = {.arena = arena, .messages = messages};
    size_t item_count = 0;
    for (size_t i = 0; i < set->count; i++)
        item_count += set->plugins[i]->item_count;
    gathering.tables = arena_alloc(arena, (item_count + 1) * sizeof *gathering.tables);
    if (!gathering.tables)
        return -ENOMEM;
    for (size_t i = 0; i < set->count; i++)
        if (!plugin || strcmp(set->plugins[i]->entry.name, plugin) == 0) {
            int error = gather(&gathering, set->plugins[i]);
            if (error)
                return error;
        }
    *ret_tables = gathering.tables;
    *ret_count = gathering.count;
    return gathering.status;
}
