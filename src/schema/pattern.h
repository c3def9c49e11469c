// pattern.h — regular expressions of `.pattern`, compiled once and matched with limits.
#ifndef SCHEMA_PATTERN_H
#define SCHEMA_PATTERN_H

#include <stdbool.h>

#include <leat/values.h>

struct pattern;

/**
 * Compiles `text`, which must outlive the pattern. 0; -EINVAL: it does not compile, and `problem` (PATTERN_PROBLEM_BYTES) says why;
 * -ENOMEM.
 */
enum { PATTERN_PROBLEM_BYTES = 160 };
int pattern_create(const char *text, struct pattern **ret_pattern, char *problem);
void pattern_destroy(struct pattern *pattern);
/** True where well-formed UTF-8 has a match anywhere in it. A match that takes too long is none. Safe from every thread. */
bool pattern_matches(const struct pattern *pattern, str text);
str pattern_text(const struct pattern *pattern);

#endif
