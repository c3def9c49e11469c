// layout.h — whether two plugins mean the same struct by one name.
#ifndef APP_LAYOUT_H
#define APP_LAYOUT_H

#include <leat/schema.h>

#include "app/snapshot.h"
#include "base/arena.h"

/** The SCHEMA that a C type names, "Account *" or "Account", among a plugin's; NULL: it is no schema of it. */
const leat_schema *layout_find(const struct plugin_view *view, const char *type_name);
/** A hash of what a value looks like in memory: sizes, and every member's name, place and type, down to the values of enums. */
uint64_t layout_hash(const leat_schema *schema);
/** The first difference in words, "member 'role' is i64 at 16 here but Role at 16": in `arena`. */
str layout_difference(const leat_schema *here, const leat_schema *there, struct arena *arena);

#endif
