// database.c — db_one and its kin: a query is a future in the request's memory, awaited on its coroutine.
//
// db_require() in a GET leaves with the handler's own statement and is judged before any other answer is looked at, so that asking whether
// the caller still exists costs no round trip. In a request that may write it is awaited at once: nothing may be written for somebody who
// is no longer there.
#include <errno.h>

#include <leat/database.h>

#include "observe.h"
#include "request.h"

struct leat_future {
    struct db_query query;
    req *request;
    const leat_query *source;
    const leat_error *required_or; // fails with this unless a row was found
    struct leat_future *next, *next_required;
    int64_t began_ns;
    bool is_done;
};

static void answered(struct db_query *query) {
    struct leat_future *future = container_of(query, struct leat_future, query);
    future->is_done = true;
    observe_query(future->request, future->source, query, future->began_ns);
    if (future->request->coro)
        coro_resume(future->request->coro);
}

static _Noreturn void fail_unsent(req *r, const leat_query *source, int error) {
    struct db_failure failure = {.error = error, .message = S("the query was not taken")};
    fail_by_database(r, source, &failure);
}

struct leat_future *leat_db_start(db_conn *db, const leat_query *source, const leat_arg *args) {
    req *r = db->request;
    struct leat_future *future = new (r, struct leat_future);
    *future = (struct leat_future){
        .request = r,
        .source = source,
        .began_ns = r->app->core->now_ns,
        .query = {.statement = statement_of(r->generation->snapshot->statements, source),
                  .args = args,
                  .arena = &r->arena,
                  .due_ms = r->due_ms,
                  .done = answered},
    };
    r->db_query_count++;
    if (!future->query.statement)
        http_fail(r, 500, "Internal Server Error");
    int status = lane_submit(&db->lane, &future->query);
    if (status)
        fail_unsent(r, source, status);
    future->next = r->futures;
    r->futures = future;
    return future;
}

static void wait_for(struct leat_future *future) {
    while (!future->is_done)
        request_suspend(future->request);
    if (future->query.failure)
        fail_by_database(future->request, future->source, future->query.failure);
}

static void settle_each_required(req *r) {
    while (r->required) {
        struct leat_future *future = r->required;
        r->required = future->next_required;
        wait_for(future);
        if (!future->query.found)
            leat_fail(r, future->required_or, NULL);
    }
    r->required_last = &r->required;
}

static inline void settle_required(req *r) {
    if (r->required)
        settle_each_required(r);
}

void *leat_await(struct leat_future *future) {
    settle_required(future->request);
    wait_for(future);
    return future->query.result;
}

void *leat_db_run(db_conn *db, const leat_query *source, const leat_arg *args) {
    return leat_await(leat_db_start(db, source, args));
}

void leat_require(struct leat_future *future, const leat_error *error) {
    req *r = future->request;
    future->required_or = error;
    *r->required_last = future;
    r->required_last = &future->next_required;
    bool may_write = !r->endpoint || r->endpoint->method != HTTP_GET;
    if (may_write)
        settle_required(r);
}

void request_settle(req *r) {
    settle_required(r);
    if (!r->transaction.is_used)
        return;
    static const leat_query commit = {.base = {.file = "COMMIT", .line = 0}, .sql = "COMMIT"};
    struct leat_future *future = new (r, struct leat_future);
    *future = (struct leat_future){.request = r, .source = &commit, .query = {.arena = &r->arena, .due_ms = r->due_ms, .done = answered}};
    int status = lane_commit(&r->transaction.lane, &future->query);
    if (status)
        fail_unsent(r, &commit, status);
    future->next = r->futures;
    r->futures = future;
    wait_for(future);
}

void request_forget_futures(req *r) {
    for (struct leat_future *future = r->futures; future; future = future->next)
        if (!future->is_done)
            db_query_detach(&future->query);
    r->futures = NULL;
    r->required = NULL;
}

static db_conn *open_lane(req *r, struct db_conn *conn, bool is_transaction) {
    if (!conn->is_used) {
        conn->is_used = true;
        conn->request = r;
        lane_init(&conn->lane, r->app->db, is_transaction);
    }
    return conn;
}

PROVIDE(get_db, db_conn *, ()) {
    return open_lane(r, &r->autocommit, false);
}

PROVIDE(get_tx, db_conn *, ()) {
    return open_lane(r, &r->transaction, true);
}
