// test_shared.c — what two processes share through one Redis: entries, what was forgotten, and what becomes of both when Redis does not
// answer.
#include "cache/redis_for_tests.h"

#include "base/str.h"
#include "cache/shared.h"
#include "cache/tags.h"

enum { FRESH_MS = 60000, ANSWER_MS = 1000, LARGE_BYTES = 9 << 20 };

/** One of the processes, and what it was told. */
struct process {
    struct shared_options options;
    struct shared *shared;
    unsigned forget_count, doubt_count, lost_count, back_count, stopped_count;
    uint64_t forgotten[64];
};

/** A lookup, and what came of it. */
struct question {
    struct shared_lookup lookup;
    unsigned done_count;
};

struct wait {
    struct shared_waiter waiter;
    unsigned done_count;
};

static struct core core;
static struct offload *connector;
static struct redis_server server;
static struct redis_address address;
static struct process one, other;

static void forget(void *arg, const uint64_t *tags, unsigned count) {
    struct process *process = arg;
    for (unsigned i = 0; i < count && process->forget_count < 64; i++)
        process->forgotten[process->forget_count++] = tags[i];
}

static void doubt(void *arg) {
    ((struct process *)arg)->doubt_count++;
}

static void changed(void *arg, const char *why) {
    struct process *process = arg;
    process->lost_count += why != NULL;
    process->back_count += why == NULL;
}

static const struct shared_events events = {forget, doubt, changed};

static void stopped(void *arg) {
    ((struct process *)arg)->stopped_count++;
}

static void begin_process(struct process *process, uint64_t id) {
    *process = (struct process){.options = {.address = &address,
                                            .prefix = "test",
                                            .answer_ms = ANSWER_MS,
                                            .reply_bytes_max = 2 << 20,
                                            .connector = connector,
                                            .process_id = id}};
    assert_int_equal(shared_create(&core, &process->options, &events, process, &process->shared), 0);
    turn_until(&core, shared_is_ready(process->shared) && process->doubt_count); // it asks, and it listens
}

static void end_process(struct process *process) {
    shared_stop(process->shared, stopped, process);
    turn_until(&core, process->stopped_count == 1);
    shared_destroy(process->shared);
}

static int set_up(void **state) {
    (void)state;
    struct core_options options = world_core();
    if (core_init(&core, &options) < 0 || offload_create(2, 16, &connector) < 0)
        return -1;
    server = (struct redis_server){0};
    server_begin(&server);
    address = address_of_path(server.path);
    begin_process(&one, 1);
    begin_process(&other, 2);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    end_process(&one);
    end_process(&other);
    offload_destroy(connector);
    turns(&core, 2);
    assert_int_equal(ring_in_flight(core.ring), 0);
    core_finish(&core);
    server_end(&server);
    clock_freeze(-1, -1);
    return 0;
}

// ---- asked, made, forgotten

static void done(struct shared_lookup *lookup) {
    container_of(lookup, struct question, lookup)->done_count++;
}

static bool ask(struct process *process, struct question *question, str key, uint64_t tag) {
    *question = (struct question){.lookup.done = done};
    return shared_look_up(process->shared, &question->lookup, key, &tag, tag != 0);
}

/** The body of what is found, held by nobody any more; empty where nothing is. `stamp` may be NULL. */
static str look_up(struct process *process, str key, uint64_t tag, uint64_t *stamp) {
    static char body[256];
    struct question question;
    assert_true(ask(process, &question, key, tag));
    turn_until(&core, question.done_count);
    struct cache_entry *entry = question.lookup.entry;
    size_t bytes = entry && entry->body_bytes < sizeof body ? entry->body_bytes : 0;
    if (bytes)
        memcpy(body, entry_body(entry).ptr, bytes);
    entry_release(entry);
    if (stamp)
        *stamp = question.lookup.stamp;
    return (str){body, bytes};
}

static struct cache_entry *make(str key, uint64_t tag, uint64_t stamp, str body) {
    int64_t now_ms = core_now_ms(&core);
    return entry_create(&(struct entry_parts){.key = key,
                                              .status = 200,
                                              .body = body,
                                              .tags = &tag,
                                              .tag_count = tag != 0,
                                              .made_ms = now_ms,
                                              .stale_ms = now_ms + FRESH_MS,
                                              .dead_ms = now_ms + FRESH_MS,
                                              .stamp = stamp});
}

static void put(struct process *process, str key, uint64_t tag, uint64_t stamp, str body) {
    struct cache_entry *entry = make(key, tag, stamp, body);
    shared_put(process->shared, entry);
    entry_release(entry);
}

/** As a request does: asks first, and makes what is not there. */
static void ask_and_make(struct process *process, str key, uint64_t tag, str body) {
    uint64_t stamp;
    assert_int_equal(look_up(process, key, tag, &stamp).len, 0);
    put(process, key, tag, stamp, body);
}

static void told(struct shared_waiter *waiter) {
    container_of(waiter, struct wait, waiter)->done_count++;
}

static void forget_and_wait(struct process *process, uint64_t tag) {
    struct wait wait = {.waiter.done = told};
    assert_true(shared_forget(process->shared, &tag, 1, &wait.waiter));
    turn_until(&core, wait.done_count == 1);
}

#define expect_found(process, key, tag, text) assert_true(str_eq(look_up(process, key, tag, NULL), text))
#define expect_none(process, key, tag) assert_int_equal(look_up(process, key, tag, NULL).len, 0)

// ---- shared

static void test_what_one_has_made_the_other_finds(void **state) {
    (void)state;
    ask_and_make(&one, S("key"), 7, S("made"));
    expect_found(&other, S("key"), 7, S("made"));
    expect_none(&other, S("another"), 7);
    assert_int_equal(shared_figures(one.shared)->put_count, 1);
    assert_int_equal(shared_figures(other.shared)->hit_count, 1);
    assert_int_equal(shared_figures(other.shared)->lookup_count, 2);
}

static void test_a_key_may_hold_any_byte(void **state) {
    (void)state;
    const str keys[] = {{"\0", 1}, {"\0\0", 2}, {"a\r\nGET b\r\n", 10}, {"\xff\xfe %s%n", 8}, {"", 0}};
    static const char bodies[] = "01234";
    for (unsigned i = 0; i < 5; i++)
        ask_and_make(&one, keys[i], 0, (str){bodies + i, 1});
    for (unsigned i = 0; i < 5; i++)
        expect_found(&other, keys[i], 0, ((str){bodies + i, 1}));
}

static void test_what_was_forgotten_is_found_by_nobody(void **state) {
    (void)state;
    ask_and_make(&one, S("a"), 7, S("made"));
    ask_and_make(&one, S("b"), 8, S("made"));
    forget_and_wait(&other, 7);
    expect_none(&one, S("a"), 7);
    expect_none(&other, S("a"), 7);
    expect_found(&other, S("b"), 8, S("made"));
    ask_and_make(&other, S("a"), 7, S("anew"));
    expect_found(&one, S("a"), 7, S("anew"));
}

static void test_what_was_begun_before_it_was_forgotten_is_never_found(void **state) {
    (void)state;
    uint64_t stamp;
    look_up(&one, S("key"), 7, &stamp);
    forget_and_wait(&other, 7);
    put(&one, S("key"), 7, stamp, S("old"));
    expect_none(&one, S("key"), 7);
    expect_none(&other, S("key"), 7);
}

static void test_everything_forgotten_is_found_by_nobody(void **state) {
    (void)state;
    ask_and_make(&one, S("tagged"), 7, S("made"));
    ask_and_make(&one, S("plain"), 0, S("made"));
    forget_and_wait(&other, TAG_EVERYTHING);
    expect_none(&one, S("tagged"), 7);
    expect_none(&one, S("plain"), 0);
}

static void test_others_are_told_what_was_forgotten_and_oneself_is_not(void **state) {
    (void)state;
    const uint64_t tags[] = {7, UINT64_MAX, 1};
    assert_false(shared_forget(one.shared, tags, 3, NULL));
    turn_until(&core, other.forget_count == 3);
    assert_memory_equal(other.forgotten, tags, sizeof tags);
    turns(&core, 3);
    assert_int_equal(one.forget_count, 0);
}

static void test_more_tags_than_one_command_holds_are_all_told(void **state) {
    (void)state;
    uint64_t tags[ENTRY_TAGS_MAX + 5];
    for (unsigned i = 0; i < ENTRY_TAGS_MAX + 5; i++)
        tags[i] = 100 + i;
    struct wait wait = {.waiter.done = told};
    assert_true(shared_forget(one.shared, tags, ENTRY_TAGS_MAX + 5, &wait.waiter));
    turn_until(&core, wait.done_count == 1);
    turn_until(&core, other.forget_count == ENTRY_TAGS_MAX + 5);
    assert_memory_equal(other.forgotten, tags, sizeof tags);
}

static void test_an_entry_that_bears_other_tags_than_were_asked_for_is_judged_by_its_own(void **state) {
    (void)state;
    uint64_t stamp;
    look_up(&one, S("value"), 0, &stamp);
    put(&one, S("value"), 9, stamp, S("made")); // a value's tags are known when it is made
    expect_found(&other, S("value"), 0, S("made"));
    forget_and_wait(&one, 9);
    expect_none(&other, S("value"), 0);
}

static void test_no_entry_is_shared_whose_beginning_is_unknown(void **state) {
    (void)state;
    put(&one, S("key"), 0, STAMP_UNKNOWN, S("made"));
    assert_int_equal(shared_figures(one.shared)->put_count, 0);
    expect_none(&other, S("key"), 0);
}

static void test_no_entry_is_shared_that_is_none_any_more(void **state) {
    (void)state;
    uint64_t stamp;
    look_up(&one, S("key"), 0, &stamp);
    struct cache_entry *entry = make(S("key"), 0, stamp, S("made"));
    clock_freeze(clock_monotonic_ns(), clock_wall_us());
    let_pass_ms(FRESH_MS + TICK_MS);
    turns(&core, 1);
    shared_put(one.shared, entry);
    entry_release(entry);
    assert_int_equal(shared_figures(one.shared)->put_count, 0);
}

static void test_what_is_too_large_to_leave_at_once_is_not_shared_and_harms_nobody(void **state) {
    (void)state;
    static char body[LARGE_BYTES];
    uint64_t stamp;
    look_up(&one, S("key"), 0, &stamp);
    for (int i = 0; i < 4; i++)
        put(&one, S("key"), 0, stamp, (str){body, sizeof body});
    assert_true(shared_figures(one.shared)->put_count < 4);
    turn_until(&core, shared_is_ready(one.shared));
    turns(&core, 20);
    assert_int_equal(one.lost_count, 0);
}

static void test_a_lookup_may_be_given_up(void **state) {
    (void)state;
    struct question question;
    ask_and_make(&one, S("key"), 0, S("made"));
    assert_true(ask(&one, &question, S("key"), 0));
    shared_look_up_no_more(&question.lookup);
    expect_found(&one, S("key"), 0, S("made"));
    assert_int_equal(question.done_count, 0);
    shared_look_up_no_more(&question.lookup); // harmless
}

static void test_who_waits_for_a_forgetting_may_give_up(void **state) {
    (void)state;
    struct wait wait = {.waiter.done = told};
    uint64_t tag = 7;
    assert_true(shared_forget(one.shared, &tag, 1, &wait.waiter));
    shared_wait_no_more(&wait.waiter);
    shared_wait_no_more(&wait.waiter); // harmless
    turn_until(&core, other.forget_count == 1);
    turns(&core, 3);
    assert_int_equal(wait.done_count, 0);
}

// ---- nonsense

static void command(const char *words) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    char answer[4096];
    strcpy(place.sun_path, server.path);
    assert_int_equal(connect(fd, (struct sockaddr *)&place, sizeof place), 0);
    client_send(fd, words);
    assert_true(recv(fd, answer, sizeof answer, 0) > 0);
    assert_int_not_equal(answer[0], '-');
    close(fd);
}

static void set_all_entries(const char *how) {
    char script[512];
    snprintf(script, sizeof script,
             "EVAL \"for _, k in ipairs(redis.call('KEYS', 'test:a:*')) do redis.call('DEL', k) redis.call(%s) end return 1\" 0\r\n", how);
    command(script);
}

static void test_what_others_have_written_there_is_none(void **state) {
    (void)state;
    static const char *const nonsense[] = {"'SET', k, ''", "'SET', k, 'rubbish'", "'LPUSH', k, 'x'", "'SET', k, string.rep('\\\\255', 300)",
                                           "'SET', k, 'aael' .. string.rep('x', 200)"};
    uint64_t stamp;
    look_up(&one, S("key"), 7, &stamp);
    for (unsigned i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        put(&one, S("key"), 7, stamp, S("made"));
        expect_found(&one, S("key"), 7, S("made"));
        set_all_entries(nonsense[i]);
        expect_none(&one, S("key"), 7);
    }
    assert_int_equal(one.lost_count, 0);
}

static void test_an_entry_of_another_key_is_none(void **state) {
    (void)state;
    ask_and_make(&one, S("key"), 0, S("made"));
    look_up(&one, S("another"), 0, NULL);
    command("EVAL \"local k = redis.call('KEYS', 'test:a:*')[1] local v = redis.call('GET', k) for i = 0, 15 do "
            "redis.call('SET', 'test:a:' .. string.rep(string.format('%x', i), 32), v) end redis.call('DEL', k) return 1\" 0\r\n");
    expect_none(&one, S("key"), 0);
}

static void test_a_clock_that_is_no_number_is_none(void **state) {
    (void)state;
    command("SET test:clock nonsense\r\n");
    uint64_t stamp;
    look_up(&one, S("key"), 7, &stamp);
    assert_int_equal(stamp, 0);
    command("DEL test:clock\r\n");
    command("LPUSH test:clock x\r\n");
    expect_none(&one, S("key"), 7);
}

static void test_a_forgetting_that_redis_refuses_is_told_later(void **state) {
    (void)state;
    command("LPUSH test:clock x\r\n"); // GET fails on it, in the script
    struct wait wait = {.waiter.done = told};
    uint64_t tag = 7;
    assert_true(shared_forget(one.shared, &tag, 1, &wait.waiter));
    turn_until(&core, wait.done_count == 1); // nobody waits for ever
    assert_int_equal(shared_figures(one.shared)->error_count, 1);
    assert_int_equal(other.forget_count, 0);
    server_kill(&server);
    turn_until(&core, one.lost_count);
    server_begin(&server);
    turn_until(&core, one.back_count && other.back_count);
    ask_and_make(&one, S("key"), 8, S("made"));
    expect_found(&other, S("key"), 8, S("made"));
}

static void test_a_redis_without_room_is_an_entry_that_is_not_there(void **state) {
    (void)state;
    command("CONFIG SET maxmemory-policy noeviction\r\n");
    command("CONFIG SET maxmemory 1\r\n");
    ask_and_make(&one, S("key"), 0, S("made"));
    expect_none(&one, S("key"), 0);
    assert_int_equal(shared_figures(one.shared)->error_count, 1);
    assert_true(shared_is_ready(one.shared));
}

// ---- slow, gone, and back

static void test_a_redis_that_is_slow_is_an_entry_that_is_not_there(void **state) {
    (void)state;
    struct question question, next;
    server_freeze(&server);
    clock_freeze(clock_monotonic_ns(), clock_wall_us());
    assert_true(ask(&one, &question, S("key"), 0));
    turns(&core, 2);
    assert_int_equal(question.done_count, 0);
    let_pass_ms(ANSWER_MS + TICK_MS);
    turn_until(&core, question.done_count == 1);
    assert_null(question.lookup.entry);
    assert_true(question.lookup.stamp == STAMP_UNKNOWN);
    assert_false(ask(&one, &next, S("key"), 0)); // one has waited, and no other will
    assert_int_equal(shared_figures(one.shared)->late_count, 2);
    server_thaw(&server);
    turn_until(&core, shared_is_ready(one.shared));
    expect_none(&one, S("key"), 0);
}

static void lose_and_find(void) {
    server_kill(&server);
    turn_until(&core, one.lost_count == 1 && other.lost_count == 1);
    server_begin(&server);
    turn_until(&core, one.back_count == 1 && other.back_count == 1);
}

static void test_a_redis_that_is_gone_is_said_once_and_asked_again_when_it_is_back(void **state) {
    (void)state;
    struct question question;
    ask_and_make(&one, S("key"), 0, S("made"));
    server_kill(&server);
    turn_until(&core, one.lost_count == 1);
    assert_false(ask(&one, &question, S("key"), 0));
    pause_ms(300); // attempts that fail are not said
    turns(&core, 5);
    assert_int_equal(one.lost_count, 1);
    server_begin(&server);
    turn_until(&core, one.back_count == 1);
    ask_and_make(&one, S("key"), 0, S("anew"));
    turn_until(&core, shared_is_ready(other.shared));
    expect_found(&other, S("key"), 0, S("anew"));
}

static void test_a_lookup_under_way_ends_with_the_link(void **state) {
    (void)state;
    struct question question;
    server_freeze(&server);
    assert_true(ask(&one, &question, S("key"), 0));
    turns(&core, 2);
    server_kill(&server);
    turn_until(&core, question.done_count == 1);
    assert_null(question.lookup.entry);
    server_begin(&server);
    turn_until(&core, one.back_count == 1);
}

static void test_who_listens_anew_doubts_what_it_has(void **state) {
    (void)state;
    unsigned before = one.doubt_count;
    lose_and_find();
    turn_until(&core, one.doubt_count > before); // the connection that listens may be back after the one that asks
    assert_int_equal(one.doubt_count, before + 1);
}

static void test_what_is_forgotten_while_redis_is_away_is_told_when_it_is_back(void **state) {
    (void)state;
    server_kill(&server);
    turn_until(&core, one.lost_count == 1 && other.lost_count == 1);
    struct wait wait = {.waiter.done = told};
    for (unsigned i = 0; i < 3; i++)
        assert_false(shared_forget(one.shared, (const uint64_t[]){7, 8, 7}, 3, &wait.waiter));
    server_begin(&server);
    uint64_t stamp = 0;
    turn_until(&core, shared_is_ready(one.shared) && shared_is_ready(other.shared));
    look_up(&one, S("key"), 7, &stamp);
    assert_true(stamp > 0); // the clock has moved: it is known there
    put(&one, S("key"), 7, stamp - 1, S("of before"));
    expect_none(&other, S("key"), 7);
    assert_int_equal(wait.done_count, 0);
}

static void test_more_forgotten_than_can_be_remembered_is_everything(void **state) {
    (void)state;
    server_kill(&server);
    turn_until(&core, one.lost_count == 1 && other.lost_count == 1);
    for (uint64_t tag = 1; tag <= SHARED_UNTOLD_MAX + 1; tag++)
        shared_forget(one.shared, &tag, 1, NULL);
    server_begin(&server);
    turn_until(&core, shared_is_ready(one.shared) && shared_is_ready(other.shared));
    uint64_t stamp;
    look_up(&other, S("plain"), 0, &stamp);
    assert_true(stamp > 0);
    put(&other, S("plain"), 0, stamp - 1, S("of before"));
    expect_none(&other, S("plain"), 0);
}

static void test_it_may_be_stopped_with_all_kinds_of_things_under_way(void **state) {
    (void)state;
    struct process third;
    struct question question;
    struct wait wait = {.waiter.done = told};
    uint64_t tag = 7;
    begin_process(&third, 3);
    put(&third, S("key"), 0, 5, S("made"));
    assert_true(ask(&third, &question, S("key"), 0));
    assert_true(shared_forget(third.shared, &tag, 1, &wait.waiter));
    end_process(&third);
    assert_int_equal(question.done_count, 1);
    assert_int_equal(wait.done_count, 1);
    assert_int_equal(third.lost_count, 0); // it was asked to
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_what_one_has_made_the_other_finds),
        TEST(test_a_key_may_hold_any_byte),
        TEST(test_what_was_forgotten_is_found_by_nobody),
        TEST(test_what_was_begun_before_it_was_forgotten_is_never_found),
        TEST(test_everything_forgotten_is_found_by_nobody),
        TEST(test_others_are_told_what_was_forgotten_and_oneself_is_not),
        TEST(test_more_tags_than_one_command_holds_are_all_told),
        TEST(test_an_entry_that_bears_other_tags_than_were_asked_for_is_judged_by_its_own),
        TEST(test_no_entry_is_shared_whose_beginning_is_unknown),
        TEST(test_no_entry_is_shared_that_is_none_any_more),
        TEST(test_what_is_too_large_to_leave_at_once_is_not_shared_and_harms_nobody),
        TEST(test_a_lookup_may_be_given_up),
        TEST(test_who_waits_for_a_forgetting_may_give_up),
        TEST(test_what_others_have_written_there_is_none),
        TEST(test_an_entry_of_another_key_is_none),
        TEST(test_a_clock_that_is_no_number_is_none),
        TEST(test_a_forgetting_that_redis_refuses_is_told_later),
        TEST(test_a_redis_without_room_is_an_entry_that_is_not_there),
        TEST(test_a_redis_that_is_slow_is_an_entry_that_is_not_there),
        TEST(test_a_redis_that_is_gone_is_said_once_and_asked_again_when_it_is_back),
        TEST(test_a_lookup_under_way_ends_with_the_link),
        TEST(test_who_listens_anew_doubts_what_it_has),
        TEST(test_what_is_forgotten_while_redis_is_away_is_told_when_it_is_back),
        TEST(test_more_forgotten_than_can_be_remembered_is_everything),
        TEST(test_it_may_be_stopped_with_all_kinds_of_things_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
