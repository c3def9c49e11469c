// plugins.c — leat plugins: how the plugins of a running server stand.
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"

enum { EXIT_NOT_WELL = 3 };

static int width_of(const PluginsAnswer *answer, size_t offset, int least) {
    int width = least;
    for (size_t i = 0; i < answer->plugins.n; i++) {
        const str *text = (const str *)((const char *)&answer->plugins.items[i] + offset);
        width = (int)text->len > width ? (int)text->len : width;
    }
    return width;
}

static void print_lines(str text) {
    while (text.len) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t bytes = end ? (size_t)(end - text.ptr) : text.len;
        printf("    %.*s\n", (int)bytes, text.ptr);
        size_t taken = bytes + (end ? 1 : 0);
        text = (str){text.ptr + taken, text.len - taken};
    }
}

static void print_row(const PluginRow *row, int name_width, int version_width) {
    printf("%-*.*s  %-*.*s  %-11.*s  %3ld  %6ld  %8ld  %-19.19s  %.*s\n", name_width, (int)row->name.len, row->name.ptr, version_width,
           (int)row->version.len, row->version.ptr, (int)row->state.len, row->state.ptr, (long)row->generation, (long)row->routes,
           (long)row->requests, row->since.len ? row->since.ptr : "", (int)row->file.len, row->file.ptr);
    print_lines(row->why);
}

static void print_table(const PluginsAnswer *answer) {
    int name_width = width_of(answer, offsetof(PluginRow, name), 6), version_width = width_of(answer, offsetof(PluginRow, version), 7);
    printf("leat %.*s, process %ld, %.*s\n\n", (int)answer->leat.len, answer->leat.ptr, (long)answer->pid, (int)answer->address.len,
           answer->address.ptr);
    printf("%-*s  %-*s  %-11s  %3s  %6s  %8s  %-19s  %s\n", name_width, "plugin", version_width, "version", "state", "gen", "routes",
           "requests", "since (UTC)", "file");
    for (size_t i = 0; i < answer->plugins.n; i++)
        print_row(&answer->plugins.items[i], name_width, version_width);
    if (answer->silent_cores)
        printf("\n%ld of the cores did not answer in time: a handler holds them; their requests are not counted\n",
               (long)answer->silent_cores);
}

static bool is_well(const PluginRow *row) {
    return !str_eq(row->state, S("refused")) && !str_eq(row->state, S("quarantined"));
}

static int run(const struct invocation *invocation) {
    PluginsAnswer answer;
    str line;
    const char *name = invocation->arguments[0];
    if (!ask_for(invocation, "plugins", name, ASK_MS, &PluginsAnswer__schema, &answer, &line))
        return 1;
    if (name && !answer.plugins.n) {
        fprintf(stderr, "leat: error: there is no plugin '%s' here; `leat plugins` lists them\n", name);
        return 1;
    }
    if (wants_json(invocation))
        print_line(line);
    else
        print_table(&answer);
    int code = 0;
    for (size_t i = 0; i < answer.plugins.n; i++)
        code = is_well(&answer.plugins.items[i]) ? code : EXIT_NOT_WELL;
    return code;
}

static const struct flag flags[] = {FLAGS_OF_SERVER, {0}};

const struct verb verb_plugins = {
    .group = VERBS_THAT_SERVE,
    .name = "plugins",
    .arguments = "[NAME]",
    .summary = "tell how the plugins of a running server stand",
    .text =
        "States: `serving`; `refused`, its file was not taken, and why (what served before goes on); `draining`, replaced or removed, but\n"
        "requests still run on it, and which; `unloaded` by hand; `quarantined`, it has crashed three times in a row.\n"
        "\n"
        "Exits with 0; with 3 when a plugin is refused or quarantined; with 1 when no server answers.\n"
        "\n"
        "Examples:\n"
        "  leat plugins\n"
        "  leat plugins users --json | jq '.plugins[0].held_by'\n",
    .flags = flags,
    .run = run,
};
