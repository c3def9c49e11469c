// json_string.h — what a string of JSON stands for.
#ifndef SCHEMA_JSON_STRING_H
#define SCHEMA_JSON_STRING_H

#include "base/arena.h"
#include "schema/json_scan.h"

/**
 * The characters of a scanned string: a slice of the text, or of `arena` where it has escapes. -EILSEQ: it holds NUL or half a surrogate
 * pair, which no text of Postgres can; -ENOMEM.
 */
int json_string_decode(const struct json_token *token, struct arena *arena, str *ret_text);
/** True where a scanned string stands for `name`. */
bool json_string_is(const struct json_token *token, str name);
/** True where no string in this scanned value, nor any name, holds what json_string_decode() refuses. */
bool json_strings_are_clean(str value);

#endif
