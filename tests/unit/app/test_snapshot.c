// test_snapshot.c — tests of app/snapshot.c and of app/endpoint.c: what is refused before it serves, and in which words.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <leat/leat.h>

#include "app/endpoint.h"
#include "app/openapi.h"
#include "app/snapshot_internal.h"
#include "app/work.h"
#include "arena_fixture.h"

static struct snapshot *snapshot;
static str messages;

static int set_up(void **state) {
    arena_set_up(state);
    snapshot = NULL;
    messages = (str){0};
    return 0;
}

static int tear_down(void **state) {
    snapshot_destroy(snapshot);
    return arena_tear_down(state);
}

// ---- declarations as a plugin would make them; each test takes the items it wants

#pragma GCC diagnostic ignored "-Wunused-parameter" // nobody calls these handlers

SCHEMA(Note, (i64, id), (str, text, .min_length = 1));
ERROR(note_not_found, 404, "Note not found");
ERROR(note_locked, 409, "Note is locked");

PROVIDE(get_owner, uuid, (header(str, x_owner), depends(get_db, db)), .errors = ERRORS(note_locked)) {
    return (uuid){0};
}
PROVIDE(get_note, Note *, (depends(get_owner, owner), path(i64, note_id, .ge = 1), depends(get_db, db))) {
    return NULL;
}
PROVIDER(chicken, int);
PROVIDE(egg, int, (depends(chicken, c))) {
    return c;
}
PROVIDE(chicken, int, (depends(egg, e))) {
    return e;
}

IMPORT(from_nowhere, uuid, "nowhere");
IMPORT(unknown_name, uuid, "notes");
// the same name as get_owner with another type: a struct of its own, for the macro would define it twice
static const leat_provider owner_as_i64 = {
    .base = LEAT_ITEM(LEAT_ITEM_IMPORT, leat_provider), .bytes = 8, .name = "get_owner", .type_name = "i64", .from = "notes"};

GET("/notes/{note_id}", read_note, Note, (depends(get_note, note), query(str, q, .optional = true)), .errors = ERRORS(note_not_found)) {
    return note;
}
GET("/notes/{other}", read_other, Note, (path(i64, other))) {
    return NULL;
}
POST("/notes", make_note, Note, (body(Note, in)), .status = 201) {
    return NULL;
}
POST("/twice", two_bodies, Note, (body(Note, a), form(Note, b))) {
    return NULL;
}
GET("/unread/{name}", leaves_unread, Note, ()) {
    return NULL;
}
GET("no-slash", no_slash, Note, ()) {
    return NULL;
}
GET("/cycle", cycle, Note, (depends(egg, e))) {
    return NULL;
}
GET("/pattern", bad_pattern, Note, (query(str, q, .pattern = "["))) {
    return NULL;
}
DELETE("/notes/{note_id}", remove_note, Empty, (path(i64, note_id))) {
    return NULL;
}

PROVIDE(get_keeper, uuid, (depends(get_owner, owner))) {
    return owner;
}
GET("/guarded", guarded_note, Note, (), .guards = GUARDS(get_keeper)) {
    return NULL;
}
PROVIDE(get_model, Note *, (depends(get_db, db)), .per_worker = true) {
    return NULL;
}
GET("/model", model_route, Note, (depends(get_model, m))) {
    return m;
}
PROVIDER(hen, int);
PROVIDE(hatched, int, (depends(hen, h)), .per_worker = true) {
    return h;
}
PROVIDE(hen, int, (depends(hatched, h)), .per_worker = true) {
    return h;
}
GET("/hen", hen_route, Note, (depends(hen, h))) {
    return NULL;
}
PROVIDE(get_numbers, int, (), .per_worker = true) {
    return 1;
}
PROVIDE(get_table, int, (depends(get_numbers, n)), .per_worker = true) {
    return n;
}
GET("/table", table_route, Note, (depends(get_table, t), depends(get_numbers, n))) {
    return NULL;
}
ON_START(reads_header, (depends(get_owner, owner))) {
}
EVERY(wants_token, 1, (depends(bearer_token, token))) {
}
EVERY(too_often, 0.05, ()) {
}
ON_START(start_per_core, (), .per_core = true) {
}
static const leat_plugin guarded = {.name = "guarded", .guards = GUARDS(get_owner)};
ERROR_SHAPE(Note, failure, out) {
    out->text = failure->detail;
}
SCHEMA(Other, (str, text));
ERROR_SHAPE(Other, failure, out) {
    out->text = failure->detail;
}
ON_REQUEST(read_body, (body(Note, in))) {
    return NULL;
}

PROVIDE(get_caller, str, (depends(bearer_token, token))) {
    return token;
}
GET("/cached/{note_id}", cached_note, Note, (path(i64, note_id)), .cache_s = 60, .cache_tags = "notes, note:{note_id}") {
    return NULL;
}
POST("/cached", cached_post, Note, (), .cache_s = 60) {
    return NULL;
}
GET("/cached-body", cached_body, Note, (body(Note, in)), .cache_s = 60) {
    return NULL;
}
GET("/cached-mine", cached_mine, Note, (depends(get_caller, caller)), .cache_s = 60) {
    return NULL;
}
GET("/cached-each", cached_each, Note, (depends(get_caller, caller)), .cache_s = 60, .cache_per_user = true) {
    return NULL;
}
GET("/cached-brace", cached_brace, Note, (), .cache_s = 60, .cache_tags = "note:{note_id}") {
    return NULL;
}
GET("/cached-open", cached_open, Note, (), .cache_s = 60, .cache_tags = "note:{id") {
    return NULL;
}
GET("/cached-empty", cached_empty, Note, (), .cache_s = 60, .cache_tags = "a,,b") {
    return NULL;
}
GET("/cached-many", cached_many, Note, (), .cache_s = 60, .cache_tags = "a,b,c,d,e,f,g,h,i") {
    return NULL;
}
GET("/cached-long", cached_long, Note, (), .cache_s = 604801) {
    return NULL;
}
GET("/cached-never", cached_never, Note, (), .cache_tags = "a") {
    return NULL;
}

static int create(const leat_item *const *items, size_t count) {
    static leat_plugin plugin = {.name = "notes", .prefix = "/v1", .tag = "notes"};
    struct plugin_view view = {.plugin = &plugin, .items = items, .item_count = count};
    return snapshot_create(&view, 1, &arena, &snapshot, &messages);
}

#define CREATE(...) create((const leat_item *const[]){__VA_ARGS__}, sizeof((const leat_item *const[]){__VA_ARGS__}) / sizeof(leat_item *))

static void expect_in(str text, const char *words) {
    bool is_in = memmem(text.ptr, text.len, words, strlen(words));
    if (!is_in)
        print_error("'%s' is not in: %.*s\n", words, (int)text.len, text.ptr);
    assert_true(is_in);
}

static void expect_refusal(int status, const char *words) {
    assert_int_equal(status, -EINVAL);
    assert_non_null(messages.ptr);
    expect_in(messages, words);
    assert_non_null(memmem(messages.ptr, messages.len, "test_snapshot.c:", 16));
    assert_non_null(memmem(messages.ptr, messages.len, ": error: ", 9));
}

// ---- what is served

// promise 2
static void test_snapshot_puts_the_prefix_before_every_path(void **state) {
    (void)state;
    assert_int_equal(CREATE(&read_note__route.base, &make_note__route.base), 0);
    struct router_match match;
    router_match(snapshot->router, HTTP_GET, S("/v1/notes/7"), &match);
    assert_non_null(match.target);
    assert_string_equal(endpoint_path(match.target), "/v1/notes/{note_id}");
    assert_ptr_equal(endpoint_route(match.target), &read_note__route);
}

static void test_snapshot_gives_an_empty_answer_204_and_others_what_they_say(void **state) {
    (void)state;
    assert_int_equal(CREATE(&read_note__route.base, &make_note__route.base, &remove_note__route.base), 0);
    assert_int_equal(snapshot_endpoint(snapshot, 0)->status, 200);
    assert_int_equal(snapshot_endpoint(snapshot, 1)->status, 201);
    assert_int_equal(snapshot_endpoint(snapshot, 2)->status, 204);
}

static void test_snapshot_puts_a_plugins_guards_before_those_of_its_routes(void **state) {
    (void)state;
    const leat_item *items[] = {&guarded_note__route.base};
    struct plugin_view view = {.plugin = &guarded, .items = items, .item_count = 1};
    assert_int_equal(snapshot_create(&view, 1, &arena, &snapshot, &messages), 0);
    const struct endpoint *endpoint = snapshot_endpoint(snapshot, 0);
    const char *expected[] = {"get_db", "get_owner", "get_keeper"};
    unsigned calls = 0;
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (endpoint->steps[i].kind == STEP_CALL)
            assert_string_equal(endpoint->steps[i].provider->name, expected[calls++]);
    assert_int_equal(calls, 3);
    assert_ptr_equal(endpoint->errors[0], &note_locked); // and so they are in the documents
}

static void test_snapshot_refuses_two_shapes_of_errors_and_a_hook_that_reads_the_body(void **state) {
    (void)state;
    expect_refusal(CREATE(&Note__error_shape.base, &Other__error_shape.base, &read_body__hook.base),
                   "errors have a shape already, 'Note' (tests/unit/app/test_snapshot.c:");
    expect_in(messages, "hook 'read_body' reads the body, which is its route's to read");
}

static void test_snapshot_refuses_a_value_per_core_that_depends_on_a_request(void **state) {
    (void)state;
    expect_refusal(CREATE(&model_route__route.base),
                   "'get_model' is made once per core and cannot depend on 'get_db', which is made for each request");
}

static void test_snapshot_names_a_cycle_of_values_per_core(void **state) {
    (void)state;
    expect_refusal(CREATE(&hen_route__route.base), "providers depend on each other: hen -> hatched -> hen");
}

static void test_snapshot_refuses_work_that_reads_a_request_and_periods_that_cannot_be(void **state) {
    (void)state;
    expect_refusal(CREATE(&reads_header__work.base, &wants_token__work.base, &too_often__work.base, &start_per_core__work.base),
                   "ON_START 'reads_header' runs without a request, from which 'x_owner' would be read; it may take depends()");
    expect_in(messages, "EVERY 'wants_token' runs without a client, whose token 'bearer_token' would read");
    expect_in(messages, "EVERY 'too_often': 0.05 is no number of seconds from 0.1 to 31622400");
    expect_in(messages, "ON_START 'start_per_core' runs once a process; .per_core and .at_start are EVERY's");
}

static void test_snapshot_makes_what_a_value_per_core_needs_before_it(void **state) {
    (void)state;
    assert_int_equal(CREATE(&table_route__route.base), 0);
    assert_int_equal(snapshot->maker_count, 2);
    assert_string_equal(snapshot->makers[0]->name, "get_numbers");
    assert_string_equal(snapshot->makers[1]->name, "get_table");
}

static int index_of_call(const struct endpoint *endpoint, const char *provider) {
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (endpoint->steps[i].kind == STEP_CALL && strcmp(endpoint->steps[i].provider->name, provider) == 0)
            return (int)i;
    return -1;
}

static void test_snapshot_orders_a_program_by_its_dependencies(void **state) {
    (void)state;
    assert_int_equal(CREATE(&read_note__route.base), 0);
    const struct endpoint *endpoint = snapshot_endpoint(snapshot, 0);
    int db = index_of_call(endpoint, "get_db"), owner = index_of_call(endpoint, "get_owner"), note = index_of_call(endpoint, "get_note");
    assert_true(db >= 0 && db < owner && owner < note);
    assert_int_equal(endpoint->steps[endpoint->step_count - 1].kind, STEP_QUERY); // the handler's own come last
}

// promise 28
static void test_snapshot_calls_a_provider_once_for_all_who_ask(void **state) {
    (void)state;
    assert_int_equal(CREATE(&read_note__route.base), 0);
    const struct endpoint *endpoint = snapshot_endpoint(snapshot, 0);
    unsigned calls = 0;
    for (unsigned i = 0; i < endpoint->step_count; i++)
        calls += endpoint->steps[i].kind == STEP_CALL && endpoint->steps[i].provider == &get_db__provider;
    assert_int_equal(calls, 1);
}

static void test_snapshot_keeps_the_arguments_of_all_units_apart(void **state) {
    (void)state;
    assert_int_equal(CREATE(&read_note__route.base), 0);
    const struct endpoint *endpoint = snapshot_endpoint(snapshot, 0);
    for (unsigned i = 0; i < endpoint->step_count; i++)
        for (unsigned k = 0; k < i; k++) {
            const struct step *a = &endpoint->steps[i], *b = &endpoint->steps[k];
            uint32_t a_bytes = a->kind == STEP_CALL ? a->provider->bytes : a->bytes,
                     b_bytes = b->kind == STEP_CALL ? b->provider->bytes : b->bytes;
            assert_true(a->to + a_bytes <= b->to || b->to + b_bytes <= a->to);
            assert_true(a->to + a_bytes <= endpoint->frame_bytes);
        }
}

static void test_snapshot_gathers_the_errors_of_a_route_and_of_its_providers(void **state) {
    (void)state;
    assert_int_equal(CREATE(&read_note__route.base), 0);
    const leat_error *const *errors = snapshot_endpoint(snapshot, 0)->errors;
    assert_ptr_equal(errors[0], &note_not_found);
    assert_ptr_equal(errors[1], &note_locked);
    assert_null(errors[2]);
}

static void test_snapshot_describes_itself(void **state) {
    (void)state;
    assert_int_equal(CREATE(&read_note__route.base, &make_note__route.base), 0);
    str document = openapi_make(snapshot, &(struct openapi_info){.title = "t", .version = "1"}, &arena);
    static const char *const parts[] = {"\"openapi\":\"3.1.0\"",
                                        "\"/v1/notes/{note_id}\":{\"get\":",
                                        "\"operationId\":\"read_note_v1_notes__note_id__get\"",
                                        "{\"name\":\"note_id\",\"in\":\"path\",\"required\":true,",
                                        "{\"name\":\"x-owner\",\"in\":\"header\",\"required\":true,",
                                        "{\"name\":\"q\",\"in\":\"query\",\"required\":false,",
                                        "\"404\":{\"description\":\"Not Found\"",
                                        "\"409\":{\"description\":\"Conflict\"",
                                        "\"minLength\":1",
                                        "\"required\":[\"id\",\"text\"]"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        expect_in(document, parts[i]);
}

// ---- what is refused

static void test_snapshot_refuses_two_routes_of_one_shape_and_names_both(void **state) {
    (void)state;
    expect_refusal(CREATE(&read_note__route.base, &read_other__route.base), "GET /v1/notes/{other} is served already, by 'read_note'");
}

GET("/typed", typed, Note, (), .produces = "text/html") {
    return new (r, Note);
}
GET("/odd", odd, Response, (), .produces = "text/html, html") {
    return text(r, S(""));
}

static void test_snapshot_refuses_a_type_that_is_none_or_is_known(void **state) {
    (void)state;
    expect_refusal(CREATE(&typed__route.base, &odd__route.base),
                   "route 'typed' returns Note, whose type is known: .produces is for a Response");
    expect_in(messages, "route 'odd': .produces holds 'html', which is no media type");
}

static void test_snapshot_refuses_a_second_body(void **state) {
    (void)state;
    expect_refusal(CREATE(&two_bodies__route.base), "reads its body twice");
}

static void test_snapshot_refuses_a_path_that_nobody_reads(void **state) {
    (void)state;
    expect_refusal(CREATE(&leaves_unread__route.base), "no path() parameter reads {name}");
}

static void test_snapshot_refuses_a_path_that_is_none(void **state) {
    (void)state;
    expect_refusal(CREATE(&no_slash__route.base), "is no path");
}

static void test_snapshot_refuses_providers_that_depend_on_each_other(void **state) {
    (void)state;
    expect_refusal(CREATE(&cycle__route.base), "egg -> chicken -> egg");
}

static void test_snapshot_refuses_a_pattern_that_does_not_compile(void **state) {
    (void)state;
    expect_refusal(CREATE(&bad_pattern__route.base), "pattern");
}

static void test_snapshot_refuses_an_import_of_a_plugin_that_is_not_there(void **state) {
    (void)state;
    expect_refusal(CREATE(&from_nowhere__provider.base), "'from_nowhere' is imported from plugin 'nowhere', which is not loaded");
}

static void test_snapshot_refuses_an_import_of_what_is_not_provided(void **state) {
    (void)state;
    expect_refusal(CREATE(&unknown_name__provider.base), "plugin 'notes' provides no 'unknown_name'");
}

static void test_snapshot_refuses_an_import_of_another_type(void **state) {
    (void)state;
    expect_refusal(CREATE(&get_owner__provider.base, &owner_as_i64.base),
                   "'get_owner' is i64 (8 bytes) here but uuid (16 bytes) in plugin 'notes'");
}

static void test_snapshot_says_all_that_is_wrong_at_once(void **state) {
    (void)state;
    int status = CREATE(&two_bodies__route.base, &leaves_unread__route.base, &from_nowhere__provider.base);
    expect_refusal(status, "reads its body twice");
    expect_refusal(status, "no path() parameter reads {name}");
    expect_refusal(status, "which is not loaded");
}

static void expect_uncacheable(const leat_route *route, const char *words) {
    const leat_item *items[] = {&route->base};
    assert_int_equal(create(items, 1), -EINVAL);
    assert_non_null(memmem(messages.ptr, messages.len, words, strlen(words)));
    messages = (str){0};
}

static void test_what_may_not_be_cached_is_refused_with_its_remedy(void **state) {
    (void)state;
    expect_uncacheable(&cached_post__route, "route 'cached_post': the answers of a GET are cached, and of nothing else");
    expect_uncacheable(&cached_body__route, "what a body says is no part of the key");
    expect_uncacheable(&cached_mine__route, "depends on 'bearer_token', on who is asking; cached, it would be everybody's");
    expect_uncacheable(&cached_brace__route, "names {note_id}, and the path has no such parameter");
    expect_uncacheable(&cached_open__route, "is not closed");
    expect_uncacheable(&cached_empty__route, "is empty");
    expect_uncacheable(&cached_many__route, "more than 8 tags");
    expect_uncacheable(&cached_long__route, "it is a number of seconds from 1 to 604800, a week");
    expect_uncacheable(&cached_never__route, "say for how long with .cache_s");
}

static void test_what_may_be_cached_is(void **state) {
    (void)state;
    const leat_item *items[] = {&cached_note__route.base, &cached_each__route.base};
    assert_int_equal(create(items, 2), 0);
    assert_non_null(snapshot_endpoint(snapshot, 0)->cached);
    assert_non_null(snapshot_endpoint(snapshot, 1)->cached);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_may_not_be_cached_is_refused_with_its_remedy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_may_be_cached_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_puts_the_prefix_before_every_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_gives_an_empty_answer_204_and_others_what_they_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_puts_a_plugins_guards_before_those_of_its_routes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_two_shapes_of_errors_and_a_hook_that_reads_the_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_a_value_per_core_that_depends_on_a_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_names_a_cycle_of_values_per_core, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_work_that_reads_a_request_and_periods_that_cannot_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_makes_what_a_value_per_core_needs_before_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_orders_a_program_by_its_dependencies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_calls_a_provider_once_for_all_who_ask, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_keeps_the_arguments_of_all_units_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_gathers_the_errors_of_a_route_and_of_its_providers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_describes_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_two_routes_of_one_shape_and_names_both, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_a_type_that_is_none_or_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_a_second_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_a_path_that_nobody_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_a_path_that_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_providers_that_depend_on_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_a_pattern_that_does_not_compile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_an_import_of_a_plugin_that_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_an_import_of_what_is_not_provided, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_refuses_an_import_of_another_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot_says_all_that_is_wrong_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
