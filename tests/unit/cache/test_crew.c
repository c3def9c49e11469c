// test_crew.c — the caches of a process: what one forgets all are told, on their own threads, or believe nothing any more.
#include "engine/world.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "cache/crew.h"

enum { MEMBERS = 3, TOLD_MAX = 4096 };

/** A core with a thread of its own, and a member on it. */
struct colleague {
    struct crew_member member;
    struct core core;
    pthread_t thread;
    sem_t is_there;
    struct message stop;
    uint64_t told[TOLD_MAX];
    atomic_uint told_count, doubt_count;
    atomic_bool is_elsewhere; // told on another thread
};

static struct cache_crew *crew;
static struct colleague colleagues[MEMBERS];
static struct core core; // the test's own
static struct crew_member own;
static unsigned own_count, own_doubts;
static bool has_no_memory;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes) {
    return has_no_memory ? NULL : __real_malloc(bytes);
}

static void forget(struct crew_member *member, const uint64_t *tags, unsigned count) {
    struct colleague *colleague = container_of(member, struct colleague, member);
    if (!pthread_equal(pthread_self(), colleague->thread))
        colleague->is_elsewhere = true;
    for (unsigned i = 0; i < count; i++)
        colleague->told[colleague->told_count + i] = tags[i];
    colleague->told_count += count;
}

static void doubt(struct crew_member *member) {
    container_of(member, struct colleague, member)->doubt_count++;
}

static void own_forget(struct crew_member *member, const uint64_t *tags, unsigned count) {
    (void)member;
    (void)tags;
    own_count += count;
}

static void own_doubt(struct crew_member *member) {
    (void)member;
    own_doubts++;
}

static void end_colleague(struct message *message) {
    struct colleague *colleague = container_of(message, struct colleague, stop);
    crew_leave(crew, &colleague->member);
    core_stop(&colleague->core);
}

static void *work(void *arg) {
    struct colleague *colleague = arg;
    struct core_options options = world_core();
    if (core_init(&colleague->core, &options) == 0) {
        colleague->member = (struct crew_member){.core = &colleague->core, .forget = forget, .doubt = doubt};
        crew_join(crew, &colleague->member);
        sem_post(&colleague->is_there);
        core_run(&colleague->core);
        core_turn(&colleague->core, 0); // what was on its way
        core_finish(&colleague->core);
    }
    return NULL;
}

static int set_up(void **state) {
    (void)state;
    struct core_options options = world_core();
    own_count = own_doubts = 0;
    if (cache_crew_create(&crew) < 0 || core_init(&core, &options) < 0)
        return -1;
    own = (struct crew_member){.core = &core, .forget = own_forget, .doubt = own_doubt};
    crew_join(crew, &own);
    memset(colleagues, 0, sizeof colleagues);
    for (unsigned i = 0; i < MEMBERS; i++) {
        sem_init(&colleagues[i].is_there, 0, 0);
        assert_int_equal(pthread_create(&colleagues[i].thread, NULL, work, &colleagues[i]), 0);
        sem_wait(&colleagues[i].is_there);
    }
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    for (unsigned i = 0; i < MEMBERS; i++) {
        colleagues[i].stop.run = end_colleague;
        assert_int_equal(ring_post(colleagues[i].core.ring, &colleagues[i].stop), 0);
        pthread_join(colleagues[i].thread, NULL);
        assert_false(colleagues[i].is_elsewhere);
    }
    crew_leave(crew, &own);
    core_finish(&core);
    cache_crew_destroy(crew);
    cache_crew_destroy(NULL);
    return 0;
}

static void expect_told(unsigned index, unsigned count) {
    turn_until(&core, colleagues[index].told_count >= count);
    assert_int_equal(colleagues[index].told_count, count);
}

static void test_all_others_are_told_in_order_and_the_teller_is_not(void **state) {
    (void)state;
    for (uint64_t tag = 1; tag <= 1000; tag++)
        crew_tell(crew, &own, (const uint64_t[]){tag, tag + 5000}, 2);
    for (unsigned i = 0; i < MEMBERS; i++) {
        expect_told(i, 2000);
        for (unsigned k = 0; k < 1000; k++)
            assert_true(colleagues[i].told[2 * k] == k + 1 && colleagues[i].told[2 * k + 1] == k + 5001);
    }
    turns(&core, 2);
    assert_int_equal(own_count, 0);
}

/** What a thread has been told by the time that this reaches it. */
struct look {
    struct message message;
    struct colleague *colleague;
    sem_t done;
    unsigned count;
};

static void take_a_look(struct message *message) {
    struct look *look = container_of(message, struct look, message);
    look->count = look->colleague->told_count;
    sem_post(&look->done);
}

static void test_what_reaches_a_thread_after_the_telling_finds_it_told(void **state) {
    (void)state;
    for (unsigned round = 1; round <= 200; round++) {
        struct look look = {.message.run = take_a_look, .colleague = &colleagues[round % MEMBERS]};
        sem_init(&look.done, 0, 0);
        crew_tell(crew, &own, (const uint64_t[]){round}, 1);
        assert_int_equal(ring_post(look.colleague->core.ring, &look.message), 0);
        sem_wait(&look.done);
        assert_int_equal(look.count, round);
    }
}

static void test_who_cannot_be_told_doubts_what_it_has(void **state) {
    (void)state;
    uint64_t tag = 7;
    has_no_memory = true;
    crew_tell(crew, &own, &tag, 1);
    has_no_memory = false;
    for (unsigned i = 0; i < MEMBERS; i++) {
        assert_int_equal(colleagues[i].doubt_count, 1);
        assert_int_equal(colleagues[i].told_count, 0);
    }
    assert_int_equal(own_doubts, 0);
}

static void test_who_has_left_is_told_nothing(void **state) {
    (void)state;
    uint64_t tag = 7;
    crew_leave(crew, &own);
    crew_tell(crew, &colleagues[0].member, &tag, 1);
    expect_told(1, 1);
    expect_told(2, 1);
    turns(&core, 2);
    assert_int_equal(own_count, 0);
    crew_join(crew, &own);
    crew_tell(crew, &colleagues[0].member, &tag, 1);
    turn_until(&core, own_count == 1);
}

static void test_the_loss_of_redis_is_news_once_and_its_return_when_all_have_it(void **state) {
    (void)state;
    assert_true(crew_note_redis(crew, true));
    assert_false(crew_note_redis(crew, true));
    assert_false(crew_note_redis(crew, true));
    assert_false(crew_note_redis(crew, false));
    assert_false(crew_note_redis(crew, false));
    assert_true(crew_note_redis(crew, false));
    assert_true(crew_note_redis(crew, true));
    assert_true(crew_note_redis(crew, false));
}

static void test_each_process_has_an_id_of_its_own(void **state) {
    (void)state;
    struct cache_crew *other;
    assert_int_equal(cache_crew_create(&other), 0);
    assert_true(cache_crew_id(crew) != cache_crew_id(other));
    assert_true(cache_crew_id(crew) == cache_crew_id(crew));
    cache_crew_destroy(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_all_others_are_told_in_order_and_the_teller_is_not),
        TEST(test_what_reaches_a_thread_after_the_telling_finds_it_told),
        TEST(test_who_cannot_be_told_doubts_what_it_has),
        TEST(test_who_has_left_is_told_nothing),
        TEST(test_the_loss_of_redis_is_news_once_and_its_return_when_all_have_it),
        TEST(test_each_process_has_an_id_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
