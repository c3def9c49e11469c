// test_entry.c — an answer that is kept: its parts, its bytes, and who frees it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "cache/entry.h"

static size_t asked_bytes;
static bool has_no_memory;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes) {
    asked_bytes = bytes;
    return has_no_memory ? NULL : __real_malloc(bytes);
}

static const uint64_t tags[ENTRY_TAGS_MAX] = {1, UINT64_MAX, 0, 7};

static void test_an_entry_is_a_copy_of_its_parts(void **state) {
    (void)state;
    char key[] = "key\0with\xff\r\n", fields[] = "A: 1\r\n", etag[] = "\"e\"", body[] = "b\0dy";
    uint64_t own[] = {5, 6};
    struct cache_entry *entry = entry_create(&(struct entry_parts){.key = {key, sizeof key - 1},
                                                                   .status = 203,
                                                                   .is_compressible = true,
                                                                   .fields = str_of(fields),
                                                                   .short_fields_bytes = 2,
                                                                   .etag = str_of(etag),
                                                                   .body = {body, sizeof body - 1},
                                                                   .tags = own,
                                                                   .tag_count = 2,
                                                                   .made_ms = 1,
                                                                   .stale_ms = 2,
                                                                   .dead_ms = 3,
                                                                   .stamp = 4});
    memset(key, 'x', sizeof key - 1);
    memset(body, 'x', sizeof body - 1);
    memset(own, 0, sizeof own);
    assert_true(str_eq(entry_key(entry), (str){"key\0with\xff\r\n", 11}));
    assert_true(str_eq(entry_fields(entry), S("A: 1\r\n")));
    assert_true(str_eq(entry_etag(entry), S("\"e\"")));
    assert_true(str_eq(entry_body(entry), (str){"b\0dy", 4}));
    assert_true(entry_tag_numbers(entry)[0] == 5 && entry_tag_numbers(entry)[1] == 6);
    assert_int_equal(entry->status, 203);
    assert_true(entry->is_compressible);
    assert_int_equal(entry->short_fields_bytes, 2);
    assert_true(entry->made_ms == 1 && entry->stale_ms == 2 && entry->dead_ms == 3 && entry->stamp == 4);
    assert_false(entry->is_stored || entry->is_visited);
    entry_release(entry);
}

static void test_parts_may_be_empty(void **state) {
    (void)state;
    struct cache_entry *entry = entry_create(&(struct entry_parts){.status = 200});
    assert_int_equal(entry_key(entry).len + entry_fields(entry).len + entry_etag(entry).len + entry_body(entry).len, 0);
    entry_release(entry);
}

static void test_an_entry_counts_no_less_than_it_takes(void **state) {
    (void)state;
    for (unsigned tag_count = 0; tag_count <= ENTRY_TAGS_MAX; tag_count++) {
        struct entry_parts parts = {.key = S("k"), .body = S("some body"), .tags = tags, .tag_count = tag_count};
        struct cache_entry *entry = entry_create(&parts);
        assert_true(entry_bytes(entry) >= asked_bytes);
        assert_true(entry_bytes(entry) <= asked_bytes + 64);
        entry_release(entry);
    }
}

static void test_the_last_holder_frees_it(void **state) {
    (void)state;
    struct cache_entry *entry = entry_create(&(struct entry_parts){.key = S("k"), .body = S("held")});
    assert_ptr_equal(entry_hold(entry), entry);
    entry_hold(entry);
    entry_release(entry);
    entry_release(entry);
    assert_true(str_eq(entry_body(entry), S("held")));
    entry_release(entry);
    entry_release(NULL);
}

static void test_without_memory_there_is_none(void **state) {
    (void)state;
    has_no_memory = true;
    struct cache_entry *entry = entry_create(&(struct entry_parts){.key = S("k")});
    has_no_memory = false;
    assert_null(entry);
}

static void test_what_is_longer_than_its_lengths_can_tell_is_none(void **state) {
    (void)state;
    str endless = {"x", (size_t)UINT32_MAX + 1};
    assert_null(entry_create(&(struct entry_parts){.key = endless}));
    assert_null(entry_create(&(struct entry_parts){.fields = endless}));
    assert_null(entry_create(&(struct entry_parts){.etag = endless}));
    assert_null(entry_create(&(struct entry_parts){.body = endless}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_entry_is_a_copy_of_its_parts),
        cmocka_unit_test(test_parts_may_be_empty),
        cmocka_unit_test(test_an_entry_counts_no_less_than_it_takes),
        cmocka_unit_test(test_the_last_holder_frees_it),
        cmocka_unit_test(test_without_memory_there_is_none),
        cmocka_unit_test(test_what_is_longer_than_its_lengths_can_tell_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
