// test_transform.c — a list as a body.
#include <leat/test.h>

TEST_PLUGINS("transform");

TEST(points_have_a_mean) {
    answer *x = post(a, "/v1/transform", J([{"x": 1, "y": -2}, {"x": 2.5, "y": 4}]));
    expect_status(x, 200);
    expect_json(x, "", J({"count": 2, "mean_x": 1.75, "mean_y": 1.0}));
    expect_documented(a, x);
}

TEST(one_point_is_its_own_mean) {
    expect_json(post(a, "/v1/transform", J([{"x": 1e15, "y": -1e15}])), "", J({"count": 1, "mean_x": 1e15, "mean_y": -1e15}));
}

TEST(an_empty_list_has_none) {
    answer *x = post(a, "/v1/transform", "[]");
    expect_status(x, 422);
    expect_json(x, "detail[0].type", J("too_short"));
}

// promise 6
TEST(each_wrong_point_is_named) {
    answer *x = post(a, "/v1/transform", J([{"x": 1, "y": 2}, {"x": "one"}, 3]));
    expect_status(x, 422);
    expect_json(x, "detail[0].loc", J(["body", 1, "x"]));
    expect_json(x, "detail[1].loc", J(["body", 1, "y"]));
    expect_json(x, "detail[2].loc", J(["body", 2]));
}

TEST(a_point_out_of_bounds_is_refused) {
    expect_status(post(a, "/v1/transform", J([{"x": 1e16, "y": 0}])), 422);
    expect_status(post(a, "/v1/transform", J([{"x": 1e999, "y": 0}])), 422);
}

TEST(a_body_that_is_no_list_is_refused) {
    expect_json(post(a, "/v1/transform", J({"x": 1, "y": 2})), "detail[0].type", J("list_type"));
}

TEST(whatever_is_sent_is_answered_as_documented) {
    fuzz_every_route(a, .only = "/v1/transform", .count = 100);
}
