// json_view.h — JSON looked at from outside: values found by a path, compared as values.
//
// By a library of its own (jansson), so that what our reader and writer have in common cannot hide a mistake of both.
#ifndef TESTING_JSON_VIEW_H
#define TESTING_JSON_VIEW_H

#include <stdbool.h>

#include <jansson.h>

#include <leat/values.h>

/** The value of any text, to json_decref(); NULL where it is no JSON, or has a member twice. */
json_t *json_view(str text);
/** "detail[0].type", "data.length" (of a list), "": the value, a new reference; NULL where there is none. */
json_t *json_view_at(json_t *root, const char *path);
/** Equal as values: 1 is 1.0, and the order of members is none. */
bool json_view_is_same(const json_t *one, const json_t *other);

#endif
