// test_plugin.c — one plugin: loaded by the real loader, or refused in a sentence.
#include "world.h"

#include "host/copy.h"
#include "host/plugin.h"

static int load(struct world *world, const char *name, unsigned generation, struct plugin **ret_plugin) {
    int folder;
    assert_int_equal(folder_open(world->folder, &world->messages, &folder), 0);
    struct plugin_place place = {folder, "plugins", world->copies, generation, -1};
    int status = plugin_open(&place, arena_format(&world->arena, "%s.so", name).ptr, &world->messages, ret_plugin);
    close(folder);
    return status;
}

static void expect_refusal(struct world *world, const char *name, const char *words) {
    struct plugin *plugin = NULL;
    if (load(world, name, 1, &plugin) != -EINVAL)
        complain("%s was not refused", name);
    assert_null(plugin);
    expect_said(world, arena_format(&world->arena, "%s.so: error: ", name).ptr);
    expect_said(world, words);
    expect_said(world, "; "); // and what to do
    assert_int_not_equal(access(arena_format(&world->arena, "%s/%s.1.so", world->copies, name).ptr, F_OK), 0);
}

static void expect_broken(struct world *world, const char *name, const char *words) {
    drop_in(world, name);
    expect_refusal(world, name, words);
}

static void test_a_good_plugin_is_loaded_with_its_items_in_order(void **state) {
    struct world *world = *state;
    drop_in(world, "good");
    struct plugin *plugin;

    if (load(world, "good", 1, &plugin) != 0)
        complain("%s", said(world));

    assert_string_equal(plugin->entry.name, "good");
    assert_string_equal(plugin->entry.version, "1.2.3");
    assert_string_equal(plugin->path, "plugins/good.so");
    assert_int_equal(plugin->item_count, 5); // the SETTINGS with their SCHEMA, a SCHEMA, two routes
    assert_int_equal(plugin->items[2]->kind, LEAT_ITEM_SCHEMA);
    assert_int_equal(plugin->items[3]->kind, LEAT_ITEM_ROUTE);
    for (size_t i = 1; i < plugin->item_count; i++)
        assert_true(plugin->items[i - 1]->line <= plugin->items[i]->line);
    assert_string_equal(((const leat_route *)plugin->items[3])->name, "greet");
    assert_int_equal(plugin_view(plugin).item_count, 5);
    plugin_close(plugin);
    assert_int_equal(world->messages.count, 0);
}

static void test_two_generations_live_side_by_side_and_leave_no_file(void **state) {
    struct world *world = *state;
    drop_in(world, "good");
    struct plugin *first, *second;
    assert_int_equal(load(world, "good", 1, &first), 0);

    assert_int_equal(load(world, "good", 2, &second), 0);

    assert_ptr_not_equal(first->handle, second->handle);
    assert_ptr_not_equal(first->items[0], second->items[0]);
    plugin_close(first);
    assert_string_equal(second->entry.name, "good"); // still there
    plugin_close(second);
    assert_int_equal(rmdir(world->copies), 0);
}

static void test_an_older_plugin_has_zeros_where_it_knew_nothing(void **state) {
    struct world *world = *state;
    drop_in(world, "older");
    struct plugin *plugin;

    assert_int_equal(load(world, "older", 1, &plugin), 0);

    assert_string_equal(plugin->entry.prefix, "/old");
    assert_null(plugin->entry.tag);
    plugin_close(plugin);
}

static void test_a_newer_plugin_is_loaded_if_it_uses_nothing_new(void **state) {
    struct world *world = *state;
    drop_in(world, "newer_unused");
    struct plugin *plugin;

    if (load(world, "newer_unused", 1, &plugin) != 0)
        complain("%s", said(world));
    plugin_close(plugin);

    expect_broken(world, "newer", "uses an option that this server does not know");
    expect_said(world, arena_format(&world->arena, "it is built for version %d.%d of the plugin interface, this server for %d.%d",
                                    LEAT_ABI_MAJOR, LEAT_ABI_MINOR + 1, LEAT_ABI_MAJOR, LEAT_ABI_MINOR)
                           .ptr);
}

static void test_another_interface_is_refused_before_any_of_its_code_runs(void **state) {
    struct world *world = *state;
    expect_broken(world, "wrong_major", "is built for version 2 of leat's plugin interface, and this server speaks version 1");
    assert_null(getenv("WRONG_MAJOR_RAN"));
}

static void test_what_is_no_plugin_of_ours_is_refused(void **state) {
    struct world *world = *state;
    expect_broken(world, "wrong_magic", "does not begin with leat's magic number");
    expect_broken(world, "no_entry", "exports no leat_plugin_entry");
}

static void test_names_and_prefixes_that_cannot_be_are_refused(void **state) {
    struct world *world = *state;
    expect_broken(world, "bad_name", "its name is no name");
    expect_broken(world, "bad_prefix", "its .prefix does not begin with '/', or ends with one");
}

static void test_an_item_of_an_unknown_kind_is_named_by_file_and_line(void **state) {
    struct world *world = *state;
    drop_in(world, "unknown_item");
    struct plugin *plugin;

    assert_int_equal(load(world, "unknown_item", 1, &plugin), -EINVAL);

    expect_said(world, "unknown_item.c:4: error: a declaration of kind 200 is unknown to this server");
    expect_said(world, "; update the server");
}

static void test_a_missing_function_is_named(void **state) {
    struct world *world = *state;
    expect_broken(world, "missing_symbol", "uses the function 'leat_of_a_later_version', which this server does not have");
}

static void test_a_truncated_or_a_foreign_file_is_refused_by_the_server_and_not_by_a_signal(void **state) {
    struct world *world = *state;
    str bytes = built_plugin(world, "good");
    write_file(world, "half.so", bytes.ptr, bytes.len / 2);
    write_file(world, "text.so", "int main;\n", 10);
    write_file(world, "empty.so", "", 0);

    expect_refusal(world, "half", "is truncated");
    expect_refusal(world, "text", "is a text file");
    expect_refusal(world, "empty", "is empty");
    expect_refusal(world, "nowhere", "cannot be opened");
}

// The one that is linked in.
static const leat_plugin builtin = {
    .magic = LEAT_MAGIC, .abi_major = LEAT_ABI_MAJOR, .size = sizeof(leat_plugin), .name = "builtin", .prefix = "/b"};

static void test_the_one_that_is_linked_in_passes_the_same_checks(void **state) {
    struct world *world = *state;
    struct plugin *plugin;
    assert_int_equal(plugin_open_builtin(&builtin, 1, &world->messages, &plugin), 0);
    assert_string_equal(plugin->entry.name, "builtin");
    plugin_close(plugin);

    leat_plugin bad = builtin;
    bad.name = "not a name";
    assert_int_equal(plugin_open_builtin(&bad, 1, &world->messages, &plugin), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_good_plugin_is_loaded_with_its_items_in_order),
        TEST(test_two_generations_live_side_by_side_and_leave_no_file),
        TEST(test_an_older_plugin_has_zeros_where_it_knew_nothing),
        TEST(test_a_newer_plugin_is_loaded_if_it_uses_nothing_new),
        TEST(test_another_interface_is_refused_before_any_of_its_code_runs),
        TEST(test_what_is_no_plugin_of_ours_is_refused),
        TEST(test_names_and_prefixes_that_cannot_be_are_refused),
        TEST(test_an_item_of_an_unknown_kind_is_named_by_file_and_line),
        TEST(test_a_missing_function_is_named),
        TEST(test_a_truncated_or_a_foreign_file_is_refused_by_the_server_and_not_by_a_signal),
        TEST(test_the_one_that_is_linked_in_passes_the_same_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
