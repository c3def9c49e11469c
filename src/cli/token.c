// token.c — leat token: an access token for whom one likes, signed as the server signs.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/workspace.h"

enum { MINUTES = 30, MINUTES_MAX = 60 * 24 * 366 };

SCHEMA(MadeToken, (str, access_token), (str, token_type), (i64, expires_in));

static bool read_minutes(const struct invocation *invocation, long *ret_minutes) {
    str text = environment_value(invocation->environment, "--minutes");
    const char *digits = text.ptr ? arena_format(invocation->arena, "%.*s", (int)text.len, text.ptr).ptr : NULL;
    char *end = NULL;
    errno = 0;
    long minutes = digits ? strtol(digits, &end, 10) : MINUTES;
    if ((digits && (*end || end == digits)) || errno || minutes < 1 || minutes > MINUTES_MAX) {
        fprintf(stderr, "leat: error: --minutes wants a number from 1 to %d\n", MINUTES_MAX);
        return false;
    }
    *ret_minutes = minutes;
    return true;
}

static int make(struct workspace *workspace, const struct invocation *invocation, str subject, long minutes) {
    str token = jwt_make(&workspace->config.app.jwt, subject, clock_wall_us() / 1000000, minutes * 60, invocation->arena);
    if (!token.ptr) {
        fputs("leat: error: no token can be made for this subject; it is no UTF-8, or too long\n", stderr);
        return 1;
    }
    MadeToken made = {.access_token = token, .token_type = S("bearer"), .expires_in = minutes * 60};
    return print_line(wants_json(invocation) ? words_write(&MadeToken__schema, &made, invocation->arena) : token);
}

static int run(const struct invocation *invocation) {
    long minutes;
    str subject = environment_value(invocation->environment, "--sub");
    if (!subject.ptr || *invocation->arguments) {
        fputs("leat: error: leat token wants --sub ID, the subject of the token, and no argument\n", stderr);
        return 2;
    }
    if (!read_minutes(invocation, &minutes))
        return 2;
    struct workspace workspace;
    return workspace_open_settings(&workspace, invocation) ? make(&workspace, invocation, subject, minutes) : 1;
}

static const struct flag flags[] = {
    {"sub", "ID", "--sub", NULL, false, "whose token: the id of a user, as get_current_user reads it"},
    {"minutes", "N", "--minutes", NULL, false, "for how long it is good (30)"},
    {"var", "DIR", "LEAT_VAR", NULL, false, "where the key of a development server lies (var)"},
    {"json", NULL, "--json", "true", false, "as a JSON object, as the login answers"},
    {0},
};

const struct verb verb_token = {
    .name = "token",
    .arguments = "",
    .summary = "make an access token, for trying routes that want one",
    .text = "Signed with SECRET_KEY, or with the key that a development server keeps below var/. Who may do this could as well sign in as "
            "anybody:\n"
            "the key is the secret. It is not checked that the subject exists.\n"
            "\n"
            "Examples:\n"
            "  leat token --sub d7eb717d-bbc9-4193-935d-c84310676c58\n"
            "  curl -H \"Authorization: Bearer $(leat token --sub $ID --minutes 5)\" localhost:8000/v1/users/me\n",
    .flags = flags,
    .run = run,
};
