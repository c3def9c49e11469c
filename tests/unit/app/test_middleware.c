// test_middleware.c — tests of app/middleware.c: hooks around this program's own routes and around those of a plugin, in their order.
#include <string.h>

#include <leat/test.h>

TEST_PLUGINS("users");

SCHEMA(Seen, (str, seen));
SCHEMA(Wanted, (i64, number, .ge = 1));
ERROR(no_key, 401, "API key missing", .headers = "WWW-Authenticate: Bearer");
ERROR(locked, 423, "Locked", .headers = "Retry-After: 5\nX-Reason: meeting");
ERROR(hook_gave_up, 418, "Hook gave up");
ERROR(family, 409, "Conflict", .headers = "X-Family: Smith");
ERROR(child, 409, "A child of it", .parent = &family);
ERROR(own_name, 409, "A child with a name of its own", .parent = &family, .headers = "X-Family: Jones");
ERROR(no_session, 401, "No session", .parent = &no_key);

static char trace[256];

static void note(const char *what) {
    strncat(trace, what, sizeof trace - strlen(trace) - 1);
}

// ---- hooks, declared out of their order

ON_REQUEST(b_second, (), .order = 1) {
    note("b>");
    return NULL;
}
ON_REQUEST(a_second, (), .order = 1) {
    note("a>");
    return NULL;
}
ON_REQUEST(first, (query(i64, hook, .optional = true)), .order = -5, .errors = ERRORS(no_key)) {
    note("first>");
    if (hook == 401)
        fail(r, no_key);
    if (hook == 200)
        return text(r, S("answered by a hook"));
    if (hook == 202) {
        set_status(r, 202);
        return text(r, S("accepted by a hook"));
    }
    return NULL;
}

ON_RESPONSE(outer, answer, .order = -5) {
    set_header(r, "X-Outer", format(r, "%u", answer->status));
    note("<outer");
}
ON_RESPONSE(inner, answer, .order = 5) {
    set_header(r, "X-Inner", format(r, "%d", answer->duration_us >= 0));
    note("<inner");
    if (header_of(r, "X-Give-Up").ptr)
        fail(r, hook_gave_up);
}
ON_RESPONSE(everywhere, answer, .scope = ALL_PLUGINS) {
    set_header(r, "X-Route", format(r, "%s %s", request_method(r).ptr, request_route(r)->path));
    set_header(r, "X-Path", request_path(r));
}

ON_FAILURE(teapot, failure) {
    note("!teapot");
    return failure->status == 423 ? json_text(r, format(r, "{\"locked\":\"%.*s\"}", (int)failure->detail.len, failure->detail.ptr)) : NULL;
}
ON_FAILURE(witness, failure, .order = 9) {
    note("!witness");
    set_header(r, "X-Failure",
               format(r, "%u %.*s %s|%.*s", failure->status, (int)failure->reason.len, failure->reason.ptr,
                      failure->error ? failure->error->name : "-", (int)failure->problems.raw.len,
                      failure->problems.raw.ptr ? failure->problems.raw.ptr : ""));
    return NULL;
}
ON_ERROR(family, e) {
    if (header_of(r, "X-Say").ptr)
        set_header(r, "X-Family", S("the hook's"));
    return json_text(r, format(r, "{\"family\":\"%s\"}", e->name));
}

// ---- routes

PROVIDE(get_noted, bool, ()) {
    note("provider>");
    return true;
}
GET("/m/plain", plain, Seen, (depends(get_noted, is_noted))) {
    note("handler");
    Seen *seen = new (r, Seen);
    seen->seen = format(r, "%s", trace);
    return seen;
}
POST("/m/body", with_body, Seen, (body(Wanted, in)), .status = 201) {
    (void)in;
    note("handler");
    return new (r, Seen);
}
GET("/m/locked", get_locked, Seen, ()) {
    fail(r, locked);
}
GET("/m/child", get_child, Seen, ()) {
    fail(r, child);
}
GET("/m/own-name", get_own_name, Seen, ()) {
    fail(r, own_name);
}
GET("/m/no-session", get_no_session, Seen, ()) {
    fail(r, no_session);
}
GET("/m/refused", get_refused, Seen, ()) {
    http_fail(r, 404, "Nothing here");
}

// ---- order

// promise 16
TEST(hooks_run_by_order_then_by_name_and_back_in_reverse_around_dependencies_and_handler) {
    *trace = '\0';
    answer *x = get(a, "/m/plain");
    expect_status(x, 200);
    expect_json(x, "seen", J("first>a>b>provider>handler"));
    assert_string_equal(trace, "first>a>b>provider>handler<inner<outer");
}
TEST(response_hooks_see_the_status_and_set_headers) {
    answer *x = get(a, "/m/plain");
    expect_header(x, "X-Outer", "200");
    expect_header(x, "X-Inner", "1");
    expect_header(x, "X-Route", "GET /m/plain");
    expect_header(x, "X-Path", "/m/plain");
}

// ---- short ways

TEST(a_hook_that_answers_ends_the_request_before_its_dependencies) {
    *trace = '\0';
    answer *x = get(a, "/m/plain?hook=200");
    expect_status(x, 200);
    assert_string_equal(text_of(a, "%.*s", (int)x->body.len, x->body.ptr), "answered by a hook");
    assert_string_equal(trace, "first><inner<outer");
    expect_status(get(a, "/m/plain?hook=202"), 202);
    expect_status(post(a, "/m/body?hook=200", J({"number" : 1})), 200);
}
TEST(a_hook_that_fails_is_answered_as_a_handler_that_fails) {
    *trace = '\0';
    answer *x = get(a, "/m/plain?hook=401");
    expect_status(x, 401);
    expect_json(x, "detail", J("API key missing"));
    expect_header(x, "WWW-Authenticate", "Bearer");
    expect_header(x, "X-Outer", "401");
    assert_string_equal(trace, "first>!witness!teapot<inner<outer");
}
TEST(what_is_wrong_with_a_hooks_parameter_is_told_before_anything_else_runs) {
    *trace = '\0';
    answer *x = post(a, "/m/body?hook=x", J({"number" : 0}));
    expect_status(x, 422);
    expect_json(x, "detail[0].loc", J([ "query", "hook" ]));
    assert_null(memmem(x->body.ptr, x->body.len, "number", 6));
    assert_null(strstr(trace, "first>"));
}
TEST(a_response_hook_that_fails_answers_instead_and_once) {
    *trace = '\0';
    answer *x = get(a, "/m/plain", .headers = "X-Give-Up: yes");
    expect_status(x, 418);
    expect_json(x, "detail", J("Hook gave up"));
    assert_string_equal(strstr(trace, "handler"), "handler<inner!witness!teapot");
    expect_status(get(a, "/m/plain"), 200);
}

// ---- failures

TEST(failure_hooks_are_told_what_failed_from_the_inside_out) {
    expect_header(get(a, "/m/refused"), "X-Failure", "404 Not Found -|");
    answer *x = get(a, "/m/locked");
    expect_status(x, 423);
    expect_header(x, "X-Failure", "423 Locked locked|");
    expect_header(x, "X-Outer", "423");
    expect_json(x, "locked", J("Locked"));
}
// promise 37
TEST(an_error_with_an_answer_of_its_own_keeps_it) {
    *trace = '\0';
    answer *x = get(a, "/m/child");
    expect_status(x, 409);
    expect_json(x, "family", J("child"));
    assert_null(strstr(trace, "!witness"));
}
TEST(the_headers_of_an_error_go_with_whatever_answers_it) {
    expect_header(get(a, "/m/child"), "X-Family", "Smith"); // of its parent, and the answer is ON_ERROR's
    expect_header(get(a, "/m/own-name"), "X-Family", "Jones");
    expect_header(get(a, "/m/child", .headers = "X-Say: so"), "X-Family", "the hook's");
    expect_header(get(a, "/m/no-session"), "WWW-Authenticate", "Bearer"); // the usual answer
    answer *x = get(a, "/m/locked");                                      // ON_FAILURE's
    expect_header(x, "Retry-After", "5");
    expect_header(x, "X-Reason", "meeting");
}
TEST(failure_hooks_see_the_problems_of_a_422) {
    answer *x = post(a, "/m/body", J({"number" : 0}));
    expect_status(x, 422);
    str value = header_at(x, "X-Failure");
    assert_true(value.len > 60);
    assert_memory_equal(value.ptr, "422 Unprocessable", 17);
    assert_non_null(memmem(value.ptr, value.len, "-|[{\"type\":\"greater_than_equal\"", 31));
}

// ---- scopes

TEST(hooks_of_one_plugin_are_not_for_another_but_those_for_all_are) {
    answer *x = get(a, "/v1/users/me");
    expect_status(x, 401);
    expect_json(x, "detail", J("Not authenticated"));
    assert_null(header_at(x, "X-Outer").ptr);
    expect_header(x, "X-Route", "GET /users/me");
    expect_header(x, "X-Path", "/v1/users/me");
}
TEST(hooks_are_for_routes_and_not_for_what_met_none) {
    answer *x = get(a, "/nowhere");
    expect_status(x, 404);
    assert_null(header_at(x, "X-Route").ptr);
}
TEST(the_documents_know_what_hooks_ask_for_and_how_they_fail) {
    answer *document = get(a, "/openapi.json");
    expect_status(document, 200);
    expect_json(document, "paths./m/plain.get.parameters[0].name", J("hook"));
    expect_json(document, "paths./m/plain.get.responses.401.content.application/json.examples.no_key.value.detail", J("API key missing"));
}
