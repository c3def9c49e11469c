// test_contract.c — what breaks a client: two documents, and what is said of them.
#include "cli/contract.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "base/str.h"

static struct findings findings;

static struct contract_place place(void *arg, const char *method, const char *path) {
    (void)arg;
    (void)method;
    return (struct contract_place){"plugins/shop/shop.c", strcmp(path, "/a") == 0 ? 12 : 34};
}

static int compare(const char *before, const char *now) {
    struct contract contract = {.old_name = "old.json", .old_text = str_of(before), .new_text = str_of(now), .place = place};
    assert_int_equal(findings_init(&findings, &arena), 0);
    return contract_compare(&contract, &findings);
}

static const char *with_operation(const char *operation) {
    return arena_format(&arena, "{\"paths\": {\"/a\": {\"post\": %s}}}", operation).ptr;
}

static const char *sent(const char *schema) {
    return with_operation(
        arena_format(&arena, "{\"requestBody\": {\"content\": {\"application/json\": {\"schema\": %s}}}, \"responses\": {}}", schema).ptr);
}

static const char *answered(const char *schema) {
    return with_operation(
        arena_format(&arena, "{\"responses\": {\"200\": {\"content\": {\"application/json\": {\"schema\": %s}}}}}", schema).ptr);
}

// The findings as "level message", one a line.
static const char *said(void) {
    str text = S("");
    static const char *const levels[] = {"note", "warning", "error"};
    for (unsigned i = 0; i < findings.count; i++)
        text = arena_format(&arena, "%s%s%s %s", text.ptr, i ? "\n" : "", levels[findings.items[i].level], findings.items[i].message.ptr);
    return text.ptr;
}

static void expect(const char *(*where)(const char *), const char *before, const char *now, const char *wanted) {
    assert_int_equal(compare(where(before), where(now)), 0);
    assert_string_equal(said(), wanted);
}

static const char *object(const char *properties, const char *required) {
    return arena_format(&arena, "{\"type\": \"object\", \"properties\": {%s}, \"required\": [%s]}", properties, required).ptr;
}

#define FIELD_A "\"a\": {\"type\": \"string\", \"maxLength\": 9}"

static void test_the_same_document_breaks_nothing(void **state) {
    (void)state;
    expect(sent, object(FIELD_A, "\"a\""), object(FIELD_A, "\"a\""), "");
    expect(answered, object(FIELD_A, "\"a\""), object(FIELD_A, "\"a\""), "");
}

static void test_what_is_newly_required_breaks_who_does_not_send_it(void **state) {
    (void)state;
    expect(sent, object("", ""), object(FIELD_A, "\"a\""), "error POST /a: body.a is required, and is new");
    expect(sent, object(FIELD_A, ""), object(FIELD_A, "\"a\""), "error POST /a: body.a is required, and was not");
    expect(sent, object(FIELD_A, "\"a\""), object(FIELD_A, ""), "");
    expect(sent, object("", ""), object(FIELD_A, ""), "");
}

static void test_a_field_that_is_gone_breaks_who_reads_it(void **state) {
    (void)state;
    expect(answered, object(FIELD_A, "\"a\""), object("", ""), "error POST /a: 200.a is gone");
    expect(answered, object(FIELD_A, "\"a\""), object(FIELD_A, ""), "error POST /a: 200.a may be missing");
    expect(answered, object("", ""), object(FIELD_A, "\"a\""), "");
    expect(sent, object(FIELD_A, ""), object("", ""), "warning POST /a: body.a is not looked at any more");
}

static void test_another_type_breaks(void **state) {
    (void)state;
    expect(sent, "{\"type\": \"string\"}", "{\"type\": \"integer\"}", "error POST /a: body is integer, and was string");
    expect(sent, "{\"type\": \"integer\"}", "{\"type\": \"number\"}", "");
    expect(sent, "{\"type\": \"number\"}", "{\"type\": \"integer\"}", "error POST /a: body is integer, and was number");
    expect(answered, "{\"type\": \"integer\"}", "{\"type\": \"number\"}", "error POST /a: 200 is number, and was integer");
    expect(answered, "{\"type\": \"string\"}", "{\"type\": \"string\", \"format\": \"date-time\"}", "");
    expect(answered, "{\"type\": \"string\", \"format\": \"uuid\"}", "{\"type\": \"string\"}",
           "error POST /a: 200 has format none, and had \"uuid\"");
    expect(sent, "{\"type\": \"string\"}", "{\"type\": \"string\", \"format\": \"email\"}",
           "error POST /a: body has format \"email\", and had none");
}

static void test_null_may_be_taken_away_from_answers_and_given_to_bodies(void **state) {
    (void)state;
    const char *nullable = "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"null\"}]}", *plain = "{\"type\": \"string\"}";
    expect(sent, nullable, plain, "error POST /a: body does not take null any more");
    expect(sent, plain, nullable, "");
    expect(answered, plain, nullable, "error POST /a: 200 may be null");
    expect(answered, nullable, plain, "");
    expect(sent, "{\"type\": [\"string\", \"null\"]}", plain, "error POST /a: body does not take null any more");
}

static void test_enumerations_may_only_grow_where_they_are_sent(void **state) {
    (void)state;
    expect(sent, "{\"enum\": [\"x\", \"y\"]}", "{\"enum\": [\"y\"]}", "error POST /a: body does not take \"x\" any more");
    expect(sent, "{\"enum\": [\"y\"]}", "{\"enum\": [\"x\", \"y\"]}", "");
    expect(answered, "{\"enum\": [\"y\"]}", "{\"enum\": [\"x\", \"y\"]}", "warning POST /a: 200 may be \"x\", which no client knows");
}

static void test_bounds_may_only_widen_where_they_are_sent(void **state) {
    (void)state;
    expect(sent, "{\"maxLength\": 9}", "{\"maxLength\": 8}", "error POST /a: body has maxLength 8, and had 9");
    expect(sent, "{\"minimum\": 1}", "{\"minimum\": 2}", "error POST /a: body has minimum 2, and had 1");
    expect(sent, "{}", "{\"pattern\": \"^a\"}", "error POST /a: body has pattern \"^a\", and had none");
    expect(sent, "{}", "{\"maxItems\": 3}", "error POST /a: body has maxItems 3, and had none");
    expect(sent, "{\"maxLength\": 8, \"minimum\": 2, \"pattern\": \"x\"}", "{\"maxLength\": 9, \"minimum\": 1}", "");
    expect(answered, "{\"maxLength\": 9}", "{\"maxLength\": 8}", "");
}

static void test_lists_are_compared_by_what_they_hold(void **state) {
    (void)state;
    expect(answered, "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}",
           "{\"type\": \"array\", \"items\": {\"type\": \"boolean\"}}", "error POST /a: 200[] is boolean, and was string");
}

static void test_references_are_followed_and_one_to_itself_ends(void **state) {
    (void)state;
    static const char pattern[] =
        "{\"paths\": {\"/a\": {\"get\": {\"responses\": {\"200\": {\"content\": {\"application/json\": {\"schema\": "
        "{\"$ref\": \"#/components/schemas/Node\"}}}}}}}}, \"components\": {\"schemas\": {\"Node\": {\"type\": \"object\", "
        "\"properties\": {\"next\": {\"$ref\": \"#/components/schemas/Node\"}%s}}}}}";

    assert_int_equal(compare(arena_format(&arena, pattern, ", \"x\": {}").ptr, arena_format(&arena, pattern, ", \"x\": {}").ptr), 0);
    assert_int_equal(findings.count, 0);
    assert_int_equal(compare(arena_format(&arena, pattern, ", \"x\": {}").ptr, arena_format(&arena, pattern, "").ptr), 0);
    assert_string_equal(said(), "error GET /a: 200.x is gone");
}

static void test_operations_and_answers_that_are_gone(void **state) {
    (void)state;
    const char *before =
        "{\"paths\": {\"/a\": {\"get\": {\"responses\": {\"200\": {}, \"404\": {}}}}, \"/b\": {\"get\": {\"responses\": {}}}}}";

    assert_int_equal(compare(before, "{\"paths\": {\"/a\": {\"get\": {\"responses\": {\"201\": {}}}}}}"), 0);

    assert_string_equal(said(), "error GET /a: 200 is not answered any more\nwarning GET /a: 404 is not answered any more\n"
                                "error GET /b: is not served any more");
    assert_string_equal(findings.items[0].file, "plugins/shop/shop.c");
    assert_int_equal(findings.items[0].line, 12);
    assert_string_equal(findings.items[2].file, "old.json");
}

static void test_a_parameter_of_a_path_may_be_called_otherwise(void **state) {
    (void)state;
    assert_int_equal(compare("{\"paths\": {\"/u/{user_id}/x\": {\"get\": {\"responses\": {}}}}}",
                             "{\"paths\": {\"/u/{id}/x\": {\"get\": {\"responses\": {}}}}}"),
                     0);
    assert_int_equal(findings.count, 0);
}

static void test_parameters_break_by_what_they_newly_want(void **state) {
    (void)state;
    const char *before = with_operation("{\"parameters\": [{\"in\": \"query\", \"name\": \"p\", \"schema\": {\"maximum\": 9}}, "
                                        "{\"in\": \"query\", \"name\": \"q\"}], \"responses\": {}}");
    const char *now =
        with_operation("{\"parameters\": [{\"in\": \"query\", \"name\": \"p\", \"required\": true, \"schema\": {\"maximum\": 8}}, "
                       "{\"in\": \"header\", \"name\": \"q\", \"required\": true}], \"responses\": {}}");

    assert_int_equal(compare(before, now), 0);

    assert_string_equal(said(), "error POST /a: query.p is required, and was not\nerror POST /a: query.p has maximum 8, and had 9\n"
                                "warning POST /a: query.q is not looked at any more\nerror POST /a: header.q is required, and is new");
}

static void test_a_token_that_is_newly_asked_for_breaks(void **state) {
    (void)state;
    const char *open = with_operation("{\"security\": [], \"responses\": {}}");
    const char *closed = with_operation("{\"security\": [{\"bearer\": []}], \"responses\": {}}");

    assert_int_equal(compare(open, closed), 0);
    assert_string_equal(said(), "error POST /a: asks for [{\"bearer\":[]}], and did not ask who it was");
    assert_int_equal(compare(closed, open), 0);
    assert_int_equal(findings.count, 0);
}

static void test_what_is_no_document_is_refused(void **state) {
    (void)state;
    const char *now = with_operation("{}"), *bad[] = {"", "nonsense", "[]", "{\"paths\": 1}", "{}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(compare(bad[i], now), -EINVAL);
        assert_int_equal(findings.error_count, 1);
    }
}

static void test_lines_of_others_are_taken_apart(void **state) {
    (void)state;
    assert_int_equal(findings_init(&findings, &arena), 0);

    findings_add_lines(&findings, S("a/b.c:12: error: no: really\nleat: error: that\nwhatever\n"));

    assert_int_equal(findings.count, 3);
    assert_string_equal(findings.items[0].file, "a/b.c");
    assert_int_equal(findings.items[0].line, 12);
    assert_string_equal(findings.items[0].message.ptr, "no: really");
    assert_string_equal(findings.items[1].file, "leat");
    assert_int_equal(findings.items[1].line, 0);
    assert_string_equal(findings.items[2].message.ptr, "whatever");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_document_breaks_nothing),
        cmocka_unit_test(test_what_is_newly_required_breaks_who_does_not_send_it),
        cmocka_unit_test(test_a_field_that_is_gone_breaks_who_reads_it),
        cmocka_unit_test(test_another_type_breaks),
        cmocka_unit_test(test_null_may_be_taken_away_from_answers_and_given_to_bodies),
        cmocka_unit_test(test_enumerations_may_only_grow_where_they_are_sent),
        cmocka_unit_test(test_bounds_may_only_widen_where_they_are_sent),
        cmocka_unit_test(test_lists_are_compared_by_what_they_hold),
        cmocka_unit_test(test_references_are_followed_and_one_to_itself_ends),
        cmocka_unit_test(test_operations_and_answers_that_are_gone),
        cmocka_unit_test(test_a_parameter_of_a_path_may_be_called_otherwise),
        cmocka_unit_test(test_parameters_break_by_what_they_newly_want),
        cmocka_unit_test(test_a_token_that_is_newly_asked_for_breaks),
        cmocka_unit_test(test_what_is_no_document_is_refused),
        cmocka_unit_test(test_lines_of_others_are_taken_apart),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
