// test_format.c — the formats that have no words of Pydantic's: hostnames, addresses, base64, slugs.
#include "subject.h"

#include "schema/format.h"

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
    bool (*is_one)(str);
    const char *text;
    bool expected;
} cases[] = {
    {format_is_hostname, "a", true},
    {format_is_hostname, "A-1.example.org", true},
    {format_is_hostname, "1.2.3.4", true},
    {format_is_hostname, X60 "123", true},
    {format_is_hostname, X60 "1234", false},
    {format_is_hostname, X60 "." X60 "." X60 "." X60 ".123456789", true},
    {format_is_hostname, X60 "." X60 "." X60 "." X60 ".1234567890", false},
    {format_is_hostname, "", false},
    {format_is_hostname, ".", false},
    {format_is_hostname, "a.", false},
    {format_is_hostname, "-a", false},
    {format_is_hostname, "a-.b", false},
    {format_is_hostname, "a_b", false},
    {format_is_hostname, "a b", false},
    {format_is_hostname, "\xC3\xA9", false},
    {format_is_ipv4, "1.2.3.4", true},
    {format_is_ipv4, "255.255.255.255", true},
    {format_is_ipv4, "256.1.1.1", false},
    {format_is_ipv4, "1.2.3", false},
    {format_is_ipv4, "1.2.3.4 ", false},
    {format_is_ipv4, "", false},
    {format_is_ipv4, "::1", false},
    {format_is_ipv6, "::1", true},
    {format_is_ipv6, "2001:db8::ff00:42:8329", true},
    {format_is_ipv6, "::ffff:1.2.3.4", true},
    {format_is_ipv6, "1:2:3:4:5:6:7:8:9", false},
    {format_is_ipv6, "[::1]", false},
    {format_is_ipv6, "1.2.3.4", false},
    {format_is_ipv6, "fe80::1%eth0", false},
    {format_is_ipv6, X60, false},
    {format_is_base64, "", true},
    {format_is_base64, "QQ==", true},
    {format_is_base64, "QUI=", true},
    {format_is_base64, "QUJD", true},
    {format_is_base64, "+/+/", true},
    {format_is_base64, "QUJ", false},
    {format_is_base64, "Q===", false},
    {format_is_base64, "QU=D", false},
    {format_is_base64, "-_-_", false},
    {format_is_base64, "QUJ\n", false},
    {format_is_slug, "a", true},
    {format_is_slug, "hello-world-2", true},
    {format_is_slug, "", false},
    {format_is_slug, "-a", false},
    {format_is_slug, "a-", false},
    {format_is_slug, "a--b", false},
    {format_is_slug, "A", false},
    {format_is_slug, "a_b", false},
    {format_is_slug, "\xC3\xA9", false},
};

// promise 18
static void test_each_text_is_of_its_format_or_not(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].is_one(str_of(cases[i].text)) != cases[i].expected)
            fail_msg("%zu: %s", i, cases[i].text);
    assert_false(format_is_ipv4(S("1.2.3.4\0")));
}

SCHEMA(Formats, (str, host, .format = HOSTNAME), (str, four, .format = IPV4), (str, six, .format = IPV6), (str, data, .format = BASE64),
       (str, slug, .format = SLUG));

static void test_a_text_of_another_format_is_a_value_error(void **state) {
    (void)state;
    static const char *const messages[] = {"value is not a valid hostname", "value is not a valid IPv4 address",
                                           "value is not a valid IPv6 address", "value is not valid base64", "value is not a valid slug"};
    const char *answer = READ(Formats, "{\"host\":\"-\",\"four\":\"-\",\"six\":\"-\",\"data\":\"-\",\"slug\":\"-\"}");
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        assert_non_null(strstr(answer, messages[i]));
    const char *good = "{\"host\":\"a\",\"four\":\"1.2.3.4\",\"six\":\"::\",\"data\":\"\",\"slug\":\"a\"}";
    assert_string_equal(READ(Formats, good) + 3, good);
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_text_is_of_its_format_or_not),
        cmocka_unit_test(test_a_text_of_another_format_is_a_value_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
