// statement.h — an author's query as Postgres will see it: text expanded, named, its types compared with the C types.
//
// {*} becomes the row schema's columns, p.{*} the same of p. {set} becomes, for every field of the SET schema, `col = CASE WHEN $mask & bit
// <> 0 THEN $n ELSE col END`: one text for every subset of fields (the empty one too: it changes nothing), so that all statements are
// known, prepared and checked at load; 2^n texts made on demand were the alternative. The author's $n keep their meaning: the SET is one of
// them.
#ifndef DB_STATEMENT_H
#define DB_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <leat/database.h>

#include "base/arena.h"

struct statement;
/** The statements of one plugin generation; immutable once checked, shared by all cores. */
struct statement_set;

int statement_set_create(struct statement_set **ret_set);
void statement_set_destroy(struct statement_set *set);
/** A TABLE: {set} of an UPDATE of it writes what .on_update says too. Before the statements are added. 0 or -ENOMEM. */
int statement_set_know_table(struct statement_set *set, const leat_schema *table);
/**
 * 0; -EINVAL and a message in the compiler's shape (a column of {*} that cannot be one, {set} without a SET, COPY, BEGIN and whatever else
 * would change a session that others share); -ENOMEM.
 */
int statement_set_add(struct statement_set *set, const leat_query *query, struct arena *arena, str *ret_message);
/** The statement of `query`, for leat_db_run(); NULL where it was never added. Constant time: no search on the hot path. */
const struct statement *statement_of(const struct statement_set *set, const leat_query *query);
size_t statement_count(const struct statement_set *set);
/** From 0, in the order in which they were added. */
unsigned statement_index(const struct statement *statement);
/** The author's query of that index. */
const leat_query *statement_query(const struct statement_set *set, size_t index);
/**
 * Prepares and describes all statements on one connection of its own (blocking: not on a ring) and compares types. Returns how many do not
 * fit and puts a message for each, in the compiler's shape, into `*ret_messages` ("users.c:83: error: column 'id' is uuid here but ...");
 * or a negative errno
 * (-ECONNREFUSED, -ENOTCONN: no database to ask, and *ret_messages says why).
 */
int statement_set_check(struct statement_set *set, const char *conninfo, struct arena *arena, str *ret_messages);
/** What the last check had to say of the statement of that index, in the check's arena; empty where it fits. */
str statement_misfit(const struct statement_set *set, size_t index);

#endif
