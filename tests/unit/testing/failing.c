// failing.c — tests that must fail, each with the words above it: what an expectation says when it is not met, and what the fuzz finds.
#include <leat/test.h>

TEST_PLUGINS();

// ---- routes with faults, in this program's own part of the built-in plugin

SCHEMA(Thing, (str, name, .max_length = 5), (i32, count));

GET("/thing", get_thing, Thing, ()) {
    Thing *thing = new (r, Thing);
    *thing = (Thing){.name = S("three"), .count = 3};
    return thing;
}

GET("/breaks/{number}", breaks, Thing, (path(i32, number))) {
    if (number < 0)
        http_fail(r, 500, "Internal Server Error");
    return get_thing(r);
}

GET("/unsaid", unsaid, Thing, (query(i32, number, .def = 0))) {
    set_status(r, number > 100000 ? 202 : 200);
    return get_thing(r);
}

GET("/long", too_long, Thing, (query(bool, is_long, .def = false))) {
    Thing *thing = get_thing(r);
    if (is_long)
        thing->name = S("too long");
    return thing;
}

// ---- expectations

// says: the status is 200, not 404
TEST(status_is_another) {
    expect_status(get(a, "/thing"), 404);
}

// says: name is "three", not "four"
TEST(json_is_another) {
    expect_json(get(a, "/thing"), "name", J("four"));
}

// says: nothing is absent, not 1
TEST(json_is_absent) {
    expect_json(get(a, "/thing"), "nothing", J(1));
}

// says: count is 3, not absent
TEST(json_is_there) {
    expect_json(get(a, "/thing"), "count", NULL);
}

// says: this is no JSON
TEST(json_that_is_none) {
    expect_json(get(a, "/thing"), "count", "{");
}

// says: answered 200: {"name":"three","count":3}
TEST(answer_is_shown) {
    expect_json(get(a, "/thing"), "", J([]));
}

// says: the header content-type is 'application/json', not 'text/plain'
TEST(header_is_another) {
    expect_header(get(a, "/thing"), "content-type", "text/plain");
}

// says: the header Content-Type is 'application/json', not '(absent)'
TEST(header_is_there) {
    expect_header(get(a, "/thing"), "Content-Type", NULL);
}

// says: count is no string
TEST(text_is_a_number) {
    text_at(get(a, "/thing"), "count");
}

// says: name is no integer
TEST(number_is_a_text) {
    number_at(get(a, "/thing"), "name");
}

// says: there is no database
TEST(sql_without_a_database) {
    sql(a, "SELECT 1");
}

// says: the document has no such operation
TEST(operation_is_not_documented) {
    expect_documented(a, get(a, "/nowhere"));
}

// says: name: is too long or too short
TEST(body_is_not_documented) {
    expect_documented(a, get(a, "/long?is_long=true"));
}

// says: of its own
TEST(test_fails_of_its_own) {
    fail_msg("of %s own", "its");
}

// ---- the fuzz

// says: a 5xx
TEST(fuzz_finds_a_5xx) {
    fuzz_every_route(a, .only = "/breaks");
}

// says: the document has no status 202 for this operation
TEST(fuzz_finds_an_undocumented_status) {
    fuzz_every_route(a, .only = "/unsaid");
}

// says: name: is too long or too short
TEST(fuzz_finds_a_body_that_does_not_fit) {
    fuzz_every_route(a, .only = "/long");
}

// says: the document has no operation below /nowhere
TEST(fuzz_finds_nothing_to_do) {
    fuzz_every_route(a, .only = "/nowhere");
}
