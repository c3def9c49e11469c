// test_hash.c — short hashes of texts, against what their authors published.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cache/hash.h"

// The key and the texts of SipHash's reference vectors, for one round and three.
static const struct hash_key reference = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static void test_siphash_1_3_is_the_published_one(void **state) {
    (void)state;
    static const uint64_t expected[] = {0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb, 0xcf75576088d38328,
                                        0xdef9d52f49533b67, 0xc50d2b50c59f22a7, 0xd3927d989bb11140, 0x369095118d299a8e};
    char text[16];
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(hash_keyed(&reference, (str){text, i}), expected[i]);
}

static void test_a_digest_is_the_first_half_of_sha_256(void **state) {
    (void)state;
    char text[DIGEST_TEXT_BYTES + 1] = {0};
    struct digest digest = digest_of(S("abc"));
    digest_text(text, &digest);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223");
    assert_true(digest_number(&digest) == 0xba7816bf8f01cfea);
}

static void test_a_digest_of_nothing_is_one_too(void **state) {
    (void)state;
    struct digest digest = digest_of((str){0});
    assert_true(digest_number(&digest) == 0xe3b0c44298fc1c14);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash_1_3_is_the_published_one),
        cmocka_unit_test(test_a_digest_is_the_first_half_of_sha_256),
        cmocka_unit_test(test_a_digest_of_nothing_is_one_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
