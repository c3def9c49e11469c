// run_tests.c — main() of a program of TESTs: one app, each test in a transaction that is rolled back.
#include <stdlib.h>

#include <leat/test.h>

static struct leat_test *first;
static size_t test_count;
static app *under_test;

void leat_test_add(struct leat_test *test) {
    struct leat_test **place = &first;
    while (*place && (*place)->line < test->line)
        place = &(*place)->next;
    test->next = *place;
    *place = test;
    test_count++;
}

static int start(void **state) {
    (void)state;
    under_test = test_app_start(leat_test_plugins);
    return under_test ? 0 : -1;
}

static int stop(void **state) {
    (void)state;
    test_app_stop(under_test);
    return 0;
}

// cmocka hands what a test was made with to its setup, and to the test what the setup leaves there.
static int begin(void **state) {
    (void)state;
    test_app_begin(under_test);
    return 0;
}

static int rollback(void **state) {
    (void)state;
    test_app_rollback(under_test);
    return 0;
}

static void run(void **state) {
    const struct leat_test *test = *state;
    test->run(under_test);
}

int main(void) {
    struct CMUnitTest *tests = calloc(test_count ? test_count : 1, sizeof *tests);
    size_t count = 0;
    for (struct leat_test *test = first; tests && test; test = test->next)
        tests[count++] = (struct CMUnitTest){test->name, run, begin, rollback, test};
    int failed = tests ? _cmocka_run_group_tests("tests", tests, count, start, stop) : 1;
    free(tests);
    return failed ? 1 : 0;
}
