// problem.h — what is wrong with a request, all of it, in Pydantic 2's types and words.
//
// Types, messages and ctx are data in one table (problem.c); nobody else spells a message. A problem's `input` is a slice of the request,
// never of a secret.
#ifndef SCHEMA_PROBLEM_H
#define SCHEMA_PROBLEM_H

#include <stdbool.h>

#include "base/arena.h"
#include "schema/json_write.h"

/** One step of where a value is: a name, or an index where `name.ptr` is NULL. */
struct location {
    const struct location *parent; // NULL at the root, whose name is "path", "query", "header", "cookie", "body" or "settings"
    str name;
    size_t index;
};

struct problem;

struct problems {
    struct arena *arena; // of the request: problems and copies of locations live there
    struct problem *first, **last;
    unsigned count;
    bool is_overflown; // past PROBLEMS_MAX only the count goes on
};

enum { PROBLEMS_MAX = 100 };

void problems_init(struct problems *problems, struct arena *arena);
/** {"detail":[{"type","loc","msg","input","ctx"?}, ...]} */
void problems_write(const struct problems *problems, leat_json *writer);
/** One sentence per problem, "secret_key: String should have at least 32 characters", for settings and start-up messages. */
str problems_text(const struct problems *problems, struct arena *arena);

#endif
