// test_state.c — memory that a plugin has across its generations.
#include "base/str.h"
#include "world.h"

#include "host/copy.h"
#include "host/plugin.h"

struct holder {
    struct state *held[STATES_MAX];
    size_t count;
};

static void *take(struct holder *holder, const char *plugin, const char *name, size_t size, unsigned version) {
    return states_take(plugin, name, size, version, holder->held, &holder->count);
}

static void let_go(struct holder *holder) {
    while (holder->count)
        state_release(holder->held[--holder->count]);
}

static void test_the_next_generation_finds_what_the_one_before_left(void **state) {
    (void)state;
    struct holder first = {0}, second = {0};
    int *counter = take(&first, "a", "counter", sizeof *counter, 1);
    assert_int_equal(*counter, 0);
    assert_int_equal((uintptr_t)counter % STATE_ALIGNMENT, 0);
    *counter = 7;

    int *again = take(&second, "a", "counter", sizeof *counter, 1);
    let_go(&first);

    assert_ptr_equal(again, counter);
    assert_int_equal(*again, 7);
    let_go(&second);
}

static void test_another_version_or_size_or_plugin_begins_afresh(void **state) {
    (void)state;
    struct holder holder = {0};
    int *counter = take(&holder, "a", "counter", sizeof *counter, 1);
    *counter = 7;

    assert_int_equal(*(int *)take(&holder, "a", "counter", sizeof *counter, 2), 0);
    assert_int_equal(*(int *)take(&holder, "a", "counter", 2 * sizeof *counter, 1), 0);
    assert_int_equal(*(int *)take(&holder, "b", "counter", sizeof *counter, 1), 0);
    assert_int_equal(*(int *)take(&holder, "a", "other", sizeof *counter, 1), 0);
    assert_int_equal(*(int *)take(&holder, "a", "counter", sizeof *counter, 1), 7);
    assert_int_equal(holder.count, 5);
    let_go(&holder);
}

static void test_what_nobody_holds_any_more_is_gone(void **state) {
    (void)state;
    struct holder first = {0}, second = {0};
    *(int *)take(&first, "a", "counter", sizeof(int), 1) = 7;
    let_go(&first);

    assert_int_equal(*(int *)take(&second, "a", "counter", sizeof(int), 1), 0);
    let_go(&second);
}

static void test_what_cannot_be_is_null(void **state) {
    (void)state;
    struct holder holder = {0};
    char name[80];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_null(take(&holder, "a", name, 8, 1));
    assert_null(take(&holder, "a", NULL, 8, 1));
    assert_null(take(&holder, "a", "x", 0, 1));
    assert_null(take(&holder, "a", "x", (size_t)STATE_BYTES_MAX + 1, 1));
    for (unsigned i = 0; i < STATES_MAX; i++)
        assert_non_null(take(&holder, "a", "x", 8, i));
    assert_null(take(&holder, "a", "x", 8, STATES_MAX));
    let_go(&holder);
}

static void test_two_generations_of_a_plugin_have_it_together(void **state) {
    struct world *world = *state;
    int folder;
    drop_in(world, "keeps_state");
    assert_int_equal(folder_open(world->folder, &world->messages, &folder), 0);
    struct plugin *first, *second;
    struct plugin_place place = {folder, world->folder, world->copies, 1, -1};
    assert_int_equal(plugin_open(&place, "keeps_state.so", &world->messages, &first), 0);
    place.generation = 2;
    assert_int_equal(plugin_open(&place, "keeps_state.so", &world->messages, &second), 0);

    assert_int_equal(first->entry.on_load(&first->host), 0);
    assert_string_equal(getenv("KEEPS_STATE"), "1");
    assert_int_equal(second->entry.on_load(&second->host), 0);
    assert_string_equal(getenv("KEEPS_STATE"), "2");
    plugin_close(first);
    assert_int_equal(second->entry.on_load(&second->host), 0);

    assert_string_equal(getenv("KEEPS_STATE"), "3");
    plugin_close(second);
    close(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_the_next_generation_finds_what_the_one_before_left),
        TEST(test_another_version_or_size_or_plugin_begins_afresh),
        TEST(test_what_nobody_holds_any_more_is_gone),
        TEST(test_what_cannot_be_is_null),
        TEST(test_two_generations_of_a_plugin_have_it_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
