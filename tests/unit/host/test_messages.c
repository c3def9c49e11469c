// test_messages.c — what is wrong, a line each.
#include "world.h"

static void test_lines_are_kept_in_their_order(void **state) {
    struct world *world = *state;

    messages_add(&world->messages, "first %d", 1);
    messages_add_lines(&world->messages, S("second\n\nthird"));

    assert_string_equal(said(world), "first 1\nsecond\nthird\n");
    assert_int_equal(world->messages.count, 3);
}

static void test_a_flood_is_counted_and_not_kept(void **state) {
    struct world *world = *state;

    for (int i = 0; i < 10000; i++)
        messages_add(&world->messages, "a line of some length, number %d", i);

    assert_int_equal(world->messages.count, 10000);
    assert_true(messages_text(&world->messages).len <= MESSAGES_BYTES_MAX);
}

static void test_a_long_line_is_cut_and_still_ends(void **state) {
    struct world *world = *state;
    char *line = arena_raw(&world->arena, 10000);
    memset(line, 'x', 10000);

    messages_add(&world->messages, "%.*s", 10000, line);

    str text = messages_text(&world->messages);
    assert_true(text.len < 5000);
    assert_int_equal(text.ptr[text.len - 1], '\n');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_lines_are_kept_in_their_order),
        TEST(test_a_flood_is_counted_and_not_kept),
        TEST(test_a_long_line_is_cut_and_still_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
