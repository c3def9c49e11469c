// build.c — leat build, leat test, leat bench: what a checkout, or a project of plugins, is worked on with.
#include <stdio.h>

#include "cli/project.h"
#include "cli/verb.h"

enum { ARGUMENTS_MAX = 64 };

static bool is_given(const struct invocation *invocation, const char *variable) {
    return environment_value(invocation->environment, variable).ptr;
}

static bool takes_one_name(const struct invocation *invocation) {
    if (!invocation->arguments[0] || !invocation->arguments[1])
        return true;
    fputs("leat: error: one name of a plugin, or none for all\n", stderr);
    return false;
}

static int run_build(const struct invocation *invocation) {
    if (!takes_one_name(invocation))
        return 2;
    enum project_kind kind = project_here();
    return kind ? project_build(kind, invocation->arguments[0], invocation->arena, -1) : 2;
}

static int run_test(const struct invocation *invocation) {
    if (!takes_one_name(invocation))
        return 2;
    enum project_kind kind = project_here();
    return kind ? project_test(kind, invocation->arguments[0], is_given(invocation, "--coverage"), invocation->arena) : 2;
}

static int run_bench(const struct invocation *invocation) {
    if (project_here() != PROJECT_CHECKOUT) {
        fputs("leat: error: the benchmarks are part of leat's sources: run this in a checkout of them\n", stderr);
        return 2;
    }
    const char *arguments[ARGUMENTS_MAX + 3] = {is_given(invocation, "--gate") ? "bench/gate" : "bench/run"};
    size_t count = 1;
    if (is_given(invocation, "--quick"))
        arguments[count++] = "--quick";
    for (char **argument = invocation->arguments; *argument && count < ARGUMENTS_MAX; argument++)
        arguments[count++] = *argument;
    int code = project_command(arguments, -1);
    bool is_gate = is_given(invocation, "--gate");
    return code || !is_gate ? code : project_command((const char *const[]){"bench/budgets", "--build", "build-gate", NULL}, -1);
}

static const struct flag no_flags[] = {{0}};

const struct verb verb_build = {
    .group = VERBS_FOR_AUTHORS,
    .name = "build",
    .arguments = "[PLUGIN]",
    .summary = "build the plugins of this folder, or one of them",
    .text =
        "In a checkout of leat as ./run does, in a project of its own with meson or cmake; into build/. A server that watches that folder\n"
        "serves what was built at once.\n"
        "\n"
        "Examples:\n"
        "  leat build\n"
        "  leat build orders\n",
    .flags = no_flags,
    .run = run_build,
};

static const struct flag test_flags[] = {
    {"coverage", NULL, "--coverage", "true", false, "says which lines of the plugins the tests have run (gcovr)"},
    {0},
};

const struct verb verb_test = {
    .group = VERBS_FOR_AUTHORS,
    .name = "test",
    .arguments = "[PLUGIN]",
    .summary = "build and run the tests of this folder, or of one plugin",
    .text =
        "In a checkout of leat without a name: ./test --quick. Each TEST is a transaction on a Postgres of its own that is rolled back.\n"
        "\n"
        "Examples:\n"
        "  leat test\n"
        "  leat test orders\n"
        "  leat test orders --coverage\n",
    .flags = test_flags,
    .run = run_test,
};

static const struct flag bench_flags[] = {
    {"gate", NULL, "--gate", "true", false,
     "fail where it is worse than bench/baseline.json (bench/gate), or than a .p99_budget_us (bench/budgets)"},
    {"quick", NULL, "--quick", "true", false, "a shorter run"},
    {0},
};

const struct verb verb_bench = {
    .group = VERBS_FOR_AUTHORS,
    .name = "bench",
    .arguments = "[-- ARGUMENTS]",
    .summary = "measure this server beside its peers",
    .text = "bench/run of a checkout, or bench/gate; what follows -- is theirs (`bench/run --help`).\n"
            "\n"
            "Examples:\n"
            "  leat bench --quick\n"
            "  leat bench --gate\n"
            "  leat bench -- --only json --peers nginx\n",
    .flags = bench_flags,
    .run = run_bench,
};
