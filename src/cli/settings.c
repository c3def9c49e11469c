// settings.c — leat settings: every setting of the server and of its plugins, as a commented .env.example or as JSON.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/json_print.h"
#include "cli/setting_names.h"
#include "cli/workspace.h"

SCHEMA(ListedSetting, (str, variable), (str, owner), (str, type), (str, description), (bool, required), (bool, secret),
       (str, default_value, .nullable = true, .alias = "default"), (str, value, .nullable = true), (str, source, .nullable = true));

// What the author has written as .def, as text; `ptr` is NULL where there is none.
static str default_of(const leat_field *field, struct arena *arena) {
    switch (field->type->kind) {
    case LEAT_STR: {
        const char *def = ((const str__opts *)field->opts)->def;
        return def ? str_of(def) : (str){0};
    }
    case LEAT_I32: {
        i32 def = ((const i32__opts *)field->opts)->def;
        return def == LEAT_NO_DEFAULT_I32 ? (str){0} : arena_format(arena, "%d", def);
    }
    case LEAT_I64: {
        i64 def = ((const i64__opts *)field->opts)->def;
        return def == LEAT_NO_DEFAULT_I64 ? (str){0} : arena_format(arena, "%lld", (long long)def);
    }
    case LEAT_F64: {
        f64 def = ((const f64__opts *)field->opts)->def;
        return isnan(def) ? (str){0} : arena_format(arena, "%g", def);
    }
    case LEAT_BOOL: {
        int def = ((const _Bool__opts *)field->opts)->def;
        return def < 0 ? (str){0} : def ? S("on") : S("off");
    }
    default:
        return (str){0};
    }
}

static const char *type_of(const leat_field *field) {
    static const char *const names[] = {
        [LEAT_STR] = "text",  [LEAT_I32] = "integer", [LEAT_I64] = "integer", [LEAT_F64] = "number", [LEAT_BOOL] = "on|off",
        [LEAT_UUID] = "uuid", [LEAT_TIME] = "time",   [LEAT_ENUM] = "choice", [LEAT_LIST] = "list"};
    unsigned kind = field->type->kind;
    return kind < sizeof names / sizeof *names && names[kind] ? names[kind] : "text";
}

// By the plugin's own name for it, or by the bare one.
static const struct variable *found(const struct setting *setting, const struct environment *environment) {
    const struct variable *variable = environment_find(environment, setting->variable);
    return variable ? variable : environment_find(environment, setting->field->name);
}

static ListedSetting listed(const struct setting *setting, const struct environment *environment, struct arena *arena) {
    static const char *const sources[] = {[FROM_FLAG] = "flag",
                                          [FROM_PROCESS] = "environment",
                                          [FROM_FILE] = ".env",
                                          [FROM_CONFIG] = "LEAT_CONFIG",
                                          [FROM_SERVER] = "server"};
    const struct leat_common_opts *options = setting->field->opts;
    const struct variable *variable = found(setting, environment);
    ListedSetting out = {
        .variable = str_of(setting->variable),
        .owner = str_of(setting->owner),
        .type = str_of(type_of(setting->field)),
        .description = str_of(options->description ? options->description : ""),
        .secret = options->secret,
        .default_value = default_of(setting->field, arena),
        .value = variable && !options->secret ? variable->value : (str){0},
        .source = variable ? str_of(sources[variable->source]) : (str){0},
    };
    out.required = !options->optional && !out.default_value.ptr;
    out.null.default_value = !out.default_value.ptr;
    out.null.value = !out.value.ptr;
    out.null.source = !out.source.ptr;
    return out;
}

// What is set is not in it: an example is for others.
static void print_example(const ListedSetting_list *settings) {
    puts("# Settings of the server and its plugins, made by `leat settings`. Copy this file to .env and change what you need: a flag wins "
         "over\n"
         "# the environment, the environment over .env, .env over the file that LEAT_CONFIG names. What stands here commented out is not "
         "set.");
    const char *owner = "";
    for (size_t i = 0; i < settings->n; i++) {
        const ListedSetting *setting = &settings->items[i];
        if (strcmp(owner, setting->owner.ptr) != 0)
            printf("\n# ---- %s\n", strcmp(setting->owner.ptr, "leat") == 0 ? "the server" : setting->owner.ptr);
        owner = setting->owner.ptr;
        printf("\n# %s%s%s\n%s%s=%.*s\n", setting->description.len ? setting->description.ptr : setting->type.ptr,
               setting->required ? " (required)" : "", setting->secret ? " (secret)" : "", setting->required ? "" : "#",
               setting->variable.ptr, (int)setting->default_value.len, setting->default_value.ptr ? setting->default_value.ptr : "");
    }
}

static int print(const struct workspace *workspace) {
    size_t count;
    struct setting *settings = setting_names(workspace->plugins, workspace->arena, &count);
    ListedSetting_list list = {.items = arena_alloc(workspace->arena, (count + 1) * sizeof *list.items)};
    if (!settings || !list.items)
        return 1;
    for (; list.n < count; list.n++)
        list.items[list.n] = listed(&settings[list.n], workspace->environment, workspace->arena);
    if (environment_value(workspace->environment, "--json").ptr)
        return json_print(&ListedSetting_list__schema, &list, workspace->arena);
    print_example(&list);
    return 0;
}

// A setting that is missing is what one comes here for: what was said of it stands, and all are listed.
static int run(const struct invocation *invocation) {
    struct workspace workspace;
    bool is_right = workspace_open(&workspace, invocation, WORKSPACE_LOOKS);
    int code = workspace.plugins ? print(&workspace) : 1;
    workspace_close(&workspace);
    return is_right ? code : 1;
}

static const struct flag flags[] = {
    {"json", NULL, "--json", "true", false, "as a JSON list: with what is set, and where; of a secret only that it is"},
    FLAGS_OF_PLACE,
    {0},
};

const struct verb verb_settings = {
    .group = VERBS_THAT_LOOK,
    .name = "settings",
    .arguments = "",
    .summary = "list every setting of the server and its plugins, as a commented .env.example",
    .text = "Each with its description and default. Secrets are never shown. In JSON also what is set now, and where: by a flag, in the\n"
            "environment, in .env, or in the file of LEAT_CONFIG.\n"
            "\n"
            "Exit status: 0; 1 a setting is missing or wrong (it is said which, and all are listed); 2 called wrongly.\n"
            "\n"
            "Examples:\n"
            "  leat settings > .env.example\n"
            "  leat settings --json | jq -r '.[] | select(.source) | \"\\(.variable) \\(.source)\"'\n",
    .flags = flags,
    .run = run,
};
