// database.c — db_one and its kin: a query is a future in the request's memory, awaited on its coroutine.
//
// db_require() in a GET leaves with the handler's own statement and is judged before any other answer is looked at, so that asking whether
// the caller still exists costs no round trip. In a request that may write it is awaited at once: nothing may be written for somebody who
// is no longer there.
#include <errno.h>

#include <leat/database.h>

#include "away.h"
#include "observe.h"
#include "request.h"

struct db_future {
    struct leat_future base;
    struct db_query query;
    const leat_query *source;
    const leat_error *required_or; // fails with this unless a row was found
    struct db_future *next_required;
    int64_t began_ns;
};

static void answered(struct db_query *query) {
    struct db_future *future = container_of(query, struct db_future, query);
    observe_query(future->base.request, future->source, query, future->began_ns);
    future_end(&future->base);
}

static void judge(struct db_future *future) {
    future_wait(&future->base);
    if (future->query.failure)
        fail_by_database(future->base.request, future->source, future->query.failure);
}

static void *take(struct leat_future *base) {
    struct db_future *future = container_of(base, struct db_future, base);
    judge(future);
    return future->query.result;
}

static void forget(struct leat_future *base) {
    db_query_detach(&container_of(base, struct db_future, base)->query);
}

static _Noreturn void fail_unsent(req *r, const leat_query *source, int error) {
    struct db_failure failure = {.error = error, .message = S("the query was not taken")};
    fail_by_database(r, source, &failure);
}

// The answer has begun, so the transaction is over: another would have nobody to say that it failed, and hold its link for the client.
static _Noreturn __attribute__((cold)) void fail_behind_commit(req *r, const leat_query *source) {
    observe_log(r, LOG_ERROR, "query_behind_commit", "at=%s:%u get_tx ended when the stream began; use get_db", source->base.file,
                source->base.line);
    http_fail(r, 500, "Internal Server Error");
}

static struct db_future *future_of(req *r, const leat_query *source) {
    struct db_future *future = new (r, struct db_future);
    *future = (struct db_future){
        .base = {.request = r, .take = take, .forget = forget},
        .source = source,
        .began_ns = r->app->core->now_ns,
        .query = {.arena = &r->arena, .due_ms = r->due_ms, .done = answered},
    };
    return future;
}

static void begin(struct db_future *future, int status) {
    if (status)
        fail_unsent(future->base.request, future->source, status);
    future_begin(&future->base);
}

struct start_call {
    db_conn *db;
    const leat_query *source;
    const leat_arg *args;
    struct leat_future *future;
};

// Its answer is written to the request's memory, which is the thread's again then: so it is waited for.
static void start_on_core(void *arg) {
    struct start_call *call = arg;
    call->future = leat_db_start(call->db, call->source, call->args);
    future_wait(call->future);
}

struct leat_future *leat_db_start(db_conn *db, const leat_query *source, const leat_arg *args) {
    req *r = db->request;
    if (__builtin_expect(r->is_away, false)) {
        struct start_call call = {db, source, args, NULL};
        away_call(r, start_on_core, &call);
        return call.future;
    }
    if (__builtin_expect(request_is_outflowing(r), false) && db == &r->transaction)
        fail_behind_commit(r, source);
    struct db_future *future = future_of(r, source);
    future->query.statement = statement_of(r->generation->snapshot->statements, source);
    future->query.args = args;
    r->db_query_count++;
    if (!future->query.statement)
        http_fail(r, 500, "Internal Server Error");
    begin(future, lane_submit(&db->lane, &future->query));
    return &future->base;
}

void request_settle_required(req *r) {
    while (r->required) {
        struct db_future *future = r->required;
        r->required = future->next_required;
        judge(future);
        if (!future->query.found)
            leat_fail(r, future->required_or, NULL);
    }
    r->required_last = &r->required;
}

static inline void settle_required(req *r) {
    if (r->required)
        request_settle_required(r);
}

struct run_call {
    db_conn *db;
    const leat_query *source;
    const leat_arg *args;
    void *result;
};

static void run_on_core(void *arg) {
    struct run_call *call = arg;
    call->result = leat_db_run(call->db, call->source, call->args);
}

void *leat_db_run(db_conn *db, const leat_query *source, const leat_arg *args) {
    if (__builtin_expect(db->request->is_away, false)) {
        struct run_call call = {db, source, args, NULL};
        away_call(db->request, run_on_core, &call);
        return call.result;
    }
    return leat_await(leat_db_start(db, source, args));
}

struct require_call {
    struct leat_future *future;
    const leat_error *error;
};

static void require_on_core(void *arg) {
    const struct require_call *call = arg;
    leat_require(call->future, call->error);
}

void leat_require(struct leat_future *base, const leat_error *error) {
    struct db_future *future = container_of(base, struct db_future, base);
    req *r = base->request;
    if (__builtin_expect(r->is_away, false)) {
        away_call(r, require_on_core, &(struct require_call){base, error});
        return;
    }
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
    struct db_future *future = future_of(r, &commit);
    begin(future, lane_commit(&r->transaction.lane, &future->query));
    judge(future);
}

static bool is_new(req *r, struct db_conn *conn) {
    if (conn->is_used)
        return false;
    conn->is_used = true;
    conn->request = r;
    return true;
}

db_conn *db_of(req *r) {
    if (is_new(r, &r->autocommit))
        lane_init(&r->autocommit.lane, r->app->db, false);
    return &r->autocommit;
}

db_conn *read_of(req *r) {
    if (is_new(r, &r->reads))
        lane_init_for_reads(&r->reads.lane, r->app->db);
    return &r->reads;
}

db_conn *tx_of(req *r) {
    if (is_new(r, &r->transaction))
        lane_init(&r->transaction.lane, r->app->db, true);
    return &r->transaction;
}

PROVIDE(get_db, db_conn *, ()) {
    return db_of(r);
}

PROVIDE(get_read, db_conn *, ()) {
    return read_of(r);
}

PROVIDE(get_tx, db_conn *, ()) {
    return tx_of(r);
}
