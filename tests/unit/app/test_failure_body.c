// test_failure_body.c — tests of app/failure_body.c: an application that words all its errors in a shape of its own.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <leat/test.h>

#include "testing/test_app.h"

TEST_PLUGINS("users");

SCHEMA(Problem, (str, type), (str, title), (i32, status), (str, detail, .nullable = true), (json_value, errors, .nullable = true),
       (str, request));
ERROR_SHAPE(Problem, failure, out, .content_type = "application/problem+json") {
    out->type = failure->error ? S("about:error") : S("about:blank");
    out->title = failure->reason;
    out->status = failure->status;
    out->detail = failure->detail;
    out->null.detail = !failure->detail.len;
    out->errors = failure->problems;
    out->null.errors = !failure->problems.raw.len;
    out->request = failure->request_id;
}

SCHEMA(Thing, (i64, number, .ge = 1));
ERROR(gone_fishing, 409, "Gone \"fishing\"", .headers = "X-Why: fish");

POST("/s/thing", make_thing, Thing, (body(Thing, in)), .errors = ERRORS(gone_fishing)) {
    if (in->number == 7)
        fail(r, gone_fishing);
    if (in->number == 8)
        http_fail(r, 404, "No eight");
    return in->number == 9 ? NULL : (Thing *)in;
}

static void expect_shaped(answer *x, int status, const char *title) {
    expect_status(x, status);
    expect_header(x, "Content-Type", "application/problem+json");
    expect_json(x, "title", title);
    expect_json(x, "status", text_of(x->from, "%d", status));
    assert_null(memmem(x->body.ptr, x->body.len, "\"detail\":[", 10));
}

// promise 36
TEST(what_a_handler_fails_with_has_the_applications_shape) {
    answer *x = post(a, "/s/thing", J({"number" : 7}));
    expect_shaped(x, 409, J("Conflict"));
    expect_json(x, "type", J("about:error"));
    expect_json(x, "detail", "\"Gone \\\"fishing\\\"\"");
    expect_header(x, "X-Why", "fish");
    expect_header(x, "X-Request-ID", text_at(x, "request"));
    expect_shaped(post(a, "/s/thing", J({"number" : 8})), 404, J("Not Found"));
}
// promise 38
TEST(a_bug_has_it_too_and_shows_nothing_of_the_inside) {
    answer *x = post(a, "/s/thing", J({"number" : 9}));
    expect_shaped(x, 500, J("Internal Server Error"));
    expect_json(x, "detail", J("Internal Server Error"));
}
TEST(a_422_hands_over_its_problems) {
    answer *x = post(a, "/s/thing", J({"number" : 0}));
    expect_shaped(x, 422, J("Unprocessable Entity"));
    expect_json(x, "detail", "null");
    expect_json(x, "errors.length", "1");
    expect_json(x, "errors[0].type", J("greater_than_equal"));
}
TEST(what_met_no_route_has_it_too) {
    expect_shaped(get(a, "/nowhere"), 404, J("Not Found"));
    answer *x = get(a, "/s/thing");
    expect_shaped(x, 405, J("Method Not Allowed"));
    expect_header(x, "Allow", "OPTIONS, POST");
    expect_shaped(get(a, "/%ff"), 400, J("Bad Request"));
}
TEST(other_plugins_errors_have_it_too) {
    answer *x = get(a, "/v1/users/me");
    expect_shaped(x, 401, J("Unauthorized"));
    expect_header(x, "WWW-Authenticate", "Bearer");
}

// What is no HTTP never becomes a request, and ends the connection.
static str answer_to_bytes(app *a, const char *bytes) {
    static char text[4096];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(a->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
    size_t length = 0;
    for (int turns = 0; turns < 500; turns++) {
        test_app_turn(a, 10);
        ssize_t more = recv(fd, text + length, sizeof text - length, MSG_DONTWAIT);
        if (more == 0)
            break;
        length += more > 0 ? (size_t)more : 0;
    }
    close(fd);
    return (str){text, length};
}

TEST(what_is_no_request_at_all_has_it_too) {
    str text = answer_to_bytes(a, "GET / HTTP/1.1\r\n\r\n");
    assert_non_null(memmem(text.ptr, text.len, "400 Bad Request", 15));
    assert_non_null(memmem(text.ptr, text.len, "application/problem+json", 24));
    assert_non_null(memmem(text.ptr, text.len, "\"detail\":\"Host field missing\"", 29));
    text = answer_to_bytes(a, "POST /s/thing HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    assert_non_null(memmem(text.ptr, text.len, "413 ", 4));
    assert_non_null(memmem(text.ptr, text.len, "application/problem+json", 24));
}
TEST(the_documents_show_the_shape) {
    answer *document = get(a, "/openapi.json");
    expect_status(document, 200);
    expect_json(document, "paths./s/thing.post.responses.409.content.application/problem+json.examples.gone_fishing.value.title",
                J("Conflict"));
    expect_json(document, "paths./s/thing.post.responses.422.content.application/problem+json.schema.$ref",
                J("#/components/schemas/Problem"));
    expect_json(document, "components.schemas.Problem.properties.title.type", J("string"));
}
