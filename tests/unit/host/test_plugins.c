// test_plugins.c — a set of plugins: found, ordered, checked against one another, started and ended.
#include "base/str.h"
#include "world.h"

#include "app/openapi.h"
#include "host/plugins.h"

static const struct openapi_info info = {"tests", "1", NULL};

static int open_set(struct world *world, struct plugin_set **ret_set) {
    static const char *folders[1];
    folders[0] = world->folder;
    struct plugin_set_options options = {.folders = folders, .folder_count = 1, .private_folder = world->copies, .generation = 1};
    return plugin_set_open(&options, &world->messages, ret_set);
}

static struct plugin_set *opened(struct world *world) {
    struct plugin_set *set;
    if (open_set(world, &set) != 0)
        complain("%s", said(world));
    return set;
}

static int bind_set(struct world *world, struct plugin_set *set, const char *name, const char *value) {
    struct environment environment;
    environment_init(&environment, &world->arena);
    if (name)
        environment_put(&environment, FROM_FILE, str_of(name), str_of(value));
    return plugin_set_bind(set, &environment, &world->messages);
}

// Opens, binds, compiles; fails the test unless the last of these refuses with `words`.
static void expect_uncompilable(struct world *world, const char *words) {
    struct plugin_set *set = opened(world);
    assert_int_equal(bind_set(world, set, NULL, NULL), 0);
    assert_int_equal(plugin_set_compile(set, &info, &world->messages), -EINVAL);
    expect_said(world, words);
    plugin_set_close(set);
}

static void test_a_set_is_started_and_ended_with_its_settings_bound(void **state) {
    struct world *world = *state;
    drop_in(world, "good");
    drop_in(world, "older");
    write_file(world, "README.txt", "no plugin", 9);
    write_file(world, ".hidden.so", "no plugin", 9);
    struct plugin_set *set = opened(world);
    assert_int_equal(set->count, 2);
    if (bind_set(world, set, "GOOD_GREETING_COUNT", "7") || plugin_set_compile(set, &info, &world->messages))
        complain("%s", said(world));

    assert_int_equal(plugin_set_start(set, &world->messages), 0);

    assert_string_equal(getenv("GOOD_LOADED"), "7");
    assert_int_equal(snapshot_endpoint_count(set->snapshot), 2);
    assert_string_equal(endpoint_path(snapshot_endpoint(set->snapshot, 0)), "/v1/greeting/{name}");
    plugin_set_close(set);
    assert_null(getenv("GOOD_LOADED"));
}

static void test_every_broken_plugin_is_named_and_none_is_loaded(void **state) {
    struct world *world = *state;
    drop_in(world, "good");
    drop_in(world, "wrong_magic");
    drop_in(world, "missing_symbol");
    struct plugin_set *set = NULL;

    assert_int_equal(open_set(world, &set), -EINVAL);

    assert_null(set);
    expect_said(world, "wrong_magic.so: error:");
    expect_said(world, "missing_symbol.so: error:");
    expect_unsaid(world, "good.so");
    assert_int_equal(rmdir(world->copies), 0);
}

static void test_two_plugins_of_one_name_are_refused_with_both_their_files(void **state) {
    struct world *world = *state;
    drop_in(world, "good");
    drop_in(world, "same_name");
    struct plugin_set *set;

    assert_int_equal(open_set(world, &set), -EINVAL);

    expect_said(world, "same_name.so: error: is named 'good' as ");
    expect_said(world, "good.so is; remove one of the two");
}

static void test_what_is_required_comes_first(void **state) {
    struct world *world = *state;
    drop_in(world, "imports_text");
    drop_in(world, "provides_number");
    struct plugin_set *set = opened(world);

    assert_string_equal(set->plugins[0]->entry.name, "provides_number");
    assert_string_equal(set->plugins[1]->entry.name, "imports_text");
    plugin_set_close(set);
}

static void test_what_is_required_and_nowhere_is_named(void **state) {
    struct world *world = *state;
    drop_in(world, "requires_lost");
    struct plugin_set *set;

    assert_int_equal(open_set(world, &set), -EINVAL);

    expect_said(world, "requires_lost.so: error: 'requires_lost' requires the plugin 'nowhere', which is in none of the plugin folders");
}

static void test_a_circle_of_requirements_is_told_whole(void **state) {
    struct world *world = *state;
    drop_in(world, "circle_a");
    drop_in(world, "circle_b");
    struct plugin_set *set;

    assert_int_equal(open_set(world, &set), -EINVAL);

    expect_said(world, "circle_a -> circle_b -> circle_a");
}

static void test_settings_that_are_missing_are_named_before_any_hook_runs(void **state) {
    struct world *world = *state;
    drop_in(world, "good");
    drop_in(world, "bad_setting");
    struct plugin_set *set = opened(world);

    assert_int_equal(bind_set(world, set, "GOOD_GREETING_COUNT", "77"), -EINVAL);

    expect_said(world, "good.so: error: GOOD_GREETING_COUNT in .env: Input should be less than or equal to 9");
    expect_said(world, "bad_setting.so: error: BAD_SETTING_API_KEY: Field required");
    expect_said(world, "bad_setting.so: error: BAD_SETTING_RETRY_COUNT: Field required");
    plugin_set_close(set);
    assert_null(getenv("GOOD_LOADED"));
}

static void test_a_hook_that_refuses_unloads_those_before_it(void **state) {
    struct world *world = *state;
    drop_in(world, "failing_load");
    drop_in(world, "good");
    rename(path_in(world, "good.so"), path_in(world, "a_good.so")); // before it
    struct plugin_set *set = opened(world);
    assert_int_equal(bind_set(world, set, NULL, NULL), 0);

    assert_int_equal(plugin_set_start(set, &world->messages), -EINVAL);

    expect_said(world, "failing_load.so: error: on_load of 'failing_load' refused with -2: No such file or directory");
    assert_null(getenv("GOOD_LOADED"));
    plugin_set_close(set);
}

static void test_a_hook_that_refuses_a_core_is_named(void **state) {
    struct world *world = *state;
    drop_in(world, "failing_worker");
    struct plugin_set *set = opened(world);
    struct plugin *refuser = NULL;

    assert_int_equal(plugin_set_start_on_core(set, 0, &refuser), -ENOMEM);

    assert_string_equal(refuser->entry.name, "failing_worker");
    plugin_set_close(set);
}

static void test_a_route_that_another_plugin_has_is_refused(void **state) {
    drop_in(*state, "good");
    drop_in(*state, "same_route");
    expect_uncompilable(*state, "same_route.c:6: error:");
}

static void test_an_import_that_nobody_provides_is_refused(void **state) {
    drop_in(*state, "good");
    drop_in(*state, "lost_import");
    expect_uncompilable(*state, "lost_import.c:4: error:");
}

// promise n8
static void test_an_import_of_another_type_is_refused(void **state) {
    drop_in(*state, "provides_number");
    drop_in(*state, "imports_text");
    expect_uncompilable(*state,
                        "imports_text.c:4: error: 'get_number' is uuid (16 bytes) here but i64 (8 bytes) in plugin 'provides_number'");
}

static void test_an_import_of_a_struct_with_other_members_is_refused(void **state) {
    drop_in(*state, "provides_number");
    drop_in(*state, "imports_other_struct");
    expect_uncompilable(*state, "imports_other_struct.c:6: error: 'get_shared' is Shared * here and in plugin 'provides_number'");
    expect_said(*state, "member 'colour' is Colour at 8 here but Colour at 8 with other insides there");
}

static void test_an_import_that_is_wrong_is_said_once_however_many_need_it(void **state) {
    struct world *world = *state;
    drop_in(world, "provides_number");
    drop_in(world, "imports_text");
    expect_uncompilable(world, "imports_text.c:4: error:");
    const char *first = strstr(said(world), "imports_text.c:4: error:");
    assert_null(strstr(first + 1, "imports_text.c:4: error:"));
}

static void test_providers_that_want_one_another_are_refused(void **state) {
    drop_in(*state, "provider_circle");
    expect_uncompilable(*state, "provider_circle.c:");
}

static void test_a_path_without_its_parameter_is_refused(void **state) {
    drop_in(*state, "lost_parameter");
    expect_uncompilable(*state, "lost_parameter.c:6: error:");
}

static void test_folders_of_migrations_are_found_from_the_root_and_missed_aloud(void **state) {
    struct world *world = *state;
    drop_in(world, "good");
    struct plugin_set *set = opened(world);
    struct migration_folder *folders;
    unsigned count;
    assert_int_equal(plugin_set_migrations(set, world->folder, &world->arena, &world->messages, &folders, &count), -EINVAL);
    expect_said(world, "good.so: error: its migrations 'migrations/good' are neither in the working folder nor in");

    mkdir(path_in(world, "migrations"), 0755);
    mkdir(path_in(world, "migrations/good"), 0755);
    assert_int_equal(plugin_set_migrations(set, world->folder, &world->arena, &world->messages, &folders, &count), 0);

    assert_int_equal(count, 1);
    assert_string_equal(folders[0].plugin, "good");
    assert_string_equal(folders[0].path, path_in(world, "migrations/good"));
    plugin_set_close(set);
}

static void test_a_folder_that_is_not_there_is_said(void **state) {
    struct world *world = *state;
    const char *folders[] = {"/nowhere/at/all"};
    struct plugin_set_options options = {.folders = folders, .folder_count = 1, .private_folder = world->copies, .generation = 1};
    struct plugin_set *set;

    assert_int_equal(plugin_set_open(&options, &world->messages, &set), -EINVAL);

    expect_said(world, "/nowhere/at/all: error: there is no such folder of plugins");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_set_is_started_and_ended_with_its_settings_bound),
        TEST(test_every_broken_plugin_is_named_and_none_is_loaded),
        TEST(test_two_plugins_of_one_name_are_refused_with_both_their_files),
        TEST(test_what_is_required_comes_first),
        TEST(test_what_is_required_and_nowhere_is_named),
        TEST(test_a_circle_of_requirements_is_told_whole),
        TEST(test_settings_that_are_missing_are_named_before_any_hook_runs),
        TEST(test_a_hook_that_refuses_unloads_those_before_it),
        TEST(test_a_hook_that_refuses_a_core_is_named),
        TEST(test_a_route_that_another_plugin_has_is_refused),
        TEST(test_an_import_that_nobody_provides_is_refused),
        TEST(test_an_import_of_another_type_is_refused),
        TEST(test_an_import_of_a_struct_with_other_members_is_refused),
        TEST(test_an_import_that_is_wrong_is_said_once_however_many_need_it),
        TEST(test_providers_that_want_one_another_are_refused),
        TEST(test_a_path_without_its_parameter_is_refused),
        TEST(test_folders_of_migrations_are_found_from_the_root_and_missed_aloud),
        TEST(test_a_folder_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
