// test_choice.c — what was decided of a plugin's file, for as long as the file is the same.
#include "base/str.h"
#include "world.h"

#include "host/choice.h"

static struct choice choice_of_file(const char *name, ino_t inode, enum choice_kind kind) {
    struct choice choice = {.kind = kind, .mark = {.inode = inode}, .previous_fd = -1};
    snprintf(choice.name, sizeof choice.name, "%s", name);
    return choice;
}

static void test_a_choice_is_found_by_its_file_and_by_its_plugin(void **state) {
    (void)state;
    struct choice_list list = {0};
    struct choice choice = choice_of_file("a", 7, CHOICE_UNLOADED);
    assert_true(choice_put(&list, &choice));

    assert_int_equal(choice_for(&list, &choice.mark)->kind, CHOICE_UNLOADED);
    assert_non_null(choice_of(&list, "a"));
    assert_null(choice_for(&list, &(struct file_mark){.inode = 8}));
    assert_null(choice_of(&list, "b"));
    assert_null(choice_for(NULL, &choice.mark));
    choice_list_finish(&list);
}

static void test_a_plugin_has_one_choice(void **state) {
    (void)state;
    struct choice_list list = {0};
    struct choice first = choice_of_file("a", 7, CHOICE_UNLOADED), second = choice_of_file("a", 8, CHOICE_QUARANTINED);
    assert_true(choice_put(&list, &first));
    assert_true(choice_put(&list, &second));

    assert_int_equal(list.count, 1);
    assert_null(choice_for(&list, &first.mark));
    assert_true(choice_drop(&list, "a"));
    assert_false(choice_drop(&list, "a"));
}

static void test_each_list_has_a_descriptor_of_its_own(void **state) {
    (void)state;
    struct choice_list list = {0}, copy;
    struct choice choice = choice_of_file("a", 7, CHOICE_PREVIOUS);
    choice.previous_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(choice_put(&list, &choice));
    close(choice.previous_fd);

    choice_list_copy(&copy, &list);
    choice_list_finish(&list);

    assert_true(fcntl(copy.items[0].previous_fd, F_GETFD) >= 0);
    int fd = copy.items[0].previous_fd;
    choice_list_finish(&copy);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void test_a_full_list_takes_no_more(void **state) {
    (void)state;
    static struct choice_list list;
    for (int i = 0; i < CHOICES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        struct choice choice = choice_of_file(name, (ino_t)i + 1, CHOICE_UNLOADED);
        assert_true(choice_put(&list, &choice));
    }
    struct choice more = choice_of_file("more", 9999, CHOICE_UNLOADED), again = choice_of_file("p0", 9998, CHOICE_UNLOADED);

    assert_false(choice_put(&list, &more));
    assert_true(choice_put(&list, &again));
    choice_list_finish(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_choice_is_found_by_its_file_and_by_its_plugin),
        TEST(test_a_plugin_has_one_choice),
        TEST(test_each_list_has_a_descriptor_of_its_own),
        TEST(test_a_full_list_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
