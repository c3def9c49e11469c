// test_model.c — declarations: what is wrong with one is said in the compiler's shape, before any request.
#include "subject.h"

#include "schema/compiled.h"

ENUM(Colour, red, blue);
SCHEMA(BadPattern, (str, slug, .pattern = "^[a-z+$"));
SCHEMA(BadLength, (str, name, .min_length = 5, .max_length = 4));
SCHEMA(BadBounds, (i64, n, .ge = 5, .le = 4));
SCHEMA(BadOpenBounds, (i32, n, .gt = 4, .lt = 5));
SCHEMA(BadReals, (f64, n, .ge = 5, .lt = 4));
SCHEMA(BadMultiple, (i64, n, .multiple_of = -1));
SCHEMA(BadDefault, (i64, limit, .le = 100, .def = 101));
SCHEMA(BadText, (str, name, .max_length = 2, .def = "abc"));
SCHEMA(BadEmail, (str, email, .format = EMAIL, .def = "nobody"));
SCHEMA(BadEnum, (Colour, colour, .def = (Colour)3));
SCHEMA(BadAlias, (str, a), (str, b, .alias = "a"));
SCHEMA(EmptyAlias, (str, a, .alias = ""));
SCHEMA(BadAccess, (str, a, .read_only = true, .write_only = true));
SCHEMA(BadItems, (i64_list, ids, .min_items = 2, .max_items = 1));
SCHEMA(Inner, (BadPattern, inner));
SCHEMA(Good, (str, name, .pattern = "^a+$", .def = "aa"), (i64, n, .def = 3, .ge = 3), (f64, x, .def = 0.5),
       (Colour, c, .def = Colour_red));
SCHEMA(Nested, (Good, a), (Good_list, b));

static const struct {
    const leat_schema *schema;
    const char *message; // behind "file:line: error: "
} bad[] = {
    {&BadPattern__schema, "pattern of 'slug' does not compile: missing terminating ] for character class at offset 7"},
    {&BadLength__schema, "min_length of 'name' (5) is more than its max_length (4)"},
    {&BadBounds__schema, "the bounds of 'n' leave no value"},
    {&BadOpenBounds__schema, "the bounds of 'n' leave no value"},
    {&BadReals__schema, "the bounds of 'n' leave no value"},
    {&BadMultiple__schema, "multiple_of of 'n' is negative"},
    {&BadDefault__schema, "default of 'limit' is none of its values: Input should be less than or equal to 100"},
    {&BadText__schema, "default of 'name' is none of its values: String should have at most 2 characters"},
    {&BadEmail__schema,
     "default of 'email' is none of its values: value is not a valid email address: An email address must have an @-sign."},
    {&BadEnum__schema, "default of 'colour' is none of its values"},
    {&BadAlias__schema, "'a' and 'b' are both named 'a'"},
    {&EmptyAlias__schema, "'a' has an empty alias"},
    {&BadAccess__schema, "'a' is read_only and write_only at once"},
    {&BadItems__schema, "min_items of 'ids' (2) is more than its max_items (1)"},
    {&Inner__schema, "pattern of 'slug' does not compile: missing terminating ] for character class at offset 7"},
    {&BadPattern_list__schema, "pattern of 'slug' does not compile: missing terminating ] for character class at offset 7"},
};

static void expect_refusal(int error, str message, const char *expected) {
    char text[500];
    assert_int_equal(error, -EINVAL);
    snprintf(text, sizeof text, "%.*s", (int)message.len, message.ptr);
    char *where = strstr(text, "test_model.c:");
    assert_non_null(where);
    unsigned line = 0;
    int bytes = 0;
    assert_int_equal(sscanf(where, "test_model.c:%u: error: %n", &line, &bytes), 1);
    assert_true(line > 5 && line < 400);
    expect_answer("message", where + bytes, expected);
}

static int compile(const leat_schema *schema, const struct model **ret_model, str *ret_message) {
    struct model_set *set;
    subject_reset();
    assert_int_equal(model_set_create(&set), 0);
    int error = model_compile(set, schema, &subject_arena, ret_model, ret_message);
    model_set_destroy(set);
    return error;
}

static void test_each_mistake_is_told_at_the_authors_line(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct model *model;
        str message = S("");
        int error = compile(bad[i].schema, &model, &message);
        expect_refusal(error, message, bad[i].message);
    }
}

static void test_a_schema_is_compiled_once_in_a_set(void **state) {
    (void)state;
    struct model_set *set;
    const struct model *first, *second, *nested;
    str message;
    subject_reset();
    assert_int_equal(model_set_create(&set), 0);
    assert_int_equal(model_compile(set, &Good__schema, &subject_arena, &first, &message), 0);
    assert_int_equal(model_compile(set, &Good__schema, &subject_arena, &second, &message), 0);
    assert_int_equal(model_compile(set, &Nested__schema, &subject_arena, &nested, &message), 0);
    assert_ptr_equal(first, second);
    assert_ptr_equal(nested->members[0].rule.model, first);
    assert_ptr_equal(nested->members[1].rule.list.item->model, first);
    model_set_destroy(set);
    model_set_destroy(NULL);
}

static void test_a_failed_schema_can_be_tried_again_and_fails_again(void **state) {
    (void)state;
    struct model_set *set;
    const struct model *model;
    str message;
    subject_reset();
    assert_int_equal(model_set_create(&set), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(model_compile(set, &Inner__schema, &subject_arena, &model, &message), -EINVAL);
    assert_int_equal(model_compile(set, &Good__schema, &subject_arena, &model, &message), 0);
    model_set_destroy(set);
}

// ---- descriptors by hand: circles, depth, kinds, sizes

static leat_schema circle = {
    .size = sizeof(leat_schema), .kind = LEAT_OBJECT, .name = "Circle", .bytes = 64, .null_off = 8, .file = "test_model.c", .line = 50};

static void test_a_schema_that_holds_itself_is_refused(void **state) {
    (void)state;
    static leat_field field = {.size = sizeof(leat_field), .off = 16, .name = "inner", .type = &circle, .line = 51};
    const struct model *model;
    str message = S("");
    circle.fields = &field;
    circle.nfields = 1;
    int error = compile(&circle, &model, &message);
    expect_refusal(error, message, "'inner' holds itself");
}

static void test_schemas_are_nested_to_a_limit(void **state) {
    (void)state;
    enum { DEPTH = 20 };
    static leat_schema schemas[DEPTH];
    static leat_field fields[DEPTH];
    const struct model *model;
    str message = S("");
    for (int i = 0; i < DEPTH; i++) {
        schemas[i] = circle;
        schemas[i].fields = &fields[i];
        schemas[i].nfields = 1;
        fields[i] =
            (leat_field){.size = sizeof(leat_field), .off = 16, .name = "v", .type = i + 1 < DEPTH ? &schemas[i + 1] : &i64__schema};
    }
    int error = compile(&schemas[0], &model, &message);
    expect_refusal(error, message, "'Circle' is nested too deep: at most 12 schemas within each other");
    assert_int_equal(compile(&schemas[DEPTH - 12], &model, &message), 0);
}

static void test_a_kind_that_is_unknown_or_no_value_is_refused(void **state) {
    (void)state;
    leat_schema future = {.size = sizeof(leat_schema), .kind = 99, .name = "Future", .bytes = 8};
    const leat_schema *const types[] = {&future, &Empty__schema, NULL};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        leat_field field = {.size = sizeof(leat_field), .off = 16, .name = "v", .type = types[i], .line = 51};
        leat_schema schema = circle;
        const struct model *model;
        str message = S("");
        schema.fields = &field;
        schema.nfields = 1;
        assert_int_equal(compile(&schema, &model, &message), -EINVAL);
    }
}

// An older plugin's options end earlier: what it lacks is as if it had not been named.
static void test_options_of_an_older_plugin_have_the_defaults_of_what_they_lack(void **state) {
    (void)state;
    i64__opts opts = {
        .size = offsetof(i64__opts, def), .ge = 5, .gt = INT64_MIN, .le = INT64_MAX, .lt = INT64_MAX, .multiple_of = 0, .def = 7};
    leat_field field = {.size = sizeof(leat_field), .off = 16, .name = "v", .type = &i64__schema, .opts = &opts, .line = 51};
    leat_schema schema = circle;
    struct model_set *set;
    const struct model *model;
    str message = S("");
    schema.fields = &field;
    schema.nfields = 1;
    subject_reset();
    assert_int_equal(model_set_create(&set), 0);
    assert_int_equal(model_compile(set, &schema, &subject_arena, &model, &message), 0);
    assert_false(model->members[0].otherwise.is_given);
    assert_int_equal(model->members[0].rule.integer.ge, 5);
    opts.size = offsetof(i64__opts, ge);
    leat_schema older = schema;
    assert_int_equal(model_compile(set, &older, &subject_arena, &model, &message), 0);
    assert_false(model->members[0].rule.integer.has_ge || model->members[0].rule.integer.has_le);
    model_set_destroy(set);
}

// A newer plugin's field descriptors are larger: the host steps over what it does not know.
static void test_fields_of_a_newer_plugin_are_walked_by_their_own_size(void **state) {
    (void)state;
    static const i64__opts any = {.size = sizeof any, .optional = i64__D};
    struct newer_field {
        leat_field known;
        uint64_t more[3];
    } fields[2] = {{{.size = sizeof(struct newer_field), .off = 16, .name = "a", .type = &i64__schema, .opts = &any}, {1, 2, 3}},
                   {{.size = sizeof(struct newer_field), .off = 24, .name = "b", .type = &i64__schema, .opts = &any}, {4, 5, 6}}};
    leat_schema schema = circle;
    schema.fields = &fields[0].known;
    schema.nfields = 2;
    expect_answer("two fields", subject_read(&schema, NULL, S("{\"a\":1,\"b\":2}")), "ok {\"a\":1,\"b\":2}");
}

// ---- parameters

GET("/x/{id}", handler, Empty,
    (path(i64, id), query(i64_list, ids), header(str, x_request_id), header(str, other_name, .alias = "X-Other"), cookie(str, session_id),
     query(str, q, .alias = "Q")),
    .status = 204) {
    (void)id, (void)ids, (void)x_request_id, (void)other_name, (void)session_id, (void)q;
    return NULL;
}

static void test_parameters_have_their_names_on_the_wire(void **state) {
    (void)state;
    static const char *const names[] = {"id", "ids", "x-request-id", "X-Other", "session_id", "Q"};
    struct model_set *set;
    subject_reset();
    assert_int_equal(model_set_create(&set), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct parameter *parameter;
        str message = S("");
        assert_int_equal(parameter_compile(set, &handler__params[i], __FILE__, __LINE__, &subject_arena, &parameter, &message), 0);
        str name = parameter_name(parameter);
        assert_int_equal(name.len, strlen(names[i]));
        assert_memory_equal(name.ptr, names[i], name.len);
    }
    model_set_destroy(set);
}

POST("/y/{ids}", badly, Empty,
     (path(i64_list, ids), query(Good, good), query(i64, n, .le = 1, .def = 2), header(Good_list, goods), cookie(i64_list, many),
      body(i64_list, list, .min_items = 2, .max_items = 1)),
     .status = 204) {
    (void)ids, (void)good, (void)n, (void)goods, (void)many, (void)list;
    return NULL;
}
POST("/z", worse, Empty, (form(i64, f)), .status = 204) {
    (void)f;
    return NULL;
}
GET("/z", worst, Empty, (query_model(Nested, m)), .status = 204) {
    (void)m;
    return NULL;
}

static void test_parameters_that_cannot_be_are_refused(void **state) {
    (void)state;
    static const char *const messages[] = {
        "'ids' cannot be a list: only query and header can",
        "'good' cannot hold a schema: use query_model, form or body",
        "default of 'n' is none of its values: Input should be less than or equal to 1",
        "'goods' cannot hold a schema: use query_model, form or body",
        "'many' cannot be a list: only query and header can",
        "'list' is no parameter of path, query, header or cookie",
    };
    struct model_set *set;
    const struct parameter *parameter;
    const struct model *model;
    str message = S("");
    subject_reset();
    assert_int_equal(model_set_create(&set), 0);
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        int error = parameter_compile(set, &badly__params[i], "test_model.c", 100, &subject_arena, &parameter, &message);
        if (i == 5) // its own rule is judged first
            expect_refusal(error, message, "min_items of 'list' (2) is more than its max_items (1)");
        else
            expect_refusal(error, message, messages[i]);
    }
    expect_refusal(model_compile_body(set, &badly__params[5], "test_model.c", 100, &subject_arena, &model, &message), message,
                   "min_items of 'list' (2) is more than its max_items (1)");
    expect_refusal(model_compile_body(set, &worse__params[0], "test_model.c", 100, &subject_arena, &model, &message), message,
                   "'f' is no schema: a form and a query_model are");
    expect_refusal(model_compile_body(set, &worst__params[0], "test_model.c", 100, &subject_arena, &model, &message), message,
                   "'a' of 'm' is a schema: a form and a query_model are flat");
    model_set_destroy(set);
}

static void test_without_memory_nothing_is_compiled(void **state) {
    (void)state;
    struct arena_pool pool;
    struct arena arena;
    arena_pool_init(&pool, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int error = -ENOMEM;
        for (size_t bytes = 0; error == -ENOMEM; bytes += ARENA_BLOCK_BYTES / 2) {
            struct model_set *set;
            const struct model *model;
            str message;
            assert_int_equal(model_set_create(&set), 0);
            arena_init(&arena, &pool, bytes);
            error = model_compile(set, bad[i].schema, &arena, &model, &message);
            arena_reset(&arena);
            model_set_destroy(set);
        }
        assert_int_equal(error, -EINVAL);
    }
}

int main(void) {
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mistake_is_told_at_the_authors_line),
        cmocka_unit_test(test_a_schema_is_compiled_once_in_a_set),
        cmocka_unit_test(test_a_failed_schema_can_be_tried_again_and_fails_again),
        cmocka_unit_test(test_a_schema_that_holds_itself_is_refused),
        cmocka_unit_test(test_schemas_are_nested_to_a_limit),
        cmocka_unit_test(test_a_kind_that_is_unknown_or_no_value_is_refused),
        cmocka_unit_test(test_options_of_an_older_plugin_have_the_defaults_of_what_they_lack),
        cmocka_unit_test(test_fields_of_a_newer_plugin_are_walked_by_their_own_size),
        cmocka_unit_test(test_parameters_have_their_names_on_the_wire),
        cmocka_unit_test(test_parameters_that_cannot_be_are_refused),
        cmocka_unit_test(test_without_memory_nothing_is_compiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
