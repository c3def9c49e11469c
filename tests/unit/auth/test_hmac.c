// test_hmac.c — the vectors of RFC 4231, and OpenSSL's own HMAC() as the other side.
#include "auth/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static void expect_mac(str key, str message, const char *hex) {
    unsigned char mac[HMAC_BYTES];
    char text[2 * HMAC_BYTES + 1];
    assert_int_equal(hmac_sha256(key, message, mac), 0);
    for (int i = 0; i < HMAC_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", mac[i]);
    assert_string_equal(text, hex);
}

static void test_the_vectors_of_the_rfc_hold(void **state) {
    (void)state;
    expect_mac(S("Jefe"), S("what do ya want for nothing?"), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    char bytes[131];
    memset(bytes, 0x0b, 20);
    expect_mac((str){bytes, 20}, S("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    memset(bytes, 0xaa, sizeof bytes); // longer than a block: its digest is the key
    expect_mac((str){bytes, sizeof bytes}, S("Test Using Larger Than Block-Size Key - Hash Key First"),
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_keys_of_every_length_agree_with_openssl(void **state) {
    (void)state;
    char key[200];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (char)(i * 31 + 1);
    for (size_t bytes = 1; bytes <= sizeof key; bytes++) {
        unsigned char ours[HMAC_BYTES], theirs[HMAC_BYTES];
        assert_int_equal(hmac_sha256((str){key, bytes}, (str){key, 200 - bytes}, ours), 0);
        HMAC(EVP_sha256(), key, (int)bytes, (unsigned char *)key, 200 - bytes, theirs, NULL);
        assert_memory_equal(ours, theirs, HMAC_BYTES);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vectors_of_the_rfc_hold),
        cmocka_unit_test(test_keys_of_every_length_agree_with_openssl),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
