// test_conformance.c — what a document says of values and of paths.
#include <string.h>

#include "testing/conformance.h"
#include "testing/json_view.h"

TEST_PLUGINS();

static const char components[] = J({"components": {"schemas": {
        "Thing": {"type": "object", "required": ["id"], "properties": {
            "id": {"type": "string", "format": "uuid"}, "when": {"type": "string", "format": "date-time"},
            "kind": {"$ref": "#/components/schemas/Kind"}, "more": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}},
        "Kind": {"type": "string", "enum": ["big", "small"]}, "Lost": {"$ref": "#/components/schemas/Nowhere"}}},
       "paths": {"/things": {"get": {"operationId": "list"}}, "/things/{id}": {"get": {"operationId": "one"}},
                 "/things/me": {"get": {"operationId": "me"}}, "/{any}/last": {"delete": {"operationId": "last"}}}});

static struct document document_of(app *a) {
    struct document document = {a, json_view((str){components, strlen(components)})};
    assert_non_null(document.root);
    return document;
}

// NULL: it fits; else words of why not.
static void expect_fit(app *a, const char *schema, const char *json, const char *wanted) {
    struct document document = document_of(a);
    json_t *rule = json_view((str){schema, strlen(schema)}), *value = json_view((str){json, strlen(json)});
    assert_true(rule && value);
    const char *why = document_misfit(&document, rule, value);
    json_decref(rule);
    json_decref(value);
    document_close(&document);
    if (!why != !wanted || (why && !strstr(why, wanted)))
        fail_msg("%s of %s: %s, not %s", json, schema, why ? why : "fits", wanted ? wanted : "a fit");
}

TEST(test_conformance_knows_types) {
    expect_fit(a, J({"type": "string"}), J("x"), NULL);
    expect_fit(a, J({"type": "string"}), J(1), "is no string");
    expect_fit(a, J({"type": "integer"}), J(1), NULL);
    expect_fit(a, J({"type": "integer"}), J(1.5), "is no integer");
    expect_fit(a, J({"type": "number"}), J(1), NULL);
    expect_fit(a, J({"type": "boolean"}), J(true), NULL);
    expect_fit(a, J({"type": "boolean"}), J(null), "is no boolean");
    expect_fit(a, J({}), J([1, "x", null]), NULL);
    expect_fit(a, J({"type": "unheard of"}), J(1), "is no unheard of");
}

TEST(test_conformance_knows_bounds) {
    expect_fit(a, J({"type": "string", "maxLength": 2}), J("é漢"), NULL);
    expect_fit(a, J({"type": "string", "maxLength": 2}), J("abc"), "too long");
    expect_fit(a, J({"type": "string", "minLength": 1}), J(""), "too short");
    expect_fit(a, J({"type": "string", "pattern": "^a+$"}), J("aab"), "pattern");
    expect_fit(a, J({"type": "integer", "minimum": 1, "maximum": 3}), J(3), NULL);
    expect_fit(a, J({"type": "integer", "minimum": 1, "maximum": 3}), J(0), "bounds");
    expect_fit(a, J({"type": "integer", "minimum": 1, "maximum": 3}), J(4), "bounds");
    expect_fit(a, J({"type": "number", "exclusiveMinimum": 1}), J(1), "bounds");
    expect_fit(a, J({"type": "number", "exclusiveMaximum": 1}), J(1), "bounds");
    expect_fit(a, J({"type": "integer", "multipleOf": 5}), J(7), "multiple");
    expect_fit(a, J({"type": "array", "maxItems": 1}), J([1, 2]), "too many");
    expect_fit(a, J({"type": "array", "minItems": 1}), J([]), "too few");
}

TEST(test_conformance_follows_references_and_names_the_place) {
    static const char thing[] = J({"$ref": "#/components/schemas/Thing"});
    expect_fit(a, thing, J({"id": "00000000-0000-4000-8000-000000000000", "when": "2026-11-20T08:32:43.012073Z"}), NULL);
    expect_fit(a, thing, J({}), "lacks 'id'");
    expect_fit(a, thing, J({"id": "42"}), "id: is no UUID");
    expect_fit(a, thing, J({"id": "00000000-0000-4000-8000-000000000000", "when": "yesterday"}), "when: is no date");
    expect_fit(a, thing, J({"id": "00000000-0000-4000-8000-000000000000", "kind": "tiny"}), "kind: is none of its enum");
    expect_fit(a, thing, J({"id": "00000000-0000-4000-8000-000000000000", "more": [{}]}), "more[0]: lacks 'id'");
    expect_fit(a, thing, J({"id": "00000000-0000-4000-8000-000000000000", "password_hash": "x"}), "has 'password_hash'");
    expect_fit(a, J({"$ref": "#/components/schemas/Lost"}), J(1), "does not hold");
}

TEST(test_conformance_takes_any_of_several) {
    expect_fit(a, J({"anyOf": [{"type": "string"}, {"type": "null"}]}), J(null), NULL);
    expect_fit(a, J({"anyOf": [{"type": "string"}, {"type": "null"}]}), J("x"), NULL);
    expect_fit(a, J({"anyOf": [{"type": "string"}, {"type": "null"}]}), J(1), "is no string");
}

static const char *operation_of(const struct document *document, const char *method, const char *path) {
    json_t *operation = document_operation(document, method, path);
    return operation ? json_string_value(json_object_get(operation, "operationId")) : "none";
}

TEST(test_conformance_finds_the_operation_of_a_path) {
    struct document document = document_of(a);
    assert_string_equal(operation_of(&document, "GET", "/things?limit=1"), "list");
    assert_string_equal(operation_of(&document, "GET", "/things/7"), "one");
    assert_string_equal(operation_of(&document, "GET", "/things/me?x=/y"), "me");
    assert_string_equal(operation_of(&document, "DELETE", "/things/last"), "none"); // GET's template is closer
    assert_string_equal(operation_of(&document, "DELETE", "/others/last"), "last");
    assert_string_equal(operation_of(&document, "POST", "/things"), "none");
    assert_string_equal(operation_of(&document, "GET", "/things/"), "none");
    assert_string_equal(operation_of(&document, "GET", "/things/7/8"), "none");
    document_close(&document);
}
