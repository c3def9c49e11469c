// openapi.c — leat openapi: the document of what would be served, without serving it; and what of it breaks clients of an older one.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/endpoint.h"
#include "cli/contract.h"
#include "cli/workspace.h"
#include "db/migration_file.h"
#include "http/head.h"

enum { EXIT_BREAKING = 3 };

static int print(const struct workspace *workspace) {
    str document = snapshot_document(workspace->plugins->snapshot);
    bool is_written = fwrite(document.ptr, 1, document.len, stdout) == document.len && putchar('\n') != EOF && fflush(stdout) == 0;
    if (!is_written)
        perror("leat: error: the document cannot be written");
    return is_written ? 0 : 1;
}

// ---- beside an older one

static struct contract_place place_of_route(void *arg, const char *method, const char *path) {
    const struct workspace *workspace = arg;
    const struct snapshot *snapshot = workspace->plugins->snapshot;
    for (size_t i = 0; i < snapshot_endpoint_count(snapshot); i++) {
        const struct endpoint *endpoint = snapshot_endpoint(snapshot, i);
        if (strcmp(http_method_name(endpoint->method), method) == 0 && strcmp(endpoint->path, path) == 0)
            return (struct contract_place){endpoint->route->base.file, endpoint->route->base.line};
    }
    return (struct contract_place){"leat", 0};
}

static int compare(struct workspace *workspace, const char *name, str old_text) {
    struct contract contract = {.old_name = name,
                                .old_text = old_text,
                                .new_text = snapshot_document(workspace->plugins->snapshot),
                                .place = place_of_route,
                                .arg = workspace};
    struct findings findings;
    int status = findings_init(&findings, workspace->arena);
    if (status == 0)
        status = contract_compare(&contract, &findings);
    if (status == -ENOMEM)
        return 1;
    if (environment_value(workspace->environment, "--json").ptr)
        findings_print_json(&findings);
    else
        findings_print(&findings);
    return status < 0 ? 1 : findings.error_count ? EXIT_BREAKING : 0;
}

static int diff(struct workspace *workspace) {
    str given = environment_value(workspace->environment, "--diff"), failure = S("out of memory");
    const char *name = arena_format(workspace->arena, "%.*s", (int)given.len, given.ptr).ptr;
    struct buffer text = {0};
    if (!name || migration_file_read(name, workspace->arena, &text, &failure) < 0) {
        fprintf(stderr, "%.*s\n", (int)failure.len, failure.ptr);
        return 1;
    }
    int code = compare(workspace, name, (str){buffer_head(&text), buffer_bytes(&text)});
    buffer_finish(&text);
    return code;
}

static int run(const struct invocation *invocation) {
    struct workspace workspace;
    int code = 1;
    if (workspace_open(&workspace, invocation, WORKSPACE_LOOKS) && workspace_compile(&workspace))
        code = environment_value(workspace.environment, "--diff").ptr ? diff(&workspace) : print(&workspace);
    workspace_close(&workspace);
    return code;
}

static const struct flag flags[] = {
    {"diff", "OLD", "--diff", NULL, false, "say what breaks clients of an older document, a file, instead of printing"},
    {"json", NULL, "--json", "true", false, "--diff: as a JSON list"},
    FLAGS_OF_PLACE,
    {0},
};

const struct verb verb_openapi = {
    .name = "openapi",
    .arguments = "",
    .summary = "print the OpenAPI 3.1 document of what would be served, or what of it breaks clients",
    .text = "Needs no database. It is what /openapi.json answers.\n"
            "\n"
            "--diff says what a client of the older document trips over, at the route's file and line. Errors: a route, a success or a "
            "field of an\n"
            "answer that is gone; another type; what is newly required; enumerations and bounds of what is sent that are narrower; a token "
            "that is\n"
            "newly asked for. Warnings: a parameter that is ignored now, an error that does not come any more, new values in an answer.\n"
            "\n"
            "Exit status: 0; 1 it failed; 2 called wrongly; 3 --diff: something breaks.\n"
            "\n"
            "Examples:\n"
            "  leat openapi > openapi.json\n"
            "  leat openapi | jq '.paths | keys'\n"
            "  git show main:openapi.json > old.json && leat openapi --diff old.json\n",
    .flags = flags,
    .run = run,
};
