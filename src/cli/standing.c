// standing.c — how the plugins stand: what serves, drains, was refused or is left out, and the versions that could be gone back to.
#include "cli/standing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "host/quarantine.h"

enum { ROWS_MAX = 1024 };

static const struct plugin *find_in(const struct plugin_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++)
        if (!strcmp(set->plugins[i]->entry.name, name))
            return set->plugins[i];
    return NULL;
}

const struct plugin *standing_plugin(const struct standing *standing, const char *name) {
    return find_in(standing->workspace->plugins, name);
}

// ---- what was refused

static void free_refusals(struct refusal *refusals, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        free(refusals[i].path);
        free(refusals[i].name);
        free(refusals[i].why);
    }
}

static void forget_refusals(struct standing *standing) {
    free_refusals(standing->refusals, standing->refusal_count);
    standing->refusal_count = 0;
}

static const struct refusal *find_refusal(const struct refusal *refusals, unsigned count, const char *path) {
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(refusals[i].path, path))
            return &refusals[i];
    return NULL;
}

void standing_carry(const struct standing *standing, struct refused_files *refused, struct messages *messages) {
    for (unsigned i = 0; refused && i < standing->refusal_count; i++) {
        const struct refusal *refusal = &standing->refusals[i];
        struct refused_file file = {
            .path = refusal->path, .name = refusal->name, .why = str_of(refusal->why), .mark = refusal->mark, .is_of_trial = true};
        struct stat now;
        struct file_mark mark = stat(refusal->path, &now) == 0 ? file_mark(&now) : (struct file_mark){0};
        if (refusal->is_of_trial && file_mark_is_same(&refusal->mark, &mark) && refused_add(refused, &file))
            messages_add_lines(messages, file.why);
    }
}

bool standing_has_passing(const struct standing *standing) {
    for (unsigned i = 0; i < standing->refusal_count; i++)
        if (standing->refusals[i].may_pass)
            return true;
    return false;
}

bool standing_is_refused(const struct standing *standing, const char *name) {
    for (unsigned i = 0; i < standing->refusal_count; i++)
        if (!strcmp(standing->refusals[i].name, name))
            return true;
    return false;
}

static void add_refusal(struct standing *standing, const char *path, str name, str why, bool may_pass) {
    if (standing->refusal_count == REFUSED_FILES_MAX || find_refusal(standing->refusals, standing->refusal_count, path))
        return;
    struct refusal refusal = {.path = strdup(path),
                              .name = strndup(name.ptr, name.len),
                              .why = strndup(why.len ? why.ptr : "", why.len),
                              .since_us = clock_wall_us(),
                              .may_pass = may_pass};
    if (refusal.path && refusal.name && refusal.why)
        standing->refusals[standing->refusal_count++] = refusal;
    else
        free_refusals(&refusal, 1);
}

// The lines that begin with the file's path; all, where none does.
static str lines_about(const char *path, str text, struct arena *arena) {
    str lines = {0};
    size_t bytes = strlen(path);
    for (const char *line = text.ptr, *end = line + text.len; line < end;) {
        size_t line_bytes = strcspn(line, "\n");
        if (line_bytes > bytes && !strncmp(line, path, bytes) && line[bytes] == ':')
            lines = arena_format(arena, "%s%.*s\n", lines.ptr ? lines.ptr : "", (int)line_bytes, line);
        line += line_bytes + (line + line_bytes < end);
    }
    return lines.len ? lines : text;
}

// A load that was refused as a whole is about all that is new.
static void add_news(struct standing *standing, str words) {
    const struct workspace *workspace = standing->workspace;
    struct arena_pool pool;
    struct arena arena;
    char *paths[REFUSED_FILES_MAX];
    unsigned count = plugin_set_news(workspace->plugins, workspace->config.folders, workspace->config.folder_count, &standing->choices,
                                     paths, REFUSED_FILES_MAX);
    arena_pool_init(&pool, 0);
    arena_init(&arena, &pool, 4 * MESSAGES_BYTES_MAX);
    str text = arena_format(&arena, "%.*s", (int)words.len, words.len ? words.ptr : "");
    for (unsigned i = 0; i < count; i++) {
        add_refusal(standing, paths[i], refused_stem(paths[i]), text.ptr ? lines_about(paths[i], text, &arena) : words, false);
        free(paths[i]);
    }
    arena_reset(&arena);
    arena_pool_finish(&pool);
}

// Without the path, which has a place of its own, and without what is below it.
static str first_line(const struct refusal *refusal) {
    const char *line = refusal->why;
    size_t bytes = strlen(refusal->path);
    if (!strncmp(line, refusal->path, bytes) && !strncmp(line + bytes, ": error: ", 9))
        line += bytes + 9;
    return (str){line, strcspn(line, "\n")};
}

static void say_refusal(const struct standing *standing, const struct refusal *refusal) {
    char why[LOG_VALUE_BYTES];
    bool serves = find_in(standing->workspace->plugins, refusal->name) != NULL;
    log_line(LOG_ERROR, "plugin_left_out", "name=%s file=%s serves=%s why=%s", refusal->name, refusal->path,
             serves ? "the_one_before" : "nothing", log_value(why, first_line(refusal)));
}

// What was refused before for the same reason is no news.
static bool settle_refusals(struct standing *standing, const struct refusal *before, unsigned before_count) {
    bool is_news = false;
    for (unsigned i = 0; i < standing->refusal_count; i++) {
        struct refusal *refusal = &standing->refusals[i];
        const struct refusal *same = find_refusal(before, before_count, refusal->path);
        bool is_known = same && !strcmp(same->why, refusal->why);
        is_news |= !is_known;
        if (is_known)
            refusal->since_us = same->since_us;
        else
            say_refusal(standing, refusal);
    }
    return is_news;
}

bool standing_refused(struct standing *standing, const struct refused_files *refused, str words) {
    struct refusal before[REFUSED_FILES_MAX];
    unsigned before_count = standing->refusal_count;
    memcpy(before, standing->refusals, before_count * sizeof *before);
    standing->refusal_count = 0;
    for (unsigned i = 0; refused && i < refused->count; i++) {
        const struct refused_file *file = &refused->items[i];
        add_refusal(standing, file->path, str_of(file->name), file->why, file->may_pass);
        struct refusal *refusal = (struct refusal *)find_refusal(standing->refusals, standing->refusal_count, file->path);
        if (refusal) {
            refusal->is_of_trial = file->is_of_trial;
            refusal->mark = file->mark;
        }
    }
    if (words.len)
        add_news(standing, words);
    bool is_news = settle_refusals(standing, before, before_count);
    free_refusals(before, before_count);
    return is_news;
}

void standing_settled(struct standing *standing) {
    forget_refusals(standing);
}

// ---- what may be gone back to

int standing_previous(const struct standing *standing, const char *name) {
    for (unsigned i = 0; i < standing->previous_count; i++)
        if (!strcmp(standing->previous[i].name, name))
            return standing->previous[i].fd;
    return -1;
}

static void keep_previous(struct standing *standing, const struct plugin *plugin) {
    int fd = plugin->copy_fd >= 0 ? fcntl(plugin->copy_fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0)
        return;
    unsigned i = 0;
    while (i < standing->previous_count && strcmp(standing->previous[i].name, plugin->entry.name))
        i++;
    if (i < standing->previous_count) {
        close(standing->previous[i].fd);
        standing->previous[i].fd = fd;
    } else if (i < PLUGINS_MAX) {
        snprintf(standing->previous[i].name, sizeof standing->previous[i].name, "%s", plugin->entry.name);
        standing->previous[i].fd = fd;
        standing->previous_count++;
    } else
        close(fd);
}

// A choice holds for a file as it was: one that met none is of the past.
static bool was_met(const struct plugin_set *set, const struct choice *choice) {
    const struct plugin *plugin = find_in(set, choice->name);
    if (choice->kind == CHOICE_PREVIOUS)
        return plugin && plugin->is_previous;
    for (size_t i = 0; i < set->left_out_count; i++)
        if (!strcmp(set->left_out[i].name, choice->name))
            return true;
    return false;
}

void standing_lift(const struct standing *standing, const char *name) {
    char folder[4096];
    if (snprintf(folder, sizeof folder, "%s/crashes", standing->workspace->var) < (int)sizeof folder)
        quarantine_lift(folder, name);
    log_line(LOG_INFO, "quarantine_lifted", "name=%s", name);
}

static void drop_choices_of_the_past(struct standing *standing, const struct plugin_set *set) {
    for (unsigned i = standing->choices.count; i-- > 0;)
        if (!was_met(set, &standing->choices.items[i])) {
            struct choice gone = standing->choices.items[i];
            if (gone.kind == CHOICE_QUARANTINED)
                standing_lift(standing, gone.name);
            choice_drop(&standing->choices, gone.name);
        }
}

void standing_loaded(struct standing *standing, const struct plugin_set *before, const struct plugin_set *next) {
    for (size_t i = 0; i < before->count; i++) {
        const struct plugin *now = find_in(next, before->plugins[i]->entry.name);
        if (now && now != before->plugins[i])
            keep_previous(standing, before->plugins[i]);
    }
    drop_choices_of_the_past(standing, next);
}

bool standing_knows(const struct standing *standing, const char *name) {
    const struct workspace *workspace = standing->workspace;
    if (standing_plugin(standing, name) || choice_of(&standing->choices, name))
        return true;
    for (size_t i = 0; i < workspace->config.folder_count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.so", workspace->config.folders[i], name);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

// ---- told

struct telling {
    const struct standing *standing;
    const struct census *census;
    struct arena *arena;
    str name; // whose rows; empty: all
    PluginRow_list *rows;
};

static str copy_of(struct telling *telling, const char *text) {
    str copy = arena_format(telling->arena, "%s", text ? text : "");
    return copy.ptr ? copy : S("");
}

static str time_of(struct telling *telling, int64_t us) {
    char text[TIMESTAMP_BYTES_MAX];
    if (!us)
        return S("");
    str copy = arena_copy(telling->arena, (str){text, timestamp_format(text, (timestamp){us})});
    return copy.ptr ? copy : S("");
}

static PluginRow *add_row(struct telling *telling, str name, enum roster_state state) {
    if ((telling->name.len && !str_eq(telling->name, name)) || telling->rows->n == ROWS_MAX)
        return NULL;
    PluginRow *row = &telling->rows->items[telling->rows->n++];
    str empty = S("");
    *row = (PluginRow){.name = arena_copy(telling->arena, name), .version = empty, .state = str_of(roster_word(state))};
    row->file = row->since = row->why = empty;
    return row;
}

static void put_holder(struct telling *telling, Holder *holder, const struct census_entry *entry) {
    const struct activity *activity = entry->activity;
    *holder = (Holder){
        .kind = str_of(*activity->method ? "route" : activity->kind),
        .method = str_of(activity->method),
        .route = str_of(activity->path),
        .handler = str_of(activity->name),
        .at = arena_format(telling->arena, "%s:%u", activity->file, activity->line),
        .requests = entry->count,
        .longest_ms = (clock_monotonic_ns() - entry->oldest_ns) / 1000000,
    };
}

// What is under way in that snapshot: of one plugin, or of all.
static void put_holders(struct telling *telling, PluginRow *row, const struct snapshot *snapshot, const char *plugin) {
    const struct census *census = telling->census;
    row->held_by.items = arena_alloc(telling->arena, (census->entry_count + 1) * sizeof *row->held_by.items);
    for (unsigned i = 0; row->held_by.items && i < census->entry_count; i++) {
        const struct census_entry *entry = &census->entries[i];
        if (entry->snapshot != snapshot || (plugin && strcmp(entry->activity->plugin, plugin)))
            continue;
        row->requests += entry->count;
        put_holder(telling, &row->held_by.items[row->held_by.n++], entry);
    }
}

static i64 route_count(const struct plugin_set *set, const struct plugin *plugin) {
    i64 count = 0;
    for (size_t i = 0; i < snapshot_endpoint_count(set->snapshot); i++)
        count += endpoint_plugin(snapshot_endpoint(set->snapshot, i)) == &plugin->entry;
    return count;
}

static PluginRow *tell_plugin(struct telling *telling, const struct plugin_set *set, const struct plugin *plugin, enum roster_state state) {
    PluginRow *row = add_row(telling, str_of(plugin->entry.name), state);
    if (!row)
        return NULL;
    row->version = copy_of(telling, plugin->entry.version);
    row->file = copy_of(telling, plugin->path);
    row->generation = plugin->generation;
    row->routes = route_count(set, plugin);
    return row;
}

static void tell_serving(struct telling *telling, const struct plugin_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        const struct plugin *plugin = set->plugins[i];
        PluginRow *row = tell_plugin(telling, set, plugin, ROSTER_SERVING);
        const struct choice *choice = choice_of(&telling->standing->choices, plugin->entry.name);
        if (!row)
            continue;
        row->since = time_of(telling, plugin->since_us);
        put_holders(telling, row, set->snapshot, plugin->entry.name);
        if (choice && choice->kind == CHOICE_PREVIOUS)
            row->why = copy_of(telling, choice->why);
    }
}

static void tell_draining(struct telling *telling, const struct retired *retired) {
    const struct plugin_set *now = telling->standing->workspace->plugins;
    for (size_t i = 0; i < retired->set->count; i++) {
        const struct plugin *plugin = retired->set->plugins[i];
        PluginRow *row = plugin_set_has(now, plugin) ? NULL : tell_plugin(telling, retired->set, plugin, ROSTER_DRAINING);
        if (!row)
            continue;
        row->since = time_of(telling, retired->since_us);
        put_holders(telling, row, retired->set->snapshot, NULL);
        row->why =
            arena_format(telling->arena, "held by %s", standing_holders(telling->census, retired->set->snapshot, telling->arena).ptr);
    }
}

static void tell_refused(struct telling *telling) {
    for (unsigned i = 0; i < telling->standing->refusal_count; i++) {
        const struct refusal *refusal = &telling->standing->refusals[i];
        PluginRow *row = add_row(telling, str_of(refusal->name), ROSTER_REFUSED);
        if (!row)
            continue;
        row->file = copy_of(telling, refusal->path);
        row->since = time_of(telling, refusal->since_us);
        row->why = copy_of(telling, refusal->why);
    }
}

static void tell_left_out(struct telling *telling, const struct plugin_set *set) {
    for (size_t i = 0; i < set->left_out_count; i++) {
        const struct left_out *left_out = &set->left_out[i];
        const struct choice *choice = choice_of(&telling->standing->choices, left_out->name);
        PluginRow *row = add_row(telling, str_of(left_out->name), left_out->kind == CHOICE_UNLOADED ? ROSTER_UNLOADED : ROSTER_QUARANTINED);
        if (!row)
            continue;
        row->why = copy_of(telling, left_out->why);
        row->since = time_of(telling, choice ? choice->since_us : 0);
    }
}

void standing_rows(const struct standing *standing, const struct publisher *publisher, const struct census *census, str name,
                   struct arena *arena, PluginsAnswer *answer) {
    struct telling telling = {standing, census, arena, name, &answer->plugins};
    struct retired retired;
    answer->plugins = (PluginRow_list){.items = arena_alloc(arena, ROWS_MAX * sizeof *answer->plugins.items)};
    if (!answer->plugins.items)
        return;
    tell_serving(&telling, standing->workspace->plugins);
    tell_refused(&telling);
    tell_left_out(&telling, standing->workspace->plugins);
    for (unsigned i = 0; publisher_retired(publisher, i, &retired); i++)
        tell_draining(&telling, &retired);
}

str standing_holders(const struct census *census, const struct snapshot *snapshot, struct arena *arena) {
    str text = {0};
    for (unsigned i = 0; i < census->entry_count; i++) {
        const struct census_entry *entry = &census->entries[i];
        const struct activity *activity = entry->activity;
        if (entry->snapshot == snapshot)
            text = arena_format(arena, "%s%s%s %s (%s:%u) %u for %.1f s", text.ptr ? text.ptr : "", text.ptr ? ", " : "",
                                *activity->method ? activity->method : activity->kind, *activity->method ? activity->path : activity->name,
                                activity->file, activity->line, entry->count, (double)(clock_monotonic_ns() - entry->oldest_ns) / 1e9);
    }
    return text.ptr ? text : S("nothing that its cores have told of");
}

// ---- the roster

static void enlist(struct roster *roster, const char *name, enum roster_state state, str why) {
    if (roster->count == ROSTER_MAX)
        return;
    struct roster_entry *entry = &roster->entries[roster->count++];
    snprintf(entry->name, sizeof entry->name, "%s", name);
    snprintf(entry->why, sizeof entry->why, "%.*s", (int)why.len, why.len ? why.ptr : "");
    entry->state = state;
}

static void enlist_left_out(struct roster *roster, const struct left_out *left_out) {
    bool is_by_hand = left_out->kind == CHOICE_UNLOADED;
    enlist(roster, left_out->name, is_by_hand ? ROSTER_UNLOADED : ROSTER_QUARANTINED, is_by_hand ? (str){0} : str_of(left_out->why));
}

static bool has_quarantined(const struct plugin_set *set) {
    for (size_t i = 0; i < set->left_out_count; i++)
        if (set->left_out[i].kind == CHOICE_QUARANTINED)
            return true;
    return false;
}

void standing_publish(struct standing *standing, const struct publisher *publisher) {
    struct retired retired;
    const struct plugin_set *set = standing->workspace->plugins;
    struct roster *list = calloc(1, sizeof *list); // its entries alone
    standing->workspace->readiness.is_degraded = standing->refusal_count || has_quarantined(set);
    if (!list)
        return;
    for (size_t i = 0; i < set->count; i++)
        enlist(list, set->plugins[i]->entry.name, ROSTER_SERVING, (str){0});
    for (unsigned i = 0; i < standing->refusal_count; i++)
        enlist(list, standing->refusals[i].name, ROSTER_REFUSED, first_line(&standing->refusals[i]));
    for (size_t i = 0; i < set->left_out_count; i++)
        enlist_left_out(list, &set->left_out[i]);
    for (unsigned k = 0; publisher && publisher_retired(publisher, k, &retired); k++)
        for (size_t i = 0; i < retired.set->count; i++)
            if (!plugin_set_has(set, retired.set->plugins[i]))
                enlist(list, retired.set->plugins[i]->entry.name, ROSTER_DRAINING, (str){0});
    roster_set(standing->roster, list->entries, list->count);
    free(list);
}

void standing_init(struct standing *standing, struct workspace *workspace, struct roster *roster) {
    memset(standing, 0, sizeof *standing);
    standing->workspace = workspace;
    standing->roster = roster;
    choice_list_copy(&standing->choices, &workspace->choices);
    for (size_t i = 0; i < workspace->plugins->left_out_count; i++) {
        const struct left_out *left_out = &workspace->plugins->left_out[i];
        log_line(LOG_WARNING, "plugin_quarantined", "name=%s why=\"%.180s\"", left_out->name, left_out->why);
    }
    drop_choices_of_the_past(standing, workspace->plugins);
    standing_refused(standing, workspace->refused, (str){0});
}

void standing_finish(struct standing *standing) {
    forget_refusals(standing);
    choice_list_finish(&standing->choices);
    while (standing->previous_count)
        close(standing->previous[--standing->previous_count].fd);
}
