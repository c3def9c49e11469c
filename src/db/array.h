// array.h — an author's list as an array of Postgres: one dimension, from 1.
#ifndef DB_ARRAY_H
#define DB_ARRAY_H

#include <stdbool.h>

#include "db/types.h"

/** Of a value whose type has LEAT_A_LIST: the size of an item in C. */
size_t array_item_bytes(const leat_arg *list);
/** The item, 0 to n - 1; of type 0 where it is NULL: a str without `ptr`. Strings are those of the list. */
leat_arg array_item(const leat_arg *list, size_t index);

/** Its items are strings. */
bool array_has_text(const leat_arg *list);

/** What array_put() may write. */
size_t array_bytes_at_most(const leat_arg *list, enum encode encode);
/**
 * Its length and the array at `p`: binary with items of type `element`, or its text where `encode` is ENCODE_AS_TEXT. What follows; NULL:
 * an item does not fit, -ERANGE.
 */
char *array_put(char *p, const leat_arg *list, enum encode encode, uint32_t element);

#endif
