// test_{{name}}.c — what the {{name}} answer.
#include <leat/test.h>

TEST_PLUGINS("{{name}}");

TEST(everybody_is_greeted_by_name) {
    answer *x = get(a, "/v1/{{name}}/ada");
    expect_status(x, 200);
    expect_json(x, "text", J("hello, ada"));
    expect_documented(a, x);
}

TEST(a_name_has_a_bound) {
    answer *x = get(a, text_of(a, "/v1/{{name}}/%0101d", 1));
    expect_status(x, 422);
    expect_json(x, "detail[0].type", J("string_too_long"));
}

TEST(no_request_that_fits_its_description_makes_a_5xx) {
    fuzz_every_route(a, .only = "/v1/{{name}}", .count = 100);
}
