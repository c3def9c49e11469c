// world.h — a core with a db on a real Postgres, and the author's own macros on top of it.
//
// The db_... macros of <leat/database.h> work in a test: what they register is one statement set, and leat_db_run() turns the core until
// the answer is there. A failure is kept in world.failure instead of ending a request.
#ifndef TESTS_DB_WORLD_H
#define TESTS_DB_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <leat/leat.h>
#undef fail // cmocka's here
#include <cmocka.h>

#include "db/db.h"
#include "db/state.h"

struct db_conn {
    struct lane lane;
};

struct leat_future {
    struct db_query query;
    const leat_query *descriptor;
    bool is_done;
    unsigned order; // in which it was answered, from 1
};

struct world {
    struct core core;
    struct offload *connector;
    struct arena arena;
    struct statement_set *set;
    struct db *db;
    struct db_conn shared; // an autocommit lane
    const struct db_failure *failure;
    unsigned done_count;
    int64_t due_in_ms; // of queries; 10 s
    bool is_stopped;
};
extern struct world world;

/** Options for a test: short delays. */
struct db_options world_options(void);
/** Starts the core and the db, and waits until it is ready unless there is no conninfo. */
void world_begin(const struct db_options *options);
void world_begin_without_waiting(const struct db_options *options);
void world_end(void);
/** Turns the core until `*flag`, or fails after 20 s. */
void world_until(const bool *flag);
void world_turn(void);
/** Turns for so long. */
void world_run_ms(int64_t ms);
void world_until_ready(void);
/** The failure of the last db_... call, which is then forgotten; fails the test where there is none. */
const struct db_failure *world_failure(void);
void world_expect_state(const char *sqlstate);
void world_expect_error(int error);
void world_expect_ok(void);
/** Submits without waiting. */
struct leat_future *world_start(db_conn *conn, const leat_query *query, const leat_arg *args);
void world_wait(struct leat_future *future);
struct leat_future *world_commit(db_conn *conn);

/** db_..._start for the shapes that have none. */
#define start_exec(db, sql, ...) ((struct leat_future *)LEAT_Q(leat_db_start, db, LEAT_EXEC, NULL, sql, ##__VA_ARGS__))
#define start_value(db, T, sql, ...)                                                                                                       \
    ((struct leat_future *)LEAT_Q(leat_db_start, db, LEAT_SCALAR, &LEAT_CAT(T, __schema), sql, ##__VA_ARGS__))
#define start_list(db, T, sql, ...) ((struct leat_future *)LEAT_Q(leat_db_start, db, LEAT_MANY, &T##__schema, sql, ##__VA_ARGS__))

#endif
