// test_{{name}}.c — {{name}}: made, listed, read, changed and deleted. Each test is a transaction that is rolled back.
#include <leat/test.h>

TEST_PLUGINS("{{name}}");

static const char *path_of(app *a, answer *x) {
    return text_of(a, "/v1/{{name}}/%s", text_at(x, "id"));
}

TEST(a_{{one}}_is_made_and_read) {
    answer *made = post(a, "/v1/{{name}}", J({"title": "the first"}));
    expect_status(made, 201);
    expect_documented(a, made);
    answer *read = get(a, path_of(a, made));
    expect_status(read, 200);
    expect_json(read, "title", J("the first"));
}

TEST(a_{{one}}_wants_a_title) {
    answer *x = post(a, "/v1/{{name}}", J({}));
    expect_status(x, 422);
    expect_json(x, "detail[0].loc", J(["body", "title"]));
}

TEST(the_list_holds_what_was_made) {
    post(a, "/v1/{{name}}", J({"title": "one"}));
    answer *x = get(a, "/v1/{{name}}?limit=1");
    expect_status(x, 200);
    expect_json(x, "[0].title", J("one"));
    expect_queries_at_most(a, 1);
}

TEST(a_change_changes_what_it_holds) {
    answer *made = post(a, "/v1/{{name}}", J({"title": "before"}));
    answer *changed = patch(a, path_of(a, made), J({"title": "after"}));
    expect_status(changed, 200);
    expect_json(changed, "title", J("after"));
}

TEST(what_is_deleted_is_gone) {
    answer *made = post(a, "/v1/{{name}}", J({"title": "short-lived"}));
    expect_status(delete_(a, path_of(a, made)), 204);
    expect_status(get(a, path_of(a, made)), 404);
}

TEST(no_request_that_fits_its_description_makes_a_5xx) {
    fuzz_every_route(a, .only = "/v1/{{name}}", .count = 100);
}
