// pack.h — a value as one piece of bytes, and back: for memory that outlives a request, and for other processes of the same layout.
#ifndef SCHEMA_PACK_H
#define SCHEMA_PACK_H

#include <leat/schema.h>

#include "base/arena.h"
#include "base/buffer.h"

/** Appends `value`, of type `schema`, with all it points to. 0 or -ENOMEM. */
int value_pack(struct buffer *buffer, const leat_schema *schema, const void *value);
/**
 * The value of these bytes in `arena`; NULL where they are not one of that type, from the first byte to the last, and without memory. Text
 * is checked to be UTF-8, lengths to be within; numbers are taken as they are.
 */
void *value_unpack(struct arena *arena, const leat_schema *schema, str bytes);

#endif
