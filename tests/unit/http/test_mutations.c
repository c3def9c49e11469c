// test_mutations.c — requests that were damaged at random: nothing crashes, every answer is well-formed, and cuts change nothing.
//
// The generator has a fixed seed, so that a failure comes back; LEAT_SEED and LEAT_ROUNDS choose others.
#include "base/str.h"
#include "service.h"

#include "cases.h"
#include "guarded.h"
#include "http/body.h"
#include "http/parser.h"

enum { BYTES_MAX = 2048, PARSER_ROUNDS = 100000, BODY_ROUNDS = 50000, SESSION_ROUNDS = 3000 };

static uint64_t seed = 0x1eaf;
static unsigned rounds_percent = 100;

/** xorshift64*: good enough to damage things. */
static uint32_t dice(uint32_t below) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545f4914f6cdd1d) >> 33) % below;
}

#define HOST "Host: a\r\n"
static const char *const conversations[] = {
    "GET / HTTP/1.1\r\n" HOST "\r\nGET /soon HTTP/1.1\r\n" HOST "Connection: keep-alive\r\n\r\nGET /target?a=b HTTP/1.1\r\n" HOST "\r\n",
    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n" HOST "\r\n",
    "POST /soon HTTP/1.1\r\n" HOST
    "Transfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
    "POST /refuse HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n" HOST "\r\n",
    "POST /refuse HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
    "POST /small HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n0123456789GET /nothing HTTP/1.1\r\n" HOST "\r\n",
    "GET http://b:80/target HTTP/1.1\r\n" HOST "\r\nGET /bytes?5000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\n" HOST
    "Connection: close\r\n\r\n",
};
enum { CONVERSATIONS = sizeof conversations / sizeof *conversations };

static size_t insert(char *text, size_t bytes, size_t at, const char *from, size_t count) {
    count = count < BYTES_MAX - bytes ? count : BYTES_MAX - bytes;
    memmove(text + at + count, text + at, bytes - at);
    memcpy(text + at, from, count);
    return bytes + count;
}

static size_t damage_once(char *text, size_t bytes) {
    static const char *const pieces[] = {"\r\n",
                                         "\r",
                                         "\n",
                                         " ",
                                         "\t",
                                         ":",
                                         "\r\n\r\n",
                                         "HTTP/1.1",
                                         "Host: b\r\n",
                                         "Content-Length: 3\r\n",
                                         "Transfer-Encoding: chunked\r\n",
                                         "Connection: close\r\n",
                                         "0\r\n\r\n",
                                         "GET / ",
                                         ",",
                                         ";",
                                         "\"",
                                         "#",
                                         "%00"};
    size_t at = dice((uint32_t)bytes + 1), count = dice(12);
    switch (dice(6)) {
    case 0: // another byte
        if (at < bytes)
            text[at] = (char)dice(256);
        return bytes;
    case 1: { // one more
        char byte = (char)dice(256);
        return insert(text, bytes, at, &byte, 1);
    }
    case 2: // some fewer
        count = count < bytes - at ? count : bytes - at;
        memmove(text + at, text + at + count, bytes - at - count);
        return bytes - count;
    case 3: { // some twice
        char copy[12];
        count = count < bytes - at ? count : bytes - at;
        memcpy(copy, text + at, count);
        return insert(text, bytes, dice((uint32_t)bytes + 1), copy, count);
    }
    case 4: { // something that means something
        const char *piece = pieces[dice(sizeof pieces / sizeof *pieces)];
        return insert(text, bytes, at, piece, strlen(piece));
    }
    default: // an end
        return dice(8) ? bytes : at;
    }
}

static size_t damaged(char *out, str text) {
    size_t bytes = text.len;
    memcpy(out, text.ptr, bytes);
    for (uint32_t times = dice(4); times; times--)
        bytes = damage_once(out, bytes);
    return bytes;
}

static void expect_inside(const struct http_head *head, struct http_span span) {
    assert_true(span.offset + span.bytes <= head->bytes);
}

static void test_damaged_heads_are_judged_alike_however_they_are_cut(void **state) {
    (void)state;
    struct guarded page = guarded_create(BYTES_MAX);
    char text[BYTES_MAX];
    struct http_head whole, part;
    for (unsigned round = 0; round < PARSER_ROUNDS / 100 * rounds_percent; round++) {
        size_t bytes = damaged(text, head_cases[dice(HEAD_CASES)].head), cut = dice((uint32_t)bytes + 1);
        struct http_refusal refusal = {0}, part_refusal = {0};
        int64_t r = http_head_parse(guarded_copy(&page, text, bytes), bytes, &http_limits_default, &whole, &refusal);
        if (r > 0) {
            expect_inside(&whole, whole.path);
            expect_inside(&whole, whole.query);
            expect_inside(&whole, whole.host);
            for (unsigned i = 0; i < whole.field_count; i++) {
                expect_inside(&whole, whole.fields[i].name);
                expect_inside(&whole, whole.fields[i].value);
            }
            whole.base = text; // the guarded copy is overwritten
            assert_null(memchr(http_text(&whole, whole.target).ptr, ' ', whole.target.bytes));
        }
        int64_t p = http_head_parse(guarded_copy(&page, text, cut), cut, &http_limits_default, &part, &part_refusal);
        bool is_fine = p == -EAGAIN ? r != (int64_t)cut : p == r && part_refusal.status == refusal.status;
        if (!is_fine)
            fail_msg("%zu of %.*s: %ld %u instead of %ld %u", cut, (int)bytes, text, (long)p, part_refusal.status, (long)r, refusal.status);
    }
    guarded_destroy(&page);
}

struct outcome_of_body {
    int result;
    unsigned status;
    size_t used, content_bytes;
    char content[BYTES_MAX];
};

static void read_body(struct guarded *page, const char *text, size_t bytes, uint32_t piece_max, struct outcome_of_body *ret) {
    struct http_head head = {.has_body = true, .is_chunked = true};
    struct http_body body;
    struct http_refusal refusal = {0};
    *ret = (struct outcome_of_body){.result = -EAGAIN};
    assert_int_equal(http_body_begin(&body, &head, 64, &http_limits_default, &refusal), 0);
    while (ret->used < bytes && ret->result == -EAGAIN) {
        size_t left = bytes - ret->used, count = piece_max ? 1 + dice(piece_max) : left;
        count = count < left ? count : left;
        str rest = {guarded_copy(page, text + ret->used, count), count}, piece;
        while ((ret->result = http_body_next(&body, &rest, &piece, &refusal)) > 0) {
            memcpy(ret->content + ret->content_bytes, piece.ptr, piece.len);
            ret->content_bytes += piece.len;
        }
        ret->used += count - rest.len;
    }
    ret->status = refusal.status;
}

static void test_damaged_chunks_are_read_alike_however_they_are_cut(void **state) {
    static const char sample[] = "3;x=\"y\\\"\";z\r\nabc\r\n2 ; a = b\r\nde\r\n0\r\nT: v\r\n\r\nrest";
    (void)state;
    struct guarded page = guarded_create(BYTES_MAX);
    static struct outcome_of_body whole, cut;
    char text[BYTES_MAX];
    for (unsigned round = 0; round < BODY_ROUNDS / 100 * rounds_percent; round++) {
        size_t bytes = damaged(text, (str){sample, sizeof sample - 1});
        read_body(&page, text, bytes, 0, &whole);
        read_body(&page, text, bytes, 5, &cut);
        if (whole.result != cut.result || whole.status != cut.status || whole.used != cut.used ||
            whole.content_bytes != cut.content_bytes || memcmp(whole.content, cut.content, whole.content_bytes) != 0)
            fail_msg("%.*s", (int)bytes, text);
        assert_true(whole.content_bytes <= 64);
    }
    guarded_destroy(&page);
}

static void test_damaged_conversations_are_answered_well_formed(void **state) {
    (void)state;
    struct service service;
    unsigned statuses[600] = {0};
    char text[BYTES_MAX];
    service_open(&service, &http_limits_default, 0);
    for (unsigned round = 0; round < SESSION_ROUNDS / 100 * rounds_percent; round++) {
        const char *sample = conversations[dice(CONVERSATIONS)];
        size_t bytes = damaged(text, str_of(sample)), first = dice((uint32_t)bytes + 1),
               second = first + dice((uint32_t)(bytes - first) + 1);
        str pieces[] = {{text, first}, {text + first, second - first}, {text + second, bytes - second}};
        struct received received = client_exchange_pieces(&service, pieces, 3);
        const char *rest = received.text, *end = received.text + received.bytes;
        struct seen seen = {0};
        while (seen_take(&rest, end, false, &seen)) {
            statuses[seen.status]++;
            if (seen.closes)
                assert_ptr_equal(rest, end);
        }
        free(received.text);
    }
    for (unsigned status = 100; status < 600; status++) {
        if (statuses[status])
            print_message("# %u: %u\n", status, statuses[status]);
    }
    assert_true(statuses[200] > 0 && statuses[400] > 0 && statuses[401] > 0 && statuses[501] > 0 && statuses[505] > 0);
    service_until(&service, listener_conn_count(service.listener) == 0);
    service_close(&service);
}

static int choose_seed(void **state) {
    (void)state;
    if (getenv("LEAT_SEED"))
        seed = strtoull(getenv("LEAT_SEED"), NULL, 0) | 1;
    if (getenv("LEAT_ROUNDS"))
        rounds_percent = (unsigned)strtoul(getenv("LEAT_ROUNDS"), NULL, 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_heads_are_judged_alike_however_they_are_cut),
        cmocka_unit_test(test_damaged_chunks_are_read_alike_however_they_are_cut),
        cmocka_unit_test(test_damaged_conversations_are_answered_well_formed),
    };
    return cmocka_run_group_tests(tests, choose_seed, NULL);
}
