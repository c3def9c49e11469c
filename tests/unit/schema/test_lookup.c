// test_lookup.c — names found in a table that no key can grow or slow.
#include "subject.h"

#include "schema/lookup.h"

static void test_every_name_is_found_and_nothing_else(void **state) {
    (void)state;
    static char texts[LOOKUP_NAMES_MAX][40];
    str names[LOOKUP_NAMES_MAX];
    for (unsigned count = 0; count <= LOOKUP_NAMES_MAX; count++) {
        struct lookup lookup;
        subject_reset();
        for (unsigned i = 0; i < count; i++) // lengths of every kind, some alike but in the middle
            names[i] = (str){texts[i], (size_t)sprintf(texts[i], i % 3 ? "n%u" : "beginning_%02u_middle_ending", i)};
        assert_int_equal(lookup_init(&lookup, names, count, &subject_arena), 0);
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(lookup_find(&lookup, names[i]), (int)i);
        assert_int_equal(lookup_find(&lookup, S("")), LOOKUP_NONE);
        assert_int_equal(lookup_find(&lookup, S("x")), LOOKUP_NONE);
        assert_int_equal(lookup_find(&lookup, S("beginning_99_middle_ending")), LOOKUP_NONE);
    }
}

static void test_names_end_where_their_memory_does(void **state) {
    (void)state;
    struct lookup lookup;
    const str names[] = {S("a"), S("ab"), S("abc"), S("abcdefgh"), S("abcdefghi"), S("")};
    subject_reset();
    assert_int_equal(lookup_init(&lookup, names, 6, &subject_arena), 0);
    for (size_t i = 0; i < 6; i++) {
        char *exact = malloc(names[i].len ? names[i].len : 1);
        memcpy(exact, names[i].ptr, names[i].len);
        assert_int_equal(lookup_find(&lookup, (str){exact, names[i].len}), (int)i);
        free(exact);
    }
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_is_found_and_nothing_else),
        cmocka_unit_test(test_names_end_where_their_memory_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
