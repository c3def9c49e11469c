// test_email.c — addresses: taken as email-validator takes them, or refused with its reason.
#include "subject.h"

#include "schema/email.h"

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10
#define AFTER_INVALID "The part after the @-sign contains invalid characters: "
#define BEFORE_INVALID "The email address contains invalid characters before the @-sign: "
#define NO_AT "An email address must have an @-sign."
#define SPECIAL "The part after the @-sign is a special-use or reserved name that cannot be used with email."
#define NO_TLD "The part after the @-sign is not valid. It is not within a valid top-level domain."
#define TWO_DOTS "An email address cannot have two periods in a row."
#define DOT_HYPHEN "An email address cannot have a period and a hyphen next to each other."
#define QUOTED "Quoting the part before the @-sign is not allowed here."
#define BRACKETED "A bracketed IP address after the @-sign is not allowed here."
#define NOT_IPV4(why, text)                                                                                                                \
    "The address in brackets after the @-sign is not valid: It is not an IPv4 address (" why " in '" text                                  \
    "') or is missing an address literal tag."

static const struct {
    const char *text, *answer; // the address, or "!" and the reason
} cases[] = {
    {"a@b.org", "a@b.org"},
    {"Ada.Lovelace+x@Example.ORG", "Ada.Lovelace+x@example.org"},
    {"!#$%&'*+-/=?^_`{|}~@b.org", "!#$%&'*+-/=?^_`{|}~@b.org"},
    {"a@b-c.d1.org", "a@b-c.d1.org"},
    {"a@example.com", "a@example.com"},
    {"  a@b.org\t\n", "a@b.org"},
    {"Ada Lovelace <a@B.org>", "a@b.org"},
    {"Ada<a@b.org>", "a@b.org"},
    {"  \"Ada, \\\"L\\\"\" <a@b.org>  ", "a@b.org"},
    {"\xC3\x89milie <a@b.org>", "a@b.org"},
    {"<a@b.org>", "a@b.org"},
    {"Ada < a@b.org >", "a@b.org"},
    {"POSTMASTER@b.org", "postmaster@b.org"},
    {"Postmasters@b.org", "Postmasters@b.org"},
    {"\xC3\xA9@b.org", "\xC3\xA9@b.org"},
    {"e\xCC\x81@b.org", "\xC3\xA9@b.org"}, // NFC
    {"a@b\xC3\xBC"
     "cher.de",
     "a@b\xC3\xBC"
     "cher.de"},
    {"a@B\xC3\x9C"
     "CHER.de",
     "a@b\xC3\xBC"
     "cher.de"},
    {"a@xn--bcher-kva.de", "a@b\xC3\xBC"
                           "cher.de"},
    {"a@fa\xC3\x9F.de", "a@fa\xC3\x9F.de"}, // not transitional
    {"a@b\xE3\x80\x82org", "a@b.org"},      // an ideographic full stop
    {"\xE7\x94\xB2@\xE9\xBB\x92\xE5\xB7\x9D.\xE6\x97\xA5\xE6\x9C\xAC", "\xE7\x94\xB2@\xE9\xBB\x92\xE5\xB7\x9D.\xE6\x97\xA5\xE6\x9C\xAC"},
    {X60 "1234@b.org", X60 "1234@b.org"},
    {"a@" X60 "123.org", "a@" X60 "123.org"},

    {"", "!" NO_AT},
    {"a", "!" NO_AT},
    {"\"a@b.org", "!" NO_AT},
    {"@b.org", "!There must be something before the @-sign."},
    {"a@", "!There must be something after the @-sign."},
    {"a@b", "!The part after the @-sign is not valid. It should have a period."},
    {"a@localhost", "!The part after the @-sign is not valid. It should have a period."},
    {"a@b.123", "!" NO_TLD},
    {"a@1.2.3.4", "!" NO_TLD},
    {"a@x.test", "!" SPECIAL},
    {"a@x.TEST", "!" SPECIAL},
    {"a@x.local", "!" SPECIAL},
    {"a@x.localhost", "!" SPECIAL},
    {"a@x.invalid", "!" SPECIAL},
    {"a@x.onion", "!" SPECIAL},
    {"a@x.arpa", "!" SPECIAL},
    {"a@mytest.org", "a@mytest.org"},
    {"a@x.mytest", "a@x.mytest"},
    {"a b@c.org", "!" BEFORE_INVALID "SPACE."},
    {"a,b@c.org", "!" BEFORE_INVALID "','."},
    {"a;b,c d,@e.org", "!" BEFORE_INVALID "',', ';', SPACE."},
    {"a\\b@c.org", "!" BEFORE_INVALID "\"\\\"."},
    {"a\tb@c.org", "!" BEFORE_INVALID "U+0009."},
    {"a:(b)@c.org", "!" BEFORE_INVALID "'(', ')', ':'."},
    {"a@@b.org", "!" AFTER_INVALID "'@'."},
    {"a@b_c.org", "!" AFTER_INVALID "'_'."},
    {"a@b c.org", "!" AFTER_INVALID "SPACE."},
    {"a@b'c!.org", "!" AFTER_INVALID "\"'\", '!'."},
    {".a@c.org", "!An email address cannot start with a period."},
    {"a.@c.org", "!An email address cannot have a period immediately before the @-sign."},
    {"a..b@c.org", "!" TWO_DOTS},
    {"a@.b.org", "!An email address cannot have a period immediately after the @-sign."},
    {"a@b.org.", "!An email address cannot end with a period."},
    {"a@b..org", "!" TWO_DOTS},
    {"a@-b.org", "!An email address cannot have a hyphen immediately after the @-sign."},
    {"a@b.org-", "!An email address cannot end with a hyphen."},
    {"a@b-.org", "!" DOT_HYPHEN},
    {"a@b.-org", "!" DOT_HYPHEN},
    {"\"a b\"@c.org", "!" QUOTED},
    {"\"a\"@c.org", "!" QUOTED},
    {"\"a@b\"@c.org", "!" QUOTED},
    {"\"a\"b@c.org", "!Extra character(s) found after close quote: 'b'"},
    {"\"a\"bb @c.org", "!Extra character(s) found after close quote: 'b', 'b', SPACE"},
    {"a@[1.2.3.4]", "!" BRACKETED},
    {"a@[IPv6:::1]", "!" BRACKETED},
    {"a@[1.2.3]", "!" NOT_IPV4("Expected 4 octets", "1.2.3")},
    {"a@[1.2.3.300]", "!" NOT_IPV4("Octet 300 (> 255) not permitted", "1.2.3.300")},
    {"a@[1.2.3.04]", "!" NOT_IPV4("Leading zeros are not permitted in '04'", "1.2.3.04")},
    {"a@[1.2..4]", "!" NOT_IPV4("Empty octet not permitted", "1.2..4")},
    {"a@[x]", "!The part after the @-sign in brackets is not an IPv4 address and has no address literal tag."},
    {"a@[x:y]", "!The part after the @-sign contains an invalid address literal tag in brackets."},
    {X60 "12345@b.org", "!The email address is too long before the @-sign (1 character too many)."},
    {X60 "123456@b.org", "!The email address is too long before the @-sign (2 characters too many)."},
    {"a@" X60 "1234.org", "!After the @-sign, periods cannot be separated by so many characters (1 character too many)."},
    {"a@" X60 "12345.org", "!After the @-sign, periods cannot be separated by so many characters (2 characters too many)."},
    {"a@" X60 "." X60 "." X60 "." X60 ".abcdefghi.org", "!The email address is too long after the @-sign (4 characters too many)."},
    {"abcdefg@" X60 "." X60 "." X60 "." X60 ".org", "!The email address is too long (1 character too many)."},
    {"a@ab--c.org",
     "!An email address cannot have two letters followed by two dashes immediately after the @-sign or after a period, except Punycode."},
    {"J. Doe <a@b.org>", "!The display name contains invalid characters when not quoted: '.'."},
    {"Ada <a@b.org", "!An open angle bracket at the start of the email address has to be followed by a close angle bracket at the end."},
    {"Ada <a@b.org> x", "!There can't be anything after the email address."},
    {"a\xE2\x80\x8B@b.org", "!The email address contains unsafe characters: ZERO WIDTH SPACE."},
    {"a\xC2\xA0@b.org", "!The email address contains unsafe characters: NO-BREAK SPACE."},
    {"\xCC\x81"
     "a@b.org",
     "!The email address contains unsafe characters: COMBINING ACUTE ACCENT."},
    {"a@b\xE2\x80\xAE.org", "!The email address contains unsafe characters: RIGHT-TO-LEFT OVERRIDE."},
    {"a@\xE2\x98\x83.org", "!The part after the @-sign is invalid (Codepoint U+2603 at position 1 of '\xE2\x98\x83' not allowed)."},
    {"a@x\xE2\x92\x88.org",
     "!The part after the @-sign contains invalid characters (Codepoint U+2488 not allowed at position 2 in 'x\xE2\x92\x88.org')."},
};

static void test_each_address_is_taken_or_refused_as_email_validator_does(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char answer[1000];
        str text = str_of(cases[i].text), reason = S("");
        subject_reset();
        int error = email_take(&subject_arena, &text, &reason);
        str told = error ? reason : text;
        assert_true(error == 0 || error == -EINVAL);
        snprintf(answer, sizeof answer, "%s%.*s", error ? "!" : "", (int)told.len, told.ptr);
        expect_answer(cases[i].text, answer, cases[i].answer);
    }
}

static void test_a_text_beyond_pydantics_limit_is_not_looked_at(void **state) {
    (void)state;
    static char text[2100];
    memset(text, 'a', sizeof text - 1);
    str address = str_of(text), reason;
    subject_reset();
    assert_int_equal(email_take(&subject_arena, &address, &reason), -EINVAL);
    assert_memory_equal(reason.ptr, "Length must not exceed 2048 characters", reason.len);
    assert_ptr_equal(address.ptr, text);
}

static void test_a_plain_address_is_not_copied(void **state) {
    (void)state;
    str address = S("ada.lovelace@example.org"), given = address, reason;
    subject_reset();
    assert_int_equal(email_take(NULL, &address, &reason), 0);
    assert_ptr_equal(address.ptr, given.ptr);
}

SCHEMA(Account, (str, email, .format = EMAIL));

static void test_a_reason_is_told_as_fastapi_tells_it(void **state) {
    (void)state;
    expect_answer(
        "no @", READ(Account, "{\"email\":\"x\"}"),
        "{\"detail\":[{\"type\":\"value_error\",\"loc\":[\"body\",\"email\"],\"msg\":\"value is not a valid email address: An email "
        "address must have an @-sign.\",\"input\":\"x\",\"ctx\":{\"reason\":\"An email address must have an @-sign.\"}}]}");
    expect_answer(
        "not a string", READ(Account, "{\"email\":5}"),
        "{\"detail\":[{\"type\":\"string_type\",\"loc\":[\"body\",\"email\"],\"msg\":\"Input should be a valid string\",\"input\":5}]}");
    expect_answer("normalised", READ(Account, "{\"email\":\"Ada <a@B.Org>\"}"), "ok {\"email\":\"a@b.org\"}");
}

static void test_without_memory_nothing_is_judged(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        str text = str_of(cases[i].text), reason;
        struct arena_pool pool;
        struct arena arena;
        arena_pool_init(&pool, 0);
        int error = -ENOMEM;
        for (size_t bytes = 0; error == -ENOMEM; bytes += ARENA_BLOCK_BYTES) {
            assert_true(bytes < 1 << 20);
            arena_init(&arena, &pool, bytes);
            error = email_take(&arena, &text, &reason);
            arena_reset(&arena);
        }
        assert_true(error == 0 || error == -EINVAL);
    }
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_address_is_taken_or_refused_as_email_validator_does),
        cmocka_unit_test(test_a_text_beyond_pydantics_limit_is_not_looked_at),
        cmocka_unit_test(test_a_plain_address_is_not_copied),
        cmocka_unit_test(test_a_reason_is_told_as_fastapi_tells_it),
        cmocka_unit_test(test_without_memory_nothing_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
