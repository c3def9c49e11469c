// test_failure.c — Postgres' errors taken apart, and what a client is answered.
#include <errno.h>
#include <string.h>

#include "arena_fixture.h"
#include "db/failure.h"
#include "world.h"

// as Postgres 15 sends a broken unique constraint
static const char unique[] = "SERROR\0VERROR\0C23505\0Mduplicate key\0DKey (id)=(1) already exists.\0spublic\0trows\0nrows_pkey\0"
                             "Fnbtinsert.c\0L663\0R_bt_check_unique\0";

static void test_error_is_taken_apart(void **state) {
    (void)state;
    struct wire_message message = {'E', unique, sizeof unique};
    struct error_fields fields;
    assert_int_equal(error_read(&message, &fields), 0);
    const struct db_failure *failure = failure_of_error(&fields, &arena);
    assert_string_equal(failure->sqlstate, "23505");
    assert_true(str_eq(failure->message, S("duplicate key")));
    assert_true(str_eq(failure->constraint, S("rows_pkey")) && str_eq(failure->table, S("rows")));
    assert_null(failure->column.ptr);
    assert_false(fields.is_fatal);
    assert_int_equal(failure->error, 0);
}

static void test_error_cut_anywhere_is_refused(void **state) {
    (void)state;
    for (size_t bytes = 0; bytes < sizeof unique; bytes++) {
        struct wire_message message = {'E', unique, bytes};
        struct error_fields fields;
        assert_int_equal(error_read(&message, &fields), -EPROTO);
    }
}

static void test_fatal_and_stale_are_told_apart(void **state) {
    (void)state;
    static const struct {
        str body;
        bool is_fatal, is_stale;
    } cases[] = {
        {S("VFATAL\0C57P01\0Mterminating\0\0"), true, false},
        {S("VPANIC\0CXX000\0Mx\0\0"), true, false},
        {S("VERROR\0C0A000\0Mcached plan must not change result type\0RRevalidateCachedQuery\0\0"), false, true},
        {S("VERROR\0C0A000\0Mnot supported\0Rsomewhere\0\0"), false, false},
        {S("VERROR\0C26000\0Mno such statement\0\0"), false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wire_message message = {'E', cases[i].body.ptr, cases[i].body.len};
        struct error_fields fields;
        assert_int_equal(error_read(&message, &fields), 0);
        assert_int_equal(fields.is_fatal, cases[i].is_fatal);
        assert_int_equal(error_is_stale_statement(&fields), cases[i].is_stale);
    }
}

static void test_sqlstates_are_answered_by_the_table(void **state) {
    (void)state;
    static const struct {
        const char *sqlstate;
        unsigned status;
        bool has_retry;
    } cases[] = {
        {"23505", 409, false}, {"23503", 409, false}, {"23P01", 409, false}, {"23514", 422, false}, {"23502", 422, false},
        {"22001", 422, false}, {"22003", 422, false}, {"22P02", 422, false}, {"22007", 422, false}, {"22008", 422, false},
        {"22021", 422, false}, {"40001", 503, true},  {"40P01", 503, true},  {"55P03", 503, true},  {"57014", 504, false},
        {"53300", 503, true},  {"57P01", 503, true},  {"57P02", 503, true},  {"57P03", 503, true},  {"08006", 503, true},
        {"53100", 503, true},  {"53200", 503, true},  {"25006", 500, false}, {"42P01", 500, false}, {"28000", 500, false},
        {"3D000", 500, false}, {"22012", 500, false}, {"XX000", 500, false}, {"25P02", 500, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct db_failure *failure = failure_of_state(cases[i].sqlstate, &arena, "x");
        unsigned retry = 99;
        unsigned status = db_failure_status(failure, &retry);
        if (status != cases[i].status || (retry != 0) != cases[i].has_retry)
            fail_msg("%s: %u, retry %u", cases[i].sqlstate, status, retry);
    }
}

static void test_our_own_failures_are_answered(void **state) {
    (void)state;
    static const struct {
        int error;
        unsigned status;
        bool has_retry;
    } cases[] = {{-EAGAIN, 503, true},     {-ENOMEM, 503, true},    {-ECANCELED, 503, true},
                 {-ECONNRESET, 503, true}, {-ENOTCONN, 503, true},  {-ETIMEDOUT, 504, false},
                 {-EBADMSG, 500, false},   {-EMSGSIZE, 500, false}, {-EINVAL, 500, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned retry = 99;
        assert_int_equal(db_failure_status(failure_of(cases[i].error, true, &arena, "%d", 1), &retry), cases[i].status);
        assert_int_equal(retry != 0, cases[i].has_retry);
    }
}

static void test_failure_without_memory_says_so(void **state) {
    (void)state;
    struct arena none;
    arena_init(&none, &pool, 0);
    assert_int_equal(failure_of(-EBADMSG, false, &none, "x")->error, -ENOMEM);
    assert_int_equal(failure_of_state("23505", &none, "x")->error, -ENOMEM);
    struct error_fields fields = {.sqlstate = "23505"};
    assert_int_equal(failure_of_error(&fields, &none)->error, -ENOMEM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_set_up, arena_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_error_is_taken_apart),           TEST(test_error_cut_anywhere_is_refused),
        TEST(test_fatal_and_stale_are_told_apart), TEST(test_sqlstates_are_answered_by_the_table),
        TEST(test_our_own_failures_are_answered),  TEST(test_failure_without_memory_says_so),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
