// openapi_components.h — JSON Schema (draft 2020-12) of values, and the named ones among them.
#ifndef APP_OPENAPI_COMPONENTS_H
#define APP_OPENAPI_COMPONENTS_H

#include <leat/schema.h>

#include "base/arena.h"
#include "schema/json_write.h"

enum { COMPONENTS_MAX = 1024 };

/** The schemas that were referred to, each under a name of its own. */
struct components {
    const leat_schema *schemas[COMPONENTS_MAX];
    const char *names[COMPONENTS_MAX];
    const char *plugins[COMPONENTS_MAX];
    unsigned count;
    struct arena *arena;
    const char *plugin; // whose schemas are being looked at
};

/** The schema of a value: a $ref for objects and enums, which are noted, else in place. `opts` may be NULL. */
void component_write(struct components *components, leat_json *writer, const leat_schema *schema, const void *opts, const char *title);
/** "components.schemas": all that was noted, and what those refer to. */
void components_write(struct components *components, leat_json *writer);
/** Must a value be given? */
bool component_is_required(const leat_schema *type, const void *opts);

// ---- the members of an object, for one that is no schema of its own
bool component_has_required(const leat_schema *schema);
/** Strings of a list. */
void component_required_names(leat_json *writer, const leat_schema *schema);
/** Members of "properties". */
void component_properties(struct components *components, leat_json *writer, const leat_schema *schema);

// ---- pieces of JSON
void json_key(leat_json *writer, const char *name);
void json_pair(leat_json *writer, const char *name, const char *text);
/** A member whose value is JSON text already. */
void json_pair_raw(leat_json *writer, const char *name, const char *json);
/** An object in a list. */
void json_object_open(leat_json *writer);
void json_list_open(leat_json *writer);
void json_list_close(leat_json *writer);
void json_put_text(leat_json *writer, const char *text);
/** "title": `name` in words. */
void json_title(leat_json *writer, const char *name);
/** Text as it is, without a comma before it: what closes what json_pair_raw() left open. */
void json_tail(leat_json *writer, const char *text);

#endif
