// json_print.h — what --json prints: a value by its schema, as a line on standard output.
#ifndef CLI_JSON_PRINT_H
#define CLI_JSON_PRINT_H

#include <leat/schema.h>

#include "base/arena.h"

/** The exit code: 0, or 1 without memory, which is said on standard error. */
int json_print(const leat_schema *schema, const void *value, struct arena *arena);

#endif
