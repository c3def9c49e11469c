// test_test_app.c — the app under test: requests, options, overrides, transactions and tasks, on routes of this program's own.
#include <string.h>

#include <leat/test.h>

TEST_PLUGINS();

// ---- routes, in the built-in plugin

SCHEMA(Echo, (str, method), (str, type), (str, body), (str, header));
SCHEMA(Value, (str, value, .nullable = true));
SCHEMA(Setting, (str, value));
SCHEMA(Number, (i64, number));

static Echo *echo(req *r, const char *method) {
    Echo *out = new (r, Echo);
    *out = (Echo){
        .method = format(r, "%s", method), .type = header_of(r, "Content-Type"), .body = request_body(r), .header = header_of(r, "X-One")};
    return out;
}
GET("/echo", echo_get, Echo, ()) {
    return echo(r, "GET");
}
POST("/echo", echo_post, Echo, ()) {
    return echo(r, "POST");
}
PUT("/echo", echo_put, Echo, ()) {
    return echo(r, "PUT");
}
PATCH("/echo", echo_patch, Echo, ()) {
    return echo(r, "PATCH");
}
DELETE("/echo", echo_delete, Empty, ()) {
    (void)r;
    return NULL;
}

static Value *setting(db_conn *db) {
    return db_one(db, Value, "SELECT nullif(current_setting('leat.test', true), '') AS value");
}
GET("/setting", get_setting, Value, (depends(get_db, db))) {
    return setting(db);
}
PUT("/setting", put_setting, Value, (body(Setting, in), depends(get_tx, tx))) {
    db_exec(tx, "SELECT set_config('leat.test', $1, false)", in->value);
    return setting(tx);
}
PUT("/setting/lost", lose_setting, Value, (body(Setting, in), depends(get_tx, tx))) {
    db_exec(tx, "SELECT set_config('leat.test', $1, false)", in->value);
    http_fail(r, 409, "Conflict");
}
GET("/divided", divided, Number, (query(i64, by), depends(get_db, db))) {
    Number *out = new (r, Number);
    out->number = db_value(db, i64, "SELECT 10 / $1::int8", by);
    return out;
}

PROVIDE(get_limit, i64, (header(i64, x_limit))) {
    return x_limit;
}
PROVIDE(get_double_limit, i64, (depends(get_limit, limit))) {
    return 2 * limit;
}
GET("/limit", limits, Number, (depends(get_double_limit, limit))) {
    Number *out = new (r, Number);
    out->number = limit;
    return out;
}

// ---- requests

// promises 3, 59
TEST(test_test_app_sends_every_method) {
    expect_json(get(a, "/echo"), "method", J("GET"));
    expect_json(post(a, "/echo", J({"a": 1})), "body", J("{\"a\": 1}"));
    expect_json(put(a, "/echo", J([])), "method", J("PUT"));
    expect_json(patch(a, "/echo", J(null)), "type", J("application/json"));
    answer *x = delete_(a, "/echo");
    expect_status(x, 204);
    assert_int_equal(x->body.len, 0);
}

TEST(test_test_app_sends_forms_headers_and_bytes) {
    answer *x = post_form(a, "/echo", "a=1&b=2");
    expect_json(x, "type", J("application/x-www-form-urlencoded"));
    expect_json(x, "body", J("a=1&b=2"));
    expect_json(get(a, "/echo", .headers = "X-Other: 2\nX-One: one"), "header", J("one"));
    x = post(a, "/echo", NULL, .body = S("bytes"), .headers = "Content-Type: text/plain");
    expect_json(x, "body", J("bytes"));
    expect_json(x, "type", J("text/plain"));
}

TEST(test_test_app_goes_on_when_a_connection_was_closed) {
    expect_status(get(a, "/echo", .headers = "Connection: close"), 200);
    expect_status(get(a, "/echo"), 200);
    expect_status(get(a, "/echo", .headers = "Content-Length: x"), 400); // which closes it as well
    expect_status(get(a, "/echo"), 200);
}

TEST(test_test_app_reads_long_answers) {
    enum { LENGTH = 300000 };
    char *body = test_malloc(LENGTH + 1);
    memset(body, 'x', LENGTH);
    answer *x = post(a, "/echo", NULL, .body = {body, LENGTH});
    test_free(body);
    expect_status(x, 200);
    assert_true(x->body.len > LENGTH);
}

// ---- the database

TEST(test_test_app_keeps_what_a_transaction_committed_until_the_test_ends) {
    expect_json(put(a, "/setting", J({"value": "kept"})), "value", J("kept"));
    expect_queries_at_most(a, 3); // COMMIT too
    expect_json(get(a, "/setting"), "value", J("kept"));
    expect_sql(a, "SELECT current_setting('leat.test') AS value", J([{"value": "kept"}]));
}

// promise 60
TEST(test_test_app_has_forgotten_what_the_last_test_wrote) {
    expect_json(get(a, "/setting"), "value", J(null));
}

// promise 29
TEST(test_test_app_undoes_a_transaction_that_failed) {
    expect_status(put(a, "/setting", J({"value": "kept"})), 200);
    expect_status(put(a, "/setting/lost", J({"value": "lost"})), 409);
    expect_json(get(a, "/setting"), "value", J("kept"));
}

TEST(test_test_app_goes_on_behind_a_statement_that_failed) {
    expect_status(put(a, "/setting", J({"value": "kept"})), 200);
    assert_true(get(a, "/divided?by=0")->status >= 400);
    expect_json(get(a, "/divided?by=5"), "number", J(2));
    expect_json(get(a, "/setting"), "value", J("kept"));
}

TEST(test_test_app_runs_sql_of_the_test) {
    assert_string_equal(sql(a, "SELECT '%s' || %d", "x", 7), "x7");
    assert_null(sql(a, "SELECT NULL"));
    sql(a, "CREATE TABLE of_one_test (n int); INSERT INTO of_one_test VALUES (%d)", 4);
    expect_sql(a, "SELECT n FROM of_one_test", J([{"n": 4}]));
}

// ---- overrides

TEST(test_test_app_reads_a_provider_as_it_is) {
    expect_status(get(a, "/limit"), 422);
    expect_json(get(a, "/limit", .headers = "X-Limit: 4"), "number", J(8));
}

TEST(test_test_app_overrides_a_provider_and_what_it_asks_for) {
    override(a, get_limit, (i64)5);
    expect_json(get(a, "/limit"), "number", J(10));
    override(a, get_double_limit, (i64)7);
    expect_json(get(a, "/limit"), "number", J(7));
    override(a, get_double_limit, (i64)9); // the last holds
    expect_json(get(a, "/limit"), "number", J(9));
}

TEST(test_test_app_ends_overrides_with_their_test) {
    expect_status(get(a, "/limit"), 422);
}

// ---- names that two headers want

TEST(test_test_app_has_both_fails) {
    if (false)
        fail();
    if (false)
        fail_msg("%d", 1);
}
