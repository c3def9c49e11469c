// test_pack.c — a value as bytes: back as it was, and nothing where a byte is missing or too many.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <leat/leat.h>

#include "arena_fixture.h"
#include "schema/pack.h"

SCHEMA(Leaf, (str, text), (bool, good));
SCHEMA(Tree, (i64, number), (str, note, .nullable = true), (Leaf, only), (Leaf_list, leaves), (str_list, words), (timestamp, at));

static struct buffer packed(void) {
    static Leaf leaves[] = {{.text = S("one"), .good = true}, {.text = S("")}, {.text = {0}}};
    static str words[] = {S("a"), S("bc")};
    Tree tree = {.number = -7, .only = {.text = S("h\xc3\xa9")}, .leaves = {leaves, 3}, .words = {words, 2}, .at = {12345}};
    tree.null.note = true;
    struct buffer buffer = {0};
    assert_int_equal(value_pack(&buffer, &Tree__schema, &tree), 0);
    return buffer;
}

static void test_a_value_comes_back_as_it_was(void **state) {
    (void)state;
    struct buffer buffer = packed();
    Tree *tree = value_unpack(&arena, &Tree__schema, (str){buffer_head(&buffer), buffer_bytes(&buffer)});
    buffer_finish(&buffer); // it does not point there
    assert_non_null(tree);
    assert_int_equal(tree->number, -7);
    assert_true(tree->null.note && !tree->note.ptr);
    assert_true(str_eq(tree->only.text, S("h\xc3\xa9")));
    assert_int_equal(tree->leaves.n, 3);
    assert_true(str_eq(tree->leaves.items[0].text, S("one")) && tree->leaves.items[0].good);
    assert_true(tree->leaves.items[1].text.ptr && !tree->leaves.items[1].text.len);
    assert_null(tree->leaves.items[2].text.ptr);
    assert_true(str_eq(tree->words.items[1], S("bc")));
    assert_int_equal(tree->at.us, 12345);
}

static void test_a_list_comes_back_too(void **state) {
    (void)state;
    i64 numbers[] = {1, -2, 3};
    i64_list list = {numbers, 3};
    struct buffer buffer = {0};
    assert_int_equal(value_pack(&buffer, &i64_list__schema, &list), 0);
    i64_list *back = value_unpack(&arena, &i64_list__schema, (str){buffer_head(&buffer), buffer_bytes(&buffer)});
    assert_int_equal(back->n, 3);
    assert_int_equal(back->items[1], -2);
    buffer_finish(&buffer);
}

// Each copy ends where its memory does, so that a sanitizer sees a byte too many.
static void *unpack_copy(const char *bytes, size_t count) {
    char *copy = malloc(count + 1);
    memcpy(copy, bytes, count);
    void *value = value_unpack(&arena, &Tree__schema, (str){copy, count});
    free(copy);
    return value;
}

static void test_no_part_of_a_value_is_one(void **state) {
    (void)state;
    struct buffer buffer = packed();
    for (size_t count = 0; count < buffer_bytes(&buffer); count++)
        assert_null(unpack_copy(buffer_head(&buffer), count));
    assert_int_equal(buffer_append(&buffer, "", 1), 0);
    assert_null(unpack_copy(buffer_head(&buffer), buffer_bytes(&buffer)));
    buffer_finish(&buffer);
}

static void test_bytes_that_were_changed_harm_nobody(void **state) {
    (void)state;
    struct buffer buffer = packed();
    for (size_t at = 0; at < buffer_bytes(&buffer); at++)
        for (unsigned value = 1; value < 256; value += 63) {
            buffer.data[buffer.start + at] ^= (char)value;
            unpack_copy(buffer_head(&buffer), buffer_bytes(&buffer));
            buffer.data[buffer.start + at] ^= (char)value;
        }
    buffer_finish(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_value_comes_back_as_it_was, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_a_list_comes_back_too, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_no_part_of_a_value_is_one, arena_set_up, arena_tear_down),
        cmocka_unit_test_setup_teardown(test_bytes_that_were_changed_harm_nobody, arena_set_up, arena_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
