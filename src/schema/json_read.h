// json_read.h — JSON into values, by rule.
#ifndef SCHEMA_JSON_READ_H
#define SCHEMA_JSON_READ_H

#include "schema/rule.h"

/**
 * Reads one JSON text into a value of the rule. An object's fields and a list's items are judged all; the text itself first. 0; -EINVAL:
 * problems were added; -EBADMSG: no UTF-8, or nested too deep; -ENOMEM.
 */
int json_read(const struct rule *rule, const struct reading *reading, const struct location *location, str text, void *out);

#endif
