// program.c — the command: finds the verb, takes the flags, or helps.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/config.h"
#include "cli/program.h"
#include "cli/trial.h"
#include "cli/verb.h"

// in the order of the help, within each group; a line each, as in verb.h
// clang-format off
const struct verb *const verbs[] = {
    &verb_run,
    &verb_plugins,
    &verb_reload,
    &verb_unload,
    &verb_rollback,
    &verb_top,
    &verb_dev,
    &verb_new,
    &verb_build,
    &verb_check,
    &verb_test,
    &verb_bench,
    &verb_db,
    &verb_queries,
    &verb_routes,
    &verb_settings,
    &verb_openapi,
    &verb_call,
    &verb_token,
    &verb_doctor,
    &verb_manual,
    &verb_completion,
    &verb_version,
    NULL,
};
// clang-format on
enum { VERB_COUNT = sizeof verbs / sizeof verbs[0] - 1, PROGRAM_BYTES_MAX = 64 << 20 };

static const char *const titles[VERB_GROUPS] = {
    [VERBS_FOR_AUTHORS] = "Write plugins",
    [VERBS_THAT_SERVE] = "Serve",
    [VERBS_OF_DATABASE] = "The database",
    [VERBS_THAT_LOOK] = "Look and try",
};
static const enum verb_group order[VERB_GROUPS] = {VERBS_THAT_SERVE, VERBS_FOR_AUTHORS, VERBS_OF_DATABASE, VERBS_THAT_LOOK};

static void help_group(FILE *out, enum verb_group group) {
    bool is_first = true;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (verbs[i]->group != group)
            continue;
        if (is_first)
            fprintf(out, "\n%s:\n", titles[group]);
        fprintf(out, "  leat %-10s %s\n", verbs[i]->name, verbs[i]->summary);
        is_first = false;
    }
}

static int help(FILE *out) {
    fputs("usage: leat VERB [FLAGS] [ARGUMENTS]\n", out);
    for (size_t i = 0; i < VERB_GROUPS; i++)
        help_group(out, order[i]);
    fputs("\n`leat VERB --help` tells more.\n"
          "\n"
          "Examples:\n"
          "  leat run\n"
          "  leat run --port 0 --workers 2\n"
          "  leat plugins\n"
          "  leat db status\n"
          "  leat routes --json\n",
          out);
    return out == stdout ? 0 : 2;
}

static void help_setting(const char *variable, const char *description) {
    printf("  %-26s %s\n", variable, description);
}

static int help_verb(const struct verb *verb) {
    printf("usage: leat %s%s%s%s\n%s.\n\n%s", verb->name, verb->flags->name ? " [FLAGS]" : "", *verb->arguments ? " " : "", verb->arguments,
           verb->summary, verb->text);
    if (verb->flags->name)
        puts("\nFlags:");
    for (const struct flag *flag = verb->flags; flag->name; flag++) {
        char letter[] = {'-', flag->letter, ',', ' ', '\0'};
        int bytes = printf("  %s--%s%s%s", flag->letter ? letter : "", flag->name, flag->value ? " " : "", flag->value ? flag->value : "");
        printf("%*s%s\n", bytes < 24 ? 24 - bytes : 1, "", flag->help);
    }
    if (verb->has_settings) {
        puts("\nSettings, in the environment or .env (a plugin has its own besides):");
        config_describe(help_setting);
    }
    return 0;
}

int verb_help(const struct verb *verb) {
    return verb ? help_verb(verb) : help(stdout);
}

static const struct verb *find(const char *name) {
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (!strcmp(verbs[i]->name, name))
            return verbs[i];
    return NULL;
}

static int refuse_verb(const char *name) {
    const char *names[VERB_COUNT + 1] = {0};
    for (size_t i = 0; i < VERB_COUNT; i++)
        names[i] = verbs[i]->name;
    const char *near = nearest(name, names);
    fprintf(stderr, "leat: error: there is no verb '%s'; %s%s\n", name, near ? "did you mean leat " : "`leat --help` shows those there are",
            near ? near : "");
    return 2;
}

static int run(const struct verb *verb, char **arguments, const leat_plugin *const *linked, struct arena *arena) {
    struct environment environment;
    environment_init(&environment, arena);
    struct messages messages;
    messages_init(&messages, arena);
    int status = environment_import(&environment, environ);
    if (status == 0)
        status = flags_take(verb->flags, arguments, &environment, &messages);
    if (status > 0)
        return help_verb(verb);
    if (status < 0) {
        str text = messages_text(&messages);
        fprintf(stderr, "%.*s", (int)text.len, text.ptr ? text.ptr : "");
        return 2;
    }
    return verb->run(&(struct invocation){arena, &environment, arguments, linked});
}

int leat_main(int argument_count, char **arguments, const leat_plugin *const *linked) {
    const char *name = argument_count > 1 ? arguments[1] : NULL;
    if (!name)
        return help(stderr);
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        const struct verb *about = argument_count > 2 ? find(arguments[2]) : NULL;
        return verb_help(about);
    }
    if (!strcmp(name, TRIAL_ARGUMENT))
        return trial_main(arguments + 2);
    const struct verb *verb = !strcmp(name, "--version") ? &verb_version : find(name);
    if (!verb)
        return refuse_verb(name);
    struct arena_pool pool;
    arena_pool_init(&pool, 16);
    struct arena arena;
    arena_init(&arena, &pool, PROGRAM_BYTES_MAX);
    int code = run(verb, arguments + 2, linked, &arena);
    arena_reset(&arena);
    arena_pool_finish(&pool);
    return code;
}
