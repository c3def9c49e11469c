// test_predict.c — the model is close to what it learned from, and asked only what it knows.
#include <leat/test.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST_PLUGINS("predict");

// e to the power of `x`, of 0 to 1: programs of tests are linked without libm.
static double grows(double x) {
    double sum = 1, term = 1;
    for (int i = 1; i < 20; i++)
        sum += term *= x / i;
    return sum;
}

// The formula of the measurements (plugins/predict/model.c).
static double power_kw(double head, double flow, double diameter) {
    double misfit = diameter / head - 0.9;
    return 9.81 * head * flow * 0.85 / grows(misfit * misfit) / (1 + 0.1 * flow * flow);
}

static double predicted(const answer *x, const char *name) {
    const char *at = strstr(text_of(x->from, "%.*s", (int)x->body.len, x->body.ptr), name);
    assert_non_null(at);
    return strtod(at + strlen(name), NULL);
}

TEST(a_prediction_is_close_to_what_was_measured) {
    for (double head = 1.5; head < 10; head += 2)
        for (double flow = 0.1; flow < 2; flow += 0.45)
            for (double share = 0.4; share < 1.7; share += 0.3) {
                answer *x =
                    post(a, "/v1/predict", text_of(a, "{\"head_m\": %g, \"flow_m3_s\": %g, \"diameter_m\": %g}", head, flow, head * share));
                expect_status(x, 200);
                double wanted = power_kw(head, flow, head * share), is = predicted(x, "\"power_kw\":");
                if (__builtin_fabs(is - wanted) > 0.06 * 9.81 * head * flow)
                    fail_msg("%g m, %g m3/s, %g m: %g kW, measured %g", head, flow, head * share, is, wanted);
            }
}

TEST(a_prediction_is_documented) {
    answer *x = post(a, "/v1/predict", J({"head_m": 3, "flow_m3_s": 0.5, "diameter_m": 2.7}));
    expect_status(x, 200);
    expect_documented(a, x);
}

TEST(a_batch_is_as_many_predictions_in_its_order) {
    answer *one = post(a, "/v1/predict", J({"head_m": 4, "flow_m3_s": 1, "diameter_m": 3}));
    answer *many = post(a, "/v1/predict/batch",
                        J([{"head_m": 3, "flow_m3_s": 0.5, "diameter_m": 2.7},
                                                   {"head_m": 4, "flow_m3_s": 1, "diameter_m": 3}]));
    expect_status(many, 200);
    expect_json(many, "length", J(2));
    expect_json(many, "[1]", text_of(a, "%.*s", (int)one->body.len, one->body.ptr));
    expect_documented(a, many);
}

TEST(features_out_of_bounds_are_refused) {
    answer *x = post(a, "/v1/predict", J({"head_m": 0, "flow_m3_s": "much", "diameter_m": 2}));
    expect_status(x, 422);
    expect_json(x, "detail[0].type", J("greater_than_equal"));
    expect_json(x, "detail[1].type", J("float_parsing"));
    x = post(a, "/v1/predict", J({"head_m": 10, "flow_m3_s": 1, "diameter_m": 1}));
    expect_json(x, "detail[0].msg", J("Value error, the diameter is between 0.3 and 1.7 times the head"));
}

TEST(a_batch_is_neither_empty_nor_without_end) {
    expect_json(post(a, "/v1/predict/batch", "[]"), "detail[0].type", J("too_short"));
    char *sites = malloc(1001 * 64), *end = sites;
    for (int i = 0; i < 1001; i++)
        end += sprintf(end, "%c{\"head_m\":3,\"flow_m3_s\":1,\"diameter_m\":3}", i ? ',' : '[');
    sprintf(end, "]");
    expect_json(post(a, "/v1/predict/batch", sites), "detail[0].type", J("too_long"));
    free(sites);
}

TEST(whatever_is_sent_is_answered_as_documented) {
    fuzz_every_route(a, .only = "/v1/predict", .count = 60);
}
