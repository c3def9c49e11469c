// test_scaffold.c — what a new plugin begins as: names that are good, singulars, and files that are never overwritten.
#include "../host/world.h"

#include "cli/scaffold.h"

static struct scaffold_file files[SCAFFOLD_FILES_MAX];

static const struct scaffold_file *file_at(int count, const char *path) {
    for (int i = 0; i < count; i++)
        if (!strcmp(files[i].path, path))
            return &files[i];
    complain("%s is not made", path);
    return NULL;
}

static void test_scaffold_takes_names_that_are_identifiers(void **state) {
    (void)state;
    assert_true(scaffold_name_is_good("orders"));
    assert_true(scaffold_name_is_good("line_items2"));
    static const char *const bad[] = {"",
                                      "o",
                                      "Orders",
                                      "2orders",
                                      "_orders",
                                      "my-orders",
                                      "a/b",
                                      "..",
                                      "orders;",
                                      "örders",
                                      "a_name_that_is_longer_than_any_sensible_one"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (scaffold_name_is_good(bad[i]))
            complain("'%s' is taken", bad[i]);
}

// promise 58
static void test_scaffold_puts_the_name_in_all_its_forms(void **state) {
    struct world *world = *state;
    static const struct {
        const char *name, *holds;
    } cases[] = {
        {"orders", "ERROR(order_not_found, 404, \"Order not found\")"},
        {"entries", "SCHEMA(EntryCreate, ENTRY_TEXT)"},
        {"boxes", "TABLE(Box, \"boxes\""},
        {"line_items", "SCHEMA(LineItemCreate, LINE_ITEM_TEXT)"},
        {"sheep", "GET(\"/sheep/{id}\", get_sheep_item, SheepItemResponse"},
        {"news", "TABLE(NewsItem, \"news\""}, // a `new` would be the macro
        {"dbs", "get_dbs_item"},              // get_db is leat's own
        {"status", "StatusItemResponse"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int count = scaffold_make(&(struct scaffold){.name = cases[i].name, .has_table = true}, &world->arena, files);
        assert_true(count > 0);
        char path[128];
        snprintf(path, sizeof path, "%s/%s.c", cases[i].name, cases[i].name);
        const char *text = file_at(count, path)->text;
        if (!strstr(text, cases[i].holds) || strstr(text, "{{"))
            complain("%s: '%s' is not in\n%s", cases[i].name, cases[i].holds, text);
    }
}

static void test_scaffold_knows_a_checkout_a_project_and_cmake(void **state) {
    struct world *world = *state;
    int count = scaffold_make(&(struct scaffold){.name = "orders", .is_in_tree = true}, &world->arena, files);
    assert_int_equal(count, 2);
    file_at(count, "plugins/orders/orders.c");
    file_at(count, "tests/orders/test_orders.c");
    count = scaffold_make(&(struct scaffold){.name = "orders", .has_table = true, .is_for_cmake = true}, &world->arena, files);
    assert_int_equal(count, 6);
    file_at(count, "orders/CMakeLists.txt");
    file_at(count, "orders/migrations/orders/0001_create_orders.down.sql");
}

static void test_scaffold_overwrites_nothing_and_then_writes_nothing(void **state) {
    struct world *world = *state;
    char path[128];
    int count = scaffold_make(&(struct scaffold){.name = "orders"}, &world->arena, files);
    assert_int_equal(scaffold_write(world->folder, files, 1, &world->arena, &world->messages), 0);
    assert_int_equal(scaffold_write(world->folder, files, count, &world->arena, &world->messages), -EINVAL);
    assert_non_null(strstr(messages_text(&world->messages).ptr, "orders.c: error: File exists; nothing was written"));
    snprintf(path, sizeof path, "%s/%s", world->folder, files[1].path);
    assert_int_equal(access(path, F_OK), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_scaffold_takes_names_that_are_identifiers),
        TEST(test_scaffold_puts_the_name_in_all_its_forms),
        TEST(test_scaffold_knows_a_checkout_a_project_and_cmake),
        TEST(test_scaffold_overwrites_nothing_and_then_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
