// rehearsal.h — everything a db is asked, in one transaction that is never committed: for tests.
//
// The db has one link then. Its first query begins a transaction in which all that follows happens, whoever asks, until rehearsal_end().
// Every statement of an autocommit lane stands in a savepoint of its own, so that one that fails spoils nothing; a lane's own transaction
// is a savepoint that its COMMIT releases. Statements go one at a time: how one ended decides what becomes of its savepoint.
//
// What is not as it would be: now() stands still from the first query to the end; a deferred constraint is checked at the COMMIT of a
// transaction, but not behind a single statement; a lane's autocommit statements, sent while a transaction is open, go with that.
#ifndef DB_REHEARSAL_H
#define DB_REHEARSAL_H

#include "db/db.h"

/**
 * Any SQL, several statements too, in its place behind what was submitted before. `query` as for lane_submit(), but statement and args are
 * not looked at; its result is a `str *`, the first value of the first row as text, `ptr` NULL where there is none. `sql` lives until done.
 * Only of a db with options.is_rehearsal. Returns as lane_submit().
 */
int rehearsal_run(struct db *db, const char *sql, struct db_query *query);
/** Scripts for rehearsal_run(): a place to come back to, one at a time; and back there. */
extern const char rehearsal_mark[], rehearsal_return[];
/** ROLLBACK of all there was; what still waits fails. The next query begins anew. */
void rehearsal_end(struct db *db);

#endif
