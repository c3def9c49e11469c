// copy.h — values copied deeply, by their schema.
#ifndef SCHEMA_COPY_H
#define SCHEMA_COPY_H

#include <leat/schema.h>

#include "base/arena.h"

/** A copy of `value` with all it points to, in `arena`; NULL without memory. */
void *value_copy(struct arena *arena, const leat_schema *schema, const void *value);

#endif
