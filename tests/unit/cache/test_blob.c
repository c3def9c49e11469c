// test_blob.c — an entry as bytes: read back as it was, and never read where a byte is not as it should be.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cache/blob.h"

static const struct moment then = {.now_ms = 5000, .wall_us = 1700000000000000};

static struct buffer written(void) {
    static const uint64_t tags[] = {1, UINT64_MAX};
    struct entry_parts parts = {
        .key = S("key"),
        .status = 200,
        .fields = S("ETag: \"e\"\r\nContent-Type: text/plain\r\n"),
        .short_fields_bytes = 11,
        .etag = S("\"e\""),
        .body = S("body"),
        .tags = tags,
        .tag_count = 2,
        .made_ms = 4000,
        .stale_ms = 64000,
        .dead_ms = 70000,
        .stamp = 12345678901234,
    };
    struct cache_entry *entry = entry_create(&parts);
    struct buffer buffer = {0};
    assert_int_equal(blob_write(&buffer, entry, then), 0);
    entry_release(entry);
    return buffer;
}

static str bytes_of(const struct buffer *buffer) {
    return (str){buffer_head(buffer), buffer_bytes(buffer)};
}

static void test_an_entry_is_read_as_it_was_written(void **state) {
    (void)state;
    struct buffer buffer = written();
    // another machine, whose own clock says something else, ten seconds later
    struct cache_entry *entry = blob_read(bytes_of(&buffer), S("key"), (struct moment){900000, then.wall_us + 10000000});
    assert_non_null(entry);
    assert_int_equal(entry->status, 200);
    assert_true(str_eq(entry_body(entry), S("body")));
    assert_true(str_eq(entry_etag(entry), S("\"e\"")));
    assert_true(str_eq(entry_fields(entry), S("ETag: \"e\"\r\nContent-Type: text/plain\r\n")));
    assert_int_equal(entry->short_fields_bytes, 11);
    assert_int_equal(entry->tag_count, 2);
    assert_true(entry_tag_numbers(entry)[1] == UINT64_MAX);
    assert_true(entry->stamp == 12345678901234);
    assert_int_equal(entry->made_ms, 900000 - 11000);
    assert_int_equal(entry->stale_ms, entry->made_ms + 60000);
    assert_int_equal(entry->dead_ms, entry->made_ms + 66000);
    entry_release(entry);
    buffer_finish(&buffer);
}

static void test_an_entry_of_another_key_is_none(void **state) {
    (void)state;
    struct buffer buffer = written();
    assert_null(blob_read(bytes_of(&buffer), S("kez"), then));
    buffer_finish(&buffer);
}

static void test_an_entry_that_is_dead_is_none(void **state) {
    (void)state;
    struct buffer buffer = written();
    assert_null(blob_read(bytes_of(&buffer), S("key"), (struct moment){5000, then.wall_us + 65000000}));
    struct cache_entry *entry = blob_read(bytes_of(&buffer), S("key"), (struct moment){5000, then.wall_us + 64000000});
    assert_non_null(entry);
    entry_release(entry);
    buffer_finish(&buffer);
}

static void test_what_another_clock_made_in_the_future_was_made_now(void **state) {
    (void)state;
    struct buffer buffer = written();
    struct cache_entry *entry = blob_read(bytes_of(&buffer), S("key"), (struct moment){5000, then.wall_us - 90000000});
    assert_int_equal(entry->made_ms, 5000);
    entry_release(entry);
    buffer_finish(&buffer);
}

// Each copy ends where its memory does, so that a sanitizer sees a byte too many.
static struct cache_entry *read_copy(const char *bytes, size_t count) {
    char *copy = malloc(count ? count : 1);
    memcpy(copy, bytes, count);
    struct cache_entry *entry = blob_read((str){copy, count}, S("key"), then);
    free(copy);
    return entry;
}

static void test_no_part_of_an_entry_is_one(void **state) {
    (void)state;
    struct buffer buffer = written();
    for (size_t count = 0; count < buffer_bytes(&buffer); count++)
        assert_null(read_copy(buffer_head(&buffer), count));
    buffer_finish(&buffer);
}

static void test_a_byte_that_was_changed_harms_nobody(void **state) {
    (void)state;
    struct buffer buffer = written();
    for (size_t at = 0; at < buffer_bytes(&buffer); at++)
        for (unsigned value = 0; value < 256; value += 51) {
            buffer.data[buffer.start + at] ^= (char)value;
            entry_release(read_copy(buffer_head(&buffer), buffer_bytes(&buffer)));
            buffer.data[buffer.start + at] ^= (char)value;
        }
    buffer_finish(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_entry_is_read_as_it_was_written),
        cmocka_unit_test(test_an_entry_of_another_key_is_none),
        cmocka_unit_test(test_an_entry_that_is_dead_is_none),
        cmocka_unit_test(test_what_another_clock_made_in_the_future_was_made_now),
        cmocka_unit_test(test_no_part_of_an_entry_is_one),
        cmocka_unit_test(test_a_byte_that_was_changed_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
