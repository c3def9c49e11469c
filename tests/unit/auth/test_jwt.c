// test_jwt.c — tokens: ours, others', and those that attacks are made of. libjwt is the other side where one is wanted.
#include "auth/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <jwt.h>

#include "arena_fixture.h"
#include "auth/base64.h"
#include "auth/hmac.h"
#include "base/clock.h"
#include "base/str.h"
#include "engine/core.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS "{\"sub\":\"ada\",\"exp\":1001}"

static const struct jwt_key key = {S(SECRET)};
static const int64_t now_s = 1000;

static str subject;

static enum jwt_verdict read_text(const char *token) {
    subject = (str){0};
    return jwt_read(&key, str_of(token), now_s, &arena, &subject);
}

static const char *base64_of(str data) {
    char *out = arena_alloc(&arena, base64_text_bytes(data.len) + 1);
    base64_write(out, data, base64_url);
    return out;
}

// A token as anybody who knows `secret` can make it, out of any bytes.
static const char *sign(str secret, const char *header, const char *claims) {
    str head = arena_format(&arena, "%s.%s", base64_of(str_of(header)), base64_of(str_of(claims)));
    unsigned char mac[HMAC_BYTES];
    assert_int_equal(hmac_sha256(secret, head, mac), 0);
    return arena_format(&arena, "%s.%s", head.ptr, base64_of((str){(char *)mac, sizeof mac})).ptr;
}

static enum jwt_verdict verdict_of_claims(const char *claims) {
    return read_text(sign(S(SECRET), HEADER, claims));
}

static enum jwt_verdict verdict_of_header(const char *header) {
    return read_text(sign(S(SECRET), header, CLAIMS));
}

static void test_a_token_that_was_made_is_read(void **state) {
    (void)state;
    str token = jwt_make(&key, S("3fa85f64-5717-4562-b3fc-2c963f66afa6"), now_s, 60, &arena);

    assert_int_equal(jwt_read(&key, token, now_s + 59, &arena, &subject), JWT_GOOD);

    assert_int_equal(subject.len, 36);
    assert_memory_equal(subject.ptr, "3fa85f64-5717-4562-b3fc-2c963f66afa6", 36);
}

static void test_a_subject_of_any_characters_survives(void **state) {
    (void)state;
    str odd = S("quo\"te \\ \n äöü \0 NUL");
    odd.len = strlen(odd.ptr);
    str token = jwt_make(&key, odd, now_s, 60, &arena);
    assert_int_equal(jwt_read(&key, token, now_s, &arena, &subject), JWT_GOOD);
    assert_int_equal(subject.len, odd.len);
    assert_memory_equal(subject.ptr, odd.ptr, odd.len);
}

static void test_a_subject_that_is_no_text_or_too_long_makes_no_token(void **state) {
    (void)state;
    char *long_subject = arena_alloc(&arena, 9000);
    memset(long_subject, 'a', 9000);
    assert_null(jwt_make(&key, S("\xff"), now_s, 60, &arena).ptr);
    assert_null(jwt_make(&key, (str){long_subject, 9000}, now_s, 60, &arena).ptr);
    assert_null(jwt_make(&key, (str){long_subject, 6090}, now_s, 60, &arena).ptr);
    assert_null(jwt_make(&key, S("a\0b"), now_s, 60, &arena).ptr);
    assert_null(jwt_make(&key, S("a"), INT64_MAX, 60, &arena).ptr);
}

static void test_libjwt_reads_ours_and_we_read_libjwts(void **state) {
    (void)state;
    jwt_t *theirs;
    str token = jwt_make(&key, S("ada"), now_s, 60, &arena);
    assert_int_equal(jwt_decode(&theirs, arena_format(&arena, "%.*s", (int)token.len, token.ptr).ptr, (const unsigned char *)SECRET, 32),
                     0);
    assert_int_equal(jwt_get_alg(theirs), JWT_ALG_HS256);
    assert_string_equal(jwt_get_grant(theirs, "sub"), "ada");
    assert_int_equal(jwt_get_grant_int(theirs, "iat"), now_s);
    assert_int_equal(jwt_get_grant_int(theirs, "exp"), now_s + 60);
    char *text_of_theirs = jwt_encode_str(theirs);

    assert_int_equal(read_text(text_of_theirs), JWT_GOOD);

    assert_int_equal(subject.len, 3);
    free(text_of_theirs);
    jwt_free(theirs);
}

static void test_a_token_expires_at_its_second(void **state) {
    (void)state;
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":1001}"), JWT_GOOD);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":1000}"), JWT_EXPIRED);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":999}"), JWT_EXPIRED);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":-9223372036854775808}"), JWT_EXPIRED);
    assert_null(subject.ptr);
}

static void test_exp_is_required_and_an_integer(void **state) {
    (void)state;
    static const char *const bad[] = {
        "{\"sub\":\"a\"}",
        "{\"sub\":\"a\",\"exp\":null}",
        "{\"sub\":\"a\",\"exp\":\"2000\"}",
        "{\"sub\":\"a\",\"exp\":2000.5}",
        "{\"sub\":\"a\",\"exp\":2000.0}",
        "{\"sub\":\"a\",\"exp\":2e3}",
        "{\"sub\":\"a\",\"exp\":true}",
        "{\"sub\":\"a\",\"exp\":[2000]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(verdict_of_claims(bad[i]), JWT_BAD_CLAIM);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":1e400}"), JWT_MALFORMED);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":9223372036854775808}"), JWT_MALFORMED);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":9223372036854775807}"), JWT_GOOD);
}

static void test_nbf_is_honoured(void **state) {
    (void)state;
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":2000,\"nbf\":1000}"), JWT_GOOD);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":2000,\"nbf\":1001}"), JWT_NOT_YET);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":2000,\"nbf\":\"0\"}"), JWT_BAD_CLAIM);
}

static void test_iat_is_not_far_ahead(void **state) {
    (void)state;
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":2000,\"iat\":1060}"), JWT_GOOD);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":2000,\"iat\":1061}"), JWT_NOT_YET);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":2000,\"iat\":-9223372036854775808}"), JWT_GOOD);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":2000,\"iat\":1.5}"), JWT_BAD_CLAIM);
}

static void test_sub_is_a_string(void **state) {
    (void)state;
    assert_int_equal(verdict_of_claims("{\"exp\":2000}"), JWT_BAD_CLAIM);
    assert_int_equal(verdict_of_claims("{\"exp\":2000,\"sub\":7}"), JWT_BAD_CLAIM);
    assert_int_equal(verdict_of_claims("{\"exp\":2000,\"sub\":null}"), JWT_BAD_CLAIM);
    assert_int_equal(verdict_of_claims("{\"exp\":2000,\"sub\":[\"a\"]}"), JWT_BAD_CLAIM);
}

static void test_a_token_for_another_audience_is_refused(void **state) {
    (void)state;
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":2000,\"aud\":\"another service\"}"), JWT_BAD_CLAIM);
    assert_int_equal(verdict_of_claims("{\"sub\":\"a\",\"exp\":2000,\"aud\":[]}"), JWT_BAD_CLAIM);
}

static void test_claims_that_are_no_single_object_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "\"sub\"",
        "{\"sub\":\"a\",\"exp\":2000",
        "{\"sub\":\"a\",\"exp\":2000}}",
        "{\"sub\":\"a\",\"exp\":2000} x",
        "{\"sub\":\"a\",\"sub\":\"b\",\"exp\":2000}",
        "{\"sub\":\"a\",\"exp\":1,\"exp\":2000}",
        "{\"sub\":\"\xff\",\"exp\":2000}",
        "{\"sub\":\"a\\u0000b\",\"exp\":2000}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(verdict_of_claims(bad[i]), JWT_MALFORMED);
}

static void test_deep_claims_are_refused_before_they_are_parsed(void **state) {
    (void)state;
    char claims[5000] = "{\"sub\":\"a\",\"exp\":2000,\"deep\":";
    size_t head = strlen(claims);
    memset(claims + head, '[', 2000);
    memset(claims + head + 2000, ']', 2000);
    claims[head + 4000] = '}';
    assert_int_equal(verdict_of_claims(claims), JWT_MALFORMED);
}

static void test_only_hs256_is_accepted_whatever_its_signature(void **state) {
    (void)state;
    static const char *const bad[] = {
        "{\"alg\":\"none\",\"typ\":\"JWT\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"nOnE\"}",
        "{\"alg\":\"hs256\"}",
        "{\"alg\":\"HS384\"}",
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"HS256 \"}",
        "{\"alg\":[\"HS256\"]}",
        "{\"alg\":null}",
        "{\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"alg\":\"none\"}",
        "[\"HS256\"]",
        "",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(verdict_of_header(bad[i]), JWT_MALFORMED);
}

static void test_no_signature_is_no_token(void **state) {
    (void)state;
    static const char *const headers[] = {"{\"alg\":\"none\",\"typ\":\"JWT\"}", "{\"alg\":\"None\"}", "{\"alg\":\"nOnE\"}", HEADER};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        const char *header = base64_of(str_of(headers[i])), *claims = base64_of(S(CLAIMS));
        assert_int_equal(read_text(arena_format(&arena, "%s.%s.", header, claims).ptr), JWT_BAD_SIGNATURE);
        assert_int_equal(read_text(arena_format(&arena, "%s.%s", header, claims).ptr), JWT_MALFORMED);
    }
}

static void test_typ_is_jwt_or_absent_and_crit_is_refused(void **state) {
    (void)state;
    assert_int_equal(verdict_of_header("{\"alg\":\"HS256\"}"), JWT_GOOD);
    assert_int_equal(verdict_of_header("{\"typ\":\"JWT\",\"alg\":\"HS256\"}"), JWT_GOOD);
    assert_int_equal(verdict_of_header("{\"typ\":\"jwt\",\"alg\":\"HS256\"}"), JWT_GOOD);
    assert_int_equal(verdict_of_header("{\"typ\":\"at+jwt\",\"alg\":\"HS256\"}"), JWT_MALFORMED);
    assert_int_equal(verdict_of_header("{\"typ\":1,\"alg\":\"HS256\"}"), JWT_MALFORMED);
    assert_int_equal(verdict_of_header("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}"), JWT_MALFORMED);
    assert_int_equal(verdict_of_header("{\"alg\":\"HS256\",\"crit\":[]}"), JWT_MALFORMED);
}

static void test_a_key_that_the_token_names_is_overlooked(void **state) {
    (void)state;
    static const char *const headers[] = {
        "{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}",
        "{\"alg\":\"HS256\",\"kid\":\"' OR 1=1 --\"}",
        "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}",
        "{\"alg\":\"HS256\",\"jku\":\"https://example.com/keys\",\"x5u\":\"https://example.com/chain\"}",
    };
    char empty[32] = "";
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        assert_int_equal(read_text(sign((str){empty, 0}, headers[i], CLAIMS)), JWT_BAD_SIGNATURE); // signed with the file's content
        assert_int_equal(read_text(sign((str){empty, 3}, headers[i], CLAIMS)), JWT_BAD_SIGNATURE); // with the header's key
        assert_int_equal(verdict_of_header(headers[i]), JWT_GOOD);                                 // with ours: it says nothing to us
    }
}

static void test_another_secret_is_a_bad_signature(void **state) {
    (void)state;
    assert_int_equal(read_text(sign(S("0123456789abcdef0123456789abcdeF"), HEADER, CLAIMS)), JWT_BAD_SIGNATURE);
    assert_int_equal(read_text(sign(S(SECRET "0"), HEADER, CLAIMS)), JWT_BAD_SIGNATURE);
}

static void test_a_key_that_is_empty_or_short_reads_nothing(void **state) {
    (void)state;
    static const char *const secrets[] = {"", "short", "0123456789abcdef0123456789abcde"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        struct jwt_key weak = {str_of(secrets[i])};
        const char *token = sign(weak.secret, HEADER, CLAIMS);
        assert_int_equal(jwt_read(&weak, str_of(token), now_s, &arena, &subject), JWT_BAD_SIGNATURE);
        assert_null(jwt_make(&weak, S("ada"), now_s, 60, &arena).ptr);
    }
}

static void test_every_flipped_bit_is_noticed(void **state) {
    (void)state;
    const char *good = sign(S(SECRET), HEADER, CLAIMS);
    size_t bytes = strlen(good);
    for (size_t i = 0; i < bytes; i++)
        for (int bit = 0; bit < 8; bit++) {
            char copy[300];
            memcpy(copy, good, bytes + 1);
            copy[i] = (char)(copy[i] ^ 1 << bit);
            assert_int_not_equal(jwt_read(&key, (str){copy, bytes}, now_s, &arena, &subject), JWT_GOOD);
        }
}

static void test_every_truncation_is_noticed(void **state) {
    (void)state;
    const char *good = sign(S(SECRET), HEADER, CLAIMS);
    size_t bytes = strlen(good);
    for (size_t i = 0; i < bytes; i++) {
        char *cut = malloc(i + 1); // the sanitizer watches its end
        memcpy(cut, good, i);
        assert_int_not_equal(jwt_read(&key, (str){cut, i}, now_s, &arena, &subject), JWT_GOOD);
        free(cut);
    }
    assert_int_equal(jwt_read(&key, (str){0}, now_s, &arena, &subject), JWT_MALFORMED);
}

static void test_dots_too_many_and_loose_bits_are_refused(void **state) {
    (void)state;
    const char *good = sign(S(SECRET), HEADER, CLAIMS);
    assert_int_equal(read_text(good), JWT_GOOD);
    assert_int_equal(read_text(arena_format(&arena, "%s.", good).ptr), JWT_MALFORMED);
    assert_int_equal(read_text(arena_format(&arena, "%s..", good).ptr), JWT_MALFORMED);
    assert_int_equal(read_text(arena_format(&arena, ".%s", good).ptr), JWT_MALFORMED);
    assert_int_equal(read_text(".."), JWT_BAD_SIGNATURE);
    assert_int_equal(read_text(arena_format(&arena, "%s=", good).ptr), JWT_BAD_SIGNATURE);
    assert_int_equal(read_text(arena_format(&arena, " %s", good).ptr), JWT_BAD_SIGNATURE);
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *other = (char *)arena_format(&arena, "%s", good).ptr;
    size_t last = strlen(other) - 1;
    unsigned value = (unsigned)(strchr(letters, other[last]) - letters);
    for (unsigned loose = 1; loose < 4; loose++) {
        other[last] = letters[value | loose]; // the same 32 bytes to a careless reader
        assert_int_equal(read_text(other), JWT_BAD_SIGNATURE);
    }
}

static void test_a_token_of_ten_mebibytes_is_refused_at_once(void **state) {
    (void)state;
    size_t bytes = 10 << 20, before = arena.bytes;
    char *token = malloc(bytes);
    memset(token, 'a', bytes);
    token[100] = token[200] = '.';
    int64_t begun_ns = clock_monotonic_ns();
    assert_int_equal(jwt_read(&key, (str){token, bytes}, now_s, &arena, &subject), JWT_MALFORMED);
    assert_true(clock_monotonic_ns() - begun_ns < 10000000);
    assert_int_equal(arena.bytes, before);
    assert_int_equal(jwt_read(&key, (str){token, JWT_BYTES_MAX + 1}, now_s, &arena, &subject), JWT_MALFORMED);
    assert_int_equal(jwt_read(&key, (str){token, JWT_BYTES_MAX}, now_s, &arena, &subject), JWT_BAD_SIGNATURE);
    free(token);
}

static void test_keys_that_are_no_secrets_are_told(void **state) {
    (void)state;
    assert_null(jwt_key_problem(S(SECRET)));
    assert_non_null(strstr(jwt_key_problem(S("")), "at least 32"));
    assert_non_null(strstr(jwt_key_problem(S("0123456789abcdef0123456789abcde")), "at least 32"));
    assert_non_null(strstr(jwt_key_problem(S("-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0")), "PEM"));
    assert_non_null(strstr(jwt_key_problem(S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")), "one character"));
}

static void test_without_memory_there_is_no_token_and_no_subject(void **state) {
    (void)state;
    struct arena none;
    arena_init(&none, &pool, 0);
    assert_null(jwt_make(&key, S("ada"), now_s, 60, &none).ptr);
    const char *good = sign(S(SECRET), HEADER, CLAIMS);
    assert_int_equal(jwt_read(&key, str_of(good), now_s, &none, &subject), JWT_MALFORMED);
}

static enum jwt_verdict verdict_in_coroutine;

static void read_in_coroutine(void *token) {
    verdict_in_coroutine = read_text(token);
}

// The stack that handlers have: the library's first use looks its digest up there.
static void test_the_stack_of_a_coroutine_suffices(void **state) {
    (void)state;
    struct coro_pool *coros;
    struct coro_options options = core_options_default.coro;
    options.count_max = 2;
    assert_int_equal(coro_pool_create(&options, &coros), 0);
    // the signature of CLAIMS and HEADER, made elsewhere: nothing has used OpenSSL in this process yet
    char token[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJleHAiOjEwMDF9.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_int_equal(coro_start(coros, read_in_coroutine, token), 0);
    assert_int_equal(verdict_in_coroutine, JWT_BAD_SIGNATURE);
    assert_int_equal(coro_start(coros, read_in_coroutine, (char *)sign(S(SECRET), "{\"alg\":\"HS256\"}", CLAIMS)), 0);
    assert_int_equal(verdict_in_coroutine, JWT_GOOD);
    coro_pool_destroy(coros);
}

// A figure for the log, and a bound that only a mistake would break.
static void test_a_check_takes_microseconds(void **state) {
    (void)state;
    enum { COUNT = 20000 };
    str token = jwt_make(&key, S("3fa85f64-5717-4562-b3fc-2c963f66afa6"), now_s, 60, &arena);
    int64_t begun_ns = clock_monotonic_ns();
    for (int i = 0; i < COUNT; i++) {
        struct arena request;
        arena_init(&request, &pool, ARENA_BLOCK_BYTES);
        assert_int_equal(jwt_read(&key, token, now_s, &request, &subject), JWT_GOOD);
        arena_reset(&request);
    }
    double us = (double)(clock_monotonic_ns() - begun_ns) / COUNT / 1000;
    print_message("# jwt_read: %.2f us\n", us);
    assert_true(us < 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_stack_of_a_coroutine_suffices), // first, see there
        cmocka_unit_test(test_a_token_that_was_made_is_read),
        cmocka_unit_test(test_a_subject_of_any_characters_survives),
        cmocka_unit_test(test_a_subject_that_is_no_text_or_too_long_makes_no_token),
        cmocka_unit_test(test_libjwt_reads_ours_and_we_read_libjwts),
        cmocka_unit_test(test_a_token_expires_at_its_second),
        cmocka_unit_test(test_exp_is_required_and_an_integer),
        cmocka_unit_test(test_nbf_is_honoured),
        cmocka_unit_test(test_iat_is_not_far_ahead),
        cmocka_unit_test(test_sub_is_a_string),
        cmocka_unit_test(test_a_token_for_another_audience_is_refused),
        cmocka_unit_test(test_claims_that_are_no_single_object_are_refused),
        cmocka_unit_test(test_deep_claims_are_refused_before_they_are_parsed),
        cmocka_unit_test(test_only_hs256_is_accepted_whatever_its_signature),
        cmocka_unit_test(test_no_signature_is_no_token),
        cmocka_unit_test(test_typ_is_jwt_or_absent_and_crit_is_refused),
        cmocka_unit_test(test_a_key_that_the_token_names_is_overlooked),
        cmocka_unit_test(test_another_secret_is_a_bad_signature),
        cmocka_unit_test(test_a_key_that_is_empty_or_short_reads_nothing),
        cmocka_unit_test(test_every_flipped_bit_is_noticed),
        cmocka_unit_test(test_every_truncation_is_noticed),
        cmocka_unit_test(test_dots_too_many_and_loose_bits_are_refused),
        cmocka_unit_test(test_a_token_of_ten_mebibytes_is_refused_at_once),
        cmocka_unit_test(test_keys_that_are_no_secrets_are_told),
        cmocka_unit_test(test_without_memory_there_is_no_token_and_no_subject),
        cmocka_unit_test(test_a_check_takes_microseconds),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
