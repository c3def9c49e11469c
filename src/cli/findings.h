// findings.h — what a verb that checks has found: a list, in the compiler's shape or as JSON.
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include <leat/schema.h>

#include "base/arena.h"

enum { FINDINGS_MAX = 10000 }; // more are counted
enum level { LEVEL_NOTE, LEVEL_WARNING, LEVEL_ERROR };

struct finding {
    const char *file; // or a program's name
    unsigned line;    // 0: none
    enum level level;
    str message;
};

struct findings {
    struct arena *arena;
    struct finding *items;
    unsigned count, error_count;
};

/** 0 or -ENOMEM. */
int findings_init(struct findings *findings, struct arena *arena);
/** `file` is kept, not copied. */
void findings_add(struct findings *findings, enum level level, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/** "users.c:83: error: column ...", a line each, of those who check on their own. */
void findings_add_lines(struct findings *findings, str lines);
/** On standard error. */
void findings_print(const struct findings *findings);
/** [{"file", "line", "level", "message"}] on standard output. */
void findings_print_json(const struct findings *findings);

#endif
