// reload.c — leat reload, unload and rollback: what changes the plugins of a running server, and waits until it is done.
#include <stdio.h>

#include "cli/ask.h"

static int tell(const struct invocation *invocation, const ChangeAnswer *answer, str line) {
    bool is_refused = str_eq(answer->outcome, S("refused")), is_partly = str_eq(answer->outcome, S("partly"));
    if (wants_json(invocation)) {
        print_line(line);
        return is_refused || is_partly ? 1 : 0;
    }
    fprintf(stderr, "%.*s", (int)answer->messages.len, answer->messages.len ? answer->messages.ptr : "");
    if (is_refused)
        fputs("leat: refused; what served before goes on\n", stderr);
    else if (str_eq(answer->outcome, S("unchanged")))
        puts("nothing has changed");
    else
        printf("generation %ld serves, after %ld ms%s\n", (long)answer->generation, (long)answer->ms,
               is_partly ? ", without the files that are named above" : "");
    return is_refused || is_partly ? 1 : 0;
}

static int change(const struct invocation *invocation, const char *verb, bool needs_name) {
    ChangeAnswer answer;
    str line;
    const char *name = invocation->arguments[0];
    if ((!name && needs_name) || (name && invocation->arguments[1])) {
        fprintf(stderr, "leat: error: leat %s wants the name of %s plugin; `leat plugins` lists them\n", verb, needs_name ? "a" : "one");
        return 2;
    }
    return ask_for(invocation, verb, name, ASK_CHANGE_MS, &ChangeAnswer__schema, &answer, &line) ? tell(invocation, &answer, line) : 1;
}

static int reload(const struct invocation *invocation) {
    return change(invocation, "reload", false);
}

static int unload(const struct invocation *invocation) {
    return change(invocation, "unload", true);
}

static int roll_back(const struct invocation *invocation) {
    return change(invocation, "rollback", true);
}

static const struct flag flags[] = {FLAGS_OF_SERVER, {0}};

const struct verb verb_reload = {
    .group = VERBS_THAT_SERVE,
    .name = "reload",
    .arguments = "[NAME]",
    .summary = "load what has changed in a running server's plugin folders, or one plugin anew",
    .text = "Waits until every core serves the new generation. Without a name it looks at the folders, as the server does by itself when a "
            "file\n"
            "changes. With one, that plugin is loaded again though its file is the same: on_load runs, its statics begin afresh, a "
            "quarantine,\n"
            "`leat unload` or `leat rollback` of it is lifted. Requests that have begun end on the version they began with.\n"
            "\n"
            "A file that is wrong is left out, and what served from it before goes on; all others are loaded.\n"
            "\n"
            "Exits with 0; with 1 when a file was refused (the reasons are printed as in the log), with a name: when that plugin's was.\n"
            "\n"
            "Examples:\n"
            "  leat reload\n"
            "  leat reload users\n",
    .flags = flags,
    .run = reload,
};

const struct verb verb_unload = {
    .group = VERBS_THAT_SERVE,
    .name = "unload",
    .arguments = "NAME",
    .summary = "take a plugin out of a running server, and leave its file where it is",
    .text =
        "Its routes are gone, and their part of /openapi.json; requests that have begun are answered. It stays out until `leat reload "
        "NAME`,\n"
        "until its file changes, or until the server is started again: to keep it out, remove the file. A plugin that others require is\n"
        "refused.\n"
        "\n"
        "Exits with 0; with 1 when it was refused.\n"
        "\n"
        "Examples:\n"
        "  leat unload posts\n",
    .flags = flags,
    .run = unload,
};

const struct verb verb_rollback = {
    .group = VERBS_THAT_SERVE,
    .name = "rollback",
    .arguments = "NAME",
    .summary = "put the version before back in a running server",
    .text =
        "The version that served before the last replacement of this plugin, from the server's own copy. It serves until the plugin's "
        "file\n"
        "changes, until `leat reload NAME`, or until the server is started again: put the right file in the folder before that. A second\n"
        "rollback goes forth again. Migrations are not undone: `leat db down`.\n"
        "\n"
        "Exits with 0; with 1 when it was refused, or when nothing was before it.\n"
        "\n"
        "Examples:\n"
        "  leat rollback users\n",
    .flags = flags,
    .run = roll_back,
};
