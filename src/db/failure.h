// failure.h — why a query failed: Postgres' words taken apart, ours made, and what a client is answered.
#ifndef DB_FAILURE_H
#define DB_FAILURE_H

#include "base/arena.h"
#include "db/db.h"
#include "db/wire.h"

/** An ErrorResponse (chapter "Error and Notice Message Fields"): slices of the message. */
struct error_fields {
    char sqlstate[6];
    str message, constraint, column, table, routine;
    bool is_fatal; // FATAL or PANIC: the session is over
};

/** 0 or -EPROTO. */
int error_read(const struct wire_message *message, struct error_fields *ret_fields);
/** The statement is not what it was when it was prepared, or is gone: prepare it anew and run it again. Nothing was executed. */
bool error_is_stale_statement(const struct error_fields *fields);

/** The server, or the session by an administrator, is being shut down. */
bool error_is_shutdown(const struct error_fields *fields);

/** It was cancelled: by us, by somebody else, or by its statement_timeout. */
bool error_is_cancel(const struct error_fields *fields);

/** Copied into the arena. Never NULL: without memory it is one that says so. */
const struct db_failure *failure_of_error(const struct error_fields *fields, struct arena *arena);
/** A failure that never was Postgres': `error` as in db_failure. Never NULL. */
const struct db_failure *failure_of(int error, bool outcome_unknown, struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/** One that Postgres would have found, and we did: a SQLSTATE with our words. */
const struct db_failure *failure_of_state(const char *sqlstate, struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
