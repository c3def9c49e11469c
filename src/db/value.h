// value.h — one number, truth, UUID or time as Postgres takes it: in its binary form, or written out.
#ifndef DB_VALUE_H
#define DB_VALUE_H

#include "db/types.h"

enum { VALUE_BYTES_MAX = 64 };

/** The value's bytes at `p`, VALUE_BYTES_MAX of room: how many, or -ERANGE. For every encode but ENCODE_TEXT. */
int value_put(char *p, const leat_arg *value, enum encode encode);
/** The same written out, whatever its type: how many bytes. */
int value_text(char *out, const leat_arg *value);

#endif
