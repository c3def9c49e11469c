// test_coding.c — which coding a client takes best, and that what is coded comes back as it was.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include <brotli/decode.h>
#include <zlib.h>

#include "http/coding.h"
#include "http/parser.h"

static struct http_head head;
static char text[1024];

static void parse(const char *lines) {
    struct http_refusal refusal;
    int bytes = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    assert_int_equal(http_head_parse(text, (size_t)bytes, &http_limits_default, &head, &refusal), bytes);
}

static void expect(const char *lines, enum coding coding) {
    parse(lines);
    if (coding_choose(&coding_options_default, &head) != coding)
        fail_msg("%s", lines);
}

static void test_the_best_quality_wins_and_ours_among_equals(void **state) {
    (void)state;
    expect("", CODING_IDENTITY);
    expect("Accept-Encoding: gzip, deflate, br\r\n", CODING_BR);
    expect("Accept-Encoding: gzip, deflate\r\n", CODING_GZIP);
    expect("accept-encoding: X-GZIP\r\n", CODING_GZIP);
    expect("Accept-Encoding: br;q=0.5, gzip;q=0.8\r\n", CODING_GZIP);
    expect("Accept-Encoding: br ; q=0.001\r\n", CODING_BR);
    expect("Accept-Encoding: *\r\n", CODING_BR);
    expect("Accept-Encoding: *;q=0.5, gzip\r\n", CODING_GZIP);
    expect("Accept-Encoding: deflate\r\nAccept-Encoding: gzip\r\n", CODING_GZIP);
}

static void test_what_is_not_accepted_is_not_sent(void **state) {
    (void)state;
    expect("Accept-Encoding: \r\n", CODING_IDENTITY);
    expect("Accept-Encoding: br;q=0, gzip;q=0.0\r\n", CODING_IDENTITY);
    expect("Accept-Encoding: *;q=0\r\n", CODING_IDENTITY);
    expect("Accept-Encoding: br;q=0, *\r\n", CODING_GZIP);
    expect("Accept-Encoding: gzip;q=1.5\r\n", CODING_IDENTITY);
    expect("Accept-Encoding: gzip;q=x, br;q=\r\n", CODING_IDENTITY);
    expect("Accept-Encoding: gzip;q=0.5, identity;q=0.9\r\n", CODING_IDENTITY);
    expect("Accept-Encoding: gzipp, zstd, ,,;\r\n", CODING_IDENTITY);
}

static void test_what_is_not_offered_is_not_sent(void **state) {
    (void)state;
    parse("Accept-Encoding: br, gzip;q=0.1\r\n");
    struct coding_options gzip_only = coding_options_default, none = coding_options_default;
    gzip_only.order[0] = CODING_GZIP;
    gzip_only.order[1] = none.order[0] = CODING_IDENTITY;
    assert_int_equal(coding_choose(&gzip_only, &head), CODING_GZIP);
    assert_int_equal(coding_choose(&none, &head), CODING_IDENTITY);
}

static size_t decoded(enum coding coding, str coded, char *out, size_t room) {
    size_t bytes = room;
    if (coding == CODING_BR) {
        assert_int_equal(BrotliDecoderDecompress(coded.len, (const uint8_t *)coded.ptr, &bytes, (uint8_t *)out),
                         BROTLI_DECODER_RESULT_SUCCESS);
        return bytes;
    }
    z_stream stream = {.next_in = (Bytef *)coded.ptr, .avail_in = (uInt)coded.len, .next_out = (Bytef *)out, .avail_out = (uInt)room};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    inflateEnd(&stream);
    return room - stream.avail_out;
}

static void test_a_body_comes_back_as_it_was(void **state) {
    (void)state;
    struct coder coder = {0};
    static const size_t sizes[] = {1025, 64 << 10, (64 << 10) + 1, 1 << 20, 2000};
    char *body = malloc(1 << 20), *back = malloc(1 << 20);
    for (size_t i = 0; i < 1 << 20; i++)
        body[i] = "{\"id\": 1, \"title\": \"words\"}"[i * 7919 / 100 % 27];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (enum coding coding = CODING_GZIP; coding < CODINGS; coding++) {
            str coded;
            assert_int_equal(coder_run(&coder, coding, (str){body, sizes[i]}, &coded), 0);
            assert_true(coded.len < sizes[i]);
            assert_int_equal(decoded(coding, coded, back, 1 << 20), sizes[i]);
            assert_memory_equal(back, body, sizes[i]);
        }
    coder_finish(&coder);
    free(body);
    free(back);
}

static void test_what_would_not_be_shorter_is_left_as_it_is(void **state) {
    (void)state;
    struct coder coder = {0};
    char noise[2000];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
    str coded;
    assert_int_equal(coder_run(&coder, CODING_GZIP, (str){noise, sizeof noise}, &coded), -EFBIG);
    assert_int_equal(coder_run(&coder, CODING_BR, (str){noise, sizeof noise}, &coded), -EFBIG);
    assert_int_equal(coder_run(&coder, CODING_BR, (str){0}, &coded), -EFBIG);
    coder_finish(&coder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_best_quality_wins_and_ours_among_equals),
        cmocka_unit_test(test_what_is_not_accepted_is_not_sent),
        cmocka_unit_test(test_what_is_not_offered_is_not_sent),
        cmocka_unit_test(test_a_body_comes_back_as_it_was),
        cmocka_unit_test(test_what_would_not_be_shorter_is_left_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
