// test_url.c — URLs: taken as Pydantic's AnyUrl takes them, or refused with its reason.
#include "subject.h"

#include "schema/url.h"

#define RELATIVE "!relative URL without a base"
#define EMPTY_HOST "!empty host"
#define DOMAIN "!invalid international domain name"
#define PORT "!invalid port number"
#define IPV4_BAD "!invalid IPv4 address"
#define IPV6_BAD "!invalid IPv6 address"

static const struct {
    const char *text, *answer; // the URL, or "!" and the reason
} cases[] = {
    {"http://a.org", "http://a.org"},
    {"  http://a.org\n", "http://a.org"},
    {"h\nttp://\tx", "http://x"},
    {"HTTP://A.org/%zz", "HTTP://A.org/%zz"},
    {"x:y", "x:y"},
    {"x:", "x:"},
    {"mailto:a@b", "mailto:a@b"},
    {"data:,x", "data:,x"},
    {"file:///x", "file:///x"},
    {"http:///x", "http:///x"},
    {"http:a.org", "http:a.org"},
    {"http://a.org\\x", "http://a.org\\x"},
    {"http://user:pw@h:80/?q#f", "http://user:pw@h:80/?q#f"},
    {"http://a:", "http://a:"},
    {"http://a_b.org", "http://a_b.org"},
    {"http://-a", "http://-a"},
    {"http://a..b", "http://a..b"},
    {"http://a.org/a b", "http://a.org/a b"},
    {"http://%41.org", "http://%41.org"},
    {"http://\xC3\xA9.org", "http://\xC3\xA9.org"},
    {"http://[::1]/", "http://[::1]/"},
    {"http://[::1]:80", "http://[::1]:80"},
    {"http://1.2.3.4", "http://1.2.3.4"},
    {"http://0x7f.1", "http://0x7f.1"},
    {"foo://", "foo://"},
    {"foo://x/y", "foo://x/y"},
    {"", "!input is empty"},
    {" ", "!input is empty"},
    {"a.org", RELATIVE},
    {"/x", RELATIVE},
    {"//x", RELATIVE},
    {"::", RELATIVE},
    {"1http://x", RELATIVE},
    {"http://", EMPTY_HOST},
    {"http://:80", EMPTY_HOST},
    {"http://@", EMPTY_HOST},
    {"http://a@", EMPTY_HOST},
    {"http://a b.org", DOMAIN},
    {"http://a%", DOMAIN},
    {"http://a<b", DOMAIN},
    {"http://xn--a", DOMAIN},
    {"foo://a b", "!invalid domain character"},
    {"http://a.org:99999", PORT},
    {"http://a.org:x", PORT},
    {"foo://x:99999", PORT},
    {"http://1.2.3.4.5", IPV4_BAD},
    {"http://256.1.1.1", IPV4_BAD},
    {"http://999999999999", IPV4_BAD},
    {"http://1..2", IPV4_BAD},
    {"http://[::1", IPV6_BAD},
    {"http://[x]", IPV6_BAD},
};

// promise 18
static void test_each_url_is_taken_or_refused_as_pydantic_does(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char answer[200];
        str text = str_of(cases[i].text);
        const char *reason = "";
        subject_reset();
        int error = url_take(&subject_arena, &text, &reason);
        snprintf(answer, sizeof answer, "%s%.*s", error ? "!" : "", error ? (int)strlen(reason) : (int)text.len, error ? reason : text.ptr);
        expect_answer(cases[i].text, answer, cases[i].answer);
    }
}

SCHEMA(Link, (str, url, .format = URL));

static void test_problems_with_a_url_have_types_of_their_own(void **state) {
    (void)state;
    static char json[URL_BYTES_MAX + 100];
    expect_answer(
        "a.org", READ(Link, "{\"url\":\"a.org\"}"),
        "{\"detail\":[{\"type\":\"url_parsing\",\"loc\":[\"body\",\"url\"],\"msg\":\"Input should be a valid URL, relative URL without a "
        "base\",\"input\":\"a.org\",\"ctx\":{\"error\":\"relative URL without a base\"}}]}");
    expect_answer(
        "5", READ(Link, "{\"url\":5}"),
        "{\"detail\":[{\"type\":\"url_type\",\"loc\":[\"body\",\"url\"],\"msg\":\"URL input should be a string or URL\",\"input\":5}]}");
    memset(json, 'x', sizeof json - 1);
    memcpy(json, "{\"url\":\"x:", 10);
    memcpy(json + sizeof json - 3, "\"}", 2);
    assert_non_null(strstr(READ(Link, json), "\"msg\":\"URL should have at most 65536 characters\""));
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_url_is_taken_or_refused_as_pydantic_does),
        cmocka_unit_test(test_problems_with_a_url_have_types_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
