// bind.h — a call's arguments: kept flat, one for each of Postgres' parameters, and encoded into a Bind message.
#ifndef DB_BIND_H
#define DB_BIND_H

#include "base/buffer.h"
#include "db/plan.h"

/**
 * Copies the arguments of a call, strings included, into one piece of `arena`: a SET becomes its mask and its fields, a char * a str, and
 * what is NULL has type 0. 0 or -ENOMEM.
 */
int bind_copy(const struct statement *statement, const leat_arg *args, struct arena *arena, const leat_arg **ret_values);

/**
 * Appends Bind of `name`, Execute and, if `has_sync`, Sync to `out`; else room for a Sync is left. 0; -ENOMEM; -ERANGE: a number does not
 * fit the parameter `*ret_parameter`; -EMSGSIZE: more than a message can hold. On failure nothing is appended.
 */
int bind_put(struct buffer *out, const char *name, const struct plan *plan, const leat_arg *values, bool has_sync, unsigned *ret_parameter);

#endif
