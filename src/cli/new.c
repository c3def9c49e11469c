// new.c — leat new: a plugin that compiles and passes its tests at once.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/scaffold.h"
#include "cli/verb.h"

static int refuse(struct messages *messages) {
    str text = messages_text(messages);
    fwrite(text.ptr, 1, text.len, stderr);
    return 1;
}

static bool is_given(const struct invocation *invocation, const char *variable) {
    return environment_value(invocation->environment, variable).ptr;
}

static bool is_checkout(void) {
    return access("include/leat/leat.h", F_OK) == 0 && access("plugins", F_OK) == 0;
}

static void print_next(const struct scaffold *scaffold) {
    const char *name = scaffold->name;
    if (scaffold->is_in_tree)
        printf("\nNow:\n  leat test %s     # builds it and runs its tests\n  leat dev%*s # serves, and builds anew when a file is saved\n",
               name, (int)strlen(name) + 6, "");
    else
        puts("\nIt builds against an installed leat: `meson install -C build-test` in a checkout of it, once ./test has run there.");
    if (!scaffold->is_in_tree && scaffold->is_for_cmake)
        printf("\nNow:\n  cd %s\n  cmake -S . -B build && cmake --build build\n  ctest --test-dir build --output-on-failure\n  leat run "
               "--plugins build\n",
               name);
    else if (!scaffold->is_in_tree)
        printf("\nNow:\n  cd %s\n  leat test        # builds it and runs its tests\n  leat dev         # serves, and builds anew when a "
               "file is saved\n",
               name);
}

static int run(const struct invocation *invocation) {
    const char *name = invocation->arguments[0];
    if (!name || invocation->arguments[1]) {
        fputs("leat: error: `leat new` takes one name, of the plugin: leat new orders --table\n", stderr);
        return 2;
    }
    if (!scaffold_name_is_good(name)) {
        fprintf(stderr,
                "leat: error: '%s' cannot be a plugin's name: 2 to 40 of a-z, 0-9 and _, a letter first; it becomes a C identifier, a "
                "table and "
                "a part of paths\n",
                name);
        return 2;
    }
    struct scaffold scaffold = {
        .name = name,
        .has_table = is_given(invocation, "--table"),
        .is_in_tree = is_checkout(),
        .is_for_cmake = is_given(invocation, "--cmake"),
    };
    struct messages messages;
    messages_init(&messages, invocation->arena);
    struct scaffold_file files[SCAFFOLD_FILES_MAX];
    int count = scaffold_make(&scaffold, invocation->arena, files);
    int status = count < 0 ? count : scaffold_write(".", files, count, invocation->arena, &messages);
    if (status)
        return refuse(&messages);
    for (int i = 0; i < count; i++)
        printf("made %s\n", files[i].path);
    print_next(&scaffold);
    return 0;
}

static const struct flag flags[] = {
    {"table", NULL, "--table", "true", false, "with a table: its migration, and routes to make, list, read, change and delete"},
    {"cmake", NULL, "--cmake", "true", false, "a project for CMake; otherwise for meson. In a checkout of leat neither is needed"},
    {0},
};

const struct verb verb_new = {
    .group = VERBS_FOR_AUTHORS,
    .name = "new",
    .arguments = "NAME",
    .summary = "make a plugin that compiles and passes its tests at once",
    .text = "In a checkout of leat it goes into plugins/, migrations/ and tests/, where the build finds it; elsewhere into a folder of its "
            "own.\n"
            "Nothing that is there is overwritten.\n"
            "\n"
            "Examples:\n"
            "  leat new greetings\n"
            "  leat new orders --table\n",
    .flags = flags,
    .run = run,
};
