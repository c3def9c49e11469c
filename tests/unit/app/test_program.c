// test_program.c — tests of app/program.c: dependencies once a request or anew, in their order, and given back last first.
#include <string.h>

#include <leat/test.h>

TEST_PLUGINS("users");

SCHEMA(Seen, (str, seen), (i64, number));
SCHEMA(Wanted, (i64, number, .ge = 1));
ERROR(broken, 409, "Broken");
ERROR(gone, 410, "Gone", .parent = &broken);
ERROR(long_gone, 410, "Long gone", .parent = &gone);

static char trace[256];
static int shared_count, fresh_count;

static void note(const char *what) {
    strncat(trace, what, sizeof trace - strlen(trace) - 1);
}

static void give_back(void *what, enum outcome outcome) {
    note(what);
    note(outcome == OK ? "+" : outcome == FAILED ? "!" : "?");
}

PROVIDE(get_shared, i64, ()) {
    on_done(r, give_back, "shared");
    return ++shared_count;
}
PROVIDE(get_fresh, i64, (depends(get_shared, shared)), .no_cache = true) {
    on_done(r, give_back, "fresh");
    return ++fresh_count + shared * 0;
}
PROVIDE(get_left, i64, (depends(get_shared, shared), depends(get_fresh, fresh))) {
    on_done(r, give_back, "left");
    return shared + fresh * 10;
}
PROVIDE(get_right, i64, (depends(get_fresh, fresh), depends(get_shared, shared), query(i64, right, .def = 0))) {
    on_done(r, give_back, "right");
    if (right == 1)
        fail(r, long_gone, "because");
    return shared + fresh * 10;
}

GET("/p/both", both, Seen, (depends(get_left, left), depends(get_right, right), query(i64, fails, .def = 0))) {
    on_done(r, give_back, "handler");
    if (fails == 1)
        fail(r, gone);
    if (fails == 2)
        http_fail(r, 404, "Not %s", "here");
    Seen *seen = new (r, Seen);
    seen->number = left * 1000 + right;
    return seen;
}
ON_ERROR(broken, e) {
    return strcmp(e->name, "gone") == 0 ? NULL : json_text(r, format(r, "{\"of\":\"broken\",\"is\":\"%s\"}", e->name));
}
POST("/p/read", read_only_what_is_right, Seen, (body(Wanted, in), depends(get_shared, shared))) {
    (void)in, (void)shared;
    note("handler");
    return new (r, Seen);
}

static void reset(void) {
    *trace = '\0';
    shared_count = fresh_count = 0;
}

TEST(a_provider_is_called_once_a_request_and_one_that_is_not_cached_for_each_that_asks) {
    reset();
    answer *x = get(a, "/p/both");
    expect_status(x, 200);
    expect_json(x, "number", "11021");
    assert_int_equal(shared_count, 1);
    assert_int_equal(fresh_count, 2);
}
TEST(what_was_taken_is_given_back_last_first_and_told_how_it_ended) {
    reset();
    expect_status(get(a, "/p/both"), 200);
    assert_string_equal(trace, "handler+right+fresh+left+fresh+shared+");
    reset();
    expect_status(get(a, "/p/both?fails=2"), 404);
    assert_string_equal(trace, "handler!right!fresh!left!fresh!shared!");
    reset();
    expect_status(get(a, "/p/both?right=1"), 410);
    assert_string_equal(trace, "right!fresh!left!fresh!shared!");
}
TEST(an_error_is_answered_by_its_nearest_ancestor_that_has_an_answer) {
    answer *x = get(a, "/p/both?right=1");
    expect_status(x, 410);
    expect_json(x, "of", J("broken"));
    expect_json(x, "is", J("long_gone"));
    x = get(a, "/p/both?fails=1"); // NULL: the usual answer
    expect_status(x, 410);
    expect_json(x, "detail", J("Gone"));
}
TEST(parameters_that_are_wrong_end_it_before_the_handler_and_after_its_dependencies) {
    reset();
    expect_status(post(a, "/p/read", J({"number" : 0})), 422);
    assert_string_equal(trace, "shared!");
}
