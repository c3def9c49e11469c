// test_phc.c — the strings of hashes: what libargon2 writes, and nothing else.
#include "auth/phc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <argon2.h>
#include <cmocka.h>

#include "base/str.h"

#define SALT "c2FsdHNhbHRzYWx0c2FsdA"
#define TAG "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static int read_text(const char *text) {
    struct phc phc;
    return phc_read(str_of(text), &phc);
}

static void test_what_libargon2_writes_is_read_and_written_alike(void **state) {
    (void)state;
    char theirs[128], ours[PASSWORD_HASH_BYTES];
    assert_int_equal(argon2id_hash_encoded(3, 64, 2, "pass", 4, "saltsaltsaltsalt", 16, 32, theirs, sizeof theirs), ARGON2_OK);
    struct phc phc;

    assert_int_equal(phc_read(str_of(theirs), &phc), 0);

    assert_int_equal(phc.cost.memory_kib, 64);
    assert_int_equal(phc.cost.passes, 3);
    assert_int_equal(phc.cost.lanes, 2);
    assert_int_equal(phc.salt_bytes, 16);
    assert_memory_equal(phc.salt, "saltsaltsaltsalt", 16);
    assert_int_equal(phc.tag_bytes, 32);
    phc_write(ours, &phc);
    assert_string_equal(ours, theirs);
}

static void test_other_spellings_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "$argon2id$",
        "$argon2i$v=19$m=64,t=3,p=2$" SALT "$" TAG,
        "$argon2d$v=19$m=64,t=3,p=2$" SALT "$" TAG,
        "$argon2id$m=64,t=3,p=2$" SALT "$" TAG, // version 16
        "$argon2id$v=16$m=64,t=3,p=2$" SALT "$" TAG,
        "$argon2id$v=19$t=3,m=64,p=2$" SALT "$" TAG,
        "$argon2id$v=19$m=064,t=3,p=2$" SALT "$" TAG,
        "$argon2id$v=19$m=+64,t=3,p=2$" SALT "$" TAG,
        "$argon2id$v=19$m=64 ,t=3,p=2$" SALT "$" TAG,
        "$argon2id$v=19$m=64,t=3,p=2,data=AA$" SALT "$" TAG,
        "$argon2id$v=19$m=64,t=3,p=2$" SALT "$" TAG "$",
        "$argon2id$v=19$m=64,t=3,p=2$" SALT "$" TAG "=",
        "$argon2id$v=19$m=64,t=3,p=2$" SALT "$",
        "$argon2id$v=19$m=64,t=3,p=2$$" TAG,
        "$argon2id$v=19$m=64,t=3,p=2$AAAA$" TAG,     // a salt of 3 bytes
        "$argon2id$v=19$m=64,t=3,p=2$" SALT "$AAAA", // a tag of 3
        "$argon2id$v=19$m=64,t=3,p=2$" SALT "$" TAG TAG TAG,
        "$2b$12$abcdefghijklmnopqrstuuAbCdEfGhIjKlMnOpQrStUvWxYz01234",
    };
    assert_int_equal(read_text("$argon2id$v=19$m=64,t=3,p=2$" SALT "$" TAG), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(read_text(bad[i]), -EINVAL);
    assert_int_equal(phc_read((str){0}, &(struct phc){0}), -EINVAL);
}

static void test_numbers_out_of_bounds_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "$argon2id$v=19$m=4194305,t=3,p=2$" SALT "$" TAG,
        "$argon2id$v=19$m=4294967360,t=3,p=2$" SALT "$" TAG, // 64, to who counts in 32 bits
        "$argon2id$v=19$m=99999999999999999999999,t=3,p=2$" SALT "$" TAG,
        "$argon2id$v=19$m=15,t=3,p=2$" SALT "$" TAG, // less than 8 for each lane
        "$argon2id$v=19$m=0,t=3,p=2$" SALT "$" TAG,
        "$argon2id$v=19$m=64,t=0,p=2$" SALT "$" TAG,
        "$argon2id$v=19$m=64,t=1001,p=2$" SALT "$" TAG,
        "$argon2id$v=19$m=64,t=3,p=0$" SALT "$" TAG,
        "$argon2id$v=19$m=64000,t=3,p=17$" SALT "$" TAG,
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(read_text(bad[i]), -EINVAL);
}

static void test_every_truncation_is_refused(void **state) {
    (void)state;
    static const char good[] = "$argon2id$v=19$m=19456,t=2,p=1$" SALT "$" TAG;
    struct phc phc;
    unsigned read_count = 0;
    for (size_t bytes = 0; bytes < sizeof good - 1; bytes++)
        read_count += phc_read((str){good, bytes}, &phc) == 0;
    // a tag of 16 to 31 bytes is one as well: these cuts fall between letters that leave no loose bits
    assert_in_range(read_count, 1, 21);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_libargon2_writes_is_read_and_written_alike),
        cmocka_unit_test(test_other_spellings_are_refused),
        cmocka_unit_test(test_numbers_out_of_bounds_are_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
