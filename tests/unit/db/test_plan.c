// test_plan.c — descriptions of a server compared with C, arguments encoded, rows decoded.
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena_fixture.h"
#include "base/str.h"
#include "db/bind.h"
#include "db/plan.h"
#include "db/row.h"
#include "world.h"

ENUM(Role, admin, user);
SCHEMA(Row, (i64, id), (str, name, .nullable = true), (Role, role), (f64, price), (timestamp, at));
SCHEMA(Loose, (i64, id), (str, note, .optional = true), (i32, level, .def = 9));
SCHEMA(Text, (str, text));

static struct statement_set *set;

static int set_up(void **state) {
    arena_set_up(state);
    return statement_set_create(&set);
}

static int tear_down(void **state) {
    statement_set_destroy(set);
    return arena_tear_down(state);
}

static const struct statement *statement(const leat_schema *row, unsigned shape, const char *sql, unsigned nargs, const uint8_t *types) {
    leat_query *query = arena_alloc(&arena, sizeof *query);
    *query = (leat_query){.base = {LEAT_ITEM_QUERY, sizeof *query, 83, "users.c"},
                          .sql = sql,
                          .row = row,
                          .shape = (uint16_t)shape,
                          .nargs = (uint16_t)nargs};
    if (nargs)
        memcpy(query->types, types, nargs);
    str message = {0};
    if (statement_set_add(set, query, &arena, &message))
        fail_msg("%s", message.ptr);
    return statement_of(set, query);
}

static struct description *describe(unsigned parameters, const uint32_t *parameter_oids, unsigned columns, const char *const *names,
                                    const uint32_t *oids) {
    struct description *description = arena_alloc(&arena, sizeof *description);
    description->parameter_count = parameters;
    description->column_count = columns;
    for (unsigned i = 0; i < parameters; i++)
        description->parameters[i].oid = parameter_oids[i];
    for (unsigned i = 0; i < columns; i++) {
        description->columns[i].name = str_of(names[i]);
        description->columns[i].oid = oids[i];
    }
    return description;
}

static const struct plan *plan_for(const struct statement *statement_, const struct description *description) {
    const struct plan *plan;
    bool is_new;
    assert_int_equal(plan_of(statement_, description, &plan, &is_new), 0);
    return plan;
}

static void expect_unfit(const struct plan *plan, const char *expected) {
    assert_non_null(plan->unfit.ptr);
    char text[512];
    snprintf(text, sizeof text, "users.c:83: error: %s", expected);
    if (strncmp(plan->unfit.ptr, text, strlen(text)) != 0)
        fail_msg("%s\nis not\n%s", plan->unfit.ptr, text);
}

static const struct plan *one_column(const leat_schema *row, unsigned shape, const char *name, uint32_t oid) {
    return plan_for(statement(row, shape, "SELECT 1", 0, NULL), describe(0, NULL, 1, &name, &oid));
}

static void test_types_fit_as_the_table_says(void **state) {
    (void)state;
    static const struct {
        const leat_schema *type;
        uint32_t oids[8], not [12];
    } cases[] = {
        {&str__schema,
         {OID_TEXT, OID_VARCHAR, OID_BPCHAR, OID_NAME, OID_JSON, OID_JSONB, OID_NUMERIC, 99999},
         {OID_INT4, OID_INT8, OID_BOOL, OID_UUID, OID_TIMESTAMPTZ, OID_FLOAT8, OID_BYTEA}},
        {&i32__schema, {OID_INT4, OID_INT2}, {OID_INT8, OID_TEXT, OID_BOOL, OID_FLOAT8, OID_OID}},
        {&i64__schema, {OID_INT8, OID_INT4, OID_INT2, OID_OID}, {OID_NUMERIC, OID_TEXT, OID_FLOAT8, 99999}},
        {&f64__schema, {OID_FLOAT8, OID_FLOAT4, OID_NUMERIC}, {OID_INT4, OID_TEXT}},
        {&_Bool__schema, {OID_BOOL}, {OID_INT4, OID_TEXT}},
        {&uuid__schema, {OID_UUID}, {OID_TEXT, OID_BYTEA}},
        {&timestamp__schema, {OID_TIMESTAMPTZ, OID_TIMESTAMP}, {OID_DATE, OID_TEXT, OID_INT8}},
        {&json_value__schema, {OID_JSON, OID_JSONB}, {OID_TEXT, OID_INT4}},
        {&Role__schema, {OID_TEXT, OID_VARCHAR, 16500}, {OID_INT4, OID_UUID}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < 8 && cases[i].oids[k]; k++)
            if (one_column(cases[i].type, LEAT_SCALAR, "v", cases[i].oids[k])->unfit.ptr)
                fail_msg("%s is not taken from %u", cases[i].type->name, cases[i].oids[k]);
        for (size_t k = 0; k < 12 && cases[i].not [k]; k++)
            if (!one_column(cases[i].type, LEAT_SCALAR, "v", cases[i].not [k])->unfit.ptr)
                fail_msg("%s is taken from %u", cases[i].type->name, cases[i].not [k]);
    }
}

static void test_misfits_are_named(void **state) {
    (void)state;
    static const char *const names[] = {"id", "text", "text"};
    static const uint32_t oids[] = {OID_UUID, OID_TEXT, OID_TEXT};
    expect_unfit(one_column(&Text__schema, LEAT_ONE, "text", OID_UUID), "column 'text' is uuid in Postgres but Text.text is str (");
    expect_unfit(one_column(&i64__schema, LEAT_SCALAR, "count", OID_TEXT), "column 'count' is text in Postgres but i64 here");
    expect_unfit(one_column(&i64__schema, LEAT_SCALAR, "x", 4242), "column 'x' is of type 4242 in Postgres but i64 here");
    expect_unfit(one_column(&Text__schema, LEAT_ONE, "other", OID_TEXT), "column 'other' of the result is no field of Text");
    const struct statement *text = statement(&Text__schema, LEAT_MANY, "SELECT 1", 0, NULL);
    expect_unfit(plan_for(text, describe(0, NULL, 2, names + 1, oids + 1)), "column 'text' comes twice");
    expect_unfit(plan_for(text, describe(0, NULL, 0, NULL, NULL)), "this statement returns no rows: RETURNING, or db_exec");
    expect_unfit(one_column(&Loose__schema, LEAT_ONE, "level", OID_INT4), "field 'id' of Loose has no column in the result");
    static const uint32_t int4 = OID_INT4, bytea = OID_BYTEA;
    static const uint8_t str_type = LEAT_A_STR;
    const struct statement *takes = statement(NULL, LEAT_EXEC, "SELECT $1", 1, &str_type);
    expect_unfit(plan_for(takes, describe(1, &int4, 0, NULL, NULL)), "$1 is str but Postgres wants int4");
    expect_unfit(plan_for(takes, describe(1, &bytea, 0, NULL, NULL)), "$1 is str but Postgres wants bytea");
}

static void expect_list_unfit(uint8_t type, uint32_t oid, const char *expected) {
    static const char *const texts[] = {"in->ids", NULL};
    const struct statement *taker = statement(NULL, LEAT_EXEC, "SELECT $1", 1, &type);
    ((leat_query *)taker->query)->texts = texts;
    expect_unfit(plan_for(taker, describe(1, &oid, 0, NULL, NULL)), expected);
}

static void test_lists_fit_arrays_of_what_their_items_fit(void **state) {
    (void)state;
    expect_list_unfit(LEAT_A_LIST | LEAT_A_I64, OID_TEXT_ARRAY, "$1, in->ids, is i64_list but Postgres wants text[]");
    expect_list_unfit(LEAT_A_LIST | LEAT_A_STR, OID_INT4_ARRAY, "$1, in->ids, is str_list but Postgres wants int4[]");
    expect_list_unfit(LEAT_A_LIST | LEAT_A_I64, OID_INT8, "$1, in->ids, is i64_list but Postgres wants int8");
    expect_list_unfit(LEAT_A_I64, OID_INT8_ARRAY, "$1, in->ids, is i64 but Postgres wants int8[]");
    uint8_t type = LEAT_A_LIST | LEAT_A_STR;
    uint32_t enum_oid = 16500;
    struct description *description = describe(1, &enum_oid, 0, NULL, NULL);
    assert_null(plan_for(statement(NULL, LEAT_EXEC, "SELECT $1", 1, &type), description)->unfit.ptr); // perhaps an array of it
    description->parameters[0].type_name = S("mood");
    expect_unfit(plan_for(statement(NULL, LEAT_EXEC, "SELECT $1", 1, &type), description), "$1 is str_list but Postgres wants mood");
    expect_unfit(one_column(&i64_list__schema, LEAT_SCALAR, "ids", OID_TEXT_ARRAY), "column 'ids' is text[] in Postgres but i64_list here");
    expect_unfit(one_column(&i64_list__schema, LEAT_SCALAR, "ids", OID_INT8), "column 'ids' is int8 in Postgres but i64_list here");
    assert_null(one_column(&i64_list__schema, LEAT_SCALAR, "ids", OID_INT4_ARRAY)->unfit.ptr);
}

static void test_a_description_is_judged_once(void **state) {
    (void)state;
    static const char *const name = "v";
    const struct statement *value = statement(&i64__schema, LEAT_SCALAR, "SELECT 1", 0, NULL);
    const struct plan *first = NULL, *plan;
    bool is_new;
    for (uint32_t i = 0; i < PLANS_MAX; i++) {
        uint32_t oid = i ? 50000 + i : OID_INT8;
        assert_int_equal(plan_of(value, describe(0, NULL, 1, &name, &oid), &plan, &is_new), 0);
        assert_true(is_new);
        first = first ? first : plan;
        assert_int_equal(plan_of(value, describe(0, NULL, 1, &name, &oid), &plan, &is_new), 0);
        assert_false(is_new);
    }
    uint32_t oid = OID_INT8;
    assert_ptr_equal(plan_for(value, describe(0, NULL, 1, &name, &oid)), first);
    oid = OID_INT2;
    assert_int_equal(plan_of(value, describe(0, NULL, 1, &name, &oid), &plan, &is_new), -E2BIG);
}

enum { THREADS = 4, ROUNDS = 200 };

static const struct statement *shared;
static pthread_barrier_t barrier;
static atomic_uint new_count;

static void *describe_often(void *arg) {
    (void)arg;
    struct description *description = calloc(1, sizeof *description);
    description->column_count = 1;
    description->columns[0].name = S("v");
    description->columns[0].oid = OID_INT8;
    pthread_barrier_wait(&barrier);
    const struct plan *plan;
    bool is_new;
    if (plan_of(shared, description, &plan, &is_new) == 0 && is_new)
        new_count++;
    free(description);
    return NULL;
}

static void test_cores_that_describe_at_once_share_one_plan(void **state) {
    (void)state;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int round = 0; round < ROUNDS; round++) {
        shared = statement(&i64__schema, LEAT_SCALAR, "SELECT 1", 0, NULL);
        new_count = 0;
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, describe_often, NULL), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(new_count, 1);
        assert_null(((struct statement *)shared)->plans->next);
    }
    pthread_barrier_destroy(&barrier);
}

static void test_one_format_code_does_where_all_columns_are_alike(void **state) {
    (void)state;
    assert_int_equal(one_column(&i64__schema, LEAT_SCALAR, "v", OID_INT8)->result_format, FORMAT_BINARY);
    assert_int_equal(one_column(&str__schema, LEAT_SCALAR, "v", OID_TEXT)->result_format, FORMAT_TEXT);
    static const char *const names[] = {"id", "name", "role", "price", "at"};
    static const uint32_t binary[] = {OID_INT8, OID_TEXT, OID_VARCHAR, OID_FLOAT8, OID_TIMESTAMPTZ},
                          mixed[] = {OID_INT8, OID_TEXT, 16500, OID_NUMERIC, OID_TIMESTAMPTZ};
    const struct statement *row = statement(&Row__schema, LEAT_ONE, "SELECT 1", 0, NULL);
    const struct plan *plan = plan_for(row, describe(0, NULL, 5, names, binary));
    assert_null(plan->unfit.ptr);
    assert_false(plan->results_differ);
    plan = plan_for(row, describe(0, NULL, 5, names, mixed));
    assert_true(plan->results_differ);
    static const uint8_t formats[] = {1, 1, 0, 0, 1};
    assert_memory_equal(plan->result_formats, formats, 5);
}

// ---- Bind

static void expect_bind(const struct statement *taker, const uint32_t *oids, const leat_arg *args, const char *expected, size_t bytes) {
    const struct plan *plan = plan_for(taker, describe(taker->parameter_count, oids, 0, NULL, NULL));
    assert_null(plan->unfit.ptr);
    const leat_arg *values;
    assert_int_equal(bind_copy(taker, args, &arena, &values), 0);
    struct buffer out = {0};
    unsigned which;
    assert_int_equal(bind_put(&out, "s", plan, values, true, &which), 0);
    size_t head = 5 + 1 + 2, tail = 2 + (WIRE_EXECUTE_BYTES + WIRE_HEAD_BYTES); // the portal and the name; no result formats
    assert_int_equal(buffer_bytes(&out), head + bytes + tail);
    assert_int_equal(wire_u32(buffer_head(&out) + 1), buffer_bytes(&out) - (WIRE_EXECUTE_BYTES + WIRE_HEAD_BYTES) - 1);
    assert_memory_equal(buffer_head(&out) + head, expected, bytes);
    buffer_finish(&out);
}

#define BYTES(literal) literal, sizeof literal - 1

static void test_bind_encodes_each_type(void **state) {
    (void)state;
    static const uint8_t numbers[] = {LEAT_A_I64, LEAT_A_I32, LEAT_A_I64, LEAT_A_F64, LEAT_A_BOOL, LEAT_A_TIME};
    const struct statement *taker = statement(NULL, LEAT_EXEC, "SELECT $1, $2, $3, $4, $5, $6", 6, numbers);
    static const uint32_t oids[] = {OID_INT2, OID_INT8, OID_INT4, OID_FLOAT4, OID_BOOL, OID_TIMESTAMPTZ};
    const leat_arg args[] = {leat_a_i64(-2),  leat_a_i32(7),     leat_a_i64(-1),
                             leat_a_f64(1.5), leat_a_bool(true), leat_a_time((timestamp){POSTGRES_EPOCH_US + 1})};
    expect_bind(taker, oids, args,
                BYTES("\0\1\0\1" // one format for all: binary
                      "\0\6\0\0\0\2\377\376\0\0\0\10\0\0\0\0\0\0\0\7\0\0\0\4\377\377\377\377\0\0\0\4\077\300\0\0\0\0\0\1\1"
                      "\0\0\0\10\0\0\0\0\0\0\0\1"));
}

static void test_bind_encodes_text_and_null(void **state) {
    (void)state;
    static const uint8_t types[] = {LEAT_A_STR, LEAT_A_CSTR, LEAT_A_STR, LEAT_A_CSTR, LEAT_A_F64};
    const struct statement *taker = statement(NULL, LEAT_EXEC, "SELECT $1, $2, $3, $4, $5", 5, types);
    static const uint32_t oids[] = {OID_TEXT, OID_VARCHAR, OID_JSONB, OID_TEXT, OID_NUMERIC};
    const leat_arg args[] = {leat_a_str(S("")), leat_a_cstr("ab"), leat_a_str((str){0}), leat_a_cstr(NULL), leat_a_f64(0.5)};
    expect_bind(taker, oids, args,
                BYTES("\0\0" // no codes: all text
                      "\0\5\0\0\0\0\0\0\0\2ab\377\377\377\377\377\377\377\377\0\0\0\0030.5"));
}

static void test_bind_encodes_lists(void **state) {
    (void)state;
    static const uint8_t types[] = {LEAT_A_LIST | LEAT_A_I64, LEAT_A_LIST | LEAT_A_STR, LEAT_A_LIST | LEAT_A_I64};
    const struct statement *taker = statement(NULL, LEAT_EXEC, "SELECT $1, $2, $3", 3, types);
    static const uint32_t oids[] = {OID_INT4_ARRAY, OID_TEXT_ARRAY, OID_INT8_ARRAY};
    const leat_arg args[] = {leat_a_i64_list((i64_list){(i64[]){-1, 2}, 2}), leat_a_str_list((str_list){(str[]){S("ab"), {0}}, 2}),
                             leat_a_i64_list((i64_list){0})};
    expect_bind(taker, oids, args,
                BYTES("\0\1\0\1\0\3" // all binary
                      "\0\0\0\44\0\0\0\1\0\0\0\0\0\0\0\27\0\0\0\2\0\0\0\1\0\0\0\4\377\377\377\377\0\0\0\4\0\0\0\2"
                      "\0\0\0\36\0\0\0\1\0\0\0\0\0\0\0\31\0\0\0\2\0\0\0\1\0\0\0\2ab\377\377\377\377"
                      "\0\0\0\14\0\0\0\0\0\0\0\0\0\0\0\24"));
    static const uint32_t narrow[] = {OID_INT4_ARRAY, OID_TEXT_ARRAY, OID_INT8_ARRAY};
    const struct plan *plan = plan_for(taker, describe(3, narrow, 0, NULL, NULL));
    leat_arg wide[] = {leat_a_i64_list((i64_list){(i64[]){1L << 31}, 1}), args[1], args[2]};
    struct buffer out = {0};
    unsigned which = 9;
    assert_int_equal(bind_put(&out, "s", plan, wide, true, &which), -ERANGE);
    assert_int_equal(which, 0);
    assert_int_equal(buffer_bytes(&out), 0);
    buffer_finish(&out);
}

static void test_bind_mixes_formats(void **state) {
    (void)state;
    static const uint8_t types[] = {LEAT_A_STR, LEAT_A_I32};
    const struct statement *taker = statement(NULL, LEAT_EXEC, "SELECT $1, $2", 2, types);
    static const uint32_t oids[] = {OID_TEXT, OID_INT4};
    const leat_arg args[] = {leat_a_str(S("x")), leat_a_i32(1)};
    expect_bind(taker, oids, args, BYTES("\0\2\0\0\0\1\0\2\0\0\0\1x\0\0\0\4\0\0\0\1"));
}

static void test_bind_refuses_numbers_out_of_range(void **state) {
    (void)state;
    static const struct {
        uint32_t oid;
        i64 fits, not ;
    } cases[] = {
        {OID_INT2, 32767, 32768},  {OID_INT2, -32768, -32769}, {OID_INT4, INT32_MAX, INT32_MAX + 1L}, {OID_INT4, INT32_MIN, INT32_MIN - 1L},
        {OID_OID, UINT32_MAX, -1}, {OID_OID, 0, 1L << 32}};
    static const uint8_t type = LEAT_A_I64;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct plan *plan = plan_for(statement(NULL, LEAT_EXEC, "SELECT $1", 1, &type), describe(1, &cases[i].oid, 0, NULL, NULL));
        struct buffer out = {0};
        unsigned which = 9;
        leat_arg value = leat_a_i64(cases[i].fits);
        assert_int_equal(bind_put(&out, "s", plan, &value, true, &which), 0);
        size_t bytes = buffer_bytes(&out);
        value = leat_a_i64(cases[i].not );
        assert_int_equal(bind_put(&out, "s", plan, &value, true, &which), -ERANGE);
        assert_int_equal(which, 0);
        assert_int_equal(buffer_bytes(&out), bytes); // nothing appended
        buffer_finish(&out);
    }
}

static void test_times_are_written_out_for_types_that_want_text(void **state) {
    (void)state;
    static const struct {
        i64 us;
        const char *text;
    } cases[] = {{0, "1970-01-01 00:00:00.000000+00"},
                 {-1, "1969-12-31 23:59:59.999999+00"},
                 {TIMESTAMP_US_MIN, "0001-01-01 00:00:00.000000+00"},
                 {TIMESTAMP_US_MAX, "9999-12-31 23:59:59.999999+00"},
                 {INT64_C(951782400000000), "2000-02-29 00:00:00.000000+00"}};
    static const uint8_t type = LEAT_A_TIME;
    static const uint32_t date = OID_DATE;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        leat_arg value = leat_a_time((timestamp){cases[i].us});
        char expected[64] = "\0\0\0\1\0\0\0\035";
        memcpy(expected + 8, cases[i].text, 29);
        expect_bind(statement(NULL, LEAT_EXEC, "SELECT $1", 1, &type), &date, &value, expected, 8 + 29);
    }
}

// ---- rows

static const char *const row_names[] = {"id", "name", "role", "price", "at"};
static const uint32_t row_oids[] = {OID_INT8, OID_TEXT, 16500, OID_NUMERIC, OID_TIMESTAMPTZ};
// as Postgres 15 sends (5, 'five', 'user', 12.5, 2000-01-01T00:00:00.000001Z)
#define ROW_BODY "\0\5\0\0\0\10\0\0\0\0\0\0\0\5\0\0\0\4five\0\0\0\4user\0\0\0\00412.5\0\0\0\10\0\0\0\0\0\0\0\1"

static const struct plan *row_plan(void) {
    return plan_for(statement(&Row__schema, LEAT_MANY, "SELECT 1", 0, NULL), describe(0, NULL, 5, row_names, row_oids));
}

static void test_row_is_decoded(void **state) {
    (void)state;
    Row row;
    struct row_fault fault;
    assert_int_equal(row_decode(row_plan(), S(ROW_BODY), &arena, &row, &fault), 0);
    assert_int_equal(row.id, 5);
    assert_true(str_eq(row.name, S("five")) && row.role == Role_user && row.price == 12.5);
    assert_true(row.at.us == POSTGRES_EPOCH_US + 1);
    assert_int_equal(row.set.bits, 31);
    assert_int_equal(row.null.bits, 0);
}

static void test_row_cut_anywhere_is_refused(void **state) {
    (void)state;
    str whole = S(ROW_BODY);
    for (size_t bytes = 0; bytes < whole.len; bytes++) {
        char *exact = test_malloc(bytes ? bytes : 1); // so that a byte too far is seen
        memcpy(exact, whole.ptr, bytes);
        Row row;
        struct row_fault fault;
        assert_int_equal(row_decode(row_plan(), (str){exact, bytes}, &arena, &row, &fault), -EPROTO);
        test_free(exact);
    }
}

static void test_row_with_another_number_of_columns_is_refused(void **state) {
    (void)state;
    Row row;
    struct row_fault fault;
    assert_int_equal(row_decode(row_plan(), (str){"\0\4", 2}, &arena, &row, &fault), -EPROTO);
}

static void test_row_says_which_value_does_not_fit(void **state) {
    (void)state;
    Row row;
    struct row_fault fault;
#define FAULT(body, kind_, name_)                                                                                                          \
    assert_int_equal(row_decode(row_plan(), S(body), &arena, &row, &fault), -EBADMSG);                                                     \
    assert_int_equal(fault.kind, kind_);                                                                                                   \
    assert_string_equal(fault.column->field->name, name_)
    FAULT("\0\5\377\377\377\377\0\0\0\4five\0\0\0\4user\0\0\0\00412.5\0\0\0\10\0\0\0\0\0\0\0\1", ROW_IS_NULL, "id");
    FAULT("\0\5\0\0\0\4\0\0\0\5\0\0\0\4five\0\0\0\4user\0\0\0\00412.5\0\0\0\10\0\0\0\0\0\0\0\1", ROW_VALUE, "id");
    FAULT("\0\5\0\0\0\10\0\0\0\0\0\0\0\5\0\0\0\4five\0\0\0\3use\0\0\0\00412.5\0\0\0\10\0\0\0\0\0\0\0\1", ROW_LABEL, "role");
    FAULT("\0\5\0\0\0\10\0\0\0\0\0\0\0\5\0\0\0\4five\0\0\0\4user\0\0\0\00412x5\0\0\0\10\0\0\0\0\0\0\0\1", ROW_VALUE, "price");
}

static void test_null_sets_its_bit_where_it_may_be(void **state) {
    (void)state;
    Row row;
    struct row_fault fault;
    str body = S("\0\5\0\0\0\10\0\0\0\0\0\0\0\5\377\377\377\377\0\0\0\4user\0\0\0\00412.5\0\0\0\10\0\0\0\0\0\0\0\1");
    assert_int_equal(row_decode(row_plan(), body, &arena, &row, &fault), 0);
    assert_true(row.null.name && row.null.bits == 2);
    assert_null(row.name.ptr);
}

static f64 number(str text) {
    char body[4096] = "\0\1\0\0";
    body[4] = (char)(text.len >> 8);
    body[5] = (char)text.len;
    memcpy(body + 6, text.ptr, text.len);
    f64 value = 0;
    struct row_fault fault;
    assert_int_equal(row_decode(one_column(&f64__schema, LEAT_SCALAR, "v", OID_NUMERIC), (str){body, 6 + text.len}, &arena, &value, &fault),
                     0);
    return value;
}

static void test_numerics_are_read_whatever_their_length(void **state) {
    (void)state;
    assert_true(number(S("-0.001")) == -0.001);
    assert_true(isnan(number(S("NaN"))));
    assert_true(number(S("-Infinity")) == -INFINITY);
    char digits[1000];
    memset(digits, '0', sizeof digits);
    digits[1] = '.';
    assert_true(number((str){digits, sizeof digits}) == 0);
    memset(digits, '3', sizeof digits);
    digits[1] = '.';
    assert_true(number((str){digits, sizeof digits}) == 10.0 / 3);
    digits[1] = '3';
    assert_true(number((str){digits, sizeof digits}) == INFINITY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_types_fit_as_the_table_says),
        TEST(test_misfits_are_named),
        TEST(test_lists_fit_arrays_of_what_their_items_fit),
        TEST(test_a_description_is_judged_once),
        TEST(test_cores_that_describe_at_once_share_one_plan),
        TEST(test_one_format_code_does_where_all_columns_are_alike),
        TEST(test_bind_encodes_each_type),
        TEST(test_bind_encodes_text_and_null),
        TEST(test_bind_encodes_lists),
        TEST(test_bind_mixes_formats),
        TEST(test_bind_refuses_numbers_out_of_range),
        TEST(test_times_are_written_out_for_types_that_want_text),
        TEST(test_row_is_decoded),
        TEST(test_row_cut_anywhere_is_refused),
        TEST(test_row_with_another_number_of_columns_is_refused),
        TEST(test_row_says_which_value_does_not_fit),
        TEST(test_null_sets_its_bit_where_it_may_be),
        TEST(test_numerics_are_read_whatever_their_length),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
