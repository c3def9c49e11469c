// test_tags.c — which tags entries bear, and when each was last forgotten.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>

#include "base/str.h"
#include "cache/tags.h"

enum { MANY = 5000 };

static unsigned allocations_left = UINT32_MAX;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes) {
    return allocations_left-- ? __real_malloc(bytes) : (allocations_left = 0, NULL);
}
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes) {
    return allocations_left-- ? __real_calloc(count, bytes) : (allocations_left = 0, NULL);
}

static struct tag_index tags;

static int set_up(void **state) {
    (void)state;
    allocations_left = UINT32_MAX;
    return tags_init(&tags);
}

static int tear_down(void **state) {
    (void)state;
    tags_finish(&tags);
    return 0;
}

static struct cache_entry *make(unsigned count, const uint64_t *numbers) {
    struct cache_entry *entry = entry_create(&(struct entry_parts){.key = S("k"), .tags = numbers, .tag_count = count});
    assert_non_null(entry);
    return entry;
}

static struct cache_entry *bear(unsigned count, const uint64_t *numbers) {
    struct cache_entry *entry = make(count, numbers);
    assert_int_equal(tags_bear(&tags, entry), 0);
    return entry;
}

static void drop(struct cache_entry *entry) {
    tags_drop(&tags, entry);
    entry_release(entry);
}

static void test_an_entry_is_forgotten_with_any_of_its_tags(void **state) {
    (void)state;
    for (uint64_t forgotten = 1; forgotten <= 3; forgotten++) {
        struct cache_entry *entry = bear(3, (const uint64_t[]){1, 2, 3});
        tags_forget(&tags, 9);
        assert_false(tags_are_forgotten(&tags, entry));
        tags_forget(&tags, forgotten);
        assert_true(tags_are_forgotten(&tags, entry));
        drop(entry);
    }
}

static void test_a_tag_that_was_forgotten_before_is_borne_anew(void **state) {
    (void)state;
    struct cache_entry *before = bear(1, (const uint64_t[]){1});
    tags_forget(&tags, 1);
    struct cache_entry *after = bear(1, (const uint64_t[]){1});
    assert_true(tags_are_forgotten(&tags, before));
    assert_false(tags_are_forgotten(&tags, after));
    drop(before);
    drop(after);
}

static void test_a_tag_goes_with_the_last_entry_that_bears_it(void **state) {
    (void)state;
    size_t bytes = tags_bytes(&tags);
    struct cache_entry *one = bear(1, (const uint64_t[]){1}), *other = bear(2, (const uint64_t[]){1, 2});
    assert_int_equal(tags.tag_count, 2);
    drop(one);
    assert_int_equal(tags.tag_count, 2);
    drop(other);
    assert_int_equal(tags.tag_count, 0);
    assert_int_equal(tags_bytes(&tags), bytes);
}

static void test_a_tag_may_be_borne_twice_by_one_entry(void **state) {
    (void)state;
    struct cache_entry *entry = bear(3, (const uint64_t[]){1, 1, 1});
    assert_int_equal(tags.tag_count, 1);
    tags_forget(&tags, 1);
    assert_true(tags_are_forgotten(&tags, entry));
    drop(entry);
    assert_int_equal(tags.tag_count, 0);
}

static void test_many_tags_are_found_and_counted_by_their_bytes(void **state) {
    (void)state;
    struct cache_entry *entries[MANY];
    size_t before = tags_bytes(&tags);
    for (uint64_t i = 0; i < MANY; i++)
        entries[i] = bear(1, (const uint64_t[]){i + 1});
    assert_true(tags.bucket_count >= MANY / 2);
    assert_true(tags_bytes(&tags) >= before + MANY * sizeof(struct cache_tag));
    tags_forget(&tags, 2500);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(tags_are_forgotten(&tags, entries[i]), i + 1 == 2500);
        drop(entries[i]);
    }
}

static void test_everything_is_forgotten_tagged_or_not(void **state) {
    (void)state;
    struct cache_entry *tagged = bear(1, (const uint64_t[]){1}), *plain = bear(0, NULL);
    tags_forget(&tags, TAG_EVERYTHING);
    assert_true(tags_are_forgotten(&tags, tagged) && tags_are_forgotten(&tags, plain));
    drop(tagged);
    drop(plain);
}

static void test_in_doubt_what_bears_a_tag_is_forgotten_alone(void **state) {
    (void)state;
    struct cache_entry *tagged = bear(1, (const uint64_t[]){1}), *plain = bear(0, NULL);
    tags_forget_all(&tags);
    assert_true(tags_are_forgotten(&tags, tagged));
    assert_false(tags_are_forgotten(&tags, plain));
    drop(tagged);
    drop(plain);
}

static void test_a_mark_tells_what_was_forgotten_since(void **state) {
    (void)state;
    const uint64_t own[] = {1, 2};
    tags_forget(&tags, 2);
    uint64_t mark = tags_mark(&tags);
    tags_forget(&tags, 3);
    assert_false(tags_were_forgotten_since(&tags, mark, own, 2));
    assert_true(tags_were_forgotten_since(&tags, mark, (const uint64_t[]){3}, 1));
    tags_forget(&tags, 1);
    assert_true(tags_were_forgotten_since(&tags, mark, own, 2));
    assert_false(tags_were_forgotten_since(&tags, tags_mark(&tags), own, 2));
}

static void test_more_than_is_remembered_is_all(void **state) {
    (void)state;
    const uint64_t own[] = {1};
    uint64_t mark = tags_mark(&tags);
    for (unsigned i = 0; i < FORGOTTEN_MAX; i++)
        tags_forget(&tags, 100 + i);
    assert_false(tags_were_forgotten_since(&tags, mark, own, 1));
    tags_forget(&tags, 99);
    assert_true(tags_were_forgotten_since(&tags, mark, own, 1));
    assert_false(tags_were_forgotten_since(&tags, mark, NULL, 0));
    assert_false(tags_were_forgotten_since(&tags, mark + 1, own, 1));
}

static void test_an_entry_without_tags_is_forgotten_since_with_everything_alone(void **state) {
    (void)state;
    uint64_t mark = tags_mark(&tags);
    tags_forget(&tags, 1);
    tags_forget_all(&tags);
    assert_false(tags_were_forgotten_since(&tags, mark, NULL, 0));
    tags_forget(&tags, TAG_EVERYTHING);
    assert_true(tags_were_forgotten_since(&tags, mark, NULL, 0));
}

static void test_without_memory_an_entry_bears_nothing(void **state) {
    (void)state;
    const uint64_t numbers[] = {1, 2, 3, 4};
    struct cache_entry *entry = make(4, numbers);
    for (unsigned n = 0; n < 4; n++) {
        allocations_left = n;
        assert_int_equal(tags_bear(&tags, entry), -ENOMEM);
        allocations_left = UINT32_MAX;
        assert_int_equal(tags.tag_count, 0);
    }
    assert_int_equal(tags_bear(&tags, entry), 0);
    drop(entry);
}

static void test_without_memory_chains_get_longer_and_nothing_is_lost(void **state) {
    (void)state;
    struct cache_entry *entries[200];
    size_t buckets = tags.bucket_count;
    for (uint64_t i = 0; i < 200; i++) {
        entries[i] = make(1, (const uint64_t[]){i + 1});
        allocations_left = tags.tag_count >= buckets ? 0 : UINT32_MAX; // the larger table is asked for first
        if (tags_bear(&tags, entries[i]) < 0) {
            allocations_left = UINT32_MAX;
            assert_int_equal(tags.bucket_count, buckets);
            assert_int_equal(tags_bear(&tags, entries[i]), 0);
            buckets = tags.bucket_count;
        }
        allocations_left = UINT32_MAX;
    }
    assert_int_equal(tags.tag_count, 200);
    for (unsigned i = 0; i < 200; i++)
        drop(entries[i]);
}

static void test_without_memory_there_is_no_index(void **state) {
    (void)state;
    struct tag_index none;
    allocations_left = 0;
    int status = tags_init(&none);
    allocations_left = UINT32_MAX;
    assert_int_equal(status, -ENOMEM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_an_entry_is_forgotten_with_any_of_its_tags),
        TEST(test_a_tag_that_was_forgotten_before_is_borne_anew),
        TEST(test_a_tag_goes_with_the_last_entry_that_bears_it),
        TEST(test_a_tag_may_be_borne_twice_by_one_entry),
        TEST(test_many_tags_are_found_and_counted_by_their_bytes),
        TEST(test_everything_is_forgotten_tagged_or_not),
        TEST(test_in_doubt_what_bears_a_tag_is_forgotten_alone),
        TEST(test_a_mark_tells_what_was_forgotten_since),
        TEST(test_more_than_is_remembered_is_all),
        TEST(test_an_entry_without_tags_is_forgotten_since_with_everything_alone),
        TEST(test_without_memory_an_entry_bears_nothing),
        TEST(test_without_memory_chains_get_longer_and_nothing_is_lost),
        TEST(test_without_memory_there_is_no_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
