// openapi.c — leat openapi: the document of what would be served, without serving it.
#include <stdio.h>

#include "cli/workspace.h"

static int print(const struct workspace *workspace) {
    str document = snapshot_document(workspace->plugins->snapshot);
    bool is_written = fwrite(document.ptr, 1, document.len, stdout) == document.len && putchar('\n') != EOF && fflush(stdout) == 0;
    if (!is_written)
        perror("leat: error: the document cannot be written");
    return is_written ? 0 : 1;
}

static int run(const struct invocation *invocation) {
    struct workspace workspace;
    int code = workspace_open(&workspace, invocation, 0) && workspace_compile(&workspace) ? print(&workspace) : 1;
    workspace_close(&workspace);
    return code;
}

static const struct flag flags[] = {
    FLAGS_OF_PLACE,
    {0},
};

const struct verb verb_openapi = {
    .name = "openapi",
    .arguments = "",
    .summary = "print the OpenAPI 3.1 document of what would be served",
    .text = "Needs no database. It is what /openapi.json answers.\n"
            "\n"
            "Examples:\n"
            "  leat openapi > openapi.json\n"
            "  leat openapi | jq '.paths | keys'\n",
    .flags = flags,
    .run = run,
};
