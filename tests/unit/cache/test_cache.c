// test_cache.c — one core's cache: its memory, its tags, its crew, and what it shares through a Redis.
#include "cache/redis_for_tests.h"

#include "base/str.h"
#include "cache/cache.h"

static struct core core;
static struct offload *connector;
static struct cache_options options;
static struct cache *cache;
static bool is_stopped;

static void stopped(void *arg) {
    *(bool *)arg = true;
}

static void open_cache(struct cache **ret_cache) {
    assert_int_equal(cache_create(&core, &options, connector, ret_cache), 0);
}

static void close_cache(struct cache *own) {
    is_stopped = false;
    cache_stop(own, stopped, &is_stopped);
    turn_until(&core, is_stopped);
    cache_destroy(own);
}

static int set_up(void **state) {
    (void)state;
    struct core_options core_options = world_core();
    cache_options_init(&options);
    if (core_init(&core, &core_options) < 0 || offload_create(1, 16, &connector) < 0)
        return -1;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    offload_destroy(connector);
    turns(&core, 2);
    assert_int_equal(ring_in_flight(core.ring), 0);
    core_finish(&core);
    return 0;
}

static int put_into(struct cache *own, str key, const char *tag, size_t body_bytes, uint64_t stamp) {
    static char body[4 << 20];
    uint64_t mark = tags_mark(&own->store.tags), number = tag ? cache_tag_number(str_of(tag)) : 0;
    int64_t now_ms = core_now_ms(&core);
    struct cache_entry *entry = entry_create(&(struct entry_parts){.key = key,
                                                                   .status = 200,
                                                                   .body = {body, body_bytes},
                                                                   .tags = &number,
                                                                   .tag_count = tag != NULL,
                                                                   .made_ms = now_ms,
                                                                   .stale_ms = now_ms + 60000,
                                                                   .dead_ms = now_ms + 90000,
                                                                   .stamp = stamp});
    int status = cache_put(own, entry, mark);
    entry_release(entry);
    return status;
}

static int put(str key, const char *tag) {
    return put_into(cache, key, tag, 10, STAMP_UNKNOWN);
}

static struct cache_entry *find_in(struct cache *own, str text) {
    struct cache_key key = store_key(&own->store, text);
    return cache_find(own, &key);
}

static bool forget(struct cache *own, const char *tag) {
    uint64_t number = cache_tag_number(str_of(tag));
    return cache_forget_tags(own, &number, 1, NULL);
}

static void test_what_is_put_is_found(void **state) {
    (void)state;
    open_cache(&cache);
    assert_null(find_in(cache, S("a")));
    assert_int_equal(put(S("a"), NULL), 0);
    assert_non_null(find_in(cache, S("a")));
    assert_null(find_in(cache, S("b")));
    close_cache(cache);
}

static void test_a_stale_entry_is_found_until_it_is_dead(void **state) {
    (void)state;
    open_cache(&cache);
    put(S("a"), NULL);
    clock_freeze(clock_monotonic_ns(), clock_wall_us());
    let_pass_ms(61000);
    turns(&core, 1);
    struct cache_entry *entry = find_in(cache, S("a"));
    assert_non_null(entry);
    assert_true(core_now_ms(&core) >= entry->stale_ms); // whoever asks sees that, and has it made anew
    let_pass_ms(30000);
    turns(&core, 1);
    assert_null(find_in(cache, S("a")));
    clock_freeze(-1, -1);
    close_cache(cache);
}

static void test_what_is_too_long_is_refused_and_counted(void **state) {
    (void)state;
    open_cache(&cache);
    assert_int_equal(put_into(cache, S("a"), NULL, 2 << 20, STAMP_UNKNOWN), -E2BIG);
    assert_int_equal(cache->figures.refused_count, 1);
    assert_int_equal(put_into(cache, S("b"), NULL, 1 << 19, STAMP_UNKNOWN), 0);
    assert_int_equal(cache->figures.refused_count, 1);
    close_cache(cache);
}

static void test_a_cache_without_memory_keeps_nothing(void **state) {
    (void)state;
    options.bytes_max = 0;
    open_cache(&cache);
    assert_int_equal(put(S("a"), NULL), -E2BIG);
    assert_null(find_in(cache, S("a")));
    close_cache(cache);
}

static void test_a_tag_is_forgotten_by_its_name(void **state) {
    (void)state;
    open_cache(&cache);
    put(S("a"), "posts");
    put(S("b"), "users");
    assert_false(forget(cache, "posts")); // nobody else is to be told
    assert_null(find_in(cache, S("a")));
    assert_non_null(find_in(cache, S("b")));
    close_cache(cache);
}

static void test_a_tag_of_any_bytes_has_a_number_that_is_not_everythings(void **state) {
    (void)state;
    static const char any[] = "\0\xff\r\n:";
    assert_true(cache_tag_number((str){any, 5}) != cache_tag_number((str){any, 4}));
    assert_true(cache_tag_number((str){any, 5}) == cache_tag_number((str){any, 5}));
    assert_true(cache_tag_number((str){0}) != TAG_EVERYTHING);
}

static void test_in_doubt_nothing_tagged_is_believed(void **state) {
    (void)state;
    open_cache(&cache);
    put(S("a"), "posts");
    put(S("b"), NULL);
    cache->member.doubt(&cache->member); // any thread's
    assert_null(find_in(cache, S("a")));
    assert_non_null(find_in(cache, S("b")));
    put(S("a"), "posts");
    assert_non_null(find_in(cache, S("a"))); // once is enough
    close_cache(cache);
}

static void test_what_one_of_a_crew_forgets_the_others_forget_in_their_next_turn(void **state) {
    (void)state;
    struct cache *other;
    assert_int_equal(cache_crew_create(&options.crew), 0);
    open_cache(&cache);
    open_cache(&other);
    put_into(other, S("a"), "posts", 10, STAMP_UNKNOWN);
    forget(cache, "posts");
    turn_until(&core, !find_in(other, S("a")));
    close_cache(cache);
    close_cache(other);
    cache_crew_destroy(options.crew);
}

static void test_two_crews_share_through_redis_and_forget_through_it(void **state) {
    (void)state;
    struct redis_server server = {0};
    struct cache_crew *crews[2];
    struct cache_options others;
    struct cache *other;
    server_begin(&server);
    struct redis_address address = address_of_path(server.path);
    options.redis = &address;
    options.redis_ms = 2000;
    others = options;
    assert_int_equal(cache_crew_create(&crews[0]) + cache_crew_create(&crews[1]), 0);
    options.crew = crews[0];
    others.crew = crews[1];
    open_cache(&cache);
    assert_int_equal(cache_create(&core, &others, connector, &other), 0);
    turn_until(&core, shared_is_ready(cache->shared) && shared_is_ready(other->shared));
    turns(&core, 20);

    assert_int_equal(put_into(cache, S("a"), "posts", 10, 1), 0);
    assert_int_equal(shared_figures(cache->shared)->put_count, 1);
    put_into(cache, S("long"), "posts", 2 << 20, 1);
    assert_int_equal(shared_figures(cache->shared)->put_count, 1); // too long here is too long there
    put_into(other, S("a"), "posts", 10, 1);
    forget(cache, "posts");
    assert_null(find_in(cache, S("a")));
    turn_until(&core, !find_in(other, S("a")));

    close_cache(cache);
    close_cache(other);
    cache_crew_destroy(crews[0]);
    cache_crew_destroy(crews[1]);
    server_end(&server);
}

static void test_it_stops_while_redis_cannot_be_had(void **state) {
    (void)state;
    struct redis_address address = address_of_path("/nowhere/socket");
    options.redis = &address;
    open_cache(&cache);
    turns(&core, 5);
    assert_int_equal(put(S("a"), NULL), 0);
    assert_non_null(find_in(cache, S("a")));
    close_cache(cache);
    cache_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_put_is_found),
        TEST(test_a_stale_entry_is_found_until_it_is_dead),
        TEST(test_what_is_too_long_is_refused_and_counted),
        TEST(test_a_cache_without_memory_keeps_nothing),
        TEST(test_a_tag_is_forgotten_by_its_name),
        TEST(test_a_tag_of_any_bytes_has_a_number_that_is_not_everythings),
        TEST(test_in_doubt_nothing_tagged_is_believed),
        TEST(test_what_one_of_a_crew_forgets_the_others_forget_in_their_next_turn),
        TEST(test_two_crews_share_through_redis_and_forget_through_it),
        TEST(test_it_stops_while_redis_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
