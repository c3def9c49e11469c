// test_store.c — the entries of one core: bounds, eviction, time, and tags that are forgotten.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/str.h"
#include "cache/store.h"

enum { ROOM = 1 << 20, NOW = 1000 };

static struct cache_store store;

static int open_store(void **state) {
    (void)state;
    return store_init(&store, ROOM, ROOM / 4);
}

static int close_store(void **state) {
    (void)state;
    store_finish(&store);
    return 0;
}

struct making {
    const char *key, *body;
    uint64_t tag; // 0: none
    int64_t dead_ms;
    size_t padding; // of a body that does not matter
};

static struct cache_entry *make(struct making making) {
    static char padded[ROOM];
    struct entry_parts parts = {
        .key = str_of(making.key),
        .status = 200,
        .fields = S("Content-Type: text/plain\r\n"),
        .etag = S("\"1\""),
        .body = making.padding ? (str){padded, making.padding} : str_of(making.body ? making.body : "x"),
        .tags = &making.tag,
        .tag_count = making.tag != 0,
        .made_ms = NOW,
        .stale_ms = NOW + 1000,
        .dead_ms = making.dead_ms ? making.dead_ms : NOW + 1000,
    };
    struct cache_entry *entry = entry_create(&parts);
    assert_non_null(entry);
    return entry;
}

static int put_since(uint64_t mark, struct making making) {
    struct cache_entry *entry = make(making);
    int status = store_put(&store, entry, mark, NOW);
    entry_release(entry);
    return status;
}

static int put(struct making making) {
    return put_since(tags_mark(&store.tags), making);
}

static struct cache_entry *find_at(const char *text, int64_t now_ms) {
    struct cache_key key = store_key(&store, str_of(text));
    return store_find(&store, &key, now_ms);
}

static bool has(const char *text) {
    return find_at(text, NOW) != NULL;
}

static void test_an_entry_is_what_it_was_made_of(void **state) {
    (void)state;
    assert_int_equal(put((struct making){.key = "a", .body = "hello", .tag = 7}), 0);
    struct cache_entry *entry = find_at("a", NOW);
    assert_non_null(entry);
    assert_int_equal(entry->status, 200);
    assert_true(str_eq(entry_key(entry), S("a")));
    assert_true(str_eq(entry_fields(entry), S("Content-Type: text/plain\r\n")));
    assert_true(str_eq(entry_etag(entry), S("\"1\"")));
    assert_true(str_eq(entry_body(entry), S("hello")));
    assert_int_equal(entry_tag_numbers(entry)[0], 7);
    assert_null(find_at("b", NOW));
}

static void test_a_later_entry_of_a_key_takes_the_place_of_the_first(void **state) {
    (void)state;
    put((struct making){.key = "a", .body = "one"});
    put((struct making){.key = "a", .body = "two"});
    assert_true(str_eq(entry_body(find_at("a", NOW)), S("two")));
    assert_int_equal(store.count, 1);
}

static void test_an_entry_is_none_from_its_last_moment_on(void **state) {
    (void)state;
    put((struct making){.key = "a", .dead_ms = NOW + 20});
    assert_non_null(find_at("a", NOW + 19));
    assert_null(find_at("a", NOW + 20));
    assert_int_equal(store.count, 0);
    assert_int_equal(store.bytes, 0);
}

static void test_an_entry_that_somebody_holds_outlives_its_place(void **state) {
    (void)state;
    put((struct making){.key = "a", .body = "held"});
    struct cache_entry *entry = entry_hold(find_at("a", NOW));
    put((struct making){.key = "a", .body = "other"});
    assert_true(str_eq(entry_body(entry), S("held")));
    entry_release(entry);
}

static void test_the_store_never_takes_more_than_it_may(void **state) {
    (void)state;
    char key[16];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_int_equal(put((struct making){.key = key, .padding = 1 + (size_t)i * 7919 % 4000, .tag = (uint64_t)i + 1}), 0);
        assert_true(store_bytes(&store) <= ROOM);
    }
    assert_true(store.figures.eviction_count > 1000);
    assert_true(has("4999"));
}

static void test_what_is_too_long_is_refused(void **state) {
    (void)state;
    assert_int_equal(put((struct making){.key = "a", .padding = ROOM / 4}), -E2BIG);
    assert_false(has("a"));
}

static void test_a_store_without_room_keeps_nothing(void **state) {
    (void)state;
    store_finish(&store);
    store_init(&store, 0, ROOM);
    assert_int_equal(put((struct making){.key = "a"}), -E2BIG);
    assert_false(has("a"));
}

static void test_what_is_asked_for_survives_a_flood_of_what_is_not(void **state) {
    (void)state;
    char key[16];
    put((struct making){.key = "wanted"});
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "%d", i);
        put((struct making){.key = key, .padding = 2000});
        if (i % 50 == 0)
            assert_true(has("wanted"));
    }
    assert_true(has("wanted"));
    assert_false(has("0"));
}

static void test_a_forgotten_tag_takes_its_entries_and_no_others(void **state) {
    (void)state;
    put((struct making){.key = "a", .tag = 1});
    put((struct making){.key = "b", .tag = 1});
    put((struct making){.key = "c", .tag = 2});
    put((struct making){.key = "d"});
    store_forget(&store, 1);
    assert_false(has("a"));
    assert_false(has("b"));
    assert_true(has("c"));
    assert_true(has("d"));
}

static void test_an_entry_made_after_its_tag_was_forgotten_is_kept(void **state) {
    (void)state;
    put((struct making){.key = "b", .tag = 1});
    store_forget(&store, 1);
    assert_int_equal(put((struct making){.key = "a", .tag = 1}), 0);
    assert_true(has("a"));
    assert_false(has("b"));
}

static void test_an_entry_begun_before_its_tag_was_forgotten_is_not_kept(void **state) {
    (void)state;
    uint64_t mark = tags_mark(&store.tags);
    store_forget(&store, 1);
    assert_int_equal(put_since(mark, (struct making){.key = "a", .tag = 1}), -ESTALE);
    assert_int_equal(put_since(mark, (struct making){.key = "b", .tag = 2}), 0);
    assert_int_equal(put_since(mark, (struct making){.key = "c"}), 0);
    assert_false(has("a"));
}

static void test_an_entry_begun_before_more_was_forgotten_than_is_remembered_is_not_kept(void **state) {
    (void)state;
    uint64_t mark = tags_mark(&store.tags);
    for (unsigned i = 0; i < FORGOTTEN_MAX; i++)
        store_forget(&store, 100 + i);
    assert_int_equal(put_since(mark, (struct making){.key = "a", .tag = 1}), 0);
    store_forget(&store, 99);
    assert_int_equal(put_since(mark, (struct making){.key = "a", .tag = 1}), -ESTALE);
    assert_int_equal(put_since(mark, (struct making){.key = "b"}), 0);
}

static void test_everything_forgotten_is_everything(void **state) {
    (void)state;
    put((struct making){.key = "a", .tag = 1});
    put((struct making){.key = "b"});
    uint64_t mark = tags_mark(&store.tags);
    store_forget(&store, TAG_EVERYTHING);
    assert_false(has("a"));
    assert_false(has("b"));
    assert_int_equal(put_since(mark, (struct making){.key = "c"}), -ESTALE);
    assert_int_equal(put((struct making){.key = "d"}), 0);
    assert_true(has("d"));
}

static void test_doubt_takes_what_bears_a_tag_alone(void **state) {
    (void)state;
    put((struct making){.key = "a", .tag = 1});
    put((struct making){.key = "b"});
    uint64_t mark = tags_mark(&store.tags);
    store_forget_tagged(&store);
    assert_false(has("a"));
    assert_true(has("b"));
    assert_int_equal(put_since(mark, (struct making){.key = "a", .tag = 1}), -ESTALE);
    assert_int_equal(put((struct making){.key = "a", .tag = 1}), 0);
}

static void test_room_of_what_was_forgotten_is_used_again(void **state) {
    (void)state;
    char key[16];
    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "%d", i);
        put((struct making){.key = key, .padding = 4000, .tag = 1});
        if (i == 199)
            store_forget(&store, 1);
    }
    for (int i = 200; i < 400; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_true(has(key));
    }
}

static void test_the_hand_may_stand_on_what_is_taken_out(void **state) {
    (void)state;
    char key[16];
    for (int round = 0; round < 2000; round++) { // replaces, kills and evicts in every order
        snprintf(key, sizeof key, "%d", round * 7 % 400);
        put((struct making){.key = key, .padding = 1 + (size_t)round * 131 % 5000, .dead_ms = NOW + 1 + round % 5});
        snprintf(key, sizeof key, "%d", round * 11 % 400);
        find_at(key, NOW + round % 7);
    }
    size_t count = 0, bytes = 0;
    list_each (node, &store.order) {
        count++;
        bytes += entry_bytes(container_of(node, struct cache_entry, order));
    }
    assert_int_equal(count, store.count);
    assert_int_equal(bytes, store.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_an_entry_is_what_it_was_made_of),
        TEST(test_a_later_entry_of_a_key_takes_the_place_of_the_first),
        TEST(test_an_entry_is_none_from_its_last_moment_on),
        TEST(test_an_entry_that_somebody_holds_outlives_its_place),
        TEST(test_the_store_never_takes_more_than_it_may),
        TEST(test_what_is_too_long_is_refused),
        TEST(test_a_store_without_room_keeps_nothing),
        TEST(test_what_is_asked_for_survives_a_flood_of_what_is_not),
        TEST(test_a_forgotten_tag_takes_its_entries_and_no_others),
        TEST(test_an_entry_made_after_its_tag_was_forgotten_is_kept),
        TEST(test_an_entry_begun_before_its_tag_was_forgotten_is_not_kept),
        TEST(test_an_entry_begun_before_more_was_forgotten_than_is_remembered_is_not_kept),
        TEST(test_everything_forgotten_is_everything),
        TEST(test_doubt_takes_what_bears_a_tag_alone),
        TEST(test_room_of_what_was_forgotten_is_used_again),
        TEST(test_the_hand_may_stand_on_what_is_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
