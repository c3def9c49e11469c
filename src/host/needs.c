// needs.c — what plugins need of one another: brought into the order of .requires, and what of it is not there dealt with.
#include "needs.h"

#include <errno.h>
#include <string.h>

// One plugin's need of another, by .requires or by an IMPORT.
struct need {
    struct plugin *plugin;
    const char *name; // of the other
    bool is_import;
};

// The `index`-th of the plugin's needs, those of .requires first. False where there are fewer.
static bool need_at(struct plugin *plugin, size_t index, struct need *ret_need) {
    size_t count = 0;
    for (const char *const *name = plugin->entry.requires; name && *name; name++)
        if (count++ == index)
            return *ret_need = (struct need){plugin, *name, false}, true;
    for (size_t i = 0; i < plugin->item_count; i++)
        if (plugin->items[i]->kind == LEAT_ITEM_IMPORT && count++ == index)
            return *ret_need = (struct need){plugin, ((const leat_provider *)plugin->items[i])->from, true}, true;
    return false;
}

// ---- quarantined

// The plugin that `plugin` needs and that is quarantined, or NULL.
static const char *quarantined_need(const struct plugin_set *set, struct plugin *plugin) {
    struct need need;
    for (size_t i = 0; need_at(plugin, i, &need); i++) {
        const struct left_out *left_out = plugin_set_find_left_out(set, need.name);
        if (left_out && left_out->kind == CHOICE_QUARANTINED)
            return need.name;
    }
    return NULL;
}

// A plugin in quarantine must not keep the server from its start: what needs it goes with it, and what needs that.
static void leave_out_dependents(struct gathering *gathering) {
    struct plugin_set *set = gathering->set;
    for (size_t i = 0; i < set->count; i++) {
        struct plugin *plugin = set->plugins[i];
        const char *need = quarantined_need(set, plugin);
        if (!need)
            continue;
        gather_left_out(gathering, plugin->entry.name, CHOICE_QUARANTINED,
                        arena_format(&set->arena, "needs '%s', which is in quarantine", need).ptr);
        plugin_close(plugin);
        memmove(&set->plugins[i], &set->plugins[i + 1], (--set->count - i) * sizeof set->plugins[0]);
        i = (size_t)-1; // from the beginning
    }
}

// ---- missing

static const char *verb_of(const struct need *need) {
    return need->is_import ? "imports from" : "requires";
}

static void say_missing(struct gathering *gathering, const struct need *need) {
    const struct plugin *plugin = need->plugin;
    const struct refused_file *refused = gathering->options->refused ? refused_of_name(gathering->options->refused, need->name) : NULL;
    if (plugin_set_find_left_out(gathering->set, need->name))
        messages_add(gathering->messages, "%s: error: '%s' %s the plugin '%s', which is unloaded; unload '%s' first, or reload '%s'",
                     plugin->path, plugin->entry.name, verb_of(need), need->name, plugin->entry.name, need->name);
    else if (refused)
        messages_add(gathering->messages, "%s: error: '%s' %s the plugin '%s', which is left out itself (%s); mend that one", plugin->path,
                     plugin->entry.name, verb_of(need), need->name, refused->path);
    else
        messages_add(gathering->messages,
                     "%s: error: '%s' requires the plugin '%s', which is in none of the plugin folders; put it there, or take it out of "
                     ".requires",
                     plugin->path, plugin->entry.name, need->name);
}

// An IMPORT of what is nowhere is told with its line, when the routes are compiled.
static bool is_told_here(const struct gathering *gathering, const struct need *need) {
    return !need->is_import || (gathering->options->refused && (plugin_set_find_left_out(gathering->set, need->name) ||
                                                                refused_of_name(gathering->options->refused, need->name)));
}

static bool is_said(const struct refused_files *refused, const struct plugin *gone) {
    for (unsigned i = 0; i < refused->count; i++)
        if (refused->items[i].is_gone && !strcmp(refused->items[i].path, gone->path))
            return true;
    return false;
}

// A plugin whose file is gone goes on as long as others need it: they would go with it, and nobody asked for that. 1, or -ENOMEM.
static int keep_gone(struct gathering *gathering, const struct need *need, struct plugin *gone) {
    size_t said = gathering->messages->bytes;
    struct refused_file file = {.path = gone->path, .name = gone->entry.name, .mark = gone->mark, .is_gone = true, .has_previous = true};
    if (!is_said(gathering->options->refused, gone)) {
        messages_add(gathering->messages,
                     "%s: error: is gone, and '%s' %s '%s': it goes on serving until the server is started again, and '%s' would be left "
                     "out then; put the file back, or remove that of '%s' as well",
                     gone->path, need->plugin->entry.name, verb_of(need), need->name, need->plugin->entry.name, need->plugin->entry.name);
        file.why = messages_since(gathering->messages, said);
        refused_add(gathering->options->refused, &file);
    }
    int status = gather_again(gathering, gone);
    return status < 0 ? status : 1;
}

static bool is_new(const struct gathering *gathering, const struct plugin *plugin) {
    return plugin->handle && plugin->generation == gathering->set->generation;
}

static int leave_out(struct gathering *gathering, struct plugin *plugin, size_t said) {
    int status = gather_without(gathering, plugin, arena_copy(&gathering->set->arena, messages_since(gathering->messages, said)));
    return status < 0 ? status : 1;
}

// 1 where the set is another one now; 0, or a negative errno.
static int settle_missing(struct gathering *gathering, const struct need *need) {
    const struct plugin_set *previous = gathering->options->previous;
    struct plugin *gone = previous ? plugin_set_find(previous, need->name) : NULL;
    bool is_chosen = plugin_set_find_left_out(gathering->set, need->name) != NULL;
    if (gone && gone->handle && !is_chosen)
        return keep_gone(gathering, need, gone);
    if (!is_told_here(gathering, need) || !is_new(gathering, need->plugin))
        return 0;
    size_t said = gathering->messages->bytes;
    say_missing(gathering, need);
    return leave_out(gathering, need->plugin, said);
}

// The first need that is not there and that something can be done about: that may change the rest. 1; 0 where there is none, or a
// negative errno.
static int settle_one(struct gathering *gathering) {
    struct plugin_set *set = gathering->set;
    struct need need;
    for (size_t i = 0; i < set->count; i++)
        for (size_t k = 0; need_at(set->plugins[i], k, &need); k++) {
            int status = plugin_set_find(set, need.name) ? 0 : settle_missing(gathering, &need);
            if (status)
                return status;
        }
    return 0;
}

// ---- ordered

enum mark { UNSEEN, ENTERED, DONE };

struct ordering {
    struct gathering *gathering;
    struct plugin *ordered[PLUGINS_MAX], *entered[PLUGINS_MAX]; // entered: from the root of the walk to here
    size_t ordered_count, entered_count;
    enum mark marks[PLUGINS_MAX];
    struct plugin *culprit; // of a circle: one that is new
};

// The plugin that is told is the one that made it a circle, as far as that can be told: one that is new.
static void say_cycle(struct ordering *ordering, struct plugin *again) {
    struct gathering *gathering = ordering->gathering;
    size_t start = 0;
    while (ordering->entered[start] != again)
        start++;
    str circle = {0};
    ordering->culprit = is_new(gathering, again) ? again : NULL;
    for (size_t i = start; i < ordering->entered_count; i++) {
        circle = arena_format(&gathering->set->arena, "%s%s -> ", circle.ptr ? circle.ptr : "", ordering->entered[i]->entry.name);
        if (!ordering->culprit && is_new(gathering, ordering->entered[i]))
            ordering->culprit = ordering->entered[i];
    }
    messages_add(gathering->messages, "%s: error: the plugins require one another in a circle: %s%s; take one .requires out",
                 (ordering->culprit ? ordering->culprit : again)->path, circle.ptr ? circle.ptr : "", again->entry.name);
}

static int visit(struct ordering *ordering, size_t index) {
    struct plugin_set *set = ordering->gathering->set;
    struct plugin *plugin = set->plugins[index];
    if (ordering->marks[index] == DONE)
        return 0;
    if (ordering->marks[index] == ENTERED) {
        say_cycle(ordering, plugin);
        return -EINVAL;
    }
    ordering->marks[index] = ENTERED;
    ordering->entered[ordering->entered_count++] = plugin;
    int status = 0;
    struct need need;
    for (size_t k = 0; !ordering->culprit && need_at(plugin, k, &need) && !need.is_import; k++) {
        size_t i = 0;
        while (i < set->count && strcmp(set->plugins[i]->entry.name, need.name))
            i++;
        int met = i < set->count ? visit(ordering, i) : -EINVAL;
        if (i == set->count)
            say_missing(ordering->gathering, &need);
        status = met ? met : status;
    }
    ordering->entered_count--;
    ordering->marks[index] = DONE;
    ordering->ordered[ordering->ordered_count++] = plugin;
    return status;
}

static int order(struct gathering *gathering, struct plugin **ret_culprit) {
    struct plugin_set *set = gathering->set;
    struct ordering *ordering = arena_alloc(&set->arena, sizeof *ordering);
    if (!ordering)
        return -ENOMEM;
    ordering->gathering = gathering;
    int status = 0;
    for (size_t i = 0; i < set->count && !ordering->culprit; i++) {
        int visited = visit(ordering, i);
        status = visited ? visited : status;
    }
    *ret_culprit = ordering->culprit;
    if (!ordering->culprit)
        memcpy(set->plugins, ordering->ordered, sizeof set->plugins);
    return status;
}

// 1: once more, the set is another one now.
static int settle(struct gathering *gathering) {
    struct plugin *culprit;
    int status = gathering->options->refused ? settle_one(gathering) : 0;
    if (status)
        return status;
    size_t said = gathering->messages->bytes;
    status = order(gathering, &culprit);
    return status == -EINVAL && culprit && gathering->options->refused ? leave_out(gathering, culprit, said) : status;
}

int needs_settle(struct gathering *gathering) {
    int status;
    leave_out_dependents(gathering);
    do
        status = settle(gathering);
    while (status > 0);
    return status;
}
